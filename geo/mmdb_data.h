/* SPDX-License-Identifier: MIT */
#ifndef GEO_MMDB_DATA_H
#define GEO_MMDB_DATA_H

#include "base/bytes.h"

#include <stdint.h>

struct err;

/*
 * The values of a MaxMind DB file: whether what stands at an offset of a data
 * section (or of the metadata, which has the same form) can be read at all.
 * libmaxminddb is asked only about values that passed.
 *
 * Refused: what leaves the section, unknown types, numbers longer than their
 * type, keys that are no strings, a pointer to a pointer, pointers in a ring,
 * values nested deeper than MMDB_DEPTH_MAX, a record of more than
 * MMDB_RECORD_VALUES_MAX values, and records that lie over each other so that
 * reading all of them would take more than a few passes over the section.
 *
 * Source: MaxMind DB File Format Specification 2.0, "Output Data Section".
 */
enum {
	MMDB_DEPTH_MAX = 32,            /* MaxMind's own files use 5 */
	MMDB_RECORD_VALUES_MAX = 16384, /* MaxMind's largest record has some 400 */
};

struct mmdb_data {
	struct bytes section; /* borrowed */
	uint8_t *state;       /* a byte for each byte of the section: what was settled there */
	uint64_t budget;      /* values that may still be read */
};

int mmdb_data_open(struct mmdb_data *data, struct bytes section, struct err *err);
void mmdb_data_close(struct mmdb_data *data);

/* 0 when the value at offset and all it points to can be read.  A value that
 * passed is not read again. */
int mmdb_data_check(struct mmdb_data *data, uint32_t offset, struct err *err);

#endif
