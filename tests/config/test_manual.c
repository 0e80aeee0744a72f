/* SPDX-License-Identifier: MIT */
/* docs/rules.md: its rule sets load, and its tables say what they decide. */
#include "config/judge.h"
#include "config/rules.h"
#include "tests/config/memory.h"

#include <stdlib.h>
#include <strings.h>

enum { CELLS_MAX = 12, CELL_MAX = 64 };

static char manual[65536];

static void
read_manual(void)
{
	struct source *source = source_from_disk();
	struct bytes text;
	struct err err;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/docs/rules.md", PROJECT_DIR);
	cr_assert_eq(source_read(source, path, &text, &err), 0, "%s", err.text);
	cr_assert_lt(text.left, sizeof(manual));
	memcpy(manual, text.at, text.left);
	manual[text.left] = '\0';
	source_free(source);
}

/* ---- tables ---- */

struct row {
	size_t count;
	char cells[CELLS_MAX][CELL_MAX];
};

/* "| a | b |" -> a, b.  False: the line is of no table. */
static bool
read_row(const char *line, struct row *row)
{
	row->count = 0;
	if (line[0] != '|')
		return false;
	for (line++; strchr(line, '|') != NULL && strchr(line, '|') < strchrnul(line, '\n');) {
		size_t size = strcspn(line, "|"), from = strspn(line, " "), to = size;

		while (to > from && line[to - 1] == ' ')
			to--;
		cr_assert(row->count < CELLS_MAX && to - from < CELL_MAX);
		(void)snprintf(row->cells[row->count++], CELL_MAX, "%.*s", (int)(to - from),
		    line + from);
		line += size + 1;
	}
	return true;
}

static void
fill_countries(struct countries *countries, const char *text)
{
	*countries = (struct countries){0};
	if (strcmp(text, "unknown") == 0)
		return;
	for (; text[0] != '\0'; text += text[2] == '/' ? 3 : 2)
		countries_add(countries, text);
}

/* "tue 05:59": of the week that began on 1970-01-05. */
static uint64_t
time_of(const char *text)
{
	static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
	enum { MONDAY = 4 };
	unsigned hour, minute;
	char name[4];

	cr_assert_eq(sscanf(text, "%3s %u:%u", name, &hour, &minute), 3, "%s", text);
	for (unsigned day = 0; day < 7; day++) {
		if (strcmp(name, days[day]) == 0)
			return (((MONDAY + day) * 24 + hour) * 60 + minute) * UINT64_C(60000000);
	}
	cr_assert_fail("%s", text);
	return 0;
}

static enum inspect
inspect_of(const char *text)
{
	for (enum inspect value = INSPECT_NONE; value <= INSPECT_UNDECODABLE; value++) {
		if (strcmp(text, inspect_name(value)) == 0)
			return value;
	}
	cr_assert_fail("%s", text);
	return INSPECT_NONE;
}

/* One field of a row; false when the column is none of a fact. */
static bool
set_fact(struct facts *facts, const char *column, const char *value)
{
	if (strcmp(column, "located") == 0) {
		if (!place_kind_parse(value, &facts->place.kind))
			fill_countries(&facts->place.located, value);
	} else if (strcmp(column, "registered") == 0) {
		fill_countries(&facts->place.registered, value);
	} else if (strcmp(column, "operator") == 0) {
		fill_countries(&facts->place.operator, value);
	} else if (strcmp(column, "network") == 0) {
		facts->place.asn = (uint32_t)strtoul(value, NULL, 10);
	} else if (strcmp(column, "vendor") == 0) {
		(void)snprintf(facts->place.vendor, sizeof(facts->place.vendor), "%s", value);
	} else if (strcmp(column, "group") == 0) {
		(void)snprintf(facts->group, sizeof(facts->group), "%s", value);
	} else if (strcmp(column, "name") == 0) {
		(void)snprintf(facts->hello.sni, sizeof(facts->hello.sni), "%s", value);
	} else if (strcmp(column, "port") == 0) {
		facts->dst.port = (uint16_t)strtoul(value, NULL, 10);
	} else if (strcmp(column, "inspect") == 0) {
		facts->inspect = inspect_of(value);
	} else if (strcmp(column, "proven") == 0) {
		facts->server.verified = strcmp(value, "yes") == 0;
	} else if (strcmp(column, "time") == 0) {
		facts->opened_wall_us = time_of(value);
	} else {
		return false;
	}
	return true;
}

/* As a connection is: what blocks early is not asked again, but for its flag. */
static void
judge_by_stages(const struct rules *rules, const struct facts *facts, struct verdict *verdict)
{
	struct verdict later;

	judge(rules, VERDICT_ADDRESS, facts, verdict);
	if (verdict->result == RESULT_BLOCK) {
		judge(rules, VERDICT_NAME, facts, &later);
		verdict->flag = later.flag;
		return;
	}
	judge(rules, VERDICT_NAME, facts, verdict);
	if (verdict->result != RESULT_BLOCK)
		judge(rules, VERDICT_CERTIFICATE, facts, verdict);
}

static bool
is_answer(const char *column)
{
	return strcmp(column, "verdict") == 0 || strcmp(column, "rule") == 0 ||
	       strcmp(column, "flag") == 0;
}

static void
expect_row(const struct rules *rules, const struct row *head, const struct row *row)
{
	struct facts facts = {
	    .hello.kind = HELLO_TLS,
	    .inspect = INSPECT_OPENED,
	    .server = {.verified = true, .handshake_done = true, .version = 0x0304},
	    .opened_wall_us = 1,
	    .dst.port = 443,
	};
	struct verdict verdict;
	char got[CELL_MAX];

	for (size_t i = 0; i < head->count; i++) {
		if (row->cells[i][0] != '\0' && !is_answer(head->cells[i]))
			cr_expect(set_fact(&facts, head->cells[i], row->cells[i]), "%s",
			    head->cells[i]);
	}
	judge_by_stages(rules, &facts, &verdict);
	for (size_t i = 0; i < head->count; i++) {
		const char *column = head->cells[i];

		(void)snprintf(got, sizeof(got), "%s", row->cells[i]);
		if (strcmp(column, "verdict") == 0)
			(void)snprintf(got, sizeof(got), "%s",
			    verdict.shadow ? "shadow block" : result_name(verdict.result));
		else if (strcmp(column, "rule") == 0)
			(void)snprintf(got, sizeof(got), "%s", verdict.rule);
		else if (strcmp(column, "flag") == 0)
			(void)snprintf(got, sizeof(got), "%s", verdict.flag.rule);
		cr_expect_str_eq(got, row->cells[i], "%s: %s is %s, and the manual says %s",
		    rules_about(rules, 0).id, column, got, row->cells[i]);
	}
}

/* The table behind a rule set; how many rows it has. */
static size_t
expect_table(const struct rules *rules, const char *at)
{
	const char *next = strstr(at, "```yaml\n");
	struct row head, row;
	size_t count = 0;

	at = strstr(at, "\n| located |");
	cr_assert(at != NULL && (next == NULL || at < next), "%s has no table",
	    rules_about(rules, 0).id);
	(void)read_row(++at, &head);
	at = strchr(at, '\n') + 1; /* the head */
	for (at = strchr(at, '\n') + 1; read_row(at, &row); at = strchr(at, '\n') + 1) {
		cr_assert_eq(row.count, head.count);
		expect_row(rules, &head, &row);
		count++;
	}
	return count;
}

Test(manual, its_rule_sets_decide_as_its_tables_say)
{
	static const char fence[] = "```yaml\nruleset:"; /* a whole set */
	size_t rows = 0, sets = 0;
	char *at = manual;

	read_manual();
	while ((at = strstr(at, fence)) != NULL) {
		struct rules *rules = rules_new();
		struct problems problems = {0};
		char *end, all[2000];

		at += sizeof("```yaml\n") - 1;
		end = strstr(at, "```");
		cr_assert_not_null(end);
		*end = '\0';
		cr_assert_eq(rules_add(rules, "rules.md", text_of(at), &problems), 0, "%s",
		    told(&problems, all, sizeof(all)));
		cr_expect_eq(problems.count, 0, "%s", told(&problems, all, sizeof(all)));
		rows += expect_table(rules, end + 1);
		sets++;
		at = end + 1;
		rules_free(rules);
		problems_free(&problems);
	}
	cr_expect_eq(sets, 4);
	cr_expect_geq(rows, 30);
}

Test(manual, teaches_every_key)
{
	struct rules_keyword keywords[64];
	size_t count = rules_keywords(keywords, 64);
	char row[64];

	read_manual();
	cr_expect_gt(count, 20);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(row, sizeof(row), "\n| `%s` | ", keywords[i].name);
		cr_expect_not_null(strstr(manual, row), "%s", keywords[i].name);
		cr_expect_str_not_empty(keywords[i].value);
		cr_expect_str_not_empty(keywords[i].meaning);
	}
}
