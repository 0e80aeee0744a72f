/* SPDX-License-Identifier: MIT */
#include "inspect/inspection.h"

#include "base/text.h"
#include "inspect/observer_private.h"
#include "inspect/opening.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The first bytes of a conversation that is not told yet. */
struct first_bytes {
	uint8_t at[2][OPENING_BYTES]; /* by observation_side */
	size_t used[2];
	enum direction first; /* who spoke first */
};

struct inspection {
	struct observation seen;
	const struct observer *observer; /* NULL: not told yet */
	void *state;                     /* owned; the observer's */
	struct first_bytes *first;       /* owned; NULL once it is told */
	uint16_t port;
	bool opaque;      /* TLS was granted that nobody opens; to be noted */
	bool raised;      /* payload.pending is ours, not the meter's */
	uint64_t unclear; /* the camera's bytes since it was clear what they are */
};

struct inspection *
inspection_open(const struct inspection_about *about)
{
	struct inspection *inspection = calloc(1, sizeof(*inspection));

	if (inspection == NULL)
		return NULL;
	inspection->port = about->port;
	inspection->seen.opened = about->opened;
	inspection->seen.tls = about->opened ? TLS_INSIDE : TLS_UNASKED;
	inspection->seen.asker = DIRECTION_UP;
	inspection->seen.meter = payload_open(0);
	if (about->alpn != NULL && strcmp(about->alpn, "h2") == 0)
		inspection->seen.next = &observer_http2;
	else
		inspection->first = calloc(1, sizeof(*inspection->first));
	if (inspection->seen.meter == NULL ||
	    (inspection->first == NULL && inspection->seen.next == NULL)) {
		inspection_close(inspection);
		return NULL;
	}
	return inspection;
}

/* The observer sees no more of this direction. */
static void
end_state(struct inspection *inspection, enum direction direction)
{
	if (inspection->state != NULL && inspection->observer->end != NULL)
		inspection->observer->end(inspection->state, &inspection->seen, direction);
}

static void
drop_state(struct inspection *inspection)
{
	if (inspection->state != NULL && inspection->observer->clear != NULL)
		inspection->observer->clear(inspection->state);
	free(inspection->state);
	inspection->state = NULL;
}

/* Go on with another observer; one without state always can. */
static void
become(struct inspection *inspection, const struct observer *observer)
{
	struct observation *seen = &inspection->seen;

	end_state(inspection, DIRECTION_UP);
	end_state(inspection, DIRECTION_DOWN);
	drop_state(inspection);
	if (observer->state_bytes > 0) {
		inspection->state = calloc(1, observer->state_bytes);
		if (inspection->state == NULL) {
			seen->app->confused = true;
			observer = &observer_raw;
		}
	}
	inspection->observer = observer;
	seen->next = NULL;
	seen->confused = false;
	if (observer->proto != APP_NONE)
		seen->app->proto = observer->proto;
}

/* Between the command that asks for TLS and the answer the camera has nothing to
 * say; from the answer on, nobody has before the handshake. */
static bool
must_wait(const struct observation *seen, enum direction direction)
{
	return seen->tls == TLS_GRANTED || (seen->tls == TLS_ASKED && direction == DIRECTION_UP);
}

/* Give a piece to whoever observes, and to whoever follows him; returns how much
 * was taken: less than all only where TLS is asked for or granted. */
static size_t
run(struct inspection *inspection, enum direction direction, struct bytes piece)
{
	struct observation *seen = &inspection->seen;
	size_t all = piece.left;

	while (piece.left > 0 && !must_wait(seen, direction)) {
		size_t taken;

		if (seen->next != NULL)
			become(inspection, seen->next);
		taken = inspection->observer->feed(inspection->state, seen, direction, piece);
		assert(taken <= piece.left);
		(void)bytes_take(&piece, taken, &(struct bytes){0});
		if (seen->confused) {
			seen->app->confused = true;
			become(inspection, &observer_raw);
		}
	}
	return all - piece.left;
}

/* ---- the beginning ---- */

static const struct observer *
observer_of(enum app_proto proto)
{
	static const struct observer *const all[] = {&observer_http, &observer_http2,
	    &observer_rtsp, &observer_mqtt, &observer_smtp, &observer_ftp, &observer_imap,
	    &observer_pop3, &observer_ssh, &observer_dns, &observer_xmpp};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i]->proto == proto)
			return all[i];
	return &observer_raw;
}

/* Of what is not known its first bytes are. */
static void
note_first(struct app_facts *app, struct bytes up)
{
	uint8_t byte;

	if (app->proto != APP_UNKNOWN)
		return;
	while (app->first_size < sizeof(app->first) && bytes_u8(&up, &byte))
		app->first[app->first_size++] = byte;
}

static void
note_told(struct inspection *inspection, const struct opening_told *told)
{
	struct app_facts *app = inspection->seen.app;
	const struct first_bytes *first = inspection->first;

	app->proto = told->proto;
	if (told->proto == APP_DNS && inspection->seen.opened)
		app->encrypted_dns = true;
	app->opaque_inner = app->opaque_inner || told->opaque;
	if (told->tunnel != NULL)
		text_copy(app->method, sizeof(app->method), told->tunnel);
	note_first(app, (struct bytes){first->at[0], first->used[0]});
	inspection->seen.asker = told->asker;
}

/* What came before the piece that told it; held[side] bytes of the first ones. */
static void
catch_up(struct inspection *inspection, struct first_bytes *first, const size_t held[2])
{
	unsigned side = observation_side(first->first);

	for (unsigned i = 0; i < 2; i++, side = 1 - side)
		(void)run(inspection, side == 0 ? DIRECTION_UP : DIRECTION_DOWN,
		    (struct bytes){first->at[side], held[side]});
}

/* It is told, or will not be. */
static void
settle(struct inspection *inspection, const struct opening_told *told, const size_t held[2])
{
	struct first_bytes *first = inspection->first;

	note_told(inspection, told);
	become(inspection, observer_of(told->proto));
	inspection->first = NULL;
	catch_up(inspection, first, held);
	free(first);
}

static bool
ask(struct inspection *inspection, struct opening_told *told)
{
	const struct first_bytes *first = inspection->first;

	return opening_tell((struct bytes){first->at[0], first->used[0]},
	    (struct bytes){first->at[1], first->used[1]}, inspection->port, told);
}

/* It is asked anew at each byte: what is told may not depend on how they came. */
static size_t
tell(struct inspection *inspection, enum direction direction, struct bytes piece)
{
	struct first_bytes *first = inspection->first;
	const size_t held[2] = {first->used[0], first->used[1]};
	unsigned side = observation_side(direction);
	struct opening_told told = {.proto = APP_UNKNOWN, .asker = DIRECTION_UP};
	struct bytes rest = piece;
	bool is_told = false;

	if (held[0] + held[1] == 0)
		first->first = direction;
	while (!is_told && first->used[side] < OPENING_BYTES &&
	       bytes_u8(&rest, &first->at[side][first->used[side]])) {
		first->used[side]++;
		is_told = ask(inspection, &told);
	}
	if (!is_told && rest.left == 0)
		return piece.left;
	settle(inspection, &told, held);
	if (direction == DIRECTION_UP)
		note_first(inspection->seen.app, rest);
	return run(inspection, direction, piece);
}

/* ---- what is not clear yet ---- */

static bool
is_unclear(const struct inspection *inspection)
{
	if (inspection->first != NULL)
		return inspection->first->used[0] > 0;
	return inspection->state != NULL && inspection->observer->waits != NULL &&
	       inspection->observer->waits(inspection->state);
}

/* The meter knows of payload that waits to be told; what stands before payload,
 * and is not whole, waits too: it may be a head of anything. */
static void
raise_pending(struct inspection *inspection, struct payload_facts *payload)
{
	inspection->raised = false;
	if (!is_unclear(inspection)) {
		inspection->unclear = 0;
	} else if (payload->pending == 0 && inspection->unclear > 0) {
		payload->pending = inspection->unclear;
		inspection->raised = true;
	}
}

/* ---- the rest ---- */

size_t
inspection_feed(struct inspection *inspection, enum direction direction, struct bytes piece,
    struct app_facts *app, struct payload_facts *payload)
{
	struct observation *seen = &inspection->seen;
	size_t taken;

	seen->app = app;
	seen->payload = payload;
	if (piece.left == 0)
		return 0;
	if (inspection->opaque)
		app->opaque_inner = true;
	if (inspection->raised)
		payload->pending = 0;
	if (inspection->first != NULL) {
		taken = tell(inspection, direction, piece);
	} else {
		taken = run(inspection, direction, piece);
		if (direction == DIRECTION_UP)
			note_first(app, piece);
	}
	if (taken < piece.left)
		app->confused = true;
	if (direction == DIRECTION_UP)
		inspection->unclear += taken;
	raise_pending(inspection, payload);
	if (payload->up[PAYLOAD_CREDENTIALS] + payload->down[PAYLOAD_CREDENTIALS] > 0)
		app->credentials = true;
	return taken;
}

void
inspection_careful(struct inspection *inspection, bool careful)
{
	payload_careful(inspection->seen.meter, careful);
}

bool
inspection_starts_tls(const struct inspection *inspection)
{
	return inspection->seen.tls == TLS_GRANTED;
}

void
inspection_tls_started(struct inspection *inspection, bool opened)
{
	struct observation *seen = &inspection->seen;

	assert(seen->tls == TLS_GRANTED);
	seen->tls = TLS_INSIDE;
	seen->opened = opened;
	if (opened)
		return;
	inspection->opaque = true;
	seen->next = &observer_raw;
}

void
inspection_end(struct inspection *inspection, enum direction direction, struct app_facts *app,
    struct payload_facts *payload)
{
	struct observation *seen = &inspection->seen;

	seen->app = app;
	seen->payload = payload;
	if (inspection->first != NULL) {
		const struct first_bytes *first = inspection->first;
		struct opening_told told = {.proto = APP_UNKNOWN, .asker = DIRECTION_UP};

		if (first->used[0] + first->used[1] == 0)
			return;
		settle(inspection, &told, (size_t[2]){first->used[0], first->used[1]});
	}
	if (direction == DIRECTION_UP && inspection->raised)
		payload->pending = 0;
	end_state(inspection, direction);
	payload_end(seen->meter, direction, payload);
}

void
inspection_close(struct inspection *inspection)
{
	if (inspection == NULL)
		return;
	drop_state(inspection);
	payload_free(inspection->seen.meter);
	free(inspection->first);
	free(inspection);
}
