/* SPDX-License-Identifier: MIT */
#include "inspect/message.h"

#include "inspect/content.h"
#include "inspect/entropy.h"
#include "inspect/finding.h"
#include "inspect/tally.h"
#include "inspect/text_kinds.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LOOK_FIRST = 64,    /* bytes of a front that are looked at before there are more */
	WINDOW_FIRST = 256, /* it grows fourfold, to PAYLOAD_WINDOW */
	GAP_FIRST = 12288,  /* bytes of the first piece that has one sample */
	GAP_LAST = 1 << 20,
	FILM_SURE = 2,  /* pictures behind the first; photographs may have one */
	SPACES_MAX = 8, /* bytes of a message that is nothing but line ends */
};

/* ---- what a hint says ---- */

static bool
begins_with(const char *text, const char *prefix)
{
	return text != NULL && strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static enum payload_class
declared_class(const struct payload_hint *hint)
{
	static const struct {
		const char *type;
		enum payload_class class;
	} types[] = {{"video/", PAYLOAD_VIDEO}, {"image/", PAYLOAD_IMAGE},
	    {"audio/", PAYLOAD_AUDIO}};
	static const struct {
		const char *suffix;
		enum payload_class class;
	} names[] = {{".mp4", PAYLOAD_VIDEO}, {".m4s", PAYLOAD_VIDEO}, {".h264", PAYLOAD_VIDEO},
	    {".264", PAYLOAD_VIDEO}, {".h265", PAYLOAD_VIDEO}, {".265", PAYLOAD_VIDEO},
	    {".ts", PAYLOAD_VIDEO}, {".mkv", PAYLOAD_VIDEO}, {".avi", PAYLOAD_VIDEO},
	    {".flv", PAYLOAD_VIDEO}, {".mov", PAYLOAD_VIDEO}, {".dav", PAYLOAD_VIDEO},
	    {".mjpeg", PAYLOAD_VIDEO}, {".jpg", PAYLOAD_IMAGE}, {".jpeg", PAYLOAD_IMAGE},
	    {".png", PAYLOAD_IMAGE}, {".webp", PAYLOAD_IMAGE}, {".aac", PAYLOAD_AUDIO},
	    {".wav", PAYLOAD_AUDIO}, {".mp3", PAYLOAD_AUDIO}, {".g711", PAYLOAD_AUDIO}};
	const char *ending;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (begins_with(hint->type, types[i].type))
			return types[i].class;
	}
	ending = hint->name == NULL ? NULL : strrchr(hint->name, '.');
	for (size_t i = 0; ending != NULL && i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(ending, names[i].suffix) == 0)
			return names[i].class;
	}
	return PAYLOAD_UNKNOWN;
}

void
message_begin(struct message *message, struct message_past *past, enum direction direction,
    const struct payload_hint *hint, uint64_t before, uint64_t random)
{
	*message = (struct message){.direction = direction,
	    .past = past,
	    .waiting = before,
	    .random = random,
	    .spared = habit_begin(&past->habit, hint)};
	message->watch.codes_only = message->spared;
	if (hint == NULL)
		return;
	message->declared = declared_class(hint);
	message->base64 = begins_with(hint->encoding, "base64");
	message->deflate = begins_with(hint->encoding, "permessage-deflate");
}

/* ---- samples ---- */

/* Marsaglia's xorshift: not for secrets, but nobody sees where a sample fell. */
static uint64_t
draw(struct message *message)
{
	uint64_t x = message->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	message->random = x;
	return x;
}

/* The next sample: somewhere in the next piece of the message. */
static void
plan_sample(struct message *message)
{
	uint64_t room, at;

	if (message->gap == 0)
		message->gap = GAP_FIRST;
	else if (message->gap < GAP_LAST)
		message->gap = message->gap * 2 < GAP_LAST ? message->gap * 2 : GAP_LAST;
	room = message->gap - PAYLOAD_SAMPLE;
	at = draw(message) % room;
	message->idle = message->tail + at;
	message->tail = room - at;
	message->sampling = true;
	message->used = 0;
}

/* Where those before this one planned it. */
static void
take_sample_over(struct message *message)
{
	const struct habit *habit = &message->past->habit;

	message->idle = habit->idle;
	message->gap = habit->gap;
	message->tail = habit->tail;
	message->sampling = true;
	message->used = 0;
}

static void
leave_sample(const struct message *message)
{
	struct habit *habit = &message->past->habit;

	habit->idle = (uint32_t)message->idle;
	habit->gap = (uint32_t)message->gap;
	habit->tail = (uint32_t)message->tail;
}

static void
let_go(struct message *message)
{
	free(message->window);
	message->window = NULL;
	message->window_bytes = 0;
	message->used = 0;
}

/* ---- telling ---- */

static bool
is_spaces(struct bytes in)
{
	uint8_t byte;

	if (in.left > SPACES_MAX)
		return false;
	while (bytes_u8(&in, &byte)) {
		if (byte != '\r' && byte != '\n' && byte != ' ')
			return false;
	}
	return true;
}

/* Video and the like by its sender's word, where the bytes say nothing: what is
 * as good as random may well be the middle of it. */
static void
prefer_declared(const struct message *message, struct payload_finding *finding)
{
	if (finding->class == PAYLOAD_OPAQUE && message->declared != PAYLOAD_UNKNOWN)
		finding_set(finding, message->declared, CONFIDENCE_PROBABLE, "declared");
	if (message->film && finding->class == PAYLOAD_IMAGE)
		finding_set(finding, PAYLOAD_VIDEO, finding->confidence, "mjpeg");
}

static void
become(struct message *message, const struct payload_finding *finding, struct payload_facts *facts)
{
	message->finding = *finding;
	tally_move(facts, message->direction, PAYLOAD_UNKNOWN, finding->class, message->waiting);
	message->waiting = 0;
	tally_saw(facts, message->direction, finding);
}

/* From here on it is something else. */
static void
change(struct message *message, const struct payload_finding *finding, size_t sample,
    struct payload_facts *facts)
{
	tally_move(facts, message->direction, message->finding.class, finding->class, sample);
	message->finding = *finding;
	habit_break(&message->past->habit);
	tally_saw(facts, message->direction, finding);
}

/* ---- between the samples ---- */

static bool
is_picture(const struct message *message)
{
	const char *format = message->finding.format;

	return strcmp(format, "jpeg") == 0 ||
	       (strcmp(format, "mjpeg") == 0 && !message->film &&
		   message->finding.confidence == CONFIDENCE_PROBABLE);
}

/* Footage that was identified: no sample makes it anything else. */
static bool
is_settled(const struct message *message)
{
	return message->sampling && message->finding.class == PAYLOAD_VIDEO &&
	       message->finding.confidence == CONFIDENCE_IDENTIFIED && !message->finding.text;
}

/* What is known to be something else does not become footage by its middle. */
static bool
may_be_footage(const struct message *message)
{
	return message->finding.class == PAYLOAD_OPAQUE || message->finding.text ||
	       (message->finding.confidence == CONFIDENCE_PROBABLE && !is_picture(message));
}

static bool
is_watched(const struct message *message)
{
	return is_picture(message)
		   ? watch_wants_pictures(&message->watch)
		   : may_be_footage(message) && watch_wants_footage(&message->watch);
}

static void
watch(struct message *message, struct bytes piece, struct payload_facts *facts)
{
	unsigned before = message->watch.pictures, pictures;
	struct payload_finding finding;
	size_t behind = 0;

	if (!is_watched(message))
		return;
	if (!is_picture(message)) {
		if (watch_footage(&message->watch, piece, &finding, &behind))
			change(message, &finding, behind, facts);
		return;
	}
	pictures = watch_pictures(&message->watch, piece);
	if (pictures == before)
		return;
	finding_set(&finding, PAYLOAD_VIDEO,
	    pictures >= FILM_SURE ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE, "mjpeg");
	change(message, &finding, 0, facts);
}

/* ---- looks ---- */

static void
spare_nothing(struct message *message)
{
	message->spared = message->watch.codes_only = false;
	message->looked = 0;
}

/* Look at the front; true when that tells it.  last: no more of it will come.  What
 * was looked at before, and nothing came since, is not looked at again. */
static bool
tell_front(struct message *message, struct bytes in, bool last, struct payload_finding *finding)
{
	struct content_look look = {.in = in,
	    .begins = true,
	    .base64 = message->base64,
	    .deflate = message->deflate};
	bool whole = message->spared && last && !habit_fits(&message->past->habit, in.left);

	if (whole)
		spare_nothing(message);
	if (message->looked < in.left) {
		message->looked = (uint32_t)in.left;
		look.glance = message->spared;
		last |= content_tell(&look, &message->seen) == TOLD;
	}
	*finding = message->seen;
	return last;
}

static bool
is_nothing(const struct payload_finding *finding)
{
	return finding->class == PAYLOAD_OPAQUE && finding->format[0] == '\0';
}

static void
settle_front(struct message *message, struct bytes in, struct payload_finding *finding,
    struct payload_facts *facts)
{
	struct habit *habit = &message->past->habit;

	facts->examined += in.left;
	if (is_nothing(finding))
		habit_add(habit, in.left, !message->spared);
	else
		habit_break(habit);
	prefer_declared(message, finding);
	become(message, finding, facts);
	if (is_picture(message))
		watch(message, in, facts);
	let_go(message);
	if (habit_is_formed(habit) && habit->gap > 0)
		take_sample_over(message);
	else
		plan_sample(message);
}

static bool
look_at_front(struct message *message, struct bytes in, bool last, struct payload_facts *facts)
{
	struct payload_finding finding;

	if (!tell_front(message, in, last, &finding))
		return false;
	settle_front(message, in, &finding, facts);
	return true;
}

/* All of a message that was short enough to wait for its end. */
static void
look_at_whole(struct message *message, struct bytes in, struct payload_facts *facts)
{
	struct message_past *past = message->past;
	struct payload_finding finding;

	(void)tell_front(message, in, true, &finding);
	if (finding.class == PAYLOAD_OPAQUE && in.left <= ROW_MESSAGE_MAX)
		(void)row_add(&past->row, in, message->spared, &finding);
	settle_front(message, in, &finding, facts);
}

/*
 * A sample changes what is known where it shows a graver class, or the same one
 * better, by its structure; and where it is no text and what it is a sample of
 * was.  A less grave one may well be a part of what is known: audio in a film, a
 * picture's thumbnail.
 */
static void
look_at_sample(struct message *message, struct bytes in, struct payload_facts *facts)
{
	struct content_look look = {.in = in, .base64 = message->base64};
	struct payload_finding finding;
	bool breaks = message->finding.text && !text_may_be(in), surer;

	facts->examined += in.left;
	(void)content_tell(&look, &finding);
	prefer_declared(message, &finding);
	surer = finding.class == message->finding.class &&
		finding.confidence > message->finding.confidence;
	/* Of one format the front, where its header is, knows better what is in it. */
	if (finding.confidence == CONFIDENCE_IDENTIFIED && !finding.text &&
	    (strcmp(finding.format, message->finding.format) != 0 ||
		message->finding.confidence != CONFIDENCE_IDENTIFIED))
		surer |= payload_gravity(finding.class) > payload_gravity(message->finding.class);
	if (breaks && finding.class == PAYLOAD_OPAQUE)
		finding.high_entropy = entropy_is_high(in);
	if (breaks || surer)
		change(message, &finding, in.left, facts);
	plan_sample(message);
}

/* ---- bytes ---- */

_Static_assert(WINDOW_FIRST * 16 == PAYLOAD_WINDOW, "a window grows to its full size");

/* A short message that waits for more, maybe for hours, has a short window. */
static bool
widen(struct message *message, size_t need)
{
	uint32_t bytes = message->window_bytes > 0 ? message->window_bytes : WINDOW_FIRST;
	uint8_t *window;

	if (message->window != NULL && need <= message->window_bytes)
		return true;
	while (bytes < need)
		bytes *= 4;
	window = realloc(message->window, bytes);
	if (window == NULL)
		return false;
	message->window = window;
	message->window_bytes = bytes;
	return true;
}

static bool
gather(struct message *message, struct bytes *piece, size_t limit)
{
	struct bytes taken;
	size_t room = limit - message->used;
	size_t count = piece->left < room ? piece->left : room;

	if (!widen(message, message->used + count))
		return false;
	(void)bytes_take(piece, count, &taken);
	memcpy(message->window + message->used, taken.at, taken.left);
	message->used += (uint32_t)taken.left;
	return true;
}

/* The front's next bytes.  Without memory nothing can wait: it is what it is by
 * what there is. */
static void
feed_front(struct message *message, struct bytes *piece, struct payload_facts *facts)
{
	size_t room = PAYLOAD_WINDOW - message->used;
	struct bytes head;

	(void)bytes_take(piece, piece->left < room ? piece->left : room, &head);
	message->waiting += head.left;
	tally_count(facts, message->direction, PAYLOAD_UNKNOWN, head.left);
	if (message->used == 0 && head.left >= LOOK_FIRST &&
	    look_at_front(message, head, head.left == PAYLOAD_WINDOW, facts))
		return;
	if (!gather(message, &(struct bytes){head.at, head.left}, PAYLOAD_WINDOW)) {
		(void)look_at_front(message, head, true, facts);
		return;
	}
	/* Twice as much as last time, so that a stream in small pieces costs twice
	 * the look that it needs at most. */
	if (message->used < LOOK_FIRST ||
	    (message->used < message->looked * 2 && message->used < PAYLOAD_WINDOW))
		return;
	(void)look_at_front(message, (struct bytes){message->window, message->used},
	    message->used == PAYLOAD_WINDOW, facts);
}

static void
feed_sample(struct message *message, struct bytes piece, struct payload_facts *facts)
{
	while (piece.left > 0) {
		struct bytes sample;

		if (message->idle >= piece.left) {
			message->idle -= piece.left;
			return;
		}
		(void)bytes_skip(&piece, message->idle);
		message->idle = 0;
		if (message->used == 0 && bytes_take(&piece, PAYLOAD_SAMPLE, &sample)) {
			look_at_sample(message, sample, facts);
			continue;
		}
		if (!gather(message, &piece, PAYLOAD_SAMPLE))
			return;
		if (message->used < PAYLOAD_SAMPLE)
			return;
		look_at_sample(message, (struct bytes){message->window, message->used}, facts);
		let_go(message);
	}
}

void
message_feed(struct message *message, struct bytes piece, struct payload_facts *facts)
{
	/* Somebody may have begun to decide by it while it goes on. */
	if (message->spared && message->past->habit.careful)
		spare_nothing(message);
	if (!message->sampling && piece.left > 0)
		feed_front(message, &piece, facts);
	if (!message->sampling || piece.left == 0)
		return;
	tally_count(facts, message->direction, message->finding.class, piece.left);
	habit_count(&message->past->habit, piece.left);
	if (is_settled(message))
		return;
	watch(message, piece, facts);
	feed_sample(message, piece, facts);
}

/* It was never seen, so it may be anything. */
static void
tell_unread(struct message *message, struct payload_facts *facts)
{
	struct payload_finding finding;

	finding_set(&finding, PAYLOAD_OPAQUE, CONFIDENCE_PROBABLE, "unread");
	become(message, &finding, facts);
}

void
message_skip(struct message *message, uint64_t count, struct payload_facts *facts)
{
	if (message->used > 0 && !message->sampling)
		(void)look_at_front(message, (struct bytes){message->window, message->used}, true,
		    facts);
	else if (!message->sampling)
		tell_unread(message, facts);
	tally_count(facts, message->direction, message->finding.class, count);
	if (is_settled(message))
		return;
	if (message->sampling && message->idle >= count) {
		message->idle -= count;
		return;
	}
	/* A sample was passed over: the next one. */
	let_go(message);
	message->tail = 0;
	plan_sample(message);
}

uint64_t
message_idle(const struct message *message)
{
	if (is_settled(message))
		return UINT64_MAX;
	return message->sampling && !is_watched(message) ? message->idle : 0;
}

void
message_end(struct message *message, struct payload_facts *facts)
{
	struct bytes there = {message->window, message->sampling ? 0 : message->used};
	struct payload_finding finding, *last = &message->past->last;

	if (message->waiting > 0 && is_spaces(there)) {
		finding_set(&finding, PAYLOAD_CONTROL, CONFIDENCE_PROBABLE, "");
		become(message, last->class == PAYLOAD_UNKNOWN ? &finding : last, facts);
	} else if (there.left > 0) {
		look_at_whole(message, there, facts);
	}
	if (message->waiting > 0)
		tell_unread(message, facts);
	if (message->finding.class != PAYLOAD_UNKNOWN)
		*last = message->finding;
	leave_sample(message);
	let_go(message);
}
