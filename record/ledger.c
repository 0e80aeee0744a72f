/* SPDX-License-Identifier: MIT */
#include "record/ledger.h"

#include "base/err.h"
#include "base/text.h"
#include "record/ledger_eve.h"
#include "record/sources.h"
#include "record/spool.h"
#include "record/store.h"

#include <limits.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROTATION_TRIES = 8, ROTATION_MS = 300 };

/* The last number of a worker in an epoch. */
struct row {
	uint64_t epoch, worker, seq;
};

struct pass {
	struct ledger *ledger;
	struct store *store;
	struct row *rows; /* owned */
	size_t row_count;
	uint64_t last_id;
	uint8_t hash[STORE_HASH_BYTES];
	struct ledger_eve *eve; /* NULL: no file */
	struct err *err;
	bool failed;
};

void
ledger_note(struct ledger *ledger, const char *fmt, ...)
{
	va_list ap;

	if (ledger->note_count == LEDGER_NOTES_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(ledger->notes[ledger->note_count], LEDGER_NOTE_MAX, fmt, ap);
	va_end(ap);
	ledger->note_count++;
}

/* ---- events ---- */

static struct row *
find_row(struct pass *pass, const struct event_head *head)
{
	struct row *rows;

	/* Newer ones are asked for more often. */
	for (size_t i = pass->row_count; i > 0; i--) {
		if (pass->rows[i - 1].epoch == head->epoch &&
		    pass->rows[i - 1].worker == head->worker)
			return &pass->rows[i - 1];
	}
	rows = realloc(pass->rows, (pass->row_count + 1) * sizeof(*rows));
	if (rows == NULL)
		return NULL;
	pass->rows = rows;
	rows[pass->row_count] = (struct row){head->epoch, head->worker, 0};
	return &rows[pass->row_count++];
}

static int
check_seq(struct pass *pass, const struct stored *stored)
{
	const struct event_head *head = &stored->event->head;
	struct ledger *ledger = pass->ledger;
	struct row *row = find_row(pass, head);
	/* What retention took are the first numbers of some. */
	bool first = row != NULL && row->seq == 0 && ledger->pruned > 0;

	if (row == NULL)
		return err_set(pass->err, ERR_NOMEM, "no memory");
	if (head->seq <= row->seq) {
		ledger->disorder++;
		ledger_note(ledger, "event %llu: number %llu of worker %u after %llu",
		    (unsigned long long)stored->id, (unsigned long long)head->seq, head->worker,
		    (unsigned long long)row->seq);
	} else if (head->seq != row->seq + 1 && !first) {
		ledger->gaps += head->seq - row->seq - 1;
		ledger_note(ledger, "event %llu: number %llu of worker %u follows %llu",
		    (unsigned long long)stored->id, (unsigned long long)head->seq, head->worker,
		    (unsigned long long)row->seq);
	}
	row->seq = head->seq;
	return 0;
}

static void
check_chain(struct pass *pass, const struct stored *stored)
{
	struct ledger *ledger = pass->ledger;
	uint8_t hash[STORE_HASH_BYTES];

	if (stored->id != pass->last_id + 1) {
		ledger->missing_ids += stored->id - pass->last_id - 1;
		ledger_note(ledger, "event %llu follows event %llu", (unsigned long long)stored->id,
		    (unsigned long long)pass->last_id);
	}
	pass->last_id = stored->id;
	if (stored->event != NULL && stored->hash != NULL) {
		store_hash(pass->hash, stored, hash);
		if (memcmp(hash, stored->hash, sizeof(hash)) != 0) {
			ledger->chain_breaks++;
			ledger_note(ledger, "event %llu: its hash does not follow",
			    (unsigned long long)stored->id);
		}
	}
	/* Go on from what stands there, so that one change is told once. */
	if (stored->hash != NULL)
		memcpy(pass->hash, stored->hash, sizeof(hash));
}

static int
check_flow(struct pass *pass, const struct stored *stored)
{
	enum event_kind kind = stored->event->head.kind;
	bool ends = kind == EVENT_CLOSE || (kind == EVENT_LOST && stored->eve_version != 0);
	int fits = ends ? store_flow_fits(pass->store, stored, pass->err) : 1;

	if (fits == 0) {
		pass->ledger->flows_altered++;
		ledger_note(pass->ledger, "event %llu: the row of connection %llu says otherwise",
		    (unsigned long long)stored->id,
		    (unsigned long long)stored->event->facts.flow_id);
	}
	return fits < 0 ? -1 : 0;
}

static bool
check_event(void *context, const struct stored *stored)
{
	struct pass *pass = context;
	int ret = 0;

	pass->ledger->events++;
	check_chain(pass, stored);
	if (stored->event == NULL) {
		pass->ledger->damaged++;
		ledger_note(pass->ledger, "event %llu is damaged or its row altered",
		    (unsigned long long)stored->id);
	} else if (check_seq(pass, stored) != 0 || check_flow(pass, stored) != 0) {
		ret = -1;
	}
	if (ret == 0 && pass->eve != NULL)
		ret = ledger_eve_event(pass->eve, stored, pass->err);
	pass->failed = ret != 0;
	return ret == 0;
}

static int
check_events(struct pass *pass, struct err *err)
{
	uint64_t pruned_id = 0;
	int got = store_tombstone(pass->store, &pruned_id, pass->hash, err);

	if (got < 0)
		return -1;
	pass->last_id = pruned_id;
	if (store_replay(pass->store, 0, check_event, pass, err) != 0 || pass->failed)
		return -1;
	return pass->eve != NULL ? ledger_eve_finish(pass->eve, err) : 0;
}

/* ---- what one question answers ---- */

static int
ask(struct store *store, const char *sql, uint64_t *out, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int ret = -1;

	if (sqlite3_prepare_v2(store_database(store), sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW) {
		(void)store_error(store, "read", err);
	} else {
		*out = (uint64_t)sqlite3_column_int64(statement, 0);
		ret = 0;
	}
	(void)sqlite3_finalize(statement);
	return ret;
}

static int
check_totals(struct pass *pass, struct err *err)
{
	static const char unannounced[] =
	    "SELECT count(*) FROM flow LEFT JOIN event ON event.id = flow.event"
	    " WHERE left_up > 0 AND (flow.event IS NULL"
	    " OR flow.event >= flow.end_event"
	    " OR (flow.event > (SELECT ifnull(max(last_id), 0) FROM tombstone)"
	    "     AND (event.id IS NULL OR event.kind <> 1 OR event.flow_id <> flow.flow_id)))";
	/* A row for each event that opened or ended a connection, and none more. */
	static const char extra[] =
	    "SELECT abs((SELECT count(*) FROM flow WHERE event > (SELECT ifnull(max(last_id), 0)"
	    " FROM tombstone)) - (SELECT count(*) FROM event WHERE kind = 1))"
	    " + (SELECT count(*) FROM flow WHERE end_event IS NOT NULL AND NOT EXISTS"
	    " (SELECT 1 FROM event WHERE event.id = flow.end_event))";
	struct ledger *ledger = pass->ledger;
	uint64_t rows;

	if (ask(pass->store, "SELECT count(*) FROM flow", &ledger->flows, err) != 0 ||
	    ask(pass->store, "SELECT count(*) FROM flow WHERE closed IS NULL", &ledger->open_flows,
		err) != 0 ||
	    ask(pass->store, unannounced, &ledger->unannounced, err) != 0 ||
	    ask(pass->store, extra, &rows, err) != 0)
		return -1;
	if (ledger->unannounced > 0)
		ledger_note(ledger, "%llu connections had bytes leave before an open event",
		    (unsigned long long)ledger->unannounced);
	if (rows > 0)
		ledger_note(ledger, "%llu rows of connections are too many or too few",
		    (unsigned long long)rows);
	ledger->flows_altered += rows;
	return 0;
}

static int
check_integrity(struct pass *pass, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int code;

	if (sqlite3_prepare_v2(store_database(pass->store), "PRAGMA integrity_check(100)", -1,
		&statement, NULL) != SQLITE_OK)
		return store_error(pass->store, "integrity_check", err);
	while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(statement, 0);

		if (line == NULL || strcmp(line, "ok") == 0)
			continue;
		pass->ledger->integrity++;
		ledger_note(pass->ledger, "SQLite: %s", line);
	}
	(void)sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : store_error(pass->store, "integrity_check", err);
}

/* ---- spools ---- */

/* Count what waits behind where the store is; a spool that is just being read
 * may be counted a moment late. */
static int
check_spools(struct pass *pass, const char *run_dir, struct err *err)
{
	struct sources *sources = sources_open(NULL, 0, run_dir, NULL);

	if (sources == NULL)
		return 0; /* the appliance does not run, and its run_dir is gone */
	for (size_t i = 0; i < sources_count(sources); i++) {
		struct spool *spool = source_spool(sources_at(sources, i));
		uint64_t position;

		if (store_spool(pass->store, spool_id(spool), &position, err) == 1)
			(void)spool_seek(spool, position, NULL);
		pass->ledger->waiting += spool_waiting(spool);
	}
	sources_close(sources);
	return 0;
}

/* ---- all of it ---- */

/*
 * Begin to read: one transaction, so that what the recorder commits meanwhile
 * is not seen.  Of a file that was rotated a moment ago the store tells a
 * moment later.
 */
static int
begin(struct pass *pass, const char *eve, struct err *err)
{
	for (int i = 0;; i++) {
		if (sqlite3_exec(store_database(pass->store), "BEGIN", NULL, NULL, NULL) !=
		    SQLITE_OK)
			return store_error(pass->store, "read", err);
		if (eve[0] == '\0')
			return 0;
		pass->eve = ledger_eve_open(eve, pass->store, pass->ledger, err);
		if (pass->eve == NULL)
			return -1;
		if (ledger_eve_is_there(pass->eve) || i == ROTATION_TRIES)
			return 0;
		ledger_eve_close(pass->eve);
		pass->eve = NULL;
		(void)sqlite3_exec(store_database(pass->store), "COMMIT", NULL, NULL, NULL);
		(void)poll(NULL, 0, ROTATION_MS);
	}
}

static int
run_pass(struct pass *pass, const struct ledger_files *files, struct err *err)
{
	if (begin(pass, files->eve, err) != 0)
		return -1;
	if (ask(pass->store, "SELECT ifnull(sum(count), 0) FROM tombstone", &pass->ledger->pruned,
		err) != 0)
		return -1;
	if (check_events(pass, err) != 0 || check_totals(pass, err) != 0 ||
	    check_integrity(pass, err) != 0)
		return -1;
	return files->run_dir != NULL ? check_spools(pass, files->run_dir, err) : 0;
}

int
ledger_verify(const struct ledger_files *files, struct ledger *ledger, struct err *err)
{
	struct pass pass = {.ledger = ledger, .err = err};
	char path[PATH_MAX];
	int ret;

	memset(ledger, 0, sizeof(*ledger));
	if ((size_t)snprintf(path, sizeof(path), "%s/" STORE_FILE, files->state_dir) >=
	    sizeof(path))
		return err_set(err, ERR_LIMIT, "%s: the path is too long", files->state_dir);
	pass.store = store_open(path, STORE_READ, err);
	if (pass.store == NULL)
		return -1;
	ret = run_pass(&pass, files, err);
	ledger_eve_close(pass.eve);
	free(pass.rows);
	store_close(pass.store);
	return ret;
}

bool
ledger_is_whole(const struct ledger *ledger)
{
	return ledger->damaged == 0 && ledger->chain_breaks == 0 && ledger->missing_ids == 0 &&
	       ledger->gaps == 0 && ledger->disorder == 0 && ledger->flows_altered == 0 &&
	       ledger->unannounced == 0 && ledger->eve_missing == 0 && ledger->eve_foreign == 0 &&
	       ledger->integrity == 0;
}
