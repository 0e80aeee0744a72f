/* SPDX-License-Identifier: MIT */
#include "inspect/watch.h"

#include "inspect/annexb.h"
#include "inspect/jpeg.h"
#include "inspect/mpegps.h"

#include <string.h>

enum {
	FOOTAGE_MAX = 64 << 20, /* bytes of a message: chance gives 2^-44 in these */
	IMAGE_MAX = 256 << 10,  /* bytes: a JPEG is sought by a byte that is in every picture */
	PICTURES_MAX = 4 << 20, /* bytes of one JPEG: behind that there is no next one */
	CODE_BEFORE = 8,  /* bytes before a start code that are looked at with it, so that it is
			   * nowhere at the front, where a SPS alone would do */
	CODE_LOOK = 1024, /* bytes behind it that are looked at */
	STOPS_SHARE = 32, /* of so many bytes one may be a stop */
	STOPS_FIRST = 4096,
	STOPS_OF_LOOK = 32, /* as which a look counts: it takes so much longer */
	SEAM = 5,           /* bytes: the end of a JPEG and the next one's beginning */
};

static void
keep_tail(struct watch *watch, struct bytes piece)
{
	size_t take = piece.left < WATCH_TAIL ? piece.left : WATCH_TAIL;
	size_t keep = WATCH_TAIL - take < watch->tail_used ? WATCH_TAIL - take : watch->tail_used;

	memmove(watch->tail, watch->tail + watch->tail_used - keep, keep);
	memcpy(watch->tail + keep, piece.at + piece.left - take, take);
	watch->tail_used = (uint8_t)(keep + take);
	watch->bytes += piece.left;
}

/* What lies across the cut before this piece. */
static struct bytes
join(const struct watch *watch, struct bytes piece, size_t tail, size_t head,
    uint8_t out[2 * WATCH_TAIL])
{
	if (tail > watch->tail_used)
		tail = watch->tail_used;
	if (head > piece.left)
		head = piece.left;
	memcpy(out, watch->tail + watch->tail_used - tail, tail);
	memcpy(out + tail, piece.at, head);
	return (struct bytes){out, tail + head};
}

/* ---- footage ---- */

bool
watch_wants_footage(const struct watch *watch)
{
	return watch->bytes < FOOTAGE_MAX;
}

/* Bytes that are made to cost pay with those behind them. */
static bool
may_stop(const struct watch *watch)
{
	return watch->stops <= STOPS_FIRST + watch->bytes / STOPS_SHARE;
}

/* Whether what stands behind a start code may begin a stream. */
static bool
may_begin(struct bytes code)
{
	uint8_t kind;

	if (!bytes_skip(&code, 3) || !bytes_u8(&code, &kind))
		return false;
	return kind == 0xba || kind == 0x40 || ((kind & 0x9f) == 7 && kind != 7);
}

static bool
find_code(struct watch *watch, struct bytes in, struct payload_finding *out, size_t *behind)
{
	static const uint8_t code[] = {0, 0, 1};
	const uint8_t *begin = in.at;

	for (; may_stop(watch) && bytes_seek(&in, code, sizeof(code)); (void)bytes_skip(&in, 1)) {
		struct bytes window;

		watch->stops++;
		if (in.at - begin < CODE_BEFORE || !may_begin(in))
			continue;
		window = (struct bytes){in.at - CODE_BEFORE, in.left + CODE_BEFORE};
		if (window.left > CODE_LOOK)
			window.left = CODE_LOOK;
		*behind = in.left;
		watch->stops += STOPS_OF_LOOK;
		if (annexb_find(window, out) == TOLD || mpegps_find(window, out) == TOLD)
			return true;
	}
	return false;
}

bool
watch_footage(struct watch *watch, struct bytes piece, struct payload_finding *out, size_t *behind)
{
	bool image = watch->bytes < IMAGE_MAX && !watch->codes_only, found;

	if (piece.left == 0 || !watch_wants_footage(watch))
		return false;
	found = find_code(watch, piece, out, behind);
	if (!found) {
		uint8_t both[2 * WATCH_TAIL];
		struct bytes cut = join(watch, piece, WATCH_TAIL, WATCH_TAIL, both);

		found =
		    find_code(watch, cut, out, behind) || (image && jpeg_find(piece, out) == TOLD);
		*behind = piece.left;
	}
	keep_tail(watch, piece);
	return found;
}

/* ---- pictures ---- */

bool
watch_wants_pictures(const struct watch *watch)
{
	return watch->bytes <= PICTURES_MAX;
}

/* in becomes what is behind the seam. */
static bool
take_seam(struct bytes *in)
{
	static const uint8_t seam[SEAM] = {0xff, 0xd9, 0xff, 0xd8, 0xff};

	return bytes_seek(in, seam, sizeof(seam)) && bytes_skip(in, sizeof(seam));
}

unsigned
watch_pictures(struct watch *watch, struct bytes piece)
{
	uint8_t both[2 * WATCH_TAIL];
	struct bytes cut = join(watch, piece, SEAM - 1, SEAM - 1, both), rest = piece;
	unsigned before = watch->pictures;

	if (piece.left == 0 || !watch_wants_pictures(watch))
		return watch->pictures;
	watch->pictures += take_seam(&cut);
	while (take_seam(&rest))
		watch->pictures++;
	keep_tail(watch, piece);
	if (watch->pictures != before)
		watch->bytes = 0;
	return watch->pictures;
}
