/* SPDX-License-Identifier: MIT */
#ifndef BASE_OVERRIDES_H
#define BASE_OVERRIDES_H

#include "base/addr.h"
#include "base/blocks.h"
#include "base/facts.h"
#include "base/numbers.h"
#include "base/suffixes.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What the site knows better than any database: facts of a block of addresses,
 * of a network (AS), or of a server name, each with who said so, when and why.
 * config/overrides.h fills it, geo/ asks it; it has one owner, and is read-only
 * once prepared.
 */

/* Which facts an override tells; a set of bits. */
enum override_fact {
	OVERRIDE_LOCATED = 1 << 0,
	OVERRIDE_KIND = 1 << 1,
	OVERRIDE_WHERE = OVERRIDE_LOCATED | OVERRIDE_KIND, /* one answer: the longest block's */
	OVERRIDE_REGISTERED = 1 << 2,
	OVERRIDE_OPERATOR = 1 << 3,
	OVERRIDE_ORG = 1 << 4,
	OVERRIDE_VENDOR = 1 << 5,
};

/* One statement; it may be of many blocks.  Strings are never NULL; in a table
 * they are the table's. */
struct override {
	unsigned line;        /* where it begins in its file */
	unsigned tells;       /* of enum override_fact */
	enum place_kind kind; /* ordinary where it is located */
	/* Each may be empty where it is told: it is not known, whatever others say. */
	struct countries located, registered, operator;
	const char *org, *vendor;
	const char *who, *when, *why; /* when: "2026-11-20" */
};

struct overrides {
	char file[FACTS_BASIS_MAX]; /* its name, without a directory, safe to print */
	struct override **list;     /* owned; in the file's order */
	size_t count, room;
	struct blocks blocks; /* the values are indexes of list */
	struct numbers asns;
	struct suffixes names;
};

enum {
	OVERRIDE_WHO_MAX = 32, /* bytes, with a terminator: so that a basis holds it */
	OVERRIDE_WHY_MAX = 256,
};

/* file is the path; NULL: no memory. */
struct overrides *overrides_new(const char *file);
void overrides_free(struct overrides *overrides); /* accepts NULL */

/* Copy an override into the table; its index, or -1: no memory.  Keys are added
 * to the table's blocks, asns and names, with that index. */
int64_t overrides_add(struct overrides *overrides, const struct override *override);

/* Once, behind the last key and before the first question. */
void overrides_prepare(struct overrides *overrides);

/*
 * The override that tells one of `facts` of the address: that of the longest
 * such block.  NULL: none, or overrides is NULL.
 */
const struct override *overrides_of_address(const struct overrides *overrides, const uint8_t ip[16],
    unsigned facts);

/* The same of a network; and of a server name, by its longest suffix. */
const struct override *overrides_of_asn(const struct overrides *overrides, uint32_t asn,
    unsigned facts);
const struct override *overrides_of_name(const struct overrides *overrides, const char *name);

/* "overrides.yaml:12 (jane, 2026-11-20)"; the file's name is cut where it is too
 * long.  Returns out. */
const char *override_basis(const struct overrides *overrides, const struct override *override,
    char out[FACTS_BASIS_MAX]);

#endif
