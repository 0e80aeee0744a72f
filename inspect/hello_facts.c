/* SPDX-License-Identifier: MIT */
#include "inspect/hello_facts.h"

#include "base/text.h"
#include "inspect/fingerprint.h"

#include <string.h>

enum { RANDOM_BYTES = 32 };

enum extension {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_EARLY_DATA = 42,
	EXTENSION_VERSIONS = 43,
	EXTENSION_ECH = 0xfe0d,                 /* RFC 9849 */
	EXTENSION_SERVER_CERTIFICATE_TYPE = 20, /* RFC 7250 */
	EXTENSION_PRE_SHARED_KEY = 41,
};

enum {
	NAME_HOST = 0,
	SIGNATURE_ECDSA_P256 = 0x0403,
	SIGNATURE_RSA_PSS_SHA256 = 0x0804, /* with a key of RSA; 0x0806 is SHA-512's */
	SIGNATURE_RSA_PSS_SHA512 = 0x0806,
	/* Of a signature before TLS 1.3 (RFC 5246 section 7.4.1.4.1): its hash, where 1 is
	 * MD5, and behind it what signs. */
	HASH_SHA1 = 2,
	HASH_SHA512 = 6,
	SIGNS_RSA = 1,
	GROUP_P256 = 23,
	SUITE_FALLBACK = 0x5600, /* RFC 7507 section 2; no suite */
	TLS_1_0 = 0x0301,
	TLS_1_2 = 0x0303,
	TLS_1_3 = 0x0304,
	DTLS_1_0 = 0xfeff,
	DTLS_1_2 = 0xfefd,
};

/* ---- the message ---- */

/* Whether a list of 16-bit numbers holds one. */
static bool
list_has(struct bytes list, uint16_t wanted)
{
	uint16_t value;

	while (bytes_u16(&list, &value)) {
		if (value == wanted)
			return true;
	}
	return false;
}

static bool
is_host_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
}

/* One name (RFC 6066 section 3) in one extension (RFC 8446 section 4.2): where
 * a hello has two, ours need not be the one that the server takes.  A NUL would
 * make it one name to us and another to whoever reads it as a string, so it is
 * written as '?', and called odd.  A name's last dot is no part of it, though
 * some send it: with it a name would be another one than the rules have. */
static bool
read_server_name(struct bytes ext, struct hello_facts *facts)
{
	struct bytes list, name;
	uint8_t type;

	if (facts->sni_present)
		return false;
	facts->sni_present = true;
	if (!bytes_vec16(&ext, &list) || ext.left != 0 || !bytes_u8(&list, &type) ||
	    !bytes_vec16(&list, &name) || list.left != 0)
		return false;
	if (type != NAME_HOST || name.left == 0 || name.left >= FACTS_NAME_MAX) {
		facts->sni_odd = true;
		return true;
	}
	for (size_t dots = 0; name.left > 0 && name.at[name.left - 1] == '.'; dots++) {
		name.left--;
		facts->sni_odd = dots > 0;
	}
	memcpy(facts->sni, name.at, name.left);
	facts->sni[name.left] = '\0';
	for (size_t i = 0; i < name.left; i++) {
		facts->sni_odd = facts->sni_odd || !is_host_byte(name.at[i]);
		if (facts->sni[i] == '\0')
			facts->sni[i] = '?';
	}
	return true;
}

/* Copy whole names only: a list cut inside a name is no list. */
static bool
read_alpn(struct bytes ext, struct hello_facts *facts)
{
	struct bytes list, name;

	if (!bytes_vec16(&ext, &list) || ext.left != 0)
		return false;
	facts->alpn_size = 0;
	while (list.left > 0) {
		if (!bytes_vec8(&list, &name) || name.left == 0)
			return false;
		if (facts->alpn_size + 1 + name.left > FACTS_ALPN_MAX)
			continue;
		facts->alpn[facts->alpn_size] = (uint8_t)name.left;
		memcpy(facts->alpn + facts->alpn_size + 1, name.at, name.left);
		facts->alpn_size = (uint8_t)(facts->alpn_size + 1 + name.left);
	}
	return true;
}

/* A list may hold versions that nobody here knows, as those of drafts: nothing comes
 * of these while it has another.  Those of DTLS are all beyond TLS's. */
static bool
is_higher(uint16_t version, uint16_t than)
{
	bool known = version <= TLS_1_3;

	return known != (than <= TLS_1_3) ? known : version > than;
}

/* What the extensions say about the leaf that the camera can take. */
struct signature_offer {
	bool has_signatures, ecdsa_signature;
	bool rsa_pss;          /* the one of RSA that TLS 1.3 has */
	bool rsa_before_13;    /* another one, by better than SHA-1 */
	bool better_than_sha1; /* one of them is */
	bool has_groups, p256;
	bool raw_keys_only, has_psk;
	bool lists_12;        /* TLS 1.2 is among the versions that are listed */
	uint16_t version_max; /* of TLS; of DTLS the one that it was made after */
};

static bool
read_versions(struct bytes ext, struct hello_facts *facts, struct signature_offer *offer)
{
	struct bytes list;
	uint16_t version;

	if (!bytes_vec8(&ext, &list) || ext.left != 0 || list.left % 2 != 0)
		return false;
	facts->version_max = 0;
	facts->version_min = UINT16_MAX;
	while (bytes_u16(&list, &version)) {
		if (fingerprint_is_grease(version))
			continue;
		if (version == TLS_1_2 || version == DTLS_1_2)
			offer->lists_12 = true;
		if (facts->version_max == 0 || is_higher(version, facts->version_max))
			facts->version_max = version;
		if (version < facts->version_min)
			facts->version_min = version;
	}
	return facts->version_max != 0;
}

/* The version of TLS that one of DTLS was made after (RFC 4347, 6347, 9147). */
static uint16_t
tls_version(uint16_t dtls)
{
	switch (dtls) {
	case 0xfefc:
		return TLS_1_3;
	case DTLS_1_2:
		return TLS_1_2;
	default:
		return TLS_1_0 + 1;
	}
}

static bool
take_list16(struct bytes ext, struct bytes *list)
{
	return bytes_vec16(&ext, list) && ext.left == 0 && list->left % 2 == 0;
}

/* Groups with ML-KEM (RFC 9936 and its drafts' numbers, which devices keep). */
static bool
is_post_quantum(uint16_t group)
{
	static const uint16_t groups[] = {
	    0x0200, 0x0201, 0x0202, /* MLKEM512, 768, 1024 */
	    0x11eb, 0x11ec, 0x11ed, /* with P-256, X25519, P-384 */
	    0x6399, 0x639a,         /* Kyber's drafts, with X25519 and P-256 */
	};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static bool
read_groups(struct bytes ext, struct hello_facts *facts, struct signature_offer *offer)
{
	struct bytes list;
	uint16_t group;

	if (!take_list16(ext, &list))
		return false;
	offer->has_groups = true;
	offer->p256 = list_has(list, GROUP_P256);
	while (bytes_u16(&list, &group))
		facts->post_quantum = facts->post_quantum || is_post_quantum(group);
	return true;
}

static bool
read_signatures(struct bytes ext, struct signature_offer *offer)
{
	struct bytes list;
	uint16_t scheme;

	if (!take_list16(ext, &list))
		return false;
	offer->has_signatures = true;
	offer->ecdsa_signature = list_has(list, SIGNATURE_ECDSA_P256);
	while (bytes_u16(&list, &scheme)) {
		if (scheme >> 8 > HASH_SHA1 && !fingerprint_is_grease(scheme))
			offer->better_than_sha1 = true;
		if (scheme >= SIGNATURE_RSA_PSS_SHA256 && scheme <= SIGNATURE_RSA_PSS_SHA512)
			offer->rsa_pss = true;
		if ((scheme & 0xff) == SIGNS_RSA && scheme >> 8 > HASH_SHA1 &&
		    scheme >> 8 <= HASH_SHA512)
			offer->rsa_before_13 = true;
	}
	return true;
}

/* The types of certificate that it takes from a server; 0 is X.509. */
static bool
read_certificate_types(struct bytes ext, struct signature_offer *offer)
{
	struct bytes list;

	if (!bytes_vec8(&ext, &list) || ext.left != 0 || list.left == 0)
		return false;
	offer->raw_keys_only = memchr(list.at, 0, list.left) == NULL;
	return true;
}

static bool
read_extension(uint16_t type, struct bytes body, struct hello_facts *facts,
    struct signature_offer *offer)
{
	switch ((enum extension)type) {
	case EXTENSION_SERVER_NAME:
		return read_server_name(body, facts);
	case EXTENSION_ALPN:
		return read_alpn(body, facts);
	case EXTENSION_VERSIONS:
		return read_versions(body, facts, offer);
	case EXTENSION_SIGNATURES:
		return read_signatures(body, offer);
	case EXTENSION_GROUPS:
		return read_groups(body, facts, offer);
	case EXTENSION_EARLY_DATA:
		facts->early_data = true;
		return true;
	case EXTENSION_ECH:
		facts->ech = true;
		return true;
	case EXTENSION_SERVER_CERTIFICATE_TYPE:
		return read_certificate_types(body, offer);
	case EXTENSION_PRE_SHARED_KEY:
		offer->has_psk = true;
		return true;
	default:
		return true;
	}
}

static bool
read_extensions(struct bytes exts, struct hello_facts *facts, struct signature_offer *offer)
{
	while (exts.left > 0) {
		struct bytes body;
		uint16_t type;

		if (!bytes_u16(&exts, &type) || !bytes_vec16(&exts, &body))
			return false;
		if (!read_extension(type, body, facts, offer))
			return false;
	}
	return true;
}

/* Suites that authenticate by ECDSA (RFC 8422, RFC 5289, RFC 7251, RFC 7905). */
static bool
has_ecdsa_suite(struct bytes suites)
{
	static const uint16_t ecdsa[] = {0xc02b, 0xc02c, 0xcca9, 0xc023, 0xc024, 0xc009, 0xc00a,
	    0xc0ac, 0xc0ad, 0xc0ae, 0xc0af};

	for (size_t i = 0; i < sizeof(ecdsa) / sizeof(ecdsa[0]); i++) {
		if (list_has(suites, ecdsa[i]))
			return true;
	}
	return false;
}

/* TLS 1.3 names the signature in one place; before it, suite, signature and
 * curve must all allow it, and an absent list allows what it would list. */
static bool
takes_ecdsa_before_13(const struct signature_offer *offer, struct bytes suites)
{
	if (!has_ecdsa_suite(suites) || (offer->has_groups && !offer->p256))
		return false;
	return offer->version_max >= TLS_1_2 ? offer->ecdsa_signature : !offer->has_signatures;
}

static bool
takes_ecdsa(const struct signature_offer *offer, struct bytes suites)
{
	return offer->version_max >= TLS_1_3 ? offer->ecdsa_signature
					     : takes_ecdsa_before_13(offer, suites);
}

struct range {
	uint16_t first, last;
};

static bool
is_in(uint16_t suite, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (suite >= ranges[i].first && suite <= ranges[i].last)
			return true;
	}
	return false;
}

/* Suites that authenticate by RSA, of those that cameras are spoken with by (RFC 5246,
 * 5288, 5289, 6655, 7905, 8422). */
static bool
has_rsa_suite(struct bytes suites)
{
	static const struct range ranges[] = {{0x002f, 0x002f}, {0x0033, 0x0033}, {0x0035, 0x0035},
	    {0x0039, 0x0039}, {0x003c, 0x003d}, {0x0067, 0x0067}, {0x006b, 0x006b},
	    {0x009c, 0x009f}, {0xc013, 0xc014}, {0xc027, 0xc028}, {0xc02f, 0xc030},
	    {0xc09c, 0xc0a3}, {0xcca8, 0xcca8}, {0xccaa, 0xccaa}};
	uint16_t suite;

	while (bytes_u16(&suites, &suite)) {
		if (is_in(suite, ranges, sizeof(ranges) / sizeof(ranges[0])))
			return true;
	}
	return false;
}

/* Suites that authenticate by a pre-shared key (RFC 4279, 4785, 5487, 5489, 6209,
 * 6367, 6655, 7905, 8442), and those that are no suites: RFC 5746, RFC 7507. */
static bool
is_psk_suite(uint16_t suite)
{
	static const struct range ranges[] = {{0x002c, 0x002e}, {0x008a, 0x0095}, {0x00a8, 0x00b9},
	    {0x00ff, 0x00ff}, {0x5600, 0x5600}, {0xc033, 0xc03b}, {0xc064, 0xc065},
	    {0xc06a, 0xc06f}, {0xc08e, 0xc093}, {0xc094, 0xc09b}, {0xc0a4, 0xc0a5},
	    {0xc0a8, 0xc0ab}, {0xccab, 0xccae}, {0xd001, 0xd005}};

	return is_in(suite, ranges, sizeof(ranges) / sizeof(ranges[0])) ||
	       fingerprint_is_grease(suite);
}

/* In TLS 1.3 a camera that names no signature takes no certificate (RFC 8446 section
 * 9.2), and one that names neither of those of our keys (Ed25519 or P-384 alone, or RSA
 * as it was signed by before) none of ours. */
static bool
takes_none_in_13(const struct signature_offer *offer)
{
	return offer->has_signatures ? !offer->ecdsa_signature && !offer->rsa_pss : offer->has_psk;
}

/* Whether it may have TLS 1.3, and one of our certificates in TLS 1.2 alone. */
static bool
takes_one_in_12_alone(const struct signature_offer *offer, struct bytes suites)
{
	return offer->version_max >= TLS_1_3 && takes_none_in_13(offer) && offer->lists_12 &&
	       offer->rsa_before_13 && has_rsa_suite(suites) && !offer->raw_keys_only;
}

/* Whether no certificate of ours is good enough in the newest version that it offers. */
static bool
takes_no_certificate(const struct signature_offer *offer, struct bytes suites)
{
	uint16_t suite;

	if (offer->raw_keys_only)
		return true;
	if (offer->version_max >= TLS_1_3)
		return takes_none_in_13(offer);
	while (bytes_u16(&suites, &suite)) {
		if (!is_psk_suite(suite))
			return false;
	}
	return true;
}

/* What was said of versions; in DTLS the newest is the lowest number. */
static void
settle_versions(enum hello_carrier carrier, bool said, struct hello_facts *facts,
    struct signature_offer *offer)
{
	if (carrier == HELLO_BY_DTLS) {
		uint16_t oldest = said ? facts->version_max : (uint16_t)DTLS_1_0;

		if (said)
			facts->version_max = facts->version_min;
		facts->version_min = oldest;
		offer->version_max = tls_version(facts->version_max);
	} else {
		if (!said)
			facts->version_min = TLS_1_0;
		/* RFC 8446 section 4.2.1: it is one of TLS 1.2, even if it says more. */
		if (!said && facts->version_max > TLS_1_2)
			facts->version_max = TLS_1_2;
		offer->version_max = facts->version_max;
	}
}

/* What is in every hello, and its extensions, if it has any. */
struct parts {
	uint16_t version;
	struct bytes suites, exts;
};

static bool
split(struct bytes body, enum hello_carrier carrier, struct parts *parts)
{
	struct bytes random, session, cookie, compression;

	*parts = (struct parts){0};
	if (!bytes_u16(&body, &parts->version) || !bytes_take(&body, RANDOM_BYTES, &random) ||
	    !bytes_vec8(&body, &session) ||
	    (carrier == HELLO_BY_DTLS && !bytes_vec8(&body, &cookie)) ||
	    !bytes_vec16(&body, &parts->suites) || parts->suites.left % 2 != 0 ||
	    !bytes_vec8(&body, &compression))
		return false;
	/* Up to TLS 1.2 a hello may end here, RFC 5246 section 7.4.1.2. */
	return body.left == 0 || (bytes_vec16(&body, &parts->exts) && body.left == 0);
}

bool
hello_parse_body(struct bytes body, enum hello_carrier carrier, struct hello_facts *facts)
{
	struct signature_offer offer = {0};
	struct bytes suites;
	struct parts parts;

	if (!split(body, carrier, &parts))
		return false;
	suites = parts.suites;
	facts->version_max = parts.version;
	facts->version_min = 0;
	if (!read_extensions(parts.exts, facts, &offer))
		return false;
	settle_versions(carrier, facts->version_min != 0, facts, &offer);
	facts->ecdsa = takes_ecdsa(&offer, suites);
	facts->ecdsa_before_13 = takes_ecdsa_before_13(&offer, suites);
	facts->only_before_13 = takes_one_in_12_alone(&offer, suites);
	facts->no_certificate =
	    suites.left > 0 && !facts->only_before_13 && takes_no_certificate(&offer, suites);
	/* A hello of TLS 1.2 that says nothing of signatures means SHA-1. */
	facts->sha1_only = offer.version_max <= TLS_1_2 && !offer.better_than_sha1;
	facts->fallback = list_has(suites, SUITE_FALLBACK);
	fingerprint_hello(body, carrier, facts->ja3, facts->ja4);
	return true;
}

struct bytes
hello_find_alpn(struct bytes body)
{
	struct bytes ext, list, found = {0};
	struct parts parts;
	uint16_t type;

	if (!split(body, HELLO_BY_TCP, &parts))
		return found;
	while (bytes_u16(&parts.exts, &type) && bytes_vec16(&parts.exts, &ext)) {
		if (type == EXTENSION_ALPN && bytes_vec16(&ext, &list))
			found = list;
	}
	return found;
}

void
hello_facts_set(struct hello_facts *facts, enum hello_kind kind, const char *protocol)
{
	memset(facts, 0, sizeof(*facts));
	facts->kind = kind;
	text_copy(facts->protocol, sizeof(facts->protocol), protocol);
}

void
hello_read_body(struct bytes body, enum hello_carrier carrier, struct hello_facts *facts)
{
	static const char *const protocols[] = {"tls", "quic", "dtls"};

	hello_facts_set(facts, HELLO_TLS, protocols[carrier]);
	if (!hello_parse_body(body, carrier, facts))
		hello_facts_set(facts, HELLO_BROKEN, protocols[carrier]);
}
