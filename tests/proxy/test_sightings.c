/* SPDX-License-Identifier: MIT */
#include "proxy/sightings.h"

#include "base/text.h"
#include "config/devices.h"
#include "config/oui.h"
#include "config/problems.h"
#include "proxy/neighbour_table.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_MS = 1000000 };

static const char link_name[2][16] = {"cams0", "cams1"};

struct fixture {
	struct neighbour_table *table;
	struct sightings *sightings;
	struct devices *devices;
	struct oui *makers;
	bool full; /* nothing can be written */
	size_t count;
	struct facts *last;
	unsigned kinds[SIGHTING_COUNT];
	char text[SIGHTING_COUNT][FACTS_TEXT_MAX], device[SIGHTING_COUNT][FACTS_LABEL_MAX];
};

static int
write_facts(void *arg, const struct facts *facts)
{
	struct fixture *fixture = arg;

	if (fixture->full)
		return -1;
	fixture->count++;
	fixture->kinds[facts->sighting.kind]++;
	text_copy(fixture->text[facts->sighting.kind], FACTS_TEXT_MAX, facts->end_text);
	text_copy(fixture->device[facts->sighting.kind], FACTS_LABEL_MAX, facts->device);
	*fixture->last = *facts;
	return 0;
}

static struct bytes
bytes_of(const char *text)
{
	return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static void
open_fixture(struct fixture *fixture)
{
	static const char yaml[] = "devices:\n"
				   "  - {name: lobby, mac: \"44:19:b6:00:00:01\", ip: 10.0.0.1}\n";
	struct problems problems = {0};
	struct sightings_setup setup = {.link_name = link_name,
	    .write = write_facts,
	    .arg = fixture};

	*fixture = (struct fixture){.table = neighbour_table_new(2),
	    .devices = devices_read("f", bytes_of(yaml), &problems),
	    .makers = oui_read(bytes_of("44-19-B6   (hex)\t\tHikvision\n"), NULL),
	    .last = calloc(1, sizeof(struct facts))};
	cr_assert(fixture->devices != NULL && fixture->makers != NULL && fixture->last != NULL);
	setup.table = fixture->table;
	setup.makers = fixture->makers;
	fixture->sightings = sightings_new(&setup);
}

static void
close_fixture(struct fixture *fixture)
{
	sightings_free(fixture->sightings);
	neighbour_table_free(fixture->table);
	devices_free(fixture->devices);
	oui_free(fixture->makers);
	free(fixture->last);
}

static void
see(struct fixture *fixture, unsigned link, const char *ip, const char *mac, uint64_t now_ms)
{
	struct neighbour_news news = {.link = link, .reachable = true};
	struct neighbour before, *now;

	cr_assert_eq(addr_parse(&news.addr, ip, 0, NULL), 0);
	cr_assert(mac_parse(mac, news.mac, MAC_BYTES));
	now = neighbour_table_put(fixture->table, &news, now_ms, &before);
	sightings_note(fixture->sightings, &before, now, now_ms);
}

/* As often as it takes to go round the table. */
static void
turn(struct fixture *fixture, uint64_t now_ms)
{
	for (int i = 0; i < 200; i++)
		sightings_turn(fixture->sightings, fixture->devices, now_ms);
}

Test(sightings, each_camera_is_told_once_and_again_while_it_is_seen)
{
	struct fixture fixture;

	open_fixture(&fixture);
	see(&fixture, 0, "10.0.0.1", "44:19:b6:00:00:01", START_MS);
	turn(&fixture, START_MS);
	turn(&fixture, START_MS + 1000);
	cr_assert_eq(fixture.count, 1);
	cr_expect_eq(fixture.last->sighting.kind, SIGHTING_SEEN);
	cr_expect_str_eq(fixture.last->device, "lobby");
	cr_expect_str_eq(fixture.last->iface, "cams0");
	cr_expect_str_eq(fixture.last->sighting.maker, "Hikvision");
	turn(&fixture, START_MS + SIGHTINGS_AGAIN_MS);
	cr_expect_eq(fixture.count, 1, "it was not seen again");
	see(&fixture, 0, "10.0.0.1", "44:19:b6:00:00:01", START_MS + SIGHTINGS_AGAIN_MS);
	turn(&fixture, START_MS + SIGHTINGS_AGAIN_MS);
	cr_expect_eq(fixture.count, 2);
	see(&fixture, 1, "10.0.1.2", "02:00:00:00:00:02", START_MS + SIGHTINGS_AGAIN_MS);
	turn(&fixture, START_MS + SIGHTINGS_AGAIN_MS);
	cr_assert_eq(fixture.count, 3);
	cr_expect_str_eq(fixture.last->device, "02:00:00:00:00:02");
	cr_expect_str_eq(fixture.last->iface, "cams1");
	cr_expect_str_eq(fixture.last->sighting.maker, "");
	close_fixture(&fixture);
}

Test(sightings, what_finds_no_room_waits)
{
	struct fixture fixture;

	open_fixture(&fixture);
	fixture.full = true;
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:02", START_MS);
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:03", START_MS + 10);
	turn(&fixture, START_MS + 20);
	cr_expect_eq(fixture.count, 0);
	fixture.full = false;
	turn(&fixture, START_MS + 30);
	cr_expect_eq(fixture.count, 2);
	cr_expect_eq(fixture.kinds[SIGHTING_IP_TAKEN], 1);
	cr_expect_eq(fixture.kinds[SIGHTING_SEEN], 1);
	close_fixture(&fixture);
}

Test(sightings, an_address_that_is_taken_is_a_conflict_while_its_owner_is_fresh)
{
	struct fixture fixture;
	uint64_t now_ms = START_MS;

	open_fixture(&fixture);
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:02", now_ms);
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:03", now_ms + 1000);
	turn(&fixture, now_ms + 1000);
	cr_expect_eq(fixture.kinds[SIGHTING_IP_TAKEN], 1);
	/* To and fro: once in ten minutes. */
	for (unsigned i = 0; i < 100; i++) {
		see(&fixture, 0, "10.0.0.2", i % 2 ? "02:00:00:00:00:02" : "02:00:00:00:00:03",
		    now_ms + 2000 + i);
		turn(&fixture, now_ms + 2000 + i);
	}
	cr_expect_eq(fixture.kinds[SIGHTING_IP_TAKEN], 1);
	now_ms += 1000 + SIGHTINGS_QUIET_MS;
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:03", now_ms);
	turn(&fixture, now_ms);
	cr_expect_eq(fixture.kinds[SIGHTING_IP_TAKEN], 2);
	close_fixture(&fixture);
}

Test(sightings, an_address_that_was_left_long_ago_is_given_anew)
{
	struct neighbour_news stale = {.mac = {2, 0, 0, 0, 0, 2}};
	struct fixture fixture;

	open_fixture(&fixture);
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:02", START_MS);
	cr_assert_eq(addr_parse(&stale.addr, "10.0.0.2", 0, NULL), 0);
	(void)neighbour_table_put(fixture.table, &stale, START_MS + 30000, NULL);
	see(&fixture, 0, "10.0.0.2", "02:00:00:00:00:03", START_MS + SIGHTINGS_FRESH_MS);
	turn(&fixture, START_MS + SIGHTINGS_FRESH_MS);
	cr_expect_eq(fixture.kinds[SIGHTING_IP_TAKEN], 0);
	cr_expect_eq(fixture.kinds[SIGHTING_SEEN], 1);
	close_fixture(&fixture);
}

Test(sightings, conflicts_say_what_is_wrong)
{
	static const struct {
		unsigned link;
		const char *ip, *mac;
		enum sighting kind;
		const char *text, *device;
	} rows[] = {
	    {0, "10.0.0.9", "44:19:b6:00:00:01", SIGHTING_OTHER_IP,
		"44:19:b6:00:00:01 is lobby, and 10.0.0.9 is none of its addresses", "lobby"},
	    {0, "10.0.0.1", "02:00:00:00:00:09", SIGHTING_OTHER_MAC,
		"10.0.0.1 is the address of lobby, and 02:00:00:00:00:09 is another card",
		"02:00:00:00:00:09"},
	    {1, "10.0.1.7", "02:00:00:00:00:09", SIGHTING_TWO_IFACES,
		"02:00:00:00:00:09 is on cams1 and on cams0", "02:00:00:00:00:09"},
	    {1, "10.0.1.7", "02:00:00:00:00:0a", SIGHTING_IP_TAKEN,
		"10.0.1.7 was 02:00:00:00:00:09's a moment ago, and is 02:00:00:00:00:0a's now",
		"02:00:00:00:00:0a"},
	};
	struct fixture fixture;

	open_fixture(&fixture);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		see(&fixture, rows[i].link, rows[i].ip, rows[i].mac, START_MS + i);
		turn(&fixture, START_MS + i);
		cr_expect_eq(fixture.kinds[rows[i].kind], 1, "row %zu", i);
		cr_expect_str_eq(fixture.text[rows[i].kind], rows[i].text, "%s",
		    fixture.text[rows[i].kind]);
		cr_expect_str_eq(fixture.device[rows[i].kind], rows[i].device);
	}
	close_fixture(&fixture);
}

/* A reload may say of a camera that is there that it should not be. */
Test(sightings, who_is_there_is_compared_anew_when_names_change)
{
	struct problems problems = {0};
	struct fixture fixture;

	open_fixture(&fixture);
	see(&fixture, 0, "10.0.0.5", "02:00:00:00:00:05", START_MS);
	turn(&fixture, START_MS);
	cr_expect_eq(fixture.count, 1);
	devices_free(fixture.devices);
	fixture.devices = devices_read("f",
	    bytes_of("devices: [{name: b, ip: 10.0.0.5, mac: \"44:19:b6:00:00:05\"}]\n"),
	    &problems);
	turn(&fixture, START_MS + 1);
	cr_expect_eq(fixture.count, 1);
	sightings_look_again(fixture.sightings);
	turn(&fixture, START_MS + 2);
	cr_expect_eq(fixture.count, 2);
	cr_expect_eq(fixture.kinds[SIGHTING_OTHER_MAC], 1);
	sightings_look_again(fixture.sightings);
	turn(&fixture, START_MS + 3);
	cr_expect_eq(fixture.count, 2, "it was told a moment ago");
	close_fixture(&fixture);
}

Test(sightings, the_record_cannot_be_filled)
{
	struct fixture fixture;
	char ip[32], mac[32];
	uint64_t now_ms = START_MS;

	open_fixture(&fixture);
	for (unsigned i = 0; i < 8000; i++) {
		(void)snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, i % 250);
		(void)snprintf(mac, sizeof(mac), "02:00:00:01:%02x:%02x", i / 250, i % 250);
		see(&fixture, 0, ip, mac, now_ms);
	}
	for (int i = 0; i < 10; i++)
		turn(&fixture, now_ms);
	cr_expect_eq(fixture.count, SIGHTINGS_AT_ONCE);
	now_ms += 10000;
	turn(&fixture, now_ms);
	cr_expect_eq(fixture.count, SIGHTINGS_AT_ONCE + 10 * SIGHTINGS_A_SECOND);
	for (unsigned i = 0; i < 4000; i++) {
		(void)snprintf(ip, sizeof(ip), "10.1.%u.%u", 16 + i / 250, i % 250);
		(void)snprintf(mac, sizeof(mac), "02:00:00:02:%02x:%02x", i / 250, i % 250);
		see(&fixture, 0, ip, mac, now_ms);
	}
	for (int i = 0; i < 10; i++)
		turn(&fixture, now_ms);
	cr_expect_eq(fixture.kinds[SIGHTING_IP_TAKEN], CONFLICTS_AT_ONCE);
	close_fixture(&fixture);
}
