/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_OVERRIDES_H
#define CONFIG_OVERRIDES_H

#include "base/bytes.h"
#include "base/overrides.h"

struct problems;

/*
 * overrides.yaml: what the site knows better than the databases.
 *
 *	overrides:
 *	  - prefix: [203.0.113.0/24, 2001:db8:5::/48]   # or asn:, or name:; one or a list
 *	    located: DE           # a country, a list of up to four, or unknown
 *	    registered: NL
 *	    operator: DE
 *	    kind: ordinary        # ordinary, anycast, private or satellite; not beside located
 *	    org: Example GmbH
 *	    vendor: Example Cloud
 *	    who: jane             # who, when and why are required
 *	    when: 2026-11-20
 *	    why: contract 17, annex B
 *
 * A name tells whose cloud it is and nothing else: a camera may send any name
 * to any address, so only `vendor` is taken of it.  A block, a network or a
 * name stands once.
 */
enum { OVERRIDES_MAX = 200 * 1000 };

/*
 * Read text, which is file's content.  Everything wrong is added to problems.
 * Returns the overrides, prepared, the caller's to overrides_free, or NULL when
 * there was an error.
 */
struct overrides *overrides_read(const char *file, struct bytes text, struct problems *problems);

#endif
