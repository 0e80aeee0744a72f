/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include <poll.h>
#include <stddef.h>

struct control;
struct err;
struct text;

/*
 * The supervisor's socket for who runs the box (unix(7), mode 0660): one line
 * with one word in, one answer out, closed.  A peer has a second for it, and
 * there are few at once; more wait.
 */
enum {
	CONTROL_WORD_MAX = 16,
	CONTROL_ANSWER_MAX = 64 << 10,
	CONTROL_POLL_MAX = 9, /* entries that control_poll adds at most */
};

/* Writes the answer to word, which is one of ours or not; unchecked otherwise. */
typedef void control_answer(const char *word, struct text *out, void *arg);

/* Listen at path, in place of what an earlier run left there. */
struct control *control_open(const char *path, control_answer *answer, void *arg, struct err *err);
void control_close(struct control *control); /* removes the path; accepts NULL */

/* Fill what to wait for; returns how many entries. */
size_t control_poll(const struct control *control, struct pollfd fds[CONTROL_POLL_MAX]);

/* Do what can be done, whatever poll said. */
void control_turn(struct control *control);

/*
 * The other side: ask the appliance whose socket is at path, and write its
 * answer to out.  Waits at most 3 s.
 */
int control_ask(const char *path, const char *word, struct text *out, struct err *err);

/* The socket's path in run_dir.  Returns out, or NULL when it does not fit. */
const char *control_path(const char *run_dir, char *out, size_t size);

#endif
