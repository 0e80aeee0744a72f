/* SPDX-License-Identifier: MIT */
#include "proxy/unreachable.h"

#include <assert.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <string.h>

enum {
	HOPS = 64,        /* of what we send */
	HOPS_BEFORE = 63, /* of what the camera sent, here: what it began with nobody knows */
	IP_VERSION_4 = 4,
	IP_WORDS = 5,           /* of a header without options */
	IP6_VERSION = 6 << 28,  /* with no class and no label */
	TOS_CONTROL = 0xc0,     /* RFC 1812 section 4.3.2.5 */
	MAPPED = 12,            /* where IPv4 begins in a struct addr */
	CHECKSUM_ALONE = 0xffff /* a sum of 16 bits */
};

/* RFC 1071: the sum of 16-bit words in network order. */
static uint32_t
sum_bytes(uint32_t sum, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	return sum;
}

static uint16_t
checksum(uint32_t sum)
{
	while (sum > CHECKSUM_ALONE)
		sum = (sum & CHECKSUM_ALONE) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static size_t
put(uint8_t *out, size_t used, const void *bytes, size_t size)
{
	memcpy(out + used, bytes, size);
	return used + size;
}

/* What the camera sent: its UDP header, and what is there of its payload.  No
 * checksum: it covers bytes that are not here. */
static size_t
put_datagram(const struct unreachable *what, uint8_t *out, size_t used)
{
	const struct udphdr udp = {.uh_sport = htons(what->camera->port),
	    .uh_dport = htons(what->dst->port),
	    .uh_ulen = htons((uint16_t)(sizeof(udp) + what->size))};

	used = put(out, used, &udp, sizeof(udp));
	if (what->head.left > 0)
		used = put(out, used, what->head.at, what->head.left);
	return used;
}

static struct iphdr
header_v4(const struct addr *from, const struct addr *to, size_t size)
{
	struct iphdr ip = {.version = IP_VERSION_4,
	    .ihl = IP_WORDS,
	    .tot_len = htons((uint16_t)(sizeof(ip) + size)),
	    .ttl = HOPS};

	memcpy(&ip.saddr, from->ip + MAPPED, sizeof(ip.saddr));
	memcpy(&ip.daddr, to->ip + MAPPED, sizeof(ip.daddr));
	return ip;
}

static size_t
packet_v4(const struct unreachable *what, uint8_t *out)
{
	struct icmphdr icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_PORT_UNREACH};
	size_t quoted = sizeof(struct udphdr) + what->head.left;
	struct iphdr sent = header_v4(what->camera, what->dst, sizeof(struct udphdr) + what->size);
	struct iphdr ip = header_v4(what->dst, what->camera, sizeof(icmp) + sizeof(sent) + quoted);
	size_t used, body;

	sent.ttl = HOPS_BEFORE;
	sent.protocol = IPPROTO_UDP;
	sent.check = checksum(sum_bytes(0, &sent, sizeof(sent)));
	ip.tos = TOS_CONTROL;
	ip.protocol = IPPROTO_ICMP;
	used = put(out, 0, &ip, sizeof(ip));
	body = used;
	used = put(out, used, &icmp, sizeof(icmp));
	used = put(out, used, &sent, sizeof(sent));
	used = put_datagram(what, out, used);
	icmp.checksum = checksum(sum_bytes(0, out + body, used - body));
	(void)put(out, body, &icmp, sizeof(icmp));
	return used;
}

static struct ip6_hdr
header_v6(const struct addr *from, const struct addr *to, size_t size)
{
	struct ip6_hdr ip = {0};

	ip.ip6_flow = htonl(IP6_VERSION);
	ip.ip6_plen = htons((uint16_t)size);
	ip.ip6_hlim = HOPS;
	memcpy(&ip.ip6_src, from->ip, sizeof(from->ip));
	memcpy(&ip.ip6_dst, to->ip, sizeof(to->ip));
	return ip;
}

static size_t
packet_v6(const struct unreachable *what, uint8_t *out)
{
	struct icmp6_hdr icmp = {.icmp6_type = ICMP6_DST_UNREACH,
	    .icmp6_code = ICMP6_DST_UNREACH_NOPORT};
	size_t quoted = sizeof(struct udphdr) + what->head.left;
	size_t size = sizeof(icmp) + sizeof(struct ip6_hdr) + quoted;
	struct ip6_hdr sent =
	    header_v6(what->camera, what->dst, sizeof(struct udphdr) + what->size);
	struct ip6_hdr ip = header_v6(what->dst, what->camera, size);
	uint32_t sum;
	size_t used, body;

	sent.ip6_hlim = HOPS_BEFORE;
	sent.ip6_nxt = IPPROTO_UDP;
	ip.ip6_nxt = IPPROTO_ICMPV6;
	used = put(out, 0, &ip, sizeof(ip));
	body = used;
	used = put(out, used, &icmp, sizeof(icmp));
	used = put(out, used, &sent, sizeof(sent));
	used = put_datagram(what, out, used);
	/* RFC 8200 section 8.1: with the addresses, the length and the protocol. */
	sum = sum_bytes(0, &ip.ip6_src, sizeof(ip.ip6_src) + sizeof(ip.ip6_dst));
	sum = sum_bytes(sum + (uint32_t)size + IPPROTO_ICMPV6, out + body, used - body);
	icmp.icmp6_cksum = checksum(sum);
	(void)put(out, body, &icmp, sizeof(icmp));
	return used;
}

size_t
unreachable_packet(const struct unreachable *what, uint8_t out[UNREACHABLE_MAX])
{
	assert(what->head.left <= UNREACHABLE_HEAD_MAX);
	return addr_is_v4(what->dst) ? packet_v4(what, out) : packet_v6(what, out);
}
