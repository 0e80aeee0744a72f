/* SPDX-License-Identifier: MIT */
#ifndef CERTS_KEY_SCHEDULE_H
#define CERTS_KEY_SCHEDULE_H

#include "base/bytes.h"

#include <openssl/core_dispatch.h>
#include <openssl/types.h>
#include <stdbool.h>

struct err;

/*
 * The key schedule of TLS 1.3 as a provider gives it out ("TLS13-KDF",
 * EVP_KDF-TLS13_KDF(7)): libssl asks for some forty secrets a connection that is
 * opened on both sides.  OpenSSL's own looks the digest up by its name and
 * copies each parameter for each of them, which takes four times as long as the
 * hashing.
 *
 * What it derives from is taken with the call that derives, as libssl does;
 * nothing is set beforehand.  The digests are the two that TLS 1.3 has, SHA-256
 * and SHA-384 (RFC 8446 section B.4); keys are no longer than their blocks.
 */
extern const OSSL_DISPATCH key_schedule_functions[];

/* Find the digests in context, which has to outlive the schedule's use.  Once,
 * before it. */
int key_schedule_open(OSSL_LIB_CTX *context, struct err *err);

/*
 * Who wants to know the secrets that payload is protected by, as soon as an SSL
 * begins to use them: client_application_traffic_secret_0 for what the side that
 * connects sends (of_server false), server_application_traffic_secret_0 for the
 * other (RFC 8446 section 7.1).  secret is as long as the suite's digest and is
 * there for the call only.  This is what SSL_CTX_set_keylog_callback(3) tells,
 * without the text of all secrets, which takes 50 microseconds a connection.
 */
struct key_watch {
	void (*on_secret)(void *arg, bool of_server, struct bytes secret);
	void *arg;
};

/* Tell watch (borrowed) of what this thread derives from now on; NULL: nobody. */
void key_schedule_watch(const struct key_watch *watch);

/*
 * HKDF-Expand-Label(secret, label, "", size) (RFC 8446 section 7.1): keys and
 * ivs of a secret (section 7.3), and the secret after it (section 7.2).  The digest
 * is the one that secret is as long as.  False: no such digest, no memory, or a
 * size that is none.
 */
bool key_schedule_expand(struct bytes secret, const char *label, uint8_t *out, size_t size);

#endif
