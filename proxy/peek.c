/* SPDX-License-Identifier: MIT */
/* The stage that gathers the camera's hello; nothing is sent to anybody. */
#include "proxy/conn_private.h"

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
	if (count == 0) {
		hello_finish(&conn->hello, &conn->facts.hello);
		conn->hello_done = true;
		return false;
	}
	switch (hello_add(&conn->hello, (size_t)count, &conn->facts.hello)) {
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
	while (conn->camera.readable && !conn->hello_done && !conn->closing) {
		if (!read_hello(conn))
			break;
	}
	if (conn->closing)
		return CONN_CLOSED;
	return conn->hello_done ? CONN_DECIDE : CONN_PEEK;
}
