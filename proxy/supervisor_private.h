/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SUPERVISOR_PRIVATE_H
#define PROXY_SUPERVISOR_PRIVATE_H

/* For the supervisor's files only: supervisor, setup, spools, status. */

#include "certs/ca.h"
#include "config/config.h"
#include "proxy/board.h"
#include "proxy/child.h"
#include "proxy/control.h"
#include "proxy/gateway_state.h"
#include "proxy/notify.h"
#include "proxy/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct jsonw;
struct loaded;
struct outcome;
struct reload;
struct text;

/* Their places among the children. */
enum {
	CHILD_SIGNER = 0,
	CHILD_RECORDER,
	CHILD_BROKER,
	CHILD_WORKERS, /* the first */
	CHILDREN_MAX = CHILD_WORKERS + CONFIG_WORKERS_MAX,
};

/* Two ends of an ipc_pair, both kept. */
struct pair {
	int ours, theirs;
};

struct supervisor {
	/* What it started with: of it, only keys that are taken at a start count. */
	const struct config *config; /* borrowed */
	struct snapshot_files held;  /* what a worker is started with; descriptors owned */
	uint64_t generation;         /* of that */
	uint64_t loaded_us;          /* when that came to hold, clock_wall_us */
	struct reload *reload;
	unsigned workers;    /* how many there are */
	uint64_t epoch;      /* of this run */
	uint64_t started_ms; /* clock_mono_ms */
	/* All descriptors are the supervisor's own; -1: none. */
	int exe, null, lock, gateway, board_fd, budgets_fd, signals;
	int cert[CA_COUNT], key[CA_COUNT];
	int listener[CONFIG_WORKERS_MAX], spool[CONFIG_WORKERS_MAX];
	int datagrams[CONFIG_WORKERS_MAX]; /* -1: that worker takes none */
	struct gateway_plan plan;          /* the kernel's rules, and how they look */
	uint8_t print[GATEWAY_PRINT_BYTES];
	int drops; /* what they counted; -1: they are somebody else's */
	/* ours: the worker's end; theirs: the signer's, the broker's */
	struct pair minting[CONFIG_WORKERS_MAX], brokering[CONFIG_WORKERS_MAX];
	struct board *board;
	struct child children[CHILDREN_MAX]; /* signer, recorder, broker, workers */
	struct pair leash[CHILDREN_MAX];     /* closed when we are gone; theirs: the role's */
	size_t child_count;
	struct control *control;
	struct notify notify;
	uint64_t notified_ms;
	uint64_t turned_ms;    /* the loop's last turn */
	uint64_t trusted_ms;   /* beats are looked at from then on */
	bool ready;            /* every worker has served once */
	bool draining, ending; /* ending: the workers are gone */
	uint64_t deadline_ms;  /* of draining or ending */
	uint64_t deaf_ms;      /* when to stop listening */
	int code;              /* exit code; -1: going on */
};

/* Everything up to the first role's start.  -1: err says what failed, and
 * supervisor_clear is to be called as after success. */
int setup_all(struct supervisor *supervisor, const struct loaded *loaded, struct err *err);
void setup_clear(struct supervisor *supervisor);

/* Give up what is not needed once all is set up. */
int setup_sandbox(const struct supervisor *supervisor, const char **missing, struct err *err);

/* Make or take over a worker's spool, at start; -1 with err. */
int spools_open(struct supervisor *supervisor, unsigned worker, struct err *err);

/*
 * Before a worker or the recorder is started: a spool whose head no role could
 * take, as a worker that was taken over can leave its own, is set aside, and
 * another made in its place.  false: not yet, as the roles that have it open
 * were told to end, or as there can be no other.
 */
bool spools_mend(struct supervisor *supervisor, uint64_t now_ms);

/* Whether child has ended; it is killed when it has not. */
bool supervisor_has_ended(struct child *child);

/*
 * A role can shut its end of a socket for good, and its successor has the same.
 * Before a role is started: ends_renew gives it a leash that nobody had before,
 * a worker's listening socket listens (again); ends_mend replaces the pairs
 * between a worker and the signer or broker where one is shut.  false: not yet, as those
 * that hold it were told to end, or as there can be no other.
 */
int ends_open(struct pair *pair, struct err *err);
void ends_close(struct pair *pair);
int ends_renew(struct supervisor *supervisor, const struct child *child, struct err *err);
bool ends_mend(struct supervisor *supervisor);

/* When the role of child beat last; 0: not since its start. */
uint64_t status_beat(const struct supervisor *supervisor, const struct child *child);

/* What is wrong now, a line each; nothing: healthy. */
void status_problems(const struct supervisor *supervisor, struct text *out);

/* The answer to a word that came through control.sock (control_answer). */
uint64_t status_answer(const char *word, struct text *out, void *supervisor);

/* The answer to a word that asked for a reload. */
void status_reloaded(const char *word, const struct outcome *outcome, struct text *out);

#endif
