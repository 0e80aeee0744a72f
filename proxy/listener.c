/* SPDX-License-Identifier: MIT */
#include "proxy/listener.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "proxy/board.h"
#include "proxy/census.h"
#include "proxy/conn.h"
#include "proxy/origdst.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ACCEPTS_A_TURN = 64, /* then the connections that are open have theirs */
	FDS_A_CONNECTION = 2,
	FDS_RESERVED = 8,        /* never given to connections */
	PAUSE_MS = 50,           /* when the system as a whole has no descriptor left */
	USER_TIMEOUT_MS = 60000, /* a peer that acknowledges nothing for so long is gone */
};

struct listener {
	struct worker *worker;
	int fd;
	struct event event;
	struct event pause;
	size_t room;    /* connections at once */
	size_t fd_room; /* as many as descriptors allow */
	bool paused, stopped;
};

/* How many connections fit: two descriptors each, beside those open now. */
static size_t
count_room(int fd)
{
	struct rlimit files;
	size_t used = (size_t)fd + FDS_RESERVED;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return SIZE_MAX;
	if (files.rlim_cur <= used + FDS_A_CONNECTION)
		return 1;
	return (files.rlim_cur - used) / FDS_A_CONNECTION;
}

static void
pause_listening(struct listener *listener)
{
	const struct timeval delay = clock_span(PAUSE_MS);

	if (!listener->paused)
		(void)event_del(&listener->event);
	listener->paused = true;
	(void)evtimer_add(&listener->pause, &delay);
}

static bool
has_room(const struct listener *listener)
{
	const struct worker *worker = listener->worker;

	return worker->open_count + worker->backlog.count < listener->room;
}

void
listener_resume(struct listener *listener)
{
	if (!listener->paused || listener->stopped || !has_room(listener))
		return;
	listener->paused = false;
	(void)evtimer_del(&listener->pause);
	(void)event_add(&listener->event, NULL);
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	listener_resume(listener);
	if (listener->paused && !listener->stopped)
		pause_listening(listener);
}

static void
take(struct worker *worker, int fd, const struct sockaddr_storage *peer)
{
	struct addr camera, dst;
	struct err err = {0};

	if (!addr_from_sockaddr(&camera, peer) || worker->origdst->get(fd, &dst, &err) != 0) {
		log_warn("a connection without a destination is closed: %s", err.text);
		conn_refuse(fd);
		return;
	}
	if (!census_add(worker->census, &camera)) {
		atomic_fetch_add_explicit(&worker->counters->overload, 1, memory_order_relaxed);
		conn_refuse(fd);
		return;
	}
	backlog_take(&worker->backlog, fd, &camera, &dst);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage peer;
		socklen_t size = sizeof(peer);
		int taken;

		if (!has_room(listener)) {
			pause_listening(listener);
			return;
		}
		taken = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (taken >= 0) {
			take(listener->worker, taken, &peer);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			pause_listening(listener);
			return;
		} else if (errno == EAGAIN) {
			return;
		}
		/* Else the camera gave up while it waited: the next one. */
	}
}

/* Accepted sockets inherit these: one call for all of them. */
static void
set_options(int fd)
{
	const int on = 1, user_timeout_ms = USER_TIMEOUT_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms,
	    sizeof(user_timeout_ms));
}

struct listener *
listener_new(struct worker *worker, int fd, struct err *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	int probe = dup(fd); /* the lowest free number: all below are taken */

	if (listener == NULL || probe < 0) {
		(void)err_sys(err, "listen");
		free(listener);
		return NULL;
	}
	(void)close(probe);
	listener->worker = worker;
	listener->fd = fd;
	listener->fd_room = count_room(probe);
	listener_limit(listener, worker->snapshot->config->limit.connections);
	set_options(fd);
	if (event_assign(&listener->event, worker->base, fd, EV_READ | EV_PERSIST, on_accept,
		listener) != 0 ||
	    evtimer_assign(&listener->pause, worker->base, on_pause_over, listener) != 0 ||
	    event_add(&listener->event, NULL) != 0) {
		(void)err_set(err, ERR_NOMEM, "the listening socket cannot be watched");
		free(listener);
		return NULL;
	}
	return listener;
}

void
listener_limit(struct listener *listener, size_t connections)
{
	listener->room = connections < listener->fd_room ? connections : listener->fd_room;
	listener->worker->backlog.room = listener->room;
	listener_resume(listener);
}

void
listener_stop(struct listener *listener)
{
	listener->stopped = true;
	(void)event_del(&listener->event);
	(void)evtimer_del(&listener->pause);
}

void
listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	listener_stop(listener);
	free(listener);
}
