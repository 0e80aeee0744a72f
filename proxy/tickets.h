/* SPDX-License-Identifier: MIT */
#ifndef PROXY_TICKETS_H
#define PROXY_TICKETS_H

#include "base/addr.h"
#include "base/bytes.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * The tickets with which cameras resume their TLS (RFC 5077, RFC 8446 section
 * 4.6.1): nothing is kept here but the keys that seal them.
 *
 * A camera that resumes does not look at our leaf again.  So a ticket says for
 * what it was given, and opens nothing else: another destination, name, ALPN
 * choice, leaf, trust store or rule makes the handshake a full one, and so does
 * a server of which something else is wrong than then: where its flaw is
 * mirrored, the camera is to see it.  It does not open after TICKET_LIFETIME_S
 * either.
 *
 * The keys are a worker's own and never leave its memory: after its death its
 * cameras do a full handshake.  They change every TICKET_KEY_AGE_MS.
 */
struct tickets;

enum {
	TICKET_LIFETIME_S = 7200,
	TICKET_KEY_AGE_MS = 3600 * 1000,
	TICKET_BINDING_BYTES = 32,
};

/* For what a ticket is given; all borrowed. */
struct ticket_use {
	const struct addr *dst;
	const char *name;         /* as the camera sent it; "" none */
	const char *alpn;         /* what the server chose; "" none */
	X509 *leaf;               /* that the camera is shown */
	uint32_t errors;          /* of the server's certificate, enum cert_error */
	const uint8_t *trust_id;  /* 32 bytes: the trust store */
	const uint8_t *policy_id; /* 32 bytes: rules and settings */
};

/* That in a few bytes, and whose keys; part of a connection. */
struct ticket_binding {
	struct tickets *tickets; /* borrowed */
	uint8_t bytes[TICKET_BINDING_BYTES];
};

struct tickets *tickets_new(struct err *err); /* NULL: err */
void tickets_free(struct tickets *tickets);   /* accepts NULL */

/* Have the cameras' ctx ask the keys of each SSL's binding; class tells contexts
 * apart whose sessions are not to be mixed. */
int tickets_watch(SSL_CTX *ctx, const char *class, struct err *err);

/* Before a handshake: what ssl's tickets are for.  tickets and binding must
 * outlive ssl.  An SSL without one has no tickets. */
int tickets_bind(struct tickets *tickets, const struct ticket_use *use, SSL *ssl,
    struct ticket_binding *binding, struct err *err);

#endif
