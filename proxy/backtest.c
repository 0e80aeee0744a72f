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
	KNOWN_SETS = 4096, /* of connections that are remembered, */
	KNOWN_WAYS = 2,    /* so many in each */
	INDEX_SLOTS = 2 * BACKTEST_ROWS_MAX,
	ROWS_FIRST = 64,
	PROGRESS_EVERY = 4096, /* connections */
	OFFSET_STEP_S = 900,   /* no clock is put forward or back within a quarter of an hour */
	MINUTE_US = 60000000,
	US_PER_S = 1000000,
	NO_ROW = -1,
};

/* When a connection was opened, as far as a rule asks. */
struct when {
	uint64_t minute; /* since 1970; 0: no rule asks */
	int32_t utc_offset_s;
};

/*
 * What was found for a connection, and the gist of its event: the next that
 * has the same bytes need not be decoded or judged.  Nothing is left out of
 * these bytes that a key of `match` looks at, but the time: that counts by the
 * minute, as the key `time` does, where a rule has it.
 */
struct known {
	bool used;
	bool same_by_other, unknown_place;
	enum backtest_change change;
	int32_t row;
	struct when when;
	uint64_t used_at; /* which connection: the one that was not for long gives way */
	size_t size;
	uint8_t bytes[EVENT_FRAME_MAX];
};

struct run {
	const struct backtest_wish *wish;
	struct backtest *out;
	struct err *err;
	struct known *known; /* KNOWN_SETS of KNOWN_WAYS */
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
	    [BACKTEST_UNTOLD] = "untold",
	    [BACKTEST_OTHER] = "other",
	};

	return names[change];
}

/* ---- two verdicts ---- */

static bool
is_difference(enum backtest_change change)
{
	return change != BACKTEST_SAME && change != BACKTEST_UNTOLD;
}

static enum backtest_change
compare(const struct rejudged *before, const struct rejudged *after)
{
	bool was = before->verdict.result == RESULT_BLOCK;
	bool is = after->verdict.result == RESULT_BLOCK;

	if (before->untold || after->untold)
		return BACKTEST_UNTOLD;
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

/* Every bit of value reaches the low ones, which pick the slot. */
static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
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
	size_t slot = row_hash(wanted) % INDEX_SLOTS;

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
		if (facts_name(facts)[0] != '\0')
			geo_vendor(side->geo, facts_name(facts), &facts->place);
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
	if (!is_difference(known->change))
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

/* ---- what is known already ---- */

static uint64_t
mix_bytes(uint64_t hash, const uint8_t *at, size_t count)
{
	for (uint64_t part; count >= sizeof(part); count -= sizeof(part), at += sizeof(part)) {
		memcpy(&part, at, sizeof(part));
		hash = mix(hash, part);
	}
	return hash;
}

/* Of where most differ: the destination, the device and the name stand in
 * front, the verdict and the way it was forwarded at the end. */
static uint64_t
gist_hash(const struct event_gist *gist, uint64_t hash)
{
	enum { FRONT = 96, END = 48 };
	size_t front = gist->size < FRONT ? gist->size : FRONT;
	size_t end = gist->size - front < END ? gist->size - front : END;

	hash = mix_bytes(mix(hash, gist->size), gist->bytes, front);
	return mix_bytes(hash, gist->bytes + gist->size - end, end);
}

static bool
is_known(const struct known *known, struct when when, const struct event_gist *gist)
{
	return known->used && known->size == gist->size && known->when.minute == when.minute &&
	       known->when.utc_offset_s == when.utc_offset_s &&
	       memcmp(known->bytes, gist->bytes, gist->size) == 0;
}

static struct when
when_opened(struct run *run, uint64_t opened_us)
{
	if (!run->asks_for_time)
		return (struct when){0};
	if (run->offset_at != opened_us / US_PER_S / OFFSET_STEP_S) {
		run->offset_at = opened_us / US_PER_S / OFFSET_STEP_S;
		run->utc_offset_s = clock_utc_offset_s(opened_us);
	}
	return (struct when){opened_us / MINUTE_US, run->utc_offset_s};
}

/* The place of a connection that is not known: the one unused for longest. */
static struct known *
pick_place(struct known *set)
{
	struct known *oldest = &set[0];

	for (size_t i = 1; i < KNOWN_WAYS; i++) {
		if (set[i].used_at < oldest->used_at)
			oldest = &set[i];
	}
	return oldest;
}

/* What is found of it, before or now; NULL: its facts cannot be read. */
static const struct known *
look_up(struct run *run, const struct replayed *replayed)
{
	const struct event_gist *gist = replayed->gist;
	struct when when = when_opened(run, gist->opened_wall_us);
	uint64_t hash = gist_hash(gist, mix(when.minute, (uint64_t)when.utc_offset_s));
	struct known *known, *set = &run->known[KNOWN_WAYS * (hash % KNOWN_SETS)];
	struct facts facts;

	for (size_t i = 0; i < KNOWN_WAYS; i++) {
		if (is_known(&set[i], when, gist)) {
			set[i].used_at = run->out->all.flows;
			return &set[i];
		}
	}
	if (replayed_facts(replayed, &facts) != 0)
		return NULL;
	known = pick_place(set);
	known->used = true;
	known->used_at = run->out->all.flows;
	known->when = when;
	known->size = gist->size;
	memcpy(known->bytes, gist->bytes, gist->size);
	facts.utc_offset_s = when.utc_offset_s;
	judge_both(run, &facts, known);
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

static enum replay_answer
take(void *context, const struct replayed *replayed)
{
	struct run *run = context;
	struct backtest *out = run->out;
	const struct traffic *traffic = &replayed->gist->traffic;
	const struct known *known = look_up(run, replayed);

	if (known == NULL)
		return REPLAY_DAMAGED;
	add(&out->all, traffic);
	add(&out->changed[known->change], traffic);
	if (known->change == BACKTEST_SAME)
		out->same_by_other += known->same_by_other ? 1 : 0;
	if (is_difference(known->change))
		add_to_row(run, known->row, replayed->gist->opened_wall_us, traffic);
	out->unknown_place += known->unknown_place ? 1 : 0;
	if (run->wish->progress != NULL && out->all.flows % PROGRESS_EVERY == 0)
		run->wish->progress(run->wish->context, out->all.flows, run->total);
	return run->failed ? REPLAY_STOP : REPLAY_TAKEN;
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
	run->known = calloc((size_t)KNOWN_SETS * KNOWN_WAYS, sizeof(*run->known));
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

	for (enum backtest_change i = BACKTEST_SAME; i < BACKTEST_CHANGE_COUNT; i++)
		count += is_difference(i) ? backtest->changed[i].flows : 0;
	return count;
}
