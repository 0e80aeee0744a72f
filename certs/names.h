/* SPDX-License-Identifier: MIT */
#ifndef CERTS_NAMES_H
#define CERTS_NAMES_H

#include "base/bytes.h"

#include <stdbool.h>

struct addr;

/*
 * The names a certificate speaks for: the entries of its subjectAltName (RFC
 * 5280 section 4.2.1.6), read from the extension's bytes where they lie.
 */
enum san_kind { SAN_OTHER = 0, SAN_DNS, SAN_IP };

struct san {
	enum san_kind kind;
	struct bytes value; /* the name, or the address of 4 or 16 bytes; borrowed */
	struct bytes whole; /* the entry with its tag and length; borrowed */
};

/* Open the value of the extension; false when it is no sequence, when
 * something follows it, or when it is empty (at least one name is required). */
bool san_open(struct bytes extension, struct bytes *names);

/* Take the next entry; false at the end and for bytes that are no DER
 * (names->left is not 0 then). */
bool san_next(struct bytes *names, struct san *san);

/*
 * Whether name is a host name as a certificate may hold it: labels of letters,
 * digits, "-" and "_" (no "-" at an end), at most 63 and 253 bytes, the last
 * one not all digits (an address is no name); the first label may be "*" when at
 * least two follow (RFC 9525 section 6.3; what "*.com" covers belongs to many).
 */
bool name_is_dns(struct bytes name);

/*
 * Whether a dNSName speaks for host (RFC 9525 section 6.3): equal labels, ASCII
 * case aside; "*" stands for exactly one whole first label.  A "." at host's
 * end is left aside.  What is no name_is_dns matches nothing.
 */
bool name_matches(struct bytes pattern, const char *host);

/* Whether a subjectAltName extension speaks for host, or, where host is "",
 * for the address.  Malformed bytes speak for nobody. */
bool san_matches(struct bytes extension, const char *host, const struct addr *addr);

#endif
