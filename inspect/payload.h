/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_PAYLOAD_H
#define INSPECT_PAYLOAD_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A meter of what one connection carries: of what class its payload is, by the
 * payload's own structure, and how many bytes of each class went each way.
 *
 * Payload comes in messages, one at a time and direction: an HTTP body, what an
 * MQTT PUBLISH carries, a frame interleaved in RTSP, a raw stream.  Of each
 * message its first PAYLOAD_WINDOW bytes are looked at, then one sample of
 * PAYLOAD_SAMPLE bytes in each piece of it; the pieces grow from 12 KiB to 1 MiB,
 * and where in its piece a sample lies cannot be foreseen.  A multipart message
 * is taken apart, and each of its parts is a message of its own; base64, gzip
 * and zlib are undone for what is looked at.
 *
 * What was told of a message holds for its bytes until a sample shows something
 * else by its structure; from there on that is counted.
 *
 * Bounds: a meter has at most 1 KiB, some more for a direction that is multipart,
 * PAYLOAD_WINDOW bytes for one in which something waits for more bytes, and 1.6 KiB for
 * one that has short messages of which nothing is known.  Feeding costs no
 * allocation beside that, but a decoder's for the length of a call where
 * something is compressed.
 *
 * On what each answer rests, and how often chance would give it: docs/payloads.md.
 */
struct payload_meter;

enum {
	PAYLOAD_WINDOW = 4096,
	PAYLOAD_SAMPLE = 1024,
};

enum payload_framing {
	PAYLOAD_BARE = 0, /* a message is what is fed from its begin to its end */
	PAYLOAD_RTP,      /* a message is one packet of RTP or RTCP (RFC 3550) */
};

/*
 * What the protocol around a message says of it.  Where the bytes tell something
 * they decide; where they tell nothing, what a camera itself calls video is
 * probably that, and no hint makes anything identified.  All strings are borrowed
 * for the call, NULL or "" where nothing was said.
 */
struct payload_hint {
	const char *type;     /* Content-Type with its parameters; "message/rfc822" for mail,
			       * whose header is then the message's beginning */
	const char *encoding; /* Content-Encoding or Content-Transfer-Encoding; of a WebSocket's
			       * compressed message "permessage-deflate" */
	const char *name;     /* file name, path or topic */
	const char *codec;    /* of PAYLOAD_RTP: as SDP's rtpmap names it: "H264", "PCMU" */
	enum payload_framing framing;
};

/* What is known of some bytes. */
struct payload_finding {
	enum payload_class class;
	enum confidence confidence;
	bool high_entropy; /* of PAYLOAD_OPAQUE */
	bool text;         /* the bytes are text as they stand: what follows must be text too */
	char format[24];
};

/* seed: where samples fall depends on it; 0 takes one that nobody can foresee.
 * NULL: no memory, so nothing can be told of this connection. */
struct payload_meter *payload_open(uint64_t seed);

/*
 * Whether somebody decides by what is told, so that every message is looked at
 * whole.  Where nobody does, as at first, messages in a row that are alike and
 * that tell nothing are spared a part of it (inspect/habit.h).
 */
void payload_careful(struct payload_meter *meter, bool careful);

/*
 * A message begins; one that was still open in this direction ends before it.
 * facts->pending is at least 1 from here on until the message is told or over: what
 * was announced waits as well as what came of it.
 * hint: may be NULL.  facts: the connection's, zeroed by the caller before the
 * first call, the same at each call; true after each of them.
 */
void payload_begin(struct payload_meter *meter, enum direction direction,
    const struct payload_hint *hint, struct payload_facts *facts);

/* The message's next bytes, cut anywhere, empty ones too.  Outside of a message
 * they begin one of which nothing was said. */
void payload_feed(struct payload_meter *meter, enum direction direction, struct bytes piece,
    struct payload_facts *facts);

/*
 * The message's next count bytes, which nobody looks at: they count as what the
 * message is so far, as PAYLOAD_OPAQUE where nothing of it was seen.  Of more
 * bytes than payload_idle says this costs what a look could have told.
 */
void payload_skip(struct payload_meter *meter, enum direction direction, uint64_t count,
    struct payload_facts *facts);

/* How many of the next bytes the meter has no wish to see; 0: it wants the next. */
uint64_t payload_idle(const struct payload_meter *meter, enum direction direction);

/* The message is over, in order or not: whatever waited is told by what there is. */
void payload_end(struct payload_meter *meter, enum direction direction,
    struct payload_facts *facts);

/*
 * count bytes were told by somebody else (a protocol's own commands: control; an
 * Authorization header: credentials), outside of any message.  count may be 0:
 * then it was seen, and its bytes are counted elsewhere.
 */
void payload_note(enum direction direction, const struct payload_finding *finding, uint64_t count,
    struct payload_facts *facts);

/* Accepts NULL.  A message that is open must have been ended, or what waited
 * stays counted as PAYLOAD_UNKNOWN. */
void payload_free(struct payload_meter *meter);

/*
 * Which class tells the most of a connection, where it carried several: the
 * higher, the graver.  Footage before everything, then what is known of people,
 * then secrets, then what could be anything of these.
 */
int payload_gravity(enum payload_class class);

#endif
