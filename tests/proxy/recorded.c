/* SPDX-License-Identifier: MIT */
#include "tests/proxy/recorded.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "record/recorder.h"
#include "record/spool.h"
#include "record/store.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { US_PER_S = 1000000 };

void
recorded_site_make(struct recorded_site *site, const char *rules)
{
	static const char config[] = "site: north-gate\nstate_dir: state\nrun_dir: run\n"
				     "gateway: {cameras: eth1}\nrules: rules.yaml\n"
				     "devices: devices.yaml\nrecord: {eve: eve.json}\n";
	static const char devices[] = "devices:\n- {name: lobby-3, group: eu, ip: 10.0.0.4}\n"
				      "- {name: gate, oui: \"44:19:b6\"}\n";
	char path[192];

	*site = (struct recorded_site){0};
	scratch_dir(site->dir, sizeof(site->dir));
	(void)snprintf(site->config, sizeof(site->config), "%s/borderlens.yaml", site->dir);
	(void)snprintf(site->rules, sizeof(site->rules), "%s/rules.yaml", site->dir);
	(void)snprintf(site->store, sizeof(site->store), "%s/state/" STORE_FILE, site->dir);
	(void)snprintf(site->eve, sizeof(site->eve), "%s/eve.json", site->dir);
	(void)snprintf(path, sizeof(path), "%s/state", site->dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/run", site->dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	scratch_file(site->dir, "borderlens.yaml", config, sizeof(config) - 1);
	scratch_file(site->dir, "devices.yaml", devices, sizeof(devices) - 1);
	scratch_file(site->dir, "rules.yaml", rules, strlen(rules));
}

void
recorded_site_remove(struct recorded_site *site)
{
	cr_assert_null(site->spool);
	scratch_remove(site->dir);
}

void
recorded_open(struct recorded_site *site)
{
	static uint64_t epoch = 7;
	char path[192];
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/run/spool-0", site->dir);
	site->fd = spool_create(path, SPOOL_SIZE_MIN, 0, epoch++, &err);
	cr_assert_geq(site->fd, 0, "%s", err.text);
	site->spool = spool_writer(site->fd, "north-gate", &err);
	cr_assert_not_null(site->spool, "%s", err.text);
}

void
recorded_close(struct recorded_site *site)
{
	char state[192];
	const struct recorder_config config = {.eve_fd = -1,
	    .state_dir = state,
	    .eve = site->eve,
	    .site = "north-gate",
	    .epoch = 7};
	struct recorder *recorder;
	struct err err = {0};

	(void)snprintf(state, sizeof(state), "%s/state", site->dir);
	recorder = recorder_open(&config, &site->fd, 1, &err);
	cr_assert_not_null(recorder, "%s", err.text);
	cr_assert_eq(recorder_finish(recorder), 0);
	recorder_close(recorder);
	spool_close(site->spool);
	site->spool = NULL;
	(void)close(site->fd);
}

void
recorded_facts(const char *device, const char *country, unsigned host, struct facts *facts)
{
	static uint64_t flow_id;
	char dst[32];

	flow_id++;
	*facts = (struct facts){.flow_id = flow_id, .inspect = INSPECT_OPENED, .end = END_DONE};
	facts->opened_wall_us = clock_wall_us() - UINT64_C(60) * US_PER_S;
	facts->closed_wall_us = facts->opened_wall_us + US_PER_S;
	facts->duration_us = US_PER_S;
	(void)snprintf(dst, sizeof(dst), "198.51.100.%u:443", host);
	cr_assert_eq(addr_parse(&facts->dst, dst, 0, NULL), 0);
	cr_assert_eq(addr_parse(&facts->camera, "10.0.0.4:40000", 0, NULL), 0);
	text_copy(facts->device, sizeof(facts->device), device);
	countries_add(&facts->place.located, country);
	countries_add(&facts->place.registered, country);
	countries_add(&facts->place.operator, country);
	facts->hello.kind = HELLO_TLS;
	facts->hello.sni_present = true;
	text_copy(facts->hello.sni, sizeof(facts->hello.sni), "eu.cam.example");
	facts->server.handshake_done = facts->server.verified = true;
	facts->server.version = 0x0304;
	facts->verdict.result = RESULT_ALLOW;
	facts->verdict.stage = VERDICT_CERTIFICATE;
	text_copy(facts->verdict.ruleset, sizeof(facts->verdict.ruleset), "old");
	text_copy(facts->verdict.rule, sizeof(facts->verdict.rule), "1");
	text_copy(facts->verdict.why, sizeof(facts->verdict.why), "because");
	facts->traffic =
	    (struct traffic){.up = 1000, .down = 100, .left_up = 1000, .left_down = 100};
}

void
recorded_event(struct recorded_site *site, enum event_kind kind, const struct facts *facts)
{
	struct err err = {0};

	cr_assert_eq(spool_write(site->spool, kind, facts, &err), 0, "%s", err.text);
}

void
recorded_add(struct recorded_site *site, const struct facts *facts)
{
	struct facts opened = *facts;

	opened.closed_wall_us = 0;
	opened.end = END_NONE;
	opened.traffic = (struct traffic){0};
	recorded_event(site, EVENT_OPEN, &opened);
	recorded_event(site, EVENT_CLOSE, facts);
}

void
recorded_alter(const struct recorded_site *site, const char *sql)
{
	sqlite3 *db;

	cr_assert_eq(sqlite3_open(site->store, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
	(void)sqlite3_close(db);
}
