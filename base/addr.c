/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { V4_PREFIX_BYTES = 12, V4_PREFIX_BITS = 96 };

static const uint8_t v4_mapped[V4_PREFIX_BYTES] = {[10] = 0xff, [11] = 0xff};

bool
addr_is_v4(const struct addr *addr)
{
	return memcmp(addr->ip, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool
addr_same_host(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_host(a, b);
}

static void
set_v4(uint8_t ip[16], const void *v4)
{
	memcpy(ip, v4_mapped, sizeof(v4_mapped));
	memcpy(ip + V4_PREFIX_BYTES, v4, 4);
}

bool
addr_from_sockaddr(struct addr *addr, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		set_v4(addr->ip, &in.sin_addr);
		addr->port = ntohs(in.sin_port);
		return true;
	}
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, from, sizeof(in6));
		memcpy(addr->ip, &in6.sin6_addr, sizeof(addr->ip));
		addr->port = ntohs(in6.sin6_port);
		return true;
	}
	return false;
}

socklen_t
addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *to)
{
	memset(to, 0, sizeof(*to));
	if (addr_is_v4(addr)) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};

		memcpy(&in.sin_addr, addr->ip + V4_PREFIX_BYTES, 4);
		memcpy(to, &in, sizeof(in));
		return sizeof(in);
	}
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};

	memcpy(&in6.sin6_addr, addr->ip, sizeof(addr->ip));
	memcpy(to, &in6, sizeof(in6));
	return sizeof(in6);
}

const char *
addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	if (addr_is_v4(addr))
		(void)inet_ntop(AF_INET, addr->ip + V4_PREFIX_BYTES, out, ADDR_TEXT_MAX);
	else
		(void)inet_ntop(AF_INET6, addr->ip, out, ADDR_TEXT_MAX);
	return out;
}

const char *
addr_text_port(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	(void)snprintf(out, ADDR_TEXT_MAX, addr_is_v4(addr) ? "%.45s:%u" : "[%.45s]:%u",
	    addr_text(addr, ip), addr->port);
	return out;
}

static bool
parse_ip(uint8_t ip[16], const char *text)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		set_v4(ip, &v4);
		return true;
	}
	return inet_pton(AF_INET6, text, ip) == 1;
}

static bool
parse_number(const char *text, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > max)
			return false;
	}
	*out = value;
	return true;
}

/* Cut text into address and port in place; *port is NULL where none stands. */
static bool
split_port(char *text, char **ip, char **port)
{
	char *colon;

	*ip = text;
	*port = NULL;
	if (text[0] == '[') {
		char *close = strchr(text, ']');

		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return false;
		if (close[1] == ':')
			*port = close + 2;
		*close = '\0';
		*ip = text + 1;
		return true;
	}
	colon = strchr(text, ':');
	if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		*colon = '\0';
		*port = colon + 1;
	}
	return true;
}

int
addr_parse(struct addr *addr, const char *text, uint16_t fallback_port, struct err *err)
{
	struct addr read = {.port = fallback_port};
	char copy[ADDR_TEXT_MAX];
	char *ip, *port;
	unsigned number;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, ERR_INPUT, "not an IP address: too long");
	memcpy(copy, text, strlen(text) + 1);
	if (!split_port(copy, &ip, &port) || !parse_ip(read.ip, ip))
		return err_set(err, ERR_INPUT,
		    "'%s' is not an IP address (IP, IP:PORT or [IP]:PORT)", text);
	if (port != NULL) {
		if (!parse_number(port, UINT16_MAX, &number))
			return err_set(err, ERR_INPUT, "'%s' is not a port (0 to 65535)", port);
		read.port = (uint16_t)number;
	}
	*addr = read;
	return 0;
}

static bool
host_bits_are_zero(const struct prefix *prefix)
{
	for (unsigned bit = prefix->bits; bit < 128; bit++) {
		if ((prefix->ip[bit / 8] & (0x80U >> bit % 8)) != 0)
			return false;
	}
	return true;
}

int
prefix_parse(struct prefix *prefix, const char *text, struct err *err)
{
	struct prefix read = {.bits = 128};
	char copy[ADDR_TEXT_MAX];
	char *slash;
	unsigned bits;
	bool v4;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, ERR_INPUT, "not an address block: too long");
	memcpy(copy, text, strlen(text) + 1);
	slash = strchr(copy, '/');
	if (slash != NULL)
		*slash++ = '\0';
	v4 = strchr(copy, ':') == NULL;
	if (!parse_ip(read.ip, copy))
		return err_set(err, ERR_INPUT, "'%s' is not an address block (IP or IP/BITS)",
		    text);
	if (slash != NULL) {
		if (!parse_number(slash, v4 ? 32 : 128, &bits))
			return err_set(err, ERR_INPUT, "'/%s' is not a prefix length (0 to %d)",
			    slash, v4 ? 32 : 128);
		read.bits = (uint8_t)(v4 ? bits + V4_PREFIX_BITS : bits);
	}
	if (!host_bits_are_zero(&read))
		return err_set(err, ERR_INPUT, "'%s' has bits set behind its prefix length", text);
	*prefix = read;
	return 0;
}

bool
prefix_holds(const struct prefix *prefix, const uint8_t ip[16])
{
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;

	if (memcmp(prefix->ip, ip, whole) != 0)
		return false;
	return rest == 0 || ((prefix->ip[whole] ^ ip[whole]) & (0xff00U >> rest) & 0xff) == 0;
}
