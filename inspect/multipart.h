/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MULTIPART_H
#define INSPECT_MULTIPART_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Takes a multipart message apart while it comes, cut anywhere: its parts, and
 * parts of parts up to MULTIPART_DEPTH_MAX deep.
 *
 * A part ends where a boundary stands alone on a line, and nowhere else: a
 * part's Content-Length is its sender's claim, and is not read.  What stands
 * before the first boundary and behind the last is given as a part of which
 * nothing was said, so that nothing passes unseen; so is everything where no
 * boundary comes.
 *
 * Source: RFC 2046 section 5.1; RFC 2045 section 5; RFC 5322 section 2.2.3 (folding);
 * RFC 7578.  Boundaries are taken with any number of hyphens before them: many
 * cameras name theirs with the hyphens already in it.
 */
enum {
	MULTIPART_DEPTH_MAX = 3,
	MULTIPART_BOUNDARY_MAX = 72, /* RFC 2046: 70 characters */
	MULTIPART_LINE_MAX = 512,    /* bytes of a header's line that are read */
	MULTIPART_VALUE_MAX = 160,
};

/* What a part's header says; strings are "" where it says nothing. */
struct multipart_header {
	char type[MULTIPART_VALUE_MAX];
	char encoding[32];
	char name[96]; /* of a file, else of the form's field */
};

struct multipart_piece {
	enum multipart_kind {
		MULTIPART_DATA,   /* bytes of the part that is open, of which the first `count`
				   * were given as FRAME before: they might have been a boundary */
		MULTIPART_FRAME,  /* `count` bytes of boundaries and headers */
		MULTIPART_BEGINS, /* what was open is over, and another part begins */
	} kind;
	struct bytes data; /* valid until the next call */
	uint64_t count;
};

struct multipart;

/* Whether a Content-Type is one of these: multipart, or a mail (message/rfc822),
 * whose own header comes first. */
bool multipart_is(const char *type);

/* NULL: no memory.  Some 1.5 KiB. */
struct multipart *multipart_open(const char *type);

/* Take the next piece from the front of in, which is not empty; takes 1 byte of
 * it at least, but for a BEGINS, which comes of what was taken before. */
void multipart_next(struct multipart *multipart, struct bytes *in, struct multipart_piece *piece);

/* Where no more comes: bytes that were given as FRAME because they might have
 * become a boundary, and are the open part's last ones. */
struct bytes multipart_rest(const struct multipart *multipart);

/* Of the part that began last. */
const struct multipart_header *multipart_header(const struct multipart *multipart);

/* Accepts NULL. */
void multipart_free(struct multipart *multipart);

#endif
