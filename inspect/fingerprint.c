/* SPDX-License-Identifier: MIT */
#include "inspect/fingerprint.h"

#include "base/text.h"
#include "inspect/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RANDOM_BYTES = 32,
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_POINT_FORMATS = 11,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
	COUNT_SHOWN_MAX = 99,
	JA4_HASH_DIGITS = 12,
	DECIMAL_MAX = 6, /* "65535-" */
};

/* Numbers of a hello, without GREASE, in the order they were sent. */
struct list {
	uint16_t at[FINGERPRINT_LIST_MAX];
	size_t count;
	bool full;
};

struct offer {
	uint16_t legacy_version, version;
	struct list suites, extensions, groups, formats, signatures;
	struct bytes alpn; /* the first name */
	bool has_name;
	enum hello_carrier carrier;
};

bool
fingerprint_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void
add(struct list *list, uint16_t value)
{
	if (fingerprint_is_grease(value))
		return;
	if (list->count == FINGERPRINT_LIST_MAX)
		list->full = true;
	else
		list->at[list->count++] = value;
}

static void
add_all(struct list *list, struct bytes numbers)
{
	uint16_t value;

	while (bytes_u16(&numbers, &value))
		add(list, value);
}

/* DTLS counts down: 1.0 is 0xfeff, 1.2 is 0xfefd. */
static bool
is_newer(const struct offer *offer, uint16_t version)
{
	return offer->version == 0 || (offer->carrier == HELLO_BY_DTLS ? version < offer->version
								       : version > offer->version);
}

static void
read_versions(struct bytes body, struct offer *offer)
{
	struct bytes list;
	uint16_t version;

	if (!bytes_vec8(&body, &list))
		return;
	offer->version = 0;
	while (bytes_u16(&list, &version)) {
		if (!fingerprint_is_grease(version) && is_newer(offer, version))
			offer->version = version;
	}
}

static void
read_extension(uint16_t type, struct bytes body, struct offer *offer)
{
	struct bytes list;
	uint8_t format;

	switch (type) {
	case EXTENSION_SERVER_NAME:
		offer->has_name = true;
		break;
	case EXTENSION_GROUPS:
		if (bytes_vec16(&body, &list))
			add_all(&offer->groups, list);
		break;
	case EXTENSION_POINT_FORMATS:
		if (bytes_vec8(&body, &list)) {
			while (bytes_u8(&list, &format))
				add(&offer->formats, format);
		}
		break;
	case EXTENSION_SIGNATURES:
		if (bytes_vec16(&body, &list))
			add_all(&offer->signatures, list);
		break;
	case EXTENSION_ALPN:
		if (bytes_vec16(&body, &list))
			(void)bytes_vec8(&list, &offer->alpn);
		break;
	case EXTENSION_VERSIONS:
		read_versions(body, offer);
		break;
	default:
		break;
	}
}

static bool
read_offer(struct bytes body, struct offer *offer)
{
	struct bytes skipped, suites, exts;
	uint16_t type;

	if (!bytes_u16(&body, &offer->legacy_version) ||
	    !bytes_take(&body, RANDOM_BYTES, &skipped) || !bytes_vec8(&body, &skipped) ||
	    (offer->carrier == HELLO_BY_DTLS && !bytes_vec8(&body, &skipped)) ||
	    !bytes_vec16(&body, &suites) || !bytes_vec8(&body, &skipped))
		return false;
	offer->version = offer->legacy_version;
	add_all(&offer->suites, suites);
	if (!bytes_vec16(&body, &exts))
		return true;
	while (bytes_u16(&exts, &type) && bytes_vec16(&exts, &skipped)) {
		add(&offer->extensions, type);
		read_extension(type, skipped, offer);
	}
	return true;
}

static struct bytes
bytes_of(const struct text *text)
{
	return (struct bytes){(const uint8_t *)text->at, text->used};
}

/* ---- JA3 ---- */

/* Digits by hand: printf would be half of a hello's cost. */
static void
write_decimals(struct text *out, const struct list *list)
{
	for (size_t i = 0; i < list->count && out->size - out->used > DECIMAL_MAX; i++) {
		char digits[DECIMAL_MAX];
		size_t at = sizeof(digits);
		unsigned value = list->at[i];

		do
			digits[--at] = (char)('0' + value % 10);
		while ((value /= 10) > 0);
		if (i > 0)
			out->at[out->used++] = '-';
		memcpy(out->at + out->used, digits + at, sizeof(digits) - at);
		out->used += sizeof(digits) - at;
	}
	out->at[out->used] = '\0';
}

static void
write_ja3(const struct offer *offer, char out[FINGERPRINT_JA3_SIZE])
{
	static char line[4 * FINGERPRINT_LIST_MAX * DECIMAL_MAX + 16];
	struct text text = text_in(line, sizeof(line));
	uint8_t digest[HASH_MD5_BYTES];

	text_add(&text, "%u,", offer->legacy_version);
	write_decimals(&text, &offer->suites);
	text_add(&text, ",");
	write_decimals(&text, &offer->extensions);
	text_add(&text, ",");
	write_decimals(&text, &offer->groups);
	text_add(&text, ",");
	write_decimals(&text, &offer->formats);
	if (hash_md5(bytes_of(&text), digest))
		text_hex(out, digest, sizeof(digest));
}

/* ---- JA4 ---- */

static const char *
version_mark(uint16_t version)
{
	switch (version) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0x0002:
		return "s2";
	case 0xfefc:
		return "d3";
	case 0xfefd:
		return "d2";
	case 0xfeff:
		return "d1";
	default:
		return "00";
	}
}

static bool
is_alnum(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z');
}

/* First and last character of the first ALPN name, or of its hex digits. */
static void
write_alpn(struct text *out, struct bytes alpn)
{
	static const char digits[] = "0123456789abcdef";

	if (alpn.left == 0)
		text_add(out, "00");
	else if (is_alnum(alpn.at[0]) && is_alnum(alpn.at[alpn.left - 1]))
		text_add(out, "%c%c", alpn.at[0], alpn.at[alpn.left - 1]);
	else
		text_add(out, "%c%c", digits[alpn.at[0] >> 4], digits[alpn.at[alpn.left - 1] & 15]);
}

static int
compare(const void *a, const void *b)
{
	uint16_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void
write_hex(struct text *out, const struct list *list)
{
	for (size_t i = 0; i < list->count && out->size - out->used > DECIMAL_MAX; i++) {
		const uint8_t bytes[2] = {(uint8_t)(list->at[i] >> 8), (uint8_t)list->at[i]};

		if (i > 0)
			out->at[out->used++] = ',';
		text_hex(out->at + out->used, bytes, sizeof(bytes));
		out->used += 2 * sizeof(bytes);
	}
}

static void
write_hash(struct text *out, const struct text *line)
{
	uint8_t digest[HASH_SHA256_BYTES];
	char hex[JA4_HASH_DIGITS + 1];

	if (line->used == 0 || !hash_sha256(bytes_of(line), digest)) {
		text_add(out, "_000000000000");
		return;
	}
	text_hex(hex, digest, JA4_HASH_DIGITS / 2);
	text_add(out, "_%s", hex);
}

/* Sorted, and without the two that the first part tells of. */
static void
hashed_extensions(const struct list *all, struct list *out)
{
	out->count = 0;
	for (size_t i = 0; i < all->count; i++) {
		if (all->at[i] != EXTENSION_SERVER_NAME && all->at[i] != EXTENSION_ALPN)
			out->at[out->count++] = all->at[i];
	}
	qsort(out->at, out->count, sizeof(out->at[0]), compare);
}

static unsigned
shown(size_t count)
{
	return count > COUNT_SHOWN_MAX ? COUNT_SHOWN_MAX : (unsigned)count;
}

static void
write_ja4(struct offer *offer, char out[FINGERPRINT_JA4_SIZE])
{
	static char line[2 * FINGERPRINT_LIST_MAX * DECIMAL_MAX + 16];
	static struct list extensions;
	struct text ja4 = text_in(out, FINGERPRINT_JA4_SIZE);
	struct text text = text_in(line, sizeof(line));

	text_add(&ja4, "%c%s%c%02u%02u", "tqd"[offer->carrier], version_mark(offer->version),
	    offer -> has_name ? 'd' : 'i', shown(offer->suites.count),
	    shown(offer->extensions.count));
	write_alpn(&ja4, offer->alpn);
	qsort(offer->suites.at, offer->suites.count, sizeof(offer->suites.at[0]), compare);
	write_hex(&text, &offer->suites);
	write_hash(&ja4, &text);
	text = text_in(line, sizeof(line));
	hashed_extensions(&offer->extensions, &extensions);
	write_hex(&text, &extensions);
	if (offer->signatures.count > 0)
		text_add(&text, "_");
	write_hex(&text, &offer->signatures);
	write_hash(&ja4, &text);
}

void
fingerprint_hello(struct bytes body, enum hello_carrier carrier, char ja3[FINGERPRINT_JA3_SIZE],
    char ja4[FINGERPRINT_JA4_SIZE])
{
	static struct offer offer; /* a worker reads one hello at a time */

	offer = (struct offer){.carrier = carrier};
	ja3[0] = ja4[0] = '\0';
	if (!read_offer(body, &offer) || offer.suites.full || offer.extensions.full ||
	    offer.groups.full || offer.formats.full || offer.signatures.full)
		return;
	write_ja3(&offer, ja3);
	write_ja4(&offer, ja4);
}
