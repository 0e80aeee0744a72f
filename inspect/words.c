/* SPDX-License-Identifier: MIT */
#include "inspect/words.h"

#include <string.h>
#include <strings.h>

enum { NUMBER_MAX_SHIFT = 62 };

static struct bytes
slice(struct bytes in, size_t from, size_t to)
{
	return (struct bytes){in.at + from, to - from};
}

bool
words_begin(struct bytes word, const char *literal)
{
	size_t size = strlen(literal);

	return word.left >= size && strncasecmp((const char *)word.at, literal, size) == 0;
}

bool
words_is(struct bytes word, const char *literal)
{
	return word.left == strlen(literal) && words_begin(word, literal);
}

bool
words_hold(struct bytes word, const char *literal)
{
	for (size_t at = 0; at < word.left; at++)
		if (words_begin(slice(word, at, word.left), literal))
			return true;
	return false;
}

bool
words_have(struct bytes word, uint8_t byte)
{
	return word.left > 0 && memchr(word.at, byte, word.left) != NULL;
}

bool
words_until(struct bytes *in, uint8_t end, struct bytes *out)
{
	const uint8_t *at = in->left > 0 ? memchr(in->at, end, in->left) : NULL;
	size_t count = at == NULL ? in->left : (size_t)(at - in->at);

	*out = slice(*in, 0, count);
	*in = slice(*in, at == NULL ? count : count + 1, in->left);
	return at != NULL;
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t';
}

struct bytes
words_trim(struct bytes word)
{
	while (word.left > 0 && is_blank(word.at[0]))
		word = slice(word, 1, word.left);
	while (word.left > 0 && is_blank(word.at[word.left - 1]))
		word.left--;
	return word;
}

bool
words_next(struct bytes *in, struct bytes *out)
{
	size_t count = 0;

	*in = words_trim(*in);
	while (count < in->left && !is_blank(in->at[count]))
		count++;
	*out = slice(*in, 0, count);
	*in = slice(*in, count, in->left);
	return count > 0;
}

bool
words_header(struct bytes line, struct bytes *name, struct bytes *value)
{
	if (!words_until(&line, ':', name) || name->left == 0)
		return false;
	if (words_have(*name, ' ') || words_have(*name, '\t'))
		return false;
	*value = words_trim(line);
	return true;
}

bool
words_parameter(struct bytes value, const char *name, struct bytes *out)
{
	struct bytes part, key;

	while (value.left > 0) {
		(void)words_until(&value, ';', &part);
		part = words_trim(part);
		if (!words_until(&part, '=', &key) || !words_is(words_trim(key), name))
			continue;
		part = words_trim(part);
		if (part.left >= 2 && part.at[0] == '"' && part.at[part.left - 1] == '"')
			part = slice(part, 1, part.left - 1);
		*out = part;
		return true;
	}
	return false;
}

static int
digit_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : 16;
}

static bool
read_number(struct bytes word, unsigned base, uint64_t *out)
{
	uint64_t value = 0;

	if (word.left == 0)
		return false;
	for (size_t at = 0; at < word.left; at++) {
		unsigned digit = (unsigned)digit_value(word.at[at]);

		if (digit >= base || value > (UINT64_C(1) << NUMBER_MAX_SHIFT) / base - base)
			return false;
		value = value * base + digit;
	}
	*out = value;
	return true;
}

bool
words_decimal(struct bytes word, uint64_t *out)
{
	return read_number(word, 10, out);
}

bool
words_hex(struct bytes word, uint64_t *out)
{
	return read_number(word, 16, out);
}

void
words_copy(char *to, size_t size, struct bytes from)
{
	size_t count = from.left < size - 1 ? from.left : size - 1;

	if (count > 0)
		memcpy(to, from.at, count);
	to[count] = '\0';
}

void
words_keep(char *to, size_t size, struct bytes from)
{
	if (to[0] == '\0')
		words_copy(to, size, from);
}

static bool
list_has(const char *list, struct bytes item)
{
	struct bytes rest = {(const uint8_t *)list, strlen(list)}, one;

	while (rest.left > 0) {
		(void)words_until(&rest, ',', &one);
		if (one.left == item.left && memcmp(one.at, item.at, item.left) == 0)
			return true;
	}
	return false;
}

void
words_list(char *list, size_t size, struct bytes item)
{
	size_t used = strlen(list), comma = used > 0 ? 1 : 0;

	if (item.left == 0 || words_have(item, ',') || words_have(item, '\0'))
		return;
	if (item.left >= size - used - comma || list_has(list, item))
		return;
	if (comma > 0)
		list[used] = ',';
	words_copy(list + used + comma, size - used - comma, item);
}

bool
words_secret(struct bytes name)
{
	static const char *const held[] = {"passw", "passphrase", "secret", "token", "credential"};
	static const char *const whole[] = {"pass", "pwd", "psw", "pw", "apikey", "api_key",
	    "api-key", "auth", "sessionid"};

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		if (words_hold(name, held[i]))
			return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (words_is(name, whole[i]))
			return true;
	return false;
}

bool
words_secrets(struct bytes query)
{
	struct bytes field, name;

	while (query.left > 0) {
		(void)words_until(&query, '&', &field);
		if (words_until(&field, '=', &name) && field.left > 0 && words_secret(name))
			return true;
	}
	return false;
}

struct bytes
words_host(struct bytes authority)
{
	struct bytes host;

	if (authority.left > 0 && authority.at[0] == '[') {
		authority = slice(authority, 1, authority.left);
		(void)words_until(&authority, ']', &host);
		return host;
	}
	(void)words_until(&authority, ':', &host);
	return host;
}

/* Where "scheme://" ends; 0: there is none. */
static size_t
scheme_size(struct bytes url)
{
	for (size_t at = 0; at + 3 <= url.left && at <= 8; at++)
		if (url.at[at] == ':')
			return url.at[at + 1] == '/' && url.at[at + 2] == '/' ? at + 3 : 0;
	return 0;
}

struct words_url
words_url(struct bytes url)
{
	struct words_url parts = {0};
	size_t scheme = scheme_size(url), at;
	struct bytes authority, user;

	if (scheme > 0) {
		url = slice(url, scheme, url.left);
		for (at = 0; at < url.left && url.at[at] != '/' && url.at[at] != '?'; at++)
			continue;
		authority = slice(url, 0, at);
		url = slice(url, at, url.left);
		while (words_have(authority, '@')) {
			(void)words_until(&authority, '@', &user);
			parts.secret = true;
		}
		parts.host = words_host(authority);
	}
	(void)words_until(&url, '#', &user);
	(void)words_until(&user, '?', &parts.path);
	parts.secret = words_secrets(user) || parts.secret;
	return parts;
}
