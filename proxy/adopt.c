/* SPDX-License-Identifier: MIT */
#include "proxy/adopt.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "proxy/aside.h"
#include "proxy/board.h"
#include "proxy/census.h"
#include "proxy/listener.h"
#include "proxy/reload_wire.h"
#include "proxy/review.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "record/spool.h"

#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FDS = 1 + GEO_COUNTRY_FILES_MAX + 1 };

struct adopt {
	struct worker *worker;
	int control;
	const char *config_path;
	struct event event;
	uint64_t number;           /* of the reload that was asked for last; 0: called off */
	struct snapshot *prepared; /* NULL: none */
};

/* One snapshot that is made. */
struct making {
	struct aside_job job;
	struct adopt *adopt;
	struct snapshot_files files; /* descriptors owned */
	uint64_t number, generation;
	struct snapshot *old;  /* a reference */
	struct snapshot *made; /* NULL: err says why not */
	struct err err;
};

static void
answer(const struct adopt *adopt, enum reload_word word, uint64_t number, const char *text)
{
	struct reload_message message = {.word = word, .number = number};
	struct err err = {0};

	text_copy(message.text, sizeof(message.text), text);
	/* One that it does not take is an answer that does not come in time. */
	if (ipc_send(adopt->control, &message, sizeof(message), &err) != 1)
		log_warn("the supervisor does not take an answer: %s", err.text);
}

/* ---- making ---- */

static struct making *
making_of(struct aside_job *job)
{
	return (struct making *)(void *)((char *)job - offsetof(struct making, job));
}

static void
make(struct aside_job *job)
{
	struct making *making = making_of(job);

	making->made = snapshot_open(&making->files, making->generation, making->old, &making->err);
}

static void
on_made(struct aside_job *job)
{
	struct making *making = making_of(job);
	struct adopt *adopt = making->adopt;
	struct worker *worker = adopt->worker;
	uint64_t since_us = clock_thread_us();

	snapshot_unref(making->old, worker->aside);
	snapshot_files_close(&making->files);
	if (making->number != adopt->number) {
		/* It was called off meanwhile. */
		snapshot_unref(making->made, worker->aside);
	} else if (making->made == NULL) {
		answer(adopt, RELOAD_FAILED, making->number, making->err.text);
	} else {
		adopt->prepared = making->made;
		answer(adopt, RELOAD_READY, making->number, "");
	}
	free(making);
	worker_note_reload(worker, since_us);
}

static void
forget_prepared(struct adopt *adopt)
{
	adopt->number = 0;
	snapshot_unref(adopt->prepared, adopt->worker->aside);
	adopt->prepared = NULL;
}

static void
prepare(struct adopt *adopt, const struct reload_message *message, struct snapshot_files *files)
{
	struct making *making = calloc(1, sizeof(*making));

	forget_prepared(adopt);
	if (making == NULL) {
		snapshot_files_close(files);
		answer(adopt, RELOAD_FAILED, message->number, "no memory");
		return;
	}
	*making = (struct making){.job = {.work = make, .done = on_made},
	    .adopt = adopt,
	    .files = *files,
	    .number = message->number,
	    .generation = message->generation,
	    .old = snapshot_ref(adopt->worker->snapshot)};
	making->files.config_path = adopt->config_path;
	adopt->number = making->number;
	aside_do(adopt->worker->aside, &making->job);
}

/* ---- taking over ---- */

static void
on_reviewed(struct worker *worker)
{
	answer(worker->adopt, RELOAD_DONE, worker->adopt->number, "");
}

static void
commit(struct adopt *adopt, uint64_t number)
{
	struct worker *worker = adopt->worker;
	struct snapshot *old = worker->snapshot;

	if (adopt->prepared == NULL || adopt->number != number) {
		answer(adopt, RELOAD_FAILED, number, "it was not prepared");
		return;
	}
	worker->snapshot = adopt->prepared;
	adopt->prepared = NULL;
	snapshot_retire(old, worker->aside);
	listener_limit(worker->listener, worker->snapshot->config->limit.connections);
	census_limit(worker->census, worker->snapshot->config->limit.per_camera);
	atomic_store_explicit(&worker->counters->generation, worker->snapshot->generation,
	    memory_order_relaxed);
	review_start(worker, on_reviewed);
}

static void
record(struct adopt *adopt, const struct reload_message *message)
{
	struct facts facts = {.end = message->good != 0 ? END_DONE : END_REFUSED};

	text_copy(facts.end_text, sizeof(facts.end_text), message->text);
	/* Where there is no room now it is told again. */
	if (spool_write(adopt->worker->spool, EVENT_RELOAD, &facts, NULL) == 0)
		answer(adopt, RELOAD_RECORDED, message->number, "");
}

/* ---- the supervisor's words ---- */

static struct snapshot_files
take_files(const struct reload_message *message, const int *fds)
{
	struct snapshot_files files = {.source = fds[0], .asn = -1};

	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX; i++)
		files.country[i] = i < message->countries ? fds[1 + i] : -1;
	if (message->networks != 0)
		files.asn = fds[1 + message->countries];
	return files;
}

static void
obey(struct adopt *adopt, struct reload_message *message, const int *fds, size_t fd_count)
{
	struct snapshot_files files;

	message->text[sizeof(message->text) - 1] = '\0';
	if (message->word == RELOAD_PREPARE && message->countries <= GEO_COUNTRY_FILES_MAX &&
	    message->networks <= 1 && fd_count == 1U + message->countries + message->networks) {
		files = take_files(message, fds);
		prepare(adopt, message, &files);
		return;
	}
	for (size_t i = 0; i < fd_count; i++)
		(void)close(fds[i]);
	if (message->word == RELOAD_COMMIT)
		commit(adopt, message->number);
	else if (message->word == RELOAD_ABORT)
		forget_prepared(adopt);
	else if (message->word == RELOAD_RECORD)
		record(adopt, message);
}

static bool
is_gone(int control)
{
	struct pollfd fd = {control, POLLRDHUP, 0};

	return poll(&fd, 1, 0) > 0;
}

static void
on_control(evutil_socket_t fd, short what, void *arg)
{
	struct adopt *adopt = arg;
	struct reload_message message;
	uint64_t since_us = clock_thread_us();
	int fds[FDS];
	size_t count = FDS;
	ssize_t size;

	(void)what;
	while ((size = ipc_receive_fds(fd, &message, sizeof(message), fds, &count, NULL)) > 0) {
		if (size == sizeof(message))
			obey(adopt, &message, fds, count);
		count = FDS;
	}
	worker_note_reload(adopt->worker, since_us);
	if (!is_gone(fd))
		return;
	log_warn("the supervisor is gone");
	(void)event_base_loopbreak(adopt->worker->base);
}

/* ---- life ---- */

int
adopt_open(struct worker *worker, int control, const char *config_path, struct err *err)
{
	struct adopt *adopt = calloc(1, sizeof(*adopt));

	if (adopt == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	adopt->worker = worker;
	adopt->control = control;
	adopt->config_path = config_path;
	worker->aside = aside_new(worker->base, err);
	if (worker->aside == NULL) {
		free(adopt);
		return -1;
	}
	if (event_assign(&adopt->event, worker->base, control, EV_READ | EV_PERSIST, on_control,
		adopt) != 0 ||
	    event_add(&adopt->event, NULL) != 0 || review_open(worker) != 0) {
		free(adopt);
		return err_set(err, ERR_NOMEM, "the supervisor cannot be listened to");
	}
	worker->adopt = adopt;
	return 0;
}

void
adopt_close(struct worker *worker)
{
	if (worker->adopt != NULL) {
		(void)event_del(&worker->adopt->event);
		forget_prepared(worker->adopt);
	}
	aside_free(worker->aside);
	worker->aside = NULL;
	free(worker->adopt);
	worker->adopt = NULL;
}
