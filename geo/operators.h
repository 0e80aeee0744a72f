/* SPDX-License-Identifier: MIT */
#ifndef GEO_OPERATORS_H
#define GEO_OPERATORS_H

#include "base/bytes.h"
#include "geo/geo.h"
#include "geo/table.h"

#include <stdint.h>

/*
 * Who controls the operator of a network: a curated table, one row an ASN,
 * with how sure the row is and what it rests on.
 *
 *	asn,organisation,parent,control,confidence,source,as_of
 *
 * asn is 1 to 4294967295 and stands once; control is two capitals (ISO 3166-1)
 * or empty where it is not known; confidence is high, medium or low; as_of is
 * a date.  organisation and source must not be empty.
 */
struct operators;

/* Reads all rows and tells every error; NULL when there was one.  bytes need
 * not outlive the call. */
struct operators *operators_open(struct bytes bytes, struct csv_errors *errors);
void operators_close(struct operators *operators); /* accepts NULL */

/* The row of an ASN, living as long as the table, or NULL. */
const struct geo_operator *operators_find(const struct operators *operators, uint32_t asn);

/* How many rows, and of when. */
const struct table *operators_table(const struct operators *operators);

#endif
