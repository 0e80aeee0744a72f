/* SPDX-License-Identifier: MIT */
#include "record/event.h"

#include "base/err.h"
#include "record/crc32c.h"
#include "record/event_private.h"
#include "record/number.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/*
 * A frame: magic (2 bytes), CRC32C of all that follows it (4), version (1),
 * kind (1), length of the whole (4), epoch (8), seq (8), wall time (8),
 * worker (2), then fields of tag (1), length (1) and bytes.  Numbers are big
 * endian.
 */
enum {
	MAGIC = 0xb1e5,
	VERSION = 1,
	CRC_AT = 2,
	CHECKED_AT = 6,
	LENGTH_AT = 8,
	FIXED_AT = 12, /* of the epoch */
	HEAD_BYTES = 38,
	FIELD_MAX = 255, /* a field's length is one byte */
};

static const struct event_field *
field_of(uint8_t tag)
{
	return tag >= 1 && tag <= event_field_count ? &event_fields[tag - 1] : NULL;
}

/* ---- writing ---- */

struct writer {
	uint8_t *at;
	size_t used;
};

static void
put_number(struct writer *writer, uint64_t value, size_t count)
{
	assert(writer->used + count <= EVENT_FRAME_MAX);
	for (size_t i = count; i > 0; i--) {
		writer->at[writer->used + i - 1] = (uint8_t)value;
		value >>= 8;
	}
	writer->used += count;
}

static void
put_bytes(struct writer *writer, const void *bytes, size_t count)
{
	assert(writer->used + count <= EVENT_FRAME_MAX);
	memcpy(writer->at + writer->used, bytes, count);
	writer->used += count;
}

static void
put_field(struct writer *writer, const struct event_field *field, const void *bytes, size_t count)
{
	assert(count <= FIELD_MAX);
	put_number(writer, field->tag, 1);
	put_number(writer, count, 1);
	put_bytes(writer, bytes, count);
}

static size_t
count_bytes(uint64_t value)
{
	size_t count = 0;

	for (; value != 0; value >>= 8)
		count++;
	return count;
}

static void
write_number(struct writer *writer, const struct event_field *field, const uint8_t *at)
{
	uint64_t value = number_load(at, field->size);

	if (value == 0)
		return;
	put_number(writer, field->tag, 1);
	put_number(writer, count_bytes(value), 1);
	put_number(writer, value, count_bytes(value));
}

static bool
is_zero(const uint8_t *at, size_t count)
{
	return at[0] == 0 && memcmp(at, at + 1, count - 1) == 0;
}

static void
write_addr(struct writer *writer, const struct event_field *field, const uint8_t *at)
{
	struct addr addr;

	memcpy(&addr, at, sizeof(addr));
	if (addr.port == 0 && is_zero(addr.ip, sizeof(addr.ip)))
		return;
	put_number(writer, field->tag, 1);
	put_number(writer, sizeof(addr.ip) + 2, 1);
	put_bytes(writer, addr.ip, sizeof(addr.ip));
	put_number(writer, addr.port, 2);
}

static void
write_countries(struct writer *writer, const struct event_field *field, const uint8_t *at)
{
	struct countries countries;

	memcpy(&countries, at, sizeof(countries));
	assert(countries.count <= FACTS_COUNTRIES_MAX);
	if (countries.count == 0)
		return;
	put_number(writer, field->tag, 1);
	put_number(writer, (uint64_t)countries.count * 2, 1);
	for (size_t i = 0; i < countries.count; i++)
		put_bytes(writer, countries.iso[i], 2);
}

static void
write_sized(struct writer *writer, const struct event_field *field, const struct facts *facts)
{
	uint8_t count = ((const uint8_t *)facts)[field->limit];

	assert(count <= field->size);
	if (count > 0)
		put_field(writer, field, (const uint8_t *)facts + field->at, count);
}

static void
write_classes(struct writer *writer, const struct event_field *field, const uint8_t *at)
{
	size_t each = field->size / PAYLOAD_COUNT, length_at;

	if (is_zero(at, field->size))
		return;
	put_number(writer, field->tag, 1);
	length_at = writer->used;
	put_number(writer, 0, 1);
	for (size_t i = 0; i < PAYLOAD_COUNT; i++) {
		uint64_t value = number_load(at + i * each, each);

		if (value == 0)
			continue;
		put_number(writer, i, 1);
		put_number(writer, count_bytes(value), 1);
		put_number(writer, value, count_bytes(value));
	}
	_Static_assert(PAYLOAD_COUNT * (2 + sizeof(uint64_t)) <= FIELD_MAX, "too many classes");
	writer->at[length_at] = (uint8_t)(writer->used - length_at - 1);
}

static void
write_field(struct writer *writer, const struct event_field *field, const struct facts *facts)
{
	const uint8_t *at = (const uint8_t *)facts + field->at;
	size_t count;

	switch (field->type) {
	case FIELD_NUMBER:
	case FIELD_BOOL:
	case FIELD_ENUM:
		write_number(writer, field, at);
		return;
	case FIELD_TEXT:
		count = strnlen((const char *)at, field->size - 1);
		if (count > 0)
			put_field(writer, field, at, count);
		return;
	case FIELD_BYTES:
		if (!is_zero(at, field->size))
			put_field(writer, field, at, field->size);
		return;
	case FIELD_ADDR:
		write_addr(writer, field, at);
		return;
	case FIELD_COUNTRIES:
		write_countries(writer, field, at);
		return;
	case FIELD_SIZED:
		write_sized(writer, field, facts);
		return;
	case FIELD_CLASSES:
		write_classes(writer, field, at);
		return;
	}
}

size_t
event_encode(const struct event_head *head, const struct facts *facts, uint8_t out[EVENT_FRAME_MAX])
{
	struct writer writer = {.at = out};
	size_t total;

	put_number(&writer, MAGIC, 2);
	put_number(&writer, 0, 4); /* CRC and length are known at the end */
	put_number(&writer, VERSION, 1);
	put_number(&writer, head->kind, 1);
	put_number(&writer, 0, 4);
	put_number(&writer, head->epoch, 8);
	put_number(&writer, head->seq, 8);
	put_number(&writer, head->wall_us, 8);
	put_number(&writer, head->worker, 2);
	assert(writer.used == HEAD_BYTES);
	for (size_t i = 0; i < event_field_count; i++) {
		if (!event_fields[i].read_out || facts->verdict.detail == DETAIL_FULL)
			write_field(&writer, &event_fields[i], facts);
	}
	total = writer.used;
	writer.used = LENGTH_AT;
	put_number(&writer, total, 4);
	writer.used = CRC_AT;
	put_number(&writer, crc32c(out + CHECKED_AT, total - CHECKED_AT), 4);
	return total;
}

/* ---- reading ---- */

/* A number of count bytes, at most 8. */
static bool
take_number(struct bytes *in, size_t count, uint64_t *out)
{
	struct bytes part;
	uint64_t value = 0;
	uint8_t byte;

	if (count > 8 || !bytes_take(in, count, &part))
		return false;
	while (bytes_u8(&part, &byte))
		value = value << 8 | byte;
	*out = value;
	return true;
}

static bool
read_number(struct bytes body, const struct event_field *field, uint8_t *at)
{
	uint64_t value;

	if (body.left == 0 || !take_number(&body, body.left, &value))
		return false;
	if (field->type == FIELD_BOOL && value > 1)
		return false;
	if (field->type == FIELD_ENUM && value > field->limit)
		return false;
	return number_store(at, field->size, value);
}

static bool
read_text(struct bytes body, const struct event_field *field, uint8_t *at)
{
	if (body.left >= field->size || memchr(body.at, '\0', body.left) != NULL)
		return false;
	memcpy(at, body.at, body.left);
	at[body.left] = '\0';
	return true;
}

static bool
read_addr(struct bytes body, uint8_t *at)
{
	struct addr addr = {0};
	struct bytes ip;

	if (!bytes_take(&body, sizeof(addr.ip), &ip) || !bytes_u16(&body, &addr.port) ||
	    body.left > 0)
		return false;
	memcpy(addr.ip, ip.at, sizeof(addr.ip));
	memcpy(at, &addr, sizeof(addr));
	return true;
}

static bool
read_countries(struct bytes body, uint8_t *at)
{
	struct countries countries = {0};
	uint8_t letter[2];

	while (body.left > 0) {
		char *iso;

		if (countries.count == FACTS_COUNTRIES_MAX || !bytes_u8(&body, &letter[0]) ||
		    !bytes_u8(&body, &letter[1]))
			return false;
		iso = countries.iso[countries.count];
		for (int i = 0; i < 2; i++) {
			if (letter[i] < 'A' || letter[i] > 'Z')
				return false;
			iso[i] = (char)letter[i];
		}
		countries.count++;
	}
	memcpy(at, &countries, sizeof(countries));
	return true;
}

/* A class that a newer program tells is passed over, as a field of one is. */
static bool
read_classes(struct bytes body, const struct event_field *field, uint8_t *at)
{
	size_t each = field->size / PAYLOAD_COUNT;

	while (body.left > 0) {
		uint64_t value;
		uint8_t class, count;

		if (!bytes_u8(&body, &class) || !bytes_u8(&body, &count) ||
		    !take_number(&body, count, &value))
			return false;
		if (field->limit > 0 && value > field->limit)
			return false;
		if (class < PAYLOAD_COUNT && !number_store(at + class * each, each, value))
			return false;
	}
	return true;
}

static bool
read_field(struct bytes body, const struct event_field *field, struct facts *facts)
{
	uint8_t *at = (uint8_t *)facts + field->at;

	switch (field->type) {
	case FIELD_NUMBER:
	case FIELD_BOOL:
	case FIELD_ENUM:
		return read_number(body, field, at);
	case FIELD_TEXT:
		return read_text(body, field, at);
	case FIELD_BYTES:
		if (body.left != field->size)
			return false;
		memcpy(at, body.at, body.left);
		return true;
	case FIELD_ADDR:
		return read_addr(body, at);
	case FIELD_COUNTRIES:
		return read_countries(body, at);
	case FIELD_SIZED:
		if (body.left > field->size)
			return false;
		memcpy(at, body.at, body.left);
		((uint8_t *)facts)[field->limit] = (uint8_t)body.left;
		return true;
	case FIELD_CLASSES:
		return read_classes(body, field, at);
	}
	return false;
}

static bool
read_fields(struct bytes in, struct facts *facts)
{
	while (in.left > 0) {
		const struct event_field *field;
		struct bytes body;
		uint8_t tag, count;

		if (!bytes_u8(&in, &tag) || !bytes_u8(&in, &count) ||
		    !bytes_take(&in, count, &body))
			return false;
		field = field_of(tag);
		if (field != NULL && !read_field(body, field, facts))
			return false;
	}
	return true;
}

static bool
read_head(struct bytes *in, struct event_head *head)
{
	uint64_t worker;

	return take_number(in, 8, &head->epoch) && take_number(in, 8, &head->seq) &&
	       take_number(in, 8, &head->wall_us) && take_number(in, 2, &worker) &&
	       number_store((uint8_t *)&head->worker, sizeof(head->worker), worker);
}

/* Take one frame from in, and its head; what is left in it are its fields. */
static int
take_frame(struct bytes *in, struct event_head *head, struct bytes *fields_out, struct err *err)
{
	struct bytes rest = *in, frame, checked;
	uint64_t size, crc;
	uint16_t magic;
	uint8_t version, kind;

	frame = rest;
	if (!bytes_u16(&rest, &magic) || !take_number(&rest, 4, &crc) ||
	    !bytes_u8(&rest, &version) || !bytes_u8(&rest, &kind) || !take_number(&rest, 4, &size))
		return err_set(err, ERR_INPUT, "an event is cut off in its head");
	if (magic != MAGIC || version != VERSION)
		return err_set(err, ERR_INPUT, "this is no event of version %d", VERSION);
	if (kind < EVENT_OPEN || kind >= EVENT_KIND_COUNT)
		return err_set(err, ERR_INPUT, "an event has the unknown kind %u", kind);
	if (size < HEAD_BYTES || size > EVENT_FRAME_MAX)
		return err_set(err, ERR_INPUT, "an event has an impossible length");
	rest = frame;
	if (!bytes_take(&rest, (size_t)size, &frame) || !bytes_take(&frame, CHECKED_AT, &checked))
		return err_set(err, ERR_INPUT, "an event is cut off");
	if (crc32c(frame.at, frame.left) != crc)
		return err_set(err, ERR_INPUT, "an event's bytes are altered");
	head->kind = (enum event_kind)kind;
	if (!bytes_take(&frame, FIXED_AT - CHECKED_AT, &checked) || !read_head(&frame, head))
		return err_set(err, ERR_INPUT, "an event is cut off in its head");
	*fields_out = frame;
	*in = rest;
	return 0;
}

int
event_decode(struct bytes *in, struct recorded *out, struct err *err)
{
	struct bytes rest = *in, body = {0};

	memset(out, 0, sizeof(*out));
	if (take_frame(&rest, &out->head, &body, err) != 0)
		return -1;
	if (!read_fields(body, &out->facts))
		return err_set(err, ERR_INPUT, "an event holds a field that cannot be");
	*in = rest;
	return 0;
}

/* ---- the gist ---- */

/* Where a passing field's number goes; NULL: it is left out. */
static uint8_t *
counted(const struct event_field *field, struct event_gist *gist)
{
	size_t traffic = offsetof(struct facts, traffic);

	if (field->at == offsetof(struct facts, opened_wall_us))
		return (uint8_t *)&gist->opened_wall_us;
	if (field->at < traffic || field->at >= traffic + sizeof(gist->traffic))
		return NULL;
	return (uint8_t *)&gist->traffic + (field->at - traffic);
}

int
event_get_gist(struct bytes frame, struct event_gist *out)
{
	struct event_head head = {0};
	struct bytes body = {0};

	if (take_frame(&frame, &head, &body, NULL) != 0 || frame.left > 0)
		return -1;
	out->kind = head.kind;
	out->opened_wall_us = 0;
	out->traffic = (struct traffic){0};
	out->size = 0;
	while (body.left > 0) {
		struct bytes start = {0}, value = {0};
		const struct event_field *field;
		uint8_t *number;

		if (!bytes_take(&body, 2, &start) || !bytes_take(&body, start.at[1], &value))
			return -1;
		field = field_of(start.at[0]);
		if (field == NULL || !field->passing) {
			memcpy(out->bytes + out->size, start.at, 2 + value.left);
			out->size += 2 + value.left;
			continue;
		}
		number = counted(field, out);
		if (number != NULL && !read_number(value, field, number))
			return -1;
	}
	return 0;
}

const char *
event_kind_name(enum event_kind kind)
{
	static const char *const names[EVENT_KIND_COUNT] = {
	    [EVENT_OPEN] = "open",
	    [EVENT_CLOSE] = "close",
	    [EVENT_LOST] = "lost",
	    [EVENT_STATS] = "stats",
	    [EVENT_SIGHTING] = "sighting",
	    [EVENT_RELOAD] = "reload",
	    [EVENT_DNS] = "dns",
	    [EVENT_ANOMALY] = "anomaly",
	};

	return kind >= EVENT_OPEN && kind < EVENT_KIND_COUNT ? names[kind] : "?";
}
