/* SPDX-License-Identifier: MIT */
#include "record/store_private.h"

#include "base/err.h"
#include "record/columns.h"
#include "record/store_devices.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

/* ---- keeping ---- */

static void
put_number(uint8_t *to, uint64_t value)
{
	for (int i = 7; i >= 0; i--) {
		to[i] = (uint8_t)value;
		value >>= 8;
	}
}

/* The hash over a row whose frame is at hand. */
static void
hash_row(const uint8_t before[STORE_HASH_BYTES], const struct stored *stored,
    const struct bytes *frame, uint8_t out[STORE_HASH_BYTES])
{
	static EVP_MD_CTX *hash; /* one for the process: making one costs more than hashing */
	const struct event_head *head = &stored->event->head;
	const uint64_t numbers[] = {head->epoch, head->worker, head->seq, (uint64_t)head->kind,
	    head->wall_us, stored->event->facts.flow_id, stored->eve_version};
	uint8_t row[sizeof(numbers)];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_number(row + 8 * i, numbers[i]);
	if (hash == NULL)
		hash = EVP_MD_CTX_new();
	assert(hash != NULL);
	(void)EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
	(void)EVP_DigestUpdate(hash, before, STORE_HASH_BYTES);
	(void)EVP_DigestUpdate(hash, row, sizeof(row));
	(void)EVP_DigestUpdate(hash, frame->at, frame->left);
	(void)EVP_DigestUpdate(hash, stored->site, strlen(stored->site));
	(void)EVP_DigestFinal_ex(hash, out, NULL);
}

void
store_hash(const uint8_t before[STORE_HASH_BYTES], const struct stored *stored,
    uint8_t out[STORE_HASH_BYTES])
{
	uint8_t frame[EVENT_FRAME_MAX];
	struct bytes in = {frame, event_encode(&stored->event->head, &stored->event->facts, frame)};

	hash_row(before, stored, &in, out);
}

static int
add_event(struct store *store, const struct stored *stored, struct err *err)
{
	sqlite3_stmt *insert = store_prepare(store, INSERT_EVENT, err);
	const struct event_head *head = &stored->event->head;
	uint8_t hash[STORE_HASH_BYTES], frame[EVENT_FRAME_MAX];
	struct bytes in = {frame, event_encode(head, &stored->event->facts, frame)};

	if (insert == NULL)
		return -1;
	hash_row(store->last_hash, stored, &in, hash);
	store_bind(insert, 1, store->last_id + 1);
	store_bind(insert, 2, head->epoch);
	store_bind(insert, 3, head->worker);
	store_bind(insert, 4, head->seq);
	store_bind(insert, 5, (uint64_t)head->kind);
	store_bind(insert, 6, head->wall_us);
	store_bind(insert, 7, stored->event->facts.flow_id);
	store_bind(insert, 8, stored->eve_version);
	(void)sqlite3_bind_text(insert, 9, stored->site, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(insert, 10, in.at, (int)in.left, SQLITE_STATIC);
	(void)sqlite3_bind_blob(insert, 11, hash, sizeof(hash), SQLITE_STATIC);
	if (store_finish(store, insert, "add an event", err) != 0)
		return -1;
	if (sqlite3_changes(store->db) == 0)
		return 0;
	store->last_id++;
	memcpy(store->last_hash, hash, sizeof(hash));
	return 1;
}

static int
bind_columns(struct store *store, sqlite3_stmt *statement, int first, const struct facts *facts,
    struct err *err)
{
	for (size_t i = 0; i < column_count; i++) {
		if (column_bind(&columns[i], statement, first + (int)i, facts) != SQLITE_OK)
			return store_error(store, columns[i].name, err);
	}
	return 0;
}

static int
insert_flow(struct store *store, const struct recorded *event, struct err *err)
{
	sqlite3_stmt *insert = store_prepare(store, INSERT_FLOW, err);

	if (insert == NULL)
		return -1;
	store_bind(insert, 1, event->head.epoch);
	store_bind(insert, 2, event->head.worker);
	(void)sqlite3_bind_null(insert, 3);
	(void)sqlite3_bind_null(insert, 4);
	store_bind(insert, event->head.kind == EVENT_OPEN ? 3 : 4, store->last_id);
	if (bind_columns(store, insert, 5, &event->facts, err) != 0)
		return -1;
	return store_finish(store, insert, "add a connection", err);
}

static int
close_flow(struct store *store, const struct recorded *event, struct err *err)
{
	sqlite3_stmt *update = store_prepare(store, CLOSE_FLOW, err);

	if (update == NULL)
		return -1;
	store_bind(update, 1, store->last_id);
	if (bind_columns(store, update, 2, &event->facts, err) != 0)
		return -1;
	store_bind(update, 2 + (int)column_count, event->facts.flow_id);
	if (store_finish(store, update, "end a connection", err) != 0)
		return -1;
	/* Refused before anything was sent: it had no open event. */
	return sqlite3_changes(store->db) > 0 ? 0 : insert_flow(store, event, err);
}

int
store_add(struct store *store, const struct stored *stored, struct err *err)
{
	const struct recorded *event = stored->event;
	int got;

	assert(store->begun);
	got = add_event(store, stored, err);
	if (got != 1)
		return got;
	if (event->head.kind == EVENT_OPEN && insert_flow(store, event, err) != 0)
		return -1;
	if (event->head.kind == EVENT_CLOSE && close_flow(store, event, err) != 0)
		return -1;
	if ((event->head.kind == EVENT_CLOSE || event->head.kind == EVENT_SIGHTING) &&
	    store_sight(store, event, err) != 0)
		return -1;
	/* A lost connection that has its end already adds nothing but its event. */
	if (event->head.kind == EVENT_LOST && stored->eve_version != 0 &&
	    close_flow(store, event, err) != 0)
		return -1;
	return 1;
}

uint64_t
store_last_id(const struct store *store)
{
	return store->last_id;
}

/* ---- reading ---- */

static int
read_frame(sqlite3_stmt *statement, int index, struct recorded *out, struct err *err)
{
	const void *at = sqlite3_column_blob(statement, index);
	struct bytes in = {at, (size_t)sqlite3_column_bytes(statement, index)};

	if (at == NULL || event_decode(&in, out, NULL) != 0 || in.left > 0)
		return err_set(err, ERR_INPUT, "the store: an event's frame is damaged");
	return 0;
}

int
store_find_open(struct store *store, uint64_t flow_id, struct facts *out, struct err *err)
{
	sqlite3_stmt *find = store_prepare(store, FIND_OPEN, err);
	struct recorded opening;
	int got;

	if (find == NULL)
		return -1;
	store_bind(find, 1, flow_id);
	got = store_step(store, find, "find an open connection", err);
	if (got == 1 && read_frame(find, 0, &opening, err) != 0)
		got = -1;
	if (got == 1)
		*out = opening.facts;
	(void)sqlite3_reset(find);
	return got;
}

int
store_next_open(struct store *store, uint64_t after, uint64_t *flow_id, struct err *err)
{
	sqlite3_stmt *next = store_prepare(store, NEXT_OPEN, err);
	int got;

	if (next == NULL)
		return -1;
	store_bind(next, 1, after);
	got = store_step(store, next, "find the next open connection", err);
	if (got == 1)
		*flow_id = store_column(next, 0);
	(void)sqlite3_reset(next);
	return got;
}

int
store_last_seq(struct store *store, uint64_t epoch, unsigned worker, uint64_t *out, struct err *err)
{
	sqlite3_stmt *last = store_prepare(store, LAST_SEQ, err);

	if (last == NULL)
		return -1;
	store_bind(last, 1, epoch);
	store_bind(last, 2, worker);
	if (store_step(store, last, "the last seq", err) != 1)
		return -1;
	*out = store_column(last, 0);
	(void)sqlite3_reset(last);
	return 0;
}

/* Whether the columns of an event's row say what its frame says. */
static bool
row_fits(sqlite3_stmt *row, const struct recorded *event)
{
	const struct event_head *head = &event->head;
	const uint64_t numbers[] = {head->epoch, head->worker, head->seq, (uint64_t)head->kind,
	    head->wall_us, event->facts.flow_id};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (store_column(row, 5 + (int)i) != numbers[i])
			return false;
	}
	return true;
}

static void
read_event(sqlite3_stmt *row, struct recorded *event, struct stored *out)
{
	*out = (struct stored){.id = store_column(row, 0),
	    .eve_version = (unsigned)store_column(row, 1),
	    .site = (const char *)sqlite3_column_text(row, 2)};
	if (out->site == NULL)
		out->site = "";
	if (sqlite3_column_bytes(row, 4) == STORE_HASH_BYTES)
		out->hash = sqlite3_column_blob(row, 4);
	if (out->hash != NULL && read_frame(row, 3, event, NULL) == 0 && row_fits(row, event))
		out->event = event;
}

int
store_replay(struct store *store, uint64_t after_id, store_each *each, void *context,
    struct err *err)
{
	sqlite3_stmt *replay = store_prepare(store, REPLAY, err);
	struct recorded event = {0};
	struct stored stored;
	int got;

	if (replay == NULL)
		return -1;
	store_bind(replay, 1, after_id);
	while ((got = store_step(store, replay, "read events", err)) == 1) {
		read_event(replay, &event, &stored);
		if (!each(context, &stored))
			break;
	}
	(void)sqlite3_reset(replay);
	return got < 0 ? -1 : 0;
}

int
store_flow_fits(struct store *store, const struct stored *stored, struct err *err)
{
	sqlite3_stmt *fits = store_prepare(store, FLOW_FITS, err);
	int got;

	if (fits == NULL)
		return -1;
	store_bind(fits, 1, stored->id);
	if (bind_columns(store, fits, 2, &stored->event->facts, err) != 0)
		return -1;
	got = store_step(store, fits, "compare a connection", err);
	(void)sqlite3_reset(fits);
	return got;
}
