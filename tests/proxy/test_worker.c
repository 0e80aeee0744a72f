/* SPDX-License-Identifier: MIT */
#include "proxy/worker_private.h"

#include "base/clock.h"

#include <criterion/criterion.h>

enum { TURNS_MAX = 1000 * 1000 };

struct busy {
	struct event_base *base;
	struct event event;
	unsigned turns;
	bool timer_came;
};

/* As a connection does that has more to carry. */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct busy *busy = arg;

	(void)fd;
	(void)what;
	if (++busy->turns == TURNS_MAX)
		(void)event_base_loopbreak(busy->base);
	else
		event_active(&busy->event, EV_READ, 0);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct busy *busy = arg;

	(void)fd;
	(void)what;
	busy->timer_came = true;
	(void)event_base_loopbreak(busy->base);
}

Test(worker, timers_come_while_connections_always_have_more_to_carry)
{
	const struct timeval delay = clock_span(1);
	struct busy busy = {.base = worker_base()};

	cr_assert_not_null(busy.base);
	cr_assert_eq(event_assign(&busy.event, busy.base, -1, EV_PERSIST, on_turn, &busy), 0);
	cr_assert_eq(event_base_once(busy.base, -1, EV_TIMEOUT, on_timer, &busy, &delay), 0);
	event_active(&busy.event, EV_READ, 0);
	(void)event_base_dispatch(busy.base);
	cr_expect(busy.timer_came, "not in %u turns", busy.turns);
	event_del(&busy.event);
	event_base_free(busy.base);
}
