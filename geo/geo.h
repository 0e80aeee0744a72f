/* SPDX-License-Identifier: MIT */
#ifndef GEO_GEO_H
#define GEO_GEO_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct overrides;

/*
 * An address -> a place, a server name -> a vendor.  Read-only once open, and
 * free of files: it reads sealed copies only, so it works in a role that can
 * open nothing.
 */
struct geo;

enum { GEO_COUNTRY_FILES_MAX = 4 };

/* Where the data is.  Descriptors are sealed memfds (base/memfd.h) and stay
 * the caller's; they may be closed once geo_open returned.  Bytes are copied. */
struct geo_files {
	struct {
		int fd;
		const char *name; /* the file's name, for the basis: "dbip-country.mmdb" */
	} country[GEO_COUNTRY_FILES_MAX], asn; /* asn.fd -1: none */
	size_t country_count;
	struct bytes operators, vendors, kinds; /* CSV; at NULL: none */
	const char *operators_name, *vendors_name, *kinds_name;
	const struct overrides *overrides; /* borrowed, outlives geo; NULL: none */
};

/*
 * Check everything and open it.  A database counts as good only after its
 * metadata was read, its whole tree walked, and the types of what is used
 * checked; a database that merely opens is not enough.  Every error in a CSV
 * is told with its line: the first in err, all through tell (may be NULL).
 * Returns NULL on error.
 */
typedef void geo_tell(const char *file, unsigned line, const char *text, void *arg);
struct geo *geo_open(const struct geo_files *files, geo_tell *tell, void *arg, struct err *err);
void geo_close(struct geo *geo); /* accepts NULL */

/*
 * Fill what the address tells; the vendor only where an override says so.  A
 * fact that no database holds is left unknown with its basis naming the
 * database asked.  For each fact the first of these that tells it counts:
 * the override of the longest block, the special ranges (which are in no
 * country and have no network), the override of the network, the tables, the
 * databases; base/facts.h has the order for the kind.
 */
void geo_locate(const struct geo *geo, const struct addr *addr, struct place *place);

/* Fill place->vendor and its basis by the longest suffix that covers name, of
 * the overrides, then of the vendors' table; leaves them "" where none does, and
 * as they are where the address told them (vendor_by_address). */
void geo_vendor(const struct geo *geo, const char *name, struct place *place);

/* What the operators' table says of a network.  Strings are never NULL and
 * live as long as geo. */
struct geo_operator {
	uint32_t asn;
	unsigned line; /* of the table's file */
	const char *organisation, *parent;
	const char *control;    /* two capitals; "" unknown */
	const char *confidence; /* "high", "medium" or "low" */
	const char *source, *as_of;
};

/* The row of an ASN; NULL where there is none. */
const struct geo_operator *geo_operator(const struct geo *geo, uint32_t asn);

/* The same of the vendors' table, by a server name. */
struct geo_vendor_row {
	unsigned line;
	const char *suffix, *name, *purpose, *port, *source, *as_of;
};
const struct geo_vendor_row *geo_vendor_row(const struct geo *geo, const char *name);

/* Whether the table or an override names such a vendor, whatever its case. */
bool geo_has_vendor(const struct geo *geo, const char *vendor);

/* The same of the table of kinds: the row of the longest block that holds the
 * address, or else that of its network. */
struct geo_kind {
	unsigned line;
	enum place_kind kind;
	const char *network; /* "1.1.1.0/24" or "AS13335" */
	const char *organisation, *confidence, *source, *as_of;
};
const struct geo_kind *geo_kind(const struct geo *geo, const struct addr *addr, uint32_t asn);

/* What one database says of an address, whatever goes before it. */
struct geo_answer {
	const char *basis; /* "dbip-country@2026-06-01" */
	bool is_asn;       /* a database of networks; else one of countries */
	bool found;        /* it has a record for the address */
	uint8_t bits;      /* of the block that it matched, as in struct prefix */
	enum place_kind kind;
	char located[3], registered[3]; /* "" where it names none */
	uint32_t asn;
	char org[64];
};
enum { GEO_ANSWERS_MAX = GEO_COUNTRY_FILES_MAX + 1 };

/* All databases, in the order of the files; returns how many. */
size_t geo_ask(const struct geo *geo, const struct addr *addr,
    struct geo_answer out[GEO_ANSWERS_MAX]);

/* A number that no other opened geo has: whoever keeps answers keeps it beside
 * them, and drops them when it changes. */
uint64_t geo_serial(const struct geo *geo);

/* What a file is, for `geo status` and the start-up log. */
struct geo_status {
	/* "located", "registered", "located+registered", "asn", "operators", "vendors",
	 * "kinds", "overrides" */
	const char *name, *role;
	const char *type;        /* the metadata's database_type */
	const char *attribution; /* "" where none is asked for */
	uint64_t build_s;        /* seconds since 1970; 0: not a database */
	uint64_t as_of_s;        /* of a table: its newest row's date; 0: a database, or no row */
	uint64_t entries;        /* networks, rows of a table, or overrides */
};
enum { GEO_STATUS_MAX = GEO_COUNTRY_FILES_MAX + 5 };

/* Fill at most room rows, and return how many; strings live as long as geo. */
size_t geo_status(const struct geo *geo, struct geo_status *out, size_t room);

/* The basis of the oldest database, and when it was built, in seconds since
 * 1970; NULL: there is none. */
const char *geo_oldest(const struct geo *geo, uint64_t *build_s);

#endif
