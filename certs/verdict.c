/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/text.h"
#include "certs/verify.h"

#include <openssl/ssl.h>

enum { US_PER_S = 1000000 };

static const struct {
	enum cert_error error;
	const char *words;
} sentences[CERT_ERRORS_MAX] = {
    {CERT_REVOKED, "revoked by its issuer"},
    {CERT_BAD_STAPLE, "what it stapled does not say that it is good"},
    {CERT_NO_STAPLE, "nothing stapled, which it must"},
    {CERT_EXPIRED, "expired"},
    {CERT_NOT_YET_VALID, "not valid yet"},
    {CERT_NAME_MISMATCH, "made for another name"},
    {CERT_SELF_SIGNED, "signed by itself"},
    {CERT_UNKNOWN_ISSUER, "issued by an unknown CA"},
    {CERT_BAD_SIGNATURE, "a signature in its chain is wrong"},
    {CERT_WEAK, "a key or a signature in its chain is too weak"},
    {CERT_WRONG_PURPOSE, "not made for a server"},
    {CERT_BAD_CONSTRAINTS, "issued by a CA that may not issue it"},
    {CERT_CHAIN_TOO_LONG, "its chain is too long"},
    {CERT_MALFORMED, "malformed"},
    {CERT_ISSUER_DATES, "its issuer's dates are wrong"},
    {CERT_NAME_UNCHECKED, "nobody said which name it must have"},
    {CERT_INTERCEPTED, "opened by another proxy on its way"},
    {CERT_CRL_EXPIRED, "the list of revoked ones is out of date"},
    {CERT_BAD_CRL, "the list of revoked ones cannot be believed"},
    {CERT_OTHER, "could not be verified"},
};

/* The day of which an error speaks, in seconds since 1970; 0 where it is an
 * issuer's and not the server's own. */
static int64_t
day_of(const struct server_facts *facts, enum cert_error error)
{
	int64_t now_s = (int64_t)(clock_wall_us() / US_PER_S);

	if (error == CERT_EXPIRED && facts->not_after > 0 && facts->not_after < now_s)
		return facts->not_after;
	if (error == CERT_NOT_YET_VALID && facts->not_before > now_s)
		return facts->not_before;
	return 0;
}

void
verify_text(const struct server_facts *facts, char *out, size_t size)
{
	struct text text = text_in(out, size);
	char date[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < CERT_ERRORS_MAX; i++) {
		int64_t day;

		if ((facts->errors & sentences[i].error) == 0)
			continue;
		text_add(&text, "%s%s", text.used > 0 ? "; " : "", sentences[i].words);
		day = day_of(facts, sentences[i].error);
		if (day > 0)
			text_add(&text, " %s", clock_date((uint64_t)day * US_PER_S, date));
	}
}

bool
verify_has_flaw(uint32_t errors)
{
	return (errors & ~(uint32_t)(CERT_NAME_UNCHECKED | CERT_INTERCEPTED)) != 0;
}

bool
verify_is_bad(const struct server_facts *facts)
{
	return !facts->handshake_done || verify_has_flaw(facts->errors);
}

enum leaf_trust
verify_leaf_trust(const struct server_facts *facts)
{
	const uint32_t copied = CERT_EXPIRED | CERT_NOT_YET_VALID | CERT_NAME_MISMATCH |
				CERT_NAME_UNCHECKED | CERT_INTERCEPTED;

	switch (facts->treatment) {
	case TREATED_NONE:
		/* Nothing bad comes so far untreated; if it did, it would not look good. */
		return verify_is_bad(facts) ? LEAF_UNTRUSTED : LEAF_FAITHFUL;
	case TREATED_MIRRORED:
		return (facts->errors & ~copied) == 0 ? LEAF_FAITHFUL : LEAF_UNTRUSTED;
	case TREATED_ACCEPTED:
		break;
	}
	return LEAF_ACCEPTED;
}

uint8_t
verify_alert(const struct server_facts *facts)
{
	if ((facts->errors & CERT_REVOKED) != 0)
		return SSL_AD_CERTIFICATE_REVOKED;
	if ((facts->errors & (CERT_UNKNOWN_ISSUER | CERT_SELF_SIGNED)) != 0)
		return SSL_AD_UNKNOWN_CA;
	if ((facts->errors & (CERT_EXPIRED | CERT_NOT_YET_VALID)) != 0)
		return SSL_AD_CERTIFICATE_EXPIRED;
	return SSL_AD_BAD_CERTIFICATE;
}
