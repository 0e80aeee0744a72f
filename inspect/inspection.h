/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_INSPECTION_H
#define INSPECT_INSPECTION_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An observer of the two byte streams of one TCP conversation, plain or opened:
 * which protocol it is, by the first bytes of either side and on any port; what
 * was said in that protocol's words (struct app_facts); and of what class its
 * payload is (struct payload_facts, by inspect/payload.h).
 *
 * It works on what is about to be forwarded and changes nothing of it.  What
 * does not follow the protocol sets app.confused, and the rest of the
 * conversation is metered as a raw stream; what was read before stands.
 *
 * No secret is kept: of passwords, tokens and cookies app.credentials is all
 * that remains, and of paths the query is left out.
 *
 * Bounds: the lines, heads, tables and depths of each protocol are bounded
 * (docs/protocols.md).  A conversation holds less than 1.5 KiB here beside its
 * meter, of HTTP/2 2.5 KiB and the tables of HPACK, at most 64 KiB each; and of
 * each direction 1 KiB more while a line is half-read.  Bodies are never gathered;
 * one whose length was told is passed over without a look at its bytes.
 */
struct inspection;

struct inspection_about {
	uint16_t port;    /* the server's; decides only between protocols that begin alike */
	bool opened;      /* the bytes come out of TLS that was opened */
	const char *alpn; /* on which this TLS agreed: "h2"; NULL or "": nothing.  Not kept */
};

/* Made where relaying begins, after the handshakes and before the first byte of
 * payload.  NULL: no memory, so nothing can be told of this conversation. */
struct inspection *inspection_open(const struct inspection_about *about);

/*
 * Observe bytes that came from the camera (DIRECTION_UP) or from the server
 * (DIRECTION_DOWN), each once, in order, before they are forwarded.  app and
 * payload are the connection's own and the same at each call; the caller zeroed
 * them, and nobody else writes into them meanwhile.
 *
 * Returns how many of them are to be forwarded.  That is all of them, except
 * around STARTTLS and its like: what stands behind the command that asks for
 * TLS, or behind the answer that grants it, was sent by somebody who must wait
 * (RFC 3207 section 4.2, CVE-2011-0411).  The caller drops the rest; what came
 * from the camera behind the command is dropped until the server has answered.
 * Dropping sets app.confused.
 *
 * Source: docs/protocols.md, which says what is read of each protocol.
 */
size_t inspection_feed(struct inspection *inspection, enum direction direction, struct bytes piece,
    struct app_facts *app, struct payload_facts *payload);

/* Whether somebody decides by what is told of the payload: payload_careful. */
void inspection_careful(struct inspection *inspection, bool careful);

/*
 * Whether both sides are to start TLS now: asked after each inspection_feed of
 * the server's bytes.  It stays true until inspection_tls_started, and until then
 * nothing may be fed.  The caller forwards what inspection_feed allowed, then
 * makes TLS with the server and with the camera, and calls
 * inspection_tls_started(.., true): what is fed from there on is what was inside,
 * and the protocol goes on in it.  Where TLS is not to be opened (it passes
 * through), it calls inspection_tls_started(.., false): app.opaque_inner is set,
 * and the rest is metered as a raw stream.
 */
bool inspection_starts_tls(const struct inspection *inspection);
void inspection_tls_started(struct inspection *inspection, bool opened);

/* This direction has ended, in order or not; nothing of it is fed any more. */
void inspection_end(struct inspection *inspection, enum direction direction, struct app_facts *app,
    struct payload_facts *payload);

/* Accepts NULL. */
void inspection_close(struct inspection *inspection);

#endif
