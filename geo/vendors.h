/* SPDX-License-Identifier: MIT */
#ifndef GEO_VENDORS_H
#define GEO_VENDORS_H

#include "base/bytes.h"
#include "geo/geo.h"
#include "geo/table.h"

/*
 * Whose cloud a server name belongs to: a curated table of name suffixes.
 *
 *	suffix,vendor,purpose,port,source,as_of
 *
 * A suffix is a DNS name (base/suffixes.h) and stands once; vendor is what
 * rules and records say, shorter than FACTS_LABEL_MAX; purpose and port are for
 * readers; as_of is a date.
 */
struct vendors;

/* As operators_open. */
struct vendors *vendors_open(struct bytes bytes, struct csv_errors *errors);
void vendors_close(struct vendors *vendors); /* accepts NULL */

/*
 * The row of the longest suffix that name is, or ends in behind a dot; NULL
 * when there is none.  Case does not matter, one trailing dot is passed over.
 * Takes one pass over name.  The row lives as long as the table.
 */
const struct geo_vendor_row *vendors_find(const struct vendors *vendors, const char *name);

/* Whether a row's vendor has that name, whatever its case. */
bool vendors_has(const struct vendors *vendors, const char *name);

/* How many rows, and of when. */
const struct table *vendors_table(const struct vendors *vendors);

#endif
