/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "certs/ca.h"
#include "certs/verify.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

static struct bytes
bytes_of(BIO *bio)
{
	char *at;
	size_t count = (size_t)BIO_get_mem_data(bio, &at);

	return (struct bytes){.at = (const uint8_t *)at, .left = count};
}

/* How many roots of a file are trusted, and which one is not. */
static int
trusted(X509 *one, X509 *two, char distrusted[VERIFY_ROOT_MAX])
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct err err = {0};
	X509_STORE *store;
	int count = 0;

	cr_assert_eq(PEM_write_bio_X509(bio, one), 1);
	if (two != NULL)
		cr_assert_eq(PEM_write_bio_X509(bio, two), 1);
	store = verify_store(bytes_of(bio), "roots.pem", &err);
	if (store != NULL)
		count = sk_X509_OBJECT_num(X509_STORE_get0_objects(store));
	else
		cr_expect_not_null(strstr(err.text, "no certificate that is to be trusted"), "%s",
		    err.text);
	if (!verify_distrusts(bytes_of(bio), distrusted))
		distrusted[0] = '\0';
	X509_STORE_free(store);
	BIO_free(bio);
	return count;
}

Test(trust, roots_whose_keys_are_public_are_left_out)
{
	static const char *const names[] = {"Superfish, Inc.", "eDellRoot", "DSDTestProvider"};
	struct pki root = pki_root("Honest Root");
	char distrusted[VERIFY_ROOT_MAX];

	cr_expect_eq(trusted(root.cert, NULL, distrusted), 1);
	cr_expect_str_eq(distrusted, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pki bad = pki_root(names[i]);

		cr_expect_eq(trusted(root.cert, bad.cert, distrusted), 1);
		cr_expect_str_eq(distrusted, names[i]);
		cr_expect_eq(trusted(bad.cert, NULL, distrusted), 0, "nothing is left");
		pki_free(&bad);
	}
	pki_free(&root);
}

/* A leaf of ours that came back as a server's would be believed by itself. */
Test(trust, the_appliances_own_ca_is_left_out)
{
	struct pki root = pki_root("Honest Root");
	char dir[256], path[300], distrusted[VERIFY_ROOT_MAX];
	struct err err = {0};

	scratch_dir(dir, sizeof(dir));
	cr_assert_eq(ca_init(dir, "north-gate", &err), 0, "%s", err.text);
	for (int i = 0; i < CA_COUNT; i++) {
		X509 *own;

		(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_cert_names[i]);
		own = ca_cert_load(path, &err);
		cr_assert_not_null(own, "%s", err.text);
		cr_expect_eq(trusted(own, root.cert, distrusted), 1);
		cr_expect_not_null(strstr(distrusted, "Borderlens CA north-gate"), "%s",
		    distrusted);
		X509_free(own);
	}
	scratch_remove(dir);
	pki_free(&root);
}

Test(trust, a_name_alike_is_no_reason)
{
	struct pki_spec spec = pki_root_spec("Borderlens CA of somebody");
	char distrusted[VERIFY_ROOT_MAX];
	struct pki root = pki_make(&spec, NULL);

	cr_expect_eq(trusted(root.cert, NULL, distrusted), 1, "its organisation is none of ours");
	pki_free(&root);
	spec.common_name = "Superfish, Inc. Root";
	root = pki_make(&spec, NULL);
	cr_expect_eq(trusted(root.cert, NULL, distrusted), 1);
	pki_free(&root);
}
