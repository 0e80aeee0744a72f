/* SPDX-License-Identifier: MIT */
#include "config/judge.h"
#include "config/rules.h"
#include "tests/config/memory.h"

#define HEAD "ruleset: r\nversion: \"7\"\ntitle: t\n"
#define BLOCKS HEAD "unknown: block\ndefault: block\n"
#define ALLOWS HEAD "unknown: allow\ndefault: allow\n"
#define RULE(id, match, then) "  - {id: " id ", match: {" match "}, then: " then ", why: w}\n"

static struct rules *
load(const char *text)
{
	struct rules *rules = rules_new();
	struct problems problems = {0};
	char all[2000];

	cr_assert_not_null(rules);
	cr_assert_eq(rules_add(rules, "f", text_of(text), &problems), 0, "%s",
	    told(&problems, all, sizeof(all)));
	problems_free(&problems);
	return rules;
}

/* What a lookup of the name comes to: the rule that refuses it, or "". */
static const char *
refusal(const char *text, const char *name, const char *vendor)
{
	static struct verdict verdict;
	struct rules *rules = load(text);
	struct facts facts = {.opened_wall_us = UINT64_C(1772000000000000)};
	bool refused;

	(void)snprintf(facts.device, sizeof(facts.device), "lobby-3");
	(void)snprintf(facts.group, sizeof(facts.group), "doors");
	(void)snprintf(facts.looked_up, sizeof(facts.looked_up), "%s", name);
	(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "%s", vendor);
	refused = judge_lookup(rules, &facts, &verdict);
	rules_free(rules);
	cr_expect(!refused || verdict.result == RESULT_BLOCK);
	cr_expect(!refused || strcmp(verdict.ruleset, "r") == 0);
	return refused ? verdict.rule : "";
}

Test(judge_lookup, is_refused_by_a_rule_that_asks_for_the_name_alone)
{
	static const struct {
		const char *rules, *name, *vendor, *by;
	} rows[] = {
	    {ALLOWS "rules:\n" RULE("1", "sni: ads.example", "block"), "x.ads.example", "", "1"},
	    {ALLOWS "rules:\n" RULE("1", "sni: ads.example", "block"), "ads.example.net", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "sni: ads.example", "observe"), "ads.example", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "vendor: Acme", "block"), "a.b", "Acme", "1"},
	    {ALLOWS "rules:\n" RULE("1", "vendor: Acme", "block"), "a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "not: {sni: ok.example}", "block"), "a.b", "", "1"},
	    {ALLOWS "rules:\n" RULE("1", "not: {sni: ok.example}", "block"), "ok.example", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "any: [{sni: a.b}, {located: CN}]", "block"), "a.b", "",
		"1"},
	    /* who asks, and when */
	    {ALLOWS "rules:\n" RULE("1", "device: lobby-3", "block"), "a.b", "", "1"},
	    {ALLOWS "rules:\n" RULE("1", "group: doors, sni: a.b", "block"), "a.b", "", "1"},
	    {ALLOWS "rules:\n" RULE("1", "group: cellar, sni: a.b", "block"), "a.b", "", ""},
	    /* what is not known of a lookup keeps a rule from refusing it */
	    {ALLOWS "rules:\n" RULE("1", "sni: a.b, located: CN", "block"), "a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "sni: a.b, port: 443", "block"), "a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "unknown: located", "block"), "a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "sni_missing: true", "block"), "a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "proto: udp", "block"), "a.b", "", ""},
	    /* the set's own lines refuse nothing */
	    {BLOCKS, "a.b", "", ""},
	    {BLOCKS "rules:\n" RULE("1", "sni: a.b", "block"), "c.d", "", ""},
	    {BLOCKS "rules:\n" RULE("1", "sni: a.b", "block"), "a.b", "", "1"},
	    /* a milder rule above may yet hold */
	    {ALLOWS "rules:\n" RULE("1", "located: DE", "allow") RULE("2", "sni: a.b", "block"),
		"a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "sni: a.b", "allow") RULE("2", "device: lobby-3", "block"),
		"a.b", "", ""},
	    {ALLOWS "rules:\n" RULE("1", "located: DE", "block") RULE("2", "sni: a.b", "block"),
		"a.b", "", "2"},
	    {ALLOWS "rules:\n" RULE("1", "device: hall-1", "allow") RULE("2", "sni: a.b", "block"),
		"a.b", "", "2"},
	    /* a set that only records refuses nothing */
	    {ALLOWS "mode: shadow\nrules:\n" RULE("1", "sni: a.b", "block"), "a.b", "", ""},
	    {ALLOWS "mode: observe\nrules:\n" RULE("1", "sni: a.b", "block"), "a.b", "", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(refusal(rows[i].rules, rows[i].name, rows[i].vendor), rows[i].by,
		    "row %zu", i);
}

Test(judge_lookup, without_rules_is_not_refused_by_one)
{
	const struct facts facts = {.looked_up = "a.b"};
	struct verdict verdict;

	cr_expect_not(judge_lookup(NULL, &facts, &verdict));
}

static enum result
result_of(const char *text, const char *sni, const char *looked_up)
{
	struct facts facts = {.inspect = INSPECT_OPENED};
	struct rules *rules = load(text);
	struct verdict verdict;

	countries_add(&facts.place.located, "DE");
	countries_add(&facts.place.registered, "DE");
	countries_add(&facts.place.operator, "DE");
	facts.hello.kind = HELLO_TLS;
	facts.server.verified = true;
	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", sni);
	(void)snprintf(facts.looked_up, sizeof(facts.looked_up), "%s", looked_up);
	judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
	rules_free(rules);
	return verdict.result;
}

/* It is the camera's own claim: it blocks as one, and no certificate was asked
 * to prove it. */
Test(judge_lookup, name_stands_in_for_one_that_the_camera_did_not_give)
{
	static const char blocks[] = ALLOWS "rules:\n" RULE("1", "sni: a.b", "block");
	static const char lets[] = BLOCKS "rules:\n" RULE("1", "sni: a.b", "allow");
	static const char missing[] = ALLOWS "rules:\n" RULE("1", "sni_missing: true", "block");

	cr_expect_eq(result_of(blocks, "", "x.a.b"), RESULT_BLOCK);
	cr_expect_eq(result_of(blocks, "", ""), RESULT_ALLOW);
	cr_expect_eq(result_of(blocks, "c.d", "x.a.b"), RESULT_ALLOW);
	cr_expect_eq(result_of(lets, "a.b", ""), RESULT_ALLOW);
	cr_expect_eq(result_of(lets, "", "a.b"), RESULT_BLOCK);
	cr_expect_eq(result_of(missing, "", "a.b"), RESULT_BLOCK);
}
