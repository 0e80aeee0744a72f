/* SPDX-License-Identifier: MIT */
#include "proxy/control.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PEERS = CONTROL_POLL_MAX - 1,
	PEER_MS = 1000,
	TAKE_MS = 2000,
	ASK_S = 3,
	MODE = 0660,
};

struct peer {
	int fd; /* -1: free */
	uint64_t until_ms;
	char word[CONTROL_WORD_MAX];
	size_t used;
	uint64_t number; /* what it waits for; 0: for nothing */
	char *answer;    /* owned; NULL: none yet */
	size_t size, sent;
};

struct control {
	int fd;
	struct sockaddr_un at;
	control_answer *answer;
	void *arg;
	struct peer peers[PEERS];
	uint64_t rest_until_ms; /* after a failed accept, lest we spin */
	char out[CONTROL_ANSWER_MAX];
};

const char *
control_path(const char *run_dir, char *out, size_t size)
{
	struct text text = text_in(out, size);

	text_add(&text, "%s/control.sock", run_dir);
	return text.cut ? NULL : out;
}

static int
open_socket(const char *path, struct sockaddr_un *at, int flags, struct err *err)
{
	int fd;

	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(at->sun_path))
		return err_set(err, ERR_LIMIT, "%s is too long for a socket (unix(7))", path);
	text_copy(at->sun_path, sizeof(at->sun_path), path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	return fd >= 0 ? fd : err_sys(err, "socket");
}

/* ---- the supervisor's side ---- */

struct control *
control_open(const char *path, control_answer *answer, void *arg, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	for (size_t i = 0; i < PEERS; i++)
		control->peers[i].fd = -1;
	control->answer = answer;
	control->arg = arg;
	control->fd = open_socket(path, &control->at, SOCK_NONBLOCK, err);
	if (control->fd < 0)
		goto out;
	if (unlink(path) != 0 && errno != ENOENT) {
		(void)err_sys(err, "remove the old %s", path);
		goto out;
	}
	/* The mode is set before it is listened on: nobody gets in meanwhile. */
	if (bind(control->fd, (struct sockaddr *)&control->at, sizeof(control->at)) != 0 ||
	    chmod(path, MODE) != 0 || listen(control->fd, PEERS) != 0) {
		(void)err_sys(err, "listen at %s", path);
		goto out;
	}
	return control;
out:
	if (control->fd >= 0)
		(void)close(control->fd);
	free(control);
	return NULL;
}

static void
drop_peer(struct peer *peer)
{
	(void)close(peer->fd);
	free(peer->answer);
	*peer = (struct peer){.fd = -1};
}

void
control_close(struct control *control)
{
	if (control == NULL)
		return;
	for (size_t i = 0; i < PEERS; i++) {
		if (control->peers[i].fd >= 0)
			drop_peer(&control->peers[i]);
	}
	(void)unlink(control->at.sun_path);
	(void)close(control->fd);
	free(control);
}

static struct peer *
free_peer(struct control *control)
{
	for (size_t i = 0; i < PEERS; i++) {
		if (control->peers[i].fd < 0)
			return &control->peers[i];
	}
	return NULL;
}

size_t
control_poll(const struct control *control, struct pollfd fds[CONTROL_POLL_MAX])
{
	size_t count = 0;
	bool room = false;

	for (size_t i = 0; i < PEERS; i++) {
		const struct peer *peer = &control->peers[i];

		if (peer->fd < 0)
			room = true;
		else if (peer->answer != NULL)
			fds[count++] = (struct pollfd){peer->fd, POLLOUT, 0};
		else if (peer->number == 0)
			fds[count++] = (struct pollfd){peer->fd, POLLIN, 0};
		else
			fds[count++] = (struct pollfd){peer->fd, 0, 0}; /* POLLHUP is told */
	}
	if (room && clock_mono_ms() >= control->rest_until_ms)
		fds[count++] = (struct pollfd){control->fd, POLLIN, 0};
	return count;
}

/* Without waiting for a slow reader: what a socket does not take now goes out
 * in later turns. */
static void
send_answer(struct peer *peer, uint64_t now_ms)
{
	ssize_t count = send(peer->fd, peer->answer + peer->sent, peer->size - peer->sent,
	    MSG_NOSIGNAL | MSG_DONTWAIT);

	if (count > 0)
		peer->sent += (size_t)count;
	if (peer->sent == peer->size || (count < 0 && errno != EAGAIN && errno != EINTR) ||
	    now_ms >= peer->until_ms)
		drop_peer(peer);
}

static void
start_answer(struct peer *peer, const struct text *text, uint64_t now_ms)
{
	peer->number = 0;
	peer->answer = malloc(text->used + 1);
	if (peer->answer == NULL) {
		drop_peer(peer);
		return;
	}
	memcpy(peer->answer, text->at, text->used);
	peer->size = text->used;
	peer->until_ms = now_ms + TAKE_MS;
	send_answer(peer, now_ms);
}

static void
answer_peer(struct control *control, struct peer *peer, uint64_t now_ms)
{
	struct text text = text_in(control->out, sizeof(control->out));

	peer->number = control->answer(peer->word, &text, control->arg);
	if (peer->number == 0)
		start_answer(peer, &text, now_ms);
}

void
control_settle(struct control *control, uint64_t number, control_outcome *outcome)
{
	for (size_t i = 0; i < PEERS; i++) {
		struct peer *peer = &control->peers[i];
		struct text text = text_in(control->out, sizeof(control->out));

		if (peer->fd < 0 || peer->number == 0 || peer->number > number)
			continue;
		outcome(peer->word, &text, control->arg);
		start_answer(peer, &text, clock_mono_ms());
	}
}

static void
read_peer(struct control *control, struct peer *peer, uint64_t now_ms)
{
	size_t room = sizeof(peer->word) - 1 - peer->used;
	ssize_t count = recv(peer->fd, peer->word + peer->used, room, MSG_DONTWAIT);

	if (count > 0)
		peer->used += (size_t)count;
	peer->word[peer->used] = '\0';
	if (strchr(peer->word, '\n') != NULL) {
		peer->word[strcspn(peer->word, "\r\n")] = '\0';
		answer_peer(control, peer, now_ms);
	} else if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) ||
		   now_ms >= peer->until_ms || peer->used == sizeof(peer->word) - 1)
		drop_peer(peer);
}

/* Closed, and not only done with writing. */
static bool
has_left(const struct peer *peer)
{
	struct pollfd fd = {peer->fd, 0, 0};

	return poll(&fd, 1, 0) > 0;
}

static void
serve_peer(struct control *control, struct peer *peer, uint64_t now_ms)
{
	if (peer->answer != NULL)
		send_answer(peer, now_ms);
	else if (peer->number == 0)
		read_peer(control, peer, now_ms);
	else if (has_left(peer))
		drop_peer(peer);
}

void
control_turn(struct control *control)
{
	uint64_t now_ms = clock_mono_ms();
	struct peer *peer;

	while ((peer = free_peer(control)) != NULL) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno != EAGAIN)
			control->rest_until_ms = now_ms + PEER_MS;
		if (fd < 0)
			break;
		*peer = (struct peer){.fd = fd, .until_ms = now_ms + PEER_MS};
	}
	for (size_t i = 0; i < PEERS; i++) {
		if (control->peers[i].fd >= 0)
			serve_peer(control, &control->peers[i], now_ms);
	}
}

/* ---- the other side ---- */

static int
read_answer(int fd, struct text *out, struct err *err)
{
	char bytes[4096];
	ssize_t count;

	do {
		count = recv(fd, bytes, sizeof(bytes), 0);
		if (count > 0)
			text_add(out, "%.*s", (int)count, bytes);
	} while (count > 0 || (count < 0 && errno == EINTR));
	if (count < 0)
		return err_sys(err, "the appliance does not answer");
	return out->cut ? err_set(err, ERR_LIMIT, "the appliance's answer is too long") : 0;
}

int
control_ask(const char *path, const char *word, struct text *out, struct err *err)
{
	return control_wait(path, word, ASK_S, out, err);
}

int
control_wait(const char *path, const char *word, unsigned patience_s, struct text *out,
    struct err *err)
{
	const struct timeval patience = {.tv_sec = patience_s};
	char line[CONTROL_WORD_MAX];
	struct text text = text_in(line, sizeof(line));
	struct sockaddr_un at;
	int fd = open_socket(path, &at, 0, err);
	int ret = -1;

	if (fd < 0)
		return -1;
	text_add(&text, "%s\n", word);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    send(fd, line, text.used, MSG_NOSIGNAL) < 0)
		(void)err_sys(err, "no appliance answers at %s", path);
	else
		ret = read_answer(fd, out, err);
	(void)close(fd);
	return ret;
}
