/* SPDX-License-Identifier: MIT */
#include "inspect/dtls.h"

enum {
	RECORD_FIRST = 20, /* change_cipher_spec; 22 is a handshake */
	RECORD_HANDSHAKE = 22,
	RECORD_LAST = 26, /* ack, RFC 9147 */
	RECORD_MAX = 16384 + 2048,
	SEQUENCE_BYTES = 6,
	FRAGMENT_NUMBERS = 3 + 2 + 3, /* length, sequence and offset of a fragment */
	VERSION_1_0 = 0xfeff,
	VERSION_1_2 = 0xfefd,
	MESSAGE_CLIENT_HELLO = 1,
};

struct record {
	uint8_t type;
	uint16_t version, epoch;
	struct bytes body;
};

static bool
take_record(struct bytes *in, struct record *record)
{
	struct bytes at = *in, sequence;

	if (!bytes_u8(&at, &record->type) || !bytes_u16(&at, &record->version) ||
	    !bytes_u16(&at, &record->epoch) || !bytes_take(&at, SEQUENCE_BYTES, &sequence) ||
	    !bytes_vec16(&at, &record->body) || record->type < RECORD_FIRST ||
	    record->type > RECORD_LAST ||
	    (record->version != VERSION_1_0 && record->version != VERSION_1_2) ||
	    record->body.left == 0 || record->body.left > RECORD_MAX)
		return false;
	*in = at;
	return true;
}

/* One fragment of a message, RFC 6347 section 4.2.2. */
static bool
take_fragment(struct dtls_reader *reader, struct bytes *in)
{
	uint8_t type;
	uint16_t sequence;
	uint32_t length, offset, count;
	struct bytes piece;

	if (!bytes_u8(in, &type) || !bytes_u24(in, &length) || !bytes_u16(in, &sequence) ||
	    !bytes_u24(in, &offset) || !bytes_u24(in, &count) || !bytes_take(in, count, &piece) ||
	    type != MESSAGE_CLIENT_HELLO || length > DTLS_HELLO_MAX)
		return false;
	if (!reader->begun) {
		reader->begun = true;
		reader->sequence = sequence;
		reader->length = length;
	}
	/* The next hello came before the first one was whole: that one counts. */
	if (sequence != reader->sequence) {
		pieces_clear(&reader->pieces);
		reader->sequence = sequence;
		reader->length = length;
	}
	return length == reader->length &&
	       pieces_add(&reader->pieces, offset, piece, length) == PIECES_TAKEN;
}

enum dtls_result
dtls_add(struct dtls_reader *reader, struct bytes datagram, struct bytes *hello)
{
	struct record record;
	unsigned records = 0, hellos = 0;

	while (take_record(&datagram, &record)) {
		records++;
		reader->version = record.version;
		if (record.type != RECORD_HANDSHAKE || record.epoch != 0)
			continue;
		hellos++;
		while (record.body.left > 0) {
			if (!take_fragment(reader, &record.body))
				return DTLS_BROKEN;
		}
		*hello = pieces_front(&reader->pieces);
		if (hello->left == reader->length)
			return DTLS_HELLO;
	}
	/* A length that goes beyond the datagram is nobody's record. */
	if (records == 0 || (hellos == 0 && datagram.left > 0))
		return DTLS_NOT;
	return reader->begun ? DTLS_MORE : DTLS_OTHER;
}

static bool
has_hello(struct bytes record)
{
	struct bytes numbers, piece;
	uint32_t count;
	uint8_t type;

	while (bytes_u8(&record, &type)) {
		if (type == MESSAGE_CLIENT_HELLO)
			return true;
		if (!bytes_take(&record, FRAGMENT_NUMBERS, &numbers) ||
		    !bytes_u24(&record, &count) || !bytes_take(&record, count, &piece))
			return false;
	}
	return false;
}

bool
dtls_has_hello(struct bytes datagram)
{
	struct record record;

	while (take_record(&datagram, &record)) {
		if (record.type == RECORD_HANDSHAKE && record.epoch == 0 && has_hello(record.body))
			return true;
	}
	return false;
}

void
dtls_clear(struct dtls_reader *reader)
{
	pieces_clear(&reader->pieces);
	*reader = (struct dtls_reader){0};
}
