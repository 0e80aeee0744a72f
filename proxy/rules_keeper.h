/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RULES_KEEPER_H
#define PROXY_RULES_KEEPER_H

#include "proxy/gateway_state.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct board;
struct err;

/*
 * Keeps the kernel's rules as they were loaded, whoever changes them, and tells
 * a worker what they dropped.  The supervisor loads them; from then on the
 * broker keeps them.
 */
struct rules_keeper;

/*
 * Supervisor: take over what the rules of the run before have counted, load those
 * of plan, and say in print how they look.  Returns the descriptor of struct drops' file, the
 * caller's to close, or -1.
 */
int rules_keeper_load(const struct gateway_plan *plan, const char *run_dir,
    uint8_t print[GATEWAY_PRINT_BYTES], struct err *err);

struct rules_keeper_setup {
	struct event_base *base;
	const struct gateway_plan *plan; /* borrowed */
	const uint8_t *print;            /* of rules_keeper_load */
	int drops;                       /* of rules_keeper_load; stays the caller's */
	int worker;                      /* an end of ipc_pair: whom it tells */
	uint32_t every_ms;               /* how often the kernel is asked what it counted */
	struct board *board;
	void (*changed)(void *arg); /* called from the event loop: the rules are not ours */
	void *arg;
};

/*
 * Broker, before its sandbox: rules that look otherwise are loaded anew.  From
 * then on changed is called when they are changed; nothing can be loaded then,
 * so the broker ends, and its successor is here at once.
 */
struct rules_keeper *rules_keeper_open(const struct rules_keeper_setup *setup, struct err *err);
void rules_keeper_close(struct rules_keeper *keeper); /* accepts NULL */

/* Ask the kernel, and tell, what is due; call it some times a second. */
void rules_keeper_turn(struct rules_keeper *keeper, uint64_t now_ms);

/* The worker has recorded so much of what it was told. */
void rules_keeper_told(struct rules_keeper *keeper, const struct drops_count *told,
    uint64_t until_us);

#endif
