/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BOARD_H
#define PROXY_BOARD_H

#include "config/config.h"

#include <stdatomic.h>
#include <stdint.h>

struct err;

/*
 * A page that all roles see: each writes its own row, the supervisor reads
 * them to see who is wedged and what to say in `status`.  Plain counters; a
 * reader may see one a moment before another.
 */
struct board_worker {
	_Atomic uint64_t beat_ms;    /* clock_mono_ms at the loop's last turn; 0: not serving yet */
	_Atomic uint64_t generation; /* of the configuration that connections are taken by */
	_Atomic uint64_t reload_us;  /* the most that a reload took of the loop at once */
	_Atomic uint64_t accepted;   /* connections taken */
	_Atomic uint64_t open;       /* now */
	_Atomic uint64_t waiting;    /* beside these, not begun yet (proxy/backlog.h) */
	_Atomic uint64_t blocked;    /* ended by a verdict or an address rule */
	_Atomic uint64_t unrecordable; /* refused because the record could not be kept */
	/* Refused for a bound of ours; and those that waited as a worker died. */
	_Atomic uint64_t overload;
	_Atomic uint64_t asked;    /* requests for leaves, to the signer */
	_Atomic uint64_t up, down; /* payload bytes forwarded */
};

struct board {
	_Atomic uint64_t signer_beat_ms;
	_Atomic uint64_t minted; /* leaves that the signer made */
	_Atomic uint64_t recorder_beat_ms;
	_Atomic uint64_t broker_beat_ms;
	_Atomic uint64_t recorder_full;    /* 1: the store takes nothing now */
	_Atomic uint64_t recorded;         /* events committed */
	_Atomic uint64_t rules_changed;    /* 1: the kernel's rules are not ours now */
	_Atomic uint64_t rules_changes;    /* how often somebody changed them */
	_Atomic uint64_t rules_changed_us; /* the last time, clock_wall_us; 0: never */
	_Atomic uint64_t draining;         /* 1: the appliance ends; accept nothing more */
	struct board_worker worker[CONFIG_WORKERS_MAX];
};

/* Supervisor: a memfd with an empty board, the caller's to close. */
int board_create(struct err *err);

/* Map the board behind fd for the rest of the process; NULL with err. */
struct board *board_map(int fd, struct err *err);

#endif
