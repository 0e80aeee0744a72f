/* SPDX-License-Identifier: MIT */
#include "record/ledger_eve.h"

#include "base/err.h"
#include "base/jsonw.h"
#include "record/eve.h"
#include "record/ledger.h"
#include "record/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LOOK_AHEAD = 64, /* lines that are searched for one that is expected */
};

struct ledger_eve {
	struct ledger *ledger;
	FILE *file; /* owned; NULL: there is none */
	struct store_eve progress;
	struct jsonw lines; /* of the event in hand */
	char *line;         /* owned; of the file */
	size_t line_size;
};

static bool
is_known(FILE *file, const struct store_eve *progress)
{
	struct stat st;

	return fstat(fileno(file), &st) == 0 && (uint64_t)st.st_dev == progress->device &&
	       (uint64_t)st.st_ino == progress->inode;
}

static FILE *
open_known(const char *path, const struct store_eve *progress)
{
	FILE *file = progress->inode != 0 ? fopen(path, "re") : NULL;

	if (file == NULL || is_known(file, progress))
		return file;
	(void)fclose(file);
	return NULL;
}

struct ledger_eve *
ledger_eve_open(const char *path, struct store *store, struct ledger *ledger, struct err *err)
{
	struct ledger_eve *eve = calloc(1, sizeof(*eve));

	if (eve == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	eve->ledger = ledger;
	if (store_eve(store, &eve->progress, err) != 0)
		goto fail;
	eve->file = open_known(path, &eve->progress);
	ledger->has_eve = eve->file != NULL;
	if (eve->file == NULL)
		return eve;
	if (fseeko(eve->file, (off_t)eve->progress.base, SEEK_SET) != 0) {
		(void)err_sys(err, "%s", path);
		goto fail;
	}
	return eve;
fail:
	ledger_eve_close(eve);
	return NULL;
}

bool
ledger_eve_is_there(const struct ledger_eve *eve)
{
	return eve->file != NULL || eve->progress.inode == 0;
}

void
ledger_eve_close(struct ledger_eve *eve)
{
	if (eve == NULL)
		return;
	if (eve->file != NULL)
		(void)fclose(eve->file);
	jsonw_free(&eve->lines);
	free(eve->line);
	free(eve);
}

/* The next line of the file up to where the store says it is; false at its
 * end.  A line without its end is torn, and none. */
static bool
next_line(struct ledger_eve *eve, size_t *size)
{
	off_t at = eve->file != NULL ? ftello(eve->file) : -1;
	ssize_t count;

	if (at < 0 || (uint64_t)at >= eve->progress.offset)
		return false;
	count = getline(&eve->line, &eve->line_size, eve->file);
	if (count <= 0 || (uint64_t)at + (uint64_t)count > eve->progress.offset ||
	    eve->line[count - 1] != '\n') {
		(void)fseeko(eve->file, at, SEEK_SET);
		return false;
	}
	*size = (size_t)count;
	return true;
}

/* Find what is expected within some lines; lines before it are foreign.  Where
 * it is not, the file stays where it was. */
static bool
find_line(struct ledger_eve *eve, const char *expected, size_t size)
{
	off_t before = eve->file != NULL ? ftello(eve->file) : 0;
	size_t found;

	for (uint64_t i = 0; i < LOOK_AHEAD && next_line(eve, &found); i++) {
		if (found != size || memcmp(eve->line, expected, size) != 0)
			continue;
		if (i > 0) {
			eve->ledger->eve_foreign += i;
			ledger_note(eve->ledger, "EVE: %llu lines at byte %llu are of no event",
			    (unsigned long long)i, (unsigned long long)before);
		}
		return true;
	}
	if (eve->file != NULL)
		(void)fseeko(eve->file, before, SEEK_SET);
	return false;
}

static void
compare_lines(struct ledger_eve *eve, uint64_t id)
{
	const char *at = eve->lines.at, *end = at + eve->lines.used;

	while (at < end) {
		const char *next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;

		if (find_line(eve, at, (size_t)(next - at))) {
			eve->ledger->eve_lines++;
		} else {
			eve->ledger->eve_missing++;
			ledger_note(eve->ledger, "EVE: a line of event %llu is missing or altered",
			    (unsigned long long)id);
		}
		at = next;
	}
}

/* The lines that a program of another version made of an event are told by the
 * numbers in them, and not compared. */
static void
skip_older(struct ledger_eve *eve, const struct event_head *head)
{
	char mark[96];
	size_t size;
	off_t before;

	(void)snprintf(mark, sizeof(mark), "\"seq\":%llu,\"worker\":%u,\"epoch\":%llu}",
	    (unsigned long long)head->seq, head->worker, (unsigned long long)head->epoch);
	for (;;) {
		before = eve->file != NULL ? ftello(eve->file) : 0;
		if (!next_line(eve, &size))
			return;
		if (strstr(eve->line, mark) == NULL) {
			(void)fseeko(eve->file, before, SEEK_SET);
			return;
		}
		eve->ledger->eve_older++;
	}
}

int
ledger_eve_event(struct ledger_eve *eve, const struct stored *stored, struct err *err)
{
	if (eve->progress.inode == 0 || stored->id < eve->progress.first_id ||
	    stored->event == NULL || stored->eve_version == 0)
		return 0;
	if (stored->id > eve->progress.last_id) {
		eve->ledger->eve_waiting++;
		return 0;
	}
	if (stored->eve_version != EVE_VERSION) {
		skip_older(eve, &stored->event->head);
		return 0;
	}
	jsonw_clear(&eve->lines);
	eve_add(&eve->lines, &stored->event->head, &stored->event->facts, stored->site);
	if (eve->lines.failed)
		return err_set(err, ERR_NOMEM, "no memory");
	if (eve->lines.used > 0)
		compare_lines(eve, stored->id);
	return 0;
}

int
ledger_eve_finish(struct ledger_eve *eve, struct err *err)
{
	uint64_t foreign = 0;
	size_t size;
	off_t at = eve->file != NULL ? ftello(eve->file) : -1;

	if (eve->file != NULL && ferror(eve->file))
		return err_set(err, ERR_SYS, "the EVE file cannot be read");
	while (next_line(eve, &size))
		foreign++;
	if (foreign > 0)
		ledger_note(eve->ledger, "EVE: %llu lines at byte %llu are of no event",
		    (unsigned long long)foreign, (unsigned long long)at);
	eve->ledger->eve_foreign += foreign;
	if (eve->file != NULL && (uint64_t)ftello(eve->file) < eve->progress.offset) {
		eve->ledger->eve_missing++;
		ledger_note(eve->ledger, "EVE: the file is torn or shorter than it was");
	}
	return 0;
}
