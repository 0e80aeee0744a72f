/* SPDX-License-Identifier: MIT */
#include "proxy/conn.h"

#include "base/clock.h"
#include "base/log.h"
#include "proxy/board.h"
#include "proxy/census.h"
#include "proxy/conn_private.h"
#include "proxy/dns_stream.h"
#include "proxy/inventory.h"
#include "proxy/observe.h"
#include "proxy/review.h"
#include "record/spool.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIT(state) (1U << (state))

enum { PASS_OVER_BYTES = 256 << 10 };

/* One row per state: its name, the states it may go to, and what it does.  A
 * stage returns where to go next; to return its own state is to wait for the
 * event loop to call conn_run again. */
static const struct stage {
	const char *name;
	unsigned next;
	enum conn_state (*run)(struct conn *conn);
} stages[] = {
    [CONN_LOCATE] = {"locate", BIT(CONN_PEEK) | BIT(CONN_CLOSED), run_locate},
    [CONN_PEEK] = {"peek", BIT(CONN_DECIDE) | BIT(CONN_CLOSED), run_peek},
    [CONN_DECIDE] = {"decide", BIT(CONN_CONNECT) | BIT(CONN_CLOSED), run_decide},
    [CONN_CONNECT] = {"connect", BIT(CONN_VERIFY) | BIT(CONN_RELAY) | BIT(CONN_CLOSED),
	run_connect},
    /* Back to connect: the server wants a certificate that only the camera
     * has, so the untouched hello goes to a connection of its own. */
    [CONN_VERIFY] = {"verify", BIT(CONN_MINT) | BIT(CONN_CONNECT) | BIT(CONN_CLOSED), run_verify},
    [CONN_MINT] = {"mint", BIT(CONN_ACCEPT) | BIT(CONN_CLOSED), run_mint},
    [CONN_ACCEPT] = {"accept", BIT(CONN_RELAY) | BIT(CONN_CLOSED), run_accept},
    /* Back to peek: nobody had said anything, and now the camera does; or they
     * begin TLS in the middle (starttls.c). */
    [CONN_RELAY] = {"relay", BIT(CONN_PEEK) | BIT(CONN_CLOSED), run_relay},
    [CONN_CLOSED] = {"closed", 0, NULL},
};
_Static_assert(sizeof(stages) / sizeof(stages[0]) == CONN_STATES, "a state has no stage");

const char *
conn_state_name(enum conn_state state)
{
	return stages[state].name;
}

bool
conn_may_go(enum conn_state from, enum conn_state to)
{
	return (stages[from].next & BIT(to)) != 0;
}

void
conn_run(struct conn *conn)
{
	if (!quiet_wake(conn))
		(void)conn_close(conn, END_OVERLOAD, "no memory for its facts");
	while (conn->state != CONN_CLOSED) {
		enum conn_state next = conn->closing ? CONN_CLOSED : stages[conn->state].run(conn);

		if (next == conn->state)
			return;
		assert(conn_may_go(conn->state, next));
		conn->state = next; /* the only assignment in the program */
		if (next == CONN_MINT)
			turns_leave_server(&conn->worker->turns, conn);
		if (next == CONN_RELAY)
			turns_leave(&conn->worker->turns, conn);
	}
}

/* ---- events ---- */

void
conn_on_leg(evutil_socket_t fd, short what, void *arg)
{
	struct leg *leg = arg;

	(void)fd;
	leg_note(leg, what);
	conn_run(leg->conn);
}

void
conn_set_deadline(struct conn *conn, uint32_t ms)
{
	const struct timeval delay = clock_span(ms);

	(void)evtimer_add(&conn->deadline, &delay);
}

/* How long the relay may still be silent; 0 when its time is up. */
static uint32_t
quiet_left_ms(const struct conn *conn)
{
	uint64_t silent_ms = clock_mono_ms() - conn->active_ms;

	if (observe_is_slowed(conn) && !conn->half_closed)
		return conn->quiet_ms;
	return silent_ms < conn->quiet_ms ? (uint32_t)(conn->quiet_ms - silent_ms) : 0;
}

/* A camera that did not say what it wants, or only part of it. */
static void
stop_silent(struct conn *conn)
{
	struct facts *facts = conn->facts;

	if (facts->verdict.result == RESULT_BLOCK) {
		facts->inspect = INSPECT_REFUSED;
		conn_stop(conn, END_REFUSED, facts->verdict.why);
	} else {
		conn_stop(conn, END_HELLO_TIMEOUT, "no whole hello from the camera in time");
	}
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	(void)what;
	switch (conn->state) {
	case CONN_RELAY:
		if (conn->silent)
			stop_silent(conn);
		else if (conn->broken != NULL)
			conn_run(conn);
		else if (quiet_left_ms(conn) > 0)
			conn_set_deadline(conn, quiet_left_ms(conn));
		else
			conn_stop(conn, END_IDLE, "no byte either way");
		break;
	case CONN_LOCATE:
	case CONN_PEEK:
		if (peek_waited(conn))
			conn_run(conn);
		else
			stop_silent(conn);
		break;
	case CONN_CONNECT:
		if (conn->turn == TURN_WAITING)
			conn_stop(conn, END_OVERLOAD, turns_why(conn));
		else
			conn_stop(conn, END_UNREACHABLE, "the server does not answer");
		break;
	case CONN_DECIDE:
	case CONN_VERIFY:
	case CONN_MINT:
	case CONN_ACCEPT:
	case CONN_CLOSED:
	case CONN_STATES:
		conn_stop(conn, END_TIMEOUT, conn_state_name(conn->state));
		break;
	}
}

/* ---- the end ---- */

/* How the sides are closed for each cause: what a camera would have seen from
 * the server itself, where there is such a thing. */
enum shape { SHAPE_FIN = 0, SHAPE_RESET, SHAPE_MIRROR };

static const enum shape shapes[END_COUNT] = {
    [END_REFUSED] = SHAPE_RESET, /* or as the rule wants it */
    [END_UNREACHABLE] = SHAPE_RESET,
    [END_HELLO_TIMEOUT] = SHAPE_RESET,
    [END_TIMEOUT] = SHAPE_RESET,
    [END_RESET] = SHAPE_RESET,
    [END_OVERLOAD] = SHAPE_RESET,
    [END_UNRECORDABLE] = SHAPE_RESET,
    [END_MINT] = SHAPE_RESET,
    [END_SHUTDOWN] = SHAPE_RESET,
    [END_INTERNAL] = SHAPE_RESET,
    [END_FLOOD] = SHAPE_RESET,
    [END_RULE_CHANGE] = SHAPE_RESET,
    [END_SERVER_TLS] = SHAPE_MIRROR,
    [END_SERVER_CERT] = SHAPE_MIRROR,
    [END_CAMERA_TLS] = SHAPE_MIRROR,
    [END_REJECTED] = SHAPE_MIRROR,
};

static void
say_alert(struct conn *conn)
{
	uint8_t record[TLS_ALERT_BYTES];

	if (conn->camera_alert == 0 || !leg_is_plain(&conn->camera) || conn->camera.fd < 0)
		return;
	tls_alert_record(conn->camera_alert, record);
	/* A camera that does not take seven bytes now will see the close. */
	(void)send(conn->camera.fd, record, sizeof(record), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What a camera sent behind what was read would turn the end into a reset. */
static void
pass_over(const struct leg *leg)
{
	(void)recv(leg->fd, NULL, PASS_OVER_BYTES, MSG_TRUNC | MSG_DONTWAIT);
}

/* How a rule wants a block to be done; the shape in which the rest is closed. */
static enum shape
block_camera(struct conn *conn)
{
	switch (conn->facts->verdict.how) {
	case HOW_RESET:
		break;
	case HOW_DROP:
		if (conn->camera.fd >= 0)
			stalls_add(&conn->worker->stalls, conn->worker->base,
			    leg_release(&conn->camera));
		break;
	case HOW_REFUSE:
		if (conn->facts->hello.kind == HELLO_TLS && conn->relay_ms == 0)
			conn->camera_alert = SSL_AD_ACCESS_DENIED;
		pass_over(&conn->camera);
		return SHAPE_MIRROR;
	}
	return SHAPE_RESET;
}

static void
close_legs(struct conn *conn, enum end end)
{
	enum shape shape = end == END_REFUSED ? block_camera(conn) : shapes[end];
	bool server_reset = leg_how_ended(&conn->server) == LEG_RESET;

	if (shape == SHAPE_MIRROR)
		say_alert(conn);
	/* What a side still has to be told (an alert of OpenSSL's) goes out
	 * before its socket closes. */
	if (shape != SHAPE_RESET) {
		(void)leg_flush(&conn->camera);
		(void)leg_flush(&conn->server);
	}
	leg_close(&conn->camera, shape == SHAPE_RESET || (shape == SHAPE_MIRROR && server_reset));
	/* What was blocked in the middle must not look whole to the server. */
	leg_close(&conn->server,
	    shape == SHAPE_RESET || (end == END_REFUSED && conn->relay_ms != 0));
}

static void
write_record(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct facts *facts = conn->facts;
	struct err err = {0};

	facts->closed_wall_us = clock_wall_us();
	facts->duration_us = clock_mono_us() - conn->opened_us;
	if (spool_write(worker->spool, EVENT_CLOSE, facts, &err) != 0 &&
	    facts->end != END_UNRECORDABLE) {
		atomic_fetch_add_explicit(&worker->counters->unrecordable, 1, memory_order_relaxed);
		log_debug("a close was not recorded: %s", err.text);
	}
	spool_live_drop(worker->spool, conn->live);
	conn->live = NULL;
}

static void
count_end(struct conn *conn, enum end end)
{
	struct board_worker *row = conn->worker->counters;
	const struct traffic *traffic = &conn->facts->traffic;
	struct traffic *total = &conn->worker->total;

	total->up += traffic->up;
	total->down += traffic->down;
	total->left_up += traffic->left_up;
	total->left_down += traffic->left_down;

	if (conn->facts->verdict.result == RESULT_BLOCK)
		atomic_fetch_add_explicit(&row->blocked, 1, memory_order_relaxed);
	if (end == END_OVERLOAD)
		atomic_fetch_add_explicit(&row->overload, 1, memory_order_relaxed);
	if (end == END_UNRECORDABLE)
		atomic_fetch_add_explicit(&row->unrecordable, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&row->open, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&row->up, conn->facts->traffic.left_up, memory_order_relaxed);
	atomic_fetch_add_explicit(&row->down, conn->facts->traffic.left_down, memory_order_relaxed);
}

enum conn_state
conn_close(struct conn *conn, enum end end, const char *fmt, ...)
{
	struct worker *worker = conn->worker;
	va_list ap;

	if (conn->closing)
		return CONN_CLOSED;
	(void)quiet_wake(conn);
	quiet_leave(conn);
	conn->closing = true;
	conn->facts->end = end;
	va_start(ap, fmt);
	(void)vsnprintf(conn->facts->end_text, sizeof(conn->facts->end_text), fmt, ap);
	va_end(ap);
	minter_forget(&conn->mint);
	relay_drop(conn);
	observe_rest(conn);
	turns_leave(&worker->turns, conn);
	(void)event_del(&conn->deadline);
	close_legs(conn, end);
	write_record(conn);
	count_end(conn, end);
	review_leave(conn);
	TAILQ_REMOVE(&worker->open, conn, entry);
	TAILQ_INSERT_TAIL(&worker->closed, conn, entry);
	worker->open_count--;
	if (conn->counted)
		census_remove(worker->census, &conn->facts->camera);
	event_active(&worker->reap, EV_TIMEOUT, 0);
	return CONN_CLOSED;
}

void
conn_stop(struct conn *conn, enum end end, const char *text)
{
	(void)conn_close(conn, end, "%s", text);
	conn_run(conn);
}

/* ---- the beginning ---- */

void
conn_name_device(const struct conn *conn, const struct config *config, struct facts *facts)
{
	inventory_name(conn->worker->inventory, config, facts);
}

static void
on_mint(void *arg)
{
	conn_run(arg);
}

bool
conn_open(struct worker *worker, int fd, const struct addr *camera, const struct addr *dst)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL || (conn->facts = calloc(1, sizeof(*conn->facts))) == NULL)
		goto fail;
	conn->worker = worker;
	conn->snapshot = snapshot_ref(worker->snapshot);
	conn->opened_us = clock_mono_us();
	conn->camera = (struct leg){.conn = conn, .pool = &worker->pool, .fd = fd};
	conn->server = (struct leg){.conn = conn, .pool = &worker->pool, .fd = -1};
	conn->mint = (struct mint_waiter){.done = on_mint, .arg = conn};
	conn->facts->camera = *camera;
	conn->facts->dst = *dst;
	/* Just now: where there was no room for the camera, there may be for its next. */
	conn->counted = census_turns(worker->census, camera) != NULL;
	conn->facts->opened_wall_us = clock_wall_us();
	if (RAND_bytes((unsigned char *)&conn->facts->flow_id, sizeof(conn->facts->flow_id)) != 1 ||
	    leg_open(&conn->camera, fd, worker->base, conn_on_leg) != 0 ||
	    evtimer_assign(&conn->deadline, worker->base, on_deadline, conn) != 0)
		goto fail;
	conn->facts->flow_id = (conn->facts->flow_id >> 1) | 1; /* 63 bits, and never 0 */
	conn_name_device(conn, conn->snapshot->config, conn->facts);
	TAILQ_INSERT_TAIL(&worker->open, conn, entry);
	worker->open_count++;
	atomic_fetch_add_explicit(&worker->counters->accepted, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&worker->counters->open, 1, memory_order_relaxed);
	conn_run(conn);
	return true;
fail:
	census_remove(worker->census, camera);
	(void)close(fd);
	if (conn != NULL) {
		snapshot_unref(conn->snapshot, worker->aside);
		free(conn->facts);
	}
	free(conn);
	return false;
}

void
conn_refuse(int fd)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
}

void
conn_free(struct conn *conn)
{
	observe_close(conn);
	dns_stream_free(conn->dns);
	hello_clear(&conn->hello);
	minted_clear(&conn->minted);
	quiet_free(conn);
	snapshot_unref(conn->snapshot, conn->worker->aside);
	free(conn);
}
