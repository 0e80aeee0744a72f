/* SPDX-License-Identifier: MIT */
#include "certs/staple.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <openssl/ocsp.h>
#include <string.h>
#include <time.h>

enum { HOUR_S = 3600, DAY_S = 86400 };

/* A chain, and who else might sign a response. */
static struct pki root, issuer, leaf, other, responder, no_responder, strange_responder;

static struct pki
signed_by(const struct pki *by, const char *purpose)
{
	struct pki_spec spec = pki_server_spec("responder.example");

	spec.purpose = purpose;
	return pki_make(&spec, by);
}

static void
make_chain(void)
{
	root = pki_root("Root");
	issuer = pki_issuer("Issuer", &root);
	leaf = pki_server("cam.example.com", &issuer);
	other = pki_server("cam.example.com", &issuer);
	responder = signed_by(&issuer, "OCSPSigning");
	no_responder = signed_by(&issuer, "serverAuth");
	strange_responder = signed_by(&root, "OCSPSigning");
}

static void
free_chain(void)
{
	pki_free(&root);
	pki_free(&issuer);
	pki_free(&leaf);
	pki_free(&other);
	pki_free(&responder);
	pki_free(&no_responder);
	pki_free(&strange_responder);
}

TestSuite(staple, .init = make_chain, .fini = free_chain);

static int64_t
now_s(void)
{
	return (int64_t)time(NULL);
}

static enum staple
read_at(const struct pki_staple *staple, int64_t at_s, int64_t *until)
{
	size_t size;
	unsigned char *der = pki_staple(staple, &size);
	enum staple ret = staple_read((struct bytes){.at = der, .left = size}, leaf.cert,
	    issuer.cert, at_s, until);

	OPENSSL_free(der);
	return ret;
}

static struct pki_staple
good_one(void)
{
	return (struct pki_staple){.leaf = &leaf,
	    .issuer = &issuer,
	    .status = V_OCSP_CERTSTATUS_GOOD,
	    .from_s = -HOUR_S,
	    .to_s = DAY_S};
}

static enum staple
read_now(const struct pki_staple *staple)
{
	int64_t until;

	return read_at(staple, now_s(), &until);
}

Test(staple, one_by_the_issuer_is_good)
{
	struct pki_staple staple = good_one();
	int64_t until = 0;

	cr_expect_eq(read_at(&staple, now_s(), &until), STAPLE_GOOD);
	cr_expect(until >= now_s() + DAY_S - 60 && until <= now_s() + DAY_S);
	staple.sha256 = true;
	cr_expect_eq(read_now(&staple), STAPLE_GOOD, "named by SHA-256");
}

Test(staple, one_by_the_issuers_responder_is_good_and_by_nobody_elses)
{
	struct pki_staple staple = good_one();

	staple.responder = &responder;
	cr_expect_eq(read_now(&staple), STAPLE_GOOD);
	staple.responder = &no_responder;
	cr_expect_eq(read_now(&staple), STAPLE_INVALID, "the issuer made it no responder");
	staple.responder = &strange_responder;
	cr_expect_eq(read_now(&staple), STAPLE_INVALID, "another issuer's responder");
	staple.responder = &leaf;
	cr_expect_eq(read_now(&staple), STAPLE_INVALID, "the server itself");
	staple.responder = &root;
	cr_expect_eq(read_now(&staple), STAPLE_INVALID, "not the leaf's issuer");
}

Test(staple, what_the_issuer_takes_back_is_revoked_whatever_the_dates)
{
	struct pki_staple staple = good_one();

	staple.status = V_OCSP_CERTSTATUS_REVOKED;
	cr_expect_eq(read_now(&staple), STAPLE_REVOKED);
	staple.from_s = -20 * DAY_S;
	staple.to_s = -10 * DAY_S;
	cr_expect_eq(read_now(&staple), STAPLE_REVOKED);
	staple.responder = &no_responder;
	cr_expect_eq(read_now(&staple), STAPLE_INVALID, "but not when anybody says so");
}

Test(staple, unknown_is_a_word_of_its_own)
{
	struct pki_staple staple = good_one();

	staple.status = V_OCSP_CERTSTATUS_UNKNOWN;
	cr_expect_eq(read_now(&staple), STAPLE_UNKNOWN);
}

Test(staple, it_holds_from_its_first_to_its_last_second_and_five_minutes)
{
	static const struct {
		int from_s, to_s;
		enum staple wanted;
	} rows[] = {
	    {-DAY_S, 100, STAPLE_GOOD},
	    {-DAY_S, -100, STAPLE_GOOD},
	    {-DAY_S, -400, STAPLE_EXPIRED},
	    {200, DAY_S, STAPLE_GOOD},
	    {400, DAY_S, STAPLE_EXPIRED},
	    {-9 * DAY_S, 0, STAPLE_GOOD},
	    {-11 * DAY_S, 0, STAPLE_EXPIRED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pki_staple staple = good_one();

		staple.from_s = rows[i].from_s;
		staple.to_s = rows[i].to_s;
		cr_expect_eq(read_now(&staple), rows[i].wanted, "row %zu", i);
	}
}

Test(staple, one_about_another_certificate_says_nothing)
{
	struct pki_staple staple = good_one();

	staple.leaf = &other;
	cr_expect_eq(read_now(&staple), STAPLE_INVALID);
}

Test(staple, each_prefix_and_each_changed_byte_is_not_good)
{
	struct pki_staple staple = good_one();
	unsigned char *der;
	size_t size, same = 0;
	int64_t until;

	der = pki_staple(&staple, &size);
	for (size_t cut = 0; cut < size; cut++)
		cr_expect_eq(staple_read((struct bytes){.at = der, .left = cut}, leaf.cert,
				 issuer.cert, now_s(), &until),
		    STAPLE_INVALID);
	for (size_t i = 0; i < size; i++) {
		der[i] ^= 0x20;
		/* The responder's certificate beside it is not what is signed, and some
		 * bytes say the same either way. */
		same += staple_read((struct bytes){.at = der, .left = size}, leaf.cert, issuer.cert,
			    now_s(), &until) == STAPLE_GOOD;
		der[i] ^= 0x20;
	}
	cr_expect_lt(same, size / 2);
	OPENSSL_free(der);
}

Test(staple, a_responder_that_is_busy_says_nothing)
{
	OCSP_RESPONSE *busy = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
	unsigned char *der = NULL;
	int size = i2d_OCSP_RESPONSE(busy, &der);
	int64_t until;

	cr_expect_eq(staple_read((struct bytes){.at = der, .left = (size_t)size}, leaf.cert,
			 issuer.cert, now_s(), &until),
	    STAPLE_INVALID);
	OPENSSL_free(der);
	OCSP_RESPONSE_free(busy);
}

/* ---- RFC 7633 ---- */

Test(staple, must_be_there_where_the_certificate_says_so)
{
	static const struct {
		const char *feature;
		bool wanted;
	} rows[] = {
	    {"DER:3003020105", true},
	    {"DER:3006020111020105", true},
	    {"DER:3003020111", false}, /* status_request_v2 alone */
	    {"DER:3000", false},
	    {"DER:0500", true}, /* no list of features: something is asked for */
	    {"DER:30020201", true},
	};

	cr_expect_not(staple_is_required(leaf.cert));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pki_spec spec = pki_server_spec("cam.example.com");
		struct pki made;

		spec.more_oid = "1.3.6.1.5.5.7.1.24";
		spec.more = rows[i].feature;
		made = pki_make(&spec, &issuer);
		cr_expect_eq(staple_is_required(made.cert), rows[i].wanted, "row %zu", i);
		pki_free(&made);
	}
}

Test(staple, what_it_means_for_the_certificate)
{
	cr_expect_eq(staple_errors(STAPLE_NONE, false), 0);
	cr_expect_eq(staple_errors(STAPLE_NONE, true), CERT_NO_STAPLE);
	cr_expect_eq(staple_errors(STAPLE_GOOD, true), 0);
	cr_expect_eq(staple_errors(STAPLE_REVOKED, false), CERT_REVOKED);
	cr_expect_eq(staple_errors(STAPLE_UNKNOWN, false), CERT_BAD_STAPLE);
	cr_expect_eq(staple_errors(STAPLE_EXPIRED, false), CERT_BAD_STAPLE);
	cr_expect_eq(staple_errors(STAPLE_INVALID, true), CERT_BAD_STAPLE);
}
