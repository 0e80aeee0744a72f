/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_PLAYS_H
#define TESTS_FLOW_PLAYS_H

#include "tests/flow/peer.h"

/* What cameras and servers do in many stories; for peer_start. */

void play_ask(struct peer *peer);      /* a camera: says "secret", hears "ok", ends */
void play_answer(struct peer *peer);   /* a server: the other half of it */
void play_hello(struct peer *peer);    /* a camera: says "hello" and ends */
void play_hear_out(struct peer *peer); /* handshakes, hears to the end, ends too */
void play_be_left(struct peer *peer);  /* handshakes, hears to the end */
void play_hope(struct peer *peer);     /* connects; no handshake comes of it */

#endif
