/* SPDX-License-Identifier: MIT */
#include "inspect/payload.h"

#include "base/text.h"
#include "inspect/finding.h"
#include "inspect/message.h"
#include "inspect/multipart.h"
#include "inspect/rtp_media.h"
#include "inspect/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { CODEC_MAX = 24 };

/* One direction. */
struct side {
	bool open;
	enum payload_framing framing;
	struct message message;
	struct multipart *parts; /* owned; NULL: the message is not multipart */
	bool film;               /* its parts replace each other */
	uint64_t framed;         /* bytes between parts that wait for the next one */
	struct message_past past;
	struct rtp_media *rtp; /* owned; from the first packet on */
	char codec[CODEC_MAX];
	uint8_t packet[RTP_MEDIA_LOOK]; /* the front of a packet */
	size_t packet_used;
	uint64_t packet_bytes;
};

struct payload_meter {
	uint64_t random;
	struct side up, down;
};

_Static_assert(sizeof(struct payload_meter) <= 1024, "as its header promises");

static struct side *
side_of(struct payload_meter *meter, enum direction direction)
{
	assert(direction == DIRECTION_UP || direction == DIRECTION_DOWN);
	return direction == DIRECTION_UP ? &meter->up : &meter->down;
}

struct payload_meter *
payload_open(uint64_t seed)
{
	struct payload_meter *meter = calloc(1, sizeof(*meter));

	if (meter == NULL)
		return NULL;
	meter->random = seed;
	/* Where the kernel has none to give, the address is better than nothing. */
	if (seed == 0 && getrandom(&meter->random, sizeof(meter->random), GRND_NONBLOCK) !=
			     (ssize_t)sizeof(meter->random))
		meter->random = (uint64_t)(uintptr_t)meter;
	meter->random |= 1;
	return meter;
}

void
payload_careful(struct payload_meter *meter, bool careful)
{
	meter->up.past.habit.careful = meter->down.past.habit.careful = careful;
}

void
payload_free(struct payload_meter *meter)
{
	if (meter == NULL)
		return;
	free(meter->up.message.window);
	free(meter->down.message.window);
	multipart_free(meter->up.parts);
	multipart_free(meter->down.parts);
	row_clear(&meter->up.past.row);
	row_clear(&meter->down.past.row);
	free(meter->up.rtp);
	free(meter->down.rtp);
	free(meter);
}

/* ---- facts ---- */

static void
tell_pending(const struct payload_meter *meter, struct payload_facts *facts)
{
	const struct side *up = &meter->up;

	facts->pending = 0;
	if (!up->open)
		return;
	if (up->framing == PAYLOAD_RTP) {
		facts->pending = up->packet_bytes;
		return;
	}
	facts->pending = up->message.waiting + up->framed;
	/* A message that was announced waits as well. */
	if (facts->pending == 0 && up->message.finding.class == PAYLOAD_UNKNOWN)
		facts->pending = 1;
}

/* ---- messages ---- */

static void
begin_message(struct payload_meter *meter, enum direction direction,
    const struct payload_hint *hint)
{
	struct side *side = side_of(meter, direction);

	message_begin(&side->message, &side->past, direction, hint, side->framed, meter->random);
	side->message.film = side->film;
	side->framed = 0;
}

static void
end_message(struct payload_meter *meter, enum direction direction, struct payload_facts *facts)
{
	struct side *side = side_of(meter, direction);

	message_end(&side->message, facts);
	meter->random = side->message.random;
}

/* ---- packets of RTP ---- */

static void
end_packet(struct side *side, enum direction direction, struct payload_facts *facts)
{
	struct bytes packet = {side->packet, side->packet_used};
	struct payload_finding finding;

	if (side->packet_bytes == 0)
		return;
	if (side->rtp == NULL)
		side->rtp = calloc(1, sizeof(*side->rtp));
	if (side->rtp == NULL ||
	    rtp_media_tell(side->rtp, packet, side->packet_bytes, side->codec, &finding) == TOLD_NO)
		finding_set(&finding, PAYLOAD_OPAQUE, CONFIDENCE_PROBABLE, "");
	facts->examined += side->packet_used;
	tally_move(facts, direction, PAYLOAD_UNKNOWN, finding.class, side->packet_bytes);
	tally_saw(facts, direction, &finding);
	side->packet_bytes = side->packet_used = 0;
}

static void
feed_packet(struct side *side, enum direction direction, struct bytes piece,
    struct payload_facts *facts)
{
	size_t room = sizeof(side->packet) - side->packet_used;
	struct bytes front = {piece.at, piece.left < room ? piece.left : room};

	tally_count(facts, direction, PAYLOAD_UNKNOWN, piece.left);
	side->packet_bytes += piece.left;
	if (front.left > 0)
		memcpy(side->packet + side->packet_used, front.at, front.left);
	side->packet_used += front.left;
}

/* ---- parts ---- */

static void
begin_part(struct payload_meter *meter, enum direction direction)
{
	const struct multipart_header *header = multipart_header(side_of(meter, direction)->parts);
	struct payload_hint hint = {.type = header->type,
	    .encoding = header->encoding,
	    .name = header->name};

	begin_message(meter, direction, &hint);
}

/* The first `before` of these bytes were taken for framing. */
static void
feed_data(struct side *side, enum direction direction, struct bytes data, uint64_t before,
    struct payload_facts *facts)
{
	assert(side->framed >= before);
	side->framed -= before;
	tally_take_back(facts, direction, before);
	message_feed(&side->message, data, facts);
}

static void
feed_parts(struct payload_meter *meter, enum direction direction, struct bytes piece,
    struct payload_facts *facts)
{
	struct side *side = side_of(meter, direction);

	while (piece.left > 0) {
		struct multipart_piece part;

		multipart_next(side->parts, &piece, &part);
		switch (part.kind) {
		case MULTIPART_DATA:
			feed_data(side, direction, part.data, part.count, facts);
			break;
		case MULTIPART_FRAME:
			tally_count(facts, direction, PAYLOAD_UNKNOWN, part.count);
			side->framed += part.count;
			break;
		case MULTIPART_BEGINS:
			end_message(meter, direction, facts);
			begin_part(meter, direction);
			break;
		}
	}
}

static void
end_parts(struct side *side, enum direction direction, struct payload_facts *facts)
{
	struct bytes rest = multipart_rest(side->parts);

	feed_data(side, direction, rest, rest.left, facts);
	multipart_free(side->parts);
	side->parts = NULL;
	/* The last boundary goes with the part before it. */
	side->message.waiting += side->framed;
	if (side->message.sampling) {
		tally_move(facts, direction, PAYLOAD_UNKNOWN, side->message.finding.class,
		    side->framed);
		side->message.waiting = 0;
	}
	side->framed = 0;
}

/* ---- what callers see ---- */

void
payload_begin(struct payload_meter *meter, enum direction direction,
    const struct payload_hint *hint, struct payload_facts *facts)
{
	static const char replace[] = "multipart/x-mixed-replace";
	struct side *side = side_of(meter, direction);
	const char *type = hint == NULL ? NULL : hint->type;

	if (side->open)
		payload_end(meter, direction, facts);
	side->open = true;
	side->framing = hint == NULL ? PAYLOAD_BARE : hint->framing;
	side->film = type != NULL && strncasecmp(type, replace, sizeof(replace) - 1) == 0;
	if (side->framing == PAYLOAD_RTP)
		text_copy(side->codec, sizeof(side->codec), hint->codec == NULL ? "" : hint->codec);
	else if (multipart_is(type))
		side->parts = multipart_open(type);
	if (side->framing != PAYLOAD_RTP)
		begin_message(meter, direction, side->parts != NULL ? NULL : hint);
	tell_pending(meter, facts);
}

void
payload_feed(struct payload_meter *meter, enum direction direction, struct bytes piece,
    struct payload_facts *facts)
{
	struct side *side = side_of(meter, direction);

	if (piece.left == 0)
		return;
	if (!side->open)
		payload_begin(meter, direction, NULL, facts);
	if (side->framing == PAYLOAD_RTP)
		feed_packet(side, direction, piece, facts);
	else if (side->parts != NULL)
		feed_parts(meter, direction, piece, facts);
	else
		message_feed(&side->message, piece, facts);
	tell_pending(meter, facts);
}

void
payload_skip(struct payload_meter *meter, enum direction direction, uint64_t count,
    struct payload_facts *facts)
{
	struct side *side = side_of(meter, direction);

	if (count == 0)
		return;
	if (!side->open)
		payload_begin(meter, direction, NULL, facts);
	if (side->framing == PAYLOAD_RTP) {
		tally_count(facts, direction, PAYLOAD_UNKNOWN, count);
		side->packet_bytes += count;
	} else {
		message_skip(&side->message, count, facts);
	}
	tell_pending(meter, facts);
}

uint64_t
payload_idle(const struct payload_meter *meter, enum direction direction)
{
	const struct side *side = direction == DIRECTION_UP ? &meter->up : &meter->down;

	if (!side->open || side->parts != NULL)
		return 0;
	if (side->framing == PAYLOAD_RTP)
		return side->packet_used == sizeof(side->packet) ? UINT16_MAX : 0;
	return message_idle(&side->message);
}

void
payload_end(struct payload_meter *meter, enum direction direction, struct payload_facts *facts)
{
	struct side *side = side_of(meter, direction);

	if (!side->open)
		return;
	if (side->parts != NULL)
		end_parts(side, direction, facts);
	if (side->framing == PAYLOAD_RTP)
		end_packet(side, direction, facts);
	else
		end_message(meter, direction, facts);
	side->open = false;
	tell_pending(meter, facts);
}

void
payload_note(enum direction direction, const struct payload_finding *finding, uint64_t count,
    struct payload_facts *facts)
{
	tally_count(facts, direction, finding->class, count);
	tally_saw(facts, direction, finding);
}
