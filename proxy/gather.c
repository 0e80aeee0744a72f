/* SPDX-License-Identifier: MIT */
#include "proxy/gather.h"

#include "base/clock.h"
#include "base/err.h"
#include "proxy/conn_private.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

/* False where the kernel has no room for so much (tcp(7), tcp_rmem), too. */
static bool
wake_at(const struct leg *leg, int bytes)
{
	int set = 0;
	socklen_t size = sizeof(set);

	return setsockopt(leg->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)) == 0 &&
	       getsockopt(leg->fd, SOL_SOCKET, SO_RCVLOWAT, &set, &size) == 0 && set == bytes;
}

static bool
is_listed(const struct conn *conn)
{
	return conn->gather_up.on || conn->gather_down.on;
}

static void
start(struct conn *conn, struct gather *gather, const struct leg *leg)
{
	const struct timeval delay = clock_span(GATHER_LOOK_MS);
	struct gathers *gathers = &conn->worker->gathers;

	if (!wake_at(leg, GATHER_BYTES)) {
		(void)wake_at(leg, 1);
		return;
	}
	if (TAILQ_EMPTY(&gathers->open))
		(void)evtimer_add(&gathers->timer, &delay);
	if (!is_listed(conn))
		TAILQ_INSERT_TAIL(&gathers->open, conn, gather_entry);
	gather->on = true;
	gather->bytes = 0;
}

/* Once in a while it is asked whether the sender is still fast. */
static void
count_look(struct gather *gather, const struct leg *leg)
{
	if (++gather->looks < GATHER_LOOKS)
		return;
	if (gather->bytes < GATHER_SLOW_BYTES) {
		(void)wake_at(leg, 1);
		gather->on = false;
	}
	gather->looks = 0;
	gather->bytes = 0;
}

/* What stands there below the mark, its end too, has no event of its own. */
static void
look(struct gather *gather, struct leg *leg)
{
	bool taken = gather->taken;

	if (!gather->on)
		return;
	gather->taken = false;
	count_look(gather, leg);
	if (taken && gather->on)
		return;
	leg->readable = true;
	event_active(&leg->event, 0, 0);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval delay = clock_span(GATHER_LOOK_MS);
	struct gathers *gathers = arg;
	struct conn *next;

	(void)fd;
	(void)what;
	for (struct conn *conn = TAILQ_FIRST(&gathers->open); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, gather_entry);
		look(&conn->gather_up, &conn->camera);
		look(&conn->gather_down, &conn->server);
		if (!is_listed(conn))
			TAILQ_REMOVE(&gathers->open, conn, gather_entry);
	}
	if (!TAILQ_EMPTY(&gathers->open))
		(void)evtimer_add(&gathers->timer, &delay);
}

int
gather_open(struct worker *worker, struct err *err)
{
	TAILQ_INIT(&worker->gathers.open);
	if (evtimer_assign(&worker->gathers.timer, worker->base, on_look, &worker->gathers) != 0)
		return err_set(err, ERR_NOMEM, "no memory");
	return 0;
}

void
gather_clear(struct worker *worker)
{
	if (event_initialized(&worker->gathers.timer))
		(void)event_del(&worker->gathers.timer);
}

void
gather_note(struct conn *conn, struct gather *gather, struct leg *leg, size_t count)
{
	uint64_t now_us;

	gather->taken = true;
	if (gather->on) {
		gather->bytes += (uint32_t)count;
		return;
	}
	now_us = clock_mono_us();
	if (gather->bytes == 0 || now_us - gather->since_us > GATHER_FAST_US)
		*gather = (struct gather){.since_us = now_us, .taken = true};
	gather->bytes += (uint32_t)count;
	if (gather->bytes >= GATHER_FAST_BYTES)
		start(conn, gather, leg);
}

bool
gather_waits(const struct gather *gather, struct leg *leg)
{
	int there;

	if (!gather->on || leg->fin_coming || leg->end != LEG_OPEN || leg_holds_payload(leg) ||
	    ioctl(leg->fd, FIONREAD, &there) != 0 || there >= GATHER_ENOUGH_BYTES)
		return false;
	leg->readable = false;
	return true;
}

/* What the kernel said nothing of, so far, is asked for. */
static void
leave(struct gather *gather, struct leg *leg)
{
	if (gather->on) {
		(void)wake_at(leg, 1);
		leg->readable = true;
	}
	*gather = (struct gather){0};
}

void
gather_leave(struct conn *conn)
{
	if (is_listed(conn))
		TAILQ_REMOVE(&conn->worker->gathers.open, conn, gather_entry);
	leave(&conn->gather_up, &conn->camera);
	leave(&conn->gather_down, &conn->server);
}
