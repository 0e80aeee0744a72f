/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "certs/key_schedule.h"
#include "certs/late_messages.h"
#include "certs/lean.h"
#include "certs/record_key.h"

#include <stdlib.h>
#include <string.h>

/*
 * What a peer sends behind its handshake: a suite, then pieces of a length and a
 * type each, sealed as a peer would, or put between as they are (type 0); what is opened has
 * to be what was sealed.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 << 10 };

struct line {
	struct record_key out, in;
	struct late_messages late;
	uint8_t wire[ROOM];
	size_t used;
};

static void
put(struct line *line, uint8_t type, struct bytes piece)
{
	if (piece.left > sizeof(line->wire) - line->used ||
	    sizeof(line->wire) - line->used - piece.left < RECORD_SEAL_MAX)
		return;
	if (type == 0) {
		memcpy(line->wire + line->used, piece.at, piece.left);
		line->used += piece.left;
		return;
	}
	if (!record_key_seal(&line->out, (enum record_type)type, piece, line->wire + line->used))
		abort();
	line->used += piece.left + record_seal_bytes(line->out.suite);
}

static bool
hear(struct line *line, struct bytes said)
{
	while (said.left > 0) {
		size_t before = said.left;
		enum late late = late_messages_take(&line->late, &said);

		if (late >= LATE_UNEXPECTED)
			return false;
		if (said.left >= before || (late == LATE_MORE && said.left > 0))
			abort();
		if ((late == LATE_RENEW || late == LATE_RENEWED) && said.left > 0)
			abort();
	}
	return true;
}

static void
open_all(struct line *line)
{
	struct bytes in = {line->wire, line->used}, record;
	struct opened opened;
	size_t whole;

	while (record_size(line->in.suite, in, &whole) == RECORD_GOOD && whole > 0 &&
	       bytes_take(&in, whole, &record)) {
		enum record_suite suite = line->in.suite;
		uint8_t *own = line->wire + (record.at - line->wire) + record_lead_bytes(suite);

		if (record_key_open(&line->in, record, own, &opened) != RECORD_GOOD)
			return;
		if (opened.type == 0 || opened.size > record.left - record_seal_bytes(suite))
			abort();
		if (opened.type == RECORD_HANDSHAKE &&
		    !hear(line, (struct bytes){own, opened.size}))
			return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_open;
	static struct line line;
	struct bytes left = {data, size}, piece;
	uint8_t type, suite;

	if (!is_open && lean_open(NULL) != 0)
		abort();
	is_open = true;
	line = (struct line){.out.seals = true, .late.from_server = size % 2 == 0};
	if (bytes_u8(&left, &suite))
		line.in.suite = line.out.suite = suite % (RECORD_TLS12_CHACHA20_POLY1305 + 1);
	line.late.tls12 = record_suite_is_tls12(line.in.suite);
	while (bytes_u8(&left, &type) && bytes_vec16(&left, &piece)) {
		if (piece.left <= RECORD_PAYLOAD_MAX)
			put(&line, type, piece);
	}
	open_all(&line);
	record_key_clear(&line.out);
	record_key_clear(&line.in);
	return 0;
}
