/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_WORDS_H
#define INSPECT_WORDS_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The names under which cameras' APIs send what they know of faces and number
 * plates, secrets and commands, and what text of any kind was seen to hold of
 * them.  The lists with their sources are in docs/payloads.md.
 */
enum {
	WORDS_ENCODED_MAX = 8,  /* strings of base64 that are kept for a closer look */
	WORDS_ENCODED_MIN = 64, /* characters: a shorter one holds no picture */
};

struct words_seen {
	unsigned known;       /* names of faces or plates that come with what they name */
	unsigned general;     /* names that others use for other things too */
	unsigned secrets;     /* names of secrets that come with one */
	unsigned commands;    /* what calls a function by its name */
	unsigned names;       /* of all kinds: keys, elements, parameters */
	size_t encoded_bytes; /* characters of base64, of all strings that are long enough */
	size_t encoded_count;
	struct bytes encoded[WORDS_ENCODED_MAX]; /* inside of the text that was scanned */
};

/* What stands behind a name. */
enum words_value {
	WORDS_TEXT = 0, /* a string, or the text of an element */
	WORDS_MANY,     /* an object, a list, an element with others in it */
	WORDS_PLAIN,    /* a number, true, false, null */
};

/*
 * Note a name with what stands behind it: value is the text of WORDS_TEXT, else
 * it is empty.  A name of faces that comes with a number or a switch tells of a
 * setting and not of a face; an empty secret, or one of stars, is none.
 */
void words_note(struct words_seen *seen, struct bytes name, enum words_value kind,
    struct bytes value);

#endif
