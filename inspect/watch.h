/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_WATCH_H
#define INSPECT_WATCH_H

#include "base/bytes.h"
#include "inspect/finding.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Watches all bytes of one message go by, where samples would mostly miss what is
 * asked for.  Begins zeroed; pieces come in order, cut anywhere.
 */
enum { WATCH_TAIL = 48 /* bytes that are kept for what a cut goes through */ };

struct watch {
	uint64_t bytes;    /* that went by */
	uint64_t stops;    /* places that were looked at more closely */
	unsigned pictures; /* that followed another one at once */
	uint8_t tail[WATCH_TAIL];
	uint8_t tail_used;
	bool codes_only; /* its owner's word: no JPEG is sought */
};

/*
 * For a message that is none of what is sought, or not known: whether footage
 * begins in this piece, as where a protocol of its maker's own has said hello
 * first.  Parameter sets of H.264 or H.265, or a pack of MPEG, in the first 64
 * MiB; a JPEG in the first 256 KiB.  Writes what it is, and where it begins: so
 * many bytes before the piece's end.
 *
 * Costs some 0.05 ns a byte; where bytes are made to cost more than 15 ns, it goes
 * blind until as many came that are not.
 */
bool watch_footage(struct watch *watch, struct bytes piece, struct payload_finding *out,
    size_t *behind);

/* For a JPEG: how many others followed so far, each at once where the one before
 * ended.  Looks for 4 MiB behind the last one. */
unsigned watch_pictures(struct watch *watch, struct bytes piece);

/* Whether there is any use in showing more of a JPEG, or of another message. */
bool watch_wants_pictures(const struct watch *watch);
bool watch_wants_footage(const struct watch *watch);

#endif
