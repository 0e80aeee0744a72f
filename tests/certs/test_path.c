/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "certs/verify.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <time.h>

static const char asked[] = "cam.example.com";

/* What is found wrong with a chain, leaf first, where these roots are trusted
 * (the second may be NULL). */
static uint32_t
errors_of(const struct pki *root, const struct pki *second, const struct pki *const *chain,
    size_t count)
{
	X509_STORE *store = pki_store(root);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = {0};
	uint32_t errors;

	cr_assert_eq(addr_parse(&addr, "192.0.2.1", 443, NULL), 0);
	if (second != NULL)
		cr_assert_eq(X509_STORE_add_cert(store, second->cert), 1);
	for (size_t i = 0; i < count; i++)
		(void)sk_X509_push(sent, chain[i]->cert);
	errors = verify_chain(store, sent, asked, &addr, (int64_t)time(NULL));
	sk_X509_free(sent);
	X509_STORE_free(store);
	return errors;
}

#define ERRORS(root, second, ...)                                                                  \
	errors_of(root, second, (const struct pki *[]){__VA_ARGS__},                               \
	    sizeof((const struct pki *[]){__VA_ARGS__}) / sizeof(struct pki *))

/* An issuer's key, certified by this one. */
static struct pki
cross_signed(const char *name, const struct pki *same, const struct pki *issuer)
{
	struct pki_spec spec = pki_issuer_spec(name);

	spec.same_key = same;
	return pki_make(&spec, issuer);
}

Test(path, an_issuer_that_two_certified_leads_to_the_root_that_is_known)
{
	struct pki root = pki_root("Root"), stranger = pki_root("Stranger");
	struct pki known = pki_issuer("Issuer", &root);
	struct pki strange = cross_signed("Issuer", &known, &stranger);
	struct pki leaf = pki_server(asked, &known), other = pki_server("other.example", &known);

	cr_expect_eq(ERRORS(&root, NULL, &leaf, &known, &strange), 0);
	cr_expect_eq(ERRORS(&root, NULL, &leaf, &strange, &known), 0);
	cr_expect_eq(ERRORS(&stranger, NULL, &leaf, &known, &strange), 0);
	cr_expect_eq(ERRORS(&root, NULL, &leaf, &strange, &strange), CERT_UNKNOWN_ISSUER);
	cr_expect_eq(ERRORS(&root, NULL, &other, &strange, &known), CERT_NAME_MISMATCH,
	    "what is wrong with the leaf stays wrong");
	pki_free(&other);
	pki_free(&leaf);
	pki_free(&strange);
	pki_free(&known);
	pki_free(&stranger);
	pki_free(&root);
}

Test(path, of_two_ways_to_a_root_the_one_that_is_good_counts)
{
	struct pki_spec old_spec = pki_root_spec("Old Root");
	struct pki root = pki_root("Root"), old, known, by_old, leaf;

	old_spec.to_days = -1;
	old = pki_make(&old_spec, NULL);
	known = pki_issuer("Issuer", &root);
	by_old = cross_signed("Issuer", &known, &old);
	leaf = pki_server(asked, &known);
	cr_expect_eq(ERRORS(&root, &old, &leaf, &by_old), CERT_EXPIRED | CERT_ISSUER_DATES);
	cr_expect_eq(ERRORS(&root, &old, &leaf, &by_old, &known), 0);
	pki_free(&leaf);
	pki_free(&by_old);
	pki_free(&known);
	pki_free(&old);
	pki_free(&root);
}

/* Each certified by a stranger first. */
Test(path, cross_signed_issuers_may_stand_above_each_other)
{
	struct pki root = pki_root("Root"), stranger = pki_root("Stranger");
	struct pki upper = pki_issuer("Upper", &root);
	struct pki upper_strange = cross_signed("Upper", &upper, &stranger);
	struct pki lower = pki_issuer("Lower", &upper);
	struct pki lower_strange = cross_signed("Lower", &lower, &stranger);
	struct pki leaf = pki_server(asked, &lower);

	cr_expect_eq(ERRORS(&root, NULL, &leaf, &lower_strange, &lower, &upper_strange, &upper), 0);
	pki_free(&leaf);
	pki_free(&lower_strange);
	pki_free(&lower);
	pki_free(&upper_strange);
	pki_free(&upper);
	pki_free(&stranger);
	pki_free(&root);
}

/* Eight strangers certified it: what is tried is bounded. */
Test(path, not_every_way_is_tried)
{
	struct pki root = pki_root("Root"), known = pki_issuer("Issuer", &root);
	struct pki leaf = pki_server(asked, &known), strange[8];
	const struct pki *chain[10] = {&leaf};

	for (size_t i = 0; i < 8; i++) {
		struct pki stranger = pki_root("Stranger");

		strange[i] = cross_signed("Issuer", &known, &stranger);
		chain[i + 1] = &strange[i];
		pki_free(&stranger);
	}
	chain[9] = &known;
	cr_expect_eq(errors_of(&root, NULL, chain, 10), CERT_UNKNOWN_ISSUER);
	cr_expect_eq(ERRORS(&root, NULL, &leaf, &strange[0], &strange[1], &strange[2], &known), 0);
	for (size_t i = 0; i < 8; i++)
		pki_free(&strange[i]);
	pki_free(&leaf);
	pki_free(&known);
	pki_free(&root);
}

/* A way round what is revoked would make it good again. */
Test(path, a_revoked_issuer_is_not_gone_round)
{
	struct pki root = pki_root("Root"), second = pki_root("Second");
	struct pki known = pki_issuer("Issuer", &root);
	struct pki again = cross_signed("Issuer", &known, &second);
	struct pki leaf = pki_server(asked, &known);
	X509_CRL *list = pki_list(&root, known.cert, -1, 7);
	X509_STORE *store = pki_store(&root);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = {0};

	cr_assert_eq(addr_parse(&addr, "192.0.2.1", 443, NULL), 0);
	cr_assert_eq(X509_STORE_add_cert(store, second.cert), 1);
	cr_assert_eq(X509_STORE_add_crl(store, list), 1);
	cr_assert_eq(X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL),
	    1);
	(void)sk_X509_push(sent, leaf.cert);
	(void)sk_X509_push(sent, known.cert);
	(void)sk_X509_push(sent, again.cert);
	cr_expect_eq(verify_chain(store, sent, asked, &addr, (int64_t)time(NULL)), CERT_REVOKED);
	sk_X509_free(sent);
	X509_STORE_free(store);
	X509_CRL_free(list);
	pki_free(&leaf);
	pki_free(&again);
	pki_free(&known);
	pki_free(&second);
	pki_free(&root);
}
