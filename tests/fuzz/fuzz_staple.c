/* SPDX-License-Identifier: MIT */
#include "certs/staple.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/*
 * What a server staples: any bytes, about a certificate whose issuer has a key
 * that does not change from run to run, so that a seed's signature is right.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* SEC 1's generator of P-256: the key whose private half is 1. */
static const uint8_t point[] = {0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc,
    0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1,
    0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7,
    0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6,
    0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static EVP_PKEY *
fixed_key(void)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;
	BIGNUM *one = BN_new();

	if (one == NULL || BN_one(one) != 1 ||
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
		sizeof(point)) != 1 ||
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, one) != 1)
		abort();
	params = OSSL_PARAM_BLD_to_param(build);
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		abort();
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(one);
	return key;
}

/* The same key for both: only the names and numbers differ. */
static X509 *
make_cert(EVP_PKEY *key, const char *name, long serial)
{
	X509 *cert = X509_new();

	(void)X509_set_version(cert, X509_VERSION_3);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	(void)X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)"issuer", -1, -1, 0);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
	(void)ASN1_TIME_set(X509_getm_notBefore(cert), 0);
	(void)ASN1_TIME_set(X509_getm_notAfter(cert), 3124137600);
	(void)X509_set_pubkey(cert, key);
	if (X509_sign(cert, key, EVP_sha256()) == 0)
		abort();
	return cert;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static X509 *leaf, *issuer;
	enum { NOW_S = 1800000000 };
	enum staple staple;
	int64_t until;

	if (leaf == NULL) {
		EVP_PKEY *key = fixed_key();

		issuer = make_cert(key, "issuer", 1);
		leaf = make_cert(key, "server", 2);
		EVP_PKEY_free(key);
	}
	staple = staple_read((struct bytes){.at = data, .left = size}, leaf, issuer, NOW_S, &until);
	if (staple == STAPLE_NONE || (staple == STAPLE_GOOD && until < NOW_S - 300))
		abort();
	return 0;
}
