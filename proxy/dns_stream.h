/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DNS_STREAM_H
#define PROXY_DNS_STREAM_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_policy;
struct dns_stream;

/*
 * Lookups over TCP (port 53), each behind two bytes with its size: what becomes of
 * them is as over UDP (proxy/dns_policy.h).  The camera's side is let through
 * by whole messages, so that nothing of a name that is refused has left; the
 * server's side is read along.
 *
 * A camera whose first message is no lookup speaks something else, and passes as
 * it is.
 *
 * Source: RFC 1035 section 4.2.2; RFC 7766.
 */
enum {
	DNS_STREAM_QUERY_MAX = 2048,   /* bytes of a query; what is longer is none */
	DNS_STREAM_ANSWER_MAX = 16384, /* of an answer that is read; a longer one passes unread */
	DNS_STREAM_ROOM = 2 + DNS_STREAM_QUERY_MAX,
	DNS_STREAM_REFUSALS_MAX = 2048, /* bytes of answers to one read of the camera */
};

/* Whether bytes that a camera began with may be a lookup, as far as they go. */
bool dns_stream_may_begin(struct bytes first);

/* NULL: no memory.  policy is borrowed.  only: nothing but lookups may pass. */
struct dns_stream *dns_stream_new(struct dns_policy *policy, bool only);
void dns_stream_free(struct dns_stream *stream); /* accepts NULL */

/*
 * The camera's next bytes, *count of them at `at`, behind which DNS_STREAM_ROOM
 * more are room.  What is to be sent on now stands there afterwards, *count bytes;
 * refusals is what the camera is to be answered, inside the stream until the next
 * call.  flow as in dns_policy_query.  False: what came is no lookup behind a
 * lookup, or cannot be recorded, or too much is refused at once.
 */
bool dns_stream_up(struct dns_stream *stream, const struct facts *flow, uint8_t *at, size_t *count,
    struct bytes *refusals);

/* The server's next bytes, all of which are sent on. */
void dns_stream_down(struct dns_stream *stream, const struct facts *flow, struct bytes piece);

#endif
