/* SPDX-License-Identifier: MIT */
/* RTSP (RFC 2326): messages of both sides, and what is interleaved between them. */
#include "inspect/http_head.h"
#include "inspect/lines.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <string.h>

enum {
	FRAME_HEAD = 4, /* '$', channel, length (RFC 2326 section 10.12) */
	FRAME_PEEK = 2, /* and of the packet what tells its payload type */
	CODECS_MAX = 8,
	SDP_MAX = 64 << 10, /* bytes that are read as a description */
};

enum step { STEP_START = 0, STEP_FIELDS, STEP_BODY, STEP_SDP, STEP_FRAME_HEAD, STEP_FRAME };

struct side {
	enum step step;
	struct lines lines;
	uint32_t head_bytes;
	bool request;    /* the message is one */
	bool sdp;        /* its body is */
	bool measured;   /* it told its length */
	uint64_t length; /* of its body */
	uint64_t left;   /* of the body or the frame */
	uint8_t frame[FRAME_HEAD + FRAME_PEEK];
	uint8_t used; /* of frame */
	char type[64];
};

/* SDP's "a=rtpmap:96 H264/90000" (RFC 8866 section 6.6). */
struct codec {
	uint8_t type;
	char name[16];
};

struct rtsp {
	struct side sides[2]; /* by observation_side */
	struct codec codecs[CODECS_MAX];
	unsigned codec_count;
};

struct work {
	struct rtsp *rtsp;
	struct side *side;
	struct observation *seen;
	enum direction direction;
};

static void
confuse(struct work *work)
{
	work->seen->confused = true;
}

static void
begin_message(struct side *side)
{
	struct lines lines = side->lines;

	*side = (struct side){.lines = lines};
}

static bool
take_line(struct work *work, struct bytes *in, struct line *line)
{
	return http_head_line(work->seen, work->direction, &work->side->lines,
	    &work->side->head_bytes, in, line);
}

/* ---- messages ---- */

static bool
read_request(struct work *work, struct bytes line)
{
	struct app_facts *app = work->seen->app;
	struct bytes method, url;

	if (!token_until(&line, ' ', &method) || !token_until(&line, ' ', &url) ||
	    method.left == 0 || !token_begin(line, "RTSP/1."))
		return false;
	work->side->request = true;
	token_keep(app->method, sizeof(app->method), method);
	if (!token_is(url, "*"))
		http_head_target(work->seen, url);
	if (work->direction == DIRECTION_UP)
		app->requests++;
	return true;
}

static bool
read_start(struct work *work, const struct line *line)
{
	struct bytes rest = line->text, version, digits;
	uint16_t status;

	if (line->cut || token_have(rest, '\0'))
		return false;
	if (!token_begin(rest, "RTSP/1."))
		return read_request(work, rest);
	(void)token_until(&rest, ' ', &version);
	(void)token_until(&rest, ' ', &digits);
	return observation_status(work->seen, digits, &status);
}

static void
step_start(struct work *work, struct bytes *in)
{
	struct side *side = work->side;
	struct line line;

	if (side->lines.total == 0 && in->at[0] == '$') {
		side->step = STEP_FRAME_HEAD;
		return;
	}
	if (!take_line(work, in, &line) || (line.text.left == 0 && !line.cut))
		return;
	side->step = STEP_FIELDS;
	if (!read_start(work, &line))
		confuse(work);
}

static bool
read_field(struct work *work, const struct line *line)
{
	struct side *side = work->side;
	struct bytes name, value;
	uint64_t length;

	if (line->text.left > 0 && (line->text.at[0] == ' ' || line->text.at[0] == '\t'))
		return true; /* it goes on with the field before it */
	if (!token_header(line->text, &name, &value))
		return false;
	http_head_note(work->seen, side->request, name, value);
	if (token_is(name, "Content-Type")) {
		token_copy(side->type, sizeof(side->type), value);
		side->sdp = token_begin(value, "application/sdp");
	}
	if (!token_is(name, "Content-Length"))
		return true;
	if (!token_decimal(value, &length) || (side->measured && side->length != length))
		return false;
	side->measured = true;
	side->length = length;
	return true;
}

static void
end_head(struct work *work)
{
	struct side *side = work->side;
	struct payload_hint hint = {.type = side->type};

	if (side->length == 0) {
		begin_message(side);
		return;
	}
	side->left = side->length;
	side->sdp = side->sdp && side->length <= SDP_MAX;
	side->step = side->sdp ? STEP_SDP : STEP_BODY;
	if (!side->sdp)
		observation_begin(work->seen, work->direction, &hint);
}

static void
step_fields(struct work *work, struct bytes *in)
{
	struct line line;

	if (!take_line(work, in, &line))
		return;
	if (line.text.left == 0 && !line.cut)
		end_head(work);
	else if (!read_field(work, &line))
		confuse(work);
}

static struct bytes
take_left(struct side *side, struct bytes *in)
{
	struct bytes part;

	(void)bytes_take(in, in->left < side->left ? in->left : (size_t)side->left, &part);
	side->left -= part.left;
	return part;
}

static void
step_body(struct work *work, struct bytes *in)
{
	observation_body(work->seen, work->direction, take_left(work->side, in));
	if (work->side->left > 0)
		return;
	observation_end(work->seen, work->direction);
	begin_message(work->side);
}

/* ---- what is interleaved, and how it is told ---- */

static struct codec *
codec_of(struct rtsp *rtsp, uint8_t type)
{
	for (unsigned i = 0; i < rtsp->codec_count; i++)
		if (rtsp->codecs[i].type == type)
			return &rtsp->codecs[i];
	return NULL;
}

static void
read_rtpmap(struct rtsp *rtsp, struct bytes line)
{
	struct bytes type, name;
	struct codec *codec;
	uint64_t number;

	if (!token_begin(line, "a=rtpmap:"))
		return;
	(void)token_until(&line, ':', &type);
	(void)token_until(&line, ' ', &type);
	(void)token_until(&line, '/', &name);
	if (!token_decimal(type, &number) || number > 127)
		return;
	codec = codec_of(rtsp, (uint8_t)number);
	if (codec == NULL && rtsp->codec_count < CODECS_MAX)
		codec = &rtsp->codecs[rtsp->codec_count++];
	if (codec == NULL)
		return;
	codec->type = (uint8_t)number;
	token_copy(codec->name, sizeof(codec->name), token_trim(name));
}

static void
step_sdp(struct work *work, struct bytes *in)
{
	static const uint8_t end[] = {'\n'};
	struct bytes part = take_left(work->side, in), last = {end, sizeof(end)};
	struct line line;

	observation_control(work->seen, work->direction, part.left);
	while (part.left > 0)
		if (lines_take(&work->side->lines, &part, &line))
			read_rtpmap(work->rtsp, line.text);
	if (work->side->left > 0)
		return;
	/* Its last line may have no end. */
	if (lines_take(&work->side->lines, &last, &line))
		read_rtpmap(work->rtsp, line.text);
	begin_message(work->side);
}

static void
begin_frame(struct work *work)
{
	struct side *side = work->side;
	size_t peek = side->used - FRAME_HEAD;
	struct payload_hint hint = {.framing = PAYLOAD_RTP};
	const struct codec *codec = NULL;

	if (peek == FRAME_PEEK)
		codec = codec_of(work->rtsp, side->frame[FRAME_HEAD + 1] & 0x7f);
	if (codec != NULL)
		hint.codec = codec->name;
	observation_control(work->seen, work->direction, FRAME_HEAD);
	observation_begin(work->seen, work->direction, &hint);
	observation_body(work->seen, work->direction,
	    (struct bytes){side->frame + FRAME_HEAD, peek});
	side->step = STEP_FRAME;
	side->left -= peek;
}

static void
end_frame(struct work *work)
{
	observation_end(work->seen, work->direction);
	begin_message(work->side);
}

/* Take so much that need bytes of the frame's front are there, if there are. */
static bool
gather_frame(struct side *side, struct bytes *in, size_t need)
{
	struct bytes part;

	(void)bytes_take(in, in->left < need - side->used ? in->left : need - side->used, &part);
	memcpy(side->frame + side->used, part.at, part.left);
	side->used += (uint8_t)part.left;
	return side->used == need;
}

static void
step_frame_head(struct work *work, struct bytes *in)
{
	struct side *side = work->side;

	if (side->used < FRAME_HEAD && !gather_frame(side, in, FRAME_HEAD))
		return;
	if (side->used == FRAME_HEAD)
		side->left = (uint64_t)side->frame[2] << 8 | side->frame[3];
	if (!gather_frame(side, in,
		FRAME_HEAD + (side->left < FRAME_PEEK ? (size_t)side->left : FRAME_PEEK)))
		return;
	begin_frame(work);
	if (side->left == 0)
		end_frame(work);
}

static void
step_frame(struct work *work, struct bytes *in)
{
	observation_body(work->seen, work->direction, take_left(work->side, in));
	if (work->side->left == 0)
		end_frame(work);
}

static size_t
feed_rtsp(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	static void (*const steps[])(struct work * work, struct bytes * in) = {
	    [STEP_START] = step_start,
	    [STEP_FIELDS] = step_fields,
	    [STEP_BODY] = step_body,
	    [STEP_SDP] = step_sdp,
	    [STEP_FRAME_HEAD] = step_frame_head,
	    [STEP_FRAME] = step_frame,
	};
	struct rtsp *rtsp = state;
	struct work work = {
	    .rtsp = rtsp,
	    .side = &rtsp->sides[observation_side(direction)],
	    .seen = seen,
	    .direction = direction,
	};
	struct bytes in = piece;

	while (in.left > 0 && !seen->confused)
		steps[work.side->step](&work, &in);
	lines_settle(&work.side->lines);
	return piece.left - in.left;
}

static void
end_rtsp(void *state, struct observation *seen, enum direction direction)
{
	struct rtsp *rtsp = state;
	struct side *side = &rtsp->sides[observation_side(direction)];

	if (side->step != STEP_FRAME_HEAD)
		return;
	observation_control(seen, direction, side->used);
	side->used = 0;
}

static bool
rtsp_waits(const void *state)
{
	const struct rtsp *rtsp = state;
	const struct side *camera = &rtsp->sides[0];

	return camera->step == STEP_FIELDS || camera->step == STEP_FRAME_HEAD ||
	       camera->lines.total > 0;
}

static void
clear_rtsp(void *state)
{
	struct rtsp *rtsp = state;

	lines_clear(&rtsp->sides[0].lines);
	lines_clear(&rtsp->sides[1].lines);
}

const struct observer observer_rtsp = {
    .proto = APP_RTSP,
    .state_bytes = sizeof(struct rtsp),
    .feed = feed_rtsp,
    .end = end_rtsp,
    .waits = rtsp_waits,
    .clear = clear_rtsp,
};
