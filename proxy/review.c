/* SPDX-License-Identifier: MIT */
#include "proxy/review.h"

#include "base/clock.h"
#include "config/judge.h"
#include "geo/cache.h"
#include "geo/geo.h"
#include "proxy/conn_private.h"
#include "proxy/guard.h"
#include "proxy/udp_relay.h"

#include <stdio.h>

/* One that ends takes the kernel its time: far below what a loop may stand. */
enum { TURN_US = 1000 };

/* At what stage it was judged last, or will be at the least when it goes on. */
static enum verdict_stage
stage_of(const struct conn *conn)
{
	if (conn->state == CONN_RELAY)
		return VERDICT_PAYLOAD;
	if (conn->state == CONN_CONNECT && conn->facts->inspect != INSPECT_OPENED)
		return VERDICT_CERTIFICATE;
	return conn->state <= CONN_VERIFY ? VERDICT_NAME : VERDICT_CERTIFICATE;
}

/* Whether a bad server that was mirrored or accepted still may be; if not, the
 * verdict says so. */
static bool
bears_server(const struct config *config, struct facts *facts)
{
	enum servers wanted = decide_bad_server(config, &facts->verdict);

	if (facts->server.treatment == TREATED_NONE || wanted == SERVERS_ACCEPT ||
	    (wanted == SERVERS_MIRROR && facts->server.treatment == TREATED_MIRRORED))
		return true;
	guard_block(&facts->verdict, VERDICT_CERTIFICATE, "server-certificate",
	    "The server's certificate is not accepted any more");
	return false;
}

/* What may yet be blocked by the rules that hold now waits for them as well. */
static void
hold_too(struct verdict *verdict, const struct verdict *now)
{
	verdict->open = verdict->open || now->open;
	if (verdict->hold_bytes < now->hold_bytes)
		verdict->hold_bytes = now->hold_bytes;
	if (verdict->hold_ms < now->hold_ms)
		verdict->hold_ms = now->hold_ms;
}

bool
review_blocks(struct conn *conn, enum verdict_stage stage)
{
	const struct snapshot *now = conn->worker->snapshot;
	struct facts facts;

	if (conn->snapshot == now || conn->redirected)
		return false;
	facts = *conn->facts;
	facts.budgets_over = 0; /* they are numbered by its own rules */
	conn_name_device(conn, now->config, &facts);
	facts.place = *geo_cache_locate(now->places, now->geo, &facts.dst);
	if (facts_name(&facts)[0] != '\0')
		geo_vendor(now->geo, facts_name(&facts), &facts.place);
	if (!guard_refuses(now->config, conn->worker->own, &facts.dst, &facts.verdict))
		judge(now->config->rules, stage, &facts, &facts.verdict);
	if (facts.verdict.result != RESULT_BLOCK && bears_server(now->config, &facts)) {
		hold_too(&conn->facts->verdict, &facts.verdict);
		return false;
	}
	*conn->facts = facts;
	return true;
}

void
review_renew(struct conn *conn)
{
	struct snapshot *old = conn->snapshot;

	if (old == conn->worker->snapshot)
		return;
	conn->snapshot = snapshot_ref(conn->worker->snapshot);
	snapshot_unref(old, conn->worker->aside);
	conn_name_device(conn, conn->snapshot->config, conn->facts);
	(void)run_locate(conn);
}

static void
review(struct conn *conn)
{
	const struct verdict *verdict;
	char text[FACTS_TEXT_MAX];

	if (conn->state <= CONN_DECIDE || conn->closing)
		return;
	if (!quiet_wake(conn)) {
		conn_stop(conn, END_OVERLOAD, "no memory for its facts");
		return;
	}
	if (!review_blocks(conn, stage_of(conn))) {
		quiet_again(conn);
		return;
	}
	verdict = &conn->facts->verdict;
	(void)snprintf(text, sizeof(text), "blocked since a reload by %s rule %s", verdict->ruleset,
	    verdict->rule);
	conn_stop(conn, END_RULE_CHANGE, text);
}

static void
on_review(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	uint64_t until_us = clock_mono_us() + TURN_US, since_us = clock_thread_us();
	struct conn *conn;
	void (*done)(struct worker * worker) = worker->review_done;
	bool over = false;

	(void)fd;
	(void)what;
	while ((conn = worker->review_next) != NULL && clock_mono_us() < until_us) {
		worker->review_next = TAILQ_NEXT(conn, entry);
		review(conn);
	}
	if (conn == NULL)
		over = udp_relay_review_turn(worker->udp, until_us);
	worker_note_reload(worker, since_us);
	if (!over) {
		event_active(&worker->review, EV_TIMEOUT, 0);
		return;
	}
	worker->review_done = NULL;
	if (done != NULL)
		done(worker);
}

int
review_open(struct worker *worker)
{
	return event_assign(&worker->review, worker->base, -1, EV_PERSIST, on_review, worker);
}

void
review_start(struct worker *worker, void (*done)(struct worker *worker))
{
	worker->review_next = TAILQ_FIRST(&worker->open);
	udp_relay_review(worker->udp);
	worker->review_done = done;
	event_active(&worker->review, EV_TIMEOUT, 0);
}

void
review_leave(struct conn *conn)
{
	struct worker *worker = conn->worker;

	if (worker->review_next == conn)
		worker->review_next = TAILQ_NEXT(conn, entry);
}
