/* SPDX-License-Identifier: MIT */
#include "proxy/backtest.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"
#include "proxy/load.h"
#include "record/event.h"
#include "record/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * bench_backtest make STORE FLOWS
 * bench_backtest run STORE RULES...
 *
 * make writes a store of that many connections, opened over a week: 200
 * cameras to 150 servers, each of them with what a whole TLS connection leaves.
 * run replays it through the rule sets, as `borderlens backtest` does.
 */
enum { CAMERAS = 200, SERVERS = 150, ROUNDS = 3, BATCH = 10000, US_PER_S = 1000000 };

static const uint64_t week_us = UINT64_C(604800) * US_PER_S;
static const uint64_t start_us = UINT64_C(1794700800) * US_PER_S;

static void
fail(const char *what, const struct err *err)
{
	(void)fprintf(stderr, "bench_backtest: %s: %s\n", what, err->text);
	exit(1);
}

#define SET(member, ...) (void)snprintf(member, sizeof(member), __VA_ARGS__)

static void
fill_server(struct facts *facts, unsigned server)
{
	static const char countries[][3] = {"DE", "FR", "US", "CN", "SG", "HK", "GB"};
	const unsigned count = sizeof(countries) / sizeof(countries[0]);
	uint8_t ip[4] = {47, (uint8_t)(90 + server % 7), (uint8_t)server, 10};

	facts->dst.ip[10] = facts->dst.ip[11] = 0xff;
	memcpy(facts->dst.ip + 12, ip, sizeof(ip));
	facts->dst.port = server % 5 == 0 ? 8883 : 443;
	countries_add(&facts->place.located, countries[server % count]);
	countries_add(&facts->place.registered, countries[server / 2 % count]);
	if (server % 11 != 0)
		countries_add(&facts->place.operator, countries[server / 3 % count]);
	facts->place.asn = 45000 + server % 60;
	SET(facts->place.org, "Cloud Operator Number %u", server % 60);
	SET(facts->place.located_basis, "dbip-country@2026-06-01");
	SET(facts->place.registered_basis, "geo-whois-asn-country@2026-06-01");
	SET(facts->place.operator_basis, "operators.csv:%u", server % 60 + 2);
	SET(facts->hello.sni, "eu-%u.api.vendor-%u.example", server, server % 9);
	SET(facts->server.subject, "CN=eu-%u.api.example", server);
	SET(facts->server.issuer, "C=US, O=A Trusted Authority, CN=Issuing %u", server % 3);
	SET(facts->server.serial, "0A:1B:2C:3D:4E:5F:60:71:82:93:A4:B5:C6:%02X", server);
	SET(facts->server.sha1, "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:%02x",
	    server);
	memset(facts->server.sha256, (int)server + 1, sizeof(facts->server.sha256));
}

static void
fill_facts(struct facts *facts, uint64_t number, uint64_t flows)
{
	unsigned camera = (unsigned)(number * 7919 % CAMERAS);

	*facts = (struct facts){.flow_id = number + 1, .inspect = INSPECT_OPENED, .end = END_DONE};
	facts->opened_wall_us = start_us + number * (week_us / flows);
	facts->closed_wall_us = facts->opened_wall_us + 1500000 + number % 1000;
	facts->duration_us = 1500000 + number % 1000;
	facts->camera.ip[10] = facts->camera.ip[11] = 0xff;
	facts->camera.ip[12] = 10;
	facts->camera.ip[15] = (uint8_t)camera;
	facts->camera.port = (uint16_t)(32768 + number % 28000);
	SET(facts->iface, "eth1");
	SET(facts->device, "camera-%u", camera);
	fill_server(facts, (unsigned)((number * 31 + camera * 17) % SERVERS));
	facts->hello.kind = HELLO_TLS;
	facts->hello.sni_present = facts->hello.ecdsa = true;
	facts->hello.version_max = 0x0304;
	facts->hello.version_min = 0x0303;
	facts->hello.alpn_size = 12;
	memcpy(facts->hello.alpn, "\2h2\10http/1.1", 12);
	SET(facts->hello.ja3, "e7d705a3286e19ea42f587b344ee6865");
	SET(facts->hello.ja4, "t13d1516h2_8daaf6152771_b186095e22b6");
	facts->server.handshake_done = facts->server.verified = true;
	facts->server.version = 0x0304;
	SET(facts->server.cipher, "TLS_AES_128_GCM_SHA256");
	facts->server.not_before = 1767225600;
	facts->server.not_after = 1798761600;
	facts->camera_tls.verdict = CAMERA_TLS_OK;
	facts->camera_tls.version = 0x0303;
	SET(facts->camera_tls.cipher, "ECDHE-ECDSA-AES128-GCM-SHA256");
	facts->verdict.result = RESULT_ALLOW;
	facts->verdict.stage = VERDICT_CERTIFICATE;
	SET(facts->verdict.ruleset, "lab-observe");
	SET(facts->verdict.ruleset_version, "1");
	SET(facts->verdict.rule, "default");
	SET(facts->verdict.why, "No rule matched: nothing is refused while we look");
	facts->traffic = (struct traffic){.up = 1000 + number % 5000,
	    .down = 200,
	    .left_up = 1000 + number % 5000,
	    .left_down = 200};
	SET(facts->end_text, "both sides closed");
}

static void
add(struct store *store, enum event_kind kind, uint64_t seq, const struct facts *facts)
{
	const struct recorded event = {{kind, 1, 1, seq, facts->opened_wall_us}, *facts};
	const struct stored stored = {.event = &event, .site = "bench", .eve_version = 1};
	struct err err = {0};

	if (store_add(store, &stored, &err) != 1)
		fail("add", &err);
}

static int
make(const char *path, uint64_t flows)
{
	struct err err = {0};
	struct store *store = store_open(path, STORE_WRITE, &err);

	if (store == NULL)
		fail(path, &err);
	for (uint64_t i = 0; i < flows; i++) {
		struct facts facts, opened;

		if (i % BATCH == 0 && store_begin(store, &err) != 0)
			fail("begin", &err);
		fill_facts(&facts, i, flows);
		opened = facts;
		opened.closed_wall_us = 0;
		add(store, EVENT_OPEN, 2 * i + 1, &opened);
		add(store, EVENT_CLOSE, 2 * i + 2, &facts);
		if ((i % BATCH == BATCH - 1 || i == flows - 1) && store_commit(store, &err) != 0)
			fail("commit", &err);
	}
	store_close(store);
	return 0;
}

static struct rules *
read_rules(int count, char **paths)
{
	struct source *source = source_from_disk();
	struct rules *rules = rules_new();
	struct problems problems = {0};
	struct err err = {0};

	for (int i = 0; i < count; i++) {
		struct bytes text;

		if (source_read(source, paths[i], &text, &err) != 0)
			fail(paths[i], &err);
		(void)rules_add(rules, paths[i], text, &problems);
	}
	problems_print(&problems);
	if (problems.errors > 0)
		exit(1);
	problems_free(&problems);
	rules_prepare(rules);
	source_free(source);
	return rules;
}

/* Of this process: what a machine that does other things as well takes away
 * from the clock does not count. */
static uint64_t
cpu_us(void)
{
	struct timespec used;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * US_PER_S + (uint64_t)used.tv_nsec / 1000;
}

static int
run(const char *path, int count, char **paths)
{
	struct rules *rules = read_rules(count, paths);
	const struct backtest_wish wish = {.after.rules = rules};
	struct err err = {0};
	struct store *store = store_open(path, STORE_READ, &err);

	if (store == NULL)
		fail(path, &err);
	for (int i = 0; i < ROUNDS; i++) {
		struct backtest backtest;
		uint64_t begun_us = clock_mono_us(), cpu_begun_us = cpu_us(), took_us, cpu;

		if (backtest_run(store, &wish, &backtest, &err) != 0)
			fail("run", &err);
		took_us = clock_mono_us() - begun_us;
		cpu = cpu_us() - cpu_begun_us;
		(void)printf("%llu flows: %.0f a second (%.0f a CPU second), %.0f ns of CPU each; "
			     "%llu judged, %llu differ, %zu rows\n",
		    (unsigned long long)backtest.count.flows,
		    (double)backtest.count.flows * US_PER_S / (double)took_us,
		    (double)backtest.count.flows * US_PER_S / (double)cpu,
		    (double)cpu * 1000 / (double)backtest.count.flows,
		    (unsigned long long)backtest.judged,
		    (unsigned long long)backtest_differences(&backtest), backtest.row_count);
		backtest_free(&backtest);
	}
	store_close(store);
	rules_free(rules);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "make") == 0)
		return make(argv[2], strtoull(argv[3], NULL, 10));
	if (argc >= 4 && strcmp(argv[1], "run") == 0)
		return run(argv[2], argc - 3, argv + 3);
	(void)fputs("usage: bench_backtest make STORE FLOWS | run STORE RULES...\n", stderr);
	return 2;
}
