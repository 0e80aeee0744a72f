/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct err;
struct text;

/*
 * The supervisor's socket for who runs the box (unix(7), mode 0660): one line
 * with one word in, one answer out, closed.  A peer has a second to say its
 * word and two to take its answer, and there are few at once; more wait.
 */
enum {
	CONTROL_WORD_MAX = 16,
	CONTROL_ANSWER_MAX = 512 << 10,
	CONTROL_POLL_MAX = 17, /* entries that control_poll adds at most */
};

/*
 * Writes the answer to word, which is one of ours or not; unchecked otherwise.
 * Returns 0, or a number: then the peer waits until control_settle comes for
 * that number or a larger one; what was written is dropped.
 */
typedef uint64_t control_answer(const char *word, struct text *out, void *arg);

/* Listen at path, in place of what an earlier run left there. */
struct control *control_open(const char *path, control_answer *answer, void *arg, struct err *err);
void control_close(struct control *control); /* removes the path; accepts NULL */

/* Fill what to wait for; returns how many entries. */
size_t control_poll(const struct control *control, struct pollfd fds[CONTROL_POLL_MAX]);

/* Do what can be done, whatever poll said. */
void control_turn(struct control *control);

/* Answer those who wait for a number up to this one, each by its word. */
typedef void control_outcome(const char *word, struct text *out, void *arg);
void control_settle(struct control *control, uint64_t number, control_outcome *outcome);

/*
 * The other side: ask the appliance whose socket is at path, and write its
 * answer to out.  Waits at most 3 s for each part of it; control_wait so long
 * as it is told to, for what takes its time.
 */
int control_ask(const char *path, const char *word, struct text *out, struct err *err);
int control_wait(const char *path, const char *word, unsigned patience_s, struct text *out,
    struct err *err);

/* The socket's path in run_dir.  Returns out, or NULL when it does not fit. */
const char *control_path(const char *run_dir, char *out, size_t size);

#endif
