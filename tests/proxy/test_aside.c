/* SPDX-License-Identifier: MIT */
#include "proxy/aside.h"

#include "base/clock.h"
#include "base/err.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NOBODY = 65534 };

struct count {
	struct aside_job job; /* first */
	struct event_base *base;
	struct count *next; /* to be done after this one; NULL: the loop ends */
	struct aside *aside;
	unsigned order;
	bool worked, done, elsewhere;
	int nice;
};

static pthread_t loop_thread;
static unsigned turn;

static void
work(struct aside_job *job)
{
	struct count *count = (struct count *)(void *)job;

	count->worked = true;
	count->elsewhere = pthread_equal(pthread_self(), loop_thread) == 0;
	count->nice = getpriority(PRIO_PROCESS, 0);
}

static void
done(struct aside_job *job)
{
	struct count *count = (struct count *)(void *)job;

	cr_expect(count->worked);
	cr_expect(pthread_equal(pthread_self(), loop_thread) != 0);
	count->done = true;
	count->order = ++turn;
	if (count->next != NULL)
		aside_do(count->aside, &count->next->job);
	else if (count->base != NULL)
		(void)event_base_loopbreak(count->base);
}

static struct count
counted(struct aside *aside)
{
	return (struct count){.job = {.work = work, .done = done}, .aside = aside};
}

Test(aside, works_in_another_thread_and_ends_in_the_loop)
{
	struct event_base *base = event_base_new();
	struct aside *aside = aside_new(base, NULL);
	struct count first = counted(aside), second = counted(aside), third = counted(aside);
	int nice = getpriority(PRIO_PROCESS, 0);

	loop_thread = pthread_self();
	third.base = base;
	second.next = &third; /* asked for by the one before */
	aside_do(aside, &first.job);
	aside_do(aside, &second.job);
	cr_expect_not(first.done);
	cr_expect_not_null(second.next);
	cr_assert_eq(event_base_dispatch(base), 0);
	cr_expect(first.elsewhere && second.elsewhere && third.elsewhere);
	cr_expect_eq(first.order, 1U);
	cr_expect_eq(second.order, 2U);
	cr_expect_eq(third.order, 3U);
	cr_expect_eq(first.nice, 19);
	cr_expect_eq(getpriority(PRIO_PROCESS, 0), nice, "the loop's own stays");
	aside_free(aside);
	event_base_free(base);
}

Test(aside, leaves_nothing_undone_at_its_end)
{
	struct event_base *base = event_base_new();
	struct aside *aside = aside_new(base, NULL);
	struct count first = counted(aside), second = counted(aside);

	loop_thread = pthread_self();
	aside_do(aside, &first.job);
	aside_do(aside, &second.job);
	aside_free(aside);
	cr_expect(first.done && second.done);
	aside_free(NULL);
	event_base_free(base);
}

/* No thread is to be had: this user may have no process more. */
Test(aside, works_in_the_loop_where_there_is_no_thread)
{
	struct rlimit processes;
	uid_t user = geteuid();
	struct event_base *base = event_base_new();
	struct aside *aside = aside_new(base, NULL);
	struct count only = counted(aside);

	loop_thread = pthread_self();
	cr_assert_eq(getrlimit(RLIMIT_NPROC, &processes), 0);
	processes.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NPROC, &processes), 0);
	if (user == 0)
		cr_assert_eq(setresuid(NOBODY, NOBODY, user), 0);
	aside_do(aside, &only.job);
	cr_assert_eq(setresuid(user, user, user), 0);
	processes.rlim_cur = processes.rlim_max;
	cr_assert_eq(setrlimit(RLIMIT_NPROC, &processes), 0);
	cr_expect(only.done);
	cr_expect_not(only.elsewhere);
	aside_free(aside);
	event_base_free(base);
}
