/* SPDX-License-Identifier: MIT */
#include "proxy/backlog.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "proxy/board.h"
#include "proxy/census.h"
#include "proxy/conn.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "record/spool.h"

#include <stdlib.h>

enum {
	ALONE_A_TURN = 16, /* where there are no others: then who is open has a turn */
	BESIDE_MS = 1,     /* between two turns where there are */
};

struct waiting {
	STAILQ_ENTRY(waiting) entry;
	struct addr camera, dst;
	int fd; /* owned */
};

static void
begin(struct worker *worker, int fd, const struct addr *camera, const struct addr *dst)
{
	if (!spool_has_room(worker->spool)) {
		/* Nothing is forwarded that cannot be recorded. */
		atomic_fetch_add_explicit(&worker->counters->unrecordable, 1, memory_order_relaxed);
		census_remove(worker->census, camera);
		conn_refuse(fd);
		return;
	}
	if (!conn_open(worker, fd, camera, dst))
		atomic_fetch_add_explicit(&worker->counters->overload, 1, memory_order_relaxed);
}

static void
set_count(struct backlog *backlog, size_t count)
{
	backlog->count = count;
	atomic_store_explicit(&backlog->worker->counters->waiting, count, memory_order_relaxed);
}

static void
begin_first_of(struct backlog *backlog, struct camera_backlog *own)
{
	struct waiting *first = STAILQ_FIRST(&own->waiting);

	STAILQ_REMOVE_HEAD(&own->waiting, entry);
	set_count(backlog, backlog->count - 1);
	begin(backlog->worker, first->fd, &first->camera, &first->dst);
	free(first);
}

/* Of the camera whose turn it is.  It goes behind the others before its last
 * connection may end, and the census with that forgets it. */
static void
begin_next(struct backlog *backlog)
{
	struct camera_backlog *own = STAILQ_FIRST(&backlog->cameras);

	STAILQ_REMOVE_HEAD(&backlog->cameras, entry);
	if (STAILQ_NEXT(STAILQ_FIRST(&own->waiting), entry) != NULL)
		STAILQ_INSERT_TAIL(&backlog->cameras, own, entry);
	begin_first_of(backlog, own);
}

static bool
others_come(const struct backlog *backlog)
{
	return clock_mono_ms() - backlog->fair_ms < BACKLOG_OTHERS_MS;
}

/* A timer is looked at behind the sockets: what others have to do comes first. */
static void
await_turn(struct backlog *backlog)
{
	const struct timeval delay = clock_span(others_come(backlog) ? BESIDE_MS : 0);

	(void)evtimer_add(&backlog->next, &delay);
}

/* How many begin at a turn. */
static size_t
pace(const struct backlog *backlog)
{
	size_t room = backlog->worker->snapshot->config->limit.per_camera, most;

	if (backlog->room < room)
		room = backlog->room;
	most = 1 + backlog->count / (1 + room / BACKLOG_PART);
	return most < ALONE_A_TURN && !others_come(backlog) ? ALONE_A_TURN : most;
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	struct backlog *backlog = arg;

	(void)fd;
	(void)what;
	for (size_t most = pace(backlog); most > 0 && backlog->count > 0; most--)
		begin_next(backlog);
	if (backlog->count > 0)
		await_turn(backlog);
}

/* Whether a connection of camera's begins now. */
static bool
is_within_share(struct backlog *backlog, const struct addr *camera)
{
	struct worker *worker = backlog->worker;
	struct camera_turns *turns = census_turns(worker->census, camera);
	uint64_t now_ms = clock_mono_ms();
	bool fair = census_open(worker->census, camera, worker->snapshot->config->limit.handshakes,
	    clock_mono_us());

	if (fair && !turns_is_hasty(turns, now_ms))
		backlog->fair_ms = now_ms;
	if (!fair && turns != NULL)
		turns->hasty_ms = now_ms;
	return fair;
}

static void
add(struct backlog *backlog, struct camera_backlog *own, struct waiting *waiting)
{
	if (STAILQ_EMPTY(&own->waiting))
		STAILQ_INSERT_TAIL(&backlog->cameras, own, entry);
	STAILQ_INSERT_TAIL(&own->waiting, waiting, entry);
	set_count(backlog, backlog->count + 1);
	if (backlog->count == 1)
		await_turn(backlog);
}

void
backlog_take(struct backlog *backlog, int fd, const struct addr *camera, const struct addr *dst)
{
	bool now = is_within_share(backlog, camera);
	/* NULL: nobody counts it, and so nothing is beyond its share. */
	struct camera_backlog *own = census_backlog(backlog->worker->census, camera);
	struct waiting *waiting = NULL;

	if (own != NULL && (!now || !STAILQ_EMPTY(&own->waiting)))
		waiting = calloc(1, sizeof(*waiting));
	if (waiting == NULL) {
		begin(backlog->worker, fd, camera, dst);
		return;
	}
	*waiting = (struct waiting){.camera = *camera, .dst = *dst, .fd = fd};
	add(backlog, own, waiting);
	/* Not the last of its own: the camera keeps its place among the others. */
	if (now)
		begin_first_of(backlog, own);
}

void
backlog_flush(struct backlog *backlog)
{
	if (backlog->worker == NULL)
		return;
	while (backlog->count > 0)
		begin_next(backlog);
	(void)evtimer_del(&backlog->next);
}

int
backlog_open(struct backlog *backlog, struct worker *worker, struct err *err)
{
	*backlog = (struct backlog){.worker = worker};
	STAILQ_INIT(&backlog->cameras);
	if (evtimer_assign(&backlog->next, worker->base, on_next, backlog) != 0)
		return err_set(err, ERR_NOMEM, "no memory");
	return 0;
}
