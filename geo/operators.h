/* SPDX-License-Identifier: MIT */
#ifndef GEO_OPERATORS_H
#define GEO_OPERATORS_H

#include "base/bytes.h"
#include "geo/geo.h"

#include <stddef.h>
#include <stdint.h>

struct err;

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

/* Reads all rows and tells every error (csv.h); NULL with err when there was
 * one.  bytes need not outlive the call. */
struct operators *operators_open(struct bytes bytes, const char *file, geo_tell *tell, void *arg,
    struct err *err);
void operators_close(struct operators *operators); /* accepts NULL */

/* The row of an ASN, living as long as the table, or NULL. */
const struct geo_operator *operators_find(const struct operators *operators, uint32_t asn);
size_t operators_count(const struct operators *operators);

#endif
