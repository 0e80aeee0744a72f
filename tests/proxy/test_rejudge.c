/* SPDX-License-Identifier: MIT */
#include "proxy/rejudge.h"

#include "base/text.h"
#include "config/problems.h"
#include "config/rules.h"

#include <criterion/criterion.h>
#include <string.h>

/* What was recorded. */
struct before {
	enum result result;
	enum verdict_stage stage;
	const char *ruleset, *rule;
	enum hello_kind hello;
	enum inspect inspect;
	bool handshake_done, verified;
	enum detail detail;
};

struct row {
	const char *why;
	struct before before;
	const char *rules; /* of the other set */
	enum result result;
	const char *rule;
	bool open, untold;
};

#define SNI_ALLOWS "- {id: name, match: {sni: cam.example}, then: allow, why: w}\n"
#define SNI_BLOCKS "- {id: name, match: {sni: cam.example}, then: block, why: w}\n"
#define DE_ALLOWS "- {id: place, match: {located: DE}, then: allow, why: w}\n"
#define CN_BLOCKS "- {id: cn, match: {operator: CN}, then: block, why: w}\n"
#define OLD_TLS_BLOCKS "- {id: old, match: {tls: {max: \"1.2\"}}, then: block, why: w}\n" DE_ALLOWS
#define PASSED_BLOCKS                                                                              \
	"- {id: blind, match: {inspect: passthrough}, then: block, why: w}\n" DE_ALLOWS
#define PLAIN_BLOCKS "- {id: bare, match: {inspect: plain}, then: block, why: w}\n" DE_ALLOWS

#define OPENED                                                                                     \
	{                                                                                          \
		RESULT_ALLOW, VERDICT_CERTIFICATE, "old", "1", HELLO_TLS, INSPECT_OPENED, true,    \
		    true, 0                                                                        \
	}
#define BY_ADDRESS                                                                                 \
	{                                                                                          \
		RESULT_BLOCK, VERDICT_ADDRESS, "old", "1", HELLO_TLS, INSPECT_REFUSED, false,      \
		    false, 0                                                                       \
	}

/* NOLINTBEGIN(bugprone-suspicious-missing-comma) */
static const struct row rows[] = {
    {"the same facts, another set", OPENED, DE_ALLOWS, RESULT_ALLOW, "place", false, false},
    {"blocked by the address now", OPENED, CN_BLOCKS, RESULT_BLOCK, "cn", false, false},
    {"the certificate proved the name", OPENED, SNI_ALLOWS, RESULT_ALLOW, "name", false, false},
    {"blocked by the name now", OPENED, SNI_BLOCKS DE_ALLOWS, RESULT_BLOCK, "name", false, false},
    {"nothing of it allows", OPENED, "[]", RESULT_BLOCK, "default", false, false},
    {"freed by the address: the certificate cannot matter", BY_ADDRESS, DE_ALLOWS, RESULT_ALLOW,
	"place", false, false},
    {"freed as far as the certificate, which nobody saw", BY_ADDRESS, SNI_ALLOWS, RESULT_ALLOW,
	"name", true, false},
    {"the name is known, and blocks", BY_ADDRESS, SNI_BLOCKS DE_ALLOWS, RESULT_BLOCK, "name", false,
	false},
    {"the version is not known", BY_ADDRESS, OLD_TLS_BLOCKS, RESULT_ALLOW, "place", true, false},
    {"no hello was heard",
	{RESULT_BLOCK, VERDICT_ADDRESS, "old", "1", HELLO_NONE, INSPECT_REFUSED, false, false, 0},
	SNI_BLOCKS DE_ALLOWS, RESULT_ALLOW, "place", true, false},
    {"no hello was heard, and none is asked for",
	{RESULT_BLOCK, VERDICT_ADDRESS, "old", "1", HELLO_NONE, INSPECT_REFUSED, false, false, 0},
	DE_ALLOWS, RESULT_ALLOW, "place", false, false},
    {"what is no TLS has no certificate to wait for",
	{RESULT_BLOCK, VERDICT_ADDRESS, "old", "1", HELLO_NOT_TLS, INSPECT_REFUSED, false, false,
	    0},
	PLAIN_BLOCKS, RESULT_BLOCK, "bare", false, false},
    {"refused by the certificate: that was seen",
	{RESULT_BLOCK, VERDICT_CERTIFICATE, "old", "1", HELLO_TLS, INSPECT_REFUSED, true, true, 0},
	SNI_ALLOWS, RESULT_ALLOW, "name", false, false},
    {"refused as one to be passed through",
	{RESULT_BLOCK, VERDICT_CERTIFICATE, "old", "1", HELLO_TLS, INSPECT_REFUSED, false, false,
	    0},
	PASSED_BLOCKS, RESULT_BLOCK, "blind", false, false},
    {"passed through: the name was not proven",
	{RESULT_ALLOW, VERDICT_CERTIFICATE, "old", "1", HELLO_TLS, INSPECT_PASSTHROUGH, false,
	    false, 0},
	SNI_ALLOWS, RESULT_BLOCK, "default", false, false},
    {"rejected by the camera: it was to be opened",
	{RESULT_ALLOW, VERDICT_CERTIFICATE, "old", "1", HELLO_TLS, INSPECT_REJECTED, true, true, 0},
	SNI_ALLOWS, RESULT_ALLOW, "name", false, false},
    {"its server was never reached: it is judged as far as it came",
	{RESULT_ALLOW, VERDICT_NAME, "old", "1", HELLO_TLS, INSPECT_OPENED, false, false, 0},
	SNI_ALLOWS, RESULT_ALLOW, "name", false, false},
    {"closed without a word",
	{RESULT_ALLOW, VERDICT_ADDRESS, "old", "1", HELLO_NONE, INSPECT_NONE, false, false, 0},
	SNI_ALLOWS, RESULT_ALLOW, "name", false, false},
    {"what the appliance refused no rule opens",
	{RESULT_BLOCK, VERDICT_ADDRESS, "appliance", "loopback", HELLO_TLS, INSPECT_REFUSED, false,
	    false, 0},
	DE_ALLOWS, RESULT_BLOCK, "loopback", false, false},
    {"but that there was no rule a rule mends",
	{RESULT_BLOCK, VERDICT_ADDRESS, "appliance", "no-rules", HELLO_TLS, INSPECT_REFUSED, false,
	    false, 0},
	DE_ALLOWS, RESULT_ALLOW, "place", false, false},
    {"names kept out of the record are asked for",
	{RESULT_BLOCK, VERDICT_NAME, "old", "1", HELLO_TLS, INSPECT_REFUSED, false, false,
	    DETAIL_META},
	SNI_BLOCKS DE_ALLOWS, RESULT_ALLOW, "place", false, true},
    {"names kept out of the record are not asked for",
	{RESULT_BLOCK, VERDICT_NAME, "old", "1", HELLO_TLS, INSPECT_REFUSED, false, false,
	    DETAIL_META},
	DE_ALLOWS, RESULT_ALLOW, "place", false, false},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

static struct rules *
rules_of(const char *text)
{
	char whole[1024];
	struct text out = text_in(whole, sizeof(whole));
	struct problems problems = {0};
	struct rules *rules = rules_new();

	text_add(&out,
	    "ruleset: new\nversion: 1\ntitle: t\nunknown: block\ndefault: block\nrules:%s%s",
	    text[0] == '[' ? " " : "\n", text);
	cr_assert_eq(rules_add(rules, "/new.yaml",
			 (struct bytes){(const uint8_t *)whole, strlen(whole)}, &problems),
	    0, "%s: %s", whole, problems.count > 0 ? problems.list[0].text : "");
	problems_free(&problems);
	return rules;
}

static void
fill(const struct before *before, struct facts *facts)
{
	*facts = (struct facts){.opened_wall_us = 1, .inspect = before->inspect};
	cr_assert_eq(addr_parse(&facts->dst, "198.51.100.7:443", 0, NULL), 0);
	facts->inner = facts->dst;
	countries_add(&facts->place.located, "DE");
	countries_add(&facts->place.registered, "DE");
	countries_add(&facts->place.operator, "CN");
	facts->hello.kind = before->hello;
	if (before->hello == HELLO_TLS && before->detail == DETAIL_FULL)
		text_copy(facts->hello.sni, sizeof(facts->hello.sni), "eu.cam.example");
	facts->server.handshake_done = before->handshake_done;
	facts->server.verified = before->verified;
	facts->server.version = before->handshake_done ? 0x0304 : 0;
	facts->verdict.result = before->result;
	facts->verdict.stage = before->stage;
	facts->verdict.detail = before->detail;
	text_copy(facts->verdict.ruleset, sizeof(facts->verdict.ruleset), before->ruleset);
	text_copy(facts->verdict.rule, sizeof(facts->verdict.rule), before->rule);
}

Test(rejudge, judges_by_what_the_record_knows)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct rules *rules = rules_of(row->rules);
		struct rejudged got;
		struct facts facts;

		fill(&row->before, &facts);
		rejudge(rules, &facts, &got);
		cr_expect_eq(got.verdict.result, row->result, "%s: %s", row->why,
		    result_name(got.verdict.result));
		cr_expect_str_eq(got.verdict.rule, row->rule, "%s: %s", row->why, got.verdict.rule);
		cr_expect_eq(got.open, row->open, "%s", row->why);
		cr_expect_eq(got.untold, row->untold, "%s", row->why);
		rules_free(rules);
	}
}

Test(rejudge, without_a_rule_set_everything_is_blocked)
{
	struct rejudged got;
	struct facts facts;

	fill(&(struct before)OPENED, &facts);
	rejudge(NULL, &facts, &got);
	cr_expect_eq(got.verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(got.verdict.rule, "no-rules");
}

/* It would have been blocked as a bad one, or shown to the camera as that. */
Test(rejudge, what_a_rule_blocked_for_a_flaw_is_not_allowed_without_it)
{
	static const struct before flawed = {RESULT_BLOCK, VERDICT_CERTIFICATE, "old", "1",
	    HELLO_TLS, INSPECT_REFUSED, true, false, DETAIL_FULL};
	static const struct {
		const char *rules;
		uint32_t errors;
		enum result result;
		bool open;
	} cases[] = {
	    {DE_ALLOWS, CERT_EXPIRED, RESULT_ALLOW, true},
	    {DE_ALLOWS, CERT_NAME_UNCHECKED, RESULT_ALLOW, false}, /* which is no flaw */
	    {"- {id: bad, match: {tls: {errors: [expired]}}, then: block, why: w}\n" DE_ALLOWS,
		CERT_EXPIRED, RESULT_BLOCK, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rules *rules = rules_of(cases[i].rules);
		struct rejudged got;
		struct facts facts;

		fill(&flawed, &facts);
		facts.server.errors = cases[i].errors;
		rejudge(rules, &facts, &got);
		cr_expect_eq(got.verdict.result, cases[i].result, "%zu", i);
		cr_expect_eq(got.open, cases[i].open, "%zu", i);
		rules_free(rules);
	}
}

/* What was sent is in the record; where nothing was, nobody knows what it would
 * have been. */
Test(rejudge, judges_by_the_class_that_was_seen)
{
	static const struct before passed = OPENED,
				   stopped = {RESULT_BLOCK, VERDICT_CERTIFICATE, "old", "1",
				       HELLO_TLS, INSPECT_REFUSED, true, true, DETAIL_FULL},
				   cut = {RESULT_BLOCK, VERDICT_PAYLOAD, "old", "1", HELLO_TLS,
				       INSPECT_OPENED, true, true, DETAIL_FULL};
	static const struct {
		const struct before *before;
		enum payload_class class;
		enum result result;
		const char *rule;
		bool open;
	} cases[] = {
	    {&passed, PAYLOAD_VIDEO, RESULT_BLOCK, "film", false},
	    {&passed, PAYLOAD_TELEMETRY, RESULT_ALLOW, "place", false},
	    {&passed, PAYLOAD_UNKNOWN, RESULT_ALLOW, "place", false},
	    {&cut, PAYLOAD_VIDEO, RESULT_BLOCK, "film", false},
	    {&cut, PAYLOAD_IMAGE, RESULT_ALLOW, "place", false},
	    {&stopped, PAYLOAD_UNKNOWN, RESULT_ALLOW, "place", true},
	};
	struct rules *rules =
	    rules_of("- {id: film, match: {class: video}, then: block, why: w}\n" DE_ALLOWS);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rejudged got;
		struct facts facts;

		fill(cases[i].before, &facts);
		facts.payload.class = cases[i].class;
		facts.payload.confidence =
		    cases[i].class != PAYLOAD_UNKNOWN ? CONFIDENCE_IDENTIFIED : CONFIDENCE_NONE;
		facts.payload.direction = DIRECTION_UP;
		rejudge(rules, &facts, &got);
		cr_expect_eq(got.verdict.result, cases[i].result, "%zu", i);
		cr_expect_str_eq(got.verdict.rule, cases[i].rule, "%zu: %s", i, got.verdict.rule);
		cr_expect_eq(got.open, cases[i].open, "%zu", i);
	}
	rules_free(rules);
}
