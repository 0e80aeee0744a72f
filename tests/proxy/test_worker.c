/* SPDX-License-Identifier: MIT */
#include "proxy/worker_private.h"

#include "base/clock.h"
#include "base/memfd.h"
#include "geo/geo.h"
#include "proxy/snapshot.h"
#include "record/spool.h"
#include "tests/support/mmdb_maker.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static uint64_t
days_ago_s(uint64_t days)
{
	return clock_wall_us() / 1000000 - days * 86400 - 3600;
}

/* Two databases: this old, and of today. */
static struct geo *
open_geo(uint64_t old_s)
{
	static const char *const lines[] = {"8.0.0.0/8 country_code=US"};
	struct geo_files files = {.country = {{.name = "old"}, {.name = "new"}},
	    .country_count = 2,
	    .asn = {.fd = -1}};
	struct geo *geo;

	for (int i = 0; i < 2; i++) {
		struct mmdb_meta meta = {.build_epoch = i == 0 ? old_s : days_ago_s(0)};
		struct mmdb_bytes file = mmdb_make(&meta, lines, 1);

		files.country[i].fd = memfd_seal("test", file.at, file.size, NULL);
		free(file.at);
	}
	geo = geo_open(&files, NULL, NULL, NULL);
	cr_assert_not_null(geo);
	for (int i = 0; i < 2; i++)
		(void)close(files.country[i].fd);
	return geo;
}

Test(worker, tells_what_it_carried_once_a_minute)
{
	enum { SPOOL_BYTES = SPOOL_SIZE_MIN };
	struct worker *worker = calloc(1, sizeof(*worker));
	struct recorded recorded;
	struct spool *reader;
	char dir[256], path[300];
	int fd;

	cr_assert_not_null(worker);
	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/spool", dir);
	fd = spool_create(path, SPOOL_BYTES, 3, 1, NULL);
	worker->spool = spool_writer(fd, "site", NULL);
	reader = spool_reader(fd, NULL);
	cr_assert(worker->spool != NULL && reader != NULL);
	worker->snapshot = &(struct snapshot){.geo = open_geo(days_ago_s(41))};
	worker->total = (struct traffic){.up = 7, .left_up = 5};
	worker_tell_stats(worker, 1000);
	worker_tell_stats(worker, 1000 + WORKER_STATS_MS - 1);
	cr_expect_eq(spool_read(reader, &recorded, NULL), 0);
	worker_tell_stats(worker, 1000 + WORKER_STATS_MS);
	cr_assert_eq(spool_read(reader, &recorded, NULL), 1);
	cr_expect_eq(recorded.head.kind, EVENT_STATS);
	cr_expect_eq(recorded.facts.traffic.up, 7U);
	cr_expect_eq(recorded.facts.traffic.left_up, 5U);
	cr_expect_eq(strncmp(recorded.facts.place.located_basis, "old@20", 6), 0);
	cr_expect_eq(recorded.facts.geo_age_days, 41U);
	cr_expect_eq(spool_read(reader, &recorded, NULL), 0);
	spool_close(reader);
	spool_close(worker->spool);
	(void)close(fd);
	scratch_remove(dir);
	geo_close(worker->snapshot->geo);
	free(worker);
}
