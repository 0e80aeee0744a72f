/* SPDX-License-Identifier: MIT */
#include "config/judge.h"

#include "config/rules.h"
#include "tests/config/memory.h"

#define HEAD "ruleset: r\nversion: \"7\"\ntitle: t\n"
#define BLOCKS HEAD "unknown: block\ndefault: block\n"
#define ALLOWS HEAD "unknown: allow\ndefault: allow\n"
#define RULES "rules:\n"

static struct rules *
load(const char *const *texts, size_t count)
{
	struct rules *rules = rules_new();
	struct problems problems = {0};
	char all[2000];

	cr_assert_not_null(rules);
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(rules_add(rules, "f", text_of(texts[i]), &problems), 0, "%s",
		    told(&problems, all, sizeof(all)));
	problems_free(&problems);
	return rules;
}

static void
fill(struct countries *countries, const char *text)
{
	for (; text[0] != '\0'; text += text[2] == '/' ? 3 : 2)
		countries_add(countries, text);
}

/* "DE DE/SG -" fills located, registered and operator; "-" is unknown. */
static struct facts
facts_of(const char *place)
{
	struct facts facts = {.inspect = INSPECT_OPENED};
	char located[8], registered[8], operator[8];

	cr_assert_eq(sscanf(place, "%7s %7s %7s", located, registered, operator), 3);
	fill(&facts.place.located, located[0] == '-' ? "" : located);
	fill(&facts.place.registered, registered[0] == '-' ? "" : registered);
	fill(&facts.place.operator, operator[0] == '-' ? "" : operator);
	cr_assert_eq(addr_parse(&facts.dst, "203.0.113.9:443", 0, NULL), 0);
	(void)snprintf(facts.device, sizeof(facts.device), "lobby-3");
	facts.hello.kind = HELLO_TLS;
	facts.server.verified = true;
	return facts;
}

/* ---- each key, with everything known and the server verified ---- */

Test(judge, each_key_matches_what_its_manual_says)
{
	static const struct {
		const char *match;
		const char *place;
		const char *sni, *vendor;
		bool blocks, allows; /* whether a rule with that result matches */
	} rows[] = {
	    {"", "DE DE DE", "", "", true, true},
	    {"device: lobby-3", "DE DE DE", "", "", true, true},
	    {"device: [x, lobby-3]", "DE DE DE", "", "", true, true},
	    {"device: Lobby-3", "DE DE DE", "", "", false, false},
	    {"ip: 203.0.113.9", "DE DE DE", "", "", true, true},
	    {"ip: [10.0.0.0/8, 203.0.113.8/30]", "DE DE DE", "", "", true, true},
	    {"ip: \"::ffff:203.0.113.0/120\"", "DE DE DE", "", "", true, true},
	    {"ip: 203.0.113.8", "DE DE DE", "", "", false, false},
	    {"ip: \"2001:db8::/32\"", "DE DE DE", "", "", false, false},
	    {"port: 443", "DE DE DE", "", "", true, true},
	    {"port: \"443-500\"", "DE DE DE", "", "", true, true},
	    {"port: 400-443", "DE DE DE", "", "", true, true},
	    {"port: [80, 444-500]", "DE DE DE", "", "", false, false},
	    {"located: DE", "DE CN CN", "", "", true, true},
	    {"located: [FR, DE]", "DE CN CN", "", "", true, true},
	    {"located: CN", "DE CN CN", "", "", false, false},
	    {"located: CN", "- CN CN", "", "", false, false},
	    {"located: DE", "DE/SG CN CN", "", "", true, false},
	    {"located: [DE, SG]", "DE/SG CN CN", "", "", true, true},
	    {"registered: CN", "DE CN DE", "", "", true, true},
	    {"registered: CN", "CN DE CN", "", "", false, false},
	    {"registered: CN", "CN DE/CN CN", "", "", true, false},
	    {"operator: CN", "DE DE CN", "", "", true, true},
	    {"operator: CN", "CN CN DE", "", "", false, false},
	    {"operator: \"@eea+CN-DE\"", "DE DE CN", "", "", true, true},
	    {"operator: \"@eea+CN-DE\"", "DE DE DE", "", "", false, false},
	    {"within: \"@eea\"", "DE FR NO", "", "", true, true},
	    {"within: \"@eea\"", "DE FR CN", "", "", false, false},
	    {"within: \"@eea\"", "DE - NO", "", "", false, false},
	    {"within: \"@eea\"", "DE/FR FR NO", "", "", true, true},
	    {"within: \"@eea\"", "DE/SG FR NO", "", "", false, false},
	    {"within: \"@eea - NO\"", "DE FR NO", "", "", false, false},
	    {"touches: \"@eea\"", "CN CN NO", "", "", true, true},
	    {"touches: \"@eea\"", "CN CN CN", "", "", false, false},
	    {"touches: \"@eea\"", "CN/DE CN CN", "", "", true, true},
	    {"touches: \"@eea\"", "- - -", "", "", false, false},
	    {"unknown: operator", "DE DE -", "", "", true, true},
	    {"unknown: operator", "- - DE", "", "", false, false},
	    {"unknown: [operator, located]", "- DE DE", "", "", true, true},
	    {"unknown: [operator, located]", "DE - DE", "", "", false, false},
	    {"sni: example.com", "DE DE DE", "example.com", "", true, true},
	    {"sni: example.com", "DE DE DE", "a.EXAMPLE.com", "", true, true},
	    {"sni: .example.com", "DE DE DE", "a.example.com", "", true, true},
	    {"sni: example.com", "DE DE DE", "a.example.com.", "", true, true},
	    {"sni: example.com", "DE DE DE", "badexample.com", "", false, false},
	    {"sni: [x, com]", "DE DE DE", "example.com", "", true, true},
	    {"sni: example.com", "DE DE DE", "", "", false, false},
	    {"sni_missing: true", "DE DE DE", "", "", true, true},
	    {"sni_missing: true", "DE DE DE", "a", "", false, false},
	    {"sni_missing: false", "DE DE DE", "a", "", true, true},
	    {"vendor: [Dahua, hikvision]", "DE DE DE", "a", "Hikvision", true, true},
	    {"vendor: Hik", "DE DE DE", "a", "Hikvision", false, false},
	    {"vendor: Hikvision", "DE DE DE", "a", "", false, false},
	    {"located: DE, port: 443, vendor: V", "DE DE DE", "a", "V", true, true},
	    {"located: DE, port: 80, vendor: V", "DE DE DE", "a", "V", false, false},
	};
	static const char *const thens[] = {"block", "allow"};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t row = i / 2, then = i % 2;
		struct facts facts = facts_of(rows[row].place);
		struct verdict verdict;
		char text[1024];
		const char *texts[] = {text};
		struct rules *rules;
		bool matches = then == 0 ? rows[row].blocks : rows[row].allows;

		(void)snprintf(text, sizeof(text),
		    HEAD "unknown: observe\ndefault: observe\nsets: {eea: [DE, FR, \"NO\"]}\n" RULES
			 "- {id: x, match: {%s}, then: %s, why: w}\n",
		    rows[row].match, thens[then]);
		rules = load(texts, 1);
		(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", rows[row].sni);
		(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "%s",
		    rows[row].vendor);
		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		cr_expect_eq(strcmp(verdict.rule, "x") == 0, matches, "row %zu {%s} then %s: %s",
		    row, rows[row].match, thens[then], verdict.rule);
		if (matches)
			cr_expect_str_eq(result_name(verdict.result), thens[then]);
		rules_free(rules);
	}
}

/* ---- stages ---- */

#define NAMES_ALLOW                                                                                \
	BLOCKS RULES "- {id: name, match: {sni: good.example}, then: allow, why: by name}\n"       \
		     "- {id: land, match: {located: DE}, then: block, why: by land}\n"
#define NAMES_BLOCK                                                                                \
	ALLOWS RULES "- {id: name, match: {sni: good.example}, then: block, why: by name}\n"       \
		     "- {id: land, match: {located: DE}, then: allow, why: by land}\n"
#define ALL_BLOCK                                                                                  \
	BLOCKS RULES "- {id: name, match: {sni: good.example}, then: block, why: by name}\n"
#define LAND_FIRST                                                                                 \
	BLOCKS RULES "- {id: land, match: {located: DE}, then: block, why: by land}\n"             \
		     "- {id: name, match: {sni: good.example}, then: allow, why: by name}\n"
#define LAND_AND_NAME                                                                              \
	BLOCKS RULES "- {id: both, match: {located: FR, sni: good.example}, then: allow, why: w}\n"
#define OBSERVE_NAME                                                                               \
	BLOCKS RULES "- {id: name, match: {sni: good.example}, then: observe, why: w}\n"
#define MISSING_ALLOWS                                                                             \
	BLOCKS RULES "- {id: none, match: {sni_missing: true}, then: allow, why: w}\n"
#define ONLY_OBSERVES                                                                              \
	HEAD "mode: observe\nunknown: observe\ndefault: observe\n" RULES                           \
	     "- {id: name, match: {sni: good.example}, then: observe, why: w}\n"

enum proof { PROVEN, UNVERIFIED, PASSED, PLAIN };

Test(judge, a_name_narrows_at_once_and_widens_only_when_proven)
{
	static const struct {
		const char *text;
		enum verdict_stage stage;
		const char *sni;
		enum proof proof;
		const char *result, *rule;
	} rows[] = {
	    /* An allow by name: open, tentative, and then as the certificate says. */
	    {NAMES_ALLOW, VERDICT_ADDRESS, "", PROVEN, "allow", "name"},
	    {NAMES_ALLOW, VERDICT_NAME, "good.example", PROVEN, "allow", "name"},
	    {NAMES_ALLOW, VERDICT_NAME, "evil.example", PROVEN, "block", "land"},
	    {NAMES_ALLOW, VERDICT_CERTIFICATE, "good.example", PROVEN, "allow", "name"},
	    {NAMES_ALLOW, VERDICT_CERTIFICATE, "good.example", UNVERIFIED, "block", "land"},
	    {NAMES_ALLOW, VERDICT_CERTIFICATE, "good.example", PASSED, "block", "land"},
	    {NAMES_ALLOW, VERDICT_CERTIFICATE, "good.example", PLAIN, "block", "land"},
	    /* A block by name: not known at first, and then whatever is proven. */
	    {NAMES_BLOCK, VERDICT_ADDRESS, "", PROVEN, "allow", "land"},
	    {NAMES_BLOCK, VERDICT_NAME, "good.example", UNVERIFIED, "block", "name"},
	    {NAMES_BLOCK, VERDICT_NAME, "evil.example", UNVERIFIED, "allow", "land"},
	    {NAMES_BLOCK, VERDICT_CERTIFICATE, "good.example", UNVERIFIED, "block", "name"},
	    {NAMES_BLOCK, VERDICT_CERTIFICATE, "good.example", PASSED, "block", "name"},
	    /* Whatever the name is it is blocked: so it is by the address. */
	    {ALL_BLOCK, VERDICT_ADDRESS, "", PROVEN, "block", "default"},
	    {ALL_BLOCK, VERDICT_NAME, "good.example", PROVEN, "block", "name"},
	    /* What stands before the name is final. */
	    {LAND_FIRST, VERDICT_ADDRESS, "", PROVEN, "block", "land"},
	    {LAND_FIRST, VERDICT_CERTIFICATE, "good.example", PROVEN, "block", "land"},
	    /* A name cannot help where the address part of its rule fails. */
	    {LAND_AND_NAME, VERDICT_ADDRESS, "", PROVEN, "block", "default"},
	    /* To observe is to let through as well. */
	    {OBSERVE_NAME, VERDICT_ADDRESS, "", PROVEN, "observe", "name"},
	    {OBSERVE_NAME, VERDICT_NAME, "good.example", PROVEN, "observe", "name"},
	    {OBSERVE_NAME, VERDICT_CERTIFICATE, "good.example", PASSED, "block", "default"},
	    {OBSERVE_NAME, VERDICT_CERTIFICATE, "good.example", PROVEN, "observe", "name"},
	    /* No name is a name as well: the certificate must speak for the address. */
	    {MISSING_ALLOWS, VERDICT_NAME, "", UNVERIFIED, "allow", "none"},
	    {MISSING_ALLOWS, VERDICT_CERTIFICATE, "", UNVERIFIED, "block", "default"},
	    {MISSING_ALLOWS, VERDICT_CERTIFICATE, "", PROVEN, "allow", "none"},
	    /* A set that only observes widens nothing, so it needs no proof. */
	    {ONLY_OBSERVES, VERDICT_CERTIFICATE, "good.example", PASSED, "observe", "name"},
	    {ONLY_OBSERVES, VERDICT_NAME, "good.example", UNVERIFIED, "observe", "name"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = load(&rows[i].text, 1);
		struct facts facts = facts_of("DE DE DE");
		struct verdict verdict;

		(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", rows[i].sni);
		facts.server.verified = rows[i].proof != UNVERIFIED;
		if (rows[i].proof == PASSED)
			facts.inspect = INSPECT_PASSTHROUGH;
		if (rows[i].proof == PLAIN)
			facts.inspect = INSPECT_PLAIN;
		judge(rules, rows[i].stage, &facts, &verdict);
		cr_expect_str_eq(result_name(verdict.result), rows[i].result, "row %zu: %s by %s",
		    i, result_name(verdict.result), verdict.rule);
		cr_expect_str_eq(verdict.rule, rows[i].rule, "row %zu: %s by %s", i,
		    result_name(verdict.result), verdict.rule);
		cr_expect_eq(verdict.stage, rows[i].stage);
		rules_free(rules);
	}
}

/* A later stage may let through less than an earlier one, never more. */
Test(judge, a_block_is_final_whatever_becomes_known)
{
	static const char *const parts[] = {
	    "- {id: ?, match: {sni: good.example}, then: allow, why: w}\n",
	    "- {id: ?, match: {sni: good.example}, then: block, why: w}\n",
	    "- {id: ?, match: {sni_missing: true}, then: observe, why: w}\n",
	    "- {id: ?, match: {located: DE}, then: block, why: w}\n",
	    "- {id: ?, match: {located: CN}, then: allow, why: w}\n",
	    "- {id: ?, match: {vendor: V, located: DE}, then: allow, why: w}\n",
	};
	enum { PARTS = sizeof(parts) / sizeof(parts[0]), SETS = PARTS * PARTS * PARTS * 2 };

	for (size_t n = 0; n < SETS; n++) {
		size_t picks[] = {n % PARTS, n / PARTS % PARTS, n / PARTS / PARTS % PARTS};
		char text[1024];
		const char *texts[] = {text};
		struct rules *rules;
		size_t used = (size_t)snprintf(text, sizeof(text), "%s" RULES,
		    n < SETS / 2 ? BLOCKS : ALLOWS);

		for (size_t i = 0; i < 3; i++) {
			char line[100];

			(void)snprintf(line, sizeof(line), "%s", parts[picks[i]]);
			*strchr(line, '?') = (char)('a' + i);
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", line);
		}
		rules = load(texts, 1);
		for (unsigned known = 0; known < 32; known++) {
			struct facts facts = facts_of((known & 1) != 0 ? "DE DE DE" : "CN CN CN");
			struct verdict verdict;
			bool blocked = false;

			if ((known & 2) != 0)
				(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni),
				    (known & 4) != 0 ? "good.example" : "x");
			if ((known & 8) != 0)
				(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "V");
			facts.server.verified = (known & 16) != 0;
			for (enum verdict_stage stage = VERDICT_ADDRESS;
			     stage <= VERDICT_CERTIFICATE; stage++) {
				judge(rules, stage, &facts, &verdict);
				cr_assert(!blocked || verdict.result == RESULT_BLOCK,
				    "%s known %u stage %d", text, known, (int)stage);
				blocked = verdict.result == RESULT_BLOCK;
			}
		}
		rules_free(rules);
	}
}

/* ---- the set's own lines ---- */

Test(judge, where_no_rule_matched_unknown_and_default_decide)
{
	static const struct {
		const char *text, *place, *result, *rule, *why;
	} rows[] = {
	    {HEAD "unknown: block\ndefault: allow\n", "DE DE DE", "allow", "default",
		"No rule matched: located DE, registered DE, operator DE"},
	    {HEAD "unknown: block\ndefault: allow\n", "DE DE -", "block", "unknown",
		"Unknown: operator; no rule matched"},
	    {HEAD "unknown: block\ndefault: allow\n", "- - DE", "block", "unknown",
		"Unknown: located, registered; no rule matched"},
	    {HEAD "unknown: {then: observe, why: own}\ndefault: block\n", "- DE DE", "observe",
		"unknown", "own"},
	    {HEAD "unknown: block\ndefault: {then: observe, why: own}\n", "CN DE DE", "observe",
		"default", "own"},
	    {HEAD "unknown: block\ndefault: block\n" RULES
		  "- {id: 1, match: {located: DE}, then: allow, why: rule}\n",
		"DE - -", "allow", "1", "rule"},
	    {HEAD "unknown: block\ndefault: block\n" RULES
		  "- {id: 1, match: {located: DE}, then: allow, why: first}\n"
		  "- {id: 2, match: {}, then: block, why: second}\n",
		"DE DE DE", "allow", "1", "first"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = load(&rows[i].text, 1);
		struct facts facts = facts_of(rows[i].place);
		struct verdict verdict;

		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		cr_expect_str_eq(result_name(verdict.result), rows[i].result, "row %zu", i);
		cr_expect_str_eq(verdict.rule, rows[i].rule, "row %zu", i);
		cr_expect_str_eq(verdict.why, rows[i].why, "row %zu: %s", i, verdict.why);
		cr_expect_str_eq(verdict.ruleset, "r");
		cr_expect_str_eq(verdict.ruleset_version, "7");
		cr_expect_arr_eq(verdict.ruleset_sha256, rules_about(rules, 0).sha256, 32);
		rules_free(rules);
	}
}

/* ---- several sets ---- */

#define SET(id, mode, then)                                                                        \
	"ruleset: " id "\nversion: 1\ntitle: t\nmode: " mode "\nunknown: " then                    \
	"\ndefault: {then: " then ", why: " id "}\n"

Test(judge, across_sets_the_most_restrictive_wins)
{
	static const struct {
		const char *texts[3];
		const char *result, *ruleset;
		bool shadow;
	} rows[] = {
	    {{SET("a", "enforce", "allow"), SET("b", "enforce", "block"),
		 SET("c", "enforce", "observe")},
		"block", "b", false},
	    {{SET("a", "enforce", "observe"), SET("b", "enforce", "allow"),
		 SET("c", "enforce", "allow")},
		"allow", "b", false},
	    {{SET("a", "enforce", "block"), SET("b", "enforce", "block"),
		 SET("c", "enforce", "allow")},
		"block", "a", false},
	    {{SET("a", "enforce", "observe"), SET("b", "enforce", "observe"),
		 SET("c", "enforce", "observe")},
		"observe", "a", false},
	    /* A shadow forwards and says so; it never hides a real block. */
	    {{SET("a", "enforce", "allow"), SET("b", "shadow", "block"),
		 SET("c", "shadow", "block")},
		"allow", "b", true},
	    {{SET("a", "shadow", "block"), SET("b", "enforce", "block"),
		 SET("c", "enforce", "allow")},
		"block", "b", false},
	    {{SET("a", "shadow", "block"), SET("b", "shadow", "allow"),
		 SET("c", "observe", "observe")},
		"allow", "a", true},
	    {{SET("a", "shadow", "block"), SET("b", "shadow", "block"),
		 SET("c", "shadow", "block")},
		"observe", "a", true},
	    {{SET("a", "shadow", "allow"), SET("b", "shadow", "allow"),
		 SET("c", "shadow", "observe")},
		"allow", "a", false},
	    /* One that observes never does more. */
	    {{SET("a", "observe", "block"), SET("b", "observe", "allow"),
		 SET("c", "observe", "block")},
		"observe", "a", false},
	    {{SET("a", "observe", "block"), SET("b", "enforce", "allow"),
		 SET("c", "observe", "block")},
		"allow", "b", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rules *rules = load(rows[i].texts, 3);
		struct facts facts = facts_of("DE DE DE");
		struct verdict verdict;

		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		cr_expect_str_eq(result_name(verdict.result), rows[i].result, "row %zu", i);
		cr_expect_str_eq(verdict.ruleset, rows[i].ruleset, "row %zu", i);
		cr_expect_str_eq(verdict.why, rows[i].ruleset, "row %zu", i);
		cr_expect_eq(verdict.shadow, rows[i].shadow, "row %zu", i);
		rules_free(rules);
	}
}

Test(judge, without_a_set_everything_is_blocked)
{
	struct facts facts = facts_of("DE DE DE");
	struct rules *rules = rules_new();
	struct verdict verdict;

	judge(NULL, VERDICT_ADDRESS, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(verdict.ruleset, "appliance");
	judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_BLOCK);
	cr_expect_eq(verdict.stage, VERDICT_CERTIFICATE);
	rules_free(rules);
}

/* ---- explaining ---- */

struct steps {
	char text[4096];
	size_t used;
};

static void
note(const struct judge_step *step, void *arg)
{
	struct steps *steps = arg;

	steps->used += (size_t)snprintf(steps->text + steps->used,
	    sizeof(steps->text) - steps->used, "%s %s %s%s %s by %s <%s: %s\n", step->ruleset,
	    step->rule != NULL ? step->rule : "=", step->matched ? "yes" : "no",
	    step->pending ? " pending" : "", result_name(step->result), step->by,
	    result_name(step->strictest), step->reason);
}

Test(judge, every_rule_looked_at_is_told_with_what_was_compared)
{
	static const char *const texts[] = {
	    BLOCKS "sets: {eea: [DE, FR]}\n" RULES
		   "- {id: 1, match: {within: \"@eea\"}, then: allow, why: w1}\n"
		   "- {id: 2, match: {port: 443, sni: [a.example, b]}, then: allow, why: w2}\n"
		   "- {id: 3, match: {operator: [CN, HK], device: lobby-3}, then: block, why: w3}\n"
		   "- {id: 4, match: {}, then: allow, why: never}\n",
	};
	static const char at_address[] =
	    "r 1 no allow by 1 <allow: within(@eea): located DE, registered DE, operator CN does "
	    "not match\n"
	    "r 2 no pending allow by 2 <allow: port(443): 443; sni([a.example, b]): not known "
	    "yet\n"
	    "r 3 yes block by 3 <block: operator([CN, HK]): CN; device(lobby-3): lobby-3\n"
	    "r = yes pending allow by 2 <block: Open until the server's name is known: rule 2 may "
	    "hold\n";
	static const char passed[] =
	    "r 1 no allow by 1 <allow: within(@eea): located DE, registered DE, operator CN does "
	    "not match\n"
	    "r 2 no allow by 2 <allow: port(443): 443; sni([a.example, b]): a.example; the name is "
	    "not proven by a certificate, so it allows nothing\n"
	    "r 3 yes block by 3 <block: operator([CN, HK]): CN; device(lobby-3): lobby-3\n"
	    "r = yes block by 3 <block: w3\n";
	struct rules *rules = load(texts, 1);
	struct facts facts = facts_of("DE DE CN");
	struct verdict told_verdict, plain;
	struct steps steps = {0};

	judge_explain(rules, VERDICT_ADDRESS, &facts, &told_verdict, note, &steps);
	cr_expect_str_eq(steps.text, at_address, "%s", steps.text);
	judge(rules, VERDICT_ADDRESS, &facts, &plain);
	cr_expect_eq(memcmp(&plain, &told_verdict, sizeof(plain)), 0);

	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "a.example");
	facts.inspect = INSPECT_PASSTHROUGH;
	steps = (struct steps){0};
	judge_explain(rules, VERDICT_CERTIFICATE, &facts, &told_verdict, note, &steps);
	cr_expect_str_eq(steps.text, passed, "%s", steps.text);
	rules_free(rules);
}

Test(judge, a_hostile_name_is_told_escaped)
{
	static const char *const texts[] = {
	    BLOCKS RULES "- {id: 1, match: {sni: a.example}, then: block, why: w}\n"};
	struct rules *rules = load(texts, 1);
	struct facts facts = facts_of("DE DE DE");
	struct steps steps = {0};
	struct verdict verdict;

	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "x\x1b[2J\n");
	judge_explain(rules, VERDICT_NAME, &facts, &verdict, note, &steps);
	cr_expect_not_null(strstr(steps.text, "x\\x1b[2J\\x0a does not match"), "%s", steps.text);
	rules_free(rules);
}

Test(judge, an_address_that_is_carried_in_another_is_matched_too)
{
	const char *text =
	    ALLOWS RULES "  - {id: 1, match: {ip: 198.51.100.0/24}, then: block, why: w}\n";
	struct rules *rules = load(&text, 1);
	struct facts facts = facts_of("DE DE DE");
	struct verdict verdict;

	cr_assert_eq(addr_parse(&facts.dst, "[64:ff9b::c633:6407]:443", 0, NULL), 0);
	facts.inner = facts.dst;
	judge(rules, VERDICT_ADDRESS, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_ALLOW);
	cr_assert_eq(addr_parse(&facts.inner, "198.51.100.7:443", 0, NULL), 0);
	judge(rules, VERDICT_ADDRESS, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_BLOCK);
	rules_free(rules);
}

Test(judge, what_decides_says_how_and_how_much_and_any_set_may_want_a_look)
{
	static const char *const texts[] = {
	    HEAD "unknown: {then: block, why: u, how: refuse, log: count}\n"
		 "default: {then: block, why: d, how: drop}\n" RULES
		 "- {id: 1, match: {located: DE}, then: allow, why: w, log: meta}\n"
		 "- {id: 2, match: {located: CN}, then: block, why: w, alert: medium}\n",
	    "ruleset: s\nversion: 1\ntitle: t\nmode: observe\nunknown: observe\n"
	    "default: observe\n" RULES
	    "- {id: x, match: {sni: a.example}, then: observe, alert: high, why: \"look\"}\n"
	    "- {id: y, match: {located: FR}, then: observe, alert: info, why: \"see\"}\n",
	};
	static const struct {
		const char *place, *sni, *rule;
		enum how how;
		enum detail detail;
		enum severity severity;
		const char *flag; /* rule set and rule */
	} rows[] = {
	    {"DE DE DE", "", "1", HOW_RESET, DETAIL_META, SEVERITY_NONE, ""},
	    {"DE DE DE", "a.example", "1", HOW_RESET, DETAIL_META, SEVERITY_HIGH, "sx"},
	    {"CN CN CN", "", "2", HOW_RESET, DETAIL_FULL, SEVERITY_MEDIUM, "r2"},
	    {"CN CN CN", "a.example", "2", HOW_RESET, DETAIL_FULL, SEVERITY_HIGH, "sx"},
	    {"FR FR FR", "", "default", HOW_DROP, DETAIL_FULL, SEVERITY_INFO, "sy"},
	    {"FR FR -", "", "unknown", HOW_REFUSE, DETAIL_COUNT, SEVERITY_INFO, "sy"},
	};
	struct rules *rules = load(texts, 2);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = facts_of(rows[i].place);
		struct verdict verdict;
		char flag[2 * FACTS_LABEL_MAX];

		(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", rows[i].sni);
		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		(void)snprintf(flag, sizeof(flag), "%s%s", verdict.flag.ruleset, verdict.flag.rule);
		cr_expect_str_eq(verdict.rule, rows[i].rule, "row %zu", i);
		cr_expect_eq(verdict.how, rows[i].how, "row %zu", i);
		cr_expect_eq(verdict.detail, rows[i].detail, "row %zu", i);
		cr_expect_eq(verdict.flag.severity, rows[i].severity, "row %zu", i);
		cr_expect_str_eq(flag, rows[i].flag, "row %zu", i);
	}
	rules_free(rules);
}

Test(judge, a_rule_that_waits_for_the_name_flags_nothing_yet)
{
	static const char *const texts[] = {
	    BLOCKS RULES "- {id: 1, match: {sni: a.example}, then: allow, alert: high, why: w}\n"};
	struct rules *rules = load(texts, 1);
	struct facts facts = facts_of("DE DE DE");
	struct verdict verdict;

	judge(rules, VERDICT_ADDRESS, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_ALLOW);
	cr_expect_eq(verdict.flag.severity, SEVERITY_NONE);
	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "a.example");
	judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
	cr_expect_eq(verdict.flag.severity, SEVERITY_HIGH);
	cr_expect_str_eq(verdict.flag.why, "w");
	rules_free(rules);
}

Test(judge, what_is_no_country_is_a_value_of_its_own)
{
	static const struct {
		const char *match, *place;
		enum place_kind kind;
		bool blocks, allows;
	} rows[] = {
	    {"located: anycast", "- DE DE", PLACE_ANYCAST, true, true},
	    {"located: anycast", "- DE DE", PLACE_SATELLITE, false, false},
	    {"located: anycast", "- DE DE", PLACE_ORDINARY, false, false},
	    {"located: [DE, satellite]", "- DE DE", PLACE_SATELLITE, true, true},
	    {"located: [DE, satellite]", "DE DE DE", PLACE_ORDINARY, true, true},
	    {"located: private", "- - -", PLACE_PRIVATE, true, true},
	    {"located: unknown", "- DE DE", PLACE_ORDINARY, true, true},
	    {"located: unknown", "- DE DE", PLACE_ANYCAST, false, false},
	    {"located: unknown", "DE - -", PLACE_ORDINARY, false, false},
	    {"registered: unknown", "DE - DE", PLACE_ORDINARY, true, true},
	    {"operator: [US, unknown]", "DE DE -", PLACE_ORDINARY, true, true},
	    {"unknown: located", "- DE DE", PLACE_ANYCAST, true, true},
	    {"within: \"@eea\"", "- DE DE", PLACE_ANYCAST, false, false},
	    {"touches: \"@eea\"", "- DE DE", PLACE_SATELLITE, true, true},
	    {"not: {located: anycast}", "- DE DE", PLACE_ANYCAST, false, false},
	    {"not: {located: anycast}", "DE DE DE", PLACE_ORDINARY, true, true},
	    /* It may be there: in doubt, so not shown to be elsewhere. */
	    {"not: {located: DE}", "- DE DE", PLACE_ANYCAST, true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int blocks = 0; blocks < 2; blocks++) {
			struct facts facts = facts_of(rows[i].place);
			const char *text = NULL;
			char whole[512];
			struct verdict verdict;
			struct rules *rules;

			(void)snprintf(whole, sizeof(whole),
			    "%s"
			    "sets: {eea: [DE, FR, \"NO\"]}\nrules:\n"
			    "- {id: 1, match: {%s}, then: %s, why: w}\n",
			    blocks ? ALLOWS : BLOCKS, rows[i].match, blocks ? "block" : "allow");
			text = whole;
			rules = load(&text, 1);
			facts.place.kind = rows[i].kind;
			judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
			cr_expect_eq(strcmp(verdict.rule, "1") == 0,
			    blocks ? rows[i].blocks : rows[i].allows, "row %zu %s: %s", i,
			    blocks ? "blocks" : "allows", verdict.rule);
			rules_free(rules);
		}
	}
}

/* ---- what becomes of a server whose certificate is not good ---- */

#define NAMED(name, mode) "ruleset: " name "\nversion: \"7\"\ntitle: t\nmode: " mode "\n"
#define LETS "unknown: allow\ndefault: allow\n"

Test(judge, of_sets_that_speak_of_bad_servers_the_strictest_counts)
{
	static const char quiet[] = NAMED("quiet", "enforce") LETS;
	static const char accepts[] = NAMED("accepts", "enforce") LETS RULES
	    "- {id: 1, match: {device: lobby-3}, then: allow, servers: accept, why: w}\n";
	static const char mirrors[] = NAMED("mirrors", "enforce") LETS RULES
	    "- {id: 1, match: {}, then: allow, servers: mirror, why: w}\n";
	static const char blocks[] = NAMED("blocks", "enforce") LETS RULES
	    "- {id: 1, match: {}, then: observe, servers: block, why: w}\n";
	static const char watches[] = NAMED("watches", "observe") LETS RULES
	    "- {id: 1, match: {}, then: allow, servers: block, why: w}\n";
	static const char named[] = NAMED("named", "enforce") LETS RULES
	    "- {id: 1, match: {sni: a.example}, then: allow, servers: accept, why: w}\n";
	static const struct {
		const char *sets[3];
		enum servers wanted;
	} rows[] = {
	    {{quiet}, SERVERS_UNSAID},
	    {{accepts}, SERVERS_ACCEPT},
	    {{quiet, accepts}, SERVERS_ACCEPT},
	    {{accepts, mirrors}, SERVERS_MIRROR},
	    {{blocks, accepts, mirrors}, SERVERS_BLOCK},
	    {{watches, accepts}, SERVERS_ACCEPT},
	    /* A bad server proves no name, so none is accepted by it. */
	    {{named}, SERVERS_UNSAID},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t count = 0;
		struct rules *rules;
		struct facts facts = facts_of("DE DE DE");
		struct verdict verdict;

		while (count < 3 && rows[i].sets[count] != NULL)
			count++;
		rules = load(rows[i].sets, count);
		facts.server.verified = false;
		facts.server.errors = CERT_EXPIRED;
		(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "a.example");
		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		cr_expect_eq(verdict.servers, rows[i].wanted, "row %zu: %d", i, verdict.servers);
		rules_free(rules);
	}
}
