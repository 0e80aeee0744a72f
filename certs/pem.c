/* SPDX-License-Identifier: MIT */
#include "certs/pem.h"

#include <openssl/evp.h>

enum { SECURITY_BITS_MIN = 112 };

int
pem_no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

bool
pem_key_is_strong(const EVP_PKEY *key)
{
	return EVP_PKEY_get_security_bits(key) >= SECURITY_BITS_MIN;
}
