/* SPDX-License-Identifier: MIT */
#include "record/filter.h"

#include "base/err.h"
#include "base/text.h"
#include "record/store.h"
#include "tests/record/make_facts.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define now_us UINT64_C(1795312810000000) /* 2026-11-22T02:00:10Z */

/* @eea has Germany and Austria; nothing else is known. */
static int
find_set(const void *arg, const char *text, char *out, size_t size, struct err *err)
{
	(void)arg;
	if (strcmp(text, "@eea") != 0 && strcmp(text, "@eea+SG") != 0)
		return err_set(err, ERR_INPUT, "no set %s", text);
	text_copy(out, size, strchr(text, '+') != NULL ? "/AT/DE/SG/" : "/AT/DE/");
	return 0;
}

static const struct filter_about about = {now_us, find_set, NULL};

/* Three connections: 1 as make_facts makes it, 2 blocked, 3 unknown and open. */
static struct store *
make_store(char *dir, size_t size)
{
	char path[200];
	struct store *store;

	scratch_dir(dir, size);
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	store = store_open(path, STORE_WRITE, NULL);
	cr_assert_not_null(store);
	cr_assert_eq(store_begin(store, NULL), 0);
	for (uint64_t i = 1; i <= 3; i++) {
		struct recorded event = {.head = {EVENT_CLOSE, 0, 1, i, now_us}};
		struct stored stored = {.event = &event, .site = "s", .eve_version = 1};

		make_facts(&event.facts, i);
		if (i == 2) {
			event.facts.verdict.result = RESULT_BLOCK;
			countries_add(&event.facts.place.located, "SG");
			(void)snprintf(event.facts.device, sizeof(event.facts.device), "it's 3\"x");
			event.facts.traffic.up = 5000000;
		}
		if (i == 3) {
			event.head.kind = EVENT_OPEN;
			event.facts.closed_wall_us = 0;
			event.facts.place.located.count = 0;
			event.facts.opened_wall_us += 9000000;
			event.facts.hello.sni[0] = '\0';
		}
		cr_assert_eq(store_add(store, &stored, NULL), 1);
	}
	cr_assert_eq(store_commit(store, NULL), 0);
	return store;
}

/* The flow_ids that match, as digits. */
static void
find(struct store *store, const char *text, char out[16])
{
	struct filter filter;
	struct err err = {0};
	char sql[FILTER_SQL_MAX + 128];
	sqlite3_stmt *statement;
	size_t used = 0;

	cr_assert_eq(filter_parse(&filter, text, &about, &err), 0, "%s: %s", text, err.text);
	(void)snprintf(sql, sizeof(sql), "SELECT flow_id FROM flow WHERE %s ORDER BY flow_id",
	    filter.sql);
	cr_assert_eq(sqlite3_prepare_v2(store_database(store), sql, -1, &statement, NULL),
	    SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(store_database(store)));
	cr_assert_eq(filter_bind(&filter, statement), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW)
		out[used++] = (char)('0' + sqlite3_column_int(statement, 0));
	out[used] = '\0';
	(void)sqlite3_finalize(statement);
}

Test(filter, finds_what_was_meant)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
	    {"", "123"},
	    {"   ", "123"},
	    {"verdict = block", "2"},
	    {"verdict != block", "13"},
	    {"VERDICT = block or verdict = allow", NULL},
	    {"located = DE", "12"},
	    {"located = de", "12"},
	    {"located = SG", "2"},
	    {"located != SG", "13"},
	    {"located = unknown", "3"},
	    {"located = Unknown", "3"},
	    {"located = D", NULL},
	    {"located ~ D", "12"},
	    {"up < 1KB", "13"},
	    {"up >= 1KB", "2"},
	    {"up > 0.5MB", "2"},
	    {"registered = EU", ""},
	    {"located = @eea", "12"},
	    {"located != @eea", "3"},
	    {"not located = '@eea'", "3"},
	    {"located = @eea+SG and up > 1M", "2"},
	    {"operator = @eea", ""},
	    {"located = @asia", NULL},
	    {"located = SG+DE", NULL},
	    {"located ~ @eea", NULL},
	    {"device = @eea", ""},
	    {"asn = AS45102", "123"},
	    {"asn != as45102", ""},
	    {"asn >= AS45103", ""},
	    {"up = AS45102", NULL},
	    {"asn = AS", NULL},
	    {"asn = @listed", NULL},
	    {"operator = CN and not located = unknown", "12"},
	    {"not located = DE", "3"},
	    {"not (located = SG or located = unknown)", "1"},
	    {"not not located = SG", "2"},
	    {"located=SG or located=unknown and up>1k", "2"},
	    {"(located=SG or located=unknown) and up>=1k", "23"},
	    {"up > 1M", "2"},
	    {"up <= 1000", "13"},
	    {"up < 1.5k", "13"},
	    {"asn = 45102", "123"},
	    {"sni under cloud.example", "12"},
	    {"sni under CLOUD.example", "12"},
	    {"sni under api.cloud.example", "12"},
	    {"sni under oud.example", ""},
	    {"sni under example.api.cloud.example", ""},
	    {"sni ~ CLOUD", "12"},
	    {"sni ~ %", ""},
	    {"sni = ''", "3"},
	    {"device = lobby-3", "13"},
	    {"device = \"it's 3\\\"x\"", NULL},
	    {"device = 'it''s'", NULL},
	    {"device ~ \"it's\"", "2"},
	    {"verified = true and shadow = no", "123"},
	    {"opened >= 5s", "3"},
	    {"opened < 2026-11-22", ""},
	    {"opened >= 2026-11-22T02:00:00", "123"},
	    {"opened > 2026-11-22T02:00:00 ", "3"},
	    {"closed > 1d", "12"},
	    {"dst = 198.51.100.7 and port = 443", "123"},
	    {"camera under 0.21", "123"},
	    {"end = done", "123"},
	    {"verdict = BLOCK", "2"},
	    {"verdict ~ lo", "123"},
	    {"end under done", "123"},
	    {"server_tls = 'TLS 1.3' or end = rule-change", "123"},
	    {"why ~ 'eea'", "123"},
	};
	char dir[128], found[16];
	struct store *store = make_store(dir, sizeof(dir));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter filter;

		if (rows[i].found == NULL) {
			cr_assert_eq(filter_parse(&filter, rows[i].text, &about, NULL), -1, "%s",
			    rows[i].text);
			continue;
		}
		find(store, rows[i].text, found);
		cr_assert_str_eq(found, rows[i].found, "%s: %s", rows[i].text, found);
	}
	store_close(store);
	scratch_remove(dir);
}

Test(filter, says_what_is_wrong_and_where)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
	    {"operater = CN", "at sign 1: did you mean 'operator'? There is no column 'operater'"},
	    {"xyzzyplugh = 1", "at sign 1: there is no column 'xyzzyplugh'"},
	    {"up > many", "at sign 6: expected a number (10000, 10k, 1MB), found 'many'"},
	    {"verdict = ", "at sign 11: expected a value, found 'the end'"},
	    {"verdict block", "at sign 9: expected = != < <= > >= ~ or under, found 'block'"},
	    {"verdict = block device = x",
		"at sign 17: expected and, or, or the end, found 'device'"},
	    {"(verdict = block", "a parenthesis is not closed"},
	    {"verdict = block)", "expected and, or, or the end, found ')'"},
	    {"verdict = blok", "at sign 11: did you mean 'block'? 'verdict' never is 'blok'"},
	    {"app = htp", "at sign 7: did you mean 'http'? 'app' never is 'htp'"},
	    {"class = vidio", "at sign 9: did you mean 'video'? 'class' never is 'vidio'"},
	    {"shadow = yes and verdict != denied",
		"at sign 29: 'verdict' is one of observe, allow, limit, block, and found 'denied'"},
	    {"server_tls = 1.3", "TLS 1.2, TLS 1.3, unknown, and found '1.3'"},
	    {"hello = x", "one of none, tls, not-tls, broken, and found 'x'"},
	    {"end = closed-by-the-server", "this column never is 'closed-by-the-server'"},
	    {"verdict > block", "this column has no order for '>'"},
	    {"up ~ 3", "this column is no text for '~'"},
	    {"sni = 'x", "at sign 7: a quote is not closed"},
	    {"verified = maybe", "expected true or false, found 'maybe'"},
	    {"opened > yesterday", "'yesterday' is no time"},
	    {"and", "no column 'and'"},
	    {"verdict ! block", "expected '!='"},
	    {"verdict == block", "'=' is written once"},
	    {"sni = x and", "expected the name of a column, found 'the end'"},
	    {"()", "expected the name of a column, found ')'"},
	    {"\x1b[31m = x", "\\x1b[31m"},
	    {"up > 0x10", "expected a number"},
	    {"up > 100KiB", "expected a number (10000, 10k, 1MB), found '100KiB'"},
	    {"located = UK", "at sign 11: expected a country (DE, unknown, anycast); the United "
			     "Kingdom is GB, found 'UK'"},
	    {"operator != chn", "China is CN, found 'chn'"},
	    {"registered = QQ", "expected a country (DE, unknown, anycast), found 'QQ'"},
	    {"up > nan", "expected a number"},
	    {"up > 1e99", "expected a number"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter filter;
		struct err err = {0};

		cr_assert_eq(filter_parse(&filter, rows[i].text, &about, &err), -1, "%s",
		    rows[i].text);
		cr_assert_eq(err.kind, ERR_INPUT);
		cr_assert_not_null(strstr(err.text, rows[i].says), "%s: %s", rows[i].text,
		    err.text);
	}
}

Test(filter, a_time_is_taken_as_people_and_eve_write_it)
{
	static const struct {
		const char *text;
		uint64_t us; /* 0: none */
	} rows[] = {
	    {"2026-11-22", UINT64_C(1795305600000000)},
	    {"2026-11-22T02:00", UINT64_C(1795312800000000)},
	    {"2026-11-22T02:00:10", UINT64_C(1795312810000000)},
	    {"2026-11-22 02:00:10", UINT64_C(1795312810000000)},
	    {"2026-11-22T02:00:10Z", UINT64_C(1795312810000000)},
	    {"2026-11-22T02:00:10.123456+0000", UINT64_C(1795312810123456)},
	    {"2026-11-22T02:00:10.5Z", UINT64_C(1795312810500000)},
	    {"2026-11-22T02:00:10.1234567890123+00:00", UINT64_C(1795312810123456)},
	    {"10s", UINT64_C(1795312800000000)},
	    {"1w", UINT64_C(1794708010000000)},
	    {"2026-11-22T02:00:10.", 0},
	    {"2026-11-22T02:00:10.Z", 0},
	    {"2026-11-22T02:00:10+0100", 0},
	    {"2026-11-22Z", 0},
	    {"2026-13-22", 0},
	    {"2026-02-29", 0},
	    {"2026-04-31T02:00", 0},
	    {"2024-02-29", UINT64_C(1709164800000000)},
	    {"1969-12-31", 0},
	    {"", 0},
	    {"5", 0},
	    {"-5m", 0},
	    {"99999999999w", 0},
	};
	uint64_t got;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = filter_time(rows[i].text, now_us, &got, NULL);

		cr_expect_eq(ret, rows[i].us != 0 ? 0 : -1, "%s", rows[i].text);
		if (ret == 0)
			cr_expect_eq(got, rows[i].us, "%s: %llu", rows[i].text,
			    (unsigned long long)got);
	}
	/* Before 1970 it is the beginning. */
	cr_expect_eq(filter_time("4000000000w", now_us, &got, NULL), 0);
	cr_expect_eq(got, 0);
}

Test(filter, bounds_hold)
{
	struct filter filter;
	char text[FILTER_TEXT_MAX + 16];
	size_t used = 0;

	memset(text, '(', sizeof(text));
	text[FILTER_DEPTH_MAX + 2] = '\0';
	cr_assert_eq(filter_parse(&filter, text, &about, NULL), -1);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_assert_eq(filter_parse(&filter, text, &about, NULL), -1);
	for (int i = 0; i < FILTER_TERMS_MAX + 1; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%sup>1",
		    i > 0 ? " or " : "");
	cr_assert_eq(filter_parse(&filter, text, &about, NULL), -1);
	text[used - strlen(" or up>1")] = '\0';
	cr_assert_eq(filter_parse(&filter, text, &about, NULL), 0);
	cr_assert_eq(filter.value_count, FILTER_TERMS_MAX);
}

Test(filter, every_expression_it_takes_is_sql)
{
	static const char text[] = "not (sni under a.b and up>=1k) or located = CN and why ~ 'x y'";
	char dir[128], found[16], changed[sizeof(text)];
	struct store *store = make_store(dir, sizeof(dir));
	struct filter filter;

	for (size_t i = 0; i < sizeof(text); i++) {
		for (int sign = 1; sign < 256; sign++) {
			memcpy(changed, text, sizeof(text));
			changed[i] = (char)sign;
			changed[sizeof(text) - 1] = '\0';
			if (filter_parse(&filter, changed, &about, NULL) == 0)
				find(store, changed, found);
		}
		memcpy(changed, text, i);
		changed[i] = '\0';
		if (filter_parse(&filter, changed, &about, NULL) == 0)
			find(store, changed, found);
	}
	store_close(store);
	scratch_remove(dir);
}

Test(filter, finds_what_is_in_no_country_by_its_word)
{
	char dir[256], path[300], found[16];
	struct recorded event = {.head = {EVENT_CLOSE, 0, 1, 1, now_us}};
	struct stored stored = {.event = &event, .site = "s", .eve_version = 1};
	struct store *store;

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	store = store_open(path, STORE_WRITE, NULL);
	cr_assert_not_null(store);
	cr_assert_eq(store_begin(store, NULL), 0);
	make_facts(&event.facts, 1);
	event.facts.place.kind = PLACE_ANYCAST;
	event.facts.place.located.count = 0;
	cr_assert_eq(store_add(store, &stored, NULL), 1);
	cr_assert_eq(store_commit(store, NULL), 0);
	find(store, "located = Anycast", found);
	cr_expect_str_eq(found, "1");
	find(store, "located = unknown", found);
	cr_expect_str_eq(found, "");
	find(store, "located != anycast", found);
	cr_expect_str_eq(found, "");
	store_close(store);
	scratch_remove(dir);
}

/* What was said and sent can be asked for. */
Test(filter, finds_what_was_said_and_sent)
{
	static const char *const holds[] = {
	    "proto = udp and app = rtp",
	    "class = video and confidence = identified and direction = up",
	    "class = video and left_up > 0 or app = p2p",
	    "format = h264 and held >= 64k",
	    "name_basis = dns and looked_up under relay.example",
	    "packets_up > 10 and packets_down = 0",
	    "host_mismatch = false and not opaque_inner = true",
	    "classes ~ 'video 900/0'",
	    "classes ~ 'image 0/0'",
	};
	char dir[128], path[160], found[16];
	struct recorded event = {.head = {EVENT_CLOSE, 0, 1, 1, now_us}};
	struct stored stored = {.event = &event, .site = "s", .eve_version = 1};
	struct facts *facts = &event.facts;
	struct store *store;

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	store = store_open(path, STORE_WRITE, NULL);
	cr_assert_not_null(store);
	make_facts(facts, 1);
	facts->hello.sni[0] = '\0';
	facts->transport = TRANSPORT_UDP;
	facts->app.proto = APP_RTP;
	facts->traffic.packets_up = 12;
	facts->payload.class = PAYLOAD_VIDEO;
	facts->payload.confidence = CONFIDENCE_IDENTIFIED;
	facts->payload.direction = DIRECTION_UP;
	facts->payload.held = 65536;
	facts->payload.examined = 900;
	facts->payload.up[PAYLOAD_VIDEO] = 900;
	facts->payload.seen_down[PAYLOAD_IMAGE] = CONFIDENCE_PROBABLE;
	(void)snprintf(facts->payload.format, sizeof(facts->payload.format), "h264");
	(void)snprintf(facts->looked_up, sizeof(facts->looked_up), "eu.relay.example");
	cr_assert_eq(store_begin(store, NULL), 0);
	cr_assert_eq(store_add(store, &stored, NULL), 1);
	cr_assert_eq(store_commit(store, NULL), 0);
	for (size_t i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		find(store, holds[i], found);
		cr_expect_str_eq(found, "1", "%s", holds[i]);
	}
	find(store, "class != video or proto = tcp or app = http2", found);
	cr_expect_str_eq(found, "");
	store_close(store);
	scratch_remove(dir);
}
