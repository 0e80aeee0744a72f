/* SPDX-License-Identifier: MIT */
#include "proxy/quiet.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/squeeze.h"
#include "proxy/conn_private.h"

#include <assert.h>
#include <stdlib.h>

enum {
	EVERY_MS = QUIET_MS / 2,
	/* At 5 microseconds each the loop stands for a millisecond. */
	LOOKS = 256,
};

static void
put(struct quiets *quiets, struct conn *conn)
{
	const struct timeval delay = clock_span(EVERY_MS);

	TAILQ_INSERT_TAIL(&quiets->awake, conn, quiet_entry);
	conn->quiet_listed = true;
	if (quiets->count++ == 0)
		(void)evtimer_add(&quiets->timer, &delay);
}

static void
take_out(struct quiets *quiets, struct conn *conn)
{
	TAILQ_REMOVE(&quiets->awake, conn, quiet_entry);
	conn->quiet_listed = false;
	quiets->count--;
}

/* Where there is no memory to make them smaller, they stay as they are. */
static void
fall_quiet(struct conn *conn)
{
	leg_rest(&conn->camera);
	leg_rest(&conn->server);
	conn->squeezed = squeeze(conn->facts, sizeof(*conn->facts));
	if (conn->squeezed == NULL)
		return;
	free(conn->facts);
	conn->facts = NULL;
}

void
quiet_again(struct conn *conn)
{
	if (!conn->quiet_listed || clock_mono_ms() - conn->active_ms < QUIET_MS)
		return;
	fall_quiet(conn);
	if (conn->facts == NULL)
		take_out(&conn->worker->quiets, conn);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct quiets *quiets = &worker->quiets;
	const struct timeval delay = clock_span(EVERY_MS);
	size_t looks = quiets->count < LOOKS ? quiets->count : LOOKS;

	(void)fd;
	(void)what;
	for (; looks > 0; looks--) {
		struct conn *conn = TAILQ_FIRST(&quiets->awake);

		/* Behind the others, should it stay. */
		TAILQ_REMOVE(&quiets->awake, conn, quiet_entry);
		TAILQ_INSERT_TAIL(&quiets->awake, conn, quiet_entry);
		quiet_again(conn);
	}
	if (quiets->count > 0)
		(void)evtimer_add(&quiets->timer, &delay);
}

int
quiet_open(struct worker *worker, struct err *err)
{
	TAILQ_INIT(&worker->quiets.awake);
	if (evtimer_assign(&worker->quiets.timer, worker->base, on_timer, worker) != 0)
		return err_set(err, ERR_NOMEM, "no memory");
	return 0;
}

void
quiet_clear(struct worker *worker)
{
	if (event_initialized(&worker->quiets.timer))
		(void)event_del(&worker->quiets.timer);
}

void
quiet_watch(struct conn *conn)
{
	if (!conn->quiet_listed)
		put(&conn->worker->quiets, conn);
}

bool
quiet_wake(struct conn *conn)
{
	struct quiets *quiets = &conn->worker->quiets;
	bool room;

	if (conn->facts != NULL)
		return true;
	conn->facts = malloc(sizeof(*conn->facts));
	room = conn->facts != NULL;
	if (!room)
		conn->facts = &quiets->reserve;
	squeezed_restore(conn->squeezed, conn->facts, sizeof(*conn->facts));
	free(conn->squeezed);
	conn->squeezed = NULL;
	if (room)
		put(quiets, conn);
	return room;
}

void
quiet_leave(struct conn *conn)
{
	assert(conn->facts != NULL);
	if (conn->quiet_listed)
		take_out(&conn->worker->quiets, conn);
}

void
quiet_free(struct conn *conn)
{
	if (conn->facts != &conn->worker->quiets.reserve)
		free(conn->facts);
	free(conn->squeezed);
}
