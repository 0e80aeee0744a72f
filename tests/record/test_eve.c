/* SPDX-License-Identifier: MIT */
#include "record/eve.h"

#include "base/jsonw.h"
#include "base/text.h"
#include "record/community.h"
#include "tests/record/make_facts.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 4 };

static const struct event_head close_head = {EVENT_CLOSE, 1, 7, 17, UINT64_C(1795312801500123)};
static const struct event_head open_head = {EVENT_OPEN, 1, 7, 16, UINT64_C(1795312800000123)};

/* The lines of an event, each the caller's to free. */
struct lines {
	char *at[LINES_MAX];
	size_t count;
};

static sqlite3 *
database(void)
{
	static sqlite3 *db; /* SQLite's JSON reader is one that we did not write */

	if (db == NULL)
		cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
	return db;
}

static void
forget_database(void)
{
	(void)sqlite3_close(database());
}

/* What SQL makes of a line and a path. */
static const char *
ask(const char *sql, const char *line, const char *path)
{
	static char text[4096];
	sqlite3_stmt *statement;
	const char *answer;

	cr_assert_eq(sqlite3_prepare_v2(database(), sql, -1, &statement, NULL), SQLITE_OK);
	(void)sqlite3_bind_text(statement, 1, line, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(statement, 2, path, -1, SQLITE_STATIC);
	cr_assert_eq(sqlite3_step(statement), SQLITE_ROW, "%s", sqlite3_errmsg(database()));
	answer = (const char *)sqlite3_column_text(statement, 0);
	text_copy(text, sizeof(text), answer != NULL ? answer : "");
	(void)sqlite3_finalize(statement);
	return text;
}

/* RFC 8259 section 8.1: JSON text is UTF-8; and a line has no control sign. */
static void
expect_clean(const char *line)
{
	size_t size = strlen(line);

	while (size > 0) {
		size_t step = text_utf8(line, size);

		cr_assert_gt(step, 0, "no UTF-8");
		cr_assert(step > 1 || (uint8_t)line[0] >= 0x20, "a control sign");
		line += step;
		size -= step;
	}
}

static void
read_lines(const struct event_head *head, const struct facts *facts, struct lines *out)
{
	struct jsonw json = {0};

	out->count = 0;
	eve_add(&json, head, facts, "north-gate");
	cr_assert_not(json.failed);
	for (char *at = json.at; at != NULL && *at != '\0';) {
		char *end = strchr(at, '\n');

		cr_assert(end != NULL && out->count < LINES_MAX);
		*end = '\0';
		expect_clean(at);
		cr_assert_str_eq(ask("SELECT json_valid(?1)", at, ""), "1", "%s", at);
		out->at[out->count] = strdup(at);
		cr_assert_not_null(out->at[out->count]);
		out->count++;
		at = end + 1;
	}
	jsonw_free(&json);
}

static void
drop(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->at[i]);
}

struct expectation {
	const char *path, *value;
};

static void
expect(const char *line, const struct expectation *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[96];

		(void)snprintf(path, sizeof(path), "$.%s", wanted[i].path);
		cr_assert_str_eq(ask("SELECT ?1 -> ?2", line, path), wanted[i].value, "%s: %s",
		    wanted[i].path, ask("SELECT ?1 -> ?2", line, path));
	}
}

#define EXPECT(line, ...)                                                                          \
	do {                                                                                       \
		const struct expectation wanted[] = {__VA_ARGS__};                                 \
		expect(line, wanted, sizeof(wanted) / sizeof(wanted[0]));                          \
	} while (0)

TestSuite(eve, .fini = forget_database);

Test(community, gives_the_published_ids)
{
	static const struct {
		enum transport transport;
		const char *a, *b, *id;
	} rows[] = {
	    {TRANSPORT_TCP, "128.232.110.120:34855", "66.35.250.204:80",
		"1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	    {TRANSPORT_TCP, "66.35.250.204:80", "128.232.110.120:34855",
		"1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
	    {TRANSPORT_UDP, "192.168.1.52:54585", "8.8.8.8:53", "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
	    {TRANSPORT_TCP, "[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943",
		"[2607:f8b0:400c:c03::1a]:25", "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4="},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr a, b;
		char id[COMMUNITY_ID_MAX];

		cr_assert_eq(addr_parse(&a, rows[i].a, 0, NULL), 0);
		cr_assert_eq(addr_parse(&b, rows[i].b, 0, NULL), 0);
		cr_assert_str_eq(community_id(rows[i].transport, &a, &b, id), rows[i].id);
	}
}

Test(eve, an_open_tls_connection_is_a_tls_line)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, INT64_MAX);
	read_lines(&open_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"tls\""}, {"flow_id", "9223372036854775807"},
	    {"timestamp", "\"2026-11-22T02:00:00.000123+0000\""}, {"src_ip", "\"10.0.0.21\""},
	    {"src_port", "40112"}, {"dest_ip", "\"198.51.100.7\""}, {"dest_port", "443"},
	    {"proto", "\"TCP\""}, {"ip_v", "4"}, {"host", "\"north-gate\""},
	    {"in_iface", "\"eth1\""}, {"tls.sni", "\"api.cloud.example\""},
	    {"tls.client_alpns", "[\"h2\",\"http/1.1\"]"}, {"borderlens.stage", "\"open\""},
	    {"borderlens.place.located", "\"DE\""}, {"borderlens.left", ""}, {"borderlens.end", ""},
	    {"borderlens.seq", "16"});
	drop(&lines);
}

Test(eve, a_close_has_the_flow_and_the_certificate)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	countries_add(&facts.place.located, "SG");
	facts.place.registered.count = 0;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 1, "nothing to be looked at");
	EXPECT(lines.at[0], {"event_type", "\"flow\""}, {"flow.bytes_toserver", "1000"},
	    {"flow.bytes_toclient", "200"}, {"flow.start", "\"2026-11-22T02:00:00.000000+0000\""},
	    {"flow.end", "\"2026-11-22T02:00:01.500000+0000\""}, {"flow.age", "1"},
	    {"flow.state", "\"closed\""}, {"flow.action", "\"pass\""}, {"flow.alerted", "false"},
	    {"tls.version", "\"TLS 1.3\""}, {"tls.subject", "\"CN=api.cloud.example\""},
	    {"tls.notbefore", "\"2026-01-01T00:00:00\""}, {"tls.server_alpns", "[\"h2\"]"},
	    {"borderlens.place.located", "[\"DE\",\"SG\"]"},
	    {"borderlens.place.registered", "\"unknown\""}, {"borderlens.place.asn", "45102"},
	    {"borderlens.place.basis.country", "\"dbip-country@2026-06-01\""},
	    {"borderlens.inspect", "\"opened\""}, {"borderlens.verdict", "\"allow\""},
	    {"borderlens.server.verified", "true"}, {"borderlens.server.errors", "[]"},
	    {"borderlens.camera_tls.version", "\"TLS 1.2\""},
	    {"borderlens.camera_tls.verdict", "\"ok\""}, {"borderlens.left.up", "1000"},
	    {"borderlens.payload.down", "200"}, {"borderlens.end", "\"done\""},
	    {"borderlens.duration_ms", "1500"}, {"borderlens.worker", "1"},
	    {"borderlens.epoch", "7"});
	drop(&lines);
}

Test(eve, a_budget_that_was_drawn_on_is_told_at_the_end)
{
	struct event_head head = {EVENT_CLOSE, 1, 7, 2, UINT64_C(1795312801623456)};
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 5);
	facts.budget = (struct budget_facts){.ruleset = "site",
	    .rule = "much",
	    .used = 52428000,
	    .up_over = 52428800,
	    .per_s = 3600,
	    .by_device = true};
	read_lines(&head, &facts, &lines);
	EXPECT(lines.at[0], {"borderlens.budget.ruleset", "\"site\""},
	    {"borderlens.budget.rule", "\"much\""}, {"borderlens.budget.by", "\"device\""},
	    {"borderlens.budget.used", "52428000"}, {"borderlens.budget.up_over", "52428800"},
	    {"borderlens.budget.per_s", "3600"});
	drop(&lines);
	facts.budget = (struct budget_facts){0};
	read_lines(&head, &facts, &lines);
	EXPECT(lines.at[0], {"borderlens.budget", ""});
	drop(&lines);
}

Test(eve, a_block_is_an_alert_too)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.verdict.result = RESULT_BLOCK;
	facts.inspect = INSPECT_REFUSED;
	facts.end = END_REFUSED;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[0], {"flow.alerted", "true"}, {"flow.action", "\"drop\""},
	    {"flow.reason", "\"forced\""});
	EXPECT(lines.at[1], {"event_type", "\"alert\""}, {"alert.action", "\"blocked\""},
	    {"alert.gid", "25196"}, {"alert.signature_id", "510307044"},
	    {"alert.signature", "\"the server is in the EEA\""}, {"alert.severity", "1"},
	    {"borderlens.rule", "\"30\""});
	drop(&lines);
}

/* One that the server itself ended is none of ours. */
Test(eve, a_handshake_with_the_server_that_we_ended_is_forced)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.end = END_SERVER_TLS;
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"flow.action", "\"pass\""}, {"flow.reason", "\"timeout\""});
	drop(&lines);
	facts.verdict.result = RESULT_BLOCK;
	facts.inspect = INSPECT_REFUSED;
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"flow.action", "\"drop\""}, {"flow.reason", "\"forced\""});
	drop(&lines);
}

Test(eve, a_verdict_tells_its_stage_and_how_a_block_is_done)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.verdict.how = HOW_DROP;
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"borderlens.verdict_stage", "\"certificate\""}, {"borderlens.how", ""},
	    {"borderlens.flag", ""}, {"borderlens.log", ""});
	drop(&lines);
	facts.verdict.result = RESULT_BLOCK;
	facts.verdict.stage = VERDICT_ADDRESS;
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"borderlens.verdict_stage", "\"address\""},
	    {"borderlens.how", "\"drop\""});
	drop(&lines);
}

static void
set_flag(struct flag *flag, const char *rule)
{
	flag->severity = SEVERITY_MEDIUM;
	(void)snprintf(flag->ruleset, sizeof(flag->ruleset), "eu-gdpr");
	(void)snprintf(flag->rule, sizeof(flag->rule), "%s", rule);
	(void)snprintf(flag->why, sizeof(flag->why), "look at it");
}

Test(eve, what_a_rule_flags_is_an_alert_of_its_own)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	set_flag(&facts.verdict.flag, "31");
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[0], {"flow.alerted", "true"}, {"borderlens.flag.severity", "\"medium\""},
	    {"borderlens.flag.rule", "\"31\""});
	EXPECT(lines.at[1], {"event_type", "\"alert\""}, {"alert.action", "\"allowed\""},
	    {"alert.signature", "\"look at it\""},
	    {"alert.category", "\"Connection flagged by rule\""}, {"alert.severity", "2"});
	drop(&lines);

	/* Beside a block by another rule there are two; of the same rule one. */
	facts.verdict.result = RESULT_BLOCK;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 3);
	EXPECT(lines.at[1], {"alert.severity", "1"});
	EXPECT(lines.at[2], {"alert.severity", "2"}, {"alert.action", "\"blocked\""});
	drop(&lines);
	set_flag(&facts.verdict.flag, "30");
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[1], {"alert.severity", "2"}, {"alert.action", "\"blocked\""});
	drop(&lines);
}

Test(eve, log_count_has_the_last_line_only)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.verdict.detail = DETAIL_COUNT;
	set_flag(&facts.verdict.flag, "31");
	read_lines(&open_head, &facts, &lines);
	cr_expect_eq(lines.count, 0);
	drop(&lines);
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"flow.alerted", "false"}, {"borderlens.log", "\"count\""});
	drop(&lines);
}

Test(eve, a_bad_server_that_is_not_blocked_is_always_flagged)
{
	static const struct {
		enum treatment treatment;
		enum camera_verdict camera;
		const char *treated, *category;
	} rows[] = {
	    {TREATED_MIRRORED, CAMERA_TLS_OK, "\"mirrored\"",
		"\"Camera does not verify the server\""},
	    {TREATED_MIRRORED, CAMERA_TLS_REJECTED, "\"mirrored\"", "\"Server not verified\""},
	    {TREATED_ACCEPTED, CAMERA_TLS_OK, "\"accepted\"", "\"Bad server accepted by rule\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts;
		struct lines lines;

		make_facts(&facts, 3);
		facts.server.verified = false;
		facts.server.errors = CERT_REVOKED;
		facts.server.staple = STAPLE_REVOKED;
		facts.server.treatment = rows[i].treatment;
		facts.camera_tls.verdict = rows[i].camera;
		read_lines(&close_head, &facts, &lines);
		cr_assert_eq(lines.count, 2);
		EXPECT(lines.at[0], {"borderlens.server.treated", rows[i].treated},
		    {"borderlens.server.ocsp", "\"revoked\""}, {"flow.alerted", "true"});
		EXPECT(lines.at[1], {"alert.category", rows[i].category},
		    {"alert.action", "\"allowed\""}, {"alert.severity", "2"});
		drop(&lines);
	}
}

Test(eve, what_is_flagged_is_an_allowed_alert)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.verdict.result = RESULT_OBSERVE;
	facts.verdict.shadow = true;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[0], {"flow.action", "\"pass\""});
	EXPECT(lines.at[1], {"alert.action", "\"allowed\""}, {"alert.severity", "3"});
	drop(&lines);

	make_facts(&facts, 3);
	facts.server.verified = false;
	facts.server.errors = CERT_EXPIRED | CERT_NAME_MISMATCH;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[1], {"alert.action", "\"allowed\""},
	    {"alert.signature", "\"the server's certificate: expired, name-mismatch\""});
	drop(&lines);
	facts.end = END_SERVER_CERT;
	facts.inspect = INSPECT_REFUSED;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[1], {"alert.action", "\"blocked\""});
	drop(&lines);

	make_facts(&facts, 3);
	facts.camera_tls.verdict = CAMERA_TLS_REJECTED;
	facts.inspect = INSPECT_PASSTHROUGH;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 1, "it was told when it was refused");
	drop(&lines);
	facts.inspect = INSPECT_REJECTED;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[1], {"alert.category", "\"Camera does not accept inspection\""});
	drop(&lines);
}

Test(eve, what_is_no_tls_is_an_anomaly)
{
	static const struct {
		enum hello_kind kind;
		const char *event;
	} rows[] = {
	    {HELLO_NOT_TLS, "\"NOT_TLS\""},
	    {HELLO_BROKEN, "\"BROKEN_TLS\""},
	    {HELLO_NONE, "\"NO_HELLO\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts;
		struct lines lines;

		make_facts(&facts, 3);
		facts.hello.kind = rows[i].kind;
		text_copy(facts.hello.protocol, sizeof(facts.hello.protocol), "http");
		read_lines(&open_head, &facts, &lines);
		cr_assert_eq(lines.count, 1);
		EXPECT(lines.at[0], {"event_type", "\"anomaly\""}, {"anomaly.type", "\"applayer\""},
		    {"anomaly.event", rows[i].event}, {"app_proto", "\"http\""}, {"tls", ""});
		drop(&lines);
	}
}

Test(eve, stats_and_ipv6)
{
	struct event_head head = {EVENT_STATS, 2, 7, 9, 1};
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.geo_age_days = 41;
	read_lines(&head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"stats\""}, {"stats.borderlens.worker", "2"},
	    {"stats.borderlens.payload.up", "1000"},
	    {"stats.borderlens.geo.oldest", "\"dbip-country@2026-06-01\""},
	    {"stats.borderlens.geo.age_days", "41"});
	drop(&lines);
	cr_assert_eq(addr_parse(&facts.dst, "[2001:db8::7]:8883", 0, NULL), 0);
	cr_assert_eq(addr_parse(&facts.camera, "[fd00::21]:50000", 0, NULL), 0);
	read_lines(&open_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"ip_v", "6"}, {"dest_ip", "\"2001:db8::7\""},
	    {"src_ip", "\"fd00::21\""});
	drop(&lines);
}

Test(eve, the_brim_is_valid)
{
	struct facts facts;
	struct lines lines;

	make_full_facts(&facts);
	facts.verdict.shadow = false;
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	drop(&lines);
	memset(&facts, 0, sizeof(facts));
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	drop(&lines);
}

static void
make_hostile(char *to, size_t size)
{
	size_t count = (size_t)random() % size;

	for (size_t i = 0; i < count; i++) {
		int byte = (int)(random() % 256);

		/* Half of them what JSON and lines are made of. */
		to[i] = random() % 2 == 0 ? "\"\\\n\r\t{}[]:,/\x7f\x1b\xc3\xe2"[byte % 16]
					  : (char)(byte != 0 ? byte : 1);
	}
	to[count] = '\0';
}

Test(eve, hostile_strings_stay_on_their_line)
{
	struct facts facts;

	srandom(3);
	for (int i = 0; i < 1000; i++) { /* a score of strings each */
		struct lines lines;

		make_facts(&facts, 3);
		make_hostile(facts.hello.sni, sizeof(facts.hello.sni));
		make_hostile((char *)facts.hello.alpn, sizeof(facts.hello.alpn));
		facts.hello.alpn_size = (uint8_t)(random() % FACTS_ALPN_MAX);
		make_hostile(facts.server.subject, sizeof(facts.server.subject));
		make_hostile(facts.server.issuer, sizeof(facts.server.issuer));
		facts.app.proto = (enum app_proto)(random() % APP_COUNT);
		make_hostile(facts.app.host, sizeof(facts.app.host));
		make_hostile(facts.app.path, sizeof(facts.app.path));
		make_hostile(facts.app.agent, sizeof(facts.app.agent));
		make_hostile(facts.app.client, sizeof(facts.app.client));
		make_hostile(facts.app.topics, sizeof(facts.app.topics));
		make_hostile(facts.looked_up, sizeof(facts.looked_up));
		make_hostile(facts.server.alpn, sizeof(facts.server.alpn));
		make_hostile(facts.verdict.why, sizeof(facts.verdict.why));
		make_hostile(facts.end_text, sizeof(facts.end_text));
		make_hostile(facts.device, sizeof(facts.device));
		make_hostile(facts.place.org, sizeof(facts.place.org));
		facts.verdict.result = RESULT_BLOCK;
		read_lines(&close_head, &facts, &lines);
		cr_assert_eq(lines.count, 2);
		drop(&lines);
		read_lines(&open_head, &facts, &lines);
		cr_assert_eq(lines.count, 1);
		drop(&lines);
	}
}

Test(eve, a_camera_that_is_new_or_in_conflict_has_an_anomaly)
{
	static const struct {
		enum sighting kind;
		const char *type, *event;
	} rows[] = {
	    {SIGHTING_NEW, "\"device-new\"", "\"NEW\""},
	    {SIGHTING_IP_TAKEN, "\"device-conflict\"", "\"IP_TAKEN\""},
	    {SIGHTING_TWO_IFACES, "\"device-conflict\"", "\"TWO_INTERFACES\""},
	    {SIGHTING_OTHER_MAC, "\"device-conflict\"", "\"OTHER_MAC\""},
	    {SIGHTING_OTHER_IP, "\"device-conflict\"", "\"OTHER_IP\""},
	};
	struct event_head head = {EVENT_SIGHTING, 2, 7, 9, 1};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts;
		struct lines lines;

		make_facts(&facts, 0);
		facts.sighting.kind = rows[i].kind;
		facts.sighting.other_mac[5] = 7;
		text_copy(facts.sighting.maker, sizeof(facts.sighting.maker), "Hik\"vision");
		read_lines(&head, &facts, &lines);
		cr_assert_eq(lines.count, 1);
		EXPECT(lines.at[0], {"event_type", "\"anomaly\""}, {"anomaly.type", rows[i].type},
		    {"anomaly.event", rows[i].event}, {"src_ip", "\"10.0.0.21\""},
		    {"in_iface", "\"eth1\""}, {"ether.src_mac", "\"44:19:b6:12:34:56\""},
		    {"borderlens.device", "\"lobby-3\""}, {"borderlens.maker", "\"Hik\\\"vision\""},
		    {"borderlens.why", "\"both sides closed\""},
		    {"borderlens.other_mac", "\"00:00:00:00:00:07\""}, {"borderlens.seq", "9"});
		drop(&lines);
	}
}

Test(eve, a_camera_that_is_there_as_before_has_no_line)
{
	struct event_head head = {EVENT_SIGHTING, 2, 7, 9, 1};
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 0);
	facts.sighting.kind = SIGHTING_SEEN;
	read_lines(&head, &facts, &lines);
	cr_expect_eq(lines.count, 0);
	drop(&lines);
}

#define SAY(member, value) text_copy(member, sizeof(member), value)

static void
make_udp(struct facts *facts, enum app_proto proto)
{
	make_facts(facts, 3);
	memset(&facts->hello, 0, sizeof(facts->hello));
	memset(&facts->server, 0, sizeof(facts->server));
	memset(&facts->camera_tls, 0, sizeof(facts->camera_tls));
	facts->transport = TRANSPORT_UDP;
	facts->inspect = INSPECT_PLAIN;
	facts->app.proto = proto;
	facts->traffic.packets_up = 12;
	facts->traffic.packets_down = 3;
}

Test(eve, a_flow_of_datagrams_says_what_it_is)
{
	struct facts facts;
	struct lines lines;

	make_udp(&facts, APP_RTP);
	SAY(facts.looked_up, "relay.p2p.example");
	read_lines(&open_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"rtp\""}, {"proto", "\"UDP\""},
	    {"app_proto", "\"rtp\""}, {"anomaly", ""}, {"tls", ""},
	    {"borderlens.app.proto", "\"rtp\""}, {"borderlens.name_basis", "\"dns\""},
	    {"borderlens.looked_up", "\"relay.p2p.example\""});
	drop(&lines);
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"flow\""}, {"flow.pkts_toserver", "12"},
	    {"flow.pkts_toclient", "3"}, {"flow.state", "\"established\""});
	drop(&lines);

	/* Its lookups have lines of their own. */
	facts.app.proto = APP_DNS;
	read_lines(&open_head, &facts, &lines);
	cr_expect_eq(lines.count, 0);
	drop(&lines);
}

Test(eve, datagrams_that_nobody_knows_are_an_anomaly)
{
	struct facts facts;
	struct lines lines;

	make_udp(&facts, APP_UNKNOWN);
	facts.inspect = INSPECT_UNDECODABLE;
	facts.app.first_size = 5;
	memcpy(facts.app.first, "\xf1\x30\0\x14\"", 5);
	read_lines(&open_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"anomaly\""}, {"anomaly.event", "\"UNKNOWN\""},
	    {"app_proto", "\"failed\""}, {"borderlens.app.first", "\"f130001422\""},
	    {"borderlens.inspect", "\"undecodable\""}, {"borderlens.name_basis", "\"none\""});
	drop(&lines);
}

Test(eve, quic_and_dtls_have_the_hello)
{
	static const struct {
		uint32_t version;
		const char *text;
	} rows[] = {
	    {1, "\"1\""},
	    {0x6b3343cf, "\"2\""},
	    {0xff00001d, "\"ff00001d\""},
	};
	struct facts facts;
	struct lines lines;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make_udp(&facts, APP_QUIC);
		facts.app.version = rows[i].version;
		facts.hello.kind = HELLO_TLS;
		facts.hello.sni_present = true;
		SAY(facts.hello.sni, "api.cloud.example");
		SAY(facts.hello.ja4, "q13d0310h3_55b375c5d22e_cd85d2d88918");
		read_lines(&open_head, &facts, &lines);
		cr_assert_eq(lines.count, 1);
		EXPECT(lines.at[0], {"event_type", "\"quic\""}, {"app_proto", "\"quic\""},
		    {"quic.version", rows[i].text}, {"quic.sni", "\"api.cloud.example\""},
		    {"quic.ja4", "\"q13d0310h3_55b375c5d22e_cd85d2d88918\""}, {"tls", ""},
		    {"borderlens.name_basis", "\"sni\""});
		drop(&lines);
	}
	facts.app.proto = APP_DTLS;
	facts.app.version = 0xfefd;
	read_lines(&open_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"tls\""}, {"app_proto", "\"dtls\""},
	    {"tls.version", "\"DTLS 1.2\""}, {"tls.sni", "\"api.cloud.example\""}, {"quic", ""});
	drop(&lines);
}

Test(eve, what_was_said_is_in_suricatas_words_where_it_has_them)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.app.proto = APP_HTTP;
	facts.app.status = 200;
	facts.app.requests = 7;
	facts.app.soap = true;
	facts.app.credentials = true;
	facts.app.host_mismatch = true;
	facts.app.active_data = true;
	SAY(facts.app.method, "POST");
	SAY(facts.app.host, "other.example");
	SAY(facts.app.path, "/onvif/device_service");
	SAY(facts.app.agent, "curl/8.0");
	read_lines(&close_head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"app_proto", "\"tls\""}, {"tls.sni", "\"api.cloud.example\""},
	    {"http.hostname", "\"other.example\""}, {"http.url", "\"/onvif/device_service\""},
	    {"http.http_user_agent", "\"curl/8.0\""}, {"http.http_method", "\"POST\""},
	    {"http.status", "200"},
	    {"borderlens.app",
		"{\"proto\":\"http\",\"requests\":7,\"soap\":true,\"credentials\":true,"
		"\"host_mismatch\":true,\"active_data\":true}"});
	drop(&lines);

	facts.app = (struct app_facts){.proto = APP_MQTT, .requests = 2};
	SAY(facts.app.method, "CONNECT");
	SAY(facts.app.client, "cam-17");
	SAY(facts.app.topics, "site/cam-17/state,site/cam-17/event");
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"mqtt.connect.client_id", "\"cam-17\""},
	    {"mqtt.publish.topic", "\"site/cam-17/state\""},
	    {"borderlens.app.topics", "[\"site/cam-17/state\",\"site/cam-17/event\"]"},
	    {"borderlens.app.client", ""});
	drop(&lines);

	facts.app = (struct app_facts){.proto = APP_SMTP, .starttls = true, .status = 250};
	SAY(facts.app.client, "cam.example");
	SAY(facts.app.agent, "mx.example ESMTP");
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"smtp.helo", "\"cam.example\""}, {"borderlens.app.status", "250"},
	    {"borderlens.app.agent", "\"mx.example ESMTP\""}, {"borderlens.app.starttls", "true"});
	drop(&lines);

	make_facts(&facts, 3);
	memset(&facts.hello, 0, sizeof(facts.hello));
	facts.hello.kind = HELLO_NOT_TLS;
	facts.app = (struct app_facts){.proto = APP_RTSP, .confused = true};
	SAY(facts.app.path, "/stream1");
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"app_proto", "\"rtsp\""}, {"borderlens.app.path", "\"/stream1\""},
	    {"borderlens.app.confused", "true"}, {"http", ""});
	drop(&lines);
}

Test(eve, the_payload_is_told_by_class_and_direction)
{
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0],
	    {"borderlens.payload", "{\"class\":\"unknown\",\"up\":1000,\"down\":200,\"held\":0}"});
	drop(&lines);
	facts.payload.class = PAYLOAD_VIDEO;
	facts.payload.confidence = CONFIDENCE_IDENTIFIED;
	facts.payload.direction = DIRECTION_UP;
	SAY(facts.payload.format, "h264");
	facts.payload.examined = 4096;
	facts.payload.held = 65536;
	facts.payload.up[PAYLOAD_VIDEO] = 900;
	facts.payload.seen_up[PAYLOAD_VIDEO] = CONFIDENCE_IDENTIFIED;
	facts.payload.up[PAYLOAD_CONTROL] = 100;
	facts.payload.down[PAYLOAD_CONTROL] = 200;
	facts.payload.seen_down[PAYLOAD_CONTROL] = CONFIDENCE_PROBABLE;
	read_lines(&close_head, &facts, &lines);
	EXPECT(lines.at[0], {"borderlens.payload.class", "\"video\""},
	    {"borderlens.payload.confidence", "\"identified\""},
	    {"borderlens.payload.direction", "\"up\""}, {"borderlens.payload.format", "\"h264\""},
	    {"borderlens.payload.held", "65536"}, {"borderlens.payload.examined", "4096"},
	    {"borderlens.payload.up", "1000"},
	    {"borderlens.payload.classes",
		"{\"video\":{\"confidence\":\"identified\",\"up\":900,\"down\":0},"
		"\"control\":{\"confidence\":\"probable\",\"up\":100,\"down\":200}}"});
	drop(&lines);
}

Test(eve, a_lookup_is_a_dns_line)
{
	struct event_head head = {EVENT_DNS, 2, 7, 9, UINT64_C(1795312800000123)};
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.transport = TRANSPORT_UDP;
	facts.dns.id = 4711;
	facts.dns.type = 28;
	text_copy(facts.dns.name, sizeof(facts.dns.name), "api.cloud.example");
	read_lines(&head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"event_type", "\"dns\""}, {"flow_id", "3"}, {"proto", "\"UDP\""},
	    {"app_proto", "\"dns\""}, {"dns.type", "\"query\""}, {"dns.id", "4711"},
	    {"dns.rrname", "\"api.cloud.example\""}, {"dns.rrtype", "\"AAAA\""}, {"dns.rcode", ""},
	    {"dns.answers", ""}, {"borderlens.device", "\"lobby-3\""}, {"borderlens.refused", ""},
	    {"borderlens.seq", "9"});
	drop(&lines);

	facts.dns.answered = true;
	facts.dns.type = 65280;
	text_copy(facts.dns.answers, sizeof(facts.dns.answers),
	    "edge.example,198.51.100.7,2001:db8::7");
	read_lines(&head, &facts, &lines);
	cr_assert_eq(lines.count, 1);
	EXPECT(lines.at[0], {"dns.type", "\"answer\""}, {"dns.version", "2"},
	    {"dns.rrtype", "\"65280\""}, {"dns.rcode", "\"NOERROR\""},
	    {"dns.answers", "[{\"rrtype\":\"CNAME\",\"rdata\":\"edge.example\"},"
			    "{\"rrtype\":\"A\",\"rdata\":\"198.51.100.7\"},"
			    "{\"rrtype\":\"AAAA\",\"rdata\":\"2001:db8::7\"}]"});
	drop(&lines);
	facts.verdict.detail = DETAIL_COUNT;
	read_lines(&head, &facts, &lines);
	cr_expect_eq(lines.count, 0);
	drop(&lines);
}

Test(eve, a_refused_lookup_is_an_alert_too)
{
	struct event_head head = {EVENT_DNS, 2, 7, 9, UINT64_C(1795312800000123)};
	struct facts facts;
	struct lines lines;

	make_facts(&facts, 3);
	facts.transport = TRANSPORT_UDP;
	facts.verdict.result = RESULT_BLOCK;
	facts.dns.answered = true;
	facts.dns.refused = true;
	facts.dns.type = 1;
	facts.dns.rcode = 5;
	text_copy(facts.dns.name, sizeof(facts.dns.name), "stun.ezvizlife.com");
	read_lines(&head, &facts, &lines);
	cr_assert_eq(lines.count, 2);
	EXPECT(lines.at[0], {"event_type", "\"dns\""}, {"dns.rcode", "\"REFUSED\""},
	    {"borderlens.refused", "true"}, {"borderlens.verdict", "\"block\""});
	EXPECT(lines.at[1], {"event_type", "\"alert\""}, {"alert.action", "\"blocked\""},
	    {"alert.category", "\"Lookup refused by rule\""}, {"alert.signature_id", "510307044"},
	    {"dns.rrname", "\"stun.ezvizlife.com\""}, {"borderlens.rule", "\"30\""});
	drop(&lines);
}

Test(eve, what_went_nowhere_is_an_anomaly_line)
{
	struct event_head head = {EVENT_ANOMALY, 2, 7, 9, UINT64_C(1795312800000123)};

	for (enum anomaly kind = ANOMALY_ICMP; kind < ANOMALY_COUNT; kind++) {
		const char *type = "\"dropped\"";
		char name[40];
		struct facts facts;
		struct lines lines;

		if (kind == ANOMALY_GAP)
			type = "\"gap\"";
		else if (kind == ANOMALY_FRAGMENT)
			type = "\"fragments\"";
		else if (kind == ANOMALY_BUDGETS)
			type = "\"lost\"";
		else if (kind == ANOMALY_LOOKUPS)
			type = "\"unrecorded\"";
		make_facts(&facts, 0);
		facts.anomaly = (struct anomaly_facts){kind, 12, 900};
		(void)snprintf(name, sizeof(name), "\"%s\"", anomaly_name(kind));
		read_lines(&head, &facts, &lines);
		cr_assert_eq(lines.count, 1);
		EXPECT(lines.at[0], {"event_type", "\"anomaly\""}, {"flow_id", ""},
		    {"src_ip", "\"10.0.0.21\""}, {"anomaly.type", type},
		    {"borderlens.anomaly.kind", name}, {"borderlens.anomaly.packets", "12"},
		    {"borderlens.anomaly.bytes", "900"}, {"borderlens.seq", "9"});
		cr_expect_str_neq(ask("SELECT ?1 -> ?2", lines.at[0], "$.anomaly.event"), "\"\"");
		drop(&lines);
		/* Of nobody in particular. */
		memset(&facts.camera, 0, sizeof(facts.camera));
		facts.device[0] = '\0';
		read_lines(&head, &facts, &lines);
		cr_assert_eq(lines.count, 1);
		EXPECT(lines.at[0], {"src_ip", ""}, {"ip_v", ""}, {"borderlens.device", ""});
		drop(&lines);
	}
}
