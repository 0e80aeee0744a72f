/* SPDX-License-Identifier: MIT */
#include "proxy/backtest.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/rules.h"
#include "proxy/rejudge.h"
#include "record/store.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 3000 };

static const uint64_t monday_us = UINT64_C(1795392000000000); /* 2026-11-23T00:00:00Z */

static char dir[128];
static struct store *store;
static uint64_t seq;

static void
set_up(void)
{
	char path[160];
	struct err err = {0};

	(void)setenv("TZ", "UTC", 1);
	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
	store = store_open(path, STORE_WRITE, &err);
	cr_assert_not_null(store, "%s", err.text);
	cr_assert_eq(store_begin(store, NULL), 0);
}

static void
tear_down(void)
{
	store_close(store);
	scratch_remove(dir);
}

TestSuite(backtest, .init = set_up, .fini = tear_down);

static struct rules *
rules_of(const char *rules_text)
{
	char whole[2048];
	struct text out = text_in(whole, sizeof(whole));
	struct problems problems = {0};
	struct rules *rules = rules_new();

	text_add(&out,
	    "ruleset: new\nversion: 1\ntitle: t\nunknown: block\n"
	    "default: {then: block, why: nowhere}\nrules:\n%s",
	    rules_text);
	cr_assert_eq(rules_add(rules, "/new.yaml",
			 (struct bytes){(const uint8_t *)whole, strlen(whole)}, &problems),
	    0, "%s", problems.count > 0 ? problems.list[0].text : "");
	rules_prepare(rules);
	problems_free(&problems);
	return rules;
}

/* Two connections with equal parts are alike but for what passes. */
struct made {
	const char *device, *country, *sni;
	uint8_t host;
	enum result was;
	uint64_t opened_us, up;
};

static void
fill(const struct made *made, struct facts *facts)
{
	bool blocked = made->was == RESULT_BLOCK;
	uint8_t ip[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, made->host};

	*facts = (struct facts){.flow_id = seq + 1,
	    .opened_wall_us = made->opened_us,
	    .closed_wall_us = made->opened_us + seq,
	    .duration_us = seq,
	    .inspect = blocked ? INSPECT_REFUSED : INSPECT_OPENED,
	    .end = blocked ? END_REFUSED : END_DONE};
	memcpy(facts->dst.ip, ip, sizeof(ip));
	facts->dst.port = 443;
	facts->camera.port = (uint16_t)seq;
	text_copy(facts->device, sizeof(facts->device), made->device);
	countries_add(&facts->place.located, made->country);
	countries_add(&facts->place.registered, made->country);
	countries_add(&facts->place.operator, made->country);
	facts->hello.kind = HELLO_TLS;
	text_copy(facts->hello.sni, sizeof(facts->hello.sni), made->sni);
	facts->server.handshake_done = facts->server.verified = !blocked;
	facts->server.version = blocked ? 0 : 0x0304;
	facts->verdict.result = made->was;
	facts->verdict.stage = blocked ? VERDICT_ADDRESS : VERDICT_CERTIFICATE;
	text_copy(facts->verdict.ruleset, sizeof(facts->verdict.ruleset), "old");
	text_copy(facts->verdict.rule, sizeof(facts->verdict.rule), "1");
	facts->traffic.left_up = made->up;
	facts->traffic.left_down = made->up / 10;
}

static void
add(const struct made *made)
{
	struct recorded event = {.head = {EVENT_CLOSE, 1, 7, ++seq, made->opened_us}};
	struct stored stored = {.event = &event, .site = "s", .eve_version = 1};
	struct err err = {0};

	fill(made, &event.facts);
	cr_assert_eq(store_add(store, &stored, &err), 1, "%s", err.text);
}

static void
run(const struct backtest_wish *wish, struct backtest *out)
{
	struct err err = {0};

	cr_assert_eq(backtest_run(store, wish, out, &err), 0, "%s", err.text);
}

static const char de_only[] = "- {id: de, match: {within: DE}, then: allow, why: w}\n";

Test(backtest, gathers_by_device_destination_and_verdict)
{
	struct rules *rules = rules_of(de_only);
	const struct backtest_wish wish = {.after.rules = rules};
	struct backtest got;

	add(&(struct made){"a", "DE", "x.example", 1, RESULT_ALLOW, 1000, 10});
	add(&(struct made){"a", "CN", "y.example", 2, RESULT_ALLOW, 2000, 100});
	add(&(struct made){"a", "CN", "y.example", 2, RESULT_ALLOW, 3000, 200});
	add(&(struct made){"b", "CN", "y.example", 2, RESULT_ALLOW, 4000, 5000});
	add(&(struct made){"a", "CN", "z.example", 2, RESULT_ALLOW, 5000, 1});
	add(&(struct made){"a", "CN", "y.example", 2, RESULT_BLOCK, 6000, 0});
	add(&(struct made){"a", "DE", "x.example", 1, RESULT_BLOCK, 7000, 0});
	run(&wish, &got);
	cr_expect_eq(got.count.flows, 7);
	cr_expect_eq(got.all.up, 5311);
	cr_expect_eq(got.changed[BACKTEST_SAME].flows, 2);
	cr_expect_eq(got.same_by_other, 2);
	cr_expect_eq(got.changed[BACKTEST_BLOCKED].flows, 4);
	cr_expect_eq(got.changed[BACKTEST_BLOCKED].up, 5301);
	cr_expect_eq(got.changed[BACKTEST_BLOCKED].down, 530);
	cr_expect_eq(got.changed[BACKTEST_FREED].flows, 1);
	cr_expect_eq(backtest_differences(&got), 5);
	cr_assert_eq(got.row_count, 4);
	/* Most bytes up first. */
	cr_expect_str_eq(got.rows[0].device, "b");
	cr_expect_eq(got.rows[0].total.up, 5000);
	cr_expect_str_eq(got.rows[1].sni, "y.example");
	cr_expect_eq(got.rows[1].total.flows, 2);
	cr_expect_eq(got.rows[1].total.up, 300);
	cr_expect_eq(got.rows[1].first_us, 2000);
	cr_expect_eq(got.rows[1].last_us, 3000);
	cr_expect_str_eq(got.rows[1].before.ruleset, "old");
	cr_expect_str_eq(got.rows[1].after.ruleset, "new");
	cr_expect_str_eq(got.rows[1].after.rule, "default");
	cr_expect_str_eq(got.rows[1].after.why, "nowhere");
	cr_expect_str_eq(got.rows[2].sni, "z.example");
	cr_expect_eq(got.rows[3].change, BACKTEST_FREED);
	backtest_free(&got);
	rules_free(rules);
}

Test(backtest, knows_a_change_by_what_it_does_to_a_connection)
{
	static const struct {
		const char *rules;
		enum result was;
		enum backtest_change change;
	} table[] = {
	    {"- {id: 1, match: {located: DE}, then: observe, why: w}\n", RESULT_ALLOW,
		BACKTEST_SAME},
	    {"- {id: 1, match: {located: DE}, then: allow, why: w}\n", RESULT_LIMIT,
		BACKTEST_OTHER},
	    {"- {id: 1, match: {located: DE}, then: allow, why: w}\n", RESULT_OBSERVE,
		BACKTEST_SAME},
	    {"- {id: 1, match: {located: DE}, then: allow, why: w}\n", RESULT_BLOCK,
		BACKTEST_FREED},
	    {"- {id: 1, match: {located: DE}, then: block, why: w}\n", RESULT_LIMIT,
		BACKTEST_BLOCKED},
	    {"- {id: 1, match: {sni: x.example}, then: allow, why: w}\n", RESULT_BLOCK,
		BACKTEST_OPEN},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct rules *rules = rules_of(table[i].rules);
		struct backtest_wish wish = {.after.rules = rules};
		struct backtest got;

		wish.flows.since_us = i + 1;
		wish.flows.until_us = i + 2;
		add(&(struct made){"a", "DE", "x.example", 1, table[i].was, i + 1, 10});
		run(&wish, &got);
		cr_expect_eq(got.changed[table[i].change].flows, 1, "row %zu", i);
		backtest_free(&got);
		rules_free(rules);
	}
}

Test(backtest, two_sides_that_judge_alike_do_not_differ)
{
	struct rules *rules = rules_of(de_only);
	const struct backtest_wish wish = {.before.rules = rules, .after.rules = rules};
	struct backtest got;

	add(&(struct made){"a", "CN", "y.example", 2, RESULT_ALLOW, 2000, 100});
	add(&(struct made){"a", "DE", "y.example", 2, RESULT_BLOCK, 2000, 100});
	run(&wish, &got);
	cr_expect_eq(backtest_differences(&got), 0);
	cr_expect_eq(got.row_count, 0);
	backtest_free(&got);
	rules_free(rules);
}

/* ---- what is remembered ---- */

struct plain {
	const struct rules *rules;
	uint64_t blocked, freed, other, open;
};

/* Without remembering anything. */
static enum replay_answer
judge_plainly(void *context, const struct replayed *replayed)
{
	struct plain *plain = context;
	struct rejudged after;
	struct facts facts;
	bool was, is;

	cr_assert_eq(replayed_facts(replayed, &facts), 0);
	facts.inner = facts.dst;
	rejudge(plain->rules, &facts, &after);
	was = facts.verdict.result == RESULT_BLOCK;
	is = after.verdict.result == RESULT_BLOCK;
	plain->blocked += is && !was ? 1 : 0;
	plain->freed += was && !is && !after.open ? 1 : 0;
	plain->open += was && !is && after.open ? 1 : 0;
	return REPLAY_TAKEN;
}

static void
add_many(void)
{
	static const char *const devices[] = {"a", "b", "c"};
	static const char *const countries[] = {"DE", "CN", "US", "FR"};
	static const char *const names[] = {"x.example", "y.example", ""};
	unsigned random = 1;

	for (uint64_t i = 0; i < MANY; i++) {
		random = random * 1103515245 + 12345;
		add(&(struct made){devices[random >> 16 & 1], countries[random >> 18 & 3],
		    names[(random >> 20) % 3], (uint8_t)(random >> 24 & 7),
		    (random >> 28 & 1) != 0 ? RESULT_BLOCK : RESULT_ALLOW,
		    monday_us + i * 211 * 1000000, 1});
	}
}

Test(backtest, what_is_remembered_is_what_would_have_been_judged)
{
	static const char *const sets[] = {
	    de_only,
	    "- {id: 1, match: {time: {days: [mon], from: \"08:00\", to: \"17:00\"}}, then: allow,"
	    " why: w}\n",
	    "- {id: 1, match: {not: {time: {from: \"22:00\", to: \"06:00\", tz: UTC}}, port: 443},"
	    " then: allow, why: w}\n",
	    "- {id: 1, match: {sni: x.example, device: a}, then: allow, why: w}\n",
	    "- {id: 1, match: {ip: 198.51.100.0/30}, then: allow, why: w}\n",
	    "- {id: 1, match: {sni_missing: true}, then: allow, why: w}\n"
	    "- {id: 2, match: {tls: {verified: true}}, then: allow, why: w}\n",
	};

	add_many();
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct rules *rules = rules_of(sets[i]);
		const struct backtest_wish wish = {.after.rules = rules};
		struct plain plain = {.rules = rules};
		struct replay_count count;
		struct backtest got;
		uint64_t rows = 0;

		cr_assert_eq(replay_read(store, &wish.flows, judge_plainly, &plain, &count, NULL),
		    0);
		run(&wish, &got);
		cr_expect_eq(got.count.flows, MANY);
		cr_expect_eq(got.changed[BACKTEST_BLOCKED].flows, plain.blocked, "set %zu", i);
		cr_expect_eq(got.changed[BACKTEST_FREED].flows, plain.freed, "set %zu", i);
		cr_expect_eq(got.changed[BACKTEST_OPEN].flows, plain.open, "set %zu", i);
		cr_expect_gt(backtest_differences(&got), 0, "set %zu", i);
		for (size_t j = 0; j < got.row_count; j++)
			rows += got.rows[j].total.flows;
		cr_expect_eq(rows, backtest_differences(&got), "set %zu", i);
		cr_expect_eq(got.unlisted, 0);
		if (i == 0)
			cr_expect_lt(got.judged, MANY / 4, "%llu", (unsigned long long)got.judged);
		backtest_free(&got);
		rules_free(rules);
	}
}

Test(backtest, more_destinations_than_rows_are_counted_all_the_same)
{
	struct rules *rules = rules_of("- {id: 1, match: {port: 1}, then: allow, why: w}\n");
	const struct backtest_wish wish = {.after.rules = rules};
	struct backtest got;

	for (unsigned i = 0; i < BACKTEST_ROWS_MAX + 100; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%u.example", i);
		add(&(struct made){"a", "DE", name, 1, RESULT_ALLOW, 1000 + i, 7});
	}
	run(&wish, &got);
	cr_expect_eq(got.row_count, BACKTEST_ROWS_MAX);
	cr_expect_eq(got.unlisted, 100);
	cr_expect_eq(got.changed[BACKTEST_BLOCKED].flows, BACKTEST_ROWS_MAX + 100);
	cr_expect_eq(got.changed[BACKTEST_BLOCKED].up, UINT64_C(7) * (BACKTEST_ROWS_MAX + 100));
	backtest_free(&got);
	rules_free(rules);
}

/* ---- who looks on ---- */

struct onlooker {
	unsigned calls;
	uint64_t done, total;
};

static void
look_on(void *context, uint64_t done, uint64_t total)
{
	struct onlooker *onlooker = context;

	onlooker->calls++;
	cr_expect_gt(done, onlooker->done);
	onlooker->done = done;
	onlooker->total = total;
}

Test(backtest, tells_how_far_it_is)
{
	struct rules *rules = rules_of(de_only);
	struct onlooker onlooker = {0};
	const struct backtest_wish wish = {.after.rules = rules,
	    .progress = look_on,
	    .context = &onlooker};
	struct backtest got;

	for (unsigned i = 0; i < 10000; i++)
		add(&(struct made){"a", "DE", "x.example", 1, RESULT_ALLOW, 1000 + i, 7});
	run(&wish, &got);
	cr_expect_eq(onlooker.calls, 2);
	cr_expect_eq(onlooker.total, 10000);
	cr_expect_eq(got.judged, 1);
	backtest_free(&got);
	rules_free(rules);
}

Test(backtest, a_store_that_cannot_be_read_is_an_error)
{
	const struct backtest_wish wish = {0};
	struct backtest got;
	struct err err = {0};

	cr_assert_eq(sqlite3_exec(store_database(store), "DROP TABLE flow", NULL, NULL, NULL),
	    SQLITE_OK);
	cr_expect_eq(backtest_run(store, &wish, &got, &err), -1);
	cr_expect_not_null(strstr(err.text, "no such table"), "%s", err.text);
	backtest_free(&got);
}
