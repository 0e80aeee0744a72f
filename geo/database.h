/* SPDX-License-Identifier: MIT */
#ifndef GEO_DATABASE_H
#define GEO_DATABASE_H

#include "base/addr.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * One MaxMind DB file, checked whole before it answers: its metadata, every
 * node of its tree, every record, and the types of what is used.  MMDB_open of
 * libmaxminddb takes files that merely look right (12 of the 21 broken files
 * that MaxMind tests with), so success there is no proof.
 *
 * Two layouts are read: MaxMind's own (country.iso_code,
 * registered_country.iso_code) and the flat one of ip-location-db
 * (country_code); autonomous_system_number and autonomous_system_organization
 * are the same in both.  Of MaxMind's traits, is_anycast and is_satellite_provider
 * are read.
 */
struct database;

enum database_field {
	DATABASE_LOCATED = 0,
	DATABASE_REGISTERED,
	DATABASE_COUNTRY_FIELDS /* keep last */
};

/* What must be in it: a file for geo.country or for geo.asn. */
enum database_kind { DATABASE_COUNTRY, DATABASE_ASN };

/*
 * fd is a sealed memfd (base/memfd.h), which stays the caller's and may be
 * closed afterwards; no file is opened.  name is the file's name, with or
 * without a directory and ".mmdb".  A flat country file answers "registered"
 * when its name, type or description speaks of whois or registration, and
 * "located" otherwise.  NULL with err, which names the file, when it is not
 * whole or holds nothing of its kind.
 */
struct database *database_open(int fd, const char *name, enum database_kind kind, struct err *err);
void database_close(struct database *database); /* accepts NULL */

/*
 * What was found for one address.  bits counts as in struct prefix
 * (base/addr.h) and is that of the block that holds the address, with data or
 * without.
 */
struct database_answer {
	bool found; /* the database holds a record for the address */
	uint8_t bits;
	enum place_kind kind; /* by its traits; ordinary where they say nothing */
	char country[DATABASE_COUNTRY_FIELDS][3]; /* "" where it names none */
	uint32_t asn;                             /* 0: none */
	char org[64];                             /* cut at a character */
};
void database_ask(const struct database *database, const struct addr *addr,
    struct database_answer *answer);

bool database_answers(const struct database *database, enum database_field field);

/* All live as long as the database. */
const char *database_name(const struct database *database);        /* "dbip-country" */
const char *database_basis(const struct database *database);       /* "dbip-country@2026-06-01" */
const char *database_type(const struct database *database);        /* safe to print */
const char *database_description(const struct database *database); /* in English; may be "" */
uint64_t database_build_s(const struct database *database);
uint64_t database_networks(const struct database *database);

#endif
