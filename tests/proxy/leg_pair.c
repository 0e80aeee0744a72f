/* SPDX-License-Identifier: MIT */
#include "tests/proxy/leg_pair.h"

#include "tests/proxy/loopback.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	leg_note(arg, what);
}

void
leg_pair_look(struct leg_pair *pair)
{
	(void)event_base_loop(pair->base, EVLOOP_NONBLOCK);
}

static void
watch(struct leg_pair *pair, int fd, int other)
{
	*pair = (struct leg_pair){.base = event_base_new(), .leg = {.fd = -1}, .other = other};
	cr_assert_not_null(pair->base);
	pair->leg.pool = &pair->pool;
	cr_assert_eq(leg_open(&pair->leg, fd, pair->base, on_event), 0);
	leg_pair_look(pair);
}

void
leg_pair_open(struct leg_pair *pair)
{
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	watch(pair, ends[0], ends[1]);
}

void
leg_pair_open_tcp(struct leg_pair *pair)
{
	int taken, other = loopback_join(&taken);

	watch(pair, taken, other);
}

void
leg_pair_close(struct leg_pair *pair)
{
	leg_close(&pair->leg, false);
	leg_close(&pair->leg, false); /* again is nothing */
	if (pair->other >= 0)
		(void)close(pair->other);
	pool_clear(&pair->pool);
	event_base_free(pair->base);
}
