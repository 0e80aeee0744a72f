/* SPDX-License-Identifier: MIT */
#ifndef GEO_MMDB_FILE_H
#define GEO_MMDB_FILE_H

#include "base/bytes.h"
#include "geo/mmdb_tree.h"

#include <stdint.h>

struct err;

/*
 * The parts of a MaxMind DB file, and what its metadata says.  Reading them
 * checks that they fit each other and the file; the tree and the data are
 * still to be walked.
 *
 * Source: MaxMind DB File Format Specification 2.0.
 */
enum { MMDB_FORMAT_MAJOR = 2 };

struct mmdb_file {
	struct mmdb_tree tree; /* in the file's bytes */
	struct bytes section;  /* the data section, in the file's bytes; not empty */
	uint64_t build_s;      /* a date from 2010 to 2099 */
	char type[64];         /* safe to print, as is the description */
	char description[160]; /* in English; "" none */
};

/* bytes are borrowed and outlive file.  -1 with err when the file is no
 * MaxMind DB, is cut short, or says of itself what is not so. */
int mmdb_file_read(struct mmdb_file *file, struct bytes bytes, struct err *err);

/* Of its end alone, for who has yet to copy the rest: whether bytes, the last
 * MMDB_END_BYTES of a file or all of a smaller one, hold metadata. */
enum { MMDB_END_BYTES = 128 * 1024 }; /* the format's bound on metadata and its marker */
int mmdb_file_check_end(struct bytes bytes, struct err *err);

#endif
