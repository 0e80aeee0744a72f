/* SPDX-License-Identifier: MIT */
/* Lookups over TCP (RFC 7766): messages, each behind two bytes with its size. */
#include "inspect/dns.h"
#include "inspect/observer_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	SIZE_BYTES = 2,
	QUERY_MAX = 4096,   /* bytes with its size: a longer one is none that a camera sends */
	ANSWER_FLAG = 0x80, /* QR, in the third byte (RFC 1035 section 4.1.1) */
	OPCODE_BITS = 0x78, /* ... and what is asked for: 0 is a query */
	BYTES_FIRST = 64,   /* of a message that are kept before there are more */
	ANSWER_FRONT = 5,   /* bytes of an answer that tell it: size, id, flags */
};

struct side {
	uint8_t *held; /* owned; what came of a message and its size; NULL: nothing */
	size_t used, room;
	uint32_t left; /* of an answer that was told, behind its first bytes */
};

struct dns_tcp {
	struct side sides[2]; /* by observation_side */
};

/* Take one more byte; false: there is none, or no memory for it. */
static bool
hold(struct side *side, struct bytes *in)
{
	if (side->used == side->room) {
		size_t room = side->room == 0 ? BYTES_FIRST : side->room * 4;
		uint8_t *held = realloc(side->held, room);

		if (held == NULL)
			return false;
		side->held = held;
		side->room = room;
	}
	if (!bytes_u8(in, &side->held[side->used]))
		return false;
	side->used++;
	return true;
}

static void
let_go(struct side *side)
{
	free(side->held);
	side->held = NULL;
	side->used = side->room = 0;
}

/* How many bytes are there with those of the size before them; 0: not known yet. */
static size_t
whole_size(const struct side *side)
{
	struct bytes held = {side->held, side->used};
	uint16_t size;

	return bytes_u16(&held, &size) ? (size_t)size + SIZE_BYTES : 0;
}

/* It is no lookup: what was held is the first of a raw stream. */
static void
give_up(struct side *side, struct observation *seen, enum direction direction)
{
	struct bytes held = {side->held, side->used};

	(void)observer_raw.feed(NULL, seen, direction, held);
	let_go(side);
	seen->confused = true;
}

/* Of a question nothing may be left over: who hides something, hides it there. */
static bool
is_query(struct bytes message)
{
	struct dns_message query;

	return bytes_skip(&message, SIZE_BYTES) && dns_read(message, &query) && !query.answer &&
	       query.whole && query.asked.opcode == 0;
}

static void
take_query(struct side *side, struct observation *seen, enum direction direction, struct bytes *in)
{
	size_t size = 0;

	while (in->left > 0 && (size == 0 || side->used < size) && size <= QUERY_MAX) {
		if (!hold(side, in)) {
			give_up(side, seen, direction);
			return;
		}
		size = whole_size(side);
	}
	if (size <= QUERY_MAX && (size == 0 || side->used < size))
		return;
	if (size > QUERY_MAX || !is_query((struct bytes){side->held, side->used})) {
		give_up(side, seen, direction);
		return;
	}
	observation_control(seen, direction, side->used);
	seen->app->requests += direction == DIRECTION_UP;
	let_go(side);
}

/* An answer is told by its first bytes: what it is about, the camera has asked. */
static bool
is_answer(struct bytes front)
{
	uint16_t size, id;
	uint8_t flags;

	return bytes_u16(&front, &size) && bytes_u16(&front, &id) && bytes_u8(&front, &flags) &&
	       size >= DNS_HEADER_BYTES && (flags & (ANSWER_FLAG | OPCODE_BITS)) == ANSWER_FLAG;
}

static void
take_answer(struct side *side, struct observation *seen, enum direction direction, struct bytes *in)
{
	struct bytes part;

	(void)bytes_take(in, in->left < side->left ? in->left : side->left, &part);
	side->left -= (uint32_t)part.left;
	observation_control(seen, direction, part.left);
	while (in->left > 0 && side->used < ANSWER_FRONT) {
		if (!hold(side, in)) {
			give_up(side, seen, direction);
			return;
		}
	}
	if (side->used < ANSWER_FRONT)
		return;
	if (!is_answer((struct bytes){side->held, side->used})) {
		give_up(side, seen, direction);
		return;
	}
	side->left = (uint32_t)(whole_size(side) - side->used);
	observation_control(seen, direction, side->used);
	let_go(side);
}

static size_t
feed_dns(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct dns_tcp *dns = state;
	struct side *side = &dns->sides[observation_side(direction)];
	struct bytes in = piece;

	while (in.left > 0 && !seen->confused) {
		if (direction == seen->asker)
			take_query(side, seen, direction, &in);
		else
			take_answer(side, seen, direction, &in);
	}
	return piece.left - in.left;
}

static void
end_dns(void *state, struct observation *seen, enum direction direction)
{
	struct dns_tcp *dns = state;
	struct side *side = &dns->sides[observation_side(direction)];

	if (side->used > 0)
		(void)observer_raw.feed(NULL, seen, direction,
		    (struct bytes){side->held, side->used});
	let_go(side);
}

static bool
dns_waits(const void *state)
{
	const struct dns_tcp *dns = state;

	return dns->sides[0].used > 0;
}

static void
clear_dns(void *state)
{
	struct dns_tcp *dns = state;

	let_go(&dns->sides[0]);
	let_go(&dns->sides[1]);
}

const struct observer observer_dns = {
    .proto = APP_DNS,
    .state_bytes = sizeof(struct dns_tcp),
    .feed = feed_dns,
    .end = end_dns,
    .waits = dns_waits,
    .clear = clear_dns,
};
