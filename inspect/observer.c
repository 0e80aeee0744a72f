/* SPDX-License-Identifier: MIT */
/* What all observers share, and the two that have next to nothing to read. */
#include "inspect/lines.h"
#include "inspect/observer_private.h"
#include "inspect/token.h"

#include <assert.h>
#include <string.h>

unsigned
observation_side(enum direction direction)
{
	assert(direction != DIRECTION_UNKNOWN);
	return direction == DIRECTION_UP ? 0 : 1;
}

enum direction
observation_answer(enum direction direction)
{
	return direction == DIRECTION_UP ? DIRECTION_DOWN : DIRECTION_UP;
}

void
observation_control(struct observation *seen, enum direction direction, uint64_t count)
{
	static const struct payload_finding control = {.class = PAYLOAD_CONTROL,
	    .confidence = CONFIDENCE_IDENTIFIED};

	if (count > 0)
		payload_note(direction, &control, count, seen->payload);
}

bool
observation_status(struct observation *seen, struct bytes digits, uint16_t *status)
{
	uint64_t value;

	if (digits.left != 3 || !token_decimal(digits, &value) || value < 100)
		return false;
	*status = (uint16_t)value;
	/* 101 is the last one of HTTP, too: what follows is another protocol. */
	if (seen->app->status == 0 && (value >= 200 || value == 101))
		seen->app->status = *status;
	return true;
}

void
observation_begin(struct observation *seen, enum direction direction,
    const struct payload_hint *hint)
{
	payload_begin(seen->meter, direction, hint, seen->payload);
}

void
observation_body(struct observation *seen, enum direction direction, struct bytes part)
{
	payload_feed(seen->meter, direction, part, seen->payload);
}

void
observation_end(struct observation *seen, enum direction direction)
{
	payload_end(seen->meter, direction, seen->payload);
}

/* ---- a stream without any structure ---- */

static size_t
feed_raw(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	bool *begun = &seen->raw_begun[observation_side(direction)];

	(void)state;
	if (!*begun) {
		payload_begin(seen->meter, direction, NULL, seen->payload);
		*begun = true;
	}
	payload_feed(seen->meter, direction, piece, seen->payload);
	return piece.left;
}

const struct observer observer_raw = {.feed = feed_raw};

/* ---- SSH: its banner, and no more ---- */

struct ssh {
	struct lines lines[2];
	uint32_t lines_seen[2];
};

/* RFC 4253 section 4.2: a server may say other lines before; no limit is given. */
enum { SSH_LINES_MAX = 64, SSH_BANNER_MAX = 255 };

static size_t
feed_ssh(void *state, struct observation *seen, enum direction direction, struct bytes piece)
{
	struct ssh *ssh = state;
	unsigned side = observation_side(direction);
	struct bytes rest = piece;
	struct line line;
	size_t taken;

	if (seen->raw_begun[side])
		return feed_raw(NULL, seen, direction, piece);
	while (lines_take(&ssh->lines[side], &rest, &line)) {
		taken = piece.left - rest.left;
		if (++ssh->lines_seen[side] > SSH_LINES_MAX || line.cut ||
		    line.text.left > SSH_BANNER_MAX) {
			seen->confused = true;
			break;
		}
		if (!token_begin(line.text, "SSH-"))
			continue;
		if (direction == DIRECTION_UP)
			token_keep(seen->app->agent, sizeof(seen->app->agent), line.text);
		observation_control(seen, direction, taken);
		lines_settle(&ssh->lines[side]);
		(void)feed_raw(NULL, seen, direction, rest);
		return piece.left;
	}
	taken = piece.left - rest.left;
	observation_control(seen, direction, taken);
	lines_settle(&ssh->lines[side]);
	return taken;
}

static bool
ssh_waits(const void *state)
{
	const struct ssh *ssh = state;

	return ssh->lines[0].total > 0;
}

static void
clear_ssh(void *state)
{
	struct ssh *ssh = state;

	lines_clear(&ssh->lines[0]);
	lines_clear(&ssh->lines[1]);
}

const struct observer observer_ssh = {
    .proto = APP_SSH,
    .state_bytes = sizeof(struct ssh),
    .feed = feed_ssh,
    .waits = ssh_waits,
    .clear = clear_ssh,
};
