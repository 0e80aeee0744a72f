/* SPDX-License-Identifier: MIT */
#ifndef GEO_MMDB_VALUE_H
#define GEO_MMDB_VALUE_H

#include <maxminddb.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One value of a record or of the metadata, by libmaxminddb.  Only for offsets
 * that mmdb_data_check let pass; of handle nothing but the data section is
 * read.
 */
enum found {
	FOUND_NONE = 0, /* the record has no such value */
	FOUND,
	FOUND_BROKEN, /* it has one of another type or form */
};

/* The value that path (names, NULL-ended) leads to from the map at offset.
 * Text in data is not terminated and lives as long as the section. */
enum found mmdb_value_read(const MMDB_s *handle, uint32_t offset, const char *const *path,
    MMDB_entry_data_s *data);

/* The same, copied: up to its first NUL, cut at the end of a character, and
 * terminated.  out is written only when it is found. */
enum found mmdb_value_text(const MMDB_s *handle, uint32_t offset, const char *const *path,
    char *out, size_t size);

#endif
