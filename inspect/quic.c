/* SPDX-License-Identifier: MIT */
#include "inspect/quic.h"

#include <openssl/err.h>
#include <string.h>

enum {
	LONG_HEADER = 0x80,
	FIXED_BIT = 0x40,
	TYPE_SHIFT = 4,
	TYPE_BITS = 3,
	TYPE_INITIAL = 0, /* of version 1; in version 2 all are one more, RFC 9369 section 3.2 */
	TYPE_RETRY = 3,
	HIDDEN_FLAGS = 0x0f, /* of a long header's first byte, what the mask hides */
	NUMBER_BYTES_MAX = 4,
	DATAGRAM_MAX = 65535,
	CLIENT_DATAGRAM_MIN = 1200, /* RFC 9000 section 14.1 */
};

enum frame {
	FRAME_PADDING = 0,
	FRAME_PING = 1,
	FRAME_ACK = 2,
	FRAME_ACK_ECN = 3,
	FRAME_CRYPTO = 6,
	FRAME_CLOSE = 0x1c,
};

enum {
	MESSAGE_CLIENT_HELLO = 1,
	MESSAGE_HEADER = 4,
};

/* ---- numbers ---- */

/* Its first two bits say how long it is, RFC 9000 section 16. */
static bool
read_varint(struct bytes *in, uint64_t *out)
{
	struct bytes at = *in, bytes;
	uint8_t first, byte;

	if (!bytes_u8(&at, &first) || !bytes_take(&at, (1U << (first >> 6)) - 1U, &bytes))
		return false;
	*out = first & 0x3f;
	while (bytes_u8(&bytes, &byte))
		*out = *out << 8 | byte;
	*in = at;
	return true;
}

/* Bytes with a varint before them that says how many. */
static bool
read_counted(struct bytes *in, struct bytes *out)
{
	struct bytes at = *in;
	uint64_t count;

	if (!read_varint(&at, &count) || count > at.left || !bytes_take(&at, (size_t)count, out))
		return false;
	*in = at;
	return true;
}

/* ---- frames ---- */

static bool
skip_varints(struct bytes *in, uint64_t count)
{
	uint64_t skipped;

	while (count-- > 0) {
		if (!read_varint(in, &skipped))
			return false;
	}
	return true;
}

/* RFC 9000 section 19.3. */
static bool
skip_ack(struct bytes *in, bool ecn)
{
	uint64_t ranges;

	return skip_varints(in, 2) && read_varint(in, &ranges) && skip_varints(in, 1) &&
	       ranges <= in->left && skip_varints(in, 2 * ranges) && skip_varints(in, ecn ? 3 : 0);
}

static bool
take_crypto(struct quic_reader *reader, struct bytes *in)
{
	uint64_t offset;
	struct bytes data;

	return read_varint(in, &offset) && read_counted(in, &data) &&
	       pieces_add(&reader->crypto, offset, data, QUIC_HELLO_MAX) == PIECES_TAKEN;
}

/* Most of a client's first datagrams is padding, RFC 9000 section 14.1. */
static void
skip_padding(struct bytes *in)
{
	static const uint8_t padding[64] = {FRAME_PADDING};

	while (bytes_match(in, padding, sizeof(padding)))
		;
}

/* What a client may send in an Initial packet, and no more: RFC 9000 section
 * 17.2.2. */
static bool
take_frames(struct quic_reader *reader, struct bytes in)
{
	uint64_t type;

	while (in.left > 0) {
		if (!read_varint(&in, &type))
			return false;
		switch (type) {
		case FRAME_PADDING:
			skip_padding(&in);
			break;
		case FRAME_PING:
			break;
		case FRAME_ACK:
		case FRAME_ACK_ECN:
			if (!skip_ack(&in, type == FRAME_ACK_ECN))
				return false;
			break;
		case FRAME_CRYPTO:
			if (!take_crypto(reader, &in))
				return false;
			break;
		case FRAME_CLOSE:
			return true;
		default:
			return false;
		}
	}
	return true;
}

/* ---- packets ---- */

struct packet {
	uint8_t flags;
	uint32_t version;
	struct bytes id;     /* the destination's */
	struct bytes middle; /* the header between flags and packet number */
	struct bytes body;   /* packet number and payload */
	bool initial;
};

/* Take a long header, and what is behind it where the version is known. */
static bool
take_header(struct bytes *in, struct packet *packet)
{
	struct bytes source, start;

	if (!bytes_u8(in, &packet->flags) || (packet->flags & LONG_HEADER) == 0)
		return false;
	start = *in;
	if (!bytes_u32(in, &packet->version) || !bytes_vec8(in, &packet->id) ||
	    !bytes_vec8(in, &source) || packet->id.left > QUIC_ID_MAX || source.left > QUIC_ID_MAX)
		return false;
	packet->middle = start;
	return true;
}

static bool
take_packet(struct bytes *in, struct packet *packet)
{
	unsigned type;
	struct bytes token;

	if (!take_header(in, packet) || !quic_version_known(packet->version) ||
	    (packet->flags & FIXED_BIT) == 0)
		return false;
	type = packet->flags >> TYPE_SHIFT & TYPE_BITS;
	if (packet->version == QUIC_V2)
		type = (type + TYPE_BITS) & TYPE_BITS;
	packet->initial = type == TYPE_INITIAL;
	if (type == TYPE_RETRY || (packet->initial && !read_counted(in, &token)) ||
	    !read_counted(in, &packet->body))
		return false;
	packet->middle.left = (size_t)(packet->body.at - packet->middle.at);
	return true;
}

static bool
open_packet(const struct quic_keys *keys, const struct packet *packet, struct bytes *opened)
{
	static uint8_t plain[DATAGRAM_MAX]; /* a worker opens one packet at a time */
	struct quic_sealed sealed = {.middle = packet->middle, .payload = packet->body};
	struct bytes behind = packet->body, sample, number;
	uint8_t mask[1 + NUMBER_BYTES_MAX];

	/* The sample stands where it would if the number had four bytes. */
	if (!bytes_take(&behind, NUMBER_BYTES_MAX, &number) ||
	    !bytes_take(&behind, QUIC_SAMPLE_BYTES, &sample) || !quic_keys_mask(keys, sample, mask))
		return false;
	sealed.flags = packet->flags ^ (mask[0] & HIDDEN_FLAGS);
	sealed.number_bytes = (uint8_t)((sealed.flags & 3) + 1);
	if (!bytes_take(&sealed.payload, sealed.number_bytes, &number))
		return false;
	for (unsigned i = 0; i < sealed.number_bytes; i++)
		sealed.number[i] = number.at[i] ^ mask[1 + i];
	return quic_keys_open(keys, &sealed, plain, opened);
}

static bool
try_open(struct quic_reader *reader, const struct quic_keys *keys, const struct packet *packet,
    struct bytes *opened)
{
	bool good;

	if (reader->tries == QUIC_TRIES_MAX)
		return false;
	reader->tries++;
	good = open_packet(keys, packet, opened);
	if (!good)
		ERR_clear_error();
	return good;
}

/* The keys are those of the first packet's id, until a Retry gave another one.
 * A packet that nobody can open settles no keys: its receiver drops it too. */
static bool
open_initial(struct quic_reader *reader, const struct packet *packet, struct bytes *opened)
{
	struct quic_keys keys;

	if (reader->has_keys && try_open(reader, &reader->keys, packet, opened))
		return true;
	if (!quic_keys_make(packet->version, packet->id, &keys) ||
	    !try_open(reader, &keys, packet, opened))
		return false;
	reader->keys = keys;
	reader->has_keys = true;
	return true;
}

/* ---- datagrams ---- */

/* Versions of other drafts, of other makers, and those that are sent to be
 * refused (RFC 9000 section 15): in a first datagram of the size that all must
 * have. */
static bool
is_other_version(struct bytes datagram, uint32_t *version)
{
	struct packet packet = {0};
	size_t size = datagram.left;

	if (!take_header(&datagram, &packet) || size < CLIENT_DATAGRAM_MIN)
		return false;
	if (packet.version >> 8 != 0xff0000 &&             /* IETF drafts */
	    (packet.version & 0x0f0f0f0f) != 0x0a0a0a0a && /* greasing */
	    packet.version >> 8 != 0xfaceb0 &&             /* mvfst */
	    packet.version >> 20 != 0x513 &&               /* "Q0": Google's */
	    packet.version >> 20 != 0x543)                 /* "T0" */
		return false;
	*version = packet.version;
	return true;
}

/* The hello, once it is there from its first to its last byte. */
static enum quic_result
look_at_hello(const struct quic_reader *reader, struct bytes *hello)
{
	struct bytes front = pieces_front(&reader->crypto);
	uint8_t type;
	uint32_t length;

	if (!bytes_u8(&front, &type))
		return QUIC_MORE;
	if (type != MESSAGE_CLIENT_HELLO)
		return QUIC_BROKEN;
	if (!bytes_u24(&front, &length))
		return QUIC_MORE;
	if (length > QUIC_HELLO_MAX - MESSAGE_HEADER)
		return QUIC_BROKEN;
	return bytes_take(&front, length, hello) ? QUIC_HELLO : QUIC_MORE;
}

enum quic_result
quic_add(struct quic_reader *reader, struct bytes datagram, struct bytes *hello)
{
	struct bytes in = datagram, opened;
	struct packet packet = {0};
	unsigned packets = 0;

	while (take_packet(&in, &packet)) {
		packets++;
		reader->version = packet.version;
		if (!packet.initial || !open_initial(reader, &packet, &opened))
			continue;
		if (!take_frames(reader, opened))
			return QUIC_BROKEN;
	}
	if (packets == 0)
		return is_other_version(datagram, &reader->version) ? QUIC_OTHER : QUIC_NOT;
	if (reader->tries == QUIC_TRIES_MAX && look_at_hello(reader, hello) == QUIC_MORE)
		return QUIC_BROKEN;
	return look_at_hello(reader, hello);
}

bool
quic_is_costly(struct bytes datagram)
{
	struct packet packet = {0};
	uint8_t next;

	return take_packet(&datagram, &packet) &&
	       (packet.initial || (bytes_u8(&datagram, &next) && (next & LONG_HEADER) != 0));
}

void
quic_clear(struct quic_reader *reader)
{
	pieces_clear(&reader->crypto);
	*reader = (struct quic_reader){0};
}
