/* SPDX-License-Identifier: MIT */
#include "proxy/outcome.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/memfd.h"
#include "base/text.h"
#include "proxy/load.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

const char *
outcome_name(enum outcome_result result)
{
	static const char *const names[] = {"none", "reloaded", "refused", "failed"};

	return names[result];
}

/* ---- telling ---- */

void
outcome_sentence(const struct outcome *outcome, struct text *out)
{
	size_t errors = outcome->problems.errors;

	switch (outcome->result) {
	case OUTCOME_NONE:
		text_add(out, "not reloaded yet");
		break;
	case OUTCOME_RELOADED:
		text_add(out, "reloaded: generation %" PRIu64 " holds, after %" PRIu64 " ms",
		    outcome->generation, outcome->took_ms);
		break;
	case OUTCOME_REFUSED:
		text_add(out, "refused: %zu error%s; generation %" PRIu64 " stays", errors,
		    errors == 1 ? "" : "s", outcome->generation);
		break;
	case OUTCOME_FAILED:
		text_add(out, "failed: %s; generation %" PRIu64 " stays", outcome->why,
		    outcome->generation);
		break;
	}
}

static void
add_problem(const struct problem *problem, struct text *out)
{
	text_add(out, "%s:", problem->file);
	if (problem->line > 0)
		text_add(out, "%u:%u:", problem->line, problem->column);
	text_add(out, " %s: %s", problem->warning ? "warning" : "error", problem->text);
}

void
outcome_first(const struct outcome *outcome, struct text *out)
{
	const struct problems *problems = &outcome->problems;

	if (outcome->result == OUTCOME_FAILED)
		text_add(out, "%s", outcome->why);
	for (size_t i = 0; outcome->result == OUTCOME_REFUSED && i < problems->count; i++) {
		if (problems->list[i].warning)
			continue;
		add_problem(&problems->list[i], out);
		return;
	}
}

void
outcome_text(const struct outcome *outcome, struct text *out)
{
	outcome_sentence(outcome, out);
	text_add(out, "\n");
	for (size_t i = 0; i < outcome->problems.count; i++) {
		add_problem(&outcome->problems.list[i], out);
		text_add(out, "\n");
	}
}

void
outcome_json(const struct outcome *outcome, struct jsonw *json)
{
	char date[CLOCK_TEXT_MAX], first[800];
	struct text text = text_in(first, sizeof(first));

	outcome_first(outcome, &text);
	jsonw_bool(json, "ok", outcome->result == OUTCOME_RELOADED);
	jsonw_string(json, "result", outcome_name(outcome->result));
	jsonw_number(json, "generation", outcome->generation);
	jsonw_string(json, "time", clock_text(outcome->wall_us, date));
	jsonw_number(json, "took_ms", outcome->took_ms);
	jsonw_string(json, "why", first);
	problems_json(&outcome->problems, json);
}

void
outcome_clear(struct outcome *outcome)
{
	problems_free(&outcome->problems);
	*outcome = (struct outcome){0};
}

/* ---- between processes ---- */

/*
 * A problem is: a byte that is 1 for a warning, line and column (each 24 bits,
 * more being said as the most), the file and the text, each with its length in
 * 16 bits before it.  Errors that were counted and not kept are said before
 * all, in 24 bits.
 */
enum { NUMBER_MAX = 0xffffff, PROBLEM_ROOM = 1 + 3 + 3 + 2 + 2, DELETE = 0x7f };

static uint8_t *
put_number(uint8_t *to, size_t number)
{
	uint32_t value = number < NUMBER_MAX ? (uint32_t)number : NUMBER_MAX;

	for (int shift = 16; shift >= 0; shift -= 8)
		*to++ = (uint8_t)(value >> shift);
	return to;
}

static uint8_t *
put_string(uint8_t *to, const char *text)
{
	size_t size = strlen(text);

	*to++ = (uint8_t)(size >> 8);
	*to++ = (uint8_t)size;
	for (size_t i = 0; i < size; i++)
		*to++ = (uint8_t)text[i];
	return to;
}

static size_t
count_errors(const struct problems *problems)
{
	size_t errors = 0;

	for (size_t i = 0; i < problems->count; i++)
		errors += !problems->list[i].warning;
	return errors;
}

int
outcome_seal(const struct problems *problems, struct err *err)
{
	uint8_t *bytes, *at;
	size_t size = 3;
	int fd;

	for (size_t i = 0; i < problems->count; i++)
		size +=
		    PROBLEM_ROOM + strlen(problems->list[i].file) + strlen(problems->list[i].text);
	bytes = malloc(size);
	if (bytes == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	at = put_number(bytes, problems->errors - count_errors(problems));
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		*at++ = problem->warning;
		at = put_number(at, problem->line);
		at = put_number(at, problem->column);
		at = put_string(at, problem->file);
		at = put_string(at, problem->text);
	}
	fd = memfd_seal("borderlens-problems", bytes, size, err);
	free(bytes);
	return fd;
}

/* Text that was made safe to print; a control character shows that it was not. */
static bool
take_string(struct bytes *in, char *out, size_t room)
{
	struct bytes text;

	if (!bytes_vec16(in, &text) || text.left >= room)
		return false;
	for (size_t i = 0; i < text.left; i++) {
		if (text.at[i] < ' ' || text.at[i] == DELETE)
			return false;
	}
	if (text.left > 0)
		memcpy(out, text.at, text.left);
	out[text.left] = '\0';
	return true;
}

static bool
take_problem(struct bytes *in, struct problems *problems)
{
	struct problem problem = {0};
	uint32_t line, column;
	uint8_t warning;

	if (!bytes_u8(in, &warning) || !bytes_u24(in, &line) || !bytes_u24(in, &column) ||
	    !take_string(in, problem.file, sizeof(problem.file)) ||
	    !take_string(in, problem.text, sizeof(problem.text)))
		return false;
	problem.warning = warning != 0;
	problem.line = line;
	problem.column = column;
	problems_copy(problems, &problem);
	return true;
}

int
outcome_read(struct bytes in, struct problems *problems, struct err *err)
{
	struct problems made = {0};
	uint32_t more;

	if (!bytes_u24(&in, &more))
		return err_set(err, ERR_INPUT, "the list of problems is not whole");
	while (in.left > 0) {
		if (!take_problem(&in, &made)) {
			problems_free(&made);
			return err_set(err, ERR_INPUT, "the list of problems is not whole");
		}
	}
	made.errors += more;
	problems_free(problems);
	*problems = made;
	return 0;
}

int
outcome_unseal(int fd, struct problems *problems, struct err *err)
{
	const uint8_t *at;
	size_t size;
	int ret;

	if (memfd_map(fd, &at, &size, err) != 0)
		return -1;
	ret = outcome_read((struct bytes){at, size}, problems, err);
	if (size > 0)
		(void)munmap((void *)(uintptr_t)at, size);
	return ret;
}
