/* SPDX-License-Identifier: MIT */
#include "proxy/turns.h"

#include "base/clock.h"
#include "base/err.h"
#include "proxy/census.h"
#include "proxy/conn_private.h"

enum {
	SHARE_MS = 20,     /* how often shares are looked at */
	SHARE_LOOKS = 256, /* of those that wait, at most, each time */
	HASTY_MS = 1000,   /* so long a camera that had to wait is none of the others */
};

/* NULL: the camera is not counted, so nothing is held against it. */
static struct camera_turns *
turns_of(const struct conn *conn)
{
	return census_turns(conn->worker->census, &conn->facts->camera);
}

static bool
has_too_many(const struct conn *conn)
{
	const struct camera_turns *own = turns_of(conn);

	return own != NULL && own->unfinished >= conn->snapshot->config->limit.unfinished;
}

/* For one of its camera's to be done. */
static void
wait_for_own(struct conn *conn)
{
	conn->turn = TURN_WAITING;
	conn->turn_own = true;
	TAILQ_INSERT_TAIL(&turns_of(conn)->waiting, conn, turn_entry);
}

/* For its share, or for the worker to be idle. */
static void
wait_for_others(struct turns *turns, struct conn *conn)
{
	const struct timeval delay = clock_span(SHARE_MS);
	struct camera_turns *own = turns_of(conn);

	if (own != NULL)
		own->hasty_ms = clock_mono_ms();
	conn->turn = TURN_WAITING;
	conn->turn_own = false;
	TAILQ_INSERT_TAIL(&turns->waiting, conn, turn_entry);
	if (turns->count++ == 0) {
		event_active(&turns->idle, EV_TIMEOUT, 0);
		(void)evtimer_add(&turns->share, &delay);
	}
}

static void
take(struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);

	conn->turn = TURN_TAKEN;
	if (own != NULL)
		own->unfinished++;
}

static void
start(struct turns *turns, struct conn *conn)
{
	turns_leave(turns, conn);
	if (has_too_many(conn)) {
		wait_for_own(conn);
		return;
	}
	take(conn);
	conn_run(conn);
}

/* One that is within its share only now and then is none whom others stand back
 * for: two that are hasty would hold up each other. */
static void
note_fair(struct turns *turns, const struct conn *conn)
{
	const struct camera_turns *own = turns_of(conn);
	uint64_t now_ms = clock_mono_ms();

	if (own == NULL || own->hasty_ms == 0 || now_ms - own->hasty_ms >= HASTY_MS)
		turns->fair_ms = now_ms;
}

static bool
others_begin(const struct turns *turns)
{
	return clock_mono_ms() - turns->fair_ms < TURNS_OTHERS_MS;
}

static void
on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct turns *turns = arg;
	struct conn *conn = TAILQ_FIRST(&turns->waiting);

	(void)fd;
	(void)what;
	if (others_begin(turns))
		return; /* on_share looks again */
	if (conn != NULL)
		start(turns, conn);
	if (turns->count > 0)
		event_active(&turns->idle, EV_TIMEOUT, 0);
}

static bool
is_within_share(const struct conn *conn)
{
	return census_start(conn->worker->census, &conn->facts->camera,
	    conn->snapshot->config->limit.handshakes, clock_mono_us());
}

static void
on_share(evutil_socket_t fd, short what, void *arg)
{
	struct turns *turns = arg;
	const struct timeval delay = clock_span(SHARE_MS);
	struct conn *conn = TAILQ_FIRST(&turns->waiting), *next;

	(void)fd;
	(void)what;
	/* To start one ends no other: next stays good. */
	for (int i = 0; i < SHARE_LOOKS && conn != NULL; i++, conn = next) {
		next = TAILQ_NEXT(conn, turn_entry);
		if (is_within_share(conn))
			start(turns, conn);
	}
	if (turns->count > 0) {
		event_active(&turns->idle, EV_TIMEOUT, 0);
		(void)evtimer_add(&turns->share, &delay);
	}
}

bool
turns_take(struct turns *turns, struct conn *conn)
{
	if (conn->turn == TURN_TAKEN)
		return true;
	if (conn->turn == TURN_WAITING)
		return false;
	if (has_too_many(conn)) {
		wait_for_own(conn);
		return false;
	}
	if (is_within_share(conn)) {
		note_fair(turns, conn);
		take(conn);
		return true;
	}
	wait_for_others(turns, conn);
	return false;
}

/* One of the camera's is done: the next may, when it is its turn. */
static void
give(struct turns *turns, struct camera_turns *own)
{
	struct conn *next = TAILQ_FIRST(&own->waiting);

	own->unfinished--;
	if (next == NULL)
		return;
	TAILQ_REMOVE(&own->waiting, next, turn_entry);
	wait_for_others(turns, next);
}

void
turns_leave(struct turns *turns, struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);
	enum turn turn = conn->turn;

	conn->turn = TURN_NONE;
	if (turn == TURN_TAKEN && own != NULL) {
		give(turns, own);
	} else if (turn == TURN_WAITING && conn->turn_own) {
		TAILQ_REMOVE(&own->waiting, conn, turn_entry);
	} else if (turn == TURN_WAITING) {
		TAILQ_REMOVE(&turns->waiting, conn, turn_entry);
		turns->count--;
		if (turns->count == 0)
			(void)event_del(&turns->idle);
	}
}

int
turns_open(struct turns *turns, struct worker *worker, struct err *err)
{
	*turns = (struct turns){.worker = worker};
	TAILQ_INIT(&turns->waiting);
	if (event_assign(&turns->idle, worker->base, -1, 0, on_idle, turns) != 0 ||
	    event_priority_set(&turns->idle, WORKER_PRIORITIES - 1) != 0 ||
	    evtimer_assign(&turns->share, worker->base, on_share, turns) != 0)
		return err_set(err, ERR_NOMEM, "no memory");
	return 0;
}

void
turns_close(struct turns *turns)
{
	if (turns->worker == NULL)
		return;
	(void)event_del(&turns->idle);
	(void)event_del(&turns->share);
	turns->worker = NULL;
}
