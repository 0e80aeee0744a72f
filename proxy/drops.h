/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DROPS_H
#define PROXY_DROPS_H

#include "base/facts.h"
#include "proxy/gateway.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * What the kernel's rules dropped, by camera and kind, and how much of it is
 * recorded.  The kernel only counts; here stands what it had counted when it
 * was last looked at, and what of that is still to be told.
 *
 * It lies in a file of run_dir that the broker maps, so that neither a broker
 * that died nor a restart of the appliance tells anything twice or not at all.
 */

/* Without gaps between its parts: keys are compared as bytes. */
struct drops_key {
	uint8_t ip[16]; /* the camera's, as struct addr has it */
	uint8_t mac[MAC_BYTES];
	uint16_t kind; /* enum anomaly */
	char iface[16];
};

/* As the kernel has it now. */
struct drops_count {
	struct drops_key key;
	uint64_t packets, bytes;
};

struct drops_row {
	struct drops_key key;
	uint64_t packets, bytes;           /* the kernel's, when it was last looked at */
	uint64_t owed_packets, owed_bytes; /* of these, not told yet */
	uint64_t asked_ms; /* clock_mono_ms when it was told, and not heard yet; 0: was not */
	uint64_t since_us, until_us; /* when they came; since 0: nobody knows.  clock_wall_us */
};

enum { DROPS_ROWS_MAX = 2 * GATEWAY_UNSEEN_MAX };

struct drops {
	uint64_t magic;
	uint64_t alive_us; /* when the broker was last alive, clock_wall_us; 0: never */
	uint64_t read_us;  /* when the kernel was last looked at; 0: never */
	uint32_t current;  /* which of the two are the rows: the others are being made */
	uint32_t count[2];
	struct drops_row rows[2][DROPS_ROWS_MAX]; /* in the order of their keys */
};

/*
 * The kernel counted so much at now_us.  What had been there and is not any more
 * is forgotten once it is told.  counts are put into order; rows without room
 * are left out.
 */
void drops_merge(struct drops *drops, struct drops_count *counts, size_t count, uint64_t now_us);

/* So much of key, that came until until_us, is recorded. */
void drops_pay(struct drops *drops, const struct drops_count *told, uint64_t until_us);

/* The kernel counts from 0 again, and nobody was told anything. */
void drops_restart(struct drops *drops);

/* The rows that are there. */
struct drops_row *drops_rows(struct drops *drops, size_t *count);

/*
 * Supervisor, at the start: read what run_dir has from the run before, or begin
 * anew where it has nothing that can be used; free(3) it.  NULL: no memory.
 */
struct drops *drops_read(const char *run_dir);

/* Write it in place of that; a descriptor for the broker to map, or -1. */
int drops_write(const struct drops *drops, const char *run_dir, struct err *err);

/* Broker: the file behind fd, for the rest of the process; NULL with err. */
struct drops *drops_map(int fd, struct err *err);

#endif
