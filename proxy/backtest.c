/* SPDX-License-Identifier: MIT */
#include "proxy/backtest.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "config/devices.h"
#include "config/rules.h"
#include "geo/geo.h"
#include "geo/ranges.h"
#include "proxy/rejudge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	KNOWN_MAX = 4096, /* connections that are remembered, one a slot */
	INDEX_SLOTS = 2 * BACKTEST_ROWS_MAX,
	ROWS_FIRST = 64,
	PROGRESS_EVERY = 4096, /* connections */
	OFFSET_STEP_S = 900,   /* no clock is put forward or back within a quarter of an hour */
	MINUTE_US = 60000000,
	US_PER_S = 1000000,
	NO_ROW = -1,
};

/*
 * What was found for a connection, and the facts that it was found for: the
 * next that is the same in all of them need not be judged.
 *
 * The same are two structs that are equal byte for byte but for what cannot
 * matter (`forget_what_cannot_matter`), so that a fact which a later version
 * adds makes two connections different before anybody thinks of it.
 */
struct known {
	bool used;
	enum backtest_change change;
	bool same_by_other, unknown_place;
	int32_t row;
	struct facts facts;
};

struct run {
	const struct backtest_wish *wish;
	struct backtest *out;
	struct err *err;
	struct known *known; /* KNOWN_MAX */
	int32_t *index;      /* INDEX_SLOTS: a row, or NO_ROW */
	size_t row_room;
	uint64_t total;
	bool asks_for_time;
	uint64_t offset_at; /* which quarter of an hour utc_offset_s is of */
	int32_t utc_offset_s;
	bool failed;
};

const char *
backtest_change_name(enum backtest_change change)
{
	static const char *const names[BACKTEST_CHANGE_COUNT] = {
	    [BACKTEST_SAME] = "same",
	    [BACKTEST_BLOCKED] = "blocked",
	    [BACKTEST_FREED] = "freed",
	    [BACKTEST_OPEN] = "open",
	    [BACKTEST_OTHER] = "other",
	};

	return names[change];
}

/* ---- two verdicts ---- */

static enum backtest_change
compare(const struct rejudged *before, const struct rejudged *after)
{
	bool was = before->verdict.result == RESULT_BLOCK;
	bool is = after->verdict.result == RESULT_BLOCK;

	if (was != is && is)
		return BACKTEST_BLOCKED;
	if (was != is)
		return after->open ? BACKTEST_OPEN : BACKTEST_FREED;
	if ((before->verdict.result == RESULT_LIMIT) != (after->verdict.result == RESULT_LIMIT) ||
	    before->verdict.shadow != after->verdict.shadow)
		return BACKTEST_OTHER;
	return BACKTEST_SAME;
}

static bool
same_rule(const struct verdict *a, const struct verdict *b)
{
	return strcmp(a->ruleset, b->ruleset) == 0 && strcmp(a->rule, b->rule) == 0;
}

static bool
is_place_unknown(const struct place *place)
{
	return place->located.count == 0 || place->registered.count == 0 ||
	       place->operator.count == 0;
}

/* ---- the rows ---- */

static bool
same_verdict(const struct verdict *a, const struct verdict *b)
{
	return a->result == b->result && a->shadow == b->shadow && same_rule(a, b) &&
	       strcmp(a->ruleset_version, b->ruleset_version) == 0;
}

static bool
is_row_of(const struct backtest_row *row, const struct backtest_row *wanted)
{
	return row->change == wanted->change && strcmp(row->device, wanted->device) == 0 &&
	       strcmp(row->sni, wanted->sni) == 0 &&
	       memcmp(row->dst.ip, wanted->dst.ip, sizeof(row->dst.ip)) == 0 &&
	       row->dst.port == wanted->dst.port && same_verdict(&row->before, &wanted->before) &&
	       same_verdict(&row->after, &wanted->after);
}

/* FNV-1a, by text and by eight bytes. */
static uint64_t
mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t
mix_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = mix(hash, (uint8_t)*text);
	return mix(hash, 0x100);
}

static uint64_t
mix_addr(uint64_t hash, const struct addr *addr)
{
	for (size_t i = 0; i < sizeof(addr->ip); i += sizeof(uint64_t)) {
		uint64_t part;

		memcpy(&part, addr->ip + i, sizeof(part));
		hash = mix(hash, part);
	}
	return mix(hash, addr->port);
}

/* The high bits are the well mixed ones. */
static size_t
slot_of(uint64_t hash, size_t slots)
{
	return (size_t)((hash ^ hash >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % slots;
}

static uint64_t
row_hash(const struct backtest_row *row)
{
	uint64_t hash = mix_text((uint64_t)row->change, row->device);

	hash = mix_text(mix_addr(hash, &row->dst), row->sni);
	hash = mix_text(mix_text(hash, row->before.ruleset), row->before.rule);
	return mix_text(mix_text(hash, row->after.ruleset), row->after.rule);
}

static bool
make_room(struct run *run)
{
	size_t room = run->row_room == 0 ? ROWS_FIRST : run->row_room * 2;
	struct backtest_row *rows;

	if (run->out->row_count < run->row_room)
		return true;
	rows = reallocarray(run->out->rows, room, sizeof(*rows));
	if (rows == NULL) {
		run->failed = true;
		(void)err_set(run->err, ERR_NOMEM, "no memory for what differs");
		return false;
	}
	run->out->rows = rows;
	run->row_room = room;
	return true;
}

/* Its row, made where there is none; NO_ROW: no room. */
static int32_t
find_row(struct run *run, const struct backtest_row *wanted)
{
	struct backtest *out = run->out;
	size_t slot = slot_of(row_hash(wanted), INDEX_SLOTS);

	for (; run->index[slot] != NO_ROW; slot = (slot + 1) % INDEX_SLOTS) {
		if (is_row_of(&out->rows[run->index[slot]], wanted))
			return run->index[slot];
	}
	if (out->row_count == BACKTEST_ROWS_MAX || !make_room(run))
		return NO_ROW;
	out->rows[out->row_count] = *wanted;
	run->index[slot] = (int32_t)out->row_count;
	return (int32_t)out->row_count++;
}

/* ---- judging ---- */

static void
judge_side(const struct backtest_side *side, const struct facts *recorded, struct facts *facts,
    struct rejudged *out)
{
	*facts = *recorded;
	*out = (struct rejudged){.verdict = recorded->verdict};
	if (side->geo != NULL) {
		facts->place = (struct place){0};
		geo_locate(side->geo, &facts->dst, &facts->place);
		if (facts->hello.sni[0] != '\0')
			geo_vendor(side->geo, facts->hello.sni, &facts->place);
	}
	if (side->rules != NULL)
		rejudge(side->rules, facts, out);
}

/* What no event has. */
static void
complete(const struct run *run, struct facts *facts)
{
	const struct device *device = devices_named(run->wish->devices, facts->device);

	if (device != NULL)
		text_copy(facts->group, sizeof(facts->group), device->group);
	if (!range_unwrap(&facts->dst, &facts->inner))
		facts->inner = facts->dst;
}

static void
judge_both(struct run *run, struct facts *facts, struct known *known)
{
	struct rejudged before, after;
	struct backtest_row row;
	struct facts placed;

	complete(run, facts);
	judge_side(&run->wish->before, facts, &placed, &before);
	judge_side(&run->wish->after, facts, &placed, &after);
	run->out->judged++;
	known->change = compare(&before, &after);
	known->same_by_other = !same_rule(&before.verdict, &after.verdict);
	known->unknown_place = is_place_unknown(&placed.place);
	known->row = NO_ROW;
	if (known->change == BACKTEST_SAME)
		return;
	row = (struct backtest_row){.change = known->change,
	    .dst = facts->dst,
	    .place = placed.place,
	    .before = before.verdict,
	    .after = after.verdict,
	    .first_us = facts->opened_wall_us};
	text_copy(row.device, sizeof(row.device), facts->device);
	text_copy(row.sni, sizeof(row.sni), facts->hello.sni);
	known->row = find_row(run, &row);
}

/*
 * Of the facts that two connections may differ in and are judged alike: what
 * tells one connection from another, and how it went.  No key of `match` looks
 * at these but `time`, which knows minutes.
 */
static void
forget_what_cannot_matter(const struct run *run, struct facts *facts)
{
	facts->flow_id = 0;
	facts->opened_wall_us -=
	    run->asks_for_time ? facts->opened_wall_us % MINUTE_US : facts->opened_wall_us;
	facts->closed_wall_us = 0;
	facts->duration_us = 0;
	facts->camera = (struct addr){0};
	memset(facts->iface, 0, sizeof(facts->iface));
	facts->traffic = (struct traffic){0};
	facts->end = END_NONE;
	memset(facts->end_text, 0, sizeof(facts->end_text));
}

/* Of the facts that differ most. */
static uint64_t
facts_hash(const struct facts *facts)
{
	uint64_t hash = mix_text(facts->opened_wall_us, facts->device);

	hash = mix_text(mix_addr(hash, &facts->dst), facts->hello.sni);
	return mix(mix_text(hash, facts->verdict.rule), (uint64_t)facts->inspect);
}

/* The same, found before or now.  facts become those of the others like it. */
static const struct known *
look_up(struct run *run, struct facts *facts)
{
	uint64_t opened_us = facts->opened_wall_us;
	struct facts given;
	struct known *known;

	if (run->asks_for_time && run->offset_at != opened_us / US_PER_S / OFFSET_STEP_S) {
		run->offset_at = opened_us / US_PER_S / OFFSET_STEP_S;
		run->utc_offset_s = clock_utc_offset_s(opened_us);
	}
	facts->utc_offset_s = run->utc_offset_s;
	forget_what_cannot_matter(run, facts);
	known = &run->known[slot_of(facts_hash(facts), KNOWN_MAX)];
	if (known->used && memcmp(&known->facts, facts, sizeof(*facts)) == 0)
		return known;
	known->used = true;
	memcpy(&known->facts, facts, sizeof(*facts)); /* padding too */
	given = *facts;
	given.opened_wall_us = opened_us;
	judge_both(run, &given, known);
	return known;
}

/* ---- the run ---- */

static void
add(struct backtest_total *total, const struct traffic *traffic)
{
	total->flows++;
	total->up += traffic->left_up;
	total->down += traffic->left_down;
}

static void
add_to_row(struct run *run, int32_t index, uint64_t opened_us, const struct traffic *traffic)
{
	struct backtest_row *row;

	if (index == NO_ROW) {
		run->out->unlisted++;
		return;
	}
	row = &run->out->rows[index];
	add(&row->total, traffic);
	row->last_us = opened_us;
}

static bool
take(void *context, struct facts *facts)
{
	struct run *run = context;
	struct backtest *out = run->out;
	const struct traffic traffic = facts->traffic;
	uint64_t opened_us = facts->opened_wall_us;
	const struct known *known = look_up(run, facts);

	add(&out->all, &traffic);
	add(&out->changed[known->change], &traffic);
	if (known->change == BACKTEST_SAME)
		out->same_by_other += known->same_by_other ? 1 : 0;
	else
		add_to_row(run, known->row, opened_us, &traffic);
	out->unknown_place += known->unknown_place ? 1 : 0;
	if (run->wish->progress != NULL && out->all.flows % PROGRESS_EVERY == 0)
		run->wish->progress(run->wish->context, out->all.flows, run->total);
	return !run->failed;
}

static int
compare_rows(const void *left, const void *right)
{
	const struct backtest_row *a = left, *b = right;

	if (a->total.up != b->total.up)
		return a->total.up < b->total.up ? 1 : -1;
	if (a->total.flows != b->total.flows)
		return a->total.flows < b->total.flows ? 1 : -1;
	return strcmp(a->device, b->device);
}

static int
start(struct run *run)
{
	const struct backtest_wish *wish = run->wish;

	run->asks_for_time =
	    rules_ask_for(wish->before.rules, "time") || rules_ask_for(wish->after.rules, "time");
	run->offset_at = UINT64_MAX;
	run->known = calloc(KNOWN_MAX, sizeof(*run->known));
	run->index = calloc(INDEX_SLOTS, sizeof(*run->index));
	if (run->known == NULL || run->index == NULL)
		return err_set(run->err, ERR_NOMEM, "no memory to replay connections");
	for (size_t i = 0; i < INDEX_SLOTS; i++)
		run->index[i] = NO_ROW;
	return 0;
}

int
backtest_run(struct store *store, const struct backtest_wish *wish, struct backtest *out,
    struct err *err)
{
	struct run run = {.wish = wish, .out = out, .err = err};
	int ret = -1;

	*out = (struct backtest){0};
	if (start(&run) != 0)
		goto out;
	if (wish->progress != NULL && replay_count(store, &wish->flows, &run.total, err) != 0)
		goto out;
	if (replay_read(store, &wish->flows, take, &run, &out->count, err) != 0 || run.failed)
		goto out;
	if (out->row_count > 0)
		qsort(out->rows, out->row_count, sizeof(*out->rows), compare_rows);
	ret = 0;
out:
	free(run.known);
	free(run.index);
	return ret;
}

void
backtest_free(struct backtest *backtest)
{
	free(backtest->rows);
	*backtest = (struct backtest){0};
}

uint64_t
backtest_differences(const struct backtest *backtest)
{
	uint64_t count = 0;

	for (enum backtest_change i = BACKTEST_SAME + 1; i < BACKTEST_CHANGE_COUNT; i++)
		count += backtest->changed[i].flows;
	return count;
}
