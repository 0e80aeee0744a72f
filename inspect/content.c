/* SPDX-License-Identifier: MIT */
#include "inspect/content.h"

#include "inspect/annexb.h"
#include "inspect/audio.h"
#include "inspect/base64.h"
#include "inspect/containers.h"
#include "inspect/entropy.h"
#include "inspect/firmware.h"
#include "inspect/images.h"
#include "inspect/jpeg.h"
#include "inspect/mkv.h"
#include "inspect/mp4.h"
#include "inspect/mpegps.h"
#include "inspect/mpegts.h"
#include "inspect/rtp_frames.h"
#include "inspect/sealed.h"
#include "inspect/text_kinds.h"

#include <stdlib.h>
#include <string.h>

enum {
	BASE64_MIN = 64,      /* characters: less is a word */
	GLANCE_ENTROPY = 128, /* bytes: of these chance gives the wrong answer once in 10^7 */
	ENCODED_MUCH = 1024,  /* characters of base64 in a text that make it opaque, where they
			       * are most of it and what they hold is not known */
};

/* What is to be looked at; by a list and not by calls into calls. */
struct job {
	struct bytes in;
	unsigned depth;
	bool begins, base64, deflate, glance;
	bool strings; /* found in a text, of which it is `much` or little */
	bool much;
};

struct work {
	struct job jobs[CONTENT_LOOKS_MAX];
	size_t count;
	uint8_t *room; /* CONTENT_ROOM bytes, made when they are needed first */
	size_t used;
};

typedef enum told recogniser(struct bytes in, struct payload_finding *out);

/* Each looks at the front alone. */
static recogniser *const at_front[] = {jpeg_tell, mp4_tell, mpegts_tell, mkv_tell, flv_tell,
    riff_tell, dhav_tell, asf_tell, images_tell, audio_tell, firmware_tell};

/* Each looks everywhere: for what stands behind a header of its own, and for the
 * middle of a stream.  A container comes before what it may contain. */
static recogniser *const anywhere[] = {mpegps_find, mpegts_find, mp4_find, mkv_find, dhav_find,
    annexb_find, jpeg_find, ogg_find, adts_find, rtp_frames_find};

/* Of these the ones that a glance asks: where there is a start code, and anyway. */
static recogniser *const with_codes[] = {mpegps_find, annexb_find, jpeg_find};
static recogniser *const without_codes[] = {jpeg_find};

static enum told
ask(recogniser *const *list, size_t count, struct bytes in, struct payload_finding *out)
{
	struct payload_finding best = {0}, finding;
	enum told told = TOLD_NO;

	for (size_t i = 0; i < count; i++) {
		enum told answer = list[i](in, &finding);

		if (answer == TOLD_NO || finding.confidence <= best.confidence)
			continue;
		best = finding;
		told = answer;
		if (finding.confidence == CONFIDENCE_IDENTIFIED)
			break;
	}
	if (told != TOLD_NO)
		*out = best;
	return told;
}

/* What a file begins with, by which it is sought behind a hello of its sender's. */
static const struct {
	const char *bytes;
	size_t before; /* bytes of the file before these */
	recogniser *tell;
} marks[] = {{"ftyp", 4, mp4_tell}, {"\x1a\x45\xdf\xa3", 0, mkv_tell}, {"FLV\x01", 0, flv_tell},
    {"RIFF", 0, riff_tell}, {"\x89PNG", 0, images_tell}};

enum { MARK_BYTES = 4, PLACES_MAX = 8 /* that are looked at for each */ };

static enum told
ask_behind(struct bytes in, struct payload_finding *out)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t before = marks[i].before;
		struct bytes rest = in;

		(void)bytes_skip(&rest, before);
		for (int place = 0; place < PLACES_MAX; place++) {
			struct bytes file;
			enum told told;

			if (!bytes_seek(&rest, marks[i].bytes, MARK_BYTES))
				break;
			file = (struct bytes){rest.at - before, rest.left + before};
			told = marks[i].tell(file, out);
			if (told != TOLD_NO && out->confidence == CONFIDENCE_IDENTIFIED)
				return told;
			(void)bytes_skip(&rest, 1);
		}
	}
	return TOLD_NO;
}

/* ---- what wraps others ---- */

static bool
has_room(struct work *work, unsigned depth)
{
	if (work->count == CONTENT_LOOKS_MAX || depth >= CONTENT_DEPTH_MAX ||
	    work->used == CONTENT_ROOM)
		return false;
	if (work->room == NULL)
		work->room = malloc(CONTENT_ROOM);
	return work->room != NULL;
}

/* The bytes that were put at the room's end are a job of their own. */
static void
add_job(struct work *work, size_t bytes, struct job job)
{
	if (bytes == 0)
		return;
	job.in = (struct bytes){work->room + work->used, bytes};
	work->used += bytes;
	work->jobs[work->count++] = job;
}

static size_t
room_left(const struct work *work)
{
	size_t left = CONTENT_ROOM - work->used;

	return left < PAYLOAD_WINDOW ? left : PAYLOAD_WINDOW;
}

static void
open_base64(struct work *work, struct bytes in, struct job job)
{
	if (has_room(work, job.depth - 1))
		add_job(work, base64_decode(in, work->room + work->used, room_left(work)), job);
}

static void
open_sealed(struct work *work, const struct job *job)
{
	bool ends;

	if (!has_room(work, job->depth))
		return;
	add_job(work, sealed_inflate(job->in, work->room + work->used, room_left(work), &ends),
	    (struct job){.depth = job->depth + 1, .begins = true});
}

static void
open_deflated(struct work *work, const struct job *job)
{
	if (has_room(work, job->depth))
		add_job(work,
		    sealed_inflate_bare(job->in, work->room + work->used, room_left(work)),
		    (struct job){.depth = job->depth + 1, .begins = true});
}

static void
open_tar(struct work *work, const struct job *job)
{
	struct bytes in = job->in;

	if (work->count < CONTENT_LOOKS_MAX && job->depth < CONTENT_DEPTH_MAX &&
	    firmware_open_tar(&in) && in.left > 0)
		work->jobs[work->count++] =
		    (struct job){.in = in, .depth = job->depth + 1, .begins = true};
}

static void
open_strings(struct work *work, const struct job *job, const struct words_seen *seen)
{
	bool much = seen->encoded_bytes >= ENCODED_MUCH && seen->encoded_bytes >= job->in.left / 2;

	for (size_t i = 0; i < seen->encoded_count; i++)
		open_base64(work, seen->encoded[i],
		    (struct job){.depth = job->depth + 1,
			.begins = true,
			.strings = true,
			.much = much});
}

/* ---- one job ---- */

static void
tell_opaque(const struct job *job, const char *format, struct payload_finding *out)
{
	if (job->in.left == 0) {
		(void)finding_open(out);
		return;
	}
	finding_set(out, PAYLOAD_OPAQUE, CONFIDENCE_PROBABLE, format);
	if (job->glance && job->in.left > GLANCE_ENTROPY)
		out->high_entropy =
		    job->begins && entropy_is_high((struct bytes){job->in.at, GLANCE_ENTROPY});
	else
		out->high_entropy = job->begins && entropy_is_high(job->in);
}

/* Text, or what is neither known nor text; at a message's beginning only, but
 * for whether it is text at all. */
static enum told
tell_rest(struct work *work, const struct job *job, struct payload_finding *out)
{
	struct words_seen seen;
	bool encoded = (job->base64 || job->in.left >= BASE64_MIN) && base64_is(job->in);

	if (job->begins && sealed_tell(job->in, out) != TOLD_NO) {
		out->high_entropy = entropy_is_high(job->in);
		open_sealed(work, job);
		return TOLD_MAYBE;
	}
	if (encoded) {
		tell_opaque(job, "base64", out);
		out->text = true;
		open_base64(work, job->in,
		    (struct job){.depth = job->depth + 1, .begins = job->begins});
		return TOLD_MAYBE;
	}
	if (text_tell(job->in, out, &seen) != TOLD_NO) {
		open_strings(work, job, &seen);
		return TOLD_MAYBE;
	}
	tell_opaque(job, "", out);
	return TOLD_MAYBE;
}

static enum told
glance(struct bytes in, struct payload_finding *out)
{
	static const uint8_t code[] = {0, 0, 1};
	struct bytes rest = in;

	if (bytes_seek(&rest, code, sizeof(code)))
		return ask(with_codes, sizeof(with_codes) / sizeof(*with_codes), in, out);
	return ask(without_codes, sizeof(without_codes) / sizeof(*without_codes), in, out);
}

static enum told
ask_anywhere(const struct job *job, struct payload_finding *out)
{
	/* What stands somewhere in its bytes has some that no text has. */
	if (text_may_be(job->in))
		return TOLD_NO;
	if (job->glance)
		return glance(job->in, out);
	return ask(anywhere, sizeof(anywhere) / sizeof(*anywhere), job->in, out);
}

static enum told
tell_job(struct work *work, const struct job *job, struct payload_finding *out)
{
	struct payload_finding found;
	enum told told = TOLD_NO, elsewhere;

	if (job->begins && job->deflate) {
		tell_opaque(job, "deflate", out);
		open_deflated(work, job);
		return TOLD_MAYBE;
	}
	if (job->begins)
		told = ask(at_front, sizeof(at_front) / sizeof(*at_front), job->in, out);
	if (told != TOLD_NO && out->confidence == CONFIDENCE_IDENTIFIED)
		return told;
	elsewhere = ask_anywhere(job, &found);
	if (elsewhere != TOLD_NO && (told == TOLD_NO || found.confidence > out->confidence)) {
		*out = found;
		told = elsewhere;
	}
	if (told == TOLD_NO && job->begins && !job->glance && !text_may_be(job->in))
		told = ask_behind(job->in, out);
	if (told == TOLD_NO || out->class == PAYLOAD_UNKNOWN)
		return tell_rest(work, job, out);
	if (out->class == PAYLOAD_FIRMWARE)
		open_tar(work, job);
	return told;
}

/* ---- all of them ---- */

/* Whether what was found inside says more than what it was found in: anything
 * does where that was a wrapper, and the graver where it was a text. */
static bool
says_more(const struct payload_finding *inner, const struct job *job,
    const struct payload_finding *outer)
{
	if (inner->class == PAYLOAD_UNKNOWN)
		return false;
	if (job->strings && inner->class == PAYLOAD_OPAQUE)
		return job->much && inner->high_entropy &&
		       payload_gravity(outer->class) < payload_gravity(PAYLOAD_OPAQUE);
	if (inner->class == PAYLOAD_OPAQUE)
		return false;
	if (outer->class == PAYLOAD_OPAQUE)
		return true;
	/* What was printable by chance says nothing. */
	if (inner->confidence < outer->confidence && inner->text)
		return false;
	return payload_gravity(inner->class) > payload_gravity(outer->class);
}

enum told
content_tell(const struct content_look *look, struct payload_finding *out)
{
	struct work work = {.count = 1};
	struct payload_finding finding;
	enum told told = TOLD_MAYBE;

	work.jobs[0] = (struct job){.in = look->in,
	    .begins = look->begins,
	    .base64 = look->base64,
	    .deflate = look->deflate,
	    .glance = look->glance};
	if (work.jobs[0].in.left > PAYLOAD_WINDOW)
		work.jobs[0].in.left = PAYLOAD_WINDOW;
	for (size_t i = 0; i < work.count; i++) {
		struct job job = work.jobs[i];
		enum told answer = tell_job(&work, &job, &finding);

		if (i > 0 && !says_more(&finding, &job, out))
			continue;
		/* Text remains text for what follows it, whatever it wraps. */
		finding.text = i == 0 ? finding.text : out->text;
		*out = finding;
		told = answer;
	}
	free(work.room);
	return told;
}
