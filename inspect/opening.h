/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_OPENING_H
#define INSPECT_OPENING_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which protocol a TCP conversation is, by the first bytes of either side.  The
 * structure decides; the port only does between those that begin alike (FTP and
 * SMTP both greet with 220).
 */
enum {
	OPENING_BYTES = 128, /* of each direction, at most; more decide nothing more */
};

struct opening_told {
	enum app_proto proto;
	enum direction asker; /* whose requests these are: a camera may be the one that is asked */
	bool opaque;          /* a tunnel: what it carries is not looked into */
	const char *tunnel;   /* its name, a literal; NULL */
};

/*
 * up, down: what came so far from the camera and from the server, at most
 * OPENING_BYTES each.  false: more is needed.  With OPENING_BYTES of a side that
 * spoke it may still be false, where the other side's answer is what tells.
 * APP_UNKNOWN: nothing that is known here.
 *
 * Sources: RFC 9112 section 3, RFC 9113 section 3.4, RFC 2326 section 6, MQTT 5.0
 * and 3.1.1 section 3.1, RFC 5321 section 3.1, RFC 959 section 5.4, RFC 9051
 * section 7.1, RFC 1939 section 3, RFC 4253 section 4.2, RFC 8446 section 5.1,
 * RFC 1035 section 4.2.2, RFC 1928 section 3, RFC 6120 section 4.7.
 */
bool opening_tell(struct bytes up, struct bytes down, uint16_t port, struct opening_told *told);

#endif
