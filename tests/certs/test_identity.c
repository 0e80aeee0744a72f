/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "certs/identity.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <string.h>

static struct pki issuer, camera, other;

static void
make_keys(void)
{
	issuer = pki_root("Issuer");
	camera = pki_server("camera", &issuer);
	other = pki_server("other", &issuer);
}

static void
free_keys(void)
{
	pki_free(&issuer);
	pki_free(&camera);
	pki_free(&other);
}

TestSuite(identity, .init = make_keys, .fini = free_keys);

static struct bytes
bytes_of(BIO *bio)
{
	char *at;
	size_t count = (size_t)BIO_get_mem_data(bio, &at);

	return (struct bytes){.at = (const uint8_t *)at, .left = count};
}

static BIO *
pem(X509 *one, X509 *two, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (one != NULL)
		cr_assert_eq(PEM_write_bio_X509(bio, one), 1);
	if (two != NULL)
		cr_assert_eq(PEM_write_bio_X509(bio, two), 1);
	if (key != NULL)
		cr_assert_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	return bio;
}

static void
expect_refusal(BIO *cert, BIO *key, const char *words)
{
	struct identity identity;
	struct err err = {0};

	cr_expect_eq(identity_read(&identity, bytes_of(cert), "c.pem", bytes_of(key), "k.pem",
			 &err),
	    -1);
	cr_expect_not_null(strstr(err.text, words), "\"%s\" does not say \"%s\"", err.text, words);
	cr_expect_null(identity.cert);
	BIO_free(cert);
	BIO_free(key);
}

Test(identity, a_pair_is_read_with_its_issuers)
{
	BIO *cert = pem(camera.cert, issuer.cert, NULL), *key = pem(NULL, NULL, camera.key);
	struct identity identity;
	struct err err = {0};

	cr_assert_eq(identity_read(&identity, bytes_of(cert), "c.pem", bytes_of(key), "k.pem",
			 &err),
	    0, "%s", err.text);
	cr_expect_eq(X509_cmp(identity.cert, camera.cert), 0);
	cr_expect_eq(sk_X509_num(identity.chain), 1);
	cr_expect_eq(EVP_PKEY_eq(identity.key, camera.key), 1);
	identity_clear(&identity);
	identity_clear(&identity);
	BIO_free(cert);
	BIO_free(key);
}

Test(identity, both_may_stand_in_one_file)
{
	BIO *both = pem(camera.cert, NULL, camera.key);
	struct identity identity;

	cr_assert_eq(identity_read(&identity, bytes_of(both), "c", bytes_of(both), "c", NULL), 0);
	cr_expect_eq(sk_X509_num(identity.chain), 0);
	identity_clear(&identity);
	BIO_free(both);
}

/* A key that was sealed by a passphrase, as files have it. */
static const char locked_key[] =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiHOoS+yUyGQQICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEPjELCqBRZjFh4AurChccGkEgZBh\n"
    "SV02BOAvsD/UYW01xVWJdMk4HXRbw19BW2DrFuSzySc8X5rD7++5n04vvNZKb+bN\n"
    "4paIJQ+Tpc3yBb9kP8AAaRjX+ZkhZRiohrpuhBsjzexJY2u+DgJlS0WegMr/iEsH\n"
    "Lr9M31j2yBmcymRY0sC3FDXxPiTb+z1dmn7l+0wTDUR45Ui+2vRKDIqBucNnhSk=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

Test(identity, what_is_no_pair_is_refused_by_name)
{
	struct pki_spec spec = pki_server_spec("weak");
	struct pki weak;
	BIO *locked = BIO_new(BIO_s_mem());

	expect_refusal(pem(camera.cert, NULL, NULL), pem(NULL, NULL, other.key),
	    "k.pem is not the key of c.pem");
	expect_refusal(pem(NULL, NULL, camera.key), pem(NULL, NULL, camera.key),
	    "c.pem holds no certificate");
	expect_refusal(pem(camera.cert, NULL, NULL), pem(camera.cert, NULL, NULL),
	    "k.pem holds no private key");
	expect_refusal(pem(NULL, NULL, NULL), pem(NULL, NULL, camera.key), "c.pem is empty");
	expect_refusal(pem(camera.cert, NULL, NULL), pem(NULL, NULL, NULL), "k.pem is empty");
	cr_assert_gt(BIO_puts(locked, locked_key), 0);
	expect_refusal(pem(camera.cert, NULL, NULL), locked, "without a passphrase");
	spec.key = PKI_RSA1024;
	weak = pki_make(&spec, &issuer);
	expect_refusal(pem(weak.cert, NULL, NULL), pem(NULL, NULL, weak.key), "weaker");
	pki_free(&weak);
}

Test(identity, a_chain_that_is_broken_or_endless_is_refused)
{
	BIO *broken = pem(camera.cert, NULL, NULL), *endless = pem(camera.cert, NULL, NULL);

	(void)BIO_puts(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	expect_refusal(broken, pem(NULL, NULL, camera.key), "c.pem: a certificate is broken");
	for (int i = 0; i < 9; i++)
		cr_assert_eq(PEM_write_bio_X509(endless, issuer.cert), 1);
	expect_refusal(endless, pem(NULL, NULL, camera.key), "more than 8 issuers");
}
