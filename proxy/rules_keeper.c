/* SPDX-License-Identifier: MIT */
#include "proxy/rules_keeper.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "proxy/board.h"
#include "proxy/broker_wire.h"
#include "proxy/routes.h"

#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TELL_A_TURN = 32,
	/* Cameras that do not exist can be made up by the thousand: after so many
	 * rows the next ones wait for the next time. */
	TELL_A_READING = 512,
	AGAIN_MS = 5000, /* longer than a worker needs to come back */
};

struct rules_keeper {
	struct rules_keeper_setup setup;
	struct gateway_state *state;
	struct drops *drops; /* shared, to the end of the process */
	struct event changed;
	struct event rerouted;
	int routes;       /* routes_watch */
	uint64_t read_ms; /* when the kernel was last asked; 0: never */
	size_t next;      /* the row to be told next */
	size_t to_look;   /* rows that were not looked at since that reading */
	size_t to_tell;   /* as many may be told still */
	struct drops_count counts[DROPS_ROWS_MAX];
};

/* ---- loading ---- */

/* Not to know what was counted is no reason to go without rules. */
static void
take_over(struct gateway_state *state, struct drops *drops)
{
	struct drops_count *counts = calloc(DROPS_ROWS_MAX, sizeof(*counts));
	struct err err = {0};
	size_t count = 0;

	if (counts == NULL || gateway_state_counts(state, counts, &count, &err) != 0)
		log_warn("what was dropped before the start is not known: %s",
		    counts == NULL ? "no memory" : err.text);
	else
		drops_merge(drops, counts, count, clock_wall_us());
	drops_restart(drops);
	free(counts);
}

int
rules_keeper_load(const struct gateway_plan *plan, const char *run_dir,
    uint8_t print[GATEWAY_PRINT_BYTES], struct err *err)
{
	struct gateway_state *state = gateway_state_open(err);
	struct drops *drops = drops_read(run_dir);
	int fd = -1;

	if (state == NULL)
		goto out;
	if (drops == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		goto out;
	}
	take_over(state, drops);
	if (gateway_set(plan, err) != 0 || gateway_state_print(state, print, err) != 0)
		goto out;
	fd = drops_write(drops, run_dir, err);
out:
	free(drops);
	gateway_state_close(state);
	return fd;
}

/* ---- keeping ---- */

static bool
is_ours(struct rules_keeper *keeper)
{
	uint8_t print[GATEWAY_PRINT_BYTES];
	struct err err = {0};

	if (gateway_state_print(keeper->state, print, &err) == 0)
		return memcmp(print, keeper->setup.print, sizeof(print)) == 0;
	if (err.kind != ERR_INPUT)
		log_error("the kernel's rules cannot be looked at: %s", err.text);
	return err.kind != ERR_INPUT;
}

static int
load_anew(struct rules_keeper *keeper, struct err *err)
{
	if (gateway_set(keeper->setup.plan, err) != 0)
		return -1;
	drops_restart(keeper->drops);
	if (!is_ours(keeper))
		return err_set(err, ERR_SYS, "the kernel's rules are not those that were loaded");
	log_warn("the kernel's rules had been changed by somebody else: they are loaded anew");
	return 0;
}

static void
note_change(struct board *board)
{
	if (atomic_exchange(&board->rules_changed, 1) != 0)
		return;
	atomic_fetch_add(&board->rules_changes, 1);
	atomic_store(&board->rules_changed_us, clock_wall_us());
}

static void
on_changed(evutil_socket_t fd, short what, void *arg)
{
	struct rules_keeper *keeper = arg;

	(void)fd;
	(void)what;
	gateway_state_drain(keeper->state);
	if (is_ours(keeper))
		return;
	log_warn("the kernel's rules were changed by somebody else: cameras may pass until they "
		 "are loaded anew");
	note_change(keeper->setup.board);
	keeper->setup.changed(keeper->setup.arg);
}

/* Without them what the rules took goes nowhere, and nothing else tells of it. */
static void
on_rerouted(evutil_socket_t fd, short what, void *arg)
{
	struct rules_keeper *keeper = arg;

	(void)what;
	if (!routes_are_lost(fd))
		return;
	log_warn("the appliance's routing was changed by somebody else: nothing of cameras passes "
		 "until it is set anew");
	note_change(keeper->setup.board);
	keeper->setup.changed(keeper->setup.arg);
}

/* ---- telling ---- */

static void
read_counts(struct rules_keeper *keeper, uint64_t now_ms)
{
	struct err err = {0};
	size_t count = 0;

	keeper->read_ms = now_ms;
	if (gateway_state_counts(keeper->state, keeper->counts, &count, &err) != 0) {
		log_warn("%s", err.text);
		return;
	}
	drops_merge(keeper->drops, keeper->counts, count, clock_wall_us());
	(void)drops_rows(keeper->drops, &keeper->to_look);
	keeper->to_tell = TELL_A_READING;
}

/* Whether there was room for it. */
static bool
tell(struct rules_keeper *keeper, struct drops_row *row, uint64_t now_ms)
{
	struct broker_unseen unseen;

	memset(&unseen, 0, sizeof(unseen));
	unseen.saying = BROKER_UNSEEN;
	unseen.count = (struct drops_count){row->key, row->owed_packets, row->owed_bytes};
	unseen.since_us = row->since_us;
	unseen.until_us = row->until_us;
	if (ipc_send(keeper->setup.worker, &unseen, sizeof(unseen), NULL) <= 0)
		return false;
	row->asked_ms = now_ms;
	return true;
}

static bool
is_due(const struct drops_row *row, uint64_t now_ms)
{
	if (row->owed_packets == 0)
		return false;
	return row->asked_ms == 0 || now_ms - row->asked_ms >= AGAIN_MS;
}

void
rules_keeper_turn(struct rules_keeper *keeper, uint64_t now_ms)
{
	struct drops_row *rows;
	size_t count;

	keeper->drops->alive_us = clock_wall_us();
	if (keeper->read_ms == 0 || now_ms - keeper->read_ms >= keeper->setup.every_ms)
		read_counts(keeper, now_ms);
	rows = drops_rows(keeper->drops, &count);
	for (int told = 0; told < TELL_A_TURN && keeper->to_look > 0 && keeper->to_tell > 0;) {
		keeper->next = keeper->next < count ? keeper->next : 0;
		if (is_due(&rows[keeper->next], now_ms)) {
			if (!tell(keeper, &rows[keeper->next], now_ms))
				return;
			told++;
			keeper->to_tell--;
		}
		keeper->next++;
		keeper->to_look--;
	}
}

void
rules_keeper_told(struct rules_keeper *keeper, const struct drops_count *told, uint64_t until_us)
{
	drops_pay(keeper->drops, told, until_us);
}

/* ---- life ---- */

struct rules_keeper *
rules_keeper_open(const struct rules_keeper_setup *setup, struct err *err)
{
	struct rules_keeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	keeper->setup = *setup;
	keeper->routes = -1;
	keeper->drops = drops_map(setup->drops, err);
	keeper->state = keeper->drops != NULL ? gateway_state_open(err) : NULL;
	if (keeper->state == NULL)
		goto fail;
	if (!is_ours(keeper))
		note_change(setup->board);
	if (atomic_load(&setup->board->rules_changed) != 0 && load_anew(keeper, err) != 0)
		goto fail;
	keeper->routes = routes_watch(err);
	if (keeper->routes < 0)
		goto fail;
	atomic_store(&setup->board->rules_changed, 0);
	if (event_assign(&keeper->changed, setup->base, gateway_state_fd(keeper->state),
		EV_READ | EV_PERSIST, on_changed, keeper) != 0 ||
	    event_assign(&keeper->rerouted, setup->base, keeper->routes, EV_READ | EV_PERSIST,
		on_rerouted, keeper) != 0 ||
	    event_add(&keeper->changed, NULL) != 0 || event_add(&keeper->rerouted, NULL) != 0) {
		(void)err_set(err, ERR_NOMEM, "the kernel's rules cannot be watched");
		goto fail;
	}
	return keeper;
fail:
	if (keeper->routes >= 0)
		(void)close(keeper->routes);
	gateway_state_close(keeper->state);
	free(keeper);
	return NULL;
}

void
rules_keeper_close(struct rules_keeper *keeper)
{
	if (keeper == NULL)
		return;
	(void)event_del(&keeper->changed);
	(void)event_del(&keeper->rerouted);
	(void)close(keeper->routes);
	gateway_state_close(keeper->state);
	free(keeper);
}
