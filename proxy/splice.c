/* SPDX-License-Identifier: MIT */
#include "proxy/splice.h"

#include "proxy/leg_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- pipes ---- */

static bool
make_pipe(struct pipe *pipe)
{
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		return false;
	/* One that stays at its 64 KiB works too, with more calls. */
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	*pipe = (struct pipe){.read_end = ends[0], .write_end = ends[1], .open = true};
	return true;
}

static void
close_pipe(struct pipes *pipes, struct pipe *pipe)
{
	(void)close(pipe->read_end);
	(void)close(pipe->write_end);
	*pipe = (struct pipe){0};
	pipes->made--;
}

bool
pipes_take(struct pipes *pipes, struct pipe *pipe)
{
	assert(!pipe->open);
	if (pipes->spares > 0) {
		*pipe = pipes->spare[--pipes->spares];
		return true;
	}
	if (pipes->made == PIPES_MAX || !make_pipe(pipe))
		return false;
	pipes->made++;
	return true;
}

void
pipes_give(struct pipes *pipes, struct pipe *pipe)
{
	if (!pipe->open)
		return;
	if (pipe->held > 0) {
		close_pipe(pipes, pipe);
		return;
	}
	pipes->spare[pipes->spares++] = *pipe;
	*pipe = (struct pipe){0};
}

void
pipes_clear(struct pipes *pipes)
{
	while (pipes->spares > 0)
		close_pipe(pipes, &pipes->spare[--pipes->spares]);
}

/* ---- legs ---- */

/* The sockets do not block: the flag is for the pipe. */
static ssize_t
move_bytes(int from, int to, size_t size)
{
	ssize_t moved;

	do
		moved = splice(from, NULL, to, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (moved < 0 && errno == EINTR);
	return moved;
}

/* splice(2) does not go past an urgent byte, and behind a FIN calls that the end:
 * whether there is more, recv(2) knows. */
static bool
has_more(const struct leg *leg)
{
	uint8_t next;

	return recv(leg->fd, &next, sizeof(next), MSG_PEEK) > 0;
}

enum leg_io
splice_from(struct leg *leg, struct pipe *pipe, size_t *count)
{
	ssize_t moved;

	assert(leg_is_plain(leg) && leg->replay.left == 0 && pipe->held == 0);
	*count = 0;
	if (leg->end != LEG_OPEN)
		return LEG_ENDED;
	if (!leg->readable)
		return LEG_WAIT;
	moved = move_bytes(leg->fd, pipe->write_end, PIPE_BYTES);
	if (moved > 0) {
		pipe->held = *count = (size_t)moved;
		return LEG_DONE;
	}
	/* The pipe was empty: it is the socket that has nothing. */
	if ((moved == 0 || errno == EAGAIN) && has_more(leg))
		return LEG_DONE;
	if (moved < 0 && errno == EAGAIN) {
		leg->readable = false;
		return LEG_WAIT;
	}
	if (moved < 0) {
		leg_note_reset(leg, errno);
		return LEG_ENDED;
	}
	leg_note_fin(leg);
	if (leg->fin)
		leg->end = LEG_CLOSED;
	return LEG_ENDED;
}

enum leg_io
splice_to(struct leg *leg, struct pipe *pipe, size_t *count)
{
	assert(leg_is_plain(leg) && leg_waiting(leg) == 0);
	*count = 0;
	while (pipe->held > 0) {
		ssize_t moved;

		if (leg->failed)
			return LEG_ENDED;
		if (!leg->writable)
			return LEG_WAIT;
		moved = move_bytes(pipe->read_end, leg->fd, pipe->held);
		if (moved < 0 && errno == EAGAIN) {
			leg->writable = false;
			return LEG_WAIT;
		}
		if (moved <= 0) {
			leg_fail(leg, moved < 0 ? errno : EPIPE);
			return LEG_ENDED;
		}
		pipe->held -= (size_t)moved;
		*count += (size_t)moved;
	}
	return LEG_DONE;
}
