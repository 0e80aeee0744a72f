/* SPDX-License-Identifier: MIT */
#include "proxy/worker.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "certs/lean.h"
#include "config/config.h"
#include "geo/geo.h"
#include "proxy/adopt.h"
#include "proxy/anomalies.h"
#include "proxy/board.h"
#include "proxy/broker.h"
#include "proxy/budget.h"
#include "proxy/census.h"
#include "proxy/conn.h"
#include "proxy/conn_private.h"
#include "proxy/dns_policy.h"
#include "proxy/ftp_links.h"
#include "proxy/inventory.h"
#include "proxy/listener.h"
#include "proxy/minter.h"
#include "proxy/origdst.h"
#include "proxy/own_addrs.h"
#include "proxy/refusals.h"
#include "proxy/sandbox.h"
#include "proxy/sessions.h"
#include "proxy/snapshot.h"
#include "proxy/tickets.h"
#include "proxy/udp_relay.h"
#include "proxy/worker_private.h"
#include "record/spool.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALLBACKS_A_TURN = 16, /* of up to 2 MiB of payload each: some 30 ms */
	TICK_MS = 200,         /* the heartbeat; the supervisor waits ten of them */
	DRAIN_MAX_MS = 8000,   /* connections that do not end by themselves until then are ended */
	EXIT_FAILED = 1,
	US_PER_S = 1000000,
	DAY_S = 86400,
};

/* ---- the loop's own events ---- */

static void
on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct conn *conn;

	(void)fd;
	(void)what;
	while ((conn = TAILQ_FIRST(&worker->closed)) != NULL) {
		TAILQ_REMOVE(&worker->closed, conn, entry);
		conn_free(conn);
	}
	listener_resume(worker->listener);
}

int
worker_reaps(struct worker *worker)
{
	return event_assign(&worker->reap, worker->base, -1, EV_PERSIST, on_reap, worker);
}

void
worker_note_reload(struct worker *worker, uint64_t since_us)
{
	uint64_t took_us = clock_thread_us() - since_us;

	if (took_us > atomic_load_explicit(&worker->counters->reload_us, memory_order_relaxed))
		atomic_store_explicit(&worker->counters->reload_us, took_us, memory_order_relaxed);
}

static void
stop_connections(struct worker *worker)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&worker->open)) != NULL)
		conn_stop(conn, END_SHUTDOWN, "the appliance ends");
}

static void
start_drain(struct worker *worker)
{
	worker->drain_from_ms = clock_mono_ms();
	listener_stop(worker->listener);
	backlog_flush(&worker->backlog);
	udp_relay_stop(worker->udp);
	log_info("draining %zu connections", worker->open_count);
}

static void
go_on_draining(struct worker *worker)
{
	bool over = clock_mono_ms() - worker->drain_from_ms > DRAIN_MAX_MS;

	if (over)
		stop_connections(worker);
	if (worker->open_count == 0 && (over || udp_relay_is_empty(worker->udp)))
		(void)event_base_loopbreak(worker->base);
}

static void
note_geo_age(const struct worker *worker, struct facts *facts)
{
	uint64_t now_s = clock_wall_us() / US_PER_S, build_s = now_s;
	const char *oldest = geo_oldest(worker->snapshot->geo, &build_s);

	if (oldest != NULL)
		text_copy(facts->place.located_basis, sizeof(facts->place.located_basis), oldest);
	if (build_s < now_s)
		facts->geo_age_days = (uint32_t)((now_s - build_s) / DAY_S);
}

void
worker_tell_stats(struct worker *worker, uint64_t now_ms)
{
	struct facts facts = {.traffic = worker->total};

	if (worker->told_ms != 0 && now_ms - worker->told_ms < WORKER_STATS_MS)
		return;
	if (worker->told_ms != 0) {
		note_geo_age(worker, &facts);
		(void)spool_write(worker->spool, EVENT_STATS, &facts, NULL);
	}
	worker->told_ms = now_ms;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	atomic_store_explicit(&worker->counters->beat_ms, clock_mono_ms(), memory_order_relaxed);
	worker_tell_stats(worker, clock_mono_ms());
	anomalies_record_loss(worker);
	dns_policy_turn(worker->dns);
	inventory_turn(worker->inventory, worker->snapshot->config->devices,
	    worker->snapshot->generation, clock_mono_ms());
	if (worker->drain_from_ms != 0)
		go_on_draining(worker);
	else if (atomic_load_explicit(&worker->board->draining, memory_order_relaxed) != 0)
		start_drain(worker);
}

/* ---- setting up, while files can still be opened ---- */

static int
load(struct worker *worker, const struct worker_setup *setup, struct err *err)
{
	struct snapshot_files files = {.source = setup->source,
	    .config_path = setup->config_path,
	    .asn = setup->asn};

	memcpy(files.country, setup->country, sizeof(files.country));
	worker->snapshot = snapshot_open(&files, setup->generation, NULL, err);
	if (worker->snapshot == NULL)
		return -1;
	worker->board = board_map(setup->board, err);
	if (worker->board == NULL)
		return -1;
	worker->counters = &worker->board->worker[setup->index];
	worker->budgets = budgets_map(setup->budgets, err);
	if (worker->budgets == NULL)
		return -1;
	(void)close(setup->budgets); /* who has it could shorten the file that others map */
	atomic_store_explicit(&worker->counters->open, 0, memory_order_relaxed);
	atomic_store_explicit(&worker->counters->generation, setup->generation,
	    memory_order_relaxed);
	worker->spool = spool_writer(setup->spool, worker->snapshot->config->site, err);
	return worker->spool != NULL ? 0 : -1;
}

struct event_base *
worker_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config != NULL && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
	    event_config_set_max_dispatch_interval(config, NULL, CALLBACKS_A_TURN, 0) == 0)
		base = event_base_new_with_config(config);
	if (base != NULL && event_base_priority_init(base, WORKER_PRIORITIES) != 0) {
		event_base_free(base);
		base = NULL;
	}
	if (config != NULL)
		event_config_free(config);
	return base;
}

static int
watch(struct worker *worker, const struct worker_setup *setup, struct err *err)
{
	const struct timeval every = clock_span(TICK_MS);
	struct minter_setup minter = {.base = worker->base,
	    .signer = setup->signer,
	    .board = worker->counters};

	worker->minter = minter_new(&minter, err);
	worker->broker = broker_new(worker->base, setup->broker, err);
	worker->own = own_addrs_open(worker->base, err);
	/* One tells what all of them see. */
	worker->inventory = inventory_open(worker->base, worker->snapshot->config,
	    setup->index == 0 ? worker->spool : NULL, err);
	worker->refusals = refusals_new();
	worker->dns = dns_policy_new(worker, err);
	worker->ftp = ftp_links_new();
	worker->census = census_new(worker->snapshot->config->limit.per_camera);
	worker->sessions = sessions_new();
	worker->tickets = tickets_new(err);
	if (worker->minter == NULL || worker->broker == NULL || worker->own == NULL ||
	    worker->inventory == NULL || worker->dns == NULL || worker->tickets == NULL ||
	    backlog_open(&worker->backlog, worker, err) != 0 ||
	    turns_open(&worker->turns, worker, err) != 0 || quiet_open(worker, err) != 0 ||
	    gather_open(worker, err) != 0)
		return -1;
	if (worker->ftp == NULL || worker->refusals == NULL || worker->census == NULL ||
	    worker->sessions == NULL || worker_reaps(worker) != 0 ||
	    event_assign(&worker->tick, worker->base, -1, EV_PERSIST, on_tick, worker) != 0 ||
	    event_priority_set(&worker->tick, 0) != 0 || event_add(&worker->tick, &every) != 0)
		return err_set(err, ERR_NOMEM, "no memory");
	if (setup->index == 0)
		broker_hear(worker->broker, anomalies_record, worker);
	return adopt_open(worker, setup->control, setup->config_path, err);
}

static int
set_up(struct worker *worker, const struct worker_setup *setup, struct err *err)
{
	TAILQ_INIT(&worker->open);
	TAILQ_INIT(&worker->closed);
	worker->index = setup->index;
	worker->base = worker_base();
	if (worker->base == NULL) {
		(void)err_set(err, ERR_NOMEM, "no event loop");
		return -1;
	}
	if (load(worker, setup, err) != 0 || watch(worker, setup, err) != 0)
		return -1;
	worker->origdst = origdst_method(worker->snapshot->config->gateway.mode);
	worker->listener = listener_new(worker, setup->listener, err);
	if (worker->listener == NULL)
		return -1;
	if (setup->datagrams < 0)
		return 0;
	worker->udp = udp_relay_open(worker, setup->datagrams, err);
	return worker->udp != NULL ? 0 : -1;
}

/* ---- life ---- */

static void
tear_down(struct worker *worker)
{
	backlog_flush(&worker->backlog);
	stop_connections(worker);
	udp_relay_close(worker->udp);
	if (worker->listener != NULL)
		on_reap(-1, 0, worker);
	adopt_close(worker);
	listener_free(worker->listener);
	stalls_clear(&worker->stalls);
	minter_free(worker->minter);
	broker_free(worker->broker);
	own_addrs_close(worker->own);
	dns_policy_free(worker->dns);
	ftp_links_free(worker->ftp);
	inventory_close(worker->inventory);
	refusals_free(worker->refusals);
	census_free(worker->census);
	turns_close(&worker->turns);
	gather_clear(worker);
	quiet_clear(worker);
	sessions_free(worker->sessions);
	tickets_free(worker->tickets);
	spool_close(worker->spool);
	snapshot_unref(worker->snapshot, NULL);
	pool_clear(&worker->pool);
	pipes_clear(&worker->pipes);
	if (worker->base != NULL)
		event_base_free(worker->base);
	free(worker);
}

static int
serve(struct worker *worker)
{
	const char *missing = "";
	struct err err = {0};

	if (sandbox_enter(ROLE_WORKER, NULL, &missing, &err) != 0) {
		log_error("the sandbox cannot be set up: %s", err.text);
		return EXIT_FAILED;
	}
	if (missing[0] != '\0')
		log_warn("this kernel has no %s", missing);
	on_tick(-1, 0, worker);
	return event_base_dispatch(worker->base) < 0 ? EXIT_FAILED : 0;
}

int
worker_run(const struct worker_setup *setup)
{
	static char name[32];
	struct worker *worker = calloc(1, sizeof(*worker));
	struct err err = {0};
	int ret = EXIT_FAILED;

	(void)snprintf(name, sizeof(name), "worker %u", setup->index);
	log_open(name, LOG_LEVEL_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	/* Ctrl-C goes to the whole group: the supervisor decides what it means. */
	(void)signal(SIGINT, SIG_IGN);
	if (worker == NULL)
		return EXIT_FAILED;
	if (lean_open(&err) == 0 && set_up(worker, setup, &err) == 0)
		ret = serve(worker);
	else
		log_error("cannot start: %s", err.text);
	tear_down(worker);
	return ret;
}
