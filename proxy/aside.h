/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ASIDE_H
#define PROXY_ASIDE_H

#include <event2/event.h>
#include <sys/queue.h>

struct err;

/*
 * Work that takes longer than a turn of the event loop may, done aside from it:
 * in a thread that lives as long as one job, at the lowest priority, so that
 * connections do not wait for it.  One job at a time, in the order in which they
 * came.  Where no thread can be had, the job is done in the loop: late is
 * better than never.
 *
 * A job touches nothing that the loop touches meanwhile; the loop's own part is
 * done once the thread has ended.
 */
struct aside;

struct aside_job {
	STAILQ_ENTRY(aside_job) entry;
	void (*work)(struct aside_job *job); /* in the thread */
	void (*done)(struct aside_job *job); /* in the loop, afterwards; may free the job */
};

/* Call it while descriptors can be made.  NULL with err. */
struct aside *aside_new(struct event_base *base, struct err *err);

/* Waits for the job that runs, and does what is left. */
void aside_free(struct aside *aside); /* accepts NULL */

void aside_do(struct aside *aside, struct aside_job *job);

#endif
