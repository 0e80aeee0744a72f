/* SPDX-License-Identifier: MIT */
#include "certs/leaf_key.h"

#include "base/err.h"
#include "certs/der.h"

#include <openssl/crypto.h>
#include <openssl/x509.h>
#include <string.h>

bool
leaf_key_id(struct bytes spki, const EVP_MD *sha256, uint8_t out[LEAF_KEY_ID_BYTES])
{
	struct bytes body, algorithm, key;
	uint8_t digest[EVP_MAX_MD_SIZE], unused_bits;

	if (!der_expect(&spki, DER_SEQUENCE, &body) || spki.left != 0 ||
	    !der_expect(&body, DER_SEQUENCE, &algorithm) ||
	    !der_expect(&body, DER_BIT_STRING, &key) || body.left != 0 ||
	    !bytes_u8(&key, &unused_bits) || unused_bits != 0)
		return false;
	if (EVP_Digest(key.at, key.left, digest, NULL, sha256, NULL) != 1)
		return false;
	memcpy(out, digest, LEAF_KEY_ID_BYTES);
	return true;
}

int
leaf_key_open(struct leaf_key *key, EVP_PKEY *pair, const EVP_MD *sha256, struct err *err)
{
	PKCS8_PRIV_KEY_INFO *info = pair != NULL ? EVP_PKEY2PKCS8(pair) : NULL;
	int private_size = -1, spki_size = -1;

	*key = (struct leaf_key){0};
	if (info != NULL) {
		private_size = i2d_PKCS8_PRIV_KEY_INFO(info, &key->private);
		spki_size = i2d_PUBKEY(pair, &key->spki);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	if (private_size > 0)
		key->private_size = (size_t)private_size; /* so that it is wiped */
	if (private_size > 0 && spki_size > 0) {
		key->spki_size = (size_t)spki_size;
		key->rsa = EVP_PKEY_is_a(pair, "RSA") == 1;
		if (leaf_key_id((struct bytes){key->spki, key->spki_size}, sha256, key->id))
			return 0;
	}
	leaf_key_clear(key);
	return err_tls(err, "the leaf key");
}

void
leaf_key_clear(struct leaf_key *key)
{
	OPENSSL_clear_free(key->private, key->private_size);
	OPENSSL_free(key->spki);
	*key = (struct leaf_key){0};
}
