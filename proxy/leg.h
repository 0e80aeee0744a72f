/* SPDX-License-Identifier: MIT */
#ifndef PROXY_LEG_H
#define PROXY_LEG_H

#include "base/bytes.h"
#include "proxy/pool.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct err;
struct records;

/*
 * One side of a connection: a socket, its TLS where it has one, and what is on
 * its way out.  Camera and server are both legs, so one function serves both
 * directions.
 *
 * The socket is watched edge-triggered with one event for its whole life:
 * `readable` and `writable` remember what the kernel said until a call proves
 * otherwise, so no system call is made that must fail.  Bytes out are gathered
 * and go to the kernel in one send(2) a turn (leg_flush).
 */
enum leg_end {
	LEG_OPEN = 0,
	LEG_CLOSED,    /* in order: close_notify, or FIN where there is no TLS */
	LEG_TRUNCATED, /* FIN without close_notify */
	LEG_RESET,     /* RST, or an error of the socket */
	LEG_ALERT,     /* a fatal alert came, or the peer broke the protocol */
	LEG_FLOOD,     /* messages without end: key updates, tickets, empty records, alerts */
};

enum leg_io {
	LEG_DONE = 0, /* what was asked is done */
	LEG_WAIT,     /* wait for the socket */
	LEG_ENDED,    /* the peer's direction has ended: leg->end says how */
};

struct leg {
	struct conn *conn;       /* whose leg it is */
	struct pool *pool;       /* borrowed from the worker */
	int fd;                  /* owned; -1 before leg_open */
	SSL *ssl;                /* owned; NULL: plain, or OpenSSL is done with it */
	struct records *records; /* owned; NULL: plain (leg_is_plain) */
	struct event event;      /* valid while fd >= 0 */
	struct bytes replay;     /* read from the socket already; taken before it.  Borrowed */
	bool readable, writable;
	bool fin_coming; /* the kernel said the peer has shut down; data may stand before it */
	bool fin;        /* recv returned 0 */
	bool end_queued; /* our own end was put behind the bytes out */
	bool end_sent;
	bool failed;       /* nothing can be sent to it any more (leg_fail) */
	enum leg_end end;  /* of the peer's direction */
	uint8_t alert;     /* the fatal alert that came, 0: none */
	int error;         /* errno of LEG_RESET, and of failed */
	bool renegotiates; /* it asked to begin the handshake anew, and was told no */
	uint32_t messages; /* of the handshake and behind it, that came */
	uint32_t settled;  /* ... when its session was last settled (session_settle) */
	uint64_t payload;  /* bytes that came over TLS */
	uint16_t record;   /* bytes of the record that came last, with its header */
	uint8_t *out;      /* of the pool; NULL when nothing waits */
	size_t out_start, out_end;
	uint8_t *ticket; /* owned; goes before all that is put on its way; NULL: none waits */
	size_t ticket_size;
};

enum {
	LEG_OUT_HIGH = 108 << 10, /* bytes waiting: read no more for this leg */
};

/* Start to watch fd (non-blocking, becomes the leg's). */
int leg_open(struct leg *leg, int fd, struct event_base *base, event_callback_fn on_event);

/* Note what an event said. */
void leg_note(struct leg *leg, short what);

/*
 * Take bytes from the socket as they are, TLS or not.  As recv(2), but asks the
 * kernel only when it has something: -1 with errno EAGAIN otherwise; 0 when the
 * peer has shut down; -1 with LEG_RESET noted when the socket failed.
 */
ssize_t leg_receive(struct leg *leg, void *to, size_t size);

/* Speak TLS from now on; takes ssl over, whose BIO becomes the leg's own. */
int leg_start_tls(struct leg *leg, SSL *ssl, struct err *err);

/* Whether it has no TLS. */
bool leg_is_plain(const struct leg *leg);

/* Go on with the handshake.  LEG_WAIT: for the socket, or for an answer
 * (tls_is_asked).  LEG_ENDED: it failed, leg->end, ->alert and err say how. */
enum leg_io leg_handshake(struct leg *leg, struct err *err);

/*
 * Read up to size bytes of payload; LEG_DONE with a *count of 0: something else
 * came, and there may be more.  A peer that sends
 * more handshake messages than a handshake has, and more than the payload of both
 * directions explains, ends with LEG_FLOOD: OpenSSL takes any number of them in one call
 * (a TLS 1.3 key update costs 15 microseconds), and no other connection of the
 * worker would have its turn.
 *
 * A leg that carries much is taken over from OpenSSL (proxy/takeover.h): ssl is
 * NULL from then on, after a read or a write.
 */
enum leg_io leg_read(struct leg *leg, uint8_t *to, size_t size, size_t *count);

/* Whether there is payload to read that was received already, of a leg that OpenSSL
 * has left. */
bool leg_holds_payload(const struct leg *leg);

/* Put payload on its way out; the caller keeps below LEG_OUT_HIGH waiting
 * bytes, and count at most 16 KiB.  LEG_WAIT: nothing was taken. */
enum leg_io leg_write(struct leg *leg, const uint8_t *from, size_t count);

/* Hand what waits to the kernel.  LEG_DONE: nothing waits any more.  LEG_ENDED: it
 * has failed, and what waited is gone. */
enum leg_io leg_flush(struct leg *leg);
size_t leg_waiting(const struct leg *leg);

/*
 * The socket told this error to a call that was to send, or to look.  It tells it once:
 * nothing can be sent any more, and what the peer had said before it may stand in the
 * socket still.  That is read as ever, and ends with LEG_RESET; or as it was ended,
 * where a FIN came before the reset (the error is EPIPE then, tcp_reset() of Linux).
 */
void leg_fail(struct leg *leg, int error);

/* Whether its connection is over otherwise than in order, in one direction at least. */
bool leg_is_broken(const struct leg *leg);

/* How the peer's direction ended, of a leg of which no more is read. */
enum leg_end leg_how_ended(const struct leg *leg);

/*
 * Whether the peer's kernel has all that ours was given for it, or never will: of
 * what has not been acknowledged a reset of ours takes away all.  *acknowledged: so
 * many bytes it has, since the socket was connected.
 */
bool leg_is_taken(const struct leg *leg, uint64_t *acknowledged);

/*
 * The handshake of a camera's TLS 1.3 is done, and all that waits is its ticket: let
 * that go with the first payload, our end, or leg_rest.  A camera that says what it
 * has and closes would answer a ticket of its own by RST, and so lose what its
 * kernel had not sent yet (RFC 1122 section 4.2.2.13).
 */
void leg_keep_ticket(struct leg *leg);

/* Nothing has come or gone for a while: a leg of TLS 1.3 lets go of OpenSSL, where
 * it may, and keeps no more than its secrets. */
void leg_rest(struct leg *leg);

/* End our direction behind what waits: close_notify (orderly, where there is
 * TLS), then FIN.  Sent by leg_flush. */
void leg_end_direction(struct leg *leg, bool orderly);

/* Close the socket: with RST, or as the kernel does.  Accepts a leg that was
 * never opened.  Sends nothing that waits. */
void leg_close(struct leg *leg, bool reset);

/* Give the socket away as it is, no longer watched; -1: there is none.  What
 * waits is not sent. */
int leg_release(struct leg *leg);

/* The BIO_METHOD that all legs share; NULL: no memory.  Once a process. */
BIO_METHOD *leg_bio_method(void);

#endif
