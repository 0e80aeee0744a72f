/* SPDX-License-Identifier: MIT */
#include "record/recorder_private.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "record/eve.h"
#include "record/sources.h"
#include "record/spool.h"
#include "record/store_devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	PRUNE_MS = 60000, /* retention is looked at this often */
	US_PER_S = 1000000,
};

/* ---- the store fails, and comes back ---- */

/* Nothing of the batch is kept: the spools are read again from where the
 * store is. */
static void
on_store_failed(struct recorder *recorder, uint64_t now_ms, const struct err *err)
{
	store_rollback(recorder->store);
	sources_rewind(recorder->sources);
	recorder_forget_orphans(recorder);
	recorder->own_seq = recorder->own_seq_committed;
	jsonw_clear(&recorder->lines);
	recorder->lines_first = 0;
	recorder->retry_ms = now_ms + RECORDER_RETRY_MS;
	recorder_note_error(recorder->status.store_error, &recorder->status.store_failing, err);
	if (err->kind != ERR_LIMIT) {
		store_close(recorder->store);
		recorder->store = NULL;
	}
}

/* A damaged file is kept for whoever can read it, under another name. */
static int
set_aside(const char *path, struct err *err)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char from[PATH_MAX], to[PATH_MAX];
	unsigned long long now_s = clock_wall_us() / US_PER_S;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if ((size_t)snprintf(from, sizeof(from), "%s%s", path, parts[i]) >= sizeof(from) ||
		    (size_t)snprintf(to, sizeof(to), "%s.damaged-%llu%s", path, now_s, parts[i]) >=
			sizeof(to))
			return err_set(err, ERR_LIMIT, "%s: the path is too long", path);
		if (rename(from, to) != 0 && i == 0)
			return err_sys(err, "%s", path);
	}
	return 0;
}

static int
read_progress(struct recorder *recorder, struct err *err)
{
	if (store_eve(recorder->store, &recorder->saved, err) != 0 ||
	    store_last_seq(recorder->store, recorder->epoch, EVENT_WORKER_MAX, &recorder->own_seq,
		err) != 0)
		return -1;
	recorder->own_seq_committed = recorder->own_seq;
	recorder->is_due = false;
	recorder_trust_saved(recorder);
	return 0;
}

/* A spool goes on from where the store is, which may be further than where
 * the spool says: the recorder was killed between the two. */
static int
seek_sources(struct recorder *recorder, struct err *err)
{
	if (recorder->sought)
		return 0;
	for (size_t i = 0; i < sources_count(recorder->sources); i++) {
		struct spool *spool = source_spool(sources_at(recorder->sources, i));
		uint64_t position;
		int got = store_spool(recorder->store, spool_id(spool), &position, err);

		if (got < 0)
			return -1;
		/* A place that the ring does not have is one of an older store. */
		if (got == 1)
			(void)spool_seek(spool, position, NULL);
	}
	sources_commit_seek(recorder->sources);
	recorder->sought = true;
	return 0;
}

static int
open_store(struct recorder *recorder, struct err *err)
{
	recorder->store = store_open(recorder->store_path, STORE_WRITE, err);
	if (recorder->store == NULL && err->kind == ERR_INPUT) {
		if (set_aside(recorder->store_path, err) != 0)
			return -1;
		recorder->status.store_replaced = true;
		recorder->store = store_open(recorder->store_path, STORE_WRITE, err);
	}
	if (recorder->store == NULL)
		return -1;
	if (read_progress(recorder, err) == 0 && seek_sources(recorder, err) == 0)
		return 0;
	store_close(recorder->store);
	recorder->store = NULL;
	return -1;
}

/* ---- one event ---- */

/* Tell the end of a connection that nobody else can tell. */
static void
complete_lost(struct facts *facts, uint64_t closed_wall_us, const struct traffic *left)
{
	facts->closed_wall_us = closed_wall_us;
	if (closed_wall_us > facts->opened_wall_us)
		facts->duration_us = closed_wall_us - facts->opened_wall_us;
	facts->end = END_LOST;
	facts->traffic = (struct traffic){.up = left->left_up,
	    .down = left->left_down,
	    .left_up = left->left_up,
	    .left_down = left->left_down};
	text_copy(facts->end_text, sizeof(facts->end_text),
	    "its worker ended; counted is what had left until then");
}

/* Find the facts of a lost connection: 1, or 0 when it has its end already. */
static int
find_lost(struct recorder *recorder, struct err *err)
{
	struct facts *facts = &recorder->event.facts;
	struct traffic left = facts->traffic;
	uint64_t closed_wall_us = facts->closed_wall_us;
	int got = store_find_open(recorder->store, facts->flow_id, facts, err);

	if (got == 1)
		complete_lost(facts, closed_wall_us, &left);
	return got;
}

/* Who is there and was before has no line: 1 when it is worth one, 0 not. */
static int
name_sighting(struct recorder *recorder, struct err *err)
{
	struct facts *facts = &recorder->event.facts;
	int known = 1;

	if (facts->sighting.kind < SIGHTING_IP_TAKEN) {
		known = store_knows_mac(recorder->store, facts->mac, err);
		facts->sighting.kind = known == 0 ? SIGHTING_NEW : SIGHTING_SEEN;
	}
	return known < 0 ? -1 : facts->sighting.kind >= SIGHTING_NEW;
}

/* Keep recorder->event and its lines. */
static int
keep_event(struct recorder *recorder, const char *site, struct err *err)
{
	struct recorded *event = &recorder->event;
	struct stored stored = {.event = event, .site = site};
	int got = 1;

	/* Whether a connection is open is told by the kind of its event alone. */
	if (event->head.kind == EVENT_OPEN)
		event->facts.closed_wall_us = 0;
	else if (event->facts.closed_wall_us == 0)
		event->facts.closed_wall_us = event->head.wall_us;
	if (event->head.kind == EVENT_LOST)
		got = find_lost(recorder, err);
	else if (event->head.kind == EVENT_SIGHTING)
		got = name_sighting(recorder, err);
	if (got < 0)
		return -1;
	stored.eve_version = got == 1 ? EVE_VERSION : 0;
	got = store_add(recorder->store, &stored, err);
	if (got < 0)
		return -1;
	if (got == 0) {
		recorder->status.doubled++;
		return 0;
	}
	if (stored.eve_version != 0)
		eve_add(&recorder->lines, &event->head, &event->facts, site);
	if (recorder->lines.failed)
		return err_set(err, ERR_NOMEM, "EVE: no memory");
	if (recorder->lines_first == 0)
		recorder->lines_first = store_last_id(recorder->store);
	recorder->lines_last = store_last_id(recorder->store);
	if (event->head.kind == EVENT_LOST && stored.eve_version != 0)
		recorder->status.lost++;
	return 0;
}

int
recorder_keep_lost(struct recorder *recorder, const struct spool_live *live, struct err *err)
{
	struct recorded *event = &recorder->event;

	memset(event, 0, sizeof(*event));
	event->head = (struct event_head){.kind = EVENT_LOST,
	    .worker = EVENT_WORKER_MAX,
	    .epoch = recorder->epoch,
	    .seq = recorder->own_seq + 1,
	    .wall_us = clock_wall_us()};
	event->facts.flow_id = live->flow_id;
	event->facts.closed_wall_us = event->head.wall_us;
	event->facts.traffic.left_up = live->left_up;
	event->facts.traffic.left_down = live->left_down;
	if (keep_event(recorder, recorder->site, err) != 0)
		return -1;
	recorder->own_seq++;
	return 0;
}

/* ---- one batch ---- */

static int
read_source(struct recorder *recorder, struct source *source, size_t most, struct err *err)
{
	struct spool *spool = source_spool(source);
	uint64_t before = spool_position(spool);
	const char *site = spool_site(spool);
	struct err broken = {0};
	int got = 0;

	for (size_t i = 0; i < most; i++) {
		got = spool_read(spool, &recorder->event, &broken);
		/* Under another's name they would take the place of its own. */
		if (got == 1 && recorder->event.head.worker != source_worker(source)) {
			recorder->status.altered++;
			got = -1;
		}
		if (got != 1)
			break;
		if (keep_event(recorder, site[0] != '\0' ? site : recorder->site, err) != 0)
			return -1;
	}
	if (got < 0) {
		recorder->status.altered += spool_skip(spool);
		recorder_look_for_orphans(recorder);
	}
	if (spool_position(spool) == before)
		return 0;
	return store_set_spool(recorder->store, spool_id(spool), spool_position(spool), err);
}

/* The spool of an earlier run is read to its end: tell the ends of the
 * connections that nobody took over. */
static int
finish_source(struct recorder *recorder, struct source *source, struct err *err)
{
	struct spool_live *live = calloc(SPOOL_LIVE_COUNT, sizeof(*live));
	size_t count;
	int ret = -1;

	if (live == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	count = spool_live_copy(source_spool(source), live);
	for (size_t i = 0; i < count; i++) {
		if (recorder_keep_lost(recorder, &live[i], err) != 0)
			goto out;
	}
	ret = store_drop_spool(recorder->store, spool_id(source_spool(source)), err);
	source_set_finished(source);
out:
	free(live);
	return ret;
}

static int
read_sources(struct recorder *recorder, struct err *err)
{
	size_t count = sources_count(recorder->sources);

	for (size_t i = 0; i < count; i++) {
		struct source *source = sources_at(recorder->sources, i);

		if (read_source(recorder, source, RECORDER_BATCH_MAX / count + 1, err) != 0)
			return -1;
		if (source_is_old(source) && spool_waiting(source_spool(source)) == 0 &&
		    finish_source(recorder, source, err) != 0)
			return -1;
	}
	return recorder_end_orphans(recorder, err);
}

static int
save_due(struct recorder *recorder, struct err *err)
{
	return recorder->is_due ? store_set_eve(recorder->store, &recorder->due, err) : 0;
}

/* Write what is there already: shows whether the store takes anything. */
static int
save_again(struct recorder *recorder, struct err *err)
{
	return store_set_eve(recorder->store, &recorder->saved, err);
}

static void
on_committed(struct recorder *recorder)
{
	if (recorder->lines_first != 0)
		recorder->status.recorded += recorder->lines_last - recorder->lines_first + 1;
	if (recorder->is_due)
		recorder->saved = recorder->due;
	recorder->is_due = false;
	recorder->own_seq_committed = recorder->own_seq;
	recorder->status.store_failing = false;
	recorder->status.spools_removed += sources_commit(recorder->sources);
}

typedef int work(struct recorder *recorder, struct err *err);

/* Do work in a transaction, which takes the EVE file's progress with it. */
static int
transact(struct recorder *recorder, work *what, struct err *err)
{
	jsonw_clear(&recorder->lines);
	recorder->lines_first = 0;
	if (store_begin(recorder->store, err) != 0 || what(recorder, err) != 0 ||
	    save_due(recorder, err) != 0 || store_commit(recorder->store, err) != 0)
		return -1;
	on_committed(recorder);
	return 0;
}

/* ---- retention ---- */

static int
prune(struct recorder *recorder, struct err *err)
{
	uint64_t now_us = clock_wall_us(), keep_us = recorder->keep_flows_s * US_PER_S;
	int count;

	if (keep_us >= now_us)
		return 0;
	count = store_prune(recorder->store, now_us - keep_us, now_us, err);
	if (count < 0)
		return -1;
	recorder->status.pruned += (uint64_t)count;
	if (count > 0)
		recorder->prune_ms = 0; /* there may be more: go on at the next turn */
	return 0;
}

static int
turn_prune(struct recorder *recorder, uint64_t now_ms, struct err *err)
{
	if (recorder->keep_flows_s == 0 || now_ms - recorder->prune_ms < PRUNE_MS)
		return 0;
	recorder->prune_ms = now_ms;
	if (transact(recorder, prune, err) != 0)
		return -1;
	return store_shrink(recorder->store, err);
}

/* ---- the turn ---- */

static bool
is_batch_due(struct recorder *recorder, uint64_t now_ms)
{
	uint64_t waiting = recorder_waiting(recorder);

	if (waiting == 0 && !sources_have_old(recorder->sources) && recorder->orphans.count == 0)
		return false;
	if (recorder->waiting_since_ms == 0)
		recorder->waiting_since_ms = now_ms;
	return waiting >= RECORDER_BATCH || now_ms - recorder->waiting_since_ms >= RECORDER_AGE_MS;
}

static int
turn_store(struct recorder *recorder, uint64_t now_ms, struct err *err)
{
	if (recorder->store == NULL && open_store(recorder, err) != 0)
		return -1;
	if (recorder_find_orphans(recorder, err) != 0)
		return -1;
	if (is_batch_due(recorder, now_ms)) {
		if (transact(recorder, read_sources, err) != 0)
			return -1;
		recorder->waiting_since_ms = 0;
		return 0;
	}
	if (recorder->is_due || recorder->status.store_failing)
		return transact(recorder, save_again, err);
	return turn_prune(recorder, now_ms, err);
}

void
recorder_turn(struct recorder *recorder, uint64_t now_ms)
{
	struct err err = {0};

	if (recorder->status.store_failing && now_ms < recorder->retry_ms)
		return;
	if (turn_store(recorder, now_ms, &err) != 0) {
		on_store_failed(recorder, now_ms, &err);
		return;
	}
	recorder_keep_eve(recorder, now_ms);
}

uint64_t
recorder_waiting(const struct recorder *recorder)
{
	return sources_waiting(recorder->sources);
}

int
recorder_finish(struct recorder *recorder)
{
	struct err err = {0};

	while (recorder_waiting(recorder) > 0 || sources_have_old(recorder->sources)) {
		if ((recorder->store == NULL && open_store(recorder, &err) != 0) ||
		    transact(recorder, read_sources, &err) != 0) {
			on_store_failed(recorder, clock_mono_ms(), &err);
			return -1;
		}
	}
	while (recorder->store != NULL && recorder->last_id < store_last_id(recorder->store)) {
		if (recorder_write_eve(recorder, &err) != 0)
			return -1;
	}
	if (recorder->store == NULL || recorder_sync_eve(recorder, clock_mono_ms(), &err) != 0)
		return -1;
	return transact(recorder, save_again, &err);
}

const struct recorder_status *
recorder_status(const struct recorder *recorder)
{
	return &recorder->status;
}

struct recorder *
recorder_open(const struct recorder_config *config, const int *fds, size_t count, struct err *err)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	struct err full = {0};

	if (recorder == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	if ((size_t)snprintf(recorder->store_path, sizeof(recorder->store_path), "%s/" STORE_FILE,
		config->state_dir) >= sizeof(recorder->store_path)) {
		(void)err_set(err, ERR_LIMIT, "%s: the path is too long", config->state_dir);
		goto fail;
	}
	text_copy(recorder->site, sizeof(recorder->site), config->site);
	recorder->keep_flows_s = config->keep_flows_s;
	recorder->epoch = config->epoch;
	recorder->has_eve = config->eve[0] != '\0';
	eve_file_init(&recorder->file, config->eve, config->eve_fd);
	recorder->sources = sources_open(fds, count, config->run_dir, err);
	if (recorder->sources == NULL)
		goto fail;
	if (open_store(recorder, &full) == 0)
		return recorder;
	if (full.kind == ERR_LIMIT) {
		recorder_note_error(recorder->status.store_error, &recorder->status.store_failing,
		    &full);
		return recorder;
	}
	(void)err_set(err, full.kind, "%s", full.text);
fail:
	recorder_close(recorder);
	return NULL;
}

void
recorder_close(struct recorder *recorder)
{
	if (recorder == NULL)
		return;
	store_close(recorder->store);
	sources_close(recorder->sources);
	eve_file_close(&recorder->file);
	jsonw_free(&recorder->lines);
	free(recorder);
}
