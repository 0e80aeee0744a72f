/* SPDX-License-Identifier: MIT */
#include "base/ipc.h"
#include "certs/mint.h"
#include "certs/signer.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/*
 * A worker that was taken over speaks to the signer, and a signer's answer is
 * read.  What comes back is a message; what is minted is never a CA, has the
 * signer's key, and comes again when it is asked for again.
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

static void
do_nothing(void *arg)
{
	(void)arg;
}

static struct signer *
open_signer(void)
{
	struct ca cas[CA_COUNT];
	struct signer *ret;

	for (int i = 0; i < CA_COUNT; i++) {
		cas[i].key = EVP_EC_gen("P-256");
		cas[i].cert = make_authority(cas[i].key);
	}
	ret = signer_new(cas, NULL);
	if (ret == NULL || signer_make_key(ret, do_nothing, NULL, NULL) != 0)
		abort();
	return ret;
}

/* The last one, of whatever kind. */
static struct mint_key key;

static void
expect_no_ca(struct bytes message)
{
	struct mint_answer answer;
	struct minted minted = {0};

	if (!mint_answer_open(message, &answer) || answer.status == MINT_LATER)
		abort();
	if (mint_answer_leaf(&answer, &key, &minted, NULL) != 0)
		return;
	if (X509_check_ca(minted.leaf) != 0 ||
	    (X509_get_key_usage(minted.leaf) & KU_KEY_CERT_SIGN) != 0 ||
	    X509_check_private_key(minted.leaf, minted.key) != 1)
		abort();
	minted_clear(&minted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct signer *signer;
	static uint8_t answer[IPC_MESSAGE_MAX], again[IPC_MESSAGE_MAX];
	struct bytes input = {.at = data, .left = size};
	struct mint_answer read;
	struct minted minted = {0};
	size_t count;

	if (signer == NULL)
		signer = open_signer();
	count = signer_answer(signer, input, answer);
	expect_no_ca((struct bytes){.at = answer, .left = count});
	if (signer_answer(signer, input, again) != count || memcmp(answer, again, count) != 0)
		abort();
	if (mint_answer_open(input, &read))
		(void)mint_answer_leaf(&read, &key, &minted, NULL);
	minted_clear(&minted);
	return 0;
}
