/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_MMDB_MAKER_H
#define TESTS_SUPPORT_MMDB_MAKER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Makes small MaxMind DB files, good and broken.  All functions abort the test
 * on a mistake in what they are given.
 *
 *	const char *const lines[] = {
 *	    "192.0.2.0/24 country_code=DE",
 *	    "2001:db8::/32 country.iso_code=NL registered_country.iso_code=SG",
 *	    "198.51.100.0/24 autonomous_system_number=64496 "
 *	    "autonomous_system_organization=\"A Cloud, Inc.\"",
 *	};
 *	struct mmdb_bytes file = mmdb_make(NULL, lines, 3);
 *	int fd = memfd_seal("test", file.at, file.size, &err);
 *	...
 *	free(file.at);
 *
 * A key with a dot stands in a map of that name.  autonomous_system_number is
 * an unsigned number, a key that begins with "is_" a boolean (true or another
 * word), all else is text; a value with spaces stands in quotes.
 * A wide block must stand before the narrow ones inside it.
 */

/* What the metadata says.  0 and NULL stand for the values behind. */
struct mmdb_meta {
	unsigned ip_version;     /* 6: IPv4 addresses stand in ::/96, as everywhere */
	unsigned record_bits;    /* 24, 28 or 32; 24 */
	uint32_t node_count;     /* only of mmdb_assemble: the tree's */
	uint64_t build_epoch;    /* 1780272000, 2026-06-01 */
	const char *type;        /* "test" */
	const char *description; /* in English; "" */
};

struct mmdb_bytes {
	uint8_t *at; /* the caller's to free */
	size_t size;
};

/* meta NULL: as all 0. */
struct mmdb_bytes mmdb_make(const struct mmdb_meta *meta, const char *const *lines, size_t count);

/* A file of a tree and data as they are, for those that no writer makes. */
struct mmdb_bytes mmdb_assemble(const struct mmdb_meta *meta, const void *tree, size_t tree_size,
    const void *data, size_t data_size);

#endif
