/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CONN_PRIVATE_H
#define PROXY_CONN_PRIVATE_H

/* For the stages of a connection only: conn, peek, decide, server, camera, relay. */

#include "base/err.h"
#include "config/config.h"
#include "inspect/hello.h"
#include "proxy/conn.h"
#include "proxy/leg.h"
#include "proxy/minter.h"
#include "proxy/sessions.h"
#include "proxy/snapshot.h"
#include "proxy/splice.h"
#include "proxy/tickets.h"
#include "proxy/tls_walk.h"
#include "proxy/turns.h"
#include "proxy/worker_private.h"

#include <sys/queue.h>

struct observer;
struct squeezed;
struct dns_stream;
struct spool_live;

/* One direction's way through a pipe. */
struct splice {
	struct pipe pipe; /* of the worker's; open only while it holds something */
	bool bulk;        /* it was last read by much at once */
};

struct conn {
	TAILQ_ENTRY(conn) entry;   /* worker's list, open or closed */
	struct worker *worker;     /* borrowed */
	struct snapshot *snapshot; /* what it runs under, from accept to free; a reference */
	enum conn_state state;
	struct facts *facts;           /* owned; NULL while it is quiet (proxy/quiet.h) */
	struct squeezed *squeezed;     /* owned; what they are then */
	TAILQ_ENTRY(conn) quiet_entry; /* while quiet_listed, of those that may become so */
	struct leg camera, server;
	struct session_slot session;  /* with the server */
	struct ticket_binding ticket; /* of the camera's */
	TAILQ_ENTRY(conn) turn_entry; /* while TURN_WAITING, of turn_queue */
	enum turn_queue turn_queue;
	enum turn turn;
	struct crowd *crowd; /* while it has asked for a turn: those at its server; NULL: not
			      * counted */

	struct hello_reader hello; /* empty once replayed */
	struct event deadline;
	uint64_t opened_us; /* clock_mono_us */
	uint64_t active_ms; /* clock_mono_ms of the last byte either way */
	uint64_t relay_ms;  /* clock_mono_ms when CONN_RELAY began */
	uint64_t heard_ms;  /* clock_mono_ms of the server's first payload; 0: none yet */
	uint32_t hello_ms;  /* in CONN_PEEK: how long it may take in all */
	uint32_t quiet_ms;  /* in CONN_RELAY: how long it may be silent; else 0 */
	enum leaf_kind leaf_kind;
	struct minted minted; /* owned; for the camera */
	struct mint_waiter mint;
	struct splice splice_up, splice_down;
	struct gather gather_up, gather_down;
	TAILQ_ENTRY(conn) gather_entry; /* while one of these is on */
	struct observer *observer;      /* from CONN_RELAY on; owned; NULL: nobody looks */
	struct tls_walk walk;    /* of a camera's side that passes since it refused our leaf */
	struct spool_live *live; /* owned by the spool; NULL before the open record */
	bool passthrough;        /* the camera is known to refuse our leaf there */
	bool silent;             /* it said nothing so far, nor did the server */
	bool unheard;            /* ... and that was waited for once */
	bool hello_done;         /* peek has its answer */
	bool camera_left;        /* it ended its direction */
	bool camera_left_first;  /* ... before the server did */
	bool half_closed;        /* a side has ended, or will as soon as it is read */
	bool closing;
	const struct leg *broken; /* the side that was reset, or broke off, first; NULL: none */
	uint64_t acknowledged;    /* by the other side, when that was looked at last */
	uint32_t look_ms;         /* ... and after how long */
	bool starttls;            /* its TLS began in the middle: the conversation cannot be begun
				   * again on another connection */
	struct traffic clear;     /* what was carried before that */
	struct dns_stream *dns;   /* owned; it may carry lookups; NULL: it does not */
	bool redirected;          /* it goes to the configured resolver, and not to dst */
	bool asked_anew;          /* the server failed to resume, and is asked once more */
	bool quiet_listed;
	bool counted;         /* with its camera's others, in the census */
	uint8_t camera_alert; /* to say to a camera whose handshake was not answered */
};

/*
 * The one way to end a connection.  The first cause counts.  Closes both sides
 * in the shape that belongs to the cause, writes the record, and frees at the
 * loop's next turn.  Returns CONN_CLOSED, so a stage can return it.
 */
enum conn_state conn_close(struct conn *conn, enum end end, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Run until it waits for something.  Callbacks note what happened and call it. */
void conn_run(struct conn *conn);

/* How long from now the present stage may take; it ends with END_TIMEOUT or,
 * in CONN_RELAY, is looked at for silence. */
void conn_set_deadline(struct conn *conn, uint32_t ms);

/* The events of either leg, which is arg. */
void conn_on_leg(evutil_socket_t fd, short what, void *arg);

/* Fill in facts who conn's camera is, by this configuration's devices. */
void conn_name_device(const struct conn *conn, const struct config *config, struct facts *facts);

/* The stages. */
enum conn_state run_locate(struct conn *conn);  /* decide.c */
enum conn_state run_peek(struct conn *conn);    /* peek.c */
enum conn_state run_decide(struct conn *conn);  /* decide.c */
enum conn_state run_connect(struct conn *conn); /* server.c */
enum conn_state run_verify(struct conn *conn);  /* server.c */
enum conn_state run_mint(struct conn *conn);    /* camera.c */
enum conn_state run_accept(struct conn *conn);  /* camera.c */
enum conn_state run_relay(struct conn *conn);   /* relay.c */

/* Before CONN_PEEK: the camera has so long to say what it wants. */
void peek_start(struct conn *conn, uint32_t hello_ms);

/* In CONN_PEEK its time is up.  True: there is more to do, or to wait for. */
bool peek_waited(struct conn *conn);

/* A camera that says nothing: whether it may go on to the server unheard. */
bool decide_unheard(const struct conn *conn);

/* Both sides have agreed to begin TLS: gather the camera's hello. */
enum conn_state starttls_begin(struct conn *conn);

/* ---- conn_dns.c ---- */

/* Whether what the camera began with is a lookup that goes to the configured
 * resolver: then its verdict says so, and not where the server asked is. */
bool conn_dns_redirect(struct conn *conn);

/* Whom conn is connected to; false: the resolver's address cannot be read. */
bool conn_dns_server(const struct conn *conn, struct addr *out);

/* As relaying begins; false: no memory. */
bool conn_dns_open(struct conn *conn);

/* What was read into the scratch, of a conn whose dns is not NULL: *count becomes
 * what of it goes on.  LEG_ENDED: conn was closed. */
enum leg_io conn_dns_piece(struct conn *conn, enum direction direction, size_t *count);

/* Give the pipes back, with what is in them. */
void relay_drop(struct conn *conn);

/* What becomes of a server whose certificate is not good: as the rules that gave
 * this verdict want it, else as the configuration says. */
enum servers decide_bad_server(const struct config *config, const struct verdict *verdict);

/* Judge conn at this stage by the rules it began with, and by those that hold
 * now: what these block is blocked. */
void decide_judge(struct conn *conn, enum verdict_stage stage);

/* Judge what is about to be forwarded undecrypted (passthrough, plain): no
 * certificate proves the name.  Returns false when it is blocked. */
bool decide_unproven(struct conn *conn);

/* Whether the camera went while its server is asked: no handshake can come of it
 * any more, and it says nothing about our leaf. */
bool camera_is_gone(const struct conn *conn);

/* The camera sent payload over our leaf: it trusts it. */
void camera_note_trust(struct conn *conn);

/* The camera ended: was that a refusal of our leaf?  Then inspect becomes
 * INSPECT_REJECTED. */
void camera_note_refusal(struct conn *conn);

/* The connection ends: did the server want to begin its handshake anew, which
 * only the camera can, and go because it was told no? */
void server_note_insistence(struct conn *conn);

/* Whether the server is known to want what only the camera itself can do; facts say
 * what was found of it then. */
bool server_recall_demand(struct conn *conn);

/* Whether the camera is known to refuse our leaf there: then it passes. */
void camera_recall_refusal(struct conn *conn);

/* It passed for that reason, and works, or goes as it did with our leaf. */
void camera_confirm_refusal(struct conn *conn, bool works);

#endif
