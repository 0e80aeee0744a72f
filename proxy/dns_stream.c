/* SPDX-License-Identifier: MIT */
#include "proxy/dns_stream.h"

#include "inspect/dns.h"
#include "proxy/dns_policy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_BYTES = 2 };

struct dns_stream {
	struct dns_policy *policy;
	bool only;      /* nothing but lookups may pass */
	bool speaks;    /* a lookup was seen */
	bool other;     /* it speaks something else */
	bool unread;    /* an answer was too long, and what comes behind is not read */
	size_t up_used; /* of up: the beginning of a query */
	uint8_t up[DNS_STREAM_ROOM];
	uint8_t *down; /* owned; an answer that is not whole yet, or NULL */
	size_t down_used;
	size_t refused;
	uint8_t refusals[DNS_STREAM_REFUSALS_MAX];
};

struct dns_stream *
dns_stream_new(struct dns_policy *policy, bool only)
{
	struct dns_stream *stream = calloc(1, sizeof(*stream));

	if (stream == NULL)
		return NULL;
	stream->policy = policy;
	stream->only = only;
	return stream;
}

void
dns_stream_free(struct dns_stream *stream)
{
	if (stream != NULL)
		free(stream->down);
	free(stream);
}

bool
dns_stream_may_begin(struct bytes first)
{
	struct dns_message message;
	uint16_t size;
	struct bytes body;

	if (!bytes_u16(&first, &size))
		return true;
	if (size < DNS_HEADER_BYTES || size > DNS_STREAM_QUERY_MAX)
		return false;
	return !bytes_take(&first, size, &body) || (dns_read(body, &message) && !message.answer);
}

/* ---- the camera's side ---- */

/* Between two answers of the server only: it would be part of one otherwise. */
static bool
add_refusal(struct dns_stream *stream, struct bytes answer)
{
	uint8_t *to = stream->refusals + stream->refused;

	if (stream->down_used > 0 || stream->unread ||
	    stream->refused + SIZE_BYTES + answer.left > sizeof(stream->refusals))
		return false;
	to[0] = (uint8_t)(answer.left >> 8);
	to[1] = (uint8_t)answer.left;
	memcpy(to + SIZE_BYTES, answer.at, answer.left);
	stream->refused += SIZE_BYTES + answer.left;
	return true;
}

/* One query; *passes says whether it is to be sent on. */
static bool
take_query(struct dns_stream *stream, const struct facts *flow, struct bytes query, bool *passes)
{
	struct bytes answer;

	*passes = false;
	stream->speaks = true;
	switch (dns_policy_query(stream->policy, flow, query, &answer)) {
	case DNS_PASS:
		*passes = true;
		return true;
	case DNS_ANSWERED:
		return add_refusal(stream, answer);
	case DNS_TAKEN:
	case DNS_DROPPED:
	case DNS_UNREAD:
		break;
	}
	return false;
}

/* Whole queries at the front of size bytes: those that pass are moved together,
 * *kept bytes, and *rest is where the beginning of the next one stands. */
static bool
take_queries(struct dns_stream *stream, const struct facts *flow, uint8_t *at, size_t size,
    size_t *kept, size_t *rest)
{
	struct bytes in = {at, size}, query;
	uint16_t length;
	bool passes;

	*kept = *rest = 0;
	while (bytes_u16(&in, &length)) {
		if (length > DNS_STREAM_QUERY_MAX)
			return false;
		if (!bytes_take(&in, length, &query))
			break;
		if (!take_query(stream, flow, query, &passes))
			return false;
		if (passes) {
			memmove(at + *kept, at + *rest, (size_t)SIZE_BYTES + length);
			*kept += (size_t)SIZE_BYTES + length;
		}
		*rest = size - in.left;
	}
	return true;
}

bool
dns_stream_up(struct dns_stream *stream, const struct facts *flow, uint8_t *at, size_t *count,
    struct bytes *refusals)
{
	size_t size = stream->up_used + *count, rest;

	*refusals = (struct bytes){0};
	if (stream->other)
		return true;
	memmove(at + stream->up_used, at, *count);
	memcpy(at, stream->up, stream->up_used);
	if (!stream->speaks && !dns_stream_may_begin((struct bytes){at, size})) {
		stream->other = true;
		*count = size;
		return !stream->only;
	}
	stream->refused = 0;
	if (!take_queries(stream, flow, at, size, count, &rest))
		return false;
	/* A query that is not whole is no longer than that. */
	stream->up_used = size - rest;
	assert(stream->up_used <= sizeof(stream->up));
	memcpy(stream->up, at + rest, stream->up_used);
	*refusals = (struct bytes){stream->refusals, stream->refused};
	return true;
}

/* ---- the server's side ---- */

static size_t
missing(const struct dns_stream *stream)
{
	if (stream->down_used < SIZE_BYTES)
		return SIZE_BYTES - stream->down_used;
	return SIZE_BYTES + ((size_t)stream->down[0] << 8) + stream->down[1] - stream->down_used;
}

/* Add what there is of one answer; true when it is whole. */
static bool
gather(struct dns_stream *stream, struct bytes *piece)
{
	size_t count = missing(stream);
	struct bytes taken;

	if (stream->down_used + count > SIZE_BYTES + DNS_STREAM_ANSWER_MAX) {
		stream->unread = true;
		return false;
	}
	if (count > piece->left)
		count = piece->left;
	(void)bytes_take(piece, count, &taken);
	memcpy(stream->down + stream->down_used, taken.at, taken.left);
	stream->down_used += taken.left;
	return stream->down_used >= SIZE_BYTES && missing(stream) == 0;
}

void
dns_stream_down(struct dns_stream *stream, const struct facts *flow, struct bytes piece)
{
	while (piece.left > 0 && !stream->other && !stream->unread) {
		if (stream->down == NULL)
			stream->down = calloc(1, SIZE_BYTES + DNS_STREAM_ANSWER_MAX);
		if (stream->down == NULL)
			stream->unread = true;
		if (stream->unread || !gather(stream, &piece))
			continue;
		(void)dns_policy_answer(stream->policy, flow,
		    (struct bytes){stream->down + SIZE_BYTES, stream->down_used - SIZE_BYTES});
		stream->down_used = 0;
		free(stream->down);
		stream->down = NULL;
	}
}
