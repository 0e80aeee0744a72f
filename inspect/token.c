/* SPDX-License-Identifier: MIT */
#include "inspect/token.h"

#include <string.h>

enum { NUMBER_MAX_SHIFT = 62 };

static struct bytes
slice(struct bytes in, size_t from, size_t to)
{
	return (struct bytes){in.at + from, to - from};
}

static uint8_t
fold(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

/* How long the literal is, where word begins with it; else SIZE_MAX. */
static size_t
match(struct bytes word, const char *literal)
{
	size_t at = 0;

	for (; literal[at] != '\0'; at++)
		if (at == word.left || fold(word.at[at]) != fold((uint8_t)literal[at]))
			return SIZE_MAX;
	return at;
}

bool
token_begin(struct bytes word, const char *literal)
{
	return match(word, literal) != SIZE_MAX;
}

bool
token_is(struct bytes word, const char *literal)
{
	return match(word, literal) == word.left;
}

bool
token_hold(struct bytes word, const char *literal)
{
	uint8_t first = fold((uint8_t)literal[0]);

	for (size_t at = 0; at < word.left; at++)
		if (fold(word.at[at]) == first && token_begin(slice(word, at, word.left), literal))
			return true;
	return false;
}

bool
token_have(struct bytes word, uint8_t byte)
{
	return word.left > 0 && memchr(word.at, byte, word.left) != NULL;
}

bool
token_until(struct bytes *in, uint8_t end, struct bytes *out)
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
token_trim(struct bytes word)
{
	while (word.left > 0 && is_blank(word.at[0]))
		word = slice(word, 1, word.left);
	while (word.left > 0 && is_blank(word.at[word.left - 1]))
		word.left--;
	return word;
}

bool
token_next(struct bytes *in, struct bytes *out)
{
	size_t count = 0;

	*in = token_trim(*in);
	while (count < in->left && !is_blank(in->at[count]))
		count++;
	*out = slice(*in, 0, count);
	*in = slice(*in, count, in->left);
	return count > 0;
}

bool
token_header(struct bytes line, struct bytes *name, struct bytes *value)
{
	if (!token_until(&line, ':', name) || name->left == 0)
		return false;
	if (token_have(*name, ' ') || token_have(*name, '\t'))
		return false;
	*value = token_trim(line);
	return true;
}

bool
token_parameter(struct bytes value, const char *name, struct bytes *out)
{
	struct bytes part, key;

	while (value.left > 0) {
		(void)token_until(&value, ';', &part);
		part = token_trim(part);
		if (!token_until(&part, '=', &key) || !token_is(token_trim(key), name))
			continue;
		part = token_trim(part);
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
token_decimal(struct bytes word, uint64_t *out)
{
	return read_number(word, 10, out);
}

bool
token_hex(struct bytes word, uint64_t *out)
{
	return read_number(word, 16, out);
}

void
token_copy(char *to, size_t size, struct bytes from)
{
	size_t count = from.left < size - 1 ? from.left : size - 1;

	if (count > 0)
		memcpy(to, from.at, count);
	to[count] = '\0';
}

void
token_keep(char *to, size_t size, struct bytes from)
{
	if (to[0] == '\0')
		token_copy(to, size, from);
}

static bool
list_has(const char *list, struct bytes item)
{
	struct bytes rest = {(const uint8_t *)list, strlen(list)}, one;

	while (rest.left > 0) {
		(void)token_until(&rest, ',', &one);
		if (one.left == item.left && memcmp(one.at, item.at, item.left) == 0)
			return true;
	}
	return false;
}

void
token_list(char *list, size_t size, struct bytes item)
{
	size_t used = strlen(list), comma = used > 0 ? 1 : 0;

	if (item.left == 0 || token_have(item, ',') || token_have(item, '\0'))
		return;
	if (item.left >= size - used - comma || list_has(list, item))
		return;
	if (comma > 0)
		list[used] = ',';
	token_copy(list + used + comma, size - used - comma, item);
}

bool
token_secret(struct bytes name)
{
	static const char *const held[] = {"passw", "passphrase", "secret", "token", "credential"};
	static const char *const whole[] = {"pass", "pwd", "psw", "pw", "apikey", "api_key",
	    "api-key", "auth", "sessionid"};

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		if (token_hold(name, held[i]))
			return true;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (token_is(name, whole[i]))
			return true;
	return false;
}

bool
token_secrets(struct bytes query)
{
	struct bytes field, name;

	while (query.left > 0) {
		(void)token_until(&query, '&', &field);
		if (token_until(&field, '=', &name) && field.left > 0 && token_secret(name))
			return true;
	}
	return false;
}

struct bytes
token_host(struct bytes authority)
{
	struct bytes host;

	if (authority.left > 0 && authority.at[0] == '[') {
		authority = slice(authority, 1, authority.left);
		(void)token_until(&authority, ']', &host);
		return host;
	}
	(void)token_until(&authority, ':', &host);
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

struct token_url
token_url(struct bytes url)
{
	struct token_url parts = {0};
	size_t scheme = scheme_size(url);
	struct bytes authority, user;

	if (scheme > 0) {
		size_t at = 0;

		url = slice(url, scheme, url.left);
		while (at < url.left && url.at[at] != '/' && url.at[at] != '?')
			at++;
		authority = slice(url, 0, at);
		url = slice(url, at, url.left);
		while (token_have(authority, '@')) {
			(void)token_until(&authority, '@', &user);
			parts.secret = true;
		}
		parts.host = token_host(authority);
	}
	(void)token_until(&url, '#', &user);
	(void)token_until(&user, '?', &parts.path);
	parts.secret = token_secrets(user) || parts.secret;
	return parts;
}
