/* SPDX-License-Identifier: MIT */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"
#include "certs/mint.h"

#include <openssl/ssl.h>

struct config;
struct err;
struct identity;
struct leg;

/*
 * The TLS contexts of a snapshot, one a side and class, made once: a context a
 * connection is what makes others slow (200 us each).  Knows legs only as what
 * an SSL's app data points to.
 */
struct tls {
	const struct config *config; /* borrowed */
	SSL_CTX *server;             /* towards servers */
	SSL_CTX *camera;             /* towards cameras, TLS 1.2 and 1.3 */
	SSL_CTX *camera_legacy;      /* towards those of tls_is_legacy that may be spoken with */
};

/* store (counted up) holds whom servers must be certified by, and what was
 * revoked of it.  Opens no file. */
int tls_open(struct tls *tls, const struct config *config, X509_STORE *store, struct err *err);
void tls_close(struct tls *tls);

/* The same contexts once more, with a reference to each, for a configuration whose
 * keys of tls are the same; may be done in another thread than they are used in. */
void tls_share(struct tls *tls, const struct tls *from, const struct config *config);

/* The name to ask a server for: the camera's, or "".  An address in the name
 * field is no name (RFC 6066 section 3): the server is then known by its
 * address, as when nothing is sent. */
const char *tls_name(const struct hello_facts *hello);

/* The lowest version to speak with a server, as on the wire, where no less than
 * min is wished for: never below what the camera would have spoken with it. */
uint16_t tls_server_min(const struct hello_facts *hello, uint16_t min);

/*
 * An SSL towards the server: the name as the camera sent it, the certificate
 * expected to be for that name (or for addr where there is none), no version
 * below min.  server must outlive the handshake.  NULL with err.
 */
SSL *tls_to_server(const struct tls *tls, const struct hello_facts *hello, const struct addr *addr,
    uint16_t min, struct server_facts *server, struct err *err);

/* What ssl offers the server by ALPN: a list as hello_alpn has it; none where it is
 * empty. */
int tls_offer(SSL *ssl, struct bytes alpn, struct err *err);

/* Whether the handshake stands still because the server asks who the camera is.
 * Its facts hold its certificate by then, and what is wrong with that. */
bool tls_is_asked(const SSL *ssl);

/* Answer it: with identity, or with nobody (NULL); the handshake then goes on. */
int tls_answer(SSL *ssl, const struct identity *identity, struct err *err);

/* What a camera is shown, and spoken with. */
struct tls_face {
	X509 *leaf;
	EVP_PKEY *key; /* leaf's */
	uint16_t min;  /* the lowest version, as on the wire (config_camera_min) */
	uint16_t max;  /* the highest (tls_camera_max); 0: any */
};

/* The highest version to speak with a camera; 0: any.  Its server's, but not below
 * min, where that is wished for (tls.camera.mirror_version), or where the camera says
 * that it fell back to what it offers: it is refused (RFC 7507) if its server has
 * better, and not because we have.  And TLS 1.2, where it takes our leaf in no newer one. */
uint16_t tls_camera_max(const struct config *config, const struct hello_facts *hello, uint16_t min,
    const struct server_facts *server);

/* An SSL towards the camera.  server (for its ALPN choice) must outlive the
 * handshake. */
SSL *tls_to_camera(const struct tls *tls, const struct hello_facts *hello,
    const struct tls_face *face, const struct server_facts *server, struct err *err);

/* Whether a camera has no better than TLS 1.1 or SHA-1: what is needed to speak
 * with it is below what anybody else is offered. */
bool tls_is_legacy(const struct hello_facts *hello);

/* The leaf that this camera can take in versions up to max (0: any). */
enum leaf_kind tls_leaf_kind(const struct hello_facts *hello, uint16_t max);

/* The version that was negotiated, as on the wire. */
uint16_t tls_version(const SSL *ssl);

/* One fatal alert as a record of its own, for a camera whose handshake was
 * never answered (RFC 8446 section 6). */
enum { TLS_ALERT_BYTES = 7 };
void tls_alert_record(uint8_t alert, uint8_t out[TLS_ALERT_BYTES]);

#endif
