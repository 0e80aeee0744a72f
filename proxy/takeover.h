/* SPDX-License-Identifier: MIT */
#ifndef PROXY_TAKEOVER_H
#define PROXY_TAKEOVER_H

#include <stdbool.h>
#include <stddef.h>

struct leg;

/*
 * From OpenSSL to proxy/records.h: what of a handshake has to be known for it, and
 * the moment when a leg's SSL is freed.
 *
 * It is for TLS 1.3 and 1.2 with AES-GCM or ChaCha20-Poly1305, where the secrets were
 * told as the handshake was done (certs/key_schedule.h; TLS 1.2: its session has
 * the master secret) and every record since was counted; and only between two records: nothing
 * half read or waiting in OpenSSL, no message in pieces, no keys renewed or to be
 * negotiated anew, no end sent; and not where the peer wants short records.  All else
 * stays with OpenSSL.
 */

/* Around each call that goes on with leg's handshake: note its secrets. */
void takeover_watch(struct leg *leg);
void takeover_watch_end(void);

/* What leg's SSL tells of its messages (SSL_CTX_set_msg_callback(3)). */
void takeover_note(struct leg *leg, bool sent, int type, const void *bytes, size_t size);

/*
 * Whether leg can be taken over, and carries so much that it is to be.  A
 * server that nothing has come from yet is waited for, for its tickets are on their
 * way, and dropped once it is taken over; but not for ever.
 */
bool takeover_is_wanted(const struct leg *leg);

/* Whether leg's peer has said something since the handshake, or need not. */
bool takeover_is_heard(const struct leg *leg);

/* Take leg over, if that may be now; its SSL is freed then, and its session kept
 * for whoever resumes it. */
bool takeover_try(struct leg *leg);

#endif
