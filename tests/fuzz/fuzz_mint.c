/* SPDX-License-Identifier: MIT */
#include "base/ipc.h"
#include "certs/mint.h"
#include "certs/signer.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

/*
 * A worker that was taken over speaks to the signer, and a signer's answer is
 * read.  What comes back is a message; what is minted is never a CA.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static X509 *
make_authority(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	(void)X509_set_version(cert, X509_VERSION_3);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"fuzz",
	    -1, -1, 0);
	(void)X509_set_issuer_name(cert, name);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	/* From 1970 to 2069, so that most dates can be minted. */
	(void)ASN1_TIME_set(X509_getm_notBefore(cert), 0);
	(void)ASN1_TIME_set(X509_getm_notAfter(cert), 3124137600);
	(void)X509_set_pubkey(cert, key);
	if (X509_sign(cert, key, EVP_sha256()) == 0)
		abort();
	return cert;
}

static struct signer *
open_signer(void)
{
	struct ca cas[CA_COUNT];

	for (int i = 0; i < CA_COUNT; i++) {
		cas[i].key = EVP_EC_gen("P-256");
		cas[i].cert = make_authority(cas[i].key);
	}
	return signer_new(cas, NULL);
}

static void
expect_no_ca(struct bytes answer)
{
	X509 *leaf = NULL;
	uint64_t id;

	if (mint_answer(answer, &id, &leaf, NULL) != 0)
		return;
	if (X509_check_ca(leaf) != 0 || (X509_get_key_usage(leaf) & KU_KEY_CERT_SIGN) != 0)
		abort();
	X509_free(leaf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signer *signer;
	static uint8_t answer[IPC_MESSAGE_MAX];
	struct bytes input = {.at = data, .left = size};
	EVP_PKEY *key = NULL;
	X509 *leaf = NULL;
	uint64_t id;

	if (signer == NULL)
		signer = open_signer();
	if (signer == NULL)
		abort();
	expect_no_ca((struct bytes){.at = answer, .left = signer_answer(signer, input, answer)});
	if (mint_answer(input, &id, &leaf, NULL) == 0)
		X509_free(leaf);
	if (mint_key_answer(input, &id, &key, NULL) == 0)
		EVP_PKEY_free(key);
	return 0;
}
