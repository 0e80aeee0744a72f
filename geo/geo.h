/* SPDX-License-Identifier: MIT */
#ifndef GEO_GEO_H
#define GEO_GEO_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

struct err;

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
	struct bytes operators, vendors; /* CSV; left 0: none */
	const char *operators_name, *vendors_name;
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

/* Fill what the address tells: all of place but the vendor.  A fact that no
 * database holds is left unknown with its basis naming the database asked. */
void geo_locate(const struct geo *geo, const struct addr *addr, struct place *place);

/* Fill place->vendor and its basis by the longest suffix that covers name;
 * leaves them "" where none does. */
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

/* A number that no other opened geo has: whoever keeps answers keeps it beside
 * them, and drops them when it changes. */
uint64_t geo_serial(const struct geo *geo);

/* What a database is, for `geo status` and the start-up log. */
struct geo_status {
	const char *name, *role; /* "located", "registered", "located+registered", "asn" ... */
	const char *type;        /* the metadata's database_type */
	const char *attribution; /* "" where none is asked for */
	uint64_t build_s;        /* seconds since 1970; 0: not a database */
	uint64_t entries;        /* networks, or rows of a table */
};
enum { GEO_STATUS_MAX = GEO_COUNTRY_FILES_MAX + 3 };

/* Fill at most room rows, and return how many; strings live as long as geo. */
size_t geo_status(const struct geo *geo, struct geo_status *out, size_t room);

#endif
