/* SPDX-License-Identifier: MIT */
#include "proxy/notify.h"

#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A service manager at name, as NOTIFY_SOCKET has it. */
static int
manager_at(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	memcpy(at.sun_path, name, strlen(name));
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	cr_assert_eq(bind(fd, (struct sockaddr *)&at,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
	    0);
	cr_assert_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void
expect_heard(int manager, const char *state)
{
	char got[64] = {0};

	cr_expect_eq(recv(manager, got, sizeof(got) - 1, MSG_DONTWAIT), (ssize_t)strlen(state));
	cr_expect_str_eq(got, state);
}

static void
speak_to(const char *name)
{
	int manager = manager_at(name);
	struct notify notify;

	notify_open(&notify);
	cr_assert_geq(notify.fd, 0);
	notify_say(&notify, "READY=1");
	expect_heard(manager, "READY=1");
	notify_say(&notify, "STOPPING=1");
	expect_heard(manager, "STOPPING=1");
	cr_expect_null(getenv("NOTIFY_SOCKET"), "roles do not speak for the appliance");
	notify_close(&notify);
	notify_close(&notify);
	(void)close(manager);
}

Test(notify, speaks_to_a_manager_at_a_path)
{
	char dir[256], path[512];

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/notify", dir);
	speak_to(path);
	scratch_remove(dir);
}

Test(notify, speaks_to_a_manager_at_an_abstract_name)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "@borderlens-test-%d", (int)getpid());
	speak_to(name);
}

Test(notify, is_silent_where_nobody_asks)
{
	struct notify notify;

	(void)unsetenv("NOTIFY_SOCKET");
	notify_open(&notify);
	cr_expect_eq(notify.fd, -1);
	notify_say(&notify, "READY=1");
	notify_close(&notify);
}

Test(notify, is_not_troubled_by_a_manager_that_is_gone)
{
	struct notify notify;

	(void)setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	notify_open(&notify);
	cr_expect_eq(notify.fd, -1);
	(void)setenv("NOTIFY_SOCKET", "nonsense", 1);
	notify_open(&notify);
	cr_expect_eq(notify.fd, -1);
}

Test(notify, beats_twice_as_often_as_the_watchdog_asks)
{
	struct notify notify;
	char pid[16];

	(void)setenv("WATCHDOG_USEC", "30000000", 1);
	notify_open(&notify);
	cr_expect_eq(notify.watchdog_ms, 15000);
	(void)setenv("WATCHDOG_USEC", "30000000", 1);
	(void)setenv("WATCHDOG_PID", "1", 1);
	notify_open(&notify);
	cr_expect_eq(notify.watchdog_ms, 0, "it is meant for another process");
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("WATCHDOG_USEC", "2000", 1);
	(void)setenv("WATCHDOG_PID", pid, 1);
	notify_open(&notify);
	cr_expect_eq(notify.watchdog_ms, 1);
}
