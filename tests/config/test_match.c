/* SPDX-License-Identifier: MIT */
/* The keys of `match` beyond places and names, and how conditions combine. */
#include "config/judge.h"
#include "config/rules.h"
#include "tests/config/memory.h"

#define HEAD "ruleset: r\nversion: \"7\"\ntitle: t\n"
#define MONDAY_US (UINT64_C(1795392000) * 1000000) /* 2026-11-23 00:00 UTC */
#define HOUR_US (UINT64_C(3600) * 1000000)

/* One rule x with that match and result, and other lines for the rest. */
static struct rules *
load_rule(const char *match, const char *then, const char *otherwise)
{
	struct rules *rules = rules_new();
	struct problems problems = {0};
	char text[2048], all[2000];

	cr_assert_not_null(rules);
	(void)snprintf(text, sizeof(text),
	    HEAD "unknown: %s\ndefault: %s\nsets: {eea: [DE, FR], clouds: [AS16509, AS8075], "
		 "most: \"@clouds-AS8075+AS7\"}\n"
		 "rules:\n- {id: x, match: {%s}, then: %s, why: w}\n",
	    otherwise, otherwise, match, then);
	cr_assert_eq(rules_add(rules, "f", text_of(text), &problems), 0, "%s",
	    told(&problems, all, sizeof(all)));
	problems_free(&problems);
	return rules;
}

static struct facts
some_facts(void)
{
	struct facts facts = {.inspect = INSPECT_OPENED, .opened_wall_us = MONDAY_US};

	countries_add(&facts.place.located, "DE");
	countries_add(&facts.place.registered, "DE");
	countries_add(&facts.place.operator, "US");
	facts.place.asn = 16509;
	cr_assert_eq(addr_parse(&facts.dst, "203.0.113.9:443", 0, NULL), 0);
	facts.inner = facts.dst;
	(void)snprintf(facts.device, sizeof(facts.device), "lobby-3");
	(void)snprintf(facts.group, sizeof(facts.group), "cameras-eu");
	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "a.example");
	(void)snprintf(facts.hello.ja4, sizeof(facts.hello.ja4),
	    "t13d1516h2_8daaf6152771_b186095e22b6");
	facts.hello.kind = HELLO_TLS;
	facts.server.handshake_done = facts.server.verified = true;
	facts.server.version = 0x0303;
	return facts;
}

static bool
matches(const char *match, const char *then, const struct facts *facts, enum verdict_stage stage)
{
	struct rules *rules = load_rule(match, then, "observe");
	struct verdict verdict;

	judge(rules, stage, facts, &verdict);
	rules_free(rules);
	return strcmp(verdict.rule, "x") == 0;
}

Test(match, each_key_holds_as_its_manual_says)
{
	static const struct {
		const char *match;
		bool holds;
	} rows[] = {
	    {"group: cameras-eu", true},
	    {"group: [x, cameras-eu]", true},
	    {"group: cameras", false},
	    {"proto: tcp", true},
	    {"proto: [udp, tcp]", true},
	    {"proto: udp", false},
	    {"asn: 16509", true},
	    {"asn: AS16509", true},
	    {"asn: [1, AS2, \"@clouds\"]", true},
	    {"asn: \"@most\"", true},
	    {"asn: \"@clouds-AS16509\"", false},
	    {"asn: [AS7, 1650]", false},
	    {"continent: EU", true},
	    {"continent: [AF, EU]", true},
	    {"continent: NA", false},
	    {"ech: false", true},
	    {"ech: true", false},
	    {"ja4: t13d1516h2_8daaf6152771_b186095e22b6", true},
	    {"ja4: t13d1516h2_8daaf6152771_b186095e22b7", false},
	    {"tls: {min: \"1.2\"}", true},
	    {"tls: {min: \"1.3\"}", false},
	    {"tls: {max: \"1.2\"}", true},
	    {"tls: {max: \"1.1\"}", false},
	    {"tls: {verified: true}", true},
	    {"tls: {verified: false}", false},
	    {"tls: {min: \"1.0\", verified: true}", true},
	    {"tls: {errors: [expired]}", false},
	    {"inspect: opened", true},
	    {"inspect: [plain, passthrough]", false},
	    {"sni: [b.example, example]", true},
	    {"any: [{port: 80}, {located: DE}]", true},
	    {"any: [{port: 80}, {located: DE, port: 80}]", false},
	    {"any: {port: 443}", true},
	    {"port: 443, any: [{located: FR}, {operator: US}]", true},
	    {"port: 80, any: [{located: FR}, {operator: US}]", false},
	    {"not: {port: 80}", true},
	    {"not: {port: 443}", false},
	    {"not: [{port: 80}, {located: FR}]", true},
	    {"not: [{port: 80}, {located: DE}]", false},
	    {"not: {not: {port: 443}}", true},
	    {"not: {any: [{port: 80}, {operator: US}]}", false},
	    {"any: [{not: {located: DE}}, {asn: 16509}]", true},
	    {"not: {asn: 16509}", false},
	    {"not: {continent: AS}", true},
	    {"not: {sni: b.example}", true},
	    {"not: {sni: a.example}", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = some_facts();

		cr_expect_eq(matches(rows[i].match, "block", &facts, VERDICT_CERTIFICATE),
		    rows[i].holds, "{%s} then block", rows[i].match);
		cr_expect_eq(matches(rows[i].match, "allow", &facts, VERDICT_CERTIFICATE),
		    rows[i].holds, "{%s} then allow", rows[i].match);
	}
}

Test(match, what_is_in_doubt_blocks_and_does_not_allow)
{
	static const struct {
		const char *match, *place;
		bool blocks, allows;
	} rows[] = {
	    /* Two databases disagree. */
	    {"not: {located: DE}", "DE/SG DE DE", true, false},
	    {"not: {located: SG}", "DE/SG DE DE", true, false},
	    {"not: {located: [DE, SG]}", "DE/SG DE DE", false, false},
	    {"not: {located: FR}", "DE/SG DE DE", true, true},
	    {"not: {within: \"@eea\"}", "DE/SG DE DE", true, false},
	    {"not: {touches: SG}", "DE/SG DE DE", false, false},
	    /* Not known. */
	    {"not: {located: DE}", "- DE DE", true, false},
	    {"not: {continent: EU}", "- DE DE", true, false},
	    {"not: {within: \"@eea\"}", "- DE DE", true, false},
	    {"not: {within: \"@eea\"}", "- DE CN", true, true},
	    {"not: {touches: CN}", "- DE DE", true, false},
	    {"not: {asn: 1}", "DE DE DE", true, false},
	    {"asn: 1", "DE DE DE", false, false},
	    {"not: {not: {located: DE}}", "- DE DE", false, false},
	    {"not: {not: {located: DE}}", "DE/SG DE DE", true, false},
	    {"not: {unknown: located}", "- DE DE", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = some_facts();
		char located[8], registered[8], operator[8];

		cr_assert_eq(sscanf(rows[i].place, "%7s %7s %7s", located, registered, operator),
		    3);
		facts.place = (struct place){0};
		if (located[0] != '-')
			countries_add(&facts.place.located, located);
		if (located[0] != '-' && located[2] == '/')
			countries_add(&facts.place.located, located + 3);
		countries_add(&facts.place.registered, registered);
		countries_add(&facts.place.operator, operator);
		cr_expect_eq(matches(rows[i].match, "block", &facts, VERDICT_CERTIFICATE),
		    rows[i].blocks, "{%s} %s then block", rows[i].match, rows[i].place);
		cr_expect_eq(matches(rows[i].match, "allow", &facts, VERDICT_CERTIFICATE),
		    rows[i].allows, "{%s} %s then allow", rows[i].match, rows[i].place);
	}
}

/* That a name is another one is as little proven as that it is this one. */
Test(match, names_inside_groups_must_be_proven_too)
{
	static const struct {
		const char *match;
		enum verdict_stage stage;
		bool verified;
		const char *result; /* of a set that blocks all else */
	} rows[] = {
	    {"not: {sni: bad}", VERDICT_ADDRESS, false, "allow"},
	    {"not: {sni: bad}", VERDICT_NAME, false, "allow"},
	    {"not: {sni: bad}", VERDICT_CERTIFICATE, false, "block"},
	    {"not: {sni: bad}", VERDICT_CERTIFICATE, true, "allow"},
	    {"not: {sni: a.example}", VERDICT_NAME, false, "block"},
	    {"not: {any: [{port: 80}, {vendor: V}]}", VERDICT_CERTIFICATE, false, "block"},
	    {"not: {any: [{port: 80}, {vendor: V}]}", VERDICT_CERTIFICATE, true, "allow"},
	    {"any: [{located: FR}, {sni: a.example}]", VERDICT_CERTIFICATE, false, "block"},
	    {"any: [{located: FR}, {sni: a.example}]", VERDICT_CERTIFICATE, true, "allow"},
	    /* What needs no name needs no proof. */
	    {"any: [{located: DE}, {sni: a.example}]", VERDICT_ADDRESS, false, "allow"},
	    {"any: [{located: DE}, {sni: a.example}]", VERDICT_CERTIFICATE, false, "allow"},
	    {"not: {port: 80}", VERDICT_CERTIFICATE, false, "allow"},
	    {"ech: false", VERDICT_CERTIFICATE, false, "allow"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = load_rule(rows[i].match, "allow", "block");
		struct facts facts = some_facts();
		struct verdict verdict;

		facts.server.verified = rows[i].verified;
		judge(rules, rows[i].stage, &facts, &verdict);
		cr_expect_str_eq(result_name(verdict.result), rows[i].result, "row %zu {%s}: %s", i,
		    rows[i].match, verdict.rule);
		rules_free(rules);
	}
}

Test(match, tls_is_known_of_what_was_opened_only)
{
	static const char *const rules[] = {"tls: {min: \"1.0\"}", "tls: {verified: false}",
	    "tls: {max: \"1.3\"}", "not: {tls: {min: \"1.2\"}}"};
	struct facts facts = some_facts();

	facts.server = (struct server_facts){0};
	facts.inspect = INSPECT_PLAIN;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		cr_expect_not(matches(rules[i], "block", &facts, VERDICT_CERTIFICATE));
		cr_expect_not(matches(rules[i], "allow", &facts, VERDICT_CERTIFICATE));
	}
	cr_expect(matches("inspect: plain", "block", &facts, VERDICT_CERTIFICATE));
	facts.server.handshake_done = true;
	facts.server.version = 0x0303;
	facts.server.errors = CERT_EXPIRED | CERT_NAME_MISMATCH;
	cr_expect(
	    matches("tls: {errors: [weak, name-mismatch]}", "block", &facts, VERDICT_CERTIFICATE));
	cr_expect(matches("tls: {verified: false}", "block", &facts, VERDICT_CERTIFICATE));
	cr_expect_not(matches("tls: {errors: weak}", "block", &facts, VERDICT_CERTIFICATE));
}

Test(match, a_window_of_time_is_by_the_clock_that_it_names)
{
	static const struct {
		const char *time;
		unsigned hours; /* since Monday 00:00 UTC */
		int32_t site_s;
		bool holds;
	} rows[] = {
	    {"{days: mon}", 0, 0, true},
	    {"{days: mon}", 23, 0, true},
	    {"{days: mon}", 24, 0, false},
	    {"{days: [tue, thu-sat]}", 24, 0, true},
	    {"{days: [tue, thu-sat]}", 48, 0, false},
	    {"{days: [tue, thu-sat]}", 5 * 24, 0, true},
	    {"{days: sat-mon}", 6 * 24, 0, true},
	    {"{days: sat-mon}", 24, 0, false},
	    {"{from: \"08:00\", to: \"17:00\"}", 8, 0, true},
	    {"{from: \"08:00\", to: \"17:00\"}", 17, 0, false},
	    {"{from: \"08:00\"}", 23, 0, true},
	    {"{to: \"08:00\"}", 7, 0, true},
	    {"{to: \"08:00\"}", 8, 0, false},
	    /* Over midnight: the days are those that it begins on. */
	    {"{days: mon, from: \"22:00\", to: \"06:00\"}", 22, 0, true},
	    {"{days: mon, from: \"22:00\", to: \"06:00\"}", 29, 0, true},
	    {"{days: mon, from: \"22:00\", to: \"06:00\"}", 30, 0, false},
	    {"{days: mon, from: \"22:00\", to: \"06:00\"}", 5, 0, false},
	    {"{days: sun, from: \"22:00\", to: \"06:00\"}", 5, 0, true},
	    /* Clocks. */
	    {"{days: tue}", 23, 3600, true},
	    {"{days: tue, tz: UTC}", 23, 3600, false},
	    {"{days: sun}", 0, -3600, true},
	    {"{days: tue, tz: \"+02:00\"}", 22, 0, true},
	    {"{days: sun, tz: \"-00:30\"}", 0, 7200, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = some_facts();
		char match[128];

		(void)snprintf(match, sizeof(match), "time: %s", rows[i].time);
		facts.opened_wall_us += rows[i].hours * HOUR_US;
		facts.utc_offset_s = rows[i].site_s;
		cr_expect_eq(matches(match, "block", &facts, VERDICT_ADDRESS), rows[i].holds,
		    "%s at %u", rows[i].time, rows[i].hours);
		facts.opened_wall_us = 0;
		cr_expect_not(matches(match, "block", &facts, VERDICT_ADDRESS));
	}
}

/* ---- what is sent ---- */

static unsigned
restriction(enum result result)
{
	return result == RESULT_BLOCK ? 1 : 0;
}

/* Before it is known, the milder of what such a rule and the set's line say holds,
 * and the verdict is open; what may be blocked yet is held.  When nothing is
 * waited for any more the set decides as it would without the rule. */
Test(match, a_rule_on_the_payload_waits_until_it_is_known)
{
	static const char *const conditions[] = {"class: video", "not: {class: video}",
	    "class: telemetry, confidence: identified", "direction: up", "not: {direction: down}",
	    "app: [http, unknown]", "opaque_inner: true", "not: {app: mqtt}",
	    "any: [{class: video}, {port: 80}]"};
	static const enum result results[] = {RESULT_ALLOW, RESULT_BLOCK, RESULT_OBSERVE};

	for (size_t n = 0; n < 9 * sizeof(conditions) / sizeof(conditions[0]); n++) {
		enum result then = results[n % 3], otherwise = results[n / 3 % 3];
		bool mild = restriction(then) < restriction(otherwise);
		bool blocks = then == RESULT_BLOCK && otherwise == RESULT_BLOCK;
		bool may_block = then == RESULT_BLOCK || otherwise == RESULT_BLOCK;
		struct rules *rules =
		    load_rule(conditions[n / 9], result_name(then), result_name(otherwise));
		struct facts facts = some_facts();

		for (unsigned ask = 0; ask < 4; ask++) {
			struct verdict verdict;

			facts.waits = ask == 3;
			judge(rules, ask == 3 ? VERDICT_PAYLOAD : VERDICT_ADDRESS + ask, &facts,
			    &verdict);
			cr_expect_eq(verdict.result, mild ? then : otherwise, "%zu %u", n, ask);
			cr_expect_eq(verdict.open, ask >= 2 && !blocks, "%zu %u", n, ask);
			cr_expect_eq(verdict.hold_bytes,
			    ask >= 2 && may_block && !blocks ? 65536 : 0, "%zu %u", n, ask);
		}
		facts.waits = false;
		{
			struct verdict verdict;

			judge(rules, VERDICT_PAYLOAD, &facts, &verdict);
			cr_expect_eq(verdict.result, otherwise);
			cr_expect_str_eq(verdict.rule, "default");
			cr_expect_eq(verdict.hold_bytes, 0);
		}
		rules_free(rules);
	}
}

/* A block by one message of the kind; anything else only where all are of it.
 * Beside a class, direction and confidence are about that class. */
Test(match, a_class_is_one_of_all_that_were_seen)
{
	static const struct {
		const char *match;
		bool blocks, allows;
	} rows[] = {
	    {"class: audio", true, false},
	    {"class: telemetry", true, false},
	    {"class: [audio, telemetry]", true, true},
	    {"class: [audio, telemetry, video]", true, true},
	    {"class: video", false, false},
	    {"class: audio, direction: down", true, true},
	    {"class: audio, direction: up", false, false},
	    {"class: telemetry, direction: up", true, true},
	    {"class: [audio, telemetry], confidence: identified", true, false},
	    {"class: audio, confidence: identified", true, false},
	    {"class: telemetry, confidence: identified", false, false},
	    {"not: {class: audio}", true, false},
	    {"not: {class: [audio, telemetry]}", false, false},
	    {"not: {class: video}", true, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = some_facts();

		facts.payload = (struct payload_facts){.class = PAYLOAD_AUDIO,
		    .confidence = CONFIDENCE_IDENTIFIED,
		    .direction = DIRECTION_DOWN};
		facts.payload.seen_down[PAYLOAD_AUDIO] = CONFIDENCE_IDENTIFIED;
		facts.payload.seen_up[PAYLOAD_TELEMETRY] = CONFIDENCE_PROBABLE;
		cr_expect_eq(matches(rows[i].match, "block", &facts, VERDICT_PAYLOAD),
		    rows[i].blocks, "{%s} block", rows[i].match);
		cr_expect_eq(matches(rows[i].match, "allow", &facts, VERDICT_PAYLOAD),
		    rows[i].allows, "{%s} allow", rows[i].match);
	}
}

/* What was told does not let go what is not told yet. */
Test(match, a_message_that_is_not_told_yet_is_waited_for)
{
	struct rules *footage = load_rule("class: video", "block", "allow");
	struct rules *telemetry = load_rule("class: telemetry", "allow", "block");
	struct facts facts = some_facts();
	struct verdict verdict;

	facts.payload.class = PAYLOAD_TELEMETRY;
	facts.payload.confidence = CONFIDENCE_IDENTIFIED;
	facts.payload.direction = DIRECTION_UP;
	facts.payload.pending = 1;
	facts.waits = true;
	judge(footage, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.hold_bytes, 65536);
	judge(telemetry, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_ALLOW);
	cr_expect_eq(verdict.hold_bytes, 65536);
	facts.waits = false;
	judge(footage, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_ALLOW);
	judge(telemetry, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_BLOCK);
	facts.waits = true;
	facts.payload.pending = 0;
	judge(footage, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.hold_bytes, 0);
	judge(telemetry, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_ALLOW);
	cr_expect_eq(verdict.hold_bytes, 0);
	rules_free(footage);
	rules_free(telemetry);
}

Test(match, a_hold_says_how_much_how_long_and_what_then)
{
	static const struct {
		const char *match, *then;
		uint32_t bytes, ms;
		const char *result;
		const char *rule;
	} rows[] = {
	    {"class: video", "block, hold: 1MB", 1 << 20, 3000, "allow", "default"},
	    {"class: video", "block, hold: none", 0, 3000, "allow", "default"},
	    {"class: video", "block, hold: {bytes: 4KB, time: 500ms}", 4096, 500, "allow",
		"default"},
	    {"class: video", "block, hold: {bytes: 4KB, unknown: block}", 4096, 3000, "block", "x"},
	    {"class: video", "block, hold: {bytes: 4KB, unknown: observe}", 4096, 3000, "observe",
		"x"},
	    {"class: video, confidence: identified", "block, hold: {bytes: 4KB, unknown: block}",
		4096, 3000, "block", "x"},
	    /* It is not what is sent that keeps these from holding. */
	    {"class: video, port: 80", "block, hold: {bytes: 4KB, unknown: block}", 0, 0, "allow",
		"default"},
	    {"class: video, unknown: located", "block, hold: {bytes: 4KB, unknown: block}", 0, 0,
		"allow", "default"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = load_rule(rows[i].match, rows[i].then, "allow");
		struct facts facts = some_facts();
		struct verdict verdict;

		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		cr_expect_eq(verdict.result, RESULT_ALLOW);
		cr_expect_eq(verdict.hold_bytes, rows[i].bytes, "row %zu: %u", i,
		    verdict.hold_bytes);
		cr_expect_eq(verdict.hold_ms, rows[i].ms, "row %zu: %u", i, verdict.hold_ms);
		judge(rules, VERDICT_PAYLOAD, &facts, &verdict);
		cr_expect_str_eq(result_name(verdict.result), rows[i].result, "row %zu", i);
		cr_expect_str_eq(verdict.rule, rows[i].rule, "row %zu", i);
		rules_free(rules);
	}
}

Test(match, the_payload_is_judged_once_it_is_known)
{
	static const struct {
		const char *match;
		bool holds;
	} rows[] = {
	    {"class: video", true},
	    {"class: [audio, image]", false},
	    {"class: video, confidence: probable", true},
	    {"class: video, confidence: identified", false},
	    {"not: {class: telemetry}", true},
	    {"direction: up", true},
	    {"direction: down", false},
	    {"bytes: {up_over: 1KB, per: 1w, by: device}", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = some_facts();

		facts.payload = (struct payload_facts){.class = PAYLOAD_VIDEO,
		    .confidence = CONFIDENCE_PROBABLE,
		    .direction = DIRECTION_UP};
		cr_expect_eq(matches(rows[i].match, "block", &facts, VERDICT_PAYLOAD),
		    rows[i].holds, "{%s}", rows[i].match);
		cr_expect_not(matches(rows[i].match, "block", &facts, VERDICT_CERTIFICATE));
	}
}

/* Ask with so many of the budgets gone over. */
static struct verdict
judge_spent(const struct rules *rules, uint64_t over)
{
	struct facts facts = some_facts();
	struct verdict verdict;

	facts.budgeted = true;
	facts.budgets_over = over;
	judge(rules, VERDICT_PAYLOAD, &facts, &verdict);
	return verdict;
}

Test(match, a_limit_holds_when_its_budget_is_spent)
{
	struct rules *rules = load_rule("bytes: {up_over: 50MB, per: 1h, by: device}",
	    "limit, rate: 16KB/s", "allow");
	struct facts facts = some_facts();
	struct verdict verdict;

	judge(rules, VERDICT_PAYLOAD, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_ALLOW, "nobody counts");
	cr_expect_eq(judge_spent(rules, 0).result, RESULT_ALLOW);
	cr_expect_eq(judge_spent(rules, 2).result, RESULT_ALLOW, "another's");
	verdict = judge_spent(rules, 1);
	cr_expect_eq(verdict.result, RESULT_LIMIT);
	cr_expect_eq(verdict.rate, 16384);
	/* Nothing is held for what every byte tells. */
	judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
	cr_expect(verdict.open);
	cr_expect_eq(verdict.hold_bytes, 0);
	rules_free(rules);
}

/* Which budgets count what these facts send. */
Test(match, a_budget_counts_what_comes_to_its_rule)
{
	static const struct {
		const char *rules;
		uint64_t bits;
	} rows[] = {
	    {"- {id: a, match: {bytes: {up_over: 1B, per: 1d, by: device}}, then: block, why: w}",
		1},
	    {"- {id: a, match: {port: 443, bytes: {up_over: 1B, per: 1d, by: device}}, then: block,"
	     " why: w}",
		1},
	    {"- {id: a, match: {port: 80, bytes: {up_over: 1B, per: 1d, by: device}}, then: block,"
	     " why: w}",
		0},
	    {"- {id: a, match: {class: video, bytes: {up_over: 1B, per: 1d, by: device}}, then: "
	     "block, why: w}",
		0},
	    {"- {id: a, match: {not: {bytes: {up_over: 1B, per: 1d, by: device}}}, then: allow,"
	     " why: w}\n"
	     "- {id: b, match: {bytes: {up_over: 9B, per: 1d, by: device}}, then: block, why: w}",
		1},
	    {"- {id: a, match: {bytes: {up_over: 9B, per: 1d, by: device}}, then: block, why: w}\n"
	     "- {id: b, match: {bytes: {up_over: 1B, per: 1d, by: device}}, then: limit, why: w}",
		3},
	    {"- {id: a, match: {port: 443}, then: allow, why: w}\n"
	     "- {id: b, match: {bytes: {up_over: 1B, per: 1d, by: device}}, then: limit, why: w}",
		0},
	    {"- {id: a, match: {any: [{bytes: {up_over: 1B, per: 1d, by: device}},"
	     " {bytes: {up_over: 5B, per: 1h, by: destination}}]}, then: block, why: w}",
		3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = rules_new();
		struct problems problems = {0};
		struct facts facts = some_facts();
		char text[1000];

		(void)snprintf(text, sizeof(text),
		    "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\ndefault: allow\n"
		    "rules:\n%s\n",
		    rows[i].rules);
		cr_assert_eq(rules_add(rules, "f", text_of(text), &problems), 0);
		cr_expect_eq(judge_budgets(rules, &facts), rows[i].bits, "row %zu: %llx", i,
		    (unsigned long long)judge_budgets(rules, &facts));
		rules_free(rules);
		problems_free(&problems);
	}
}

/* ---- explaining ---- */

static void
note_reason(const struct judge_step *step, void *arg)
{
	if (step->rule != NULL)
		(void)snprintf(arg, 256, "%s", step->reason);
}

Test(match, each_key_tells_what_it_found)
{
	static const struct {
		const char *match, *reason;
	} rows[] = {
	    {"group: g", "group(g): cameras-eu does not match"},
	    {"proto: udp", "proto(udp): tcp does not match"},
	    {"asn: [1, \"@clouds\"]", "asn([1, @clouds]): AS16509"},
	    {"continent: EU", "continent(EU): DE"},
	    {"ech: true", "ech(true): false does not match"},
	    {"tls: {min: \"1.3\"}", "tls({min: 1.3}): TLS 1.2, verified does not match"},
	    {"inspect: plain", "inspect(plain): opened does not match"},
	    {"time: {from: \"10:00\"}", "time({from: 10:00}): mon 00:00 does not match"},
	    {"class: video", "class(video): not known yet"},
	    {"bytes: {up_over: 1MB, per: 1h, by: device}",
		"bytes({up_over: 1MB, per: 1h, by: device}): not known yet"},
	    {"not: {port: 443}", "not({port: 443}): port 443 does not match"},
	    {"any: [{port: 80}, {located: DE, class: audio}]",
		"any([{port: 80}, {located: DE, class: audio}]): port 443, located DE, class not "
		"known"},
	    {"not: {not: {port: 443}}", "not({not: {port: 443}}): port 443"},
	    {"located: [DE, FR, IT, ES, PT, NL, BE, LU, AT, CZ, PL, SK, HU, SI, HR, BG]",
		"located([DE, FR, IT, ES, PT, NL, BE, LU, AT, CZ, PL, SK, HU, SI, HR...): DE"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = load_rule(rows[i].match, "block", "allow");
		struct facts facts = some_facts();
		struct verdict verdict;
		char reason[256] = "";

		judge_explain(rules, VERDICT_CERTIFICATE, &facts, &verdict, note_reason, reason);
		cr_expect_str_eq(reason, rows[i].reason, "%s", reason);
		rules_free(rules);
	}
}
