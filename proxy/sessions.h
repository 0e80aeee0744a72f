/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SESSIONS_H
#define PROXY_SESSIONS_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * The TLS sessions that a worker can resume with servers: most of what a new
 * connection costs is the server's chain and its signature, which a resumed
 * session does without.
 *
 * A session belongs to all of struct session_peer: it is offered to nobody
 * else, and not after the trust store or a rule has changed.  Only sessions of
 * servers that were accepted are kept; one of TLS 1.3 is given out once (RFC
 * 8446 appendix C.4), one before it until a newer one comes (RFC 5077).  None
 * is given out SESSION_AGE_MAX_MS after the handshake in which the server last
 * proved who it is, however often it was resumed since, nor beyond the lifetime
 * that the server told.  That its chain is still good is looked at by whoever
 * resumes it (certs/verify.h).
 *
 * Bounded in number and in bytes: the oldest goes first.
 */
struct sessions;

enum {
	SESSION_KEY_BYTES = 32,
	SESSION_AGE_MAX_MS = 3600 * 1000, /* a server's new certificate is seen by then */
	SESSIONS_MAX = 4096,
	SESSIONS_A_KEY_MAX = 64,       /* of one server */
	SESSIONS_BYTES_MAX = 16 << 20, /* as they are estimated, certificates included */
	SESSION_BYTES_MAX = 512 << 10, /* of one; a bigger one is not kept */
	/* What a server says of itself in a ticket; beyond it is not kept either.  All
	 * extensions of a hello are 64 KiB at most (RFC 8446 section 4.1.2), and one that
	 * cannot be said ends the handshake. */
	SESSION_TICKET_MAX = 32 << 10,
};

/* Whom a session belongs to; all borrowed. */
struct session_peer {
	const struct addr *dst;
	const char *name;         /* asked for; "" none */
	struct bytes alpn;        /* the list that is offered; beyond 255 bytes none is kept */
	const uint8_t *trust_id;  /* 32 bytes: the trust store */
	const uint8_t *policy_id; /* 32 bytes: rules and settings */
	const uint8_t *client_id; /* 32 bytes: the certificate that we show; NULL none */
	uint16_t min;             /* the lowest version that is spoken, as on the wire */
};

/* A connection's part in it; all 0 before session_offer. */
struct session_slot {
	struct sessions *sessions; /* borrowed */
	uint8_t key[SESSION_KEY_BYTES];
	uint64_t proved_ms; /* when the server last showed its certificate */
	enum staple staple; /* what it stapled to it then; the caller's to set before
			     * session_accept where the handshake was a full one */
	bool offered;       /* a session was there */
	bool accepted;      /* the server is one to keep sessions of */
	bool shared;        /* nobody asks for its certificates any more */
};

struct sessions *sessions_new(void);           /* NULL: no memory */
void sessions_free(struct sessions *sessions); /* accepts NULL */

/* Have the servers' ctx hand its sessions to the slots of its SSLs.  -1: err. */
int sessions_watch(SSL_CTX *ctx, struct err *err);

/*
 * Before a handshake: offer the session that is kept for peer, if there is one.
 * slot must outlive ssl.  What cannot be done is left out: the handshake is
 * then a full one.
 */
void session_offer(struct session_slot *slot, struct sessions *sessions,
    const struct session_peer *peer, SSL *ssl, uint64_t now_ms);

/* After the handshake, when the server was found to be one to speak with: keep
 * its sessions, those to come too. */
void session_accept(struct session_slot *slot, SSL *ssl, uint64_t now_ms);

/* The peer's certificates were looked at for the last time: from now on, and after
 * each ticket that session_settle is told of, the connection holds them together
 * with others that were shown the same (proxy/common_sessions.h). */
void session_share(struct session_slot *slot, SSL *ssl);

/* Messages behind the handshake have come; ssl may be one without a slot. */
void session_settle(SSL *ssl);

/* A camera has shaken hands with ssl, and has its tickets. */
void sessions_settle_camera(struct sessions *sessions, SSL *ssl);

/* The handshake failed: what was kept of this server may be why. */
void session_forget(struct session_slot *slot);

/* What is held now. */
size_t sessions_count(const struct sessions *sessions);
size_t sessions_bytes(const struct sessions *sessions);

#endif
