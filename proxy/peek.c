/* SPDX-License-Identifier: MIT */
/* The stage that gathers the camera's hello; nothing is sent to anybody.
 *
 * Who says nothing may wait for the server to speak first (FTP, SMTP, IMAP, SSH
 * ...): after a while it goes on unheard, and comes back here when it speaks
 * before the server does. */
#include "proxy/conn_private.h"

#include <string.h>

/* How long it is waited for a hello before the server is asked to speak. */
enum { UNHEARD_MS = 300 };

/* Where the server speaks first, by the ports of IANA. */
static bool
is_server_first(uint16_t port)
{
	static const uint16_t ports[] = {21, 22, 25, 110, 119, 143, 587, 2525};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (ports[i] == port)
			return true;
	}
	return false;
}

void
peek_start(struct conn *conn, uint32_t hello_ms)
{
	conn->hello_ms = hello_ms;
	if (conn->unheard || conn->facts->verdict.result == RESULT_BLOCK || hello_ms <= UNHEARD_MS)
		conn_set_deadline(conn, hello_ms);
	else
		conn_set_deadline(conn,
		    is_server_first(conn->facts->dst.port) ? 0 : (uint32_t)UNHEARD_MS);
}

bool
peek_waited(struct conn *conn)
{
	if (conn->unheard || conn->facts->verdict.result == RESULT_BLOCK ||
	    conn->hello_ms <= UNHEARD_MS)
		return false;
	conn->unheard = true;
	conn->silent = conn->hello.raw_used == 0 && decide_unheard(conn);
	conn_set_deadline(conn, conn->hello_ms - UNHEARD_MS);
	return true;
}

/* Read once; returns whether there may be more to read now. */
static bool
read_hello(struct conn *conn)
{
	struct leg *leg = &conn->camera;
	size_t room;
	uint8_t *to = hello_room(&conn->hello, &room);
	ssize_t count;

	if (to == NULL) {
		(void)conn_close(conn, END_OVERLOAD, "no room for the camera's hello");
		return false;
	}
	count = leg_receive(leg, to, room);
	if (count < 0 && leg->end == LEG_OPEN)
		return false;
	if (count < 0) {
		(void)conn_close(conn, END_RESET,
		    "the camera reset the connection before its hello");
		return false;
	}
	conn->silent = false;
	if (count == 0) {
		hello_finish(&conn->hello, &conn->facts->hello);
		conn->hello_done = true;
		return false;
	}
	switch (hello_add(&conn->hello, (size_t)count, &conn->facts->hello)) {
	case HELLO_MORE:
		return true;
	case HELLO_READY:
		conn->hello_done = true;
		return false;
	case HELLO_NO_MEMORY:
		(void)conn_close(conn, END_OVERLOAD, "no memory for the camera's hello");
		return false;
	}
	return false;
}

enum conn_state
run_peek(struct conn *conn)
{
	/* In the middle of a conversation its last words may still be on their way. */
	(void)leg_flush(&conn->camera);
	while (conn->camera.readable && !conn->hello_done && !conn->closing) {
		if (!read_hello(conn))
			break;
	}
	if (conn->closing)
		return CONN_CLOSED;
	return conn->hello_done || conn->silent ? CONN_DECIDE : CONN_PEEK;
}
