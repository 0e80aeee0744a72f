/* SPDX-License-Identifier: MIT */
/* WebSocket (RFC 6455), once HTTP has agreed on it: frames, unmasked for the meter. */
#include "inspect/observer_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	HEAD_MAX = 14,                 /* two bytes, eight of length, four of mask */
	BLOCK = 16,                    /* bytes that are unmasked in one step */
	UNMASKED_MAX = PAYLOAD_WINDOW, /* bytes that are unmasked at once: all that a look sees */
	CONTROL_MAX = 125,             /* RFC 6455 section 5.5 */
	COMPRESSED = 0x40,             /* of a message's first frame, RFC 7692 section 6 */
};

enum opcode { OP_MORE = 0, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8, OP_PONG = 10 };

struct side {
	uint8_t head[HEAD_MAX];
	uint8_t used; /* of head */
	uint8_t need; /* of head; 0: not known yet */
	bool in_frame;
	bool control;  /* the frame is */
	bool fin;      /* the frame is its message's last */
	bool open;     /* a message has begun */
	uint8_t phase; /* which byte of the mask is next */
	uint8_t mask[4];
	uint64_t left; /* of the frame's payload */
};

struct websocket {
	struct side sides[2]; /* by observation_side */
	void *mqtt;           /* owned; the state of MQTT inside, NULL: none */
};

static bool
is_control(uint8_t opcode)
{
	return opcode >= OP_CLOSE;
}

/* What the first two bytes say is allowed (RFC 6455 section 5.2). */
static bool
is_sound(const struct side *side, const struct observation *seen, enum direction direction)
{
	uint8_t flags = side->head[0] >> 4, opcode = side->head[0] & 0x0f;
	uint8_t size = side->head[1] & 0x7f;
	bool fin = (flags & 8) != 0, masked = (side->head[1] & 0x80) != 0;

	if ((flags & 3) != 0 || ((flags & 4) != 0 && !seen->compressed))
		return false;
	if (masked != (direction == seen->asker))
		return false;
	if (is_control(opcode))
		return opcode <= OP_PONG && fin && size <= CONTROL_MAX;
	return opcode <= OP_BINARY && (opcode == OP_MORE) == side->open;
}

static uint8_t
head_size(const struct side *side)
{
	uint8_t size = side->head[1] & 0x7f, need = 2;

	if (size == 126)
		need += 2;
	if (size == 127)
		need += 8;
	return (side->head[1] & 0x80) != 0 ? need + 4 : need;
}

/* The head is whole. */
static void
begin_frame(struct side *side, struct observation *seen, enum direction direction)
{
	uint8_t size = side->head[1] & 0x7f, wide = size == 127 ? 8 : size == 126 ? 2 : 0;
	struct payload_hint hint = {0};

	side->left = wide == 0 ? size : 0;
	for (uint8_t i = 0; i < wide; i++)
		side->left = side->left << 8 | side->head[2 + i];
	if (side->left >> 62 != 0) {
		seen->confused = true;
		return;
	}
	memset(side->mask, 0, sizeof(side->mask));
	if ((side->head[1] & 0x80) != 0)
		memcpy(side->mask, side->head + side->need - 4, 4);
	side->phase = 0;
	side->in_frame = true;
	side->fin = (side->head[0] & 0x80) != 0;
	side->control = is_control(side->head[0] & 0x0f);
	if (side->control || side->open)
		return;
	side->open = true;
	if (seen->mqtt)
		return;
	if ((side->head[0] & COMPRESSED) != 0)
		hint.encoding = "permessage-deflate";
	observation_begin(seen, direction, &hint);
}

static void
end_frame(struct side *side, struct observation *seen, enum direction direction)
{
	side->in_frame = false;
	side->used = side->need = 0;
	if (side->control || !side->fin)
		return;
	side->open = false;
	if (!seen->mqtt)
		observation_end(seen, direction);
}

static void
take_head(struct side *side, struct observation *seen, enum direction direction, struct bytes *in)
{
	uint8_t byte;

	if (!bytes_u8(in, &byte))
		return;
	observation_control(seen, direction, 1);
	side->head[side->used++] = byte;
	if (side->used == 2) {
		side->need = head_size(side);
		if (!is_sound(side, seen, direction)) {
			seen->confused = true;
			return;
		}
	}
	if (side->used == side->need)
		begin_frame(side, seen, direction);
}

/* MQTT goes on over the borders of frames (MQTT 5.0 section 6).  Where it is not
 * followed any more, what was unmasked already is the first of the raw stream. */
static void
give(struct websocket *ws, struct observation *seen, enum direction direction, struct bytes plain)
{
	size_t taken;

	if (!seen->mqtt) {
		observation_body(seen, direction, plain);
		return;
	}
	taken = observer_mqtt.feed(ws->mqtt, seen, direction, plain);
	(void)bytes_take(&plain, taken, &(struct bytes){0});
	if (plain.left > 0)
		(void)observer_raw.feed(NULL, seen, direction, plain);
}

typedef uint8_t block __attribute__((vector_size(BLOCK)));

/* The mask goes on where the bytes before left it. */
static size_t
unmask(struct side *side, struct bytes part, uint8_t plain[UNMASKED_MAX])
{
	size_t count = part.left, whole = count - count % BLOCK;
	uint8_t masks[BLOCK];
	block mask, bytes;

	for (unsigned i = 0; i < BLOCK; i++)
		masks[i] = side->mask[(side->phase + i) & 3];
	memcpy(&mask, masks, BLOCK);
	for (size_t at = 0; at < whole; at += BLOCK) {
		memcpy(&bytes, part.at + at, BLOCK);
		bytes ^= mask;
		memcpy(plain + at, &bytes, BLOCK);
	}
	for (size_t at = whole; at < count; at++)
		plain[at] = part.at[at] ^ masks[at % BLOCK];
	side->phase = (uint8_t)((side->phase + count) & 3);
	return count;
}

/* Bytes that the meter has no wish to see are not unmasked either. */
static uint64_t
skip_idle(struct side *side, struct observation *seen, enum direction direction, struct bytes *part)
{
	uint64_t idle = seen->mqtt ? 0 : payload_idle(seen->meter, direction);

	if (idle > part->left)
		idle = part->left;
	if (idle == 0)
		return 0;
	(void)bytes_take(part, (size_t)idle, &(struct bytes){0});
	payload_skip(seen->meter, direction, idle, seen->payload);
	side->phase = (uint8_t)((side->phase + idle) & 3);
	return idle;
}

static void
take_payload(struct websocket *ws, struct observation *seen, enum direction direction,
    struct bytes *in)
{
	struct side *side = &ws->sides[observation_side(direction)];
	uint8_t plain[UNMASKED_MAX];
	struct bytes part;

	(void)bytes_take(in, in->left < side->left ? in->left : (size_t)side->left, &part);
	side->left -= part.left;
	if (side->control) {
		observation_control(seen, direction, part.left);
		return;
	}
	while (part.left > 0 && !seen->confused) {
		struct bytes front;
		size_t count;

		if (skip_idle(side, seen, direction, &part) > 0)
			continue;
		(void)bytes_take(&part, part.left < UNMASKED_MAX ? part.left : UNMASKED_MAX,
		    &front);
		count = unmask(side, front, plain);
		give(ws, seen, direction, (struct bytes){plain, count});
	}
}

static size_t
feed_websocket(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct websocket *ws = state;
	struct side *side = &ws->sides[observation_side(direction)];
	struct bytes in = piece;

	if (seen->mqtt && ws->mqtt == NULL)
		ws->mqtt = calloc(1, observer_mqtt.state_bytes);
	if (seen->mqtt && ws->mqtt == NULL)
		seen->confused = true;
	while (in.left > 0 && !seen->confused) {
		if (!side->in_frame)
			take_head(side, seen, direction, &in);
		else
			take_payload(ws, seen, direction, &in);
		if (side->in_frame && side->left == 0)
			end_frame(side, seen, direction);
	}
	return piece.left - in.left;
}

static bool
websocket_waits(const void *state)
{
	const struct websocket *ws = state;

	if (ws->mqtt != NULL && observer_mqtt.waits(ws->mqtt))
		return true;
	return ws->sides[0].used > 0 && !ws->sides[0].in_frame;
}

static void
end_websocket(void *state, struct observation *seen, enum direction direction)
{
	struct websocket *ws = state;

	if (ws->mqtt != NULL)
		observer_mqtt.end(ws->mqtt, seen, direction);
}

static void
clear_websocket(void *state)
{
	struct websocket *ws = state;

	if (ws->mqtt != NULL)
		observer_mqtt.clear(ws->mqtt);
	free(ws->mqtt);
}

const struct observer observer_websocket = {
    .proto = APP_WEBSOCKET,
    .state_bytes = sizeof(struct websocket),
    .feed = feed_websocket,
    .end = end_websocket,
    .waits = websocket_waits,
    .clear = clear_websocket,
};
