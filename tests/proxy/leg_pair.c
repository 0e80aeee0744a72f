/* SPDX-License-Identifier: MIT */
#include "tests/proxy/leg_pair.h"

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

void
leg_pair_open(struct leg_pair *pair)
{
	int ends[2];

	*pair = (struct leg_pair){.base = event_base_new(), .leg = {.fd = -1}};
	cr_assert_not_null(pair->base);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	pair->other = ends[1];
	pair->leg.pool = &pair->pool;
	cr_assert_eq(leg_open(&pair->leg, ends[0], pair->base, on_event), 0);
	leg_pair_look(pair);
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
