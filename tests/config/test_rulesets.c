/* SPDX-License-Identifier: MIT */
/* The rule sets that are shipped: they load without a word, and decide this. */
#include "base/facts.h"
#include "config/judge.h"
#include "config/rules.h"
#include "tests/config/memory.h"

static struct rules *
load(const char *name, struct source *source)
{
	struct rules *rules = rules_new();
	struct problems problems = {0};
	struct bytes text;
	struct err err;
	char path[512], all[2000];

	cr_assert_not_null(rules);
	(void)snprintf(path, sizeof(path), "%s/config/rulesets/%s.yaml", PROJECT_DIR, name);
	cr_assert_eq(source_read(source, path, &text, &err), 0, "%s", err.text);
	cr_assert_eq(rules_add(rules, path, text, &problems), 0, "%s",
	    told(&problems, all, sizeof(all)));
	cr_expect_eq(problems.count, 0, "%s", told(&problems, all, sizeof(all)));
	return rules;
}

static void
fill(struct countries *countries, const char *text)
{
	for (; text[0] != '\0'; text += text[2] == '/' ? 3 : 2)
		countries_add(countries, text);
}

static struct facts
facts_of(const char *place, const char *sni)
{
	struct facts facts = {.inspect = INSPECT_OPENED, .server.verified = true};
	char located[12], registered[8], operator[8];

	cr_assert_eq(sscanf(place, "%11s %7s %7s", located, registered, operator), 3);
	if (!place_kind_parse(located, &facts.place.kind))
		fill(&facts.place.located, located[0] == '-' ? "" : located);
	fill(&facts.place.registered, registered[0] == '-' ? "" : registered);
	fill(&facts.place.operator, operator[0] == '-' ? "" : operator);
	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", sni);
	return facts;
}

struct row {
	const char *place, *sni;
	const char *result, *rule;
	const char *vendor; /* NULL: unknown */
};

static void
expect_rows(const char *name, const struct row *rows, size_t count)
{
	struct source *source = source_from_disk();
	struct rules *rules = load(name, source);

	for (size_t i = 0; i < count; i++) {
		struct facts facts = facts_of(rows[i].place, rows[i].sni);
		struct verdict verdict;

		if (rows[i].vendor != NULL)
			(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "%s",
			    rows[i].vendor);
		judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
		cr_expect_str_eq(result_name(verdict.result), rows[i].result, "%s", rows[i].place);
		cr_expect_str_eq(verdict.rule, rows[i].rule, "%s: %s", rows[i].place, verdict.rule);
		cr_expect_str_eq(verdict.ruleset, name);
		/* No rule here asks for a name where it blocks, so the address decides. */
		if (verdict.result == RESULT_BLOCK) {
			judge(rules, VERDICT_ADDRESS, &facts, &verdict);
			cr_expect_eq(verdict.result, RESULT_BLOCK, "%s", rows[i].place);
		}
	}
	rules_free(rules);
	source_free(source);
}

Test(rulesets, eu_gdpr_decides_by_all_three_facts)
{
	static const struct row rows[] = {
	    {"DE DE DE", "a", "allow", "10", NULL},
	    {"NO FR IS", "a", "allow", "10", NULL},
	    {"DE/FR DE DE", "a", "allow", "10", NULL},
	    {"CH DE DE", "a", "allow", "20", NULL},
	    {"GB GB GB", "a", "allow", "20", NULL},
	    {"JP JP JP", "a", "allow", "30", NULL},
	    {"BR CH DE", "a", "allow", "30", NULL},
	    {"DE DE US", "a", "allow", "40", NULL}, /* a German server of Amazon */
	    {"DE US US", "a", "allow", "40", NULL},
	    {"US US US", "a", "allow", "40", NULL},
	    {"DE DE CN", "a", "block", "default", NULL}, /* a German server of Alibaba */
	    {"DE SG CN", "a", "block", "default", NULL},
	    {"CN CN CN", "a", "block", "default", NULL},
	    {"SG SG US", "a", "block", "default", NULL},
	    {"DE/CN DE DE", "a", "block", "default", NULL},
	    {"HK DE DE", "a", "block", "default", NULL},
	    {"GP FR FR", "a", "block", "default", NULL},
	    {"GL DK DK", "a", "block", "default", NULL},
	    {"- DE DE", "a", "block", "unknown", NULL},
	    {"DE - DE", "a", "block", "unknown", NULL},
	    {"DE DE -", "a", "block", "unknown", NULL},
	    {"- - -", "", "block", "unknown", NULL},
	    {"- - CN", "", "block", "unknown", NULL},
	    {"anycast US US", "a", "block", "unknown", NULL},
	    {"private - -", "a", "block", "unknown", NULL},
	    {"satellite US US", "a", "block", "unknown", NULL},
	};

	expect_rows("eu-gdpr", rows, sizeof(rows) / sizeof(rows[0]));
}

/* ---- switches: one line of a shipped set, written otherwise ---- */

static struct rules *
load_switched(const char *name, const char *line, const char *other)
{
	struct source *source = source_from_disk();
	struct problems problems = {0};
	struct rules *rules = rules_new();
	char path[512], changed[16384], whole[16384 + 256], *at;
	struct bytes text;
	struct err err;
	int count;

	(void)snprintf(path, sizeof(path), "%s/config/rulesets/%s.yaml", PROJECT_DIR, name);
	cr_assert_eq(source_read(source, path, &text, &err), 0);
	cr_assert_lt(text.left, sizeof(changed));
	memcpy(changed, text.at, text.left);
	changed[text.left] = '\0';
	at = strstr(changed, line);
	cr_assert_not_null(at, "%s has no line %s", name, line);
	*at = '\0';
	count = snprintf(whole, sizeof(whole), "%s%s%s", changed, other, at + strlen(line));
	cr_assert(count > 0 && (size_t)count < sizeof(whole));
	cr_assert_eq(rules_add(rules, "f", text_of(whole), &problems), 0);
	source_free(source);
	return rules;
}

Test(rulesets, switches_are_one_line_each)
{
	static const struct {
		const char *name, *line, *other;
		const char *place, *vendor;
		const char *before, *after; /* the deciding rules */
	} rows[] = {
	    {"eu-gdpr", "us_dpf: [\"US\"]", "us_dpf: []", "DE DE US", "", "40", "default"},
	    {"eu-gdpr", "home: \"@eea\"", "home: \"@eea+@outermost\"", "GP FR FR", "", "default",
		"10"},
	    {"uk", "us_extension: [\"US\"]", "us_extension: []", "GB GB US", "", "40", "default"},
	    {"uk", "faroe: []", "faroe: [\"FO\"]", "FO FO GB", "", "default", "20"},
	    {"us-padfa", "sars: []", "sars: [\"HK\", \"MO\"]", "HK US US", "", "default", "10"},
	    {"ro", "us_dpf: [\"US\"]", "us_dpf: []", "DE DE US", "", "40", "default"},
	    {"ro", "overlay: []", "overlay: \"@home+@adequate+@conditional+@us_dpf\"", "DE US US",
		"Hikvision", "40", "overlay"},
	    {"rs", "ru_party: [\"RU\"]", "ru_party: []", "RU RU RU", "", "50", "default"},
	    {"rs", "us_listed: []", "us_listed: [\"US\"]", "DE DE US", "", "default", "40"},
	    {"au", "prescribed: []", "prescribed: [\"NZ\"]", "NZ NZ AU", "", "default", "20"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct facts facts = facts_of(rows[i].place, "a");

		(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "%s",
		    rows[i].vendor);
		for (size_t on = 0; on < 2; on++) {
			struct rules *rules = load_switched(rows[i].name, rows[i].line,
			    on == 0 ? rows[i].line : rows[i].other);
			struct verdict verdict;

			judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
			cr_expect_str_eq(verdict.rule, on == 0 ? rows[i].before : rows[i].after,
			    "%s %s: %s", rows[i].name, rows[i].line, verdict.rule);
			rules_free(rules);
		}
	}
}

Test(rulesets, uk_decides_by_all_three_facts)
{
	static const struct row rows[] = {
	    {"GB GB GB", "a", "allow", "10", NULL},
	    {"DE GB GB", "a", "allow", "20", NULL},
	    {"GI GB GB", "a", "allow", "20", NULL},
	    {"CH NZ DE", "a", "allow", "20", NULL},
	    {"KR KR GB", "a", "allow", "30", NULL},
	    {"GB GB US", "a", "allow", "40", NULL},
	    {"DE DE CN", "a", "block", "default", NULL},
	    {"CN CN CN", "a", "block", "default", NULL},
	    {"BR GB GB", "a", "block", "default", NULL},
	    {"FO GB GB", "a", "block", "default", NULL},
	    {"GB/CN GB GB", "a", "block", "default", NULL},
	    {"GB GB -", "a", "block", "unknown", NULL},
	    {"anycast GB GB", "a", "block", "unknown", NULL},
	    {"private - -", "a", "block", "unknown", NULL},
	};

	expect_rows("uk", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, us_28cfr202_blocks_what_touches_a_country_of_concern)
{
	static const struct row rows[] = {
	    {"US US US", "a", "allow", "default", NULL},
	    {"DE DE US", "a", "allow", "default", NULL},
	    {"TW TW TW", "a", "allow", "default", NULL},
	    {"CN CN CN", "a", "block", "10", NULL},
	    {"HK US US", "a", "block", "10", NULL},
	    {"MO - -", "a", "block", "10", NULL},
	    {"US/CN US US", "a", "block", "10", NULL},
	    {"DE SG CN", "a", "block", "20", NULL},
	    {"- - RU", "a", "block", "20", NULL},
	    {"VE VE US", "a", "block", "10", NULL},
	    {"US CU US", "a", "block", "30", NULL},
	    {"US IR US", "a", "block", "30", NULL},
	    {"US KP US", "a", "block", "30", NULL},
	    {"US US -", "a", "observe", "unknown", NULL},
	    {"anycast US US", "a", "observe", "unknown", NULL},
	    {"anycast US CN", "a", "block", "20", NULL},
	    {"private - -", "a", "observe", "unknown", NULL},
	};

	expect_rows("us-28cfr202", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, us_padfa_has_a_shorter_list)
{
	static const struct row rows[] = {
	    {"US US US", "a", "allow", "default", NULL},
	    {"CN CN CN", "a", "block", "10", NULL},
	    {"DE DE CN", "a", "block", "20", NULL},
	    {"DE RU DE", "a", "block", "30", NULL},
	    {"IR DE DE", "a", "block", "10", NULL},
	    {"KP DE DE", "a", "block", "10", NULL},
	    {"CU CU CU", "a", "allow", "default", NULL},
	    {"VE VE VE", "a", "allow", "default", NULL},
	    {"HK HK HK", "a", "allow", "default", NULL},
	    {"- US US", "a", "observe", "unknown", NULL},
	    {"anycast US US", "a", "observe", "unknown", NULL},
	    {"satellite RU US", "a", "block", "30", NULL},
	    {"private - -", "a", "observe", "unknown", NULL},
	};

	expect_rows("us-padfa", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, us_889_finds_equipment_and_blocks_nothing)
{
	static const struct row rows[] = {
	    {"DE US US", "a", "observe", "named", "Hikvision"},
	    {"CN CN CN", "a", "observe", "named", "dahua"},
	    {"- - -", "a", "observe", "named", "ZTE"},
	    {"US US US", "a", "observe", "rebrand", "Lorex"},
	    {"US US US", "a", "observe", "default", "Axis"},
	    {"CN CN CN", "a", "observe", "default", NULL},
	    {"CN CN -", "a", "observe", "unknown", NULL},
	    {"anycast US US", "a", "observe", "named", "Hikvision"},
	    {"private - -", "a", "observe", "unknown", NULL},
	};

	expect_rows("us-889", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, cz_nukib_asks_for_the_place_and_the_operators_seat)
{
	static const struct row rows[] = {
	    {"CZ CZ CZ", "a", "allow", "default", NULL},
	    {"RU RU RU", "a", "allow", "default", NULL},
	    {"CN CN CN", "a", "block", "place", NULL},
	    {"HK CZ CZ", "a", "block", "place", NULL},
	    {"CZ/MO CZ CZ", "a", "block", "place", NULL},
	    {"DE SG CN", "a", "block", "seat", NULL},
	    {"- - HK", "a", "block", "seat", NULL},
	    {"DE CN DE", "a", "observe", "registered", NULL},
	    {"CZ CZ -", "a", "observe", "unknown", NULL},
	    {"anycast US US", "a", "observe", "unknown", NULL},
	    {"anycast US CN", "a", "block", "seat", NULL},
	    {"private - -", "a", "observe", "unknown", NULL},
	};

	expect_rows("cz-nukib", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, ro_is_the_eu_and_an_overlay_that_is_off)
{
	static const struct row rows[] = {
	    {"RO RO RO", "a", "allow", "10", NULL},
	    {"RO RO RO", "a", "allow", "10", "Hikvision"},
	    {"CH DE DE", "a", "allow", "20", NULL},
	    {"JP JP JP", "a", "allow", "30", NULL},
	    {"DE US US", "a", "allow", "40", "Hikvision"},
	    {"DE DE CN", "a", "block", "default", NULL},
	    {"MD RO RO", "a", "block", "default", NULL},
	    {"- RO RO", "a", "block", "unknown", NULL},
	    {"anycast US US", "a", "block", "unknown", NULL},
	    {"private - -", "a", "block", "unknown", NULL},
	};

	expect_rows("ro", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, rs_follows_convention_108_and_shows_russia_apart)
{
	static const struct row rows[] = {
	    {"RS RS RS", "a", "allow", "10", NULL},
	    {"DE RS RS", "a", "allow", "20", NULL},
	    {"TR AZ RS", "a", "allow", "20", NULL},
	    {"TN TN TN", "a", "allow", "20", NULL},
	    {"NZ RS RS", "a", "allow", "30", NULL},
	    {"JP JP JP", "a", "allow", "40", NULL},
	    {"RU RS RS", "a", "allow", "50", NULL},
	    {"DE DE RU", "a", "allow", "50", NULL},
	    {"DE DE US", "a", "block", "default", NULL},
	    {"DE DE CN", "a", "block", "default", NULL},
	    {"HK HK HK", "a", "block", "default", NULL},
	    {"RS RS -", "a", "block", "unknown", NULL},
	    {"anycast RS RS", "a", "block", "unknown", NULL},
	    {"private - -", "a", "block", "unknown", NULL},
	};

	expect_rows("rs", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, au_lists_what_leaves_and_blocks_nothing)
{
	static const struct row rows[] = {
	    {"AU AU AU", "a", "allow", "10", NULL},
	    {"AU AU US", "a", "observe", "default", NULL},
	    {"NZ AU AU", "a", "observe", "default", NULL},
	    {"CN CN CN", "a", "observe", "default", NULL},
	    {"AU - AU", "a", "observe", "unknown", NULL},
	    {"anycast AU AU", "a", "observe", "unknown", NULL},
	    {"private - -", "a", "observe", "unknown", NULL},
	};

	expect_rows("au", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, lab_observe_blocks_nothing)
{
	static const struct row rows[] = {
	    {"DE DE DE", "a", "observe", "inside", NULL},
	    {"DE DE DE", "", "observe", "no-name", NULL},
	    {"DE DE CN", "a", "observe", "partly-outside", NULL},
	    {"DE - -", "a", "observe", "partly-outside", NULL},
	    {"CN CN CN", "a", "observe", "default", NULL},
	    {"- - -", "a", "observe", "unknown", NULL},
	    {"anycast US US", "a", "observe", "unknown", NULL},
	    {"private - -", "a", "observe", "unknown", NULL},
	};

	expect_rows("lab-observe", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, each_says_who_looked_at_it_and_until_when)
{
	static const char *const names[] = {"eu-gdpr", "lab-observe", "uk", "us-28cfr202",
	    "us-padfa", "us-889", "cz-nukib", "ro", "rs", "au"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct source *source = source_from_disk();
		struct rules *rules = load(names[i], source);
		struct ruleset_about about = rules_about(rules, 0);

		cr_expect_str_eq(about.id, names[i]);
		cr_expect_str_not_empty(about.jurisdiction);
		cr_expect_str_not_empty(about.reviewed);
		cr_expect_str_not_empty(about.expires);
		rules_free(rules);
		source_free(source);
	}
}
