/* SPDX-License-Identifier: MIT */
#include "proxy/aside.h"

#include "base/err.h"

#include <event2/event_struct.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LOWEST = 19, STACK_BYTES = 8 << 20 };

struct aside {
	int ended; /* an eventfd */
	struct event event;
	pthread_t thread;
	struct aside_job *running; /* NULL: no thread */
	bool closing;              /* no thread any more */
	STAILQ_HEAD(aside_jobs, aside_job) waiting;
};

static void *
run(void *arg)
{
	const struct aside *aside = arg;
	const uint64_t one = 1;

	/* Of this thread alone (setpriority(2), "C library/kernel differences"). */
	(void)setpriority(PRIO_PROCESS, 0, LOWEST);
	aside->running->work(aside->running);
	while (write(aside->ended, &one, sizeof(one)) != (ssize_t)sizeof(one))
		;
	return NULL;
}

static bool
start_thread(struct aside *aside)
{
	pthread_attr_t attributes;
	bool started;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	started = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
		  pthread_create(&aside->thread, &attributes, run, aside) == 0;
	(void)pthread_attr_destroy(&attributes);
	return started;
}

static void
start(struct aside *aside)
{
	struct aside_job *job;

	while (aside->running == NULL && (job = STAILQ_FIRST(&aside->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&aside->waiting, entry);
		aside->running = job;
		if (!aside->closing && start_thread(aside))
			return;
		aside->running = NULL;
		job->work(job);
		job->done(job);
	}
}

static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
	struct aside *aside = arg;
	struct aside_job *job = aside->running;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) != (ssize_t)sizeof(count) || job == NULL)
		return;
	(void)pthread_join(aside->thread, NULL);
	aside->running = NULL;
	job->done(job);
	start(aside);
}

struct aside *
aside_new(struct event_base *base, struct err *err)
{
	struct aside *aside = calloc(1, sizeof(*aside));

	if (aside == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	STAILQ_INIT(&aside->waiting);
	aside->ended = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (aside->ended < 0) {
		(void)err_sys(err, "eventfd");
		goto fail;
	}
	if (event_assign(&aside->event, base, aside->ended, EV_READ | EV_PERSIST, on_ended,
		aside) != 0 ||
	    event_add(&aside->event, NULL) != 0) {
		(void)err_set(err, ERR_NOMEM, "the end of a thread cannot be watched");
		goto fail;
	}
	return aside;
fail:
	if (aside->ended >= 0)
		(void)close(aside->ended);
	free(aside);
	return NULL;
}

void
aside_free(struct aside *aside)
{
	if (aside == NULL)
		return;
	aside->closing = true;
	if (aside->running != NULL) {
		struct aside_job *job;

		(void)pthread_join(aside->thread, NULL);
		job = aside->running;
		aside->running = NULL;
		job->done(job);
	}
	start(aside);
	(void)event_del(&aside->event);
	(void)close(aside->ended);
	free(aside);
}

void
aside_do(struct aside *aside, struct aside_job *job)
{
	STAILQ_INSERT_TAIL(&aside->waiting, job, entry);
	start(aside);
}
