/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_PLAYS_H
#define TESTS_FLOW_PLAYS_H

#include "tests/flow/peer.h"

#include <stdint.h>

/* What cameras and servers do in many stories; for peer_start. */

void play_ask(struct peer *peer);      /* a camera: says "secret", hears "ok", ends */
void play_answer(struct peer *peer);   /* a server: the other half of it */
void play_hello(struct peer *peer);    /* a camera: says "hello" and ends */
void play_hear_out(struct peer *peer); /* handshakes, hears to the end, ends too */
void play_be_left(struct peer *peer);  /* handshakes, hears to the end */
void play_hope(struct peer *peer);     /* connects; no handshake comes of it */

/* With a count of bytes of the pattern, for a play of its own. */
void play_pour(struct peer *peer, uint64_t count);        /* says all, ends, hears to the end */
void play_hear_slowly(struct peer *peer, uint64_t count); /* hears them so, and to the end */
void play_pour_back(struct peer *peer, uint64_t count);   /* hears to the end, says all, ends */

/* A camera that begins TLS in the middle of SMTP, and says 10, 10 and 10 bytes; and its
 * server once it has connected, up to the second 10: "220 go" is what they wait for. */
void play_mail(struct peer *peer);
void play_offer_tls(struct peer *peer);

#endif
