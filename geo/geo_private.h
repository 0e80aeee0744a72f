/* SPDX-License-Identifier: MIT */
#ifndef GEO_GEO_PRIVATE_H
#define GEO_GEO_PRIVATE_H

/* For geo.c, which opens, and locate.c, which answers. */

#include "geo/database.h"
#include "geo/geo.h"

struct kinds;
struct operators;
struct vendors;

struct geo {
	struct database *country[GEO_COUNTRY_FILES_MAX];
	size_t country_count;
	struct database *asn; /* NULL: none, as are the others */
	struct operators *operators;
	struct vendors *vendors;
	struct kinds *kinds;
	const struct overrides *overrides; /* borrowed */
	/* The databases asked for a fact, as its basis where none knows it. */
	char asked[DATABASE_COUNTRY_FIELDS][FACTS_BASES_MAX];
	char operators_name[FACTS_BASIS_MAX], vendors_name[FACTS_BASIS_MAX];
	char kinds_name[FACTS_BASIS_MAX];
	uint64_t serial;
};

/* Add a database's basis to those of a fact, with a comma between them. */
void basis_add(char basis[FACTS_BASES_MAX], const char *more);

#endif
