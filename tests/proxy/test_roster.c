/* SPDX-License-Identifier: MIT */
#include "proxy/roster.h"

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "config/devices.h"
#include "config/oui.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/learned.h"
#include "record/store.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char yaml[] = "devices:\n"
			   "  - {name: lobby, group: eu, mac: \"44:19:b6:00:00:01\"}\n"
			   "  - {name: gate, ip: [10.0.0.2, \"fd00::2\"]}\n"
			   "  - {name: never, mac: \"44:19:b6:00:00:0f\"}\n";

struct fixture {
	char dir[128];
	struct store *store;
	struct config config; /* what is looked at of it */
	struct oui *makers;
	uint64_t seq;
};

static struct bytes
bytes_of(const char *text)
{
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void
open_fixture(struct fixture *fixture)
{
	struct problems problems = {0};
	char path[200];

	memset(fixture, 0, sizeof(*fixture));
	scratch_dir(fixture->dir, sizeof(fixture->dir));
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, fixture->dir);
	fixture->store = store_open(path, STORE_WRITE, NULL);
	text_copy(fixture->config.state_dir, sizeof(fixture->config.state_dir), fixture->dir);
	fixture->config.devices = devices_read("devices.yaml", bytes_of(yaml), &problems);
	fixture->makers = oui_read(bytes_of("44-19-B6   (hex)\t\tHikvision\n"), NULL);
	cr_assert(fixture->store != NULL && fixture->config.devices != NULL);
	cr_assert_eq(store_begin(fixture->store, NULL), 0);
}

static void
close_fixture(struct fixture *fixture)
{
	store_close(fixture->store);
	devices_free(fixture->config.devices);
	oui_free(fixture->makers);
	scratch_remove(fixture->dir);
}

/* A connection that ended, of who has this MAC ("" none) and address. */
static void
connect_from(struct fixture *fixture, const char *mac, const char *ip, uint64_t wall_us)
{
	static struct recorded event;
	struct stored stored = {.event = &event, .site = "s", .eve_version = 1};

	memset(&event, 0, sizeof(event));
	event.head = (struct event_head){EVENT_CLOSE, 1, 7, ++fixture->seq, wall_us};
	event.facts.flow_id = fixture->seq;
	event.facts.opened_wall_us = event.facts.closed_wall_us = wall_us;
	(void)mac_parse(mac, event.facts.mac, MAC_BYTES);
	cr_assert_eq(addr_parse(&event.facts.camera, ip, 0, NULL), 0);
	cr_assert_eq(addr_parse(&event.facts.dst, "3.120.0.10:443", 0, NULL), 0);
	text_copy(event.facts.iface, sizeof(event.facts.iface), "eth1");
	event.facts.traffic.up = 100;
	event.facts.camera_tls.verdict = CAMERA_TLS_OK;
	cr_assert_eq(store_add(fixture->store, &stored, NULL), 1);
}

Test(roster, a_device_is_all_that_has_its_name)
{
	static const struct {
		const char *name, *maker, *group, *asked;
		size_t places;
		uint64_t flows;
	} rows[] = {
	    {"02:00:00:00:00:09", "", "", "02-00-00-00-00-09", 1, 1},
	    {"10.9.0.1", "", "", "10.9.0.1", 1, 1},
	    {"gate", "", "", "fd00::2", 2, 2},
	    {"lobby", "Hikvision", "eu", "10.0.0.7", 2, 2},
	    {"never", "Hikvision", "", "44:19:b6:00:00:0f", 0, 0},
	};
	struct fixture fixture;
	struct roster roster;
	struct err err = {0};

	open_fixture(&fixture);
	connect_from(&fixture, "44:19:b6:00:00:01", "10.0.0.7", 100);
	connect_from(&fixture, "44:19:b6:00:00:01", "10.0.0.8", 200);
	connect_from(&fixture, "02:00:00:00:00:02", "10.0.0.2", 300);
	connect_from(&fixture, "", "fd00::2", 400);
	connect_from(&fixture, "02:00:00:00:00:09", "10.0.0.9", 500);
	connect_from(&fixture, "", "10.9.0.1", 600);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_assert_eq(roster_read(&roster, fixture.store, fixture.config.devices, fixture.makers,
			 &err),
	    0, "%s", err.text);
	cr_assert_eq(roster.count, sizeof(rows) / sizeof(rows[0]));
	for (size_t i = 0; i < roster.count; i++) {
		const struct roster_device *device = &roster.list[i];

		cr_expect_str_eq(device->name, rows[i].name);
		cr_expect_str_eq(device->maker, rows[i].maker);
		cr_expect_str_eq(device->group, rows[i].group);
		cr_expect_eq(device->place_count, rows[i].places, "%s", device->name);
		cr_expect_eq(device->flows, rows[i].flows, "%s", device->name);
		cr_expect_eq(device->up, 100 * rows[i].flows);
		cr_expect_eq(roster_find(&roster, rows[i].name), device);
		cr_expect_eq(roster_find(&roster, rows[i].asked), device, "%s", rows[i].asked);
	}
	cr_expect_eq(roster_find(&roster, "lobby")->places[0].last_us, 200, "the last one first");
	cr_expect_null(roster_find(&roster, "nobody"));
	cr_expect_null(roster_find(&roster, "10.0.0.99"));
	roster_clear(&roster);
	close_fixture(&fixture);
}

Test(roster, a_learned_name_comes_from_the_store_to_whoever_reads_the_source)
{
	struct problems problems = {0};
	struct config config = {0};
	struct source *source = source_from_memory();
	struct fixture fixture;
	struct roster roster;

	open_fixture(&fixture);
	connect_from(&fixture, "02:00:00:00:00:09", "10.0.0.9", 500);
	cr_assert_eq(store_set_name(fixture.store, "02:00:00:00:00:09", "shed", 1, NULL), 0);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	learned_put(&fixture.config, source, &problems);
	cr_assert_eq(roster_read(&roster, fixture.store, fixture.config.devices, NULL, NULL), 0);
	cr_assert_not_null(roster_find(&roster, "shed"));
	cr_expect_eq(roster_find(&roster, "shed")->device->line, 0);
	roster_clear(&roster);
	cr_assert_eq(learned_take(&config, source, &problems), 0);
	cr_expect_not_null(devices_named(config.devices, "shed"));
	cr_expect_eq(problems.count, 0);
	devices_free(config.devices);
	source_free(source);
	close_fixture(&fixture);
}

Test(roster, names_need_no_store_and_a_damaged_one_is_a_warning)
{
	struct problems problems = {0};
	struct config config = {0};
	struct source *source = source_from_memory();
	char dir[128];

	scratch_dir(dir, sizeof(dir));
	text_copy(config.state_dir, sizeof(config.state_dir), dir);
	learned_put(&config, source, &problems);
	cr_expect_eq(problems.count, 0);
	cr_expect_eq(learned_take(&config, source, &problems), 0);
	cr_expect_null(config.devices);
	scratch_file(dir, STORE_FILE, "no database at all, but long enough to be one", 45);
	learned_put(&config, source, &problems);
	cr_assert_eq(problems.count, 1);
	cr_expect(problems.list[0].warning);
	cr_expect_eq(problems.errors, 0);
	problems_free(&problems);
	source_free(source);
	scratch_remove(dir);
}
