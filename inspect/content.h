/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_CONTENT_H
#define INSPECT_CONTENT_H

#include "base/bytes.h"
#include "inspect/finding.h"

#include <stdbool.h>

/* Some bytes of a message, to be told by themselves. */
struct content_look {
	struct bytes in; /* at most PAYLOAD_WINDOW bytes; more are not looked at */
	bool begins;     /* the message begins here; else they are from its middle */
	bool base64;     /* they are base64, by what was said of them */
	bool deflate;    /* ... compressed without a header (RFC 7692) */
	bool glance;     /* of what stands behind their front only some is sought */
};

/*
 * What the bytes are: asks the recognisers of all formats, and opens what wraps
 * others (base64, gzip, zlib, tar; at most three deep and CONTENT_LOOKS_MAX in
 * all, into at most CONTENT_ROOM bytes).
 *
 * Always writes a finding, PAYLOAD_OPAQUE at the worst.  TOLD: more bytes would
 * not change it.  TOLD_MAYBE: they might, so where more will come, wait for them.
 * Of no bytes the finding's class is PAYLOAD_UNKNOWN.  high_entropy is told only of
 * what begins.
 *
 * A glance tells of a message's beginning the same, but for what stands behind its
 * front: of that start codes of video, packs of MPEG and JPEGs are found, and not the
 * other formats.  It costs a tenth where nothing is found.
 */
enum { CONTENT_LOOKS_MAX = 12, CONTENT_ROOM = 16384, CONTENT_DEPTH_MAX = 3 };

enum told content_tell(const struct content_look *look, struct payload_finding *out);

#endif
