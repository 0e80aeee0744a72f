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
	char located[8], registered[8], operator[8];

	cr_assert_eq(sscanf(place, "%7s %7s %7s", located, registered, operator), 3);
	fill(&facts.place.located, located[0] == '-' ? "" : located);
	fill(&facts.place.registered, registered[0] == '-' ? "" : registered);
	fill(&facts.place.operator, operator[0] == '-' ? "" : operator);
	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", sni);
	return facts;
}

struct row {
	const char *place, *sni;
	const char *result, *rule;
};

static void
expect_rows(const char *name, const struct row *rows, size_t count)
{
	struct source *source = source_from_disk();
	struct rules *rules = load(name, source);

	for (size_t i = 0; i < count; i++) {
		struct facts facts = facts_of(rows[i].place, rows[i].sni);
		struct verdict verdict;

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
	    {"DE DE DE", "a", "allow", "10"},
	    {"NO FR IS", "a", "allow", "10"},
	    {"DE/FR DE DE", "a", "allow", "10"},
	    {"CH DE DE", "a", "allow", "20"},
	    {"GB GB GB", "a", "allow", "20"},
	    {"JP JP JP", "a", "allow", "30"},
	    {"BR CH DE", "a", "allow", "30"},
	    {"DE DE US", "a", "allow", "40"}, /* a German server of Amazon */
	    {"DE US US", "a", "allow", "40"},
	    {"US US US", "a", "allow", "40"},
	    {"DE DE CN", "a", "block", "default"}, /* a German server of Alibaba */
	    {"DE SG CN", "a", "block", "default"},
	    {"CN CN CN", "a", "block", "default"},
	    {"SG SG US", "a", "block", "default"},
	    {"DE/CN DE DE", "a", "block", "default"},
	    {"HK DE DE", "a", "block", "default"},
	    {"GP FR FR", "a", "block", "default"},
	    {"GL DK DK", "a", "block", "default"},
	    {"- DE DE", "a", "block", "unknown"},
	    {"DE - DE", "a", "block", "unknown"},
	    {"DE DE -", "a", "block", "unknown"},
	    {"- - -", "", "block", "unknown"},
	    {"- - CN", "", "block", "unknown"},
	};

	expect_rows("eu-gdpr", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, eu_gdpr_drops_the_us_by_one_line)
{
	struct source *source = source_from_disk();
	struct problems problems = {0};
	struct rules *rules = rules_new();
	char path[512], changed[16384];
	struct verdict verdict;
	struct facts facts = facts_of("DE DE US", "a");
	struct bytes text;
	struct err err;
	char *line;

	(void)snprintf(path, sizeof(path), "%s/config/rulesets/eu-gdpr.yaml", PROJECT_DIR);
	cr_assert_eq(source_read(source, path, &text, &err), 0);
	cr_assert_lt(text.left, sizeof(changed));
	memcpy(changed, text.at, text.left);
	changed[text.left] = '\0';
	line = strstr(changed, "us_dpf: [\"US\"]");
	cr_assert_not_null(line);
	memcpy(line, "us_dpf: []    ", strlen("us_dpf: [\"US\"]"));
	cr_assert_eq(rules_add(rules, "f", text_of(changed), &problems), 0);
	judge(rules, VERDICT_ADDRESS, &facts, &verdict);
	cr_expect_eq(verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(verdict.rule, "default");
	rules_free(rules);
	source_free(source);
}

Test(rulesets, lab_observe_blocks_nothing)
{
	static const struct row rows[] = {
	    {"DE DE DE", "a", "observe", "inside"},
	    {"DE DE DE", "", "observe", "no-name"},
	    {"DE DE CN", "a", "observe", "partly-outside"},
	    {"DE - -", "a", "observe", "partly-outside"},
	    {"CN CN CN", "a", "observe", "default"},
	    {"- - -", "a", "observe", "unknown"},
	};

	expect_rows("lab-observe", rows, sizeof(rows) / sizeof(rows[0]));
}

Test(rulesets, each_says_who_looked_at_it_and_until_when)
{
	static const char *const names[] = {"eu-gdpr", "lab-observe"};

	for (size_t i = 0; i < 2; i++) {
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

/* ---- the manual ---- */

/* Take the next ```yaml block out of text; NULL when there is none. */
static char *
next_example(char **text)
{
	static const char fence[] = "```yaml\n";
	char *begin = strstr(*text, fence), *end;

	if (begin == NULL)
		return NULL;
	begin += sizeof(fence) - 1;
	end = strstr(begin, "```");
	cr_assert_not_null(end);
	*end = '\0';
	*text = end + 1;
	return begin;
}

Test(rulesets, the_manuals_examples_load_and_decide_as_it_says)
{
	static const struct {
		const char *ruleset;
		const char *place, *vendor;
		const char *result, *rule;
		bool shadow;
	} rows[] = {
	    {"site-north", "DE DE CH", "", "allow", "near", false},
	    {"site-north", "DE DE US", "", "block", "default", false},
	    {"site-north", "DE DE US", "Axis", "allow", "vendor", false},
	    {"site-north", "DE DE -", "", "block", "unknown", false},
	    {"one-vendor", "CN CN CN", "Hikvision", "allow", "cloud", false},
	    {"one-vendor", "DE DE DE", "Dahua", "block", "default", false},
	    {"not-there", "DE DE CN", "", "block", "listed", false},
	    {"not-there", "DE DE DE", "", "allow", "default", false},
	    {"not-there", "- DE DE", "", "observe", "unknown", false},
	    {"one-vendor-trial", "DE DE DE", "Dahua", "observe", "default", true},
	};
	static char manual[65536];
	struct source *source = source_from_disk();
	char path[512], *at = manual, *example;
	struct problems problems = {0};
	struct bytes text;
	struct err err;
	size_t tried = 0, examples = 0;

	(void)snprintf(path, sizeof(path), "%s/docs/rules.md", PROJECT_DIR);
	cr_assert_eq(source_read(source, path, &text, &err), 0, "%s", err.text);
	cr_assert_lt(text.left, sizeof(manual));
	memcpy(manual, text.at, text.left);
	while ((example = next_example(&at)) != NULL) {
		struct rules *rules = rules_new();
		char all[2000];

		examples++;
		cr_assert_eq(rules_add(rules, "rules.md", text_of(example), &problems), 0, "%s",
		    told(&problems, all, sizeof(all)));
		cr_expect_eq(problems.count, 0);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct facts facts = facts_of(rows[i].place, "cloud.example");
			struct verdict verdict;

			if (strcmp(rows[i].ruleset, rules_about(rules, 0).id) != 0)
				continue;
			tried++;
			facts.dst.port = 443;
			(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "%s",
			    rows[i].vendor);
			judge(rules, VERDICT_CERTIFICATE, &facts, &verdict);
			cr_expect_str_eq(result_name(verdict.result), rows[i].result, "row %zu", i);
			cr_expect_str_eq(verdict.rule, rows[i].rule, "row %zu: %s", i,
			    verdict.rule);
			cr_expect_eq(verdict.shadow, rows[i].shadow, "row %zu", i);
		}
		rules_free(rules);
	}
	cr_expect_eq(examples, 4);
	cr_expect_eq(tried, sizeof(rows) / sizeof(rows[0]));
	source_free(source);
}
