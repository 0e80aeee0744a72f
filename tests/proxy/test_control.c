/* SPDX-License-Identifier: MIT */
#include "proxy/control.h"

#include "base/err.h"
#include "base/text.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256], path[512];
static unsigned asked;

static void
make_place(void)
{
	scratch_dir(dir, sizeof(dir));
	cr_assert_not_null(control_path(dir, path, sizeof(path)));
}

static void
remove_place(void)
{
	scratch_remove(dir);
}

TestSuite(control, .init = make_place, .fini = remove_place, .timeout = 20);

static uint64_t
answer(const char *word, struct text *out, void *arg)
{
	asked++;
	text_add(out, "%s says %s\n", (const char *)arg, word);
	if (strncmp(word, "wait", 4) == 0)
		return strtoull(word + 4, NULL, 10);
	return 0;
}

static void
settle(const char *word, struct text *out, void *arg)
{
	text_add(out, "%s is done with %s\n", (const char *)arg, word);
}

static struct control *
open_here(void)
{
	static char who[] = "appliance";
	struct err err = {0};
	struct control *control = control_open(path, answer, who, &err);

	cr_assert_not_null(control, "%s", err.text);
	return control;
}

/* Turn until it has answered count more, or nothing happens for a while. */
static void
turn_until(struct control *control, unsigned count)
{
	struct pollfd fds[CONTROL_POLL_MAX];

	while (asked < count) {
		size_t used = control_poll(control, fds);

		cr_assert_gt(poll(fds, used, 5000), 0, "nobody came");
		control_turn(control);
	}
}

static int
connect_here(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	text_copy(at.sun_path, sizeof(at.sun_path), path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* In a process of its own: asks, and exits 0 when the answer is expected. */
static pid_t
asker(const char *word, const char *expected)
{
	char got[256];
	struct text text = text_in(got, sizeof(got));
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (control_ask(path, word, &text, NULL) != 0)
		_exit(1);
	_exit(strcmp(got, expected) == 0 ? 0 : 2);
}

static void
expect_done(pid_t pid)
{
	int status;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(control, answers_a_word)
{
	struct control *control = open_here();
	pid_t pid = asker("status", "appliance says status\n");

	turn_until(control, 1);
	expect_done(pid);
	control_close(control);
}

Test(control, is_not_for_everybody)
{
	struct control *control = open_here();
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777U, 0660U);
	control_close(control);
	cr_expect_neq(stat(path, &st), 0, "the path is gone with it");
}

Test(control, replaces_what_a_killed_run_left)
{
	struct control *first = open_here();
	struct control *second = open_here();
	pid_t pid = asker("x", "appliance says x\n");

	turn_until(second, 1);
	expect_done(pid);
	control_close(second);
	control_close(first);
}

Test(control, waits_for_a_word_in_pieces)
{
	struct control *control = open_here();
	int fd = connect_here();
	char got[64] = {0};

	for (const char *at = "health\n"; *at != '\0'; at++) {
		cr_assert_eq(send(fd, at, 1, 0), 1);
		control_turn(control);
	}
	cr_expect_eq(asked, 1);
	cr_expect_eq(recv(fd, got, sizeof(got) - 1, 0), (ssize_t)strlen("appliance says health\n"));
	cr_expect_str_eq(got, "appliance says health\n");
	(void)close(fd);
	control_close(control);
}

Test(control, drops_what_is_no_word)
{
	struct control *control = open_here();
	char flood[CONTROL_WORD_MAX * 4], byte;
	int fd = connect_here();

	memset(flood, 'x', sizeof(flood));
	cr_assert_eq(send(fd, flood, sizeof(flood), 0), (ssize_t)sizeof(flood));
	control_turn(control);
	cr_expect_leq(recv(fd, &byte, 1, 0), 0);
	cr_expect_eq(asked, 0);
	(void)close(fd);
	control_close(control);
}

Test(control, is_not_taken_up_by_silent_peers)
{
	struct control *control = open_here();
	int silent[CONTROL_POLL_MAX - 1];
	pid_t pid;

	for (size_t i = 0; i < CONTROL_POLL_MAX - 1; i++) {
		silent[i] = connect_here();
		control_turn(control);
	}
	pid = asker("status", "appliance says status\n");
	while (asked == 0) {
		struct pollfd fds[CONTROL_POLL_MAX];

		(void)poll(fds, control_poll(control, fds), 100);
		control_turn(control);
	}
	expect_done(pid);
	for (size_t i = 0; i < CONTROL_POLL_MAX - 1; i++)
		(void)close(silent[i]);
	control_close(control);
}

Test(control, says_that_nobody_answers)
{
	char got[64];
	struct text text = text_in(got, sizeof(got));
	struct err err = {0};

	cr_expect_eq(control_ask(path, "status", &text, &err), -1);
	cr_expect_not_null(strstr(err.text, path));
}

Test(control, lets_a_peer_wait_for_its_number)
{
	struct control *control = open_here();
	pid_t soon = asker("wait2", "appliance is done with wait2\n");
	pid_t late = asker("wait3", "appliance is done with wait3\n");

	turn_until(control, 2);
	control_settle(control, 1, settle);
	cr_expect_eq(waitpid(soon, NULL, WNOHANG), 0, "one is not two");
	control_settle(control, 2, settle);
	expect_done(soon);
	cr_expect_eq(waitpid(late, NULL, WNOHANG), 0, "two is not three");
	control_settle(control, 7, settle);
	expect_done(late);
	control_close(control);
}

Test(control, forgets_a_peer_that_waits_no_more)
{
	struct control *control = open_here();
	struct pollfd fds[CONTROL_POLL_MAX];
	int fd = connect_here();

	cr_assert_eq(send(fd, "wait1\n", 6, 0), 6);
	turn_until(control, 1);
	cr_expect_eq(control_poll(control, fds), 2U, "the peer and the door");
	cr_assert_eq(shutdown(fd, SHUT_WR), 0);
	control_turn(control);
	cr_expect_eq(control_poll(control, fds), 2U, "it said all, and listens");
	(void)close(fd);
	control_turn(control);
	cr_expect_eq(control_poll(control, fds), 1U);
	control_settle(control, 1, settle);
	control_close(control);
}

static void
settle_long(const char *word, struct text *out, void *arg)
{
	(void)word;
	(void)arg;
	while (out->used < CONTROL_ANSWER_MAX - 100)
		text_add(out, "%s", "an answer that no socket's buffer holds at once\n");
}

/* More than the socket takes at once goes out as the reader reads. */
Test(control, sends_a_long_answer_in_pieces)
{
	static char got[CONTROL_ANSWER_MAX];
	struct control *control = open_here();
	int fd = connect_here();
	size_t used = 0;
	ssize_t count;

	cr_assert_eq(send(fd, "wait1\n", 6, 0), 6);
	turn_until(control, 1);
	control_settle(control, 1, settle_long);
	do {
		count = recv(fd, got + used, sizeof(got) - used, 0);
		used += count > 0 ? (size_t)count : 0;
		control_turn(control);
	} while (count > 0);
	cr_expect_geq(used, (size_t)CONTROL_ANSWER_MAX - 100);
	(void)close(fd);
	control_close(control);
}
