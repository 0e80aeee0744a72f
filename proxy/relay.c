/* SPDX-License-Identifier: MIT */
/* The stage that carries bytes both ways, and the end of each direction. */
#include "base/clock.h"
#include "proxy/conn_private.h"
#include "proxy/dns_stream.h"
#include "proxy/observe.h"
#include "proxy/refusals.h"
#include "record/spool.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
	/* Turns of one direction before the others of this worker come to
	 * theirs: 64 of 16 KiB. */
	READS_A_TURN = 64,
	BYTES_A_TURN = 64 * WORKER_SCRATCH_BYTES,
	/* What is looked at may take a hundred times as long a byte. */
	LOOKED_A_TURN_US = 1000,
	/* A direction is bulk once it carried so much and was read by the full
	 * scratch; a pipe that brings less at once is no gain. */
	BULK_AFTER = 64 << 10,
	BULK_READ = WORKER_SCRATCH_BYTES,
	/* What is taken of the last bytes is looked at so often. */
	LOOK_MIN_MS = 2,
	LOOK_MAX_MS = 128,
};

/* One direction: from whom, to whom, and what is counted. */
struct flow {
	struct leg *from, *to;
	uint64_t *read, *left;
	uint64_t before; /* *read, as this turn began */
	struct splice *splice;
	struct gather *gather;
	struct tls_walk *walk; /* to be told what is read; NULL: nobody */
	enum direction direction;
};

/* It passes because of refusals that were only probable: does it work? */
static bool
is_check(const struct conn *conn)
{
	return conn->facts->inspect == INSPECT_PASSTHROUGH &&
	       conn->facts->camera_tls.verdict == CAMERA_TLS_PROBABLE;
}

static struct flow
flow_up(struct conn *conn)
{
	struct traffic *traffic = &conn->facts->traffic;

	return (struct flow){&conn->camera, &conn->server, &traffic->up, &traffic->left_up,
	    traffic->up, &conn->splice_up, &conn->gather_up, is_check(conn) ? &conn->walk : NULL,
	    DIRECTION_UP};
}

static struct flow
flow_down(struct conn *conn)
{
	struct traffic *traffic = &conn->facts->traffic;

	return (struct flow){&conn->server, &conn->camera, &traffic->down, &traffic->left_down,
	    traffic->down, &conn->splice_down, &conn->gather_down, NULL, DIRECTION_DOWN};
}

/* The hello was replayed: its memory is not needed for hours of relaying. */
static void
forget_hello(struct conn *conn)
{
	if (conn->hello.raw != NULL && conn->camera.replay.left == 0)
		hello_clear(&conn->hello);
}

/* The counters of what left stand before the bytes do: when this worker dies,
 * its successor tells of too much rather than too little. */
static void
note_left(const struct conn *conn)
{
	if (conn->live == NULL)
		return;
	conn->live->left_up = conn->facts->traffic.left_up + conn->splice_up.pipe.held;
	conn->live->left_down = conn->facts->traffic.left_down + conn->splice_down.pipe.held;
}

/* ---- by splice(2) ---- */

/* Nobody looks at what is passed through, once it has shown that it works. */
static bool
may_splice(const struct conn *conn, const struct flow *flow)
{
	return flow->splice->bulk && conn->facts->inspect == INSPECT_PASSTHROUGH &&
	       conn->observer == NULL && flow->from->replay.left == 0 &&
	       (flow->walk == NULL || flow->walk->found != WALK_MORE);
}

/* Whether this turn goes through a pipe: there is something in one, or there
 * will be, and somebody takes it. */
static bool
take_pipe(struct conn *conn, const struct flow *flow)
{
	if (leg_is_broken(flow->to))
		return false;
	if (flow->splice->pipe.open)
		return true;
	return may_splice(conn, flow) && leg_flush(flow->to) == LEG_DONE &&
	       pipes_take(&conn->worker->pipes, &flow->splice->pipe);
}

/* What is in the pipe first: it came first. */
static enum leg_io
carry_by_pipe(struct conn *conn, const struct flow *flow)
{
	struct pipe *pipe = &flow->splice->pipe;
	enum leg_io io = LEG_DONE;
	size_t count, moved = 0;

	while (io == LEG_DONE && moved < BYTES_A_TURN) {
		if (pipe->held == 0 && !flow->splice->bulk)
			break;
		if (pipe->held == 0) {
			io = splice_from(flow->from, pipe, &count);
			if (io != LEG_DONE)
				break;
			flow->splice->bulk = count >= BULK_READ;
			*flow->read += count;
			moved += count;
			note_left(conn);
			gather_note(conn, flow->gather, flow->from, count);
		}
		io = splice_to(flow->to, pipe, &count);
		*flow->left += count;
		if (io == LEG_DONE && gather_waits(flow->gather, flow->from))
			io = LEG_WAIT;
	}
	if (pipe->held == 0)
		pipes_give(&conn->worker->pipes, pipe);
	return io;
}

void
relay_drop(struct conn *conn)
{
	pipes_give(&conn->worker->pipes, &conn->splice_up.pipe);
	pipes_give(&conn->worker->pipes, &conn->splice_down.pipe);
	gather_leave(conn);
}

/* ---- by copying ---- */

static void
note_read(struct conn *conn, const struct flow *flow, size_t count)
{
	*flow->read += count;
	flow->splice->bulk = count >= BULK_READ && *flow->read >= BULK_AFTER;
	if (flow->from->ssl == NULL)
		gather_note(conn, flow->gather, flow->from, count);
	if (flow->walk != NULL &&
	    tls_walk_add(flow->walk, conn->worker->scratch, count) == WALK_PAYLOAD)
		camera_confirm_refusal(conn, true);
}

/* What the next piece is to be, and that it may be forwarded: *count bytes in the
 * scratch, or none yet. */
static enum leg_io
next_piece(struct conn *conn, const struct flow *flow, size_t *count)
{
	size_t size = WORKER_SCRATCH_BYTES;
	enum leg_io io = LEG_DONE;

	*count = 0;
	if (leg_is_broken(flow->to))
		return LEG_ENDED; /* nobody takes it */
	if (observe_starts_tls(conn))
		return LEG_WAIT;
	if (conn->observer != NULL && flow->direction == DIRECTION_UP)
		io = observe_before(conn, count, &size);
	if (io != LEG_DONE || *count > 0)
		return io;
	if (*flow->read != flow->before && gather_waits(flow->gather, flow->from))
		return LEG_WAIT;
	/* What came before of a lookup is put in front. */
	if (conn->dns != NULL && size > WORKER_SCRATCH_BYTES - DNS_STREAM_ROOM)
		size = WORKER_SCRATCH_BYTES - DNS_STREAM_ROOM;
	io = leg_read(flow->from, conn->worker->scratch, size, count);
	if (io == LEG_ENDED && conn->observer != NULL)
		return observe_end(conn, flow->direction) && flow->direction == DIRECTION_UP
			   ? LEG_DONE
			   : LEG_ENDED;
	if (io != LEG_DONE)
		return io;
	note_read(conn, flow, *count);
	if (conn->dns != NULL)
		io = conn_dns_piece(conn, flow->direction, count);
	if (io != LEG_DONE || *count == 0)
		return io;
	return conn->observer != NULL ? observe_piece(conn, flow->direction, count) : LEG_DONE;
}

static bool
is_turn_over(const struct conn *conn, uint64_t until_us)
{
	return conn->observer != NULL && clock_mono_us() >= until_us;
}

/* count bytes of the scratch go on. */
static enum leg_io
pass_on(struct conn *conn, const struct flow *flow, size_t count)
{
	enum leg_io io = leg_write(flow->to, conn->worker->scratch, count);

	if (io == LEG_WAIT)
		(void)conn_close(conn, END_OVERLOAD, "no memory for what is on its way");
	if (io != LEG_DONE)
		return LEG_ENDED;
	*flow->left += count;
	note_left(conn);
	if (conn->observer != NULL && flow->direction == DIRECTION_UP)
		observe_left(conn, count);
	return LEG_DONE;
}

static enum leg_io
carry_piece(struct conn *conn, const struct flow *flow)
{
	enum leg_io io;
	size_t count;

	if (leg_waiting(flow->to) >= LEG_OUT_HIGH && leg_flush(flow->to) != LEG_DONE)
		return LEG_WAIT;
	io = next_piece(conn, flow, &count);
	return io == LEG_DONE && count > 0 ? pass_on(conn, flow, count) : io;
}

/* Carry what is there.  LEG_DONE: more may be there, but the turn is over. */
static enum leg_io
carry(struct conn *conn, const struct flow *flow)
{
	uint64_t until_us = clock_mono_us() + LOOKED_A_TURN_US;
	enum leg_io io = LEG_DONE;

	for (unsigned turn = 0; turn < READS_A_TURN && io == LEG_DONE; turn++) {
		if (turn > 0 && is_turn_over(conn, until_us))
			break;
		if (take_pipe(conn, flow))
			return carry_by_pipe(conn, flow);
		io = carry_piece(conn, flow);
	}
	return io;
}

/* An end of one direction becomes the same end towards the other side: a
 * truncation never becomes a clean close. */
static void
mirror_end(const struct conn *conn, const struct flow *flow)
{
	if (flow->direction == DIRECTION_UP && observe_keeps(conn))
		return;
	if (flow->from->end == LEG_CLOSED || flow->from->end == LEG_TRUNCATED)
		leg_end_direction(flow->to, flow->from->end == LEG_CLOSED);
}

static bool
is_over(const struct leg *leg)
{
	return leg->end != LEG_OPEN;
}

/* Whether the camera goes for what it thinks of the certificate, ours or the
 * server's. */
static void
look_for_refusal(struct conn *conn)
{
	if (conn->facts->inspect == INSPECT_OPENED)
		camera_note_refusal(conn);
	else if (is_check(conn) && conn->walk.found == WALK_MORE &&
		 (conn->camera_left_first || conn->walk.alert_seen) && conn->heard_ms != 0 &&
		 clock_mono_ms() - conn->heard_ms <= REFUSAL_SILENT_MS)
		camera_confirm_refusal(conn, false);
}

static enum conn_state
close_rejected(struct conn *conn)
{
	uint8_t alert = conn->camera.alert;

	if (alert != 0)
		return conn_close(conn, END_REJECTED,
		    "the camera refused the certificate: alert %u (%s)", alert,
		    SSL_alert_desc_string_long(alert));
	return conn_close(conn, END_REJECTED, "the camera closed before it sent anything");
}

static enum conn_state
close_relay(struct conn *conn)
{
	const struct leg *camera = &conn->camera, *server = &conn->server;
	const struct leg *broken = conn->broken != NULL ? conn->broken : server;
	const char *who = broken == camera ? "camera" : "server";

	server_note_insistence(conn);
	if (conn->facts->inspect == INSPECT_REJECTED)
		return close_rejected(conn);
	if (broken->end == LEG_RESET || (broken->failed && broken->end <= LEG_TRUNCATED))
		return conn_close(conn, END_RESET, "the %s reset the connection: %s", who,
		    strerror(broken->error));
	if (broken->end == LEG_FLOOD)
		return conn_close(conn, END_FLOOD, "the %s sent messages of TLS without end", who);
	/* Before the alerts: a side that was cut off complains by one. */
	if (camera->end == LEG_TRUNCATED || server->end == LEG_TRUNCATED)
		return conn_close(conn, END_TRUNCATED, "the %s ended without close_notify",
		    camera->end == LEG_TRUNCATED ? "camera" : "server");
	if (broken->end == LEG_ALERT && broken->alert == 0)
		return conn_close(conn, END_RESET, "the %s sent what TLS has no place for", who);
	if (broken->end == LEG_ALERT)
		return conn_close(conn, END_RESET, "the %s broke off its TLS: alert %u (%s)", who,
		    broken->alert, SSL_alert_desc_string_long(broken->alert));
	return conn_close(conn, END_DONE, "both sides closed");
}

static bool
start_relay(struct conn *conn)
{
	conn->quiet_ms = conn->snapshot->config->timeout.idle_ms;
	conn->relay_ms = conn->active_ms = clock_mono_ms();
	conn_set_deadline(conn, conn->quiet_ms);
	quiet_watch(conn);
	if (conn_dns_open(conn))
		return observe_open(conn);
	(void)conn_close(conn, END_OVERLOAD, "no memory for its lookups");
	return false;
}

/* Whether all that a broken side had said has gone on. */
static bool
has_gone_on(const struct conn *conn, const struct flow *flow, uint64_t *acknowledged)
{
	bool taken = leg_is_taken(flow->to, acknowledged);
	bool kept = flow->direction == DIRECTION_UP && observe_keeps(conn);

	return taken && !kept && flow->from->end != LEG_OPEN && flow->splice->pipe.held == 0 &&
	       leg_waiting(flow->to) == 0;
}

/*
 * A side was reset, or broke off.  What it had said before that belongs to the
 * other, whose kernel would have had it without us between: our reset waits until
 * it has, for as long as it goes on taking something.
 */
static enum conn_state
look_at_rest(struct conn *conn)
{
	const struct flow flow = leg_is_broken(&conn->camera) ? flow_up(conn) : flow_down(conn);
	uint64_t acknowledged, now_ms = clock_mono_ms();
	bool first = conn->broken == NULL;

	if (first)
		conn->broken = flow.from;
	if (leg_is_broken(flow.to) || flow.from->end == LEG_FLOOD ||
	    conn->facts->inspect == INSPECT_REJECTED || has_gone_on(conn, &flow, &acknowledged))
		return close_relay(conn);
	if (first || acknowledged != conn->acknowledged) {
		conn->active_ms = now_ms;
		conn->look_ms = LOOK_MIN_MS;
	}
	conn->acknowledged = acknowledged;
	if (now_ms - conn->active_ms >= conn->snapshot->config->timeout.half_close_ms)
		return close_relay(conn);
	conn_set_deadline(conn, conn->look_ms);
	if (conn->look_ms < LOOK_MAX_MS)
		conn->look_ms *= 2;
	return CONN_RELAY;
}

/* Both sides as they stand after a turn. */
static enum conn_state
look_at_ends(struct conn *conn)
{
	struct leg *camera = &conn->camera, *server = &conn->server;

	if (is_over(camera) && !conn->camera_left) {
		conn->camera_left = true;
		conn->camera_left_first = !is_over(server);
		look_for_refusal(conn); /* now: it may be back before the server closes */
	}
	if (leg_is_broken(camera) || leg_is_broken(server))
		return look_at_rest(conn);
	if (camera->end_sent && server->end_sent)
		return close_relay(conn);
	/* Of one that a limit lets stand nothing is read, and so no end. */
	if (!conn->half_closed && (is_over(camera) || is_over(server) ||
				      (observe_is_slowed(conn) && camera->fin_coming))) {
		conn->half_closed = true;
		conn->quiet_ms = conn->snapshot->config->timeout.half_close_ms;
		conn_set_deadline(conn, conn->quiet_ms);
	}
	return CONN_RELAY;
}

/* Whether the server has said something, or ended. */
static bool
server_spoke(struct leg *leg)
{
	uint8_t byte;

	if (!leg->readable)
		return false;
	if (recv(leg->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		return true;
	if (errno != EAGAIN) {
		leg_fail(leg, errno);
		return true;
	}
	leg->readable = false;
	return false;
}

/* Nobody has said anything yet.  The server first: what it speaks is no TLS.  The
 * camera first: what it says is looked at as if it had been said at once. */
static enum conn_state
wait_for_word(struct conn *conn)
{
	if (server_spoke(&conn->server)) {
		conn->silent = false;
		return CONN_RELAY;
	}
	if (!conn->camera.readable) {
		if (conn->quiet_ms == 0)
			conn_set_deadline(conn, conn->hello_ms);
		conn->quiet_ms = conn->hello_ms;
		return CONN_RELAY;
	}
	conn->silent = false;
	conn->quiet_ms = 0;
	conn->facts->inspect = INSPECT_NONE;
	peek_start(conn, conn->hello_ms);
	return CONN_PEEK;
}

enum conn_state
run_relay(struct conn *conn)
{
	struct flow up = flow_up(conn), down = flow_down(conn);
	uint64_t before_left = *up.left;
	bool more;

	if (conn->silent) {
		enum conn_state next = wait_for_word(conn);

		if (conn->silent || next != CONN_RELAY)
			return next;
		conn->quiet_ms = 0;
	}
	if (conn->quiet_ms == 0 && !start_relay(conn))
		return CONN_CLOSED;
	more = carry(conn, &up) == LEG_DONE;
	forget_hello(conn);
	if (!conn->closing)
		more = carry(conn, &down) == LEG_DONE || more;
	if (conn->closing)
		return CONN_CLOSED;
	if (observe_starts_tls(conn))
		return starttls_begin(conn);
	mirror_end(conn, &up);
	mirror_end(conn, &down);
	(void)leg_flush(&conn->server);
	(void)leg_flush(&conn->camera);
	if (*up.read != up.before || *down.read != down.before || *up.left != before_left)
		conn->active_ms = clock_mono_ms();
	if (down.before == conn->clear.down && *down.read > down.before)
		conn->heard_ms = conn->active_ms;
	if (up.before == conn->clear.up && *up.read > up.before &&
	    conn->facts->inspect == INSPECT_OPENED)
		camera_note_trust(conn);
	/* Of a side that has just failed what it said before is to be read. */
	if (more || (conn->broken == NULL && (conn->camera.failed || conn->server.failed)))
		event_active(&conn->camera.event, 0, 0);
	return look_at_ends(conn);
}
