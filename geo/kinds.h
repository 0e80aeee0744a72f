/* SPDX-License-Identifier: MIT */
#ifndef GEO_KINDS_H
#define GEO_KINDS_H

#include "base/bytes.h"
#include "geo/geo.h"
#include "geo/table.h"

#include <stdint.h>

/*
 * Which blocks and networks are in no one country: a curated table.
 *
 *	network,kind,organisation,confidence,source,as_of
 *
 * network is a block of addresses ("1.1.1.0/24") or an AS ("AS14593") and
 * stands once; kind is anycast or satellite, or ordinary for what lies in one
 * that is not.  What is private is known by itself (geo/ranges.h).
 */
struct kinds;

/* As operators_open. */
struct kinds *kinds_open(struct bytes bytes, struct csv_errors *errors);
void kinds_close(struct kinds *kinds); /* accepts NULL */

/* The row of the longest block that holds ip, and that of an AS; NULL: none. */
const struct geo_kind *kinds_of_address(const struct kinds *kinds, const uint8_t ip[16]);
const struct geo_kind *kinds_of_asn(const struct kinds *kinds, uint32_t asn);

/* How many rows, and of when. */
const struct table *kinds_table(const struct kinds *kinds);

#endif
