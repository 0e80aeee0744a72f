/* SPDX-License-Identifier: MIT */
#ifndef GEO_CACHE_H
#define GEO_CACHE_H

#include "base/addr.h"
#include "base/facts.h"

#include <stdint.h>

struct err;
struct geo;

/*
 * The places a worker asked for last: cameras come back to the same few
 * servers.  Fixed memory (about 700 KiB, taken once), no allocation and no
 * system call per lookup.  One user at a time.
 */
struct geo_cache;

enum { GEO_CACHE_PLACES = 1024 };

struct geo_cache *geo_cache_open(struct err *err);
void geo_cache_close(struct geo_cache *cache); /* accepts NULL */

/*
 * What geo_locate says of addr (its port does not matter).  The answer has no
 * vendor, which belongs to a name; it is the cache's and stays until the next
 * call.  When geo is another one than at the last call (geo_serial), all that
 * was kept is dropped first.
 */
const struct place *geo_cache_locate(struct geo_cache *cache, const struct geo *geo,
    const struct addr *addr);

struct geo_cache_counts {
	uint64_t hits, misses;
};
struct geo_cache_counts geo_cache_counts(const struct geo_cache *cache);

#endif
