/* SPDX-License-Identifier: MIT */
#include "inspect/hello.h"

#include "inspect/old_hello.h"

#include <stdlib.h>
#include <string.h>

enum {
	RAW_FIRST = 2048,           /* holds nearly every hello without growing */
	RECORD_PAYLOAD_MAX = 16384, /* RFC 8446 section 5.1 */
	RECORD_HANDSHAKE = 22,
	MESSAGE_HEADER = 4,
	MESSAGE_CLIENT_HELLO = 1,
};

/* ---- gathering ---- */

uint8_t *
hello_room(struct hello_reader *reader, size_t *room)
{
	if (reader->raw_used == reader->raw_size) {
		size_t size = reader->raw_size == 0 ? RAW_FIRST : reader->raw_size * 2;
		uint8_t *raw;

		if (size > HELLO_RAW_MAX)
			size = HELLO_RAW_MAX;
		if (size == reader->raw_size)
			return NULL;
		raw = realloc(reader->raw, size);
		if (raw == NULL)
			return NULL;
		reader->raw = raw;
		reader->raw_size = size;
	}
	*room = reader->raw_size - reader->raw_used;
	return reader->raw + reader->raw_used;
}

void
hello_clear(struct hello_reader *reader)
{
	free(reader->raw);
	free(reader->message);
	*reader = (struct hello_reader){0};
}

enum step { STEP_MORE, STEP_WHOLE, STEP_BROKEN, STEP_NO_MEMORY };

static bool
keep_fragment(struct hello_reader *reader, struct bytes payload)
{
	size_t need = reader->message_used + payload.left;

	if (need > reader->message_size) {
		size_t size = reader->message_size == 0 ? RAW_FIRST : reader->message_size;
		uint8_t *message;

		while (size < need)
			size *= 2;
		message = realloc(reader->message, size);
		if (message == NULL)
			return false;
		reader->message = message;
		reader->message_size = size;
	}
	memcpy(reader->message + reader->message_used, payload.at, payload.left);
	reader->message_used += payload.left;
	return true;
}

/* What the front of a handshake message says of it: whole, or more to come. */
static enum step
look_at_message(struct bytes message, struct bytes *body)
{
	uint8_t type;
	uint32_t length;

	if (!bytes_u8(&message, &type))
		return STEP_MORE;
	if (type != MESSAGE_CLIENT_HELLO)
		return STEP_BROKEN;
	if (!bytes_u24(&message, &length))
		return STEP_MORE;
	if (length > HELLO_MESSAGE_MAX - MESSAGE_HEADER)
		return STEP_BROKEN;
	return bytes_take(&message, length, body) ? STEP_WHOLE : STEP_MORE;
}

/* Take the next record's payload, when all of it is there. */
static enum step
take_record(struct bytes *raw, struct bytes *payload)
{
	struct bytes in = *raw;
	uint8_t type;
	uint16_t version, length;

	if (!bytes_u8(&in, &type))
		return STEP_MORE;
	if (type != RECORD_HANDSHAKE)
		return STEP_BROKEN;
	if (!bytes_u16(&in, &version) || !bytes_u16(&in, &length))
		return STEP_MORE;
	/* An empty fragment of a handshake is forbidden, RFC 8446 section 5.1. */
	if (version >> 8 != 3 || length == 0 || length > RECORD_PAYLOAD_MAX)
		return STEP_BROKEN;
	if (!bytes_take(&in, length, payload))
		return STEP_MORE;
	*raw = in;
	return STEP_WHOLE;
}

/* Gather records until the message is whole; *body is then inside the reader. */
static enum step
gather(struct hello_reader *reader, struct bytes *body)
{
	struct bytes raw = {reader->raw + reader->record_at, reader->raw_used - reader->record_at};
	struct bytes payload;
	enum step step;

	while ((step = take_record(&raw, &payload)) == STEP_WHOLE) {
		if (reader->message_used == 0) {
			step = look_at_message(payload, body);
			if (step != STEP_MORE)
				return step;
		}
		if (!keep_fragment(reader, payload))
			return STEP_NO_MEMORY;
		reader->record_at = reader->raw_used - raw.left;
		step = look_at_message((struct bytes){reader->message, reader->message_used}, body);
		if (step != STEP_MORE)
			return step;
	}
	return step;
}

/* ---- other protocols ---- */

/* Whether what there is starts as every record of TLS does. */
static bool
is_tls(struct bytes raw)
{
	return raw.at[0] == RECORD_HANDSHAKE && (raw.left == 1 || raw.at[1] == 3);
}

static const struct {
	const char *start, *protocol;
} openings[] = {
    {"GET ", "http"},
    {"POST ", "http"},
    {"PUT ", "http"},
    {"HEAD ", "http"},
    {"CONNECT ", "http"},
    {"DELETE ", "http"},
    {"OPTIONS rtsp", "rtsp"},
    {"DESCRIBE ", "rtsp"},
    {"ANNOUNCE ", "rtsp"},
    {"OPTIONS ", "http"},
    {"PRI * HTTP/2", "http2"},
    {"SSH-", "ssh"},
    {"EHLO ", "smtp"},
    {"HELO ", "smtp"},
};

static bool
is_sslv2(struct bytes raw)
{
	/* A two-byte length with the high bit, then CLIENT-HELLO (1), then the
	 * version: RFC 5246 appendix E.2.  One of TLS is inspect/old_hello.h's. */
	return raw.left >= 5 && (raw.at[0] & 0x80) != 0 && raw.at[2] == 1 && raw.at[3] == 0 &&
	       raw.at[4] == 2;
}

static bool
is_mqtt(struct bytes raw)
{
	return raw.left >= 8 && raw.at[0] == 0x10 && raw.at[2] == 0 &&
	       (memcmp(raw.at + 4, "MQTT", 4) == 0 || memcmp(raw.at + 4, "MQIs", 4) == 0);
}

/* Whether what there is may become one of the openings: a line that comes byte
 * by byte is what it is in the end. */
static bool
may_open(struct bytes raw)
{
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		size_t size = strlen(openings[i].start);

		if (raw.left < size && memcmp(raw.at, openings[i].start, raw.left) == 0)
			return true;
	}
	return false;
}

static const char *
name_protocol(struct bytes raw)
{
	for (size_t i = 0; i < sizeof(openings) / sizeof(openings[0]); i++) {
		size_t size = strlen(openings[i].start);

		if (raw.left >= size && memcmp(raw.at, openings[i].start, size) == 0)
			return openings[i].protocol;
	}
	if (is_sslv2(raw))
		return "sslv2";
	return is_mqtt(raw) ? "mqtt" : "unknown";
}

/* What does not come in records of TLS. */
static enum hello_result
add_other(struct bytes raw, struct hello_facts *facts)
{
	enum old_hello old = old_hello_look(raw);

	if (old == OLD_HELLO_MORE || may_open(raw))
		return HELLO_MORE;
	if (old == OLD_HELLO_WHOLE)
		old_hello_read(raw, facts);
	else
		hello_facts_set(facts, HELLO_NOT_TLS, name_protocol(raw));
	return HELLO_READY;
}

enum hello_result
hello_add(struct hello_reader *reader, size_t count, struct hello_facts *facts)
{
	struct bytes body, raw;

	reader->raw_used += count;
	raw = (struct bytes){reader->raw, reader->raw_used};
	if (raw.left == 0)
		return HELLO_MORE;
	if (!is_tls(raw))
		return add_other(raw, facts);
	switch (gather(reader, &body)) {
	case STEP_MORE:
		if (reader->raw_used < HELLO_RAW_MAX)
			return HELLO_MORE;
		break;
	case STEP_NO_MEMORY:
		return HELLO_NO_MEMORY;
	case STEP_WHOLE:
		hello_read_body(body, HELLO_BY_TCP, facts);
		return HELLO_READY;
	case STEP_BROKEN:
		break;
	}
	hello_facts_set(facts, HELLO_BROKEN, "tls");
	return HELLO_READY;
}

struct bytes
hello_alpn(const struct hello_reader *reader)
{
	struct bytes message = {reader->message, reader->message_used}, body, none = {0};
	struct bytes raw = {reader->raw, reader->raw_used};

	if (message.left == 0 && take_record(&raw, &message) != STEP_WHOLE)
		return none;
	return look_at_message(message, &body) == STEP_WHOLE ? hello_find_alpn(body) : none;
}

void
hello_finish(const struct hello_reader *reader, struct hello_facts *facts)
{
	struct bytes raw = {reader->raw, reader->raw_used};

	if (raw.left == 0)
		hello_facts_set(facts, HELLO_NONE, "");
	else if (is_tls(raw))
		hello_facts_set(facts, HELLO_BROKEN, "tls");
	else
		hello_facts_set(facts, HELLO_NOT_TLS, name_protocol(raw));
}
