/* SPDX-License-Identifier: MIT */
/* HTTP/1 (RFC 9112): messages of both sides, and what an answer belongs to. */
#include "inspect/http_head.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <string.h>

enum {
	FRAMING_MAX = 256, /* of the line before a chunk: its size and extensions */
	PENDING_MAX = 32,  /* requests that wait for their answer */
};

enum step {
	STEP_START = 0, /* the line that a message begins with */
	STEP_FIELDS,
	STEP_BODY, /* left bytes of it */
	STEP_CHUNK_SIZE,
	STEP_CHUNK, /* left bytes of it */
	STEP_CHUNK_END,
	STEP_TRAILERS,
	STEP_ENDLESS, /* a body up to the end of the stream */
	STEP_CONNECT, /* behind a CONNECT that is not answered */
};

struct side {
	enum step step;
	struct lines lines;
	uint32_t head_bytes;
	uint64_t left;
	struct http_head head;
};

/* What an answer must know of its request. */
struct pending {
	enum http_method method;
	enum http_upgrade upgrade;
};

struct http {
	struct side sides[2]; /* by observation_side */
	struct pending pending[PENDING_MAX];
	unsigned first, count; /* of pending, a ring */
};

/* What one call works on. */
struct work {
	struct http *http;
	struct side *side;
	struct observation *seen;
	enum direction direction;
	bool request;
};

static void
confuse(struct work *work)
{
	work->seen->confused = true;
}

static bool
take_line(struct work *work, struct bytes *in, struct line *line)
{
	return http_head_line(work->seen, work->direction, &work->side->lines,
	    &work->side->head_bytes, in, line);
}

/* ---- messages ---- */

static void
begin_message(struct side *side)
{
	side->step = STEP_START;
	side->head_bytes = 0;
	side->head = (struct http_head){0};
}

static void
begin_body(struct work *work, enum step step, uint64_t left)
{
	const struct http_head *head = &work->side->head;
	struct payload_hint hint = {.type = head->type,
	    .encoding = head->encoding,
	    .name = head->name};

	work->side->step = step;
	work->side->left = left;
	work->side->head_bytes = 0;
	observation_begin(work->seen, work->direction, &hint);
}

static void
end_body(struct work *work)
{
	observation_end(work->seen, work->direction);
	begin_message(work->side);
}

/* The body that the fields tell of; false: they tell of none. */
static bool
begin_told_body(struct work *work)
{
	const struct http_head *head = &work->side->head;

	if (head->chunked)
		begin_body(work, STEP_CHUNK_SIZE, 0);
	else if (head->measured && head->length > 0)
		begin_body(work, STEP_BODY, head->length);
	return head->chunked || head->measured;
}

static void
end_request_head(struct work *work)
{
	struct http *http = work->http;
	const struct http_head *head = &work->side->head;

	if (http->count == PENDING_MAX) {
		confuse(work);
		return;
	}
	http->pending[(http->first + http->count++) % PENDING_MAX] =
	    (struct pending){head->method, head->upgrade};
	if (work->direction == DIRECTION_UP)
		work->seen->app->requests++;
	if (head->method == METHOD_CONNECT)
		work->side->step = STEP_CONNECT;
	else if (head->rtsp)
		work->seen->next = &observer_rtsp_tunnel;
	else if (!begin_told_body(work) || (!head->chunked && head->length == 0))
		begin_message(work->side);
}

/* From here on both sides speak what the request asked for. */
static void
switch_protocol(struct work *work, const struct pending *pending)
{
	struct observation *seen = work->seen;

	seen->compressed = work->side->head.compressed;
	seen->mqtt = work->side->head.mqtt;
	if (pending->upgrade == UPGRADE_WEBSOCKET)
		seen->next = &observer_websocket;
	else if (pending->upgrade == UPGRADE_H2C)
		seen->next = &observer_http2;
	else if (pending->upgrade == UPGRADE_OTHER)
		seen->next = &observer_raw;
	else
		confuse(work);
	seen->app->opaque_inner = seen->app->opaque_inner || pending->upgrade == UPGRADE_OTHER;
}

static struct pending
take_pending(struct http *http)
{
	struct pending pending = {0};

	/* An answer without a request is no confusion: servers say 408 unasked. */
	if (http->count == 0)
		return pending;
	pending = http->pending[http->first];
	http->first = (http->first + 1) % PENDING_MAX;
	http->count--;
	return pending;
}

/* A CONNECT was answered: by a tunnel, or by a no. */
static void
end_connect(struct work *work, uint16_t status)
{
	struct side *asker = &work->http->sides[observation_side(work->seen->asker)];

	if (status / 100 == 2) {
		work->seen->app->opaque_inner = true;
		work->seen->next = &observer_raw;
	} else if (asker->step == STEP_CONNECT) {
		begin_message(asker);
	}
}

static void
end_answer_head(struct work *work)
{
	const struct http_head *head = &work->side->head;
	uint16_t status = head->status;
	struct pending pending;
	bool bare; /* it has no body, whatever it tells of one */

	if (status / 100 == 1 && status != 101) {
		begin_message(work->side);
		return;
	}
	pending = take_pending(work->http);
	if (status == 101) {
		switch_protocol(work, &pending);
		return;
	}
	if (pending.method == METHOD_CONNECT) {
		end_connect(work, status);
		if (work->seen->next != NULL)
			return;
	}
	if (head->rtsp && status == 200 && work->http->count == 0) {
		work->seen->next = &observer_rtsp;
		return;
	}
	bare = pending.method == METHOD_HEAD || status == 204 || status == 304;
	if (!bare && !begin_told_body(work))
		begin_body(work, STEP_ENDLESS, 0);
	else if (bare || (!head->chunked && head->length == 0))
		begin_message(work->side);
}

/* ---- steps: each takes from the front of in ---- */

static void
step_start(struct work *work, struct bytes *in)
{
	struct line line;
	bool good;

	if (!take_line(work, in, &line))
		return;
	if (line.text.left == 0 && !line.cut)
		return; /* RFC 9112 section 2.2: an empty line before a request */
	good = work->request ? http_head_request(&work->side->head, work->seen, &line)
			     : http_head_answer(&work->side->head, work->seen, &line);
	work->side->step = STEP_FIELDS;
	if (!good)
		confuse(work);
}

static void
step_fields(struct work *work, struct bytes *in)
{
	struct line line;

	if (!take_line(work, in, &line))
		return;
	if (line.text.left > 0 || line.cut) {
		if (!http_head_field(&work->side->head, work->seen, &line))
			confuse(work);
		return;
	}
	if (!http_head_done(&work->side->head))
		confuse(work);
	else if (work->request)
		end_request_head(work);
	else
		end_answer_head(work);
}

/* Bytes of a body whose number is known. */
static void
take_body(struct work *work, struct bytes *in)
{
	struct bytes part;

	(void)bytes_take(in, in->left < work->side->left ? in->left : work->side->left, &part);
	work->side->left -= part.left;
	observation_body(work->seen, work->direction, part);
}

static void
step_body(struct work *work, struct bytes *in)
{
	take_body(work, in);
	if (work->side->left == 0)
		end_body(work);
}

static void
step_chunk(struct work *work, struct bytes *in)
{
	take_body(work, in);
	if (work->side->left == 0)
		work->side->step = STEP_CHUNK_END;
}

/* A line that two readers end at two places cannot frame anything. */
static bool
take_framing_line(struct work *work, struct bytes *in, struct line *line)
{
	if (!take_line(work, in, line))
		return false;
	if (line->crlf && line->text.left <= FRAMING_MAX && !token_have(line->text, '\r'))
		return true;
	confuse(work);
	return false;
}

static void
step_chunk_size(struct work *work, struct bytes *in)
{
	struct line line;
	struct bytes size;

	if (!take_framing_line(work, in, &line))
		return;
	(void)token_until(&line.text, ';', &size);
	work->side->head_bytes = 0;
	if (!token_hex(token_trim(size), &work->side->left))
		confuse(work);
	else
		work->side->step = work->side->left > 0 ? STEP_CHUNK : STEP_TRAILERS;
}

static void
step_chunk_end(struct work *work, struct bytes *in)
{
	struct line line;

	if (!take_framing_line(work, in, &line))
		return;
	if (line.text.left > 0)
		confuse(work);
	work->side->step = STEP_CHUNK_SIZE;
}

static void
step_trailers(struct work *work, struct bytes *in)
{
	struct line line;

	if (!take_line(work, in, &line))
		return;
	if (line.text.left == 0 && !line.cut)
		end_body(work);
}

static void
step_endless(struct work *work, struct bytes *in)
{
	struct bytes part;

	(void)bytes_take(in, in->left, &part);
	observation_body(work->seen, work->direction, part);
}

/* Who does not wait for the tunnel sends what is meant for its other end. */
static void
step_connect(struct work *work, struct bytes *in)
{
	work->seen->raw_begun[observation_side(work->direction)] = true;
	step_endless(work, in);
}

static size_t
feed_http(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	static void (*const steps[])(struct work * work, struct bytes * in) = {
	    [STEP_START] = step_start,
	    [STEP_FIELDS] = step_fields,
	    [STEP_BODY] = step_body,
	    [STEP_CHUNK_SIZE] = step_chunk_size,
	    [STEP_CHUNK] = step_chunk,
	    [STEP_CHUNK_END] = step_chunk_end,
	    [STEP_TRAILERS] = step_trailers,
	    [STEP_ENDLESS] = step_endless,
	    [STEP_CONNECT] = step_connect,
	};
	struct http *http = state;
	struct work work = {.http = http,
	    .side = &http->sides[observation_side(direction)],
	    .seen = seen,
	    .direction = direction,
	    .request = direction == seen->asker};
	struct bytes in = piece;

	while (in.left > 0 && !seen->confused && seen->next == NULL)
		steps[work.side->step](&work, &in);
	lines_settle(&work.side->lines);
	return piece.left - in.left;
}

/* A head that is not whole may announce anything. */
static bool
http_waits(const void *state)
{
	const struct http *http = state;
	const struct side *camera = &http->sides[0];

	return camera->step == STEP_FIELDS || camera->lines.total > 0;
}

static void
clear_http(void *state)
{
	struct http *http = state;

	lines_clear(&http->sides[0].lines);
	lines_clear(&http->sides[1].lines);
}

const struct observer observer_http = {
    .proto = APP_HTTP,
    .state_bytes = sizeof(struct http),
    .feed = feed_http,
    .waits = http_waits,
    .clear = clear_http,
};
