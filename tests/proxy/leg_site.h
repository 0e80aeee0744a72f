/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROXY_LEG_SITE_H
#define TESTS_PROXY_LEG_SITE_H

#include "proxy/records.h"
#include "tests/proxy/leg_pair.h"
#include "tests/support/pki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A leg that speaks TLS on one end of a socket pair, and an SSL of OpenSSL's on the
 * other: what the leg says once it is without OpenSSL is heard by that, and the
 * other way round.
 */
enum { LEG_SITE_FULL = 16 << 10 /* the payload of a full record */ };

struct leg_site {
	struct leg_pair pair; /* of one connection at a time */
	struct pki root, leaf;
	SSL_CTX *server_ctx, *ctx; /* of whichever side is server, and of the other one */
	SSL *peer;
	unsigned peer_updates; /* key updates that it heard */
	SSL_SESSION *session;  /* for a peer that connects, which then says something early */
	uint8_t buffer[LEG_SITE_FULL], heard[LEG_SITE_FULL];
};

void leg_site_open(struct leg_site *site);
void leg_site_close(struct leg_site *site);

/* A connection whose handshake is to be done; of which side the leg is: it accepts
 * towards a camera, and connects to a server. */
void leg_site_connect(struct leg_site *site, bool accepts);
void leg_site_handshake(struct leg_site *site);
void leg_site_hang_up(struct leg_site *site);

/* The first two. */
void leg_site_shake_hands(struct leg_site *site, bool accepts);

/* The same, and it falls silent: OpenSSL is left (tests/certs/lean_first.h). */
void leg_site_fall_silent(struct leg_site *site, bool accepts);

/* All that the peer said is heard, and exactly that: so many bytes, in site->heard. */
void leg_site_hear(struct leg_site *site, size_t expected);

/* One side says something, and the other hears it. */
void leg_site_peer_says(struct leg_site *site, const void *bytes, size_t count);
void leg_site_leg_says(struct leg_site *site, const void *bytes, size_t count);

/* Both say something, in records of several sizes. */
void leg_site_exchange(struct leg_site *site);

/* The leg, of either side, carries much, and is without OpenSSL in the middle of it. */
void leg_site_carry_much(struct leg_site *site);

/* The peer ends it, and the leg finds it ended so. */
void leg_site_end_as(struct leg_site *site, enum leg_end end);

/* What OpenSSL would not send, as the peer's: a record of such an inner type, sealed by
 * its key, which is not counted on; type 0: bytes as they stand. */
void leg_site_peer_sends(struct leg_site *site, uint8_t type, const void *bytes, size_t size);

/* For what OpenSSL would not do: a copy of a key of the leg's that opens what that
 * seals, or the other way round; to be cleared. */
struct record_key leg_site_mirror(const struct record_key *key);

#endif
