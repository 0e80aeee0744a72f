/* SPDX-License-Identifier: MIT */
#include "certs/staple.h"

#include "certs/certificate.h"
#include "certs/der.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <time.h>

enum {
	SKEW_S = 300,
	/* A response that does not say when the next one comes: as long as the CA/
	 * Browser Forum lets one live (baseline requirements section 4.9.10). */
	AGE_MAX_S = 10 * 86400,
	STATUS_REQUEST = 5, /* RFC 7633 names features by their TLS extension */
};

/* Whether what was said is said by the issuer, or by its responder. */
static bool
is_signed(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_s)
{
	STACK_OF(X509) *helpers = sk_X509_new_null();
	X509_STORE *store = X509_STORE_new();
	bool ret = false;

	if (helpers == NULL || store == NULL || sk_X509_push(helpers, issuer) <= 0 ||
	    X509_STORE_add_cert(store, issuer) != 1)
		goto out;
	/* The issuer was verified with the server's chain: here it is what all
	 * trust begins with, though it may be no root. */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now_s);
	ret = OCSP_basic_verify(basic, helpers, store, OCSP_NOEXPLICIT) == 1;
out:
	sk_X509_free(helpers);
	X509_STORE_free(store);
	return ret;
}

/* The part of it that is about leaf, borrowed from basic; NULL: none. */
static OCSP_SINGLERESP *
find_answer(OCSP_BASICRESP *basic, const X509 *leaf, const X509 *issuer)
{
	const EVP_MD *const digests[] = {EVP_sha1(), EVP_sha256()}; /* RFC 5019 and its successor */
	OCSP_SINGLERESP *found = NULL;

	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]) && found == NULL; i++) {
		OCSP_CERTID *id = OCSP_cert_to_id(digests[i], leaf, issuer);
		int at = id == NULL ? -1 : OCSP_resp_find(basic, id, -1);

		if (at >= 0)
			found = OCSP_resp_get0(basic, at);
		OCSP_CERTID_free(id);
	}
	return found;
}

static enum staple
read_answer(OCSP_SINGLERESP *answer, int64_t now_s, int64_t *until)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	int status = OCSP_single_get0_status(answer, NULL, NULL, &this_update, &next_update);
	int64_t from, to;

	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return STAPLE_REVOKED;
	if (status != V_OCSP_CERTSTATUS_GOOD)
		return STAPLE_UNKNOWN;
	if (!certificate_time(this_update, &from))
		return STAPLE_INVALID;
	if (next_update == NULL)
		to = from + AGE_MAX_S;
	else if (!certificate_time(next_update, &to))
		return STAPLE_INVALID;
	if (now_s < from - SKEW_S || now_s > to + SKEW_S)
		return STAPLE_EXPIRED;
	*until = to;
	return STAPLE_GOOD;
}

enum staple
staple_read(struct bytes response, X509 *leaf, X509 *issuer, int64_t now_s, int64_t *until)
{
	const unsigned char *at = response.at;
	OCSP_RESPONSE *whole = d2i_OCSP_RESPONSE(NULL, &at, (long)response.left);
	OCSP_BASICRESP *basic = NULL;
	OCSP_SINGLERESP *answer;
	enum staple ret = STAPLE_INVALID;

	*until = now_s;
	if (whole == NULL || at != response.at + response.left ||
	    OCSP_response_status(whole) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		goto out;
	basic = OCSP_response_get1_basic(whole);
	if (basic == NULL || !is_signed(basic, issuer, now_s))
		goto out;
	answer = find_answer(basic, leaf, issuer);
	if (answer != NULL)
		ret = read_answer(answer, now_s, until);
out:
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(whole);
	ERR_clear_error(); /* what was wrong is in the answer */
	return ret;
}

bool
staple_is_required(const X509 *leaf)
{
	int at = X509_get_ext_by_NID(leaf, NID_tlsfeature, -1);
	const ASN1_OCTET_STRING *value;
	struct bytes bytes, features, number;

	if (at < 0)
		return false;
	value = X509_EXTENSION_get_data(X509_get_ext(leaf, at));
	bytes = (struct bytes){.at = ASN1_STRING_get0_data(value),
	    .left = (size_t)ASN1_STRING_length(value)};
	/* One that cannot be read asks for something that is not there. */
	if (!der_expect(&bytes, DER_SEQUENCE, &features))
		return true;
	while (features.left > 0) {
		if (!der_expect(&features, DER_INTEGER, &number))
			return true;
		if (number.left == 1 && number.at[0] == STATUS_REQUEST)
			return true;
	}
	return false;
}

uint32_t
staple_errors(enum staple staple, bool required)
{
	switch (staple) {
	case STAPLE_NONE:
		return required ? CERT_NO_STAPLE : 0;
	case STAPLE_GOOD:
		return 0;
	case STAPLE_REVOKED:
		return CERT_REVOKED;
	case STAPLE_UNKNOWN:
	case STAPLE_EXPIRED:
	case STAPLE_INVALID:
		break;
	}
	return CERT_BAD_STAPLE;
}
