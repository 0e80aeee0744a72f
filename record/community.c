/* SPDX-License-Identifier: MIT */
#include "record/community.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

enum {
	V4_AT = 12, /* where the IPv4 address stands in its mapped form */
	/* Two bytes of seed, two addresses, protocol, padding, two ports. */
	TUPLE_MAX = 2 + 2 * 16 + 2 + 2 * 2,
};

static size_t
add_port(uint8_t *to, uint16_t port)
{
	to[0] = (uint8_t)(port >> 8);
	to[1] = (uint8_t)port;
	return 2;
}

const char *
community_id(enum transport transport, const struct addr *a, const struct addr *b,
    char out[COMMUNITY_ID_MAX])
{
	bool v4 = addr_is_v4(a) && addr_is_v4(b);
	size_t from = v4 ? V4_AT : 0, size = sizeof(a->ip) - from;
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));
	const struct addr *first = a, *second = b;
	uint8_t tuple[TUPLE_MAX] = {0}, digest[SHA_DIGEST_LENGTH];
	size_t used = 2;

	if (order > 0 || (order == 0 && a->port > b->port)) {
		first = b;
		second = a;
	}
	memcpy(tuple + used, first->ip + from, size);
	used += size;
	memcpy(tuple + used, second->ip + from, size);
	used += size;
	tuple[used] = transport == TRANSPORT_UDP ? IPPROTO_UDP : IPPROTO_TCP;
	used += 2;
	used += add_port(tuple + used, first->port);
	used += add_port(tuple + used, second->port);
	(void)SHA1(tuple, used, digest);
	out[0] = '1';
	out[1] = ':';
	(void)EVP_EncodeBlock((unsigned char *)out + 2, digest, sizeof(digest));
	return out;
}
