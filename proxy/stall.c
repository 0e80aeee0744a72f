/* SPDX-License-Identifier: MIT */
#include "proxy/stall.h"

#include "base/clock.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct stall {
	TAILQ_ENTRY(stall) entry;
	struct stalls *stalls; /* borrowed */
	struct event event;
	uint64_t until_ms; /* clock_mono_ms */
	int fd;            /* owned */
};

static void
reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
}

static void
stall_end(struct stall *stall)
{
	TAILQ_REMOVE(&stall->stalls->list, stall, entry);
	stall->stalls->count--;
	(void)event_del(&stall->event);
	reset(stall->fd);
	free(stall);
}

/* Whether the camera reset the connection; that it sent something is no end. */
static bool
has_failed(int fd)
{
	int error = 0;
	socklen_t size = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct stall *stall = arg;

	/* What it sends sets the timer anew. */
	if ((what & (EV_TIMEOUT | EV_CLOSED)) != 0 || clock_mono_ms() >= stall->until_ms ||
	    has_failed(fd))
		stall_end(stall);
}

void
stalls_add(struct stalls *stalls, struct event_base *base, int fd)
{
	const struct timeval patience = clock_span(STALL_MS);
	struct stall *stall = calloc(1, sizeof(*stall));

	if (stalls->list.tqh_last == NULL)
		TAILQ_INIT(&stalls->list);
	if (stall == NULL)
		goto fail;
	stall->stalls = stalls;
	stall->until_ms = clock_mono_ms() + STALL_MS;
	stall->fd = fd;
	/* Edges: what is not read would be told for ever. */
	if (event_assign(&stall->event, base, fd, EV_READ | EV_CLOSED | EV_ET | EV_PERSIST,
		on_event, stall) != 0 ||
	    event_add(&stall->event, &patience) != 0)
		goto fail;
	TAILQ_INSERT_TAIL(&stalls->list, stall, entry);
	stalls->count++;
	if (stalls->count > STALLS_MAX)
		stall_end(TAILQ_FIRST(&stalls->list));
	return;
fail:
	free(stall);
	reset(fd);
}

void
stalls_clear(struct stalls *stalls)
{
	struct stall *next;

	for (struct stall *stall = TAILQ_FIRST(&stalls->list); stall != NULL; stall = next) {
		next = TAILQ_NEXT(stall, entry);
		stall_end(stall);
	}
}
