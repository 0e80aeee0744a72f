/* SPDX-License-Identifier: MIT */
#include "proxy/reload.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/text.h"
#include "proxy/checker_role.h"
#include "proxy/dirs.h"
#include "proxy/reload_wire.h"
#include "proxy/roles.h"
#include "proxy/supervisor_private.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CHECK_MS = 120 * 1000,  /* beyond the checker's own limit of processor time */
	WORKERS_MS = 10 * 1000, /* for a worker that is being started */
	PREPARE_MS = 120 * 1000,
	COMMIT_MS = 5000,
	RECORD_MS = 1000, /* before it is said again */
};

enum phase { PHASE_IDLE = 0, PHASE_CHECK, PHASE_GATHER, PHASE_PREPARE, PHASE_COMMIT };

struct reload {
	enum phase phase;
	uint64_t asked, running, done; /* numbers */
	uint64_t since_ms, until_ms;   /* of the one that runs; of its phase */
	pid_t checker;                 /* 0: none */
	struct pair ends;              /* to the checker */
	struct outcome outcome;        /* of the one that runs */
	struct outcome last;
	struct snapshot_files made; /* descriptors owned; source -1: none */
	/* The workers that were told, by pid, and who has answered. */
	pid_t told[CONFIG_WORKERS_MAX];
	bool answered[CONFIG_WORKERS_MAX];
	bool unrecorded;      /* the last one's event is not written yet */
	uint64_t recorded_ms; /* when that was last asked for */
};

struct reload *
reload_new(void)
{
	struct reload *reload = calloc(1, sizeof(*reload));

	if (reload == NULL)
		return NULL;
	reload->ends = (struct pair){-1, -1};
	snapshot_files_clear(&reload->made);
	return reload;
}

static void
stop_checker(struct reload *reload)
{
	if (reload->checker > 0)
		(void)kill(reload->checker, SIGKILL);
	ends_close(&reload->ends);
}

void
reload_free(struct reload *reload)
{
	if (reload == NULL)
		return;
	stop_checker(reload);
	snapshot_files_close(&reload->made);
	outcome_clear(&reload->outcome);
	outcome_clear(&reload->last);
	free(reload);
}

uint64_t
reload_ask(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->reload;

	/* What runs may have read the files before they were changed. */
	reload->asked = reload->phase == PHASE_IDLE ? reload->done + 1 : reload->running + 1;
	return reload->asked;
}

uint64_t
reload_done(const struct reload *reload)
{
	return reload->done;
}

const struct outcome *
reload_last(const struct reload *reload)
{
	return &reload->last;
}

/* ---- the workers ---- */

static const struct child *
worker_of(const struct supervisor *supervisor, unsigned index)
{
	return &supervisor->children[CHILD_WORKERS + index];
}

static int
control_of(const struct supervisor *supervisor, unsigned index)
{
	return supervisor->leash[CHILD_WORKERS + index].ours;
}

static bool
say(const struct supervisor *supervisor, unsigned index, const struct reload_message *message,
    const int *fds, size_t count)
{
	struct err err = {0};

	if (ipc_send_fds(control_of(supervisor, index), message, sizeof(*message), fds, count,
		&err) == 1)
		return true;
	log_warn("worker %u does not listen: %s", index, err.text);
	return false;
}

static void
say_to_all(const struct supervisor *supervisor, enum reload_word word)
{
	const struct reload *reload = supervisor->reload;
	const struct reload_message message = {.word = word, .number = reload->running};

	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (reload->told[i] != 0 && worker_of(supervisor, i)->pid == reload->told[i])
			(void)say(supervisor, i, &message, NULL, 0);
	}
}

/* ---- the end of one ---- */

static void
tell_log(const struct outcome *outcome)
{
	char line[1024];
	struct text text = text_in(line, sizeof(line));

	outcome_sentence(outcome, &text);
	if (outcome->result == OUTCOME_RELOADED)
		log_info("%s", line);
	else
		log_error("reload %s", line);
	for (size_t i = 0; i < outcome->problems.count; i++) {
		const struct problem *problem = &outcome->problems.list[i];

		(void)snprintf(line, sizeof(line), "%s:%u:%u: %s", problem->file, problem->line,
		    problem->column, problem->text);
		if (problem->warning)
			log_warn("%s", line);
		else
			log_error("%s", line);
	}
}

static void
answer_waiting(const char *word, struct text *out, void *arg)
{
	const struct supervisor *supervisor = arg;

	status_reloaded(word, &supervisor->reload->last, out);
}

static void
finish(struct supervisor *supervisor, enum outcome_result result)
{
	struct reload *reload = supervisor->reload;
	struct outcome *outcome = &reload->outcome;

	stop_checker(reload);
	snapshot_files_close(&reload->made);
	outcome->result = result;
	outcome->generation = supervisor->generation;
	outcome->wall_us = clock_wall_us();
	outcome->took_ms = clock_mono_ms() - reload->since_ms;
	outcome_clear(&reload->last);
	reload->last = *outcome;
	*outcome = (struct outcome){0};
	reload->phase = PHASE_IDLE;
	reload->done = reload->running;
	reload->unrecorded = true;
	reload->recorded_ms = 0;
	notify_say(&supervisor->notify, "READY=1");
	tell_log(&reload->last);
	control_settle(supervisor->control, reload->done, answer_waiting);
}

static void __attribute__((format(printf, 2, 3)))
fail(struct supervisor *supervisor, const char *fmt, ...)
{
	struct reload *reload = supervisor->reload;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(reload->outcome.why, sizeof(reload->outcome.why), fmt, ap);
	va_end(ap);
	if (reload->phase == PHASE_PREPARE)
		say_to_all(supervisor, RELOAD_ABORT);
	finish(supervisor, OUTCOME_FAILED);
}

static void
go_to(struct reload *reload, enum phase phase, uint64_t wait_ms)
{
	reload->phase = phase;
	reload->until_ms = clock_mono_ms() + wait_ms;
}

/* ---- the checker ---- */

static void
fill_order(const struct supervisor *supervisor, struct role_order *order)
{
	const struct config *config = supervisor->config;

	role_order_clear(order, ROLE_CHECKER);
	order->supervisor = getpid();
	order->source = supervisor->held.source;
	order->asn = supervisor->held.asn;
	memcpy(order->country, supervisor->held.country, sizeof(order->country));
	order->control = supervisor->reload->ends.theirs;
	text_copy(order->config_path, sizeof(order->config_path), config->path);
	if (config->tls.ca_auto)
		(void)dirs_ca(config, order->secret, sizeof(order->secret));
	else
		text_copy(order->secret, sizeof(order->secret), config->tls.ca_key);
}

static void
start(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->reload;
	struct role_order order;
	struct err err = {0};
	char line[64];

	reload->running = reload->done + 1;
	reload->since_ms = clock_mono_ms();
	(void)snprintf(line, sizeof(line), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_mono_us());
	notify_say(&supervisor->notify, line);
	log_info("reading the configuration anew");
	go_to(reload, PHASE_CHECK, CHECK_MS);
	if (ends_open(&reload->ends, &err) != 0) {
		fail(supervisor, "%s", err.text);
		return;
	}
	fill_order(supervisor, &order);
	reload->checker = role_start(supervisor->exe, &order, &err);
	if (reload->checker > 0)
		return;
	reload->checker = 0;
	fail(supervisor, "the checker cannot be started: %s", err.text);
}

static void
take_check(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->reload;
	struct check_answer answer = {0};
	struct err err = {0};
	int got = checker_receive(reload->ends.ours, &answer, &reload->outcome.problems, &err);

	if (got == 0)
		return;
	if (got < 0) {
		fail(supervisor, "%s", err.text);
	} else if (!answer.good) {
		finish(supervisor, OUTCOME_REFUSED);
	} else {
		reload->made = answer.made;
		go_to(reload, PHASE_GATHER, WORKERS_MS);
	}
}

bool
reload_reap(struct supervisor *supervisor, pid_t pid, int status)
{
	struct reload *reload = supervisor->reload;

	if (reload == NULL || pid != reload->checker)
		return false;
	reload->checker = 0;
	if (reload->phase != PHASE_CHECK)
		return true;
	/* What it said before it went is there. */
	take_check(supervisor);
	if (reload->phase != PHASE_CHECK)
		return true;
	if (WIFSIGNALED(status))
		fail(supervisor, "the checker was killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		fail(supervisor, "the checker ended with exit code %d", WEXITSTATUS(status));
	return true;
}

/* ---- the two steps ---- */

static void
prepare(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->reload;
	struct reload_message message = {.word = RELOAD_PREPARE,
	    .number = reload->running,
	    .generation = supervisor->generation + 1};
	int fds[IPC_FDS_MAX];
	size_t count = 0;

	memset(reload->answered, 0, sizeof(reload->answered));
	memset(reload->told, 0, sizeof(reload->told));
	fds[count++] = reload->made.source;
	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX && reload->made.country[i] >= 0; i++) {
		fds[count++] = reload->made.country[i];
		message.countries++;
	}
	if (reload->made.asn >= 0) {
		fds[count++] = reload->made.asn;
		message.networks = 1;
	}
	go_to(reload, PHASE_PREPARE, PREPARE_MS);
	for (unsigned i = 0; i < supervisor->workers; i++) {
		reload->told[i] = worker_of(supervisor, i)->pid;
		if (say(supervisor, i, &message, fds, count))
			continue;
		fail(supervisor, "worker %u could not be told", i);
		return;
	}
}

/* Each worker is there, so that none is left out. */
static void
gather(struct supervisor *supervisor, uint64_t now_ms)
{
	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (worker_of(supervisor, i)->pid > 0)
			continue;
		if (now_ms >= supervisor->reload->until_ms)
			fail(supervisor, "worker %u does not run", i);
		return;
	}
	prepare(supervisor);
}

/* From here on it holds: a worker that dies now is started with it. */
static void
commit(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->reload;
	const char *path = supervisor->held.config_path;

	snapshot_files_close(&supervisor->held);
	supervisor->held = reload->made;
	supervisor->held.config_path = path;
	snapshot_files_clear(&reload->made);
	supervisor->generation++;
	supervisor->loaded_us = clock_wall_us();
	memset(reload->answered, 0, sizeof(reload->answered));
	go_to(reload, PHASE_COMMIT, COMMIT_MS);
	say_to_all(supervisor, RELOAD_COMMIT);
}

static void
on_answer(struct supervisor *supervisor, unsigned index, struct reload_message *message)
{
	struct reload *reload = supervisor->reload;
	bool current = message->number == reload->running;

	message->text[sizeof(message->text) - 1] = '\0';
	if (message->word == RELOAD_RECORDED) {
		if (message->number == reload->done)
			reload->unrecorded = false;
	} else if (reload->phase == PHASE_PREPARE && current) {
		if (message->word == RELOAD_READY)
			reload->answered[index] = true;
		else if (message->word == RELOAD_FAILED)
			fail(supervisor, "worker %u cannot take it over: %s", index, message->text);
	} else if (reload->phase == PHASE_COMMIT && current) {
		if (message->word == RELOAD_DONE)
			reload->answered[index] = true;
	}
}

static void
hear_workers(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->workers; i++) {
		int control = control_of(supervisor, i);
		struct reload_message message;

		if (control < 0 || worker_of(supervisor, i)->pid == 0)
			continue;
		while (ipc_receive(control, &message, sizeof(message), NULL) ==
		       (ssize_t)sizeof(message))
			on_answer(supervisor, i, &message);
	}
}

static bool
is_there(const struct supervisor *supervisor, unsigned index)
{
	return worker_of(supervisor, index)->pid == supervisor->reload->told[index];
}

static void
wait_for_prepared(struct supervisor *supervisor, uint64_t now_ms)
{
	const struct reload *reload = supervisor->reload;
	unsigned ready = 0;

	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (!is_there(supervisor, i)) {
			fail(supervisor, "worker %u died meanwhile", i);
			return;
		}
		ready += reload->answered[i];
	}
	if (ready == supervisor->workers)
		commit(supervisor);
	else if (now_ms >= reload->until_ms)
		fail(supervisor, "the workers did not have it in time");
}

/* A worker that cannot say that it goes by the new one must not go by the old
 * one: its successor goes by the new one. */
static void
wait_for_done(struct supervisor *supervisor, uint64_t now_ms)
{
	const struct reload *reload = supervisor->reload;
	bool late = now_ms >= reload->until_ms;
	bool waits = false;

	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (reload->answered[i] || !is_there(supervisor, i))
			continue;
		waits = true;
		if (!late)
			continue;
		log_error("worker %u does not take the configuration over; killing it", i);
		(void)supervisor_has_ended(&supervisor->children[CHILD_WORKERS + i]);
	}
	if (!waits || late)
		finish(supervisor, OUTCOME_RELOADED);
}

/* ---- the event ---- */

/* The first worker has a spool; the supervisor has none. */
static void
have_recorded(struct supervisor *supervisor, uint64_t now_ms)
{
	struct reload *reload = supervisor->reload;
	struct reload_message message = {.word = RELOAD_RECORD,
	    .number = reload->done,
	    .good = reload->last.result == OUTCOME_RELOADED};
	struct text text = text_in(message.text, sizeof(message.text));

	if (!reload->unrecorded || now_ms - reload->recorded_ms < RECORD_MS ||
	    worker_of(supervisor, 0)->pid == 0)
		return;
	reload->recorded_ms = now_ms;
	if (message.good != 0)
		text_add(&text, "generation %" PRIu64 " holds", reload->last.generation);
	else
		outcome_first(&reload->last, &text);
	(void)say(supervisor, 0, &message, NULL, 0);
}

/* ---- the loop ---- */

size_t
reload_poll(const struct supervisor *supervisor, struct pollfd fds[RELOAD_POLL_MAX])
{
	const struct reload *reload = supervisor->reload;
	size_t count = 0;

	if (reload->phase == PHASE_CHECK)
		fds[count++] = (struct pollfd){reload->ends.ours, POLLIN, 0};
	if (reload->phase != PHASE_PREPARE && reload->phase != PHASE_COMMIT)
		return count;
	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (!reload->answered[i] && is_there(supervisor, i))
			fds[count++] = (struct pollfd){control_of(supervisor, i), POLLIN, 0};
	}
	return count;
}

void
reload_turn(struct supervisor *supervisor, uint64_t now_ms)
{
	struct reload *reload = supervisor->reload;

	hear_workers(supervisor);
	if (reload->phase == PHASE_IDLE && reload->asked > reload->done && supervisor->ready)
		start(supervisor);
	if (reload->phase == PHASE_CHECK)
		take_check(supervisor);
	if (reload->phase == PHASE_CHECK && now_ms >= reload->until_ms)
		fail(supervisor, "the checker took too long");
	if (reload->phase == PHASE_GATHER)
		gather(supervisor, now_ms);
	if (reload->phase == PHASE_PREPARE)
		wait_for_prepared(supervisor, now_ms);
	if (reload->phase == PHASE_COMMIT)
		wait_for_done(supervisor, now_ms);
	have_recorded(supervisor, now_ms);
}

void
reload_stop(struct supervisor *supervisor)
{
	struct reload *reload = supervisor->reload;

	if (reload->phase == PHASE_IDLE && reload->asked <= reload->done)
		return;
	if (reload->phase == PHASE_IDLE) {
		reload->running = reload->done + 1;
		reload->since_ms = clock_mono_ms();
	}
	reload->running = reload->asked > reload->running ? reload->asked : reload->running;
	fail(supervisor, "the appliance ends");
}
