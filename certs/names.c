/* SPDX-License-Identifier: MIT */
#include "certs/names.h"

#include "base/addr.h"
#include "certs/der.h"

#include <string.h>

enum {
	TAG_DNS = 0x82, /* GeneralName [2] IA5String, RFC 5280 appendix A.2 */
	TAG_IP = 0x87,  /* GeneralName [7] OCTET STRING */
	NAME_MAX_BYTES = 253,
	LABEL_MAX_BYTES = 63, /* RFC 1035 section 2.3.4 */
	V4_OFFSET = 12,       /* of the address in its mapped form, base/addr.h */
};

bool
san_open(struct bytes extension, struct bytes *names)
{
	struct bytes body;

	if (!der_expect(&extension, DER_SEQUENCE, &body) || extension.left != 0 || body.left == 0)
		return false;
	*names = body;
	return true;
}

bool
san_next(struct bytes *names, struct san *san)
{
	struct bytes rest = *names;
	struct san found = {.kind = SAN_OTHER};
	uint8_t tag;

	if (!der_take(&rest, &tag, &found.value))
		return false;
	if (tag == TAG_DNS)
		found.kind = SAN_DNS;
	else if (tag == TAG_IP && (found.value.left == 4 || found.value.left == 16))
		found.kind = SAN_IP;
	found.whole = (struct bytes){.at = names->at, .left = names->left - rest.left};
	*san = found;
	*names = rest;
	return true;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool
is_label_byte(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '_';
}

/* Take the bytes up to the next "."; *more says whether there was one. */
static struct bytes
take_label(struct bytes *name, bool *more)
{
	const uint8_t *dot = name->left == 0 ? NULL : memchr(name->at, '.', name->left);
	size_t length = dot == NULL ? name->left : (size_t)(dot - name->at);
	struct bytes label = {.at = name->at, .left = length};

	*more = dot != NULL;
	name->at += length + (*more ? 1 : 0);
	name->left -= length + (*more ? 1 : 0);
	return label;
}

static bool
label_is_valid(struct bytes label)
{
	if (label.left == 0 || label.left > LABEL_MAX_BYTES)
		return false;
	if (label.at[0] == '-' || label.at[label.left - 1] == '-')
		return false;
	for (size_t i = 0; i < label.left; i++) {
		if (!is_label_byte(label.at[i]))
			return false;
	}
	return true;
}

static bool
label_is_number(struct bytes label)
{
	for (size_t i = 0; i < label.left; i++) {
		if (!is_digit(label.at[i]))
			return false;
	}
	return true;
}

bool
name_is_dns(struct bytes name)
{
	struct bytes label = {0};
	size_t labels = 0;
	bool wildcard = false, more = true;

	if (name.left == 0 || name.left > NAME_MAX_BYTES)
		return false;
	while (more) {
		label = take_label(&name, &more);
		labels++;
		if (labels == 1 && label.left == 1 && label.at[0] == '*')
			wildcard = true;
		else if (!label_is_valid(label))
			return false;
	}
	return !label_is_number(label) && (!wildcard || labels >= 3);
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

static bool
same_text(struct bytes a, struct bytes b)
{
	if (a.left != b.left)
		return false;
	for (size_t i = 0; i < a.left; i++) {
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	}
	return true;
}

bool
name_matches(struct bytes pattern, const char *host)
{
	struct bytes name = {.at = (const uint8_t *)host, .left = strlen(host)};
	struct bytes first;
	bool more;

	if (name.left > 0 && name.at[name.left - 1] == '.')
		name.left--;
	if (!name_is_dns(pattern) || !name_is_dns(name) || name.at[0] == '*')
		return false;
	if (pattern.at[0] != '*')
		return same_text(pattern, name);
	(void)take_label(&pattern, &more);
	first = take_label(&name, &more);
	return first.left > 0 && more && same_text(pattern, name);
}

static bool
ip_matches(struct bytes value, const struct addr *addr)
{
	if (addr_is_v4(addr))
		return value.left == 4 && memcmp(value.at, addr->ip + V4_OFFSET, 4) == 0;
	return value.left == 16 && memcmp(value.at, addr->ip, 16) == 0;
}

bool
san_matches(struct bytes extension, const char *host, const struct addr *addr)
{
	struct bytes names;
	struct san san;
	bool found = false;

	if (!san_open(extension, &names))
		return false;
	while (san_next(&names, &san)) {
		if (host[0] != '\0')
			found |= san.kind == SAN_DNS && name_matches(san.value, host);
		else
			found |= san.kind == SAN_IP && ip_matches(san.value, addr);
	}
	return found && names.left == 0;
}
