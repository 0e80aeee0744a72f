/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROXY_NETNS_H
#define TESTS_PROXY_NETNS_H

#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

/* A network of the test's own, gone with its process, with "lo" up; the test is
 * skipped where that is not allowed. */
static inline void
netns_make(void)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		cr_skip_test("only root can make a network of its own");
	cr_assert_eq(system("ip link set lo up"), 0);
}

#endif
