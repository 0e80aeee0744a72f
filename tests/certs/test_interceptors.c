/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/err.h"
#include "certs/ca.h"
#include "certs/verify.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

static const char asked[] = "cam.example.com";

/* What is found wrong with leaf, sent with issuer (NULL: alone), under root. */
static uint32_t
errors_of(X509 *root, X509 *leaf, X509 *issuer)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = {0};
	uint32_t errors;

	cr_assert_eq(X509_STORE_add_cert(store, root), 1);
	(void)sk_X509_push(sent, leaf);
	if (issuer != NULL)
		(void)sk_X509_push(sent, issuer);
	errors = verify_chain(store, sent, asked, &addr, (int64_t)time(NULL));
	sk_X509_free(sent);
	X509_STORE_free(store);
	return errors;
}

Test(interceptors, are_told_by_the_name_of_their_authority)
{
	static const struct {
		const char *root, *issuer;
		uint32_t errors;
	} rows[] = {
	    {"Honest Root", "Honest Issuer", 0}, {"FortiGate CA", NULL, CERT_INTERCEPTED},
	    {"DO_NOT_TRUST_FiddlerRoot", NULL, CERT_INTERCEPTED},
	    {"MITMPROXY", NULL, CERT_INTERCEPTED},
	    {"Honest Root", "Zscaler Intermediate Root CA", CERT_INTERCEPTED},
	    {"Zscaler Root CA", "Office Issuer", CERT_INTERCEPTED},
	    {"A root of mitmproxy's", NULL, 0}, /* it begins otherwise */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pki root = pki_root(rows[i].root), issuer = {0}, leaf;

		if (rows[i].issuer != NULL)
			issuer = pki_issuer(rows[i].issuer, &root);
		leaf = pki_server(asked, rows[i].issuer != NULL ? &issuer : &root);
		cr_expect_eq(errors_of(root.cert, leaf.cert, issuer.cert), rows[i].errors,
		    "row %zu", i);
		pki_free(&leaf);
		if (rows[i].issuer != NULL)
			pki_free(&issuer);
		pki_free(&root);
	}
}

/* Whoever is not trusted either: both are said. */
Test(interceptors, are_told_where_their_root_is_unknown)
{
	struct pki root = pki_root("Honest Root"), other = pki_root("mitmproxy");
	struct pki leaf = pki_server(asked, &other);

	cr_expect_eq(errors_of(root.cert, leaf.cert, NULL), CERT_UNKNOWN_ISSUER | CERT_INTERCEPTED);
	pki_free(&leaf);
	pki_free(&other);
	pki_free(&root);
}

/* A vendor of such products has a site of its own, and its box a page. */
Test(interceptors, are_not_who_was_certified)
{
	struct pki root = pki_root("Honest Root");
	struct pki_spec spec = pki_server_spec(asked);
	struct pki leaf;

	spec.common_name = "Fortinet";
	leaf = pki_make(&spec, &root);
	cr_expect_eq(errors_of(root.cert, leaf.cert, NULL), 0);
	pki_free(&leaf);
	leaf = pki_make(&spec, NULL);
	cr_expect_eq(errors_of(root.cert, leaf.cert, NULL) & CERT_INTERCEPTED, 0, "by itself");
	pki_free(&leaf);
	pki_free(&root);
}

Test(interceptors, another_appliance_is_one)
{
	struct err err = {0};
	char dir[256], path[300];
	struct pki own = {0}, leaf;

	scratch_dir(dir, sizeof(dir));
	cr_assert_eq(ca_init(dir, "south-gate", &err), 0, "%s", err.text);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_cert_names[CA_EC]);
	own.cert = ca_cert_load(path, &err);
	cr_assert_not_null(own.cert, "%s", err.text);
	own.key = EVP_EC_gen("P-256"); /* the signature is not what tells it */
	leaf = pki_server(asked, &own);
	cr_expect_neq(errors_of(own.cert, leaf.cert, NULL) & CERT_INTERCEPTED, 0);
	pki_free(&leaf);
	pki_free(&own);
	scratch_remove(dir);
}

Test(interceptors, are_no_flaw_and_no_proof)
{
	struct server_facts server = {.handshake_done = true, .errors = CERT_INTERCEPTED};
	char text[FACTS_TEXT_MAX];

	cr_expect_not(verify_is_bad(&server), "it is the administrator's store that trusts it");
	verify_text(&server, text, sizeof(text));
	cr_expect_str_eq(text, "opened by another proxy on its way");
	server.errors |= CERT_EXPIRED;
	cr_expect(verify_is_bad(&server));
	server.treatment = TREATED_MIRRORED;
	cr_expect_eq(verify_leaf_trust(&server), LEAF_FAITHFUL, "the flaw is copied");
}
