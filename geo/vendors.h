/* SPDX-License-Identifier: MIT */
#ifndef GEO_VENDORS_H
#define GEO_VENDORS_H

#include "base/bytes.h"
#include "geo/geo.h"

#include <stddef.h>

struct err;

/*
 * Whose cloud a server name belongs to: a curated table of name suffixes.
 *
 *	suffix,vendor,purpose,port,source,as_of
 *
 * A suffix is a DNS name in letters, digits, hyphens and dots and stands once
 * (ASCII case does not matter); vendor is what rules and records say, shorter
 * than FACTS_LABEL_MAX; purpose and port are for readers; as_of is a date.
 */
struct vendors;

struct vendor {
	const char *suffix; /* lower case */
	const char *name;
	unsigned line;
};

/* As operators_open. */
struct vendors *vendors_open(struct bytes bytes, const char *file, geo_tell *tell, void *arg,
    struct err *err);
void vendors_close(struct vendors *vendors); /* accepts NULL */

/*
 * The row of the longest suffix that name is, or ends in behind a dot; NULL
 * when there is none.  Case does not matter, one trailing dot is passed over.
 * Takes one pass over name.  The row lives as long as the table.
 */
const struct vendor *vendors_find(const struct vendors *vendors, const char *name);
size_t vendors_count(const struct vendors *vendors);

#endif
