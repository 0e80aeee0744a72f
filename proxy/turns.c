/* SPDX-License-Identifier: MIT */
#include "proxy/turns.h"

#include "base/clock.h"
#include "base/err.h"
#include "proxy/census.h"
#include "proxy/conn_private.h"
#include "proxy/crowds.h"

enum {
	SHARE_MS = 20,     /* how often shares are looked at */
	SHARE_LOOKS = 256, /* of those that wait, at most, each time */
	HASTY_MS = 1000,   /* so long a camera that was beyond its share is none of the others */
};

/* NULL: conn is not counted with its camera's, so nothing is held against it, and
 * what is counted may be gone before it. */
static struct camera_turns *
turns_of(const struct conn *conn)
{
	return conn->counted ? census_turns(conn->worker->census, &conn->facts->camera) : NULL;
}

static bool
has_too_many(const struct conn *conn)
{
	const struct camera_turns *own = turns_of(conn);

	return own != NULL && own->unfinished >= conn->snapshot->config->limit.unfinished;
}

/* The worker's connections with one server that wait to be opened, at most. */
static uint32_t
pending_max(const struct conn *conn)
{
	uint32_t connections = conn->snapshot->config->limit.connections;

	return connections - connections / 2;
}

/* conn joins those at its server.  False: it is beyond what may wait there, of all
 * cameras or of its own, which is not to take the place of the others. */
static bool
join(struct turns *turns, struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);
	uint32_t most = pending_max(conn);

	conn->crowd = crowds_join(turns->crowds, &conn->facts->dst);
	if (conn->crowd == NULL)
		return true;
	if (own != NULL)
		own->pending++;
	return conn->crowd->pending <= most && (own == NULL || own->pending <= most - most / 2);
}

static void
part(struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);

	if (conn->crowd == NULL)
		return;
	if (own != NULL)
		own->pending--;
	crowd_leave(conn->crowd);
	conn->crowd = NULL;
}

static bool
is_crowded(const struct conn *conn)
{
	const struct crowd *crowd = conn->crowd;

	return crowd != NULL && crowd->unfinished >= conn->snapshot->config->limit.per_server;
}

/* The list that conn waits in, while it does. */
static struct turn_list *
list_of(struct turns *turns, const struct conn *conn)
{
	switch (conn->turn_queue) {
	case QUEUE_OWN:
		return &turns_of(conn)->waiting;
	case QUEUE_SERVER:
		return &conn->crowd->waiting;
	case QUEUE_OTHERS:
		break;
	}
	return &turns->waiting;
}

static void
wait_in(struct turns *turns, struct conn *conn, enum turn_queue queue)
{
	conn->turn = TURN_WAITING;
	conn->turn_queue = queue;
	TAILQ_INSERT_TAIL(list_of(turns, conn), conn, turn_entry);
}

/* For its share, or for the worker to be idle. */
static void
wait_for_others(struct turns *turns, struct conn *conn)
{
	const struct timeval delay = clock_span(SHARE_MS);

	wait_in(turns, conn, QUEUE_OTHERS);
	if (turns->count++ == 0) {
		event_active(&turns->idle, EV_TIMEOUT, 0);
		(void)evtimer_add(&turns->share, &delay);
	}
}

static void
stop_waiting(struct turns *turns, struct conn *conn)
{
	if (turns->look == conn)
		turns->look = TAILQ_NEXT(conn, turn_entry);
	TAILQ_REMOVE(list_of(turns, conn), conn, turn_entry);
	conn->turn = TURN_NONE;
	if (conn->turn_queue != QUEUE_OTHERS)
		return;
	turns->count--;
	if (turns->count == 0)
		(void)event_del(&turns->idle);
}

/* Its camera begins more than its share. */
static void
note_hasty(const struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);

	if (own != NULL)
		own->hasty_ms = clock_mono_ms();
}

/* There is room where these wait: the first may, when it is its turn. */
static void
wake_first(struct turns *turns, const struct turn_list *waiting)
{
	struct conn *first = TAILQ_FIRST(waiting);

	if (first == NULL)
		return;
	if (first->turn_queue == QUEUE_OWN)
		note_hasty(first);
	stop_waiting(turns, first);
	wait_for_others(turns, first);
}

/* Where there is room beside conn, who waits for that may try. */
static void
wake_next(struct turns *turns, const struct conn *conn)
{
	const struct camera_turns *own = turns_of(conn);

	if (own != NULL && !has_too_many(conn))
		wake_first(turns, &own->waiting);
	if (conn->crowd != NULL && !is_crowded(conn))
		wake_first(turns, &conn->crowd->waiting);
}

static void
take(struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);

	conn->turn = TURN_TAKEN;
	if (own != NULL)
		own->unfinished++;
	if (conn->crowd != NULL)
		conn->crowd->unfinished++;
}

/* Whether conn has to wait for its camera's or for the server's others, and
 * does from now on.  It may have been the one to be woken by the other of the
 * two, whose room it does not take then: the next is. */
static bool
waits_for_room(struct turns *turns, struct conn *conn)
{
	struct camera_turns *camera = turns_of(conn);
	bool own = has_too_many(conn);

	if (!own && !is_crowded(conn))
		return false;
	if (!own && camera != NULL)
		wake_first(turns, &camera->waiting);
	if (own && conn->crowd != NULL && !is_crowded(conn))
		wake_first(turns, &conn->crowd->waiting);
	wait_in(turns, conn, own ? QUEUE_OWN : QUEUE_SERVER);
	return true;
}

static void
start(struct turns *turns, struct conn *conn)
{
	stop_waiting(turns, conn);
	if (waits_for_room(turns, conn))
		return;
	take(conn);
	conn_run(conn);
}

/* Two that are hasty would hold up each other. */
bool
turns_is_hasty(const struct camera_turns *turns, uint64_t now_ms)
{
	return turns != NULL && turns->hasty_ms != 0 && now_ms - turns->hasty_ms < HASTY_MS;
}

static void
note_fair(struct turns *turns, const struct conn *conn)
{
	uint64_t now_ms = clock_mono_ms();

	if (!turns_is_hasty(turns_of(conn), now_ms))
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
	struct conn *conn = turns->look != NULL ? turns->look : TAILQ_FIRST(&turns->waiting);

	(void)fd;
	(void)what;
	for (int i = 0; i < SHARE_LOOKS && conn != NULL; i++, conn = turns->look) {
		turns->look = TAILQ_NEXT(conn, turn_entry);
		if (is_within_share(conn))
			start(turns, conn);
	}
	if (turns->count > 0) {
		event_active(&turns->idle, EV_TIMEOUT, 0);
		(void)evtimer_add(&turns->share, &delay);
	}
}

enum turn
turns_take(struct turns *turns, struct conn *conn)
{
	if (conn->turn != TURN_NONE)
		return conn->turn;
	if (!join(turns, conn))
		return TURN_NONE;
	if (waits_for_room(turns, conn))
		return TURN_WAITING;
	if (is_within_share(conn)) {
		note_fair(turns, conn);
		take(conn);
	} else {
		note_hasty(conn);
		wait_for_others(turns, conn);
	}
	return conn->turn;
}

/* One is done: of its camera's and of its server's the next may. */
static void
give(struct turns *turns, struct conn *conn)
{
	struct camera_turns *own = turns_of(conn);

	conn->turn = TURN_NONE;
	if (own != NULL)
		own->unfinished--;
	if (conn->crowd != NULL)
		conn->crowd->unfinished--;
	wake_next(turns, conn);
}

static void
stop_trying(struct turns *turns, struct conn *conn)
{
	stop_waiting(turns, conn);
	/* It may have been woken for room that it does not take now. */
	if (conn->turn_queue == QUEUE_OTHERS)
		wake_next(turns, conn);
}

void
turns_leave(struct turns *turns, struct conn *conn)
{
	if (conn->turn == TURN_TAKEN)
		give(turns, conn);
	else if (conn->turn == TURN_WAITING)
		stop_trying(turns, conn);
	part(conn);
}

void
turns_leave_server(struct turns *turns, struct conn *conn)
{
	if (conn->turn != TURN_TAKEN || conn->crowd == NULL)
		return;
	conn->crowd->unfinished--;
	wake_next(turns, conn);
	part(conn);
}

const char *
turns_why(const struct conn *conn)
{
	bool crowded = conn->crowd != NULL && conn->crowd->pending > pending_max(conn);

	if (conn->turn == TURN_NONE && crowded)
		return "too many connections wait for this server";
	if (conn->turn == TURN_NONE)
		return "too many of the camera's connections wait for servers";
	if (conn->turn_queue == QUEUE_SERVER)
		return "this server does not finish what others have begun";
	return "the camera begins too many connections";
}

int
turns_open(struct turns *turns, struct worker *worker, struct err *err)
{
	*turns = (struct turns){.worker = worker, .crowds = crowds_new()};
	TAILQ_INIT(&turns->waiting);
	if (turns->crowds == NULL ||
	    event_assign(&turns->idle, worker->base, -1, 0, on_idle, turns) != 0 ||
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
	crowds_free(turns->crowds);
	*turns = (struct turns){0};
}
