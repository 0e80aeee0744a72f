/* SPDX-License-Identifier: MIT */
#ifndef RECORD_SPOOL_PRIVATE_H
#define RECORD_SPOOL_PRIVATE_H

#include "record/spool.h"

#include <stdatomic.h>

/* What the spool's files share: spool_file.c makes the file, spool.c writes to
 * its ring and reads from it. */

enum {
	SPOOL_PAGE = 4096,
	SPOOL_UNIT = 64,        /* bytes; a frame starts at a multiple of it */
	SPOOL_OFFSET_BITS = 24, /* of a position: the place in the ring in units; 1 GiB */
	SPOOL_LIVE_AT = SPOOL_PAGE,
	SPOOL_LIVE_BYTES = SPOOL_LIVE_COUNT * sizeof(struct spool_live),
	SPOOL_RING_AT = SPOOL_LIVE_AT + SPOOL_LIVE_BYTES,
};

/*
 * A position says in one word where in the ring (low bits) and how many events
 * were written before (high bits).  So one store publishes an event together
 * with its number: no instant at which a writer is killed can make a number
 * appear twice or not at all.
 */
struct spool_header {
	uint64_t magic;
	uint32_t version;
	uint32_t worker;
	uint64_t size; /* of the file */
	uint8_t id[SPOOL_ID_BYTES];
	_Atomic uint64_t epoch;
	_Atomic uint64_t first; /* events written before the epoch began */
	_Atomic uint64_t head;  /* the writer's */
	/* The reader's, in a cache line that the writer does not write to. */
	_Alignas(SPOOL_UNIT) _Atomic uint64_t tail;
	char site[64];
};

uint64_t spool_ordinal(uint64_t position);
uint64_t spool_offset(uint64_t position);

/* Units of the ring in a file of size bytes. */
uint64_t spool_file_units(uint64_t size);

/* Whether the two positions can be: both in the ring, head not before tail. */
bool spool_positions_fit(uint64_t head, uint64_t tail, uint64_t units);

/* The header, with the counters behind it (SPOOL_RING_AT bytes in all); the
 * caller's to munmap.  NULL when the file is no whole spool. */
struct spool_header *spool_map_header(int fd, struct err *err);

#endif
