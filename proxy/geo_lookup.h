/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GEO_LOOKUP_H
#define PROXY_GEO_LOOKUP_H

#include "base/addr.h"

struct geo;
struct jsonw;
struct overrides;

/*
 * `borderlens geo lookup`: every fact of an address, and all that it rests on:
 * the block, the database with its build date, the rows of the tables with
 * their sources, the site's overrides, and what each database says by itself.
 */
struct geo_lookup {
	const struct geo *geo;
	const struct overrides *overrides; /* that geo was opened with; NULL: none */
	struct addr addr;
	const char *sni; /* a server name, for the vendor; NULL: none */
};

void geo_lookup_print(const struct geo_lookup *lookup); /* to stdout */
void geo_lookup_json(const struct geo_lookup *lookup, struct jsonw *json);

#endif
