/* SPDX-License-Identifier: MIT */
/* MQTT 3.1, 3.1.1 and 5.0: who it is, which topics, and what PUBLISH carries. */
#include "base/text.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Of a packet so much is gathered where it comes in parts; a topic that does
	 * not fit in is more than this observer follows. */
	HEAD_MAX = 512,
	CONTROL_MAX = 64 << 10, /* of a packet that is no PUBLISH: it counts as control */
	LENGTH_BYTES_MAX = 4,   /* MQTT 5.0 section 1.5.5 */
};

enum kind {
	CONNECT = 1,
	CONNACK = 2,
	PUBLISH = 3,
	SUBSCRIBE = 8,
	UNSUBSCRIBE = 10,
	DISCONNECT = 14,
	AUTH = 15,
};

enum step { STEP_FIXED = 0, STEP_HEAD, STEP_PAYLOAD, STEP_REST };

struct side {
	enum step step;
	uint8_t first; /* the packet's first byte: kind and flags */
	uint8_t length_bytes;
	bool begun;    /* first was read */
	uint32_t left; /* bytes of the packet behind the fixed header */
	uint8_t *head; /* owned; NULL unless a head is half-read */
	size_t used;   /* of head */
};

struct mqtt {
	struct side sides[2]; /* by observation_side */
	uint8_t level;        /* 3, 4 or 5; 0: no CONNECT was seen */
};

struct work {
	struct mqtt *mqtt;
	struct side *side;
	struct observation *seen;
	enum direction direction;
};

static enum kind
kind_of(const struct side *side)
{
	return side->first >> 4;
}

/* ---- what the packets say ---- */

static bool
take_varint(struct bytes *in, uint32_t *out)
{
	uint32_t value = 0;
	uint8_t byte;

	for (unsigned i = 0; i < LENGTH_BYTES_MAX; i++) {
		if (!bytes_u8(in, &byte))
			return false;
		value |= (byte & 0x7fU) << (7 * i);
		if (byte < 0x80) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* The properties of MQTT 5.0 (section 2.2.2), where there are any. */
static bool
skip_properties(const struct mqtt *mqtt, struct bytes *in)
{
	struct bytes properties;
	uint32_t size;

	if (mqtt->level < 5)
		return true;
	return take_varint(in, &size) && bytes_take(in, size, &properties);
}

/* MQTT 5.0 section 3.1.  The client's name may stand behind properties that do
 * not fit in the head: then it is not known. */
static bool
read_connect(struct work *work, struct bytes in)
{
	struct app_facts *app = work->seen->app;
	struct bytes name, client;
	uint8_t level, flags;
	uint16_t keep_alive;

	if (work->mqtt->level != 0 || !bytes_vec16(&in, &name) || !bytes_u8(&in, &level) ||
	    !bytes_u8(&in, &flags) || !bytes_u16(&in, &keep_alive))
		return false;
	level &= 0x7f; /* the high bit: a bridge */
	if (!token_is(name, "MQTT") && !token_is(name, "MQIsdp"))
		return false;
	if (level < 3 || level > 5 || (flags & 1) != 0)
		return false;
	work->mqtt->level = level;
	if (app->method[0] == '\0') /* in a WebSocket it is HTTP's */
		text_copy(app->method, sizeof(app->method), "CONNECT");
	app->credentials = app->credentials || (flags & 0xc0) != 0;
	if (skip_properties(work->mqtt, &in) && bytes_vec16(&in, &client))
		token_keep(app->client, sizeof(app->client), client);
	return true;
}

static void
note_topic(struct work *work, struct bytes topic)
{
	struct app_facts *app = work->seen->app;

	token_list(app->topics, sizeof(app->topics), topic);
}

/* As many of the topics as are in the head. */
static bool
read_subscribe(struct work *work, struct bytes in)
{
	bool options = kind_of(work->side) == SUBSCRIBE;
	struct bytes topic;
	uint16_t packet;
	uint8_t option;

	if (!bytes_u16(&in, &packet) || !skip_properties(work->mqtt, &in))
		return true;
	while (bytes_vec16(&in, &topic) && (!options || bytes_u8(&in, &option)))
		note_topic(work, topic);
	return true;
}

static void
begin_payload(struct work *work, struct bytes topic)
{
	char name[64];
	struct payload_hint hint = {.name = name};

	token_copy(name, sizeof(name), topic);
	observation_begin(work->seen, work->direction, &hint);
	work->side->step = STEP_PAYLOAD;
}

/* MQTT 5.0 section 3.3.  *in is left at the payload. */
static bool
read_publish(struct work *work, struct bytes *in)
{
	unsigned qos = work->side->first >> 1 & 3;
	struct bytes topic;
	uint16_t packet;

	if (qos == 3 || !bytes_vec16(in, &topic) || (qos > 0 && !bytes_u16(in, &packet)) ||
	    !skip_properties(work->mqtt, in))
		return false;
	if (token_have(topic, '\0') || token_have(topic, '#') || token_have(topic, '+'))
		return false;
	note_topic(work, topic);
	if (work->direction == DIRECTION_UP)
		work->seen->app->requests++;
	begin_payload(work, topic);
	return true;
}

/* ---- packets ---- */

/* It may have held a password. */
static void
drop_head(struct side *side)
{
	if (side->head != NULL)
		explicit_bzero(side->head, side->used);
	free(side->head);
	side->head = NULL;
	side->used = 0;
}

static void
end_packet(struct work *work)
{
	if (work->side->step == STEP_PAYLOAD)
		observation_end(work->seen, work->direction);
	*work->side = (struct side){0};
}

/* The head is whole: what of it is not payload counts as control.  Returns how many
 * bytes at its end are payload, which nobody took yet. */
static size_t
read_head(struct work *work, struct bytes head)
{
	struct side *side = work->side;
	struct bytes rest = head;
	bool good = true;

	side->step = STEP_REST;
	if (kind_of(side) == CONNECT)
		good = read_connect(work, head);
	else if (kind_of(side) == PUBLISH)
		good = read_publish(work, &rest);
	else if (kind_of(side) == SUBSCRIBE || kind_of(side) == UNSUBSCRIBE)
		good = read_subscribe(work, head);
	if (side->step != STEP_PAYLOAD)
		rest.left = 0;
	side->left -= (uint32_t)(head.left - rest.left);
	observation_control(work->seen, work->direction, head.left - rest.left);
	if (!good)
		work->seen->confused = true;
	else if (side->left == 0)
		end_packet(work);
	return rest.left;
}

/* The first packet is CONNECT, and there is but one; flags are as MQTT 5.0 section
 * 2.1.3 has them. */
static bool
is_sound(const struct work *work)
{
	unsigned flags = work->side->first & 0x0f;
	enum kind kind = kind_of(work->side);

	if (kind == 0 || (kind == AUTH && work->mqtt->level < 5))
		return false;
	if ((kind == CONNECT) != (work->mqtt->level == 0))
		return false;
	if (kind == CONNECT && work->direction != work->seen->asker)
		return false;
	if (kind == PUBLISH)
		return true;
	return flags == (kind == SUBSCRIBE || kind == UNSUBSCRIBE || kind == 6 ? 2U : 0U);
}

static void
step_fixed(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct bytes rest = *in;
	uint8_t byte;

	if (!bytes_u8(&rest, &byte))
		return;
	if (!side->begun) {
		side->first = byte;
		if (!is_sound(work)) {
			work->seen->confused = true;
			return;
		}
	}
	*in = rest;
	observation_control(work->seen, work->direction, 1);
	if (!side->begun) {
		side->begun = true;
		return;
	}
	side->left |= (byte & 0x7fU) << (7 * side->length_bytes++);
	if (byte >= 0x80) {
		if (side->length_bytes == LENGTH_BYTES_MAX)
			work->seen->confused = true;
		return;
	}
	side->step = STEP_HEAD;
	if (kind_of(side) != PUBLISH && side->left > CONTROL_MAX)
		work->seen->confused = true;
	else if (side->left == 0)
		(void)read_head(work, (struct bytes){0});
}

static void
step_rest(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct bytes part;

	(void)bytes_take(in, in->left < side->left ? in->left : side->left, &part);
	side->left -= (uint32_t)part.left;
	if (side->step == STEP_PAYLOAD)
		observation_body(work->seen, work->direction, part);
	else
		observation_control(work->seen, work->direction, part.left);
	if (side->left == 0)
		end_packet(work);
}

/* Of a head that came in parts the payload in it is in no piece any more. */
static void
read_gathered(struct work *work)
{
	struct side *side = work->side;
	struct side gathered = {.head = side->head, .used = side->used};
	struct bytes head = {gathered.head, gathered.used}, payload = head;
	size_t left;

	side->head = NULL;
	side->used = 0;
	left = read_head(work, head);
	(void)bytes_skip(&payload, head.left - left);
	if (left > 0)
		step_rest(work, &payload);
	drop_head(&gathered);
}

static void
step_head(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	size_t need = HEAD_MAX, room;
	struct bytes part;

	if (side->left < need)
		need = side->left;
	if (side->used == 0 && in->left >= need) {
		part = (struct bytes){in->at, need};
		(void)bytes_skip(in, need - read_head(work, part));
		return;
	}
	if (side->head == NULL)
		side->head = malloc(HEAD_MAX);
	if (side->head == NULL) {
		work->seen->confused = true;
		return;
	}
	room = need - side->used;
	(void)bytes_take(in, in->left < room ? in->left : room, &part);
	memcpy(side->head + side->used, part.at, part.left);
	side->used += part.left;
	if (side->used == need)
		read_gathered(work);
}

static size_t
feed_mqtt(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	static void (*const steps[])(struct work * work, struct bytes * in) = {
	    [STEP_FIXED] = step_fixed,
	    [STEP_HEAD] = step_head,
	    [STEP_PAYLOAD] = step_rest,
	    [STEP_REST] = step_rest,
	};
	struct mqtt *mqtt = state;
	struct work work = {
	    .mqtt = mqtt,
	    .side = &mqtt->sides[observation_side(direction)],
	    .seen = seen,
	    .direction = direction,
	};
	struct bytes in = piece;

	while (in.left > 0 && !seen->confused)
		steps[work.side->step](&work, &in);
	return piece.left - in.left;
}

static void
end_mqtt(void *state, struct observation *seen, enum direction direction)
{
	struct mqtt *mqtt = state;
	struct side *side = &mqtt->sides[observation_side(direction)];

	if (side->step != STEP_HEAD)
		return;
	observation_control(seen, direction, side->used);
	side->used = 0;
}

static bool
mqtt_waits(const void *state)
{
	const struct mqtt *mqtt = state;

	return mqtt->sides[0].begun &&
	       (mqtt->sides[0].step == STEP_FIXED || mqtt->sides[0].step == STEP_HEAD);
}

static void
clear_mqtt(void *state)
{
	struct mqtt *mqtt = state;

	drop_head(&mqtt->sides[0]);
	drop_head(&mqtt->sides[1]);
}

const struct observer observer_mqtt = {
    .proto = APP_MQTT,
    .state_bytes = sizeof(struct mqtt),
    .feed = feed_mqtt,
    .end = end_mqtt,
    .waits = mqtt_waits,
    .clear = clear_mqtt,
};
