/* SPDX-License-Identifier: MIT */
#include "proxy/records.h"

#include "proxy/leg_private.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* Seven full records a recv(2), and as many a send(2), LEG_OUT_HIGH: each is an
	 * acknowledgement, and another process that is woken (docs/performance.md). */
	RECEIVE_BYTES = 120 << 10,
	BLANKS_MAX = 64, /* OpenSSL takes 32 empty ones, 5 warnings */
	KEY_UPDATE_BYTES = 5,
	/* RFC 8446 section 6. */
	WARNING = 1,
	FATAL = 2,
	CLOSE_NOTIFY = 0,
	USER_CANCELED = 90,
	NO_RENEGOTIATION = 100,
};

struct records *
records_new(void)
{
	return calloc(1, sizeof(struct records));
}

/* Nothing of the buffer is needed any more. */
static void
give_buffer(struct records *records, struct pool *pool)
{
	if (records->packed > 0)
		free(records->at);
	else
		pool_give(pool, records->at);
	records->packed = 0;
	records->at = NULL;
	records->start = records->end = 0;
}

void
records_free(struct records *records, struct pool *pool)
{
	if (records == NULL)
		return;
	record_key_clear(&records->in);
	record_key_clear(&records->out);
	give_buffer(records, pool);
	free(records);
}

static bool
is_tls12(const struct records *records)
{
	return record_suite_is_tls12(records->in.suite);
}

/* ---- out ---- */

static bool
seal(struct leg *leg, enum record_type type, const uint8_t *from, size_t count)
{
	struct record_key *key = &leg->records->out;
	size_t whole = count + record_seal_bytes(key->suite);
	uint8_t *at = leg_room(leg, whole);

	if (at == NULL || !record_key_seal(key, type, (struct bytes){from, count}, at))
		return false;
	leg->out_end += whole;
	return true;
}

static bool
renew(struct leg *leg)
{
	static const uint8_t key_update[KEY_UPDATE_BYTES] = {24, 0, 0, 1,
	    0}; /* update_not_requested */

	leg->records->owes = false;
	return seal(leg, RECORD_HANDSHAKE, key_update, sizeof(key_update)) &&
	       record_key_renew(&leg->records->out);
}

enum leg_io
records_write(struct leg *leg, const uint8_t *from, size_t count)
{
	struct records *records = leg->records;
	bool worn = records->out.sequence >= RECORD_KEY_RECORDS_MAX && !is_tls12(records);
	bool due = records->owes || worn;

	if (leg_room(leg, count + KEY_UPDATE_BYTES + 2 * (size_t)RECORD_SEAL_MAX) == NULL)
		return LEG_WAIT;
	if ((due && !renew(leg)) || !seal(leg, RECORD_DATA, from, count)) {
		leg->end = LEG_ALERT;
		return LEG_ENDED;
	}
	records->wrote += count;
	return LEG_DONE;
}

static void
say_alert(struct leg *leg, uint8_t level, uint8_t alert)
{
	const uint8_t message[] = {level, alert};

	/* Where there is no room the FIN or reset behind it says enough. */
	(void)seal(leg, RECORD_ALERT, message, sizeof(message));
}

void
records_close(struct leg *leg)
{
	say_alert(leg, WARNING, CLOSE_NOTIFY);
}

/* ---- in: what is no payload ---- */

static enum leg_io
end_by(struct leg *leg, enum leg_end end)
{
	leg->end = end;
	return LEG_ENDED;
}

static enum leg_io
refuse(struct leg *leg, enum record_alert alert)
{
	if (!leg->end_queued)
		say_alert(leg, FATAL, (uint8_t)alert);
	return end_by(leg, LEG_ALERT);
}

/* A record that says nothing is good now and then, and not without end. */
static enum leg_io
note_blank(struct leg *leg)
{
	return ++leg->records->blanks > BLANKS_MAX ? end_by(leg, LEG_FLOOD) : LEG_DONE;
}

/* TLS 1.2: whoever wants to negotiate anew is told that we do not (RFC 5246 section
 * 7.2.2), now and then. */
static enum leg_io
decline_renegotiation(struct leg *leg)
{
	leg->renegotiates = true;
	leg->messages++;
	if (leg_is_flooded(leg))
		return end_by(leg, LEG_FLOOD);
	if (!leg->end_queued)
		say_alert(leg, WARNING, NO_RENEGOTIATION);
	return note_blank(leg);
}

static enum leg_io
hear_message(struct leg *leg, enum late late)
{
	struct records *records = leg->records;

	switch (late) {
	case LATE_MORE:
		return note_blank(leg);
	case LATE_UNEXPECTED:
		return refuse(leg, RECORD_UNEXPECTED);
	case LATE_ILLEGAL:
		return refuse(leg, RECORD_ILLEGAL);
	case LATE_UNDECODABLE:
		return refuse(leg, RECORD_UNDECODABLE);
	case LATE_HELLO:
		return decline_renegotiation(leg);
	case LATE_TICKET:
		break;
	case LATE_RENEW:
	case LATE_RENEWED:
		if (!record_key_renew(&records->in))
			return refuse(leg, RECORD_INTERNAL);
		records->owes = records->owes || late == LATE_RENEW;
		break;
	}
	leg->messages++;
	return leg_is_flooded(leg) ? end_by(leg, LEG_FLOOD) : LEG_DONE;
}

static enum leg_io
hear_handshake(struct leg *leg, struct bytes said)
{
	enum leg_io io = LEG_DONE;

	if (said.left == 0)
		return refuse(leg, RECORD_UNEXPECTED);
	while (io == LEG_DONE && said.left > 0)
		io = hear_message(leg, late_messages_take(&leg->records->late, &said));
	return io;
}

/* Of TLS 1.3 all but these two are fatal, whatever their level (RFC 8446 section 6). */
static enum leg_io
hear_alert(struct leg *leg, struct bytes said)
{
	uint8_t level, alert;

	if (said.left == 0) /* it is never empty (RFC 8446 section 5.4) */
		return refuse(leg, RECORD_UNEXPECTED);
	if (!bytes_u8(&said, &level) || !bytes_u8(&said, &alert) || said.left > 0)
		return refuse(leg, RECORD_UNDECODABLE);
	if (is_tls12(leg->records) && level != WARNING && level != FATAL)
		return refuse(leg, RECORD_ILLEGAL);
	if (alert == CLOSE_NOTIFY)
		return end_by(leg, LEG_CLOSED);
	if (is_tls12(leg->records) ? level == WARNING : alert == USER_CANCELED)
		return note_blank(leg);
	leg->alert = alert;
	return end_by(leg, LEG_ALERT);
}

/* ---- in: records ---- */

static struct bytes
unopened(const struct records *records)
{
	if (records->at == NULL)
		return (struct bytes){NULL, 0};
	return (struct bytes){records->at + records->start, records->end - records->start};
}

/* Hold size bytes, or as many as were not opened yet, and no buffer of the pool's;
 * false: no memory, and nothing has changed. */
static bool
pack(struct records *records, struct pool *pool, size_t size)
{
	struct bytes piece = unopened(records);
	size_t room = size > piece.left ? size : piece.left;
	uint8_t *to;

	if (piece.left == 0 || records->plain_left > 0 ||
	    (records->packed == room && records->start == 0))
		return true;
	to = malloc(room);
	if (to == NULL)
		return false;
	memcpy(to, piece.at, piece.left);
	give_buffer(records, pool);
	records->at = to;
	records->end = (uint32_t)piece.left;
	records->packed = (uint32_t)room;
	return true;
}

/* The bytes of the record that a piece is there of, as far as they are known. */
static size_t
size_of_piece(const struct records *records)
{
	size_t whole;

	(void)record_size(records->in.suite, unopened(records), &whole);
	return whole > 0 ? whole : RECORD_HEADER_BYTES;
}

/*
 * A peer had its turn, and all it brought is a piece of a record: the rest comes in
 * pieces too.  So each of a thousand slow cameras holds one record, and not what
 * seven fit in; of a fast one a piece is left behind whole records, and stays.
 */
static void
expect_pieces(struct records *records, struct pool *pool)
{
	if (!records->carried)
		(void)pack(records, pool, size_of_piece(records));
	records->carried = false;
}

/* Room behind what was not opened yet: how much; 0: no memory. */
static size_t
make_room(struct leg *leg)
{
	struct records *records = leg->records;
	struct bytes piece = unopened(records);

	if (records->packed > 0 && piece.left > 0)
		return pack(records, leg->pool, size_of_piece(records))
			   ? records->packed - piece.left
			   : 0;
	if (records->packed > 0)
		give_buffer(records, leg->pool);
	if (records->at == NULL)
		records->at = pool_take(leg->pool);
	if (records->at == NULL)
		return 0;
	if (piece.left > 0)
		memmove(records->at, piece.at, piece.left);
	records->start = 0;
	records->end = (uint32_t)piece.left;
	return leg_whole_records(leg, piece.left, RECEIVE_BYTES);
}

static enum leg_io
fill(struct leg *leg)
{
	struct records *records = leg->records;
	size_t room = make_room(leg);
	ssize_t got;

	if (room == 0)
		return end_by(leg, LEG_ALERT);
	got = leg_receive(leg, records->at + records->end, room);
	if (got > 0) {
		records->end += (uint32_t)got;
		return LEG_DONE;
	}
	if (got < 0 && errno == EAGAIN)
		return LEG_WAIT;
	return leg->end != LEG_OPEN ? LEG_ENDED : end_by(leg, LEG_TRUNCATED);
}

/* What was opened in place, as far as there was no room for it before. */
static size_t
take_plain(struct records *records, uint8_t *to, size_t size)
{
	size_t count = size < records->plain_left ? size : records->plain_left;

	memcpy(to, records->at + records->plain, count);
	records->plain += (uint32_t)count;
	records->plain_left -= (uint32_t)count;
	return count;
}

/* TLS 1.2 lets payload come between the pieces of a message (RFC 5246 section 6.2.1). */
static bool
is_interrupted(const struct records *records)
{
	return late_messages_wait(&records->late) && !is_tls12(records);
}

/* Open a record into `to`, which has room for size bytes, or in its own place. */
static enum leg_io
open_record(struct leg *leg, struct bytes record, uint8_t *to, size_t size, size_t *count)
{
	struct records *records = leg->records;
	enum record_suite suite = records->in.suite;
	uint8_t *own = records->at + records->start + record_lead_bytes(suite);
	uint8_t *into = record.left - record_seal_bytes(suite) <= size ? to : own;
	struct opened opened;
	enum record_alert alert = record_key_open(&records->in, record, into, &opened);

	records->start += (uint32_t)record.left;
	leg->record = (uint16_t)record.left;
	if (alert != RECORD_GOOD)
		return refuse(leg, alert);
	if (opened.type == RECORD_HANDSHAKE)
		return hear_handshake(leg, (struct bytes){into, opened.size});
	if (is_interrupted(records) || (opened.type != RECORD_DATA && opened.type != RECORD_ALERT))
		return refuse(leg, RECORD_UNEXPECTED);
	if (opened.type == RECORD_ALERT)
		return hear_alert(leg, (struct bytes){into, opened.size});
	if (opened.size == 0)
		return note_blank(leg);
	records->blanks = 0;
	leg->payload += opened.size;
	*count = opened.size;
	if (into == to)
		return LEG_DONE;
	records->plain = (uint32_t)(into - records->at);
	records->plain_left = (uint32_t)opened.size;
	*count = take_plain(records, to, size);
	return LEG_DONE;
}

bool
records_hold_one(const struct records *records)
{
	struct bytes in = unopened(records);
	size_t whole;

	/* Of a wrong one it is told as it is read. */
	return records->plain_left > 0 ||
	       record_size(records->in.suite, in, &whole) != RECORD_GOOD ||
	       (whole > 0 && whole <= in.left);
}

/* One record: LEG_DONE with or without payload. */
static enum leg_io
read_record(struct leg *leg, uint8_t *to, size_t size, size_t *count)
{
	struct records *records = leg->records;
	struct bytes in = unopened(records), record;
	enum record_alert alert;
	size_t whole;

	*count = 0;
	if (records->plain_left > 0) {
		*count = take_plain(records, to, size);
		return LEG_DONE;
	}
	alert = record_size(records->in.suite, in, &whole);
	if (alert != RECORD_GOOD)
		return refuse(leg, alert);
	if (whole == 0 || !bytes_take(&in, whole, &record))
		return fill(leg);
	return open_record(leg, record, to, size, count);
}

/* Several small records become one read, so that they leave as one record; of
 * one that has no room any more no piece is opened. */
static bool
fits(const struct records *records, size_t room)
{
	size_t whole;

	return records->at != NULL && room > 0 &&
	       record_size(records->in.suite, unopened(records), &whole) == RECORD_GOOD &&
	       whole <= room + record_seal_bytes(records->in.suite);
}

enum leg_io
records_read(struct leg *leg, uint8_t *to, size_t size, size_t *count)
{
	struct records *records = leg->records;
	enum leg_io io = LEG_DONE;
	size_t used = 0, got;

	assert(size > 0);
	for (int i = 0; i < LEG_RECORDS_A_READ && io == LEG_DONE; i++) {
		if (used > 0 && !fits(records, size - used))
			break;
		io = read_record(leg, to + used, size - used, &got);
		used += got;
	}
	if (records->start == records->end && records->plain_left == 0)
		give_buffer(records, leg->pool);
	*count = used;
	records->carried = records->carried || used > 0;
	if (used == 0 && io == LEG_WAIT)
		expect_pieces(records, leg->pool);
	return used > 0 ? LEG_DONE : io;
}

void
records_rest(struct leg *leg)
{
	record_key_rest(&leg->records->in);
	record_key_rest(&leg->records->out);
	(void)pack(leg->records, leg->pool, unopened(leg->records).left);
}
