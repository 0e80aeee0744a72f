/* SPDX-License-Identifier: MIT */
#include "certs/path.h"

#include "base/facts.h"
#include "certs/certificate.h"
#include "certs/constraints.h"
#include "certs/interceptors.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

enum {
	DEPTH_MAX = 6,  /* issuers between a leaf and its root; the public web has 4 */
	AUTH_LEVEL = 2, /* 112 bits, SSL_CTX_set_security_level(3) */
	WAYS_MAX = 4,   /* paths that are tried where an issuer was sent more than once */
};

/* What became of one path. */
struct way {
	uint32_t errors;
	int64_t from, to; /* all of its certificates are valid */
};

void
path_params(X509_VERIFY_PARAM *param)
{
	(void)X509_VERIFY_PARAM_set_flags(param,
	    X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_X509_STRICT);
	(void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	/* Our own reading of the subjectAltName decides; this keeps OpenSSL's
	 * name constraints from reading the common name. */
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
}

/* What an error of OpenSSL's says in our terms.  Those with 0 do not count. */
static const struct {
	int code;
	uint32_t error;
} meanings[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CERT_UNKNOWN_ISSUER},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_UNKNOWN_ISSUER},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_UNKNOWN_ISSUER},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERT_UNKNOWN_ISSUER},
    {X509_V_ERR_CERT_UNTRUSTED, CERT_UNKNOWN_ISSUER},
    {X509_V_ERR_CERT_REJECTED, CERT_UNKNOWN_ISSUER},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CERT_SELF_SIGNED},
    {X509_V_ERR_INVALID_PURPOSE, CERT_WRONG_PURPOSE},
    {X509_V_ERR_EE_KEY_TOO_SMALL, CERT_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, CERT_WEAK},
    {X509_V_ERR_CA_MD_TOO_WEAK, CERT_WEAK},
    {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, CERT_WEAK},
    {X509_V_ERR_CERT_REVOKED, CERT_REVOKED},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, CERT_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, CERT_BAD_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, CERT_BAD_SIGNATURE},
    {X509_V_ERR_NO_ISSUER_PUBLIC_KEY, CERT_BAD_SIGNATURE},
    {X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, CERT_BAD_SIGNATURE},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, CERT_BAD_SIGNATURE},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, CERT_CHAIN_TOO_LONG},
    {X509_V_ERR_INVALID_CA, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_INVALID_NON_CA, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_PERMITTED_VIOLATION, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_EXCLUDED_VIOLATION, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_SUBTREE_MINMAX, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_NO_EXPLICIT_POLICY, CERT_BAD_CONSTRAINTS},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, CERT_MALFORMED},
    {X509_V_ERR_INVALID_EXTENSION, CERT_MALFORMED},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, CERT_MALFORMED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, CERT_MALFORMED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, CERT_MALFORMED},
    {X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, CERT_MALFORMED},
    {X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN, CERT_MALFORMED},
    {X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, CERT_MALFORMED},
    {X509_V_ERR_ISSUER_NAME_EMPTY, CERT_MALFORMED},
    {X509_V_ERR_SUBJECT_NAME_EMPTY, CERT_MALFORMED},
    {X509_V_ERR_EMPTY_SUBJECT_ALT_NAME, CERT_MALFORMED},
    {X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL, CERT_MALFORMED},
    {X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY, CERT_MALFORMED},
    {X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3, CERT_MALFORMED},
    {X509_V_ERR_CA_BCONS_NOT_CRITICAL, 0},
    {X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, 0},
    {X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL, 0},
    {X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL, 0},
    {X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER, 0},
    {X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER, 0},
    /* Dates are gone through below, where the last second still counts. */
    {X509_V_ERR_CERT_NOT_YET_VALID, 0},
    {X509_V_ERR_CERT_HAS_EXPIRED, 0},
    /* Lists of revoked certificates are there for some issuers only. */
    {X509_V_ERR_UNABLE_TO_GET_CRL, 0},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, 0},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, 0}, /* or for some of its certificates */
    {X509_V_ERR_CRL_HAS_EXPIRED, CERT_CRL_EXPIRED},
    {X509_V_ERR_CRL_NOT_YET_VALID, CERT_CRL_EXPIRED},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, CERT_CRL_EXPIRED},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, CERT_CRL_EXPIRED},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, CERT_BAD_CRL},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, CERT_BAD_CRL},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, CERT_BAD_CRL},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, CERT_BAD_CRL},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, CERT_BAD_CRL},
};

static uint32_t
meaning_of(int code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].code == code)
			return meanings[i].error;
	}
	return CERT_OTHER;
}

static int
errors_index(void)
{
	static int index = -1;

	if (index < 0)
		index = X509_STORE_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static int
on_error(int good, X509_STORE_CTX *ctx)
{
	uint32_t *errors = X509_STORE_CTX_get_ex_data(ctx, errors_index());

	if (!good)
		*errors |= meaning_of(X509_STORE_CTX_get_error(ctx));
	return 1;
}

uint32_t
path_date_errors(int64_t not_before, int64_t not_after, int64_t at_s)
{
	if (at_s < not_before)
		return CERT_NOT_YET_VALID;
	return at_s > not_after ? CERT_EXPIRED : 0;
}

static uint32_t
date_errors(STACK_OF(X509) * path, int64_t at_s, int64_t *from, int64_t *to)
{
	uint32_t errors = 0;

	*from = INT64_MIN;
	*to = INT64_MAX;
	for (int i = 0; i < sk_X509_num(path); i++) {
		int64_t not_before, not_after;
		uint32_t own;

		if (!certificate_dates(sk_X509_value(path, i), &not_before, &not_after))
			return errors | CERT_MALFORMED;
		own = path_date_errors(not_before, not_after, at_s);
		errors |= own;
		if (own != 0 && i > 0)
			errors |= CERT_ISSUER_DATES;
		if (*from < not_before)
			*from = not_before;
		if (*to > not_after)
			*to = not_after;
	}
	return errors;
}

static uint32_t
check_path(X509_STORE_CTX *ctx, int64_t at_s, int64_t *from, int64_t *to)
{
	uint32_t errors = 0, own;
	STACK_OF(X509) * path;

	if (X509_STORE_CTX_set_ex_data(ctx, errors_index(), &errors) != 1)
		return CERT_OTHER;
	X509_STORE_CTX_set_verify_cb(ctx, on_error);
	if (X509_verify_cert(ctx) <= 0 && errors == 0)
		errors = CERT_OTHER;
	path = X509_STORE_CTX_get0_chain(ctx);
	if (path == NULL || sk_X509_num(path) == 0)
		return errors | CERT_OTHER;
	errors |= date_errors(path, at_s, from, to) | constraint_errors(path);
	for (int i = 0; i < sk_X509_num(path); i++)
		errors |= certificate_key_errors(sk_X509_value(path, i));
	if (interceptors_issued(path))
		errors |= CERT_INTERCEPTED;
	own = certificate_errors(X509_STORE_CTX_get0_cert(ctx));
	if (errors == 0 && sk_X509_num(path) == 1) /* self-made ones often call themselves a CA */
		own &= ~(uint32_t)CERT_WRONG_PURPOSE;
	return errors | own;
}

/* ---- issuers that were certified more than once ---- */

/* The issuer farthest from the leaf that was sent more than once under its
 * name, as its place in sent; -1: none. */
static int
find_twin(STACK_OF(X509) * path, STACK_OF(X509) * sent)
{
	for (int i = sk_X509_num(path) - 1; i > 0; i--) {
		X509 *issuer = sk_X509_value(path, i);
		const X509_NAME *name = X509_get_subject_name(issuer);
		int place = -1;
		bool others = false;

		for (int j = 0; j < sk_X509_num(sent); j++) {
			X509 *one = sk_X509_value(sent, j);

			if (X509_cmp(one, issuer) == 0)
				place = j;
			else if (X509_NAME_cmp(X509_get_subject_name(one), name) == 0)
				others = true;
		}
		if (place >= 0 && others)
			return place;
	}
	return -1;
}

/* Whether these errors are all among those, and fewer. */
static bool
is_better(uint32_t errors, uint32_t than)
{
	return errors != than && (errors & ~than) == 0;
}

/* Check what ctx checks with these issuers and no others; NULL: no memory. */
static X509_STORE_CTX *
check_with(X509_STORE_CTX *ctx, STACK_OF(X509) * sent, int64_t at_s, struct way *way)
{
	X509_STORE_CTX *other = X509_STORE_CTX_new();

	if (other == NULL ||
	    X509_STORE_CTX_init(other, X509_STORE_CTX_get0_store(ctx),
		X509_STORE_CTX_get0_cert(ctx), sent) != 1 ||
	    X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(other),
		X509_STORE_CTX_get0_param(ctx)) != 1) {
		X509_STORE_CTX_free(other);
		return NULL;
	}
	way->errors = check_path(other, at_s, &way->from, &way->to);
	return other;
}

/*
 * OpenSSL follows the first issuer that fits and no other.  One that several have
 * certified (a cross-signed one) may have been sent more than once, and only one
 * of them lead to a root that is trusted here: the others are left out then, one
 * after the other.  What is revoked on one way is not made good by another.
 */
static void
try_other_ways(X509_STORE_CTX *ctx, int64_t at_s, struct way *best)
{
	STACK_OF(X509) *sent = sk_X509_dup(X509_STORE_CTX_get0_untrusted(ctx)), *path;
	X509_STORE_CTX *last = NULL;

	path = X509_STORE_CTX_get0_chain(ctx);
	for (int i = 1; i < WAYS_MAX && sent != NULL && path != NULL; i++) {
		int twin = find_twin(path, sent);
		X509_STORE_CTX *other;
		struct way way = {0};

		if (twin < 0)
			break;
		(void)sk_X509_delete(sent, twin);
		other = check_with(ctx, sent, at_s, &way);
		X509_STORE_CTX_free(last);
		last = other;
		if (other == NULL)
			break;
		path = X509_STORE_CTX_get0_chain(other);
		if (!is_better(way.errors, best->errors))
			continue;
		*best = way;
		X509_STORE_CTX_set0_verified_chain(ctx, X509_STORE_CTX_get1_chain(other));
		if (way.errors == 0)
			break;
	}
	X509_STORE_CTX_free(last);
	sk_X509_free(sent);
}

uint32_t
path_errors(X509_STORE_CTX *ctx, int64_t at_s, int64_t *from, int64_t *to)
{
	struct way best = {0};

	best.errors = check_path(ctx, at_s, &best.from, &best.to);
	if (best.errors != 0 &&
	    (best.errors & (CERT_REVOKED | CERT_CRL_EXPIRED | CERT_BAD_CRL)) == 0)
		try_other_ways(ctx, at_s, &best);
	*from = best.from;
	*to = best.to;
	return best.errors;
}

uint32_t
path_key_usage(X509_STORE_CTX *ctx, uint32_t errors)
{
	if (errors == 0 && sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) == 1)
		return UINT32_MAX;
	return X509_get_key_usage(X509_STORE_CTX_get0_cert(ctx));
}
