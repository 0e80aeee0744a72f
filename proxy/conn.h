/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CONN_H
#define PROXY_CONN_H

#include "base/addr.h"
#include "base/facts.h"

#include <stdbool.h>

struct conn;
struct worker;

/*
 * A camera's connection, from accept to its record: a row of stages that it
 * runs through (conn.c has the table), one after the other.
 */
enum conn_state {
	CONN_LOCATE = 0, /* place the destination; judge by address */
	CONN_PEEK,       /* gather the camera's hello */
	CONN_DECIDE,     /* judge by name; write the open record */
	CONN_CONNECT,    /* TCP to the server */
	CONN_VERIFY,     /* TLS to the server; judge its certificate */
	CONN_MINT,       /* a leaf for the camera */
	CONN_ACCEPT,     /* TLS to the camera */
	CONN_RELAY,      /* bytes both ways */
	CONN_CLOSED,     /* recorded; freed at the loop's next turn */
	CONN_STATES      /* count; keep last */
};

const char *conn_state_name(enum conn_state state);

/* Whether a connection may go from one state to another. */
bool conn_may_go(enum conn_state from, enum conn_state to);

/*
 * Take over a connection of a camera that the census has counted: fd
 * (non-blocking) is its from now on.  It runs by itself until it is recorded;
 * false when there was no memory, and fd closed.
 */
bool conn_open(struct worker *worker, int fd, const struct addr *camera, const struct addr *dst);

/* Close a connection that is not taken over, by RST. */
void conn_refuse(int fd);

/* End it from outside. */
void conn_stop(struct conn *conn, enum end end, const char *text);

/* Give back what is closed and recorded. */
void conn_free(struct conn *conn);

#endif
