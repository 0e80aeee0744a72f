/* SPDX-License-Identifier: MIT */
#include "geo/ranges.h"

#include <string.h>

struct row {
	struct prefix prefix;
	enum range range;
};

#define V4(a, b, c, d, bits)                                                                       \
	{                                                                                          \
		{[10] = 0xff, 0xff, a, b, c, d}, 96 + (bits)                                       \
	}

/*
 * The first row that holds the address counts, so what is smaller stands
 * before what it lies in.  No row: public.
 * Source: IANA IPv4 Special-Purpose Address Registry.  Its blocks that are
 * globally reachable services of the internet at large (AS112: 192.31.196.0/24,
 * 192.175.48.0/24; AMT: 192.52.193.0/24) are public and have no row.
 */
static const struct row v4_rows[] = {
    {V4(169, 254, 169, 254, 32), RANGE_METADATA}, /* AWS, Azure, Google, most others */
    {V4(169, 254, 169, 253, 32), RANGE_METADATA}, /* AWS: resolver */
    {V4(169, 254, 169, 123, 32), RANGE_METADATA}, /* AWS: time */
    {V4(169, 254, 170, 2, 32), RANGE_METADATA},   /* AWS: credentials of containers */
    {V4(169, 254, 170, 23, 32), RANGE_METADATA},  /* AWS: credentials of pods */
    {V4(169, 254, 42, 42, 32), RANGE_METADATA},   /* Scaleway */
    {V4(169, 254, 0, 23, 32), RANGE_METADATA},    /* Tencent Cloud */
    {V4(100, 100, 100, 200, 32), RANGE_METADATA}, /* Alibaba Cloud */
    {V4(192, 0, 0, 192, 32), RANGE_METADATA},     /* Oracle Cloud (classic) */
    {V4(168, 63, 129, 16, 32), RANGE_METADATA},   /* Azure: host services */
    {V4(0, 0, 0, 0, 8), RANGE_UNSPECIFIED},       /* RFC 791 */
    {V4(10, 0, 0, 0, 8), RANGE_PRIVATE},          /* RFC 1918 */
    {V4(100, 64, 0, 0, 10), RANGE_PRIVATE},       /* RFC 6598 */
    {V4(127, 0, 0, 0, 8), RANGE_LOOPBACK},        /* RFC 1122 */
    {V4(169, 254, 0, 0, 16), RANGE_LINK_LOCAL},   /* RFC 3927 */
    {V4(172, 16, 0, 0, 12), RANGE_PRIVATE},       /* RFC 1918 */
    {V4(192, 0, 0, 0, 24), RANGE_RESERVED},       /* RFC 6890: protocol assignments */
    {V4(192, 0, 2, 0, 24), RANGE_RESERVED},       /* RFC 5737: documentation */
    {V4(192, 88, 99, 0, 24), RANGE_RESERVED},     /* RFC 7526: 6to4 relays, withdrawn */
    {V4(192, 168, 0, 0, 16), RANGE_PRIVATE},      /* RFC 1918 */
    {V4(198, 18, 0, 0, 15), RANGE_RESERVED},      /* RFC 2544: benchmarking */
    {V4(198, 51, 100, 0, 24), RANGE_RESERVED},    /* RFC 5737: documentation */
    {V4(203, 0, 113, 0, 24), RANGE_RESERVED},     /* RFC 5737: documentation */
    {V4(224, 0, 0, 0, 4), RANGE_MULTICAST},       /* RFC 5771 */
    {V4(255, 255, 255, 255, 32), RANGE_BROADCAST},
    {V4(240, 0, 0, 0, 4), RANGE_RESERVED}, /* RFC 1112: future use */
};

#define V6(bits, ...)                                                                              \
	{                                                                                          \
		{__VA_ARGS__}, bits                                                                \
	}

/*
 * Source: IANA IPv6 Special-Purpose Address Registry, and the address space
 * registry: nothing outside 2000::/3 is given out for global use.  Rows that
 * say public are the registry's global exceptions inside a reserved block, and
 * blocks that are judged by the IPv4 address they carry.
 */
static const struct row v6_rows[] = {
    {V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54), RANGE_METADATA}, /* AWS */
    {V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x53), RANGE_METADATA}, /* AWS: resolver */
    {V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x01, 0x23), RANGE_METADATA}, /* AWS: time */
    {V6(128, 0xfd, 0x00, 0x0e, 0xc2, [14] = 0x00, 0x23), RANGE_METADATA}, /* AWS: pods */
    {V6(128, 0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54), RANGE_METADATA}, /* Google Cloud */
    {V6(128, 0xfd, 0x00, 0x00, 0xc1, [12] = 0xa9, 0xfe, 0xa9, 0xfe), RANGE_METADATA}, /* Oracle */
    {V6(128, 0xfd, 0x00, 0x00, 0x42, [15] = 0x42), RANGE_METADATA},                   /* Scaleway */
    {V6(128, 0), RANGE_UNSPECIFIED},
    {V6(128, [15] = 1), RANGE_LOOPBACK},
    {V6(96, 0x00, 0x64, 0xff, 0x9b), RANGE_PUBLIC},              /* RFC 6052: NAT64 */
    {V6(48, 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), RANGE_PRIVATE}, /* RFC 8215: a site's NAT64 */
    {V6(32, 0x20, 0x01, 0x00, 0x00), RANGE_PUBLIC},              /* RFC 4380: Teredo */
    {V6(32, 0x20, 0x01, 0x00, 0x03), RANGE_PUBLIC},              /* RFC 7450: AMT */
    {V6(48, 0x20, 0x01, 0x00, 0x04, 0x01, 0x12), RANGE_PUBLIC},  /* RFC 7535: AS112 */
    {V6(23, 0x20, 0x01), RANGE_RESERVED},                        /* RFC 2928: assignments */
    {V6(32, 0x20, 0x01, 0x0d, 0xb8), RANGE_RESERVED},            /* RFC 3849: documentation */
    {V6(20, 0x3f, 0xff), RANGE_RESERVED},                        /* RFC 9637: documentation */
    {V6(3, 0x20), RANGE_PUBLIC},                                 /* RFC 4291: global unicast */
    {V6(7, 0xfc), RANGE_PRIVATE},                                /* RFC 4193 */
    {V6(10, 0xfe, 0x80), RANGE_LINK_LOCAL},                      /* RFC 4291 */
    {V6(10, 0xfe, 0xc0), RANGE_PRIVATE},                         /* RFC 3879: site-local */
    {V6(8, 0xff), RANGE_MULTICAST},                              /* RFC 4291 */
    {V6(0, 0), RANGE_RESERVED},
};

static enum range
look_up(const struct row *rows, size_t count, const uint8_t ip[16])
{
	for (size_t i = 0; i < count; i++) {
		if (prefix_holds(&rows[i].prefix, ip))
			return rows[i].range;
	}
	return RANGE_PUBLIC;
}

/* How an IPv6 address carries an IPv4 one: which of its bytes, and whether
 * they are inverted. */
struct wrapping {
	struct prefix prefix;
	uint8_t byte[4];
	uint8_t invert;
};

static const struct wrapping wrappings[] = {
    {V6(96, [10] = 0xff, 0xff), {12, 13, 14, 15}, 0},                  /* RFC 4291: mapped */
    {V6(96, [8] = 0xff, 0xff), {12, 13, 14, 15}, 0},                   /* RFC 2765: translated */
    {V6(96, 0), {12, 13, 14, 15}, 0},                                  /* RFC 4291: compatible */
    {V6(96, 0x00, 0x64, 0xff, 0x9b), {12, 13, 14, 15}, 0},             /* RFC 6052: NAT64 */
    {V6(48, 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), {12, 13, 14, 15}, 0}, /* RFC 8215 with /96 */
    {V6(16, 0x20, 0x02), {2, 3, 4, 5}, 0},                             /* RFC 3056: 6to4 */
    {V6(32, 0x20, 0x01, 0x00, 0x00), {12, 13, 14, 15}, 0xff},          /* RFC 4380: Teredo */
};

/* A site's NAT64 with a prefix of 48 bits (RFC 6052 section 2.2) has nothing
 * in its last five bytes, and the IPv4 address around byte 8. */
static const struct wrapping nat64_48 = {V6(48, 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), {6, 7, 9, 10},
    0};

static const struct wrapping *
wrapping_of(const uint8_t ip[16])
{
	static const uint8_t zero[5];

	if (prefix_holds(&nat64_48.prefix, ip) && memcmp(ip + 11, zero, sizeof(zero)) == 0)
		return &nat64_48;
	for (size_t i = 0; i < sizeof(wrappings) / sizeof(wrappings[0]); i++) {
		if (prefix_holds(&wrappings[i].prefix, ip))
			return &wrappings[i];
	}
	return NULL;
}

/* :: and ::1 look like IPv4-compatible addresses and are none. */
static bool
is_bare(const uint8_t ip[16])
{
	static const uint8_t zero[15];

	return memcmp(ip, zero, sizeof(zero)) == 0 && ip[15] <= 1;
}

bool
range_unwrap(const struct addr *addr, struct addr *inner)
{
	const struct wrapping *wrapping = wrapping_of(addr->ip);
	struct addr out = {.ip = {[10] = 0xff, 0xff}, .port = addr->port};

	if (wrapping == NULL || is_bare(addr->ip))
		return false;
	for (int i = 0; i < 4; i++)
		out.ip[12 + i] = addr->ip[wrapping->byte[i]] ^ wrapping->invert;
	*inner = out;
	return true;
}

enum range
range_of(const struct addr *addr)
{
	struct addr inner;

	if (range_unwrap(addr, &inner)) {
		enum range range = look_up(v4_rows, sizeof(v4_rows) / sizeof(v4_rows[0]), inner.ip);
		if (range != RANGE_PUBLIC || addr_is_v4(addr))
			return range;
	}
	return look_up(v6_rows, sizeof(v6_rows) / sizeof(v6_rows[0]), addr->ip);
}

const char *
range_name(enum range range)
{
	static const char *const names[] = {"public", "unspecified", "loopback", "link-local",
	    "metadata", "private", "multicast", "broadcast", "reserved"};

	return (size_t)range < sizeof(names) / sizeof(names[0]) ? names[range] : "?";
}
