/* SPDX-License-Identifier: MIT */
#include "proxy/outcome.h"

#include "base/err.h"
#include "base/jsonw.h"
#include "base/memfd.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct problems
some(void)
{
	struct problems problems = {0};

	problems_warning(&problems, "rules.yaml", 0, 0, "rule set x expired");
	problems_error(&problems, "/e/borderlens.yaml", 7, 3, "unknown key 'gate\x1bwai'");
	problems_error(&problems, "db.mmdb", 0, 0, "no tree");
	return problems;
}

static void
expect_same(const struct problems *got, const struct problems *want)
{
	cr_assert_eq(got->count, want->count);
	cr_expect_eq(got->errors, want->errors);
	for (size_t i = 0; i < want->count; i++) {
		cr_expect_str_eq(got->list[i].file, want->list[i].file);
		cr_expect_str_eq(got->list[i].text, want->list[i].text);
		cr_expect_eq(got->list[i].line, want->list[i].line);
		cr_expect_eq(got->list[i].column, want->list[i].column);
		cr_expect_eq(got->list[i].warning, want->list[i].warning);
	}
}

Test(outcome, problems_come_through_as_they_are)
{
	struct problems problems = some(), got = {0};
	struct err err = {0};
	int fd = outcome_seal(&problems, &err);

	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert_eq(outcome_unseal(fd, &got, &err), 0, "%s", err.text);
	expect_same(&got, &problems);
	(void)close(fd);
	problems_free(&problems);
	problems_free(&got);
}

/* More than are kept are counted all the same. */
Test(outcome, errors_that_were_not_kept_are_counted)
{
	struct problems problems = {0}, got = {0};
	int fd;

	for (unsigned i = 0; i < 700; i++)
		problems_error(&problems, "rules.yaml", i + 1, 1, "wrong");
	fd = outcome_seal(&problems, NULL);
	cr_assert_eq(outcome_unseal(fd, &got, NULL), 0);
	expect_same(&got, &problems);
	cr_expect_eq(got.errors, 700U);
	(void)close(fd);
	problems_free(&problems);
	problems_free(&got);
}

/* Whole, cut at each byte, and with each byte changed. */
Test(outcome, bytes_that_are_no_list_are_refused_or_harmless)
{
	struct problems problems = some();
	int fd = outcome_seal(&problems, NULL);
	const uint8_t *at;
	uint8_t *copy;
	size_t size;

	cr_assert_eq(memfd_map(fd, &at, &size, NULL), 0);
	copy = malloc(size);
	cr_assert_not_null(copy);
	for (size_t cut = 0; cut < size; cut++) {
		struct problems got = {0};

		/* A list that ends between two problems is a shorter list. */
		if (outcome_read((struct bytes){at, cut}, &got, NULL) == 0)
			cr_expect_lt(got.count, problems.count);
		else
			cr_expect_eq(got.count + got.errors, 0U);
		problems_free(&got);
	}
	for (size_t i = 0; i < size; i++) {
		struct problems got = {0};

		memcpy(copy, at, size);
		copy[i] ^= 0xff;
		(void)outcome_read((struct bytes){copy, size}, &got, NULL);
		problems_free(&got);
	}
	free(copy);
	(void)munmap((void *)(uintptr_t)at, size);
	(void)close(fd);
	problems_free(&problems);
}

/* What reaches a terminal or the log was made safe, or is not taken. */
Test(outcome, control_characters_are_refused)
{
	static const uint8_t bell[] = {0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 'f', 0, 1, 7};
	static const uint8_t good[] = {0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1, 'f', 0, 1, '7'};
	struct problems got = {0};
	struct err err = {0};

	cr_expect_eq(outcome_read((struct bytes){bell, sizeof(bell)}, &got, &err), -1);
	cr_expect_eq(err.kind, ERR_INPUT);
	cr_expect_eq(outcome_read((struct bytes){good, sizeof(good)}, &got, NULL), 0);
	cr_expect_eq(got.count, 1U);
	problems_free(&got);
}

Test(outcome, says_what_came_of_it)
{
	static const struct {
		struct outcome outcome;
		const char *sentence, *first;
	} rows[] = {
	    {{.result = OUTCOME_NONE}, "not reloaded yet", ""},
	    {{.result = OUTCOME_RELOADED, .generation = 3, .took_ms = 12},
		"reloaded: generation 3 holds, after 12 ms", ""},
	    {{.result = OUTCOME_FAILED, .generation = 2, .why = "worker 1 died"},
		"failed: worker 1 died; generation 2 stays", "worker 1 died"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char sentence[300], first[300];
		struct text text = text_in(sentence, sizeof(sentence));

		outcome_sentence(&rows[i].outcome, &text);
		text = text_in(first, sizeof(first));
		outcome_first(&rows[i].outcome, &text);
		cr_expect_str_eq(sentence, rows[i].sentence);
		cr_expect_str_eq(first, rows[i].first);
	}
}

Test(outcome, tells_each_problem_by_its_place)
{
	struct outcome outcome = {.result = OUTCOME_REFUSED, .generation = 4, .problems = some()};
	char all[600], first[300];
	struct text text = text_in(all, sizeof(all));
	struct jsonw json = {0};

	outcome_text(&outcome, &text);
	cr_expect_str_eq(all, "refused: 2 errors; generation 4 stays\n"
			      "rules.yaml: warning: rule set x expired\n"
			      "/e/borderlens.yaml:7:3: error: unknown key 'gate\\x1bwai'\n"
			      "db.mmdb: error: no tree\n");
	text = text_in(first, sizeof(first));
	outcome_first(&outcome, &text);
	cr_expect_str_eq(first, "/e/borderlens.yaml:7:3: error: unknown key 'gate\\x1bwai'");
	jsonw_open(&json, NULL);
	outcome_json(&outcome, &json);
	jsonw_close(&json);
	cr_expect_not_null(strstr(json.at, "\"ok\":false,\"result\":\"refused\",\"generation\":4"),
	    "%s", json.at);
	cr_expect_not_null(strstr(json.at, "\"line\":7,\"column\":3"), "%s", json.at);
	jsonw_free(&json);
	outcome_clear(&outcome);
	outcome_clear(&outcome);
}
