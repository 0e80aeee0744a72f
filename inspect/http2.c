/* SPDX-License-Identifier: MIT */
/* HTTP/2 (RFC 9113): frames of both sides, HPACK by libnghttp2 (RFC 7541). */
#include "inspect/http_head.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <nghttp2/nghttp2.h>

#include <string.h>

enum {
	FRAME_HEAD = 9,
	PREFIX_MAX = 6, /* pad length; stream and weight, or the promised stream */
	SETTING_BYTES = 6,
	TABLE_MAX = 64 << 10,   /* of HPACK, however much a side allows the other */
	FIELDS_MAX = 64 << 10,  /* bytes of a head's fields, and of the block they are in */
	CONTROL_MAX = 16 << 10, /* RFC 9113 section 6.5.2: of a frame that is no DATA */
	STREAMS_MAX = 8,        /* whose type is remembered, of each side */
};

/* RFC 9113 section 3.4. */
static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum type { DATA = 0, HEADERS = 1, SETTINGS = 4, PUSH_PROMISE = 5, CONTINUATION = 9 };
enum frame_flag { END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8, PRIORITY = 0x20 };

enum step { STEP_HEAD = 0, STEP_PREFIX, STEP_BODY, STEP_PADDING };

/* What the head of a message said of its body. */
struct stream {
	uint32_t id; /* 0: free */
	char type[96], encoding[16];
};

struct side {
	enum step step;
	size_t preface; /* bytes of it that came */
	uint8_t head[FRAME_HEAD], prefix[PREFIX_MAX], setting[SETTING_BYTES];
	uint8_t head_used, prefix_used, prefix_need, setting_used;
	uint32_t left; /* of the frame's own payload */
	uint32_t padding;
	uint8_t type, flags;
	uint32_t stream_id;
	uint32_t block_of;    /* whose block of fields goes on; 0: none does */
	bool block_ends;      /* with its message */
	bool announced;       /* by a head: a body of which nothing came yet */
	uint32_t block_bytes; /* of it, packed, and of its fields */
	size_t fields_bytes;
	uint32_t body_of;              /* whose body the meter has; 0: none */
	nghttp2_hd_inflater *inflater; /* owned; of what this side sends; NULL before the first */
	uint32_t table;                /* what the other side allows this one's table */
	struct stream streams[STREAMS_MAX];
	unsigned next_stream; /* the next one to be forgotten */
};

struct http2 {
	struct side sides[2]; /* by observation_side */
};

struct work {
	struct side *side, *other;
	struct observation *seen;
	enum direction direction;
	bool request;
};

static void
confuse(struct work *work)
{
	work->seen->confused = true;
}

/* ---- messages ---- */

static struct stream *
find_stream(struct side *side, uint32_t id)
{
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		if (side->streams[i].id == id)
			return &side->streams[i];
	return NULL;
}

static struct stream *
make_stream(struct side *side, uint32_t id)
{
	struct stream *stream = find_stream(side, id);

	if (stream != NULL)
		return stream;
	stream = &side->streams[side->next_stream++ % STREAMS_MAX];
	*stream = (struct stream){.id = id};
	return stream;
}

static void
end_body(struct work *work)
{
	if (work->side->body_of != 0)
		observation_end(work->seen, work->direction);
	work->side->body_of = 0;
}

static void
end_stream(struct work *work)
{
	struct stream *stream = find_stream(work->side, work->side->stream_id);

	work->side->announced = false;
	if (work->side->body_of == work->side->stream_id)
		end_body(work);
	if (stream != NULL)
		*stream = (struct stream){0};
}

/* The meter has one message of a side at a time: who interleaves bodies has them
 * judged piece by piece. */
static void
begin_body(struct work *work)
{
	struct side *side = work->side;
	const struct stream *stream = find_stream(side, side->stream_id);
	struct payload_hint hint = {0};

	side->announced = false;
	if (side->body_of == side->stream_id)
		return;
	if (stream != NULL) {
		hint.type = stream->type;
		hint.encoding = stream->encoding;
	}
	observation_begin(work->seen, work->direction, &hint);
	side->body_of = side->stream_id;
}

/* ---- fields ---- */

static void
note_method(struct work *work, struct bytes method)
{
	struct app_facts *app = work->seen->app;

	token_keep(app->method, sizeof(app->method), method);
	if (work->direction == DIRECTION_UP)
		app->requests++;
	/* A tunnel, or another protocol in this stream (RFC 8441). */
	if (token_is(method, "CONNECT"))
		app->opaque_inner = true;
}

/* RFC 9113 section 8.3. */
static void
note_pseudo(struct work *work, struct bytes name, struct bytes value)
{
	uint16_t status;

	if (work->request && token_is(name, ":method"))
		note_method(work, value);
	else if (work->request && token_is(name, ":authority"))
		http_head_host(work->seen, token_host(value));
	else if (work->request && token_is(name, ":path"))
		http_head_target(work->seen, value);
	else if (!work->request && token_is(name, ":status"))
		(void)observation_status(work->seen, value, &status);
}

static void
note_field(struct work *work, const nghttp2_nv *field)
{
	struct bytes name = {field->name, field->namelen}, value = {field->value, field->valuelen};
	struct side *side = work->side;
	struct stream *stream;

	side->fields_bytes += name.left + value.left;
	if (side->fields_bytes > FIELDS_MAX) {
		confuse(work);
		return;
	}
	if (name.left > 0 && name.at[0] == ':') {
		note_pseudo(work, name, value);
		return;
	}
	http_head_note(work->seen, work->request, name, value);
	if (!token_is(name, "content-type") && !token_is(name, "content-encoding"))
		return;
	stream = make_stream(side, side->block_of);
	if (token_is(name, "content-type"))
		token_copy(stream->type, sizeof(stream->type), value);
	else
		token_copy(stream->encoding, sizeof(stream->encoding), value);
}

/* Unpack the next bytes of a block of fields; last: with them it ends. */
static void
unpack(struct work *work, struct bytes part, bool last)
{
	struct side *side = work->side;
	int flags = 0;

	side->block_bytes += (uint32_t)part.left;
	if (side->block_bytes > FIELDS_MAX)
		confuse(work);
	while (!work->seen->confused && (flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
		nghttp2_nv field;
		ssize_t taken;

		flags = 0;
		taken = nghttp2_hd_inflate_hd2(side->inflater, &field, &flags, part.at, part.left,
		    last ? 1 : 0);
		if (taken < 0) {
			confuse(work);
			return;
		}
		(void)bytes_take(&part, (size_t)taken, &(struct bytes){0});
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
			note_field(work, &field);
		else if (part.left == 0)
			break;
	}
}

static void
begin_block(struct work *work)
{
	struct side *side = work->side;

	side->block_of = side->stream_id;
	side->block_ends = side->type == HEADERS && (side->flags & END_STREAM) != 0;
	side->block_bytes = 0;
	side->fields_bytes = 0;
	if (side->inflater == NULL && nghttp2_hd_inflate_new(&side->inflater) != 0) {
		confuse(work);
		return;
	}
	/* Only ever more: a side that may have less says so in its own block. */
	if (side->table > 4096 &&
	    nghttp2_hd_inflate_change_table_size(side->inflater, side->table) != 0)
		confuse(work);
}

static void
end_block(struct work *work)
{
	struct side *side = work->side;

	(void)nghttp2_hd_inflate_end_headers(side->inflater);
	side->block_of = 0;
	side->announced = !side->block_ends;
	if (side->block_ends)
		end_stream(work);
}

/* ---- frames ---- */

static bool
carries_fields(uint8_t type)
{
	return type == HEADERS || type == PUSH_PROMISE || type == CONTINUATION;
}

/* What stands before a frame's own payload. */
static uint8_t
prefix_size(const struct side *side)
{
	bool may_pad = side->type == DATA || side->type == HEADERS || side->type == PUSH_PROMISE;
	uint8_t size = may_pad && (side->flags & PADDED) != 0 ? 1 : 0;

	if (side->type == HEADERS && (side->flags & PRIORITY) != 0)
		return size + 5;
	return side->type == PUSH_PROMISE ? size + 4 : size;
}

/* Between a block's frames nothing else may come (RFC 9113 section 4.3). */
static bool
is_sound(const struct side *side)
{
	if ((side->block_of != 0) != (side->type == CONTINUATION))
		return false;
	if (side->type == CONTINUATION)
		return side->stream_id == side->block_of;
	if (side->type == DATA)
		return side->stream_id != 0;
	if (carries_fields(side->type) && side->stream_id == 0)
		return false;
	if (side->type == SETTINGS && side->left % SETTING_BYTES != 0)
		return false;
	return carries_fields(side->type) || side->left <= CONTROL_MAX;
}

static void begin_frame_body(struct work *work);

static void
read_frame_head(struct work *work)
{
	struct side *side = work->side;
	struct bytes head = {side->head, FRAME_HEAD};
	uint16_t high, low;

	if (!bytes_u24(&head, &side->left) || !bytes_u8(&head, &side->type) ||
	    !bytes_u8(&head, &side->flags) || !bytes_u16(&head, &high) || !bytes_u16(&head, &low))
		return;
	side->stream_id = (high & 0x7fffU) << 16 | low;
	side->head_used = side->prefix_used = side->setting_used = 0;
	side->padding = 0;
	side->prefix_need = prefix_size(side);
	if (!is_sound(side) || side->prefix_need > side->left) {
		/* It may be the first of anything: nothing of it was the protocol's. */
		(void)observer_raw.feed(NULL, work->seen, work->direction,
		    (struct bytes){side->head, FRAME_HEAD});
		confuse(work);
		return;
	}
	observation_control(work->seen, work->direction, FRAME_HEAD);
	side->left -= side->prefix_need;
	side->step = STEP_PREFIX;
	if (side->prefix_need == 0)
		begin_frame_body(work);
}

/* The frame's payload is over, its padding is not. */
static void
end_frame_body(struct work *work)
{
	struct side *side = work->side;

	side->step = side->padding > 0 ? STEP_PADDING : STEP_HEAD;
	if (carries_fields(side->type) && (side->flags & END_HEADERS) != 0)
		end_block(work);
	else if (side->type == DATA && (side->flags & END_STREAM) != 0)
		end_stream(work);
}

static void
begin_frame_body(struct work *work)
{
	struct side *side = work->side;

	if (prefix_size(side) > 0 && (side->flags & PADDED) != 0)
		side->padding = side->prefix[0];
	if (side->padding > side->left) {
		confuse(work);
		return;
	}
	side->left -= side->padding;
	side->step = STEP_BODY;
	if (side->type == HEADERS || side->type == PUSH_PROMISE)
		begin_block(work);
	if (side->type == DATA && side->left > 0)
		begin_body(work);
	if (side->left > 0 || work->seen->confused)
		return;
	if (carries_fields(side->type))
		unpack(work, (struct bytes){side->head, 0}, (side->flags & END_HEADERS) != 0);
	if (!work->seen->confused)
		end_frame_body(work);
}

/* RFC 9113 section 6.5.2: how much the other side may keep in its table. */
static void
take_setting(struct work *work, struct bytes part)
{
	struct side *side = work->side;
	uint8_t byte;

	while (bytes_u8(&part, &byte)) {
		struct bytes setting = {side->setting, SETTING_BYTES};
		uint16_t id, high, low;
		uint32_t value;

		side->setting[side->setting_used++] = byte;
		if (side->setting_used < SETTING_BYTES)
			continue;
		side->setting_used = 0;
		if (!bytes_u16(&setting, &id) || !bytes_u16(&setting, &high) ||
		    !bytes_u16(&setting, &low))
			return;
		value = (uint32_t)high << 16 | low;
		if (id == 1 && value > work->other->table)
			work->other->table = value < TABLE_MAX ? value : TABLE_MAX;
	}
}

/* ---- steps ---- */

static void
step_head(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	uint8_t byte;

	if (!bytes_u8(in, &byte))
		return;
	if (work->request && side->preface < sizeof(preface) - 1) {
		observation_control(work->seen, work->direction, 1);
		if (byte != (uint8_t)preface[side->preface++])
			confuse(work);
		return;
	}
	side->head[side->head_used++] = byte;
	if (side->head_used == FRAME_HEAD)
		read_frame_head(work);
}

static void
step_prefix(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	uint8_t byte;

	if (!bytes_u8(in, &byte))
		return;
	observation_control(work->seen, work->direction, 1);
	side->prefix[side->prefix_used++] = byte;
	if (side->prefix_used == side->prefix_need)
		begin_frame_body(work);
}

static void
step_body(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct bytes part;

	(void)bytes_take(in, in->left < side->left ? in->left : side->left, &part);
	side->left -= (uint32_t)part.left;
	if (side->type == DATA)
		observation_body(work->seen, work->direction, part);
	else
		observation_control(work->seen, work->direction, part.left);
	if (carries_fields(side->type))
		unpack(work, part, side->left == 0 && (side->flags & END_HEADERS) != 0);
	else if (side->type == SETTINGS && (side->flags & ACK) == 0)
		take_setting(work, part);
	if (side->left == 0 && !work->seen->confused)
		end_frame_body(work);
}

static void
step_padding(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct bytes part;

	(void)bytes_take(in, in->left < side->padding ? in->left : side->padding, &part);
	side->padding -= (uint32_t)part.left;
	observation_control(work->seen, work->direction, part.left);
	if (side->padding == 0)
		side->step = STEP_HEAD;
}

static size_t
feed_http2(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	static void (*const steps[])(struct work * work, struct bytes * in) = {
	    [STEP_HEAD] = step_head,
	    [STEP_PREFIX] = step_prefix,
	    [STEP_BODY] = step_body,
	    [STEP_PADDING] = step_padding,
	};
	struct http2 *http2 = state;
	unsigned side = observation_side(direction);
	struct work work = {
	    .side = &http2->sides[side],
	    .other = &http2->sides[1 - side],
	    .seen = seen,
	    .direction = direction,
	    .request = direction == seen->asker,
	};
	struct bytes in = piece;

	while (in.left > 0 && !seen->confused)
		steps[work.side->step](&work, &in);
	return piece.left - in.left;
}

static void
end_http2(void *state, struct observation *seen, enum direction direction)
{
	struct http2 *http2 = state;
	struct side *side = &http2->sides[observation_side(direction)];

	if (side->step != STEP_HEAD)
		return;
	observation_control(seen, direction, side->head_used);
	side->head_used = 0;
}

/* Up to its first request a camera has said nothing yet; then a frame that is not
 * whole may be anything, and a head that does not end its stream announces a body. */
static bool
http2_waits(const void *state)
{
	const struct http2 *http2 = state;
	const struct side *camera = &http2->sides[0];

	if (camera->inflater == NULL || camera->block_of != 0 || camera->announced)
		return true;
	return camera->head_used > 0 || (camera->step != STEP_HEAD && camera->type != DATA);
}

static void
clear_http2(void *state)
{
	struct http2 *http2 = state;

	for (unsigned side = 0; side < 2; side++)
		if (http2->sides[side].inflater != NULL)
			nghttp2_hd_inflate_del(http2->sides[side].inflater);
}

const struct observer observer_http2 = {
    .proto = APP_HTTP2,
    .state_bytes = sizeof(struct http2),
    .feed = feed_http2,
    .end = end_http2,
    .waits = http2_waits,
    .clear = clear_http2,
};
