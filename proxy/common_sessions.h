/* SPDX-License-Identifier: MIT */
#ifndef PROXY_COMMON_SESSIONS_H
#define PROXY_COMMON_SESSIONS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * OpenSSL decodes the certificates of each connection, and keeps what it made of
 * them, some 6 KB, for as long as the connection lasts.  Connections to the same
 * peer that were shown the same certificates can hold one session between them:
 * their own goes, and with it the certificates.
 *
 * Of TLS 1.3 only, where a session has no secret that its connection needs.
 */
struct common_sessions;

enum {
	COMMON_KEY_BYTES = 32,
	COMMON_MAX = 64,             /* the one that was not used for longest goes first */
	COMMON_CHAIN_MAX = 16 << 10, /* bytes of DER; a longer chain is nobody's but its own */
};

struct common_sessions *common_sessions_new(void);         /* NULL: no memory */
void common_sessions_free(struct common_sessions *common); /* accepts NULL */

/*
 * After ssl's handshake with the server that key names, or later, when tickets
 * came: take the session of a connection before it that has the same key,
 * certificates and suite, or leave it one that later connections may take.
 * Whether it was taken.  Afterwards what ssl says of its peer is the same; its
 * context is another, which knows nobody to verify by.  Does nothing where it
 * cannot.
 */
bool common_sessions_take(struct common_sessions *common, const uint8_t key[COMMON_KEY_BYTES],
    SSL *ssl);

/* The same with a camera, when its tickets are sent: of it nothing is kept, and
 * the session says no more than the version and the suite.  Not where it also says
 * that the camera wants short records. */
bool common_sessions_blank(struct common_sessions *common, SSL *ssl);

/* Whether ssl's peer takes records of full size: that it wants short ones, as a
 * small camera may (RFC 6066 section 4), only its session tells. */
bool common_sessions_full_records(const SSL *ssl);

size_t common_sessions_count(const struct common_sessions *common);

#endif
