/* SPDX-License-Identifier: MIT */
#include "record/store_devices.h"

#include "base/err.h"
#include "base/text.h"
#include "record/device_flows.h"
#include "record/store.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct fixture {
	char dir[128], path[160];
	struct store *store;
	uint64_t seq;
};

static void
open_fixture(struct fixture *fixture)
{
	struct err err = {0};

	memset(fixture, 0, sizeof(*fixture));
	scratch_dir(fixture->dir, sizeof(fixture->dir));
	(void)snprintf(fixture->path, sizeof(fixture->path), "%s/" STORE_FILE, fixture->dir);
	fixture->store = store_open(fixture->path, STORE_WRITE, &err);
	cr_assert_not_null(fixture->store, "%s", err.text);
}

static void
close_fixture(struct fixture *fixture)
{
	store_close(fixture->store);
	scratch_remove(fixture->dir);
}

static void
sh_sql(const struct fixture *fixture, const char *sql)
{
	cr_assert_eq(sqlite3_exec(store_database(fixture->store), sql, NULL, NULL, NULL), SQLITE_OK,
	    "%s", sqlite3_errmsg(store_database(fixture->store)));
}

static uint64_t
ask(const struct fixture *fixture, const char *sql)
{
	sqlite3_stmt *statement;
	uint64_t answer;

	cr_assert_eq(sqlite3_prepare_v2(store_database(fixture->store), sql, -1, &statement, NULL),
	    SQLITE_OK);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
	answer = (uint64_t)sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

/* An event about the camera with this MAC ("" none) at this address. */
static void
add(struct fixture *fixture, enum event_kind kind, const char *mac, const char *ip,
    uint64_t wall_us, enum sighting sighting)
{
	struct recorded event = {.head = {kind, 1, 7, ++fixture->seq, wall_us}};
	struct stored stored = {.event = &event, .site = "north-gate", .eve_version = 1};
	struct err err = {0};

	make_facts(&event.facts, fixture->seq);
	memset(event.facts.mac, 0, MAC_BYTES);
	(void)mac_parse(mac, event.facts.mac, MAC_BYTES);
	cr_assert_eq(addr_parse(&event.facts.camera, ip, 0, NULL), 0);
	event.facts.opened_wall_us = event.facts.closed_wall_us = wall_us;
	event.facts.sighting.kind = sighting;
	cr_assert_eq(store_add(fixture->store, &stored, &err), 1, "%s", err.text);
}

struct heard {
	size_t count;
	char text[600];
	struct text to;
};

static bool
hear_sighting(void *context, const struct store_sighting *sighting)
{
	struct heard *heard = context;
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	heard->count++;
	text_add(&heard->to, "%s %s %s %llu-%llu\n", mac_text(sighting->mac, mac),
	    addr_text(&sighting->addr, ip), sighting->iface, (unsigned long long)sighting->first_us,
	    (unsigned long long)sighting->last_us);
	return true;
}

static const char *
sightings(const struct fixture *fixture)
{
	static struct heard heard;

	heard.count = 0;
	heard.to = text_in(heard.text, sizeof(heard.text));
	cr_assert_eq(store_sightings(fixture->store, hear_sighting, &heard, NULL), 0);
	return heard.text;
}

Test(store_devices, who_was_where_first_and_last)
{
	static const char a[] = "44:19:b6:00:00:01";
	struct fixture fixture;

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_SIGHTING, a, "10.0.0.1", 100, SIGHTING_NEW);
	add(&fixture, EVENT_OPEN, a, "10.0.0.9", 150, SIGHTING_NONE);  /* its end will tell */
	add(&fixture, EVENT_CLOSE, a, "10.0.0.1", 200, SIGHTING_NONE); /* a moment later */
	add(&fixture, EVENT_CLOSE, "", "10.9.0.1", 300, SIGHTING_NONE);
	add(&fixture, EVENT_CLOSE, a, "10.0.0.2", 400, SIGHTING_NONE);
	add(&fixture, EVENT_CLOSE, a, "10.0.0.1", 100000000, SIGHTING_NONE);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_str_eq(sightings(&fixture),
	    "00:00:00:00:00:00 10.9.0.1 eth1 300-300\n"
	    "44:19:b6:00:00:01 10.0.0.1 eth1 100-100000000\n"
	    "44:19:b6:00:00:01 10.0.0.2 eth1 400-400\n",
	    "%s", sightings(&fixture));
	close_fixture(&fixture);
}

Test(store_devices, a_mac_is_known_once_it_was_told_of)
{
	uint8_t mac[MAC_BYTES] = {0x44, 0x19, 0xb6, 0, 0, 1};
	struct fixture fixture;

	open_fixture(&fixture);
	cr_expect_eq(store_knows_mac(fixture.store, mac, NULL), 0);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_CLOSE, "44:19:b6:00:00:01", "10.0.0.1", 100, SIGHTING_NONE);
	cr_expect_eq(store_knows_mac(fixture.store, mac, NULL), 0, "a connection tells of none");
	add(&fixture, EVENT_SIGHTING, "44:19:b6:00:00:01", "10.0.0.1", 200, SIGHTING_SEEN);
	cr_expect_eq(store_knows_mac(fixture.store, mac, NULL), 1);
	store_rollback(fixture.store);
	cr_expect_eq(store_knows_mac(fixture.store, mac, NULL), 0);
	/* What was rolled back is written again, however short after. */
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_CLOSE, "44:19:b6:00:00:01", "10.0.0.1", 100, SIGHTING_NONE);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting"), 1);
	close_fixture(&fixture);
}

Test(store_devices, the_addresses_of_a_mac_are_bounded)
{
	struct fixture fixture;
	char ip[32];

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_SIGHTING, "02:00:00:00:00:01", "10.1.0.1", 1, SIGHTING_NEW);
	for (unsigned i = 0; i < 500; i++) {
		(void)snprintf(ip, sizeof(ip), "fd00::%x", i + 1);
		add(&fixture, EVENT_SIGHTING, "02:00:00:00:00:02", ip, 10 + i, SIGHTING_SEEN);
	}
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting WHERE ip LIKE 'fd00%'"),
	    STORE_SIGHTINGS_A_MAC);
	cr_expect_eq(ask(&fixture, "SELECT max(last_us) FROM sighting"), 509);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting WHERE ip = '10.1.0.1'"), 1);
	close_fixture(&fixture);
}

Test(store_devices, all_are_bounded_and_the_named_go_last)
{
	struct fixture fixture;
	char mac[32];

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_SIGHTING, "02:01:00:00:00:01", "10.1.0.1", 1, SIGHTING_NEW);
	add(&fixture, EVENT_SIGHTING, "02:01:00:00:00:02", "10.1.0.2", 2, SIGHTING_NEW);
	cr_assert_eq(store_set_name(fixture.store, "02:01:00:00:00:01", "old", 3, NULL), 0);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	sh_sql(&fixture, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
			 " WHERE i < 16380) INSERT INTO sighting (mac, ip, iface, first_us,"
			 " last_us, told) SELECT 'x' || i, '10.2.0.1', 'e', 10, 10 + i, 1 FROM n");
	store_close(fixture.store); /* the next run counts what is there */
	fixture.store = store_open(fixture.path, STORE_WRITE, NULL);
	cr_assert_not_null(fixture.store);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	for (unsigned i = 0; i < 20; i++) {
		(void)snprintf(mac, sizeof(mac), "02:02:00:00:00:%02x", i);
		add(&fixture, EVENT_SIGHTING, mac, "10.3.0.1", 100000 + i, SIGHTING_NEW);
	}
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_leq(ask(&fixture, "SELECT count(*) FROM sighting"), STORE_SIGHTINGS_MAX);
	cr_expect_gt(ask(&fixture, "SELECT count(*) FROM sighting"), STORE_SIGHTINGS_MAX - 100);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting WHERE ip = '10.1.0.1'"), 1);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting WHERE ip = '10.1.0.2'"), 0);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting WHERE ip = '10.3.0.1'"), 20);
	close_fixture(&fixture);
}

static bool
hear_conflict(void *context, const struct store_conflict *conflict)
{
	struct heard *heard = context;

	heard->count++;
	text_add(&heard->to, "%llu %s %s %s\n", (unsigned long long)conflict->wall_us,
	    conflict->kind, conflict->mac, conflict->ip);
	return heard->count < 2;
}

Test(store_devices, the_last_conflicts_are_kept)
{
	struct fixture fixture;
	struct heard heard = {0};

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	for (unsigned i = 1; i <= 1200; i++)
		add(&fixture, EVENT_SIGHTING, "02:00:00:00:00:01", "10.1.0.1", i,
		    i % 2 ? SIGHTING_IP_TAKEN : SIGHTING_OTHER_IP);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM conflict"), 1000);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM sighting"), 0);
	heard.to = text_in(heard.text, sizeof(heard.text));
	cr_assert_eq(store_conflicts(fixture.store, hear_conflict, &heard, NULL), 0);
	cr_expect_str_eq(heard.text, "1200 other-ip 02:00:00:00:00:01 10.1.0.1\n"
				     "1199 ip-taken 02:00:00:00:00:01 10.1.0.1\n");
	close_fixture(&fixture);
}

static bool
hear_name(void *context, const char *key, const char *name)
{
	struct heard *heard = context;

	text_add(&heard->to, "%s=%s ", key, name);
	return true;
}

static const char *
names(const struct fixture *fixture)
{
	static struct heard heard;

	heard.to = text_in(heard.text, sizeof(heard.text));
	cr_assert_eq(store_names(fixture->store, hear_name, &heard, NULL), 0);
	return heard.text;
}

Test(store_devices, names_are_given_changed_and_forgotten)
{
	static const char a[] = "02:00:00:00:00:01";
	struct fixture fixture;
	struct err err = {0};

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_SIGHTING, a, "10.1.0.1", 1, SIGHTING_NEW);
	add(&fixture, EVENT_SIGHTING, a, "10.1.0.1", 2, SIGHTING_IP_TAKEN);
	add(&fixture, EVENT_CLOSE, "", "10.9.0.1", 3, SIGHTING_NONE);
	cr_assert_eq(store_set_name(fixture.store, a, "shed", 4, NULL), 0);
	cr_assert_eq(store_set_name(fixture.store, a, "barn", 5, NULL), 0);
	cr_assert_eq(store_set_name(fixture.store, "10.9.0.1", "far", 6, NULL), 0);
	cr_expect_eq(store_set_name(fixture.store, "10.9.0.2", "far", 7, &err), -1,
	    "a name is one camera's");
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_str_eq(names(&fixture), "02:00:00:00:00:01=barn 10.9.0.1=far ");
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	cr_expect_eq(store_forget_device(fixture.store, a, NULL), 3);
	cr_expect_eq(store_forget_device(fixture.store, a, NULL), 0);
	cr_expect_eq(store_forget_device(fixture.store, "10.1.0.1", NULL), 0);
	cr_expect_eq(store_forget_device(fixture.store, "10.9.0.1", NULL), 2);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	cr_expect_str_eq(names(&fixture), "");
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM flow"), 1, "connections stay");
	close_fixture(&fixture);
}

/* A store of before: no tables of cameras, a flow without a MAC. */
Test(store_devices, an_older_store_is_brought_up_to_date)
{
	struct fixture fixture;
	struct err err = {0};
	struct store *reader;

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	add(&fixture, EVENT_CLOSE, "", "10.9.0.1", 3, SIGHTING_NONE);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	sh_sql(&fixture, "DROP TABLE sighting; DROP TABLE device_name; DROP TABLE conflict");
	cr_expect_str_eq(names(&fixture), "");
	cr_expect_str_eq(sightings(&fixture), "");
	sh_sql(&fixture, "ALTER TABLE flow DROP COLUMN mac");
	store_close(fixture.store);
	reader = store_open(fixture.path, STORE_READ, &err);
	cr_expect_null(reader);
	cr_expect_not_null(strstr(err.text, "'mac'"), "%s", err.text);
	fixture.store = store_open(fixture.path, STORE_WRITE, &err);
	cr_assert_not_null(fixture.store, "%s", err.text);
	cr_expect_eq(ask(&fixture, "SELECT count(*) FROM flow WHERE mac = ''"), 1);
	cr_expect_str_eq(sightings(&fixture), "");
	close_fixture(&fixture);
}

static bool
hear_flow(void *context, const struct device_flow *flow)
{
	struct heard *heard = context;
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	text_add(&heard->to, "%s %s %s%s%s %llu+%llu %llu/%llu/%llu-%llu %s %llu %s\n",
	    mac_text(flow->mac, mac), addr_text(&flow->camera, ip), flow->sni, flow->looked_up,
	    flow->transport == TRANSPORT_UDP ? "/udp" : "", (unsigned long long)flow->flows,
	    (unsigned long long)flow->up, (unsigned long long)flow->ok,
	    (unsigned long long)flow->rejected, (unsigned long long)flow->probable,
	    (unsigned long long)flow->passed, flow->camera_verdict,
	    (unsigned long long)flow->refused_us, flow->verdict);
	return true;
}

Test(store_devices, connections_are_summed_by_camera_and_destination)
{
	struct fixture fixture;
	struct heard heard = {0};

	open_fixture(&fixture);
	cr_assert_eq(store_begin(fixture.store, NULL), 0);
	for (unsigned i = 1; i <= 4; i++)
		add(&fixture, EVENT_CLOSE, "02:00:00:00:00:01", "10.1.0.1", i, SIGHTING_NONE);
	add(&fixture, EVENT_CLOSE, "", "10.1.0.1", 5, SIGHTING_NONE);
	cr_assert_eq(store_commit(fixture.store, NULL), 0);
	/* What passes because of a refusal was counted as another one. */
	sh_sql(&fixture,
	    "UPDATE flow SET camera_verdict = 'rejected', inspect = 'rejected' WHERE opened = 2;"
	    "UPDATE flow SET camera_verdict = 'rejected', inspect = 'passthrough' WHERE opened = 3;"
	    "UPDATE flow SET camera_verdict = '', verdict = 'block' WHERE opened = 4");
	/* Without a name in its hello it is the one that was looked up; and UDP is another. */
	sh_sql(&fixture, "UPDATE flow SET sni = '', looked_up = 'looked.example', proto = 'udp'"
			 " WHERE mac = ''");
	heard.to = text_in(heard.text, sizeof(heard.text));
	cr_assert_eq(device_flows_read(fixture.store, hear_flow, &heard, NULL), 0);
	cr_expect_str_eq(heard.text,
	    "00:00:00:00:00:00 10.1.0.1 looked.example/udp 1+1000 1/0/0-0 ok 0 allow\n"
	    "02:00:00:00:00:01 10.1.0.1 api.cloud.example 4+4000 1/2/0-1 rejected 2 block\n",
	    "%s", heard.text);
	close_fixture(&fixture);
}
