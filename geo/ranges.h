/* SPDX-License-Identifier: MIT */
#ifndef GEO_RANGES_H
#define GEO_RANGES_H

#include "base/addr.h"

/*
 * What an address is by itself, whatever a database says: the special-purpose
 * registries of IANA (RFC 6890) and what cloud hosts use for metadata.
 */
enum range {
	RANGE_PUBLIC = 0,
	RANGE_UNSPECIFIED, /* 0.0.0.0/8, :: */
	RANGE_LOOPBACK,
	RANGE_LINK_LOCAL,
	RANGE_METADATA, /* 169.254.169.254, fd00:ec2::254, 100.100.100.200 ... */
	RANGE_PRIVATE,  /* RFC 1918, ULA (RFC 4193), CGNAT (RFC 6598) */
	RANGE_MULTICAST,
	RANGE_BROADCAST,
	RANGE_RESERVED, /* benchmarking, documentation, future use */
};

/*
 * The range of an address.  An IPv4 address in another form (mapped,
 * compatible, NAT64 64:ff9b::/96 and 64:ff9b:1::/48, 6to4, Teredo's client) is
 * unwrapped first, so no spelling hides one; a wrapped address is never better
 * than what it wraps.
 */
enum range range_of(const struct addr *addr);

/* Write the IPv4 address that addr carries, in mapped form, to inner; false
 * when it carries none.  A plain IPv4 address carries itself. */
bool range_unwrap(const struct addr *addr, struct addr *inner);

const char *range_name(enum range range);

#endif
