/* SPDX-License-Identifier: MIT */
/*
 * RTSP in HTTP ("Tunnelling RTSP and RTP over HTTP", Apple, QuickTime 4.1): what
 * the client says is base64 in the body of a POST that never ends.  (What it is
 * told comes as it stands behind the answer to a GET, and is RTSP alone.)
 */
#include "inspect/base64.h"
#include "inspect/observer_private.h"

#include <stdlib.h>

enum {
	QUAD = 4,           /* characters that make three bytes; messages may end in padding */
	DECODED_MAX = 1536, /* bytes that are decoded at once */
};

struct tunnel {
	void *rtsp; /* owned; the state of the RTSP inside; NULL: none yet */
	uint8_t quad[QUAD];
	uint8_t used; /* of quad */
};

struct decoded {
	uint8_t bytes[DECODED_MAX];
	size_t count, framing; /* characters that are more than they carry */
	bool broken;           /* what comes is no base64 */
};

static void
decode_quad(struct tunnel *tunnel, struct decoded *out)
{
	struct bytes quad = {tunnel->quad, QUAD};
	size_t count = base64_decode(quad, out->bytes + out->count, QUAD);

	out->broken = !base64_is(quad);
	if (out->broken)
		return;
	tunnel->used = 0;
	out->count += count;
	out->framing += QUAD - count;
}

static void
decode(struct tunnel *tunnel, struct bytes *in, struct decoded *out)
{
	uint8_t byte;

	out->count = out->framing = 0;
	out->broken = false;
	while (!out->broken && out->count + QUAD <= DECODED_MAX && bytes_u8(in, &byte)) {
		if (byte == '\r' || byte == '\n') {
			out->framing++;
			continue;
		}
		tunnel->quad[tunnel->used++] = byte;
		if (tunnel->used == QUAD)
			decode_quad(tunnel, out);
	}
}

/* What is not followed any more is metered as it is. */
static void
give_up(struct tunnel *tunnel, struct observation *seen, enum direction direction)
{
	(void)observer_raw.feed(NULL, seen, direction, (struct bytes){tunnel->quad, tunnel->used});
	tunnel->used = 0;
	seen->confused = true;
}

static void
feed_inner(struct tunnel *tunnel, struct observation *seen, enum direction direction,
    struct bytes *in)
{
	struct decoded decoded;
	struct bytes inner;
	size_t taken;

	decode(tunnel, in, &decoded);
	inner = (struct bytes){decoded.bytes, decoded.count};
	observation_control(seen, direction, decoded.framing);
	taken = observer_rtsp.feed(tunnel->rtsp, seen, direction, inner);
	(void)bytes_skip(&inner, taken);
	if (inner.left > 0)
		(void)observer_raw.feed(NULL, seen, direction, inner);
	if (decoded.broken)
		give_up(tunnel, seen, direction);
}

static size_t
feed_tunnel(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct tunnel *tunnel = state;
	struct bytes in = piece;

	if (direction != seen->asker)
		return observer_raw.feed(NULL, seen, direction, piece);
	if (tunnel->rtsp == NULL)
		tunnel->rtsp = calloc(1, observer_rtsp.state_bytes);
	if (tunnel->rtsp == NULL)
		seen->confused = true;
	while (in.left > 0 && !seen->confused)
		feed_inner(tunnel, seen, direction, &in);
	return piece.left - in.left;
}

static void
end_tunnel(void *state, struct observation *seen, enum direction direction)
{
	struct tunnel *tunnel = state;

	if (tunnel->rtsp == NULL || direction != seen->asker)
		return;
	observer_rtsp.end(tunnel->rtsp, seen, direction);
	observation_control(seen, direction, tunnel->used);
	tunnel->used = 0;
}

static bool
tunnel_waits(const void *state)
{
	const struct tunnel *tunnel = state;

	return tunnel->used > 0 || (tunnel->rtsp != NULL && observer_rtsp.waits(tunnel->rtsp));
}

static void
clear_tunnel(void *state)
{
	struct tunnel *tunnel = state;

	if (tunnel->rtsp != NULL)
		observer_rtsp.clear(tunnel->rtsp);
	free(tunnel->rtsp);
}

const struct observer observer_rtsp_tunnel = {
    .proto = APP_RTSP,
    .state_bytes = sizeof(struct tunnel),
    .feed = feed_tunnel,
    .end = end_tunnel,
    .waits = tunnel_waits,
    .clear = clear_tunnel,
};
