/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_LINES_H
#define INSPECT_LINES_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lines of text out of a stream that is cut anywhere.  All zero is a reader at
 * the beginning of a line.  Of a line its first LINES_HEAD bytes are given, its
 * length is counted; memory is taken while a line is half-read only.
 */
enum { LINES_HEAD = 1024 };

struct lines {
	uint8_t *head; /* owned; NULL: nothing is kept */
	size_t used;   /* bytes of head */
	size_t total;  /* bytes of the line that came so far */
	uint8_t last;  /* the last of these */
};

struct line {
	struct bytes text; /* without its end; true until the reader's next call */
	bool cut;          /* it was longer than text */
	bool crlf;         /* it ended in CR LF, else in LF alone */
};

/* Take from in up to the end of the line; false: in is used up, and the line has
 * not ended. */
bool lines_take(struct lines *lines, struct bytes *in, struct line *line);

/*
 * Before lines_take: whether what comes is no text.  Before a line's first blank or
 * colon, among its first LINES_WORD bytes, stands one that no protocol of lines has
 * there; what is before it was taken from in, and it is not.
 */
enum { LINES_WORD = 16 };
bool lines_break(const struct lines *lines, struct bytes *in);

/* The line that lines_take gave is no longer needed: give its memory back.
 * Leaves one that is half-read as it is. */
void lines_settle(struct lines *lines);

/* Forget a half-read line. */
void lines_clear(struct lines *lines);

#endif
