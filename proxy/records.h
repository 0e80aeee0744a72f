/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RECORDS_H
#define PROXY_RECORDS_H

#include "certs/late_messages.h"
#include "certs/record_key.h"
#include "proxy/leg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A leg's TLS without OpenSSL's SSL, from the moment on that its handshake is
 * done and nothing is left but records (proxy/takeover.h): payload is opened
 * straight out of what was received and sealed straight into what is to be
 * sent, and a leg that is silent holds two secrets and no more.
 *
 * What a peer may still say: payload, with or without padding; key updates,
 * which are answered once before our next payload (RFC 8446 section 4.6.3);
 * tickets, which are counted and dropped; close_notify and alerts.  All else ends
 * the leg with the alert that RFC 8446 section 6 has for it, and LEG_ALERT;
 * what costs something and says nothing, with LEG_FLOOD.
 *
 * Of TLS 1.2 payload, close_notify and alerts; whoever wants to negotiate anew is
 * told that we do not.
 */
struct records {
	struct record_key in, out;
	struct late_messages late;
	uint8_t *at;         /* of the leg's pool, or `packed`; NULL: nothing is held */
	uint32_t start, end; /* in it: what was not opened yet */
	uint32_t plain;      /* where the payload of the last record begins ... */
	uint32_t plain_left; /* ... of which so much was not taken yet */
	uint64_t wrote;      /* payload */
	uint32_t packed;     /* bytes of `at`, which is not the pool's; 0: it is */
	uint8_t blanks;      /* records in a row that said nothing */
	bool carried;        /* payload came since there was last nothing to read */
	bool owes;           /* the peer asked for our key update */

	/* Until the leg is taken over. */
	uint8_t in_secret, out_secret; /* bytes of them that are known */
	bool renewed;                  /* keys are not those of the handshake any more */
	bool split;                    /* a message goes on in another record */
};

struct records *records_new(void);                             /* NULL: no memory */
void records_free(struct records *records, struct pool *pool); /* accepts NULL; leaves no secret */

/* As leg_read, leg_write and leg_end_direction, of a leg that was taken over. */
enum leg_io records_read(struct leg *leg, uint8_t *to, size_t size, size_t *count);
enum leg_io records_write(struct leg *leg, const uint8_t *from, size_t count);
void records_close(struct leg *leg);

/* Whether a whole record, or what is left of one, can be read without the socket. */
bool records_hold_one(const struct records *records);

/* Nothing comes or goes for now: give back what can be made again. */
void records_rest(struct leg *leg);

#endif
