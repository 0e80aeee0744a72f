/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_OBSERVER_PRIVATE_H
#define INSPECT_OBSERVER_PRIVATE_H

/* For inspection.c and the observers of protocols in this folder. */

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/payload.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct observer;

/* How far a conversation is that asked for TLS in its middle. */
enum observed_tls {
	TLS_UNASKED = 0,
	TLS_ASKED,   /* by the camera; the server has not answered */
	TLS_GRANTED, /* by the server: both sides begin now */
	TLS_INSIDE,  /* what is observed is inside of it */
};

/* What an observer works on, and how it tells inspection.c what is next. */
struct observation {
	struct app_facts *app;         /* the connection's; only during a call */
	struct payload_facts *payload; /* the connection's; only during a call */
	struct payload_meter *meter;   /* owned by the inspection */
	enum direction asker;          /* who sends the requests */
	bool opened;                   /* inside TLS that was opened */
	bool confused;                 /* set: what follows, this byte too, is metered raw */
	bool compressed;               /* of WebSocket: permessage-deflate was agreed on */
	bool mqtt;                     /* of WebSocket: its subprotocol is MQTT */
	bool raw_begun[2];             /* observer_raw began its message, by observation_side */
	enum observed_tls tls;
	const struct observer *next; /* set: who observes what follows */
};

/*
 * The observer of one protocol.  feed takes from the front of what came in this
 * direction and returns how many bytes it took: all, unless it set confused,
 * next or tls.  Whatever the pieces are, the facts are the same.
 */
struct observer {
	enum app_proto proto;
	size_t state_bytes; /* of its state, which begins zeroed; 0: it has none */
	size_t (*feed)(void *state, struct observation *seen, enum direction direction,
	    struct bytes piece);
	/* No more comes of this direction: what was taken and waits for more is to be
	 * counted.  May be called again.  NULL: nothing ever waits. */
	void (*end)(void *state, struct observation *seen, enum direction direction);
	/* Whether what came last from the camera is not whole, so that it may become
	 * anything yet.  NULL: it never is that. */
	bool (*waits)(const void *state);
	void (*clear)(void *state); /* give back what the state owns; or NULL */
};

extern const struct observer observer_raw; /* a stream without any structure */
extern const struct observer observer_ssh, observer_http, observer_http2, observer_websocket;
extern const struct observer observer_rtsp, observer_rtsp_tunnel, observer_mqtt, observer_dns;
extern const struct observer observer_smtp, observer_ftp, observer_imap, observer_pop3,
    observer_xmpp;

/* 0 for what comes from the camera, 1 from the server: an index. */
unsigned observation_side(enum direction direction);

/* The direction against this one. */
enum direction observation_answer(enum direction direction);

/* count bytes are the protocol's own: they count as control. */
void observation_control(struct observation *seen, enum direction direction, uint64_t count);

/* A message of payload begins, goes on, ends: to the meter. */
void observation_begin(struct observation *seen, enum direction direction,
    const struct payload_hint *hint);
void observation_body(struct observation *seen, enum direction direction, struct bytes part);
void observation_end(struct observation *seen, enum direction direction);

/* A number between 100 and 999, of the first answer, as three digits stand there; of those
 * below 200 only 101 is an answer. */
bool observation_status(struct observation *seen, struct bytes digits, uint16_t *status);

#endif
