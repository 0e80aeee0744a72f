/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "certs/ca.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static void
make_dir(void)
{
	scratch_dir(dir, sizeof(dir));
}

static void
remove_dir(void)
{
	scratch_remove(dir);
}

TestSuite(ca, .init = make_dir, .fini = remove_dir);

static const char *
path(const char *name)
{
	static char paths[2][512];
	static int turn;

	turn = !turn;
	(void)snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", dir, name);
	return paths[turn];
}

static void
init(const char *site)
{
	struct err err = {0};

	cr_assert_eq(ca_init(dir, site, &err), 0, "%s", err.text);
}

static void
expect_profile(int kind)
{
	struct ca ca;
	int critical = 0, fd = open(path(ca_cert_names[kind]), O_RDONLY);
	BASIC_CONSTRAINTS *basic;
	char name[200], start[64];

	cr_assert_eq(ca_read(&ca, fd, -1, NULL), 0);
	cr_expect_null(ca.key);
	basic = X509_get_ext_d2i(ca.cert, NID_basic_constraints, &critical, NULL);
	cr_assert_not_null(basic);
	cr_expect_neq(basic->ca, 0);
	cr_expect_eq(ASN1_INTEGER_get(basic->pathlen), 0);
	cr_expect_eq(critical, 1);
	cr_expect_eq(X509_get_key_usage(ca.cert), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	cr_expect_not_null(X509_get0_subject_key_id(ca.cert));
	cr_expect_eq(ASN1_STRING_length(X509_get0_serialNumber(ca.cert)), 16);
	cr_expect_eq(X509_verify(ca.cert, X509_get0_pubkey(ca.cert)), 1);
	(void)X509_NAME_get_text_by_NID(X509_get_subject_name(ca.cert), NID_commonName, name,
	    sizeof(name));
	(void)snprintf(start, sizeof(start), "Borderlens CA north-gate ");
	cr_expect_eq(strncmp(name, start, strlen(start)), 0, "%s", name);
	cr_expect_eq(strlen(name), strlen(start) + 8);
	BASIC_CONSTRAINTS_free(basic);
	ca_clear(&ca);
	(void)close(fd);
}

Test(ca, both_are_made_with_their_profile)
{
	struct stat st;

	init("north-gate");
	for (int kind = 0; kind < CA_COUNT; kind++) {
		expect_profile(kind);
		cr_assert_eq(stat(path(ca_key_names[kind]), &st), 0);
		cr_expect_eq(st.st_mode & 0777, 0600);
		cr_expect_eq(ca_check(path(ca_cert_names[kind]), path(ca_key_names[kind]), NULL),
		    0);
	}
}

static X509 *
load(const char *name)
{
	struct err err = {0};
	X509 *cert = ca_cert_load(path(name), &err);

	cr_assert_not_null(cert, "%s", err.text);
	return cert;
}

Test(ca, what_is_there_stays)
{
	X509 *before, *after;

	init("one");
	before = load("ca.pem");
	init("two");
	after = load("ca.pem");
	cr_expect_eq(X509_cmp(before, after), 0);
	X509_free(before);
	X509_free(after);
}

Test(ca, a_key_that_a_kill_left_alone_gets_its_certificate)
{
	X509 *before, *after;

	init("one");
	before = load("ca.pem");
	cr_assert_eq(unlink(path("ca.pem")), 0);
	scratch_file(dir, ".ca.pem.new", "half", 4);
	init("one");
	after = load("ca.pem");
	cr_expect_eq(EVP_PKEY_eq(X509_get0_pubkey(before), X509_get0_pubkey(after)), 1);
	cr_expect_neq(access(path(".ca.pem.new"), F_OK), 0);
	X509_free(before);
	X509_free(after);
}

/* ca_init fails, says this, and changes nothing. */
static void
expect_refused(const char *words)
{
	struct err err = {0};

	cr_expect_eq(ca_init(dir, "one", &err), -1);
	cr_expect_not_null(strstr(err.text, words), "\"%s\" does not say \"%s\"", err.text, words);
}

Test(ca, a_certificate_without_its_key_is_not_replaced)
{
	X509 *before, *after;

	init("one");
	before = load("ca-rsa.pem");
	cr_assert_eq(unlink(path("ca-rsa.key")), 0);
	expect_refused("without its key");
	after = load("ca-rsa.pem");
	cr_expect_eq(X509_cmp(before, after), 0);
	cr_expect_neq(access(path("ca-rsa.key"), F_OK), 0);
	X509_free(before);
	X509_free(after);
}

Test(ca, a_key_that_others_may_read_is_refused)
{
	static const mode_t modes[] = {0640, 0604, 0660, 0601};

	init("one");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		cr_assert_eq(chmod(path("ca.key"), modes[i]), 0);
		expect_refused("others than its owner");
	}
	cr_assert_eq(chmod(path("ca.key"), 0400), 0);
	init("one");
}

Test(ca, two_boxes_never_share_a_key_or_a_name)
{
	X509 *first, *second;

	init("one");
	first = load("ca.pem");
	cr_assert_eq(unlink(path("ca.pem")), 0);
	cr_assert_eq(unlink(path("ca.key")), 0);
	init("one");
	second = load("ca.pem");
	cr_expect_eq(EVP_PKEY_eq(X509_get0_pubkey(first), X509_get0_pubkey(second)), 0);
	cr_expect_neq(X509_NAME_cmp(X509_get_subject_name(first), X509_get_subject_name(second)),
	    0);
	X509_free(first);
	X509_free(second);
}

Test(ca, a_long_site_name_is_cut_at_a_letter)
{
	char name[200];
	X509 *cert;

	/* 30 letters of two bytes; 41 fit. */
	init("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
	     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
	     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
	cert = load("ca.pem");
	cr_expect_gt(X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name,
			 sizeof(name)),
	    0);
	X509_free(cert);
}

/* Write a pair as files of the configured kind. */
static void
write_pair(X509 *cert, EVP_PKEY *key, const EVP_CIPHER *cipher)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *bytes, secret[] = "secret";
	long size;

	cr_assert_eq(PEM_write_bio_X509(bio, cert), 1);
	size = BIO_get_mem_data(bio, &bytes);
	scratch_file(dir, "own.pem", bytes, (size_t)size);
	(void)BIO_reset(bio);
	cr_assert_eq(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher != NULL ? secret : NULL,
			 cipher != NULL ? 6 : 0, NULL, NULL),
	    1);
	size = BIO_get_mem_data(bio, &bytes);
	scratch_file(dir, "own.key", bytes, (size_t)size);
	cr_assert_eq(chmod(path("own.key"), 0600), 0);
	BIO_free(bio);
}

static void
expect_check(const char *words)
{
	struct err err = {0};
	int ret = ca_check(path("own.pem"), path("own.key"), &err);

	if (words == NULL) {
		cr_expect_eq(ret, 0, "%s", err.text);
		return;
	}
	cr_expect_eq(ret, -1);
	cr_expect_not_null(strstr(err.text, words), "\"%s\" does not say \"%s\"", err.text, words);
}

static void
expect_spec(struct pki_spec spec, const char *words)
{
	struct pki pki = pki_make(&spec, NULL);

	write_pair(pki.cert, pki.key, NULL);
	expect_check(words);
	pki_free(&pki);
}

Test(ca, a_configured_ca_is_checked)
{
	struct pki_spec spec = pki_root_spec("Own CA");
	struct pki_spec bad = spec;

	expect_spec(spec, NULL);
	bad.to_days = -1;
	expect_spec(bad, "expired");
	bad = spec;
	bad.from_days = 1;
	expect_spec(bad, "not valid yet");
	bad = spec;
	bad.basic = "critical,CA:FALSE";
	expect_spec(bad, "not one of a CA");
	bad = spec;
	bad.usage = "critical,digitalSignature";
	expect_spec(bad, "not one of a CA");
	bad = spec;
	bad.key = PKI_RSA1024;
	expect_spec(bad, "weaker");
	bad = spec;
	bad.key = PKI_ED25519;
	expect_spec(bad, "neither EC nor RSA");
	bad = spec;
	bad.key = PKI_P384;
	expect_spec(bad, NULL);
}

Test(ca, files_that_are_no_pair_are_refused)
{
	struct pki one = pki_root("One"), two = pki_root("Two");

	write_pair(one.cert, two.key, NULL);
	expect_check("no pair");
	write_pair(one.cert, one.key, EVP_aes_128_cbc());
	expect_check("without passphrase");
	write_pair(one.cert, one.key, NULL);
	expect_check(NULL);
	scratch_file(dir, "own.key", "nonsense", 8);
	expect_check("no PEM private key");
	cr_assert_eq(unlink(path("own.key")), 0);
	expect_check("own.key");
	cr_assert_eq(mkfifo(path("own.key"), 0600), 0);
	expect_check("no regular file");
	cr_assert_eq(unlink(path("own.key")), 0);
	write_pair(one.cert, one.key, NULL);
	scratch_file(dir, "own.pem", "", 0);
	expect_check("no PEM certificate");
	pki_free(&one);
	pki_free(&two);
}

Test(ca, descriptors_are_read_from_the_start_each_time)
{
	struct pki root = pki_root("Own CA");
	int cert_fd, key_fd;
	struct err err = {0};

	write_pair(root.cert, root.key, NULL);
	cert_fd = open(path("own.pem"), O_RDONLY);
	key_fd = open(path("own.key"), O_RDONLY);
	for (int turn = 0; turn < 2; turn++) {
		struct ca ca = {0};

		cr_expect_eq(ca_read(&ca, cert_fd, key_fd, &err), 0, "%s", err.text);
		cr_expect_eq(EVP_PKEY_eq(ca.key, root.key), 1);
		ca_clear(&ca);
	}
	(void)close(cert_fd);
	(void)close(key_fd);
	pki_free(&root);
}
