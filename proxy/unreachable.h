/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UNREACHABLE_H
#define PROXY_UNREACHABLE_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The packet that tells a camera that nobody takes datagrams at dst: ICMP
 * destination unreachable, port unreachable, or the same of ICMPv6, with its IP
 * header, as the host at dst would send it.  Pure.
 * Source: RFC 792; RFC 1122 section 3.2.2.1; RFC 4443 section 3.1.
 */
struct unreachable {
	const struct addr *camera, *dst; /* of one family */
	uint16_t size;                   /* the datagram's payload, bytes */
	struct bytes head;               /* the first of them, at most UNREACHABLE_HEAD_MAX */
};

enum { UNREACHABLE_HEAD_MAX = 128, UNREACHABLE_MAX = 96 + UNREACHABLE_HEAD_MAX };

/* Write it to out; how many bytes it has.  IPv4's own header checksum is left
 * to the kernel, which sets it on what has a header of its own (raw(7)). */
size_t unreachable_packet(const struct unreachable *what, uint8_t out[UNREACHABLE_MAX]);

#endif
