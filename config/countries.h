/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_COUNTRIES_H
#define CONFIG_COUNTRIES_H

#include "base/country.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A set of countries, as a bit for each two letters.  A value; starts as {0},
 * which is the empty set.
 */
struct country_set {
	uint64_t bits[11]; /* 26 * 26 */
};

void country_set_add(struct country_set *set, const char iso[2]);
void country_set_join(struct country_set *set, const struct country_set *more);
void country_set_drop(struct country_set *set, const struct country_set *less);

/* Add all countries of a continent: AF AN AS EU NA OC SA.  False: it is none.
 * Source: GeoNames, countryInfo.txt, which the databases follow. */
bool country_set_add_continent(struct country_set *set, const char *continent);

/* iso may be anything; what is not two upper-case letters is in no set. */
bool country_set_has(const struct country_set *set, const char iso[2]);

/* Whether all, or any, of a fact's countries are in the set.  An unknown fact
 * is neither. */
bool country_set_has_all(const struct country_set *set, const struct countries *countries);
bool country_set_has_any(const struct country_set *set, const struct countries *countries);

#endif
