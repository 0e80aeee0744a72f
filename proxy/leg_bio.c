/* SPDX-License-Identifier: MIT */
/* What stands between OpenSSL and a leg's socket. */
#include "proxy/leg_private.h"
#include "proxy/records.h"
#include "proxy/takeover.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

enum {
	/* A handshake has some ten messages; a peer may renew its keys or hand out
	 * a ticket as often as a full record comes or goes: Java's asks for ours by each
	 * that it reads, from a limit on until it has them. */
	MESSAGES_MAX = 64,
	PAYLOAD_A_MESSAGE = 16 << 10,
};

bool
leg_is_flooded(const struct leg *leg)
{
	uint64_t carried = leg->payload + leg->records->wrote;

	return leg->messages > MESSAGES_MAX + carried / PAYLOAD_A_MESSAGE;
}

void
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
leg_hear_message(int write, int version, int type, const void *bytes, size_t size, SSL *ssl,
    void *arg)
{
	struct leg *leg = arg;
	const uint8_t *header = bytes;

	(void)version;
	(void)ssl;
	takeover_note(leg, write != 0, type, bytes, size);
	if (write != 0)
		return;
	if (type == SSL3_RT_HANDSHAKE)
		leg->messages++;
	if (type == SSL3_RT_HEADER && size == SSL3_RT_HEADER_LENGTH)
		leg->record = (uint16_t)(SSL3_RT_HEADER_LENGTH + (header[3] << 8 | header[4]));
}

/* Whole records, where the peer sends full ones: of a piece of one OpenSSL would
 * ask for the rest alone, by a call as dear as that for all the others. */
size_t
leg_whole_records(const struct leg *leg, size_t have, size_t room)
{
	bool full = leg->record >= LEG_WRITE_MAX && room > leg->record && have < leg->record;

	return (full ? room - room % leg->record : room) - have;
}

static int
bio_read(BIO *bio, char *to, int size)
{
	struct leg *leg = BIO_get_data(bio);
	ssize_t count;

	BIO_clear_retry_flags(bio);
	if (leg_is_flooded(leg)) {
		leg->end = LEG_FLOOD;
		return -1;
	}
	count = leg_receive(leg, to, leg_whole_records(leg, 0, (size_t)size));
	if (count < 0 && errno == EAGAIN)
		BIO_set_retry_read(bio);
	return (int)count;
}

static int
bio_write(BIO *bio, const char *from, int size)
{
	struct leg *leg = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (leg_queue(leg, from, (size_t)size))
		return size;
	BIO_set_retry_write(bio);
	return -1;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	const struct leg *leg = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1; /* leg_flush does, once a turn */
	case BIO_CTRL_EOF:
		return leg->fin;
	default:
		return 0;
	}
}

static int
bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO_METHOD *
leg_bio_method(void)
{
	static BIO_METHOD *method;

	if (method != NULL)
		return method;
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "leg");
	if (method == NULL)
		return NULL;
	(void)BIO_meth_set_read(method, bio_read);
	(void)BIO_meth_set_write(method, bio_write);
	(void)BIO_meth_set_ctrl(method, bio_ctrl);
	(void)BIO_meth_set_create(method, bio_create);
	return method;
}
