/* SPDX-License-Identifier: MIT */
#include "proxy/leg.h"

#include "base/err.h"
#include "proxy/leg_private.h"
#include "proxy/records.h"
#include "proxy/sessions.h"
#include "proxy/takeover.h"

#include <assert.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* TCP_CLOSE of netinet/tcp.h, whose struct tcp_info is too short: it was reset. */
enum { STATE_CLOSED = 7 };

/* ---- the socket ---- */

void
leg_note_reset(struct leg *leg, int error)
{
	leg->error = error;
	leg->end = LEG_RESET;
	leg->readable = false;
}

/* Behind an error that was told already the socket looks as if it had been closed
 * in order. */
void
leg_note_fin(struct leg *leg)
{
	if (leg->failed && leg->error != EPIPE)
		leg_note_reset(leg, leg->error);
	else
		leg->fin = true;
}

void
leg_fail(struct leg *leg, int error)
{
	leg->failed = true;
	leg->error = error;
	leg->readable = true;
}

bool
leg_is_broken(const struct leg *leg)
{
	return leg->failed || leg->end > LEG_TRUNCATED;
}

enum leg_end
leg_how_ended(const struct leg *leg)
{
	return leg->end == LEG_OPEN && leg->failed ? LEG_RESET : leg->end;
}

bool
leg_is_taken(const struct leg *leg, uint64_t *acknowledged)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	*acknowledged = 0;
	if (getsockopt(leg->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return true;
	*acknowledged = info.tcpi_bytes_acked;
	return info.tcpi_state == STATE_CLOSED ||
	       (info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0);
}

ssize_t
leg_receive(struct leg *leg, void *to, size_t size)
{
	ssize_t count;

	if (leg->replay.left > 0) {
		struct bytes taken;

		if (size > leg->replay.left)
			size = leg->replay.left;
		(void)bytes_take(&leg->replay, size, &taken);
		memcpy(to, taken.at, size);
		return (ssize_t)size;
	}
	if (leg->fin)
		return 0;
	if (!leg->readable) {
		errno = EAGAIN;
		return -1;
	}
	do
		count = recv(leg->fd, to, size, 0);
	while (count < 0 && errno == EINTR);
	if (count == 0) {
		leg_note_fin(leg);
		if (leg->fin)
			return 0;
		errno = leg->error;
		return -1;
	}
	if (count < 0 && errno != EAGAIN)
		leg_note_reset(leg, errno);
	/* Only a refusal says that the socket is empty.  A short read does not: a
	 * reset may stand behind the data, whose edge came with theirs. */
	if (count < 0)
		leg->readable = false;
	return count;
}

static void
drop_ticket(struct leg *leg)
{
	free(leg->ticket);
	leg->ticket = NULL;
	leg->ticket_size = 0;
}

static bool
make_out(struct leg *leg)
{
	if (leg->out != NULL)
		return true;
	leg->out = pool_take(leg->pool);
	leg->out_start = leg->out_end = 0;
	if (leg->out == NULL)
		return false;
	if (leg->ticket != NULL)
		memcpy(leg->out, leg->ticket, leg->ticket_size);
	leg->out_end = leg->ticket_size;
	drop_ticket(leg);
	return true;
}

/* Behind what waits fits a piece of payload whatever seals it, and an alert: at most in 32
 * records (RFC 6066 section 4) of 85 bytes more (TLS 1.2, CBC, a MAC of 48). */
enum { SEALS_MAX = 32 * 85 + 512 };
_Static_assert(LEG_OUT_HIGH + LEG_WRITE_MAX + SEALS_MAX <= POOL_BUFFER_BYTES,
    "a piece finds no room");

uint8_t *
leg_room(struct leg *leg, size_t count)
{
	if (!make_out(leg))
		return NULL;
	if (count > POOL_BUFFER_BYTES - leg->out_end && leg->out_start > 0) {
		memmove(leg->out, leg->out + leg->out_start, leg->out_end - leg->out_start);
		leg->out_end -= leg->out_start;
		leg->out_start = 0;
	}
	return count <= POOL_BUFFER_BYTES - leg->out_end ? leg->out + leg->out_end : NULL;
}

bool
leg_queue(struct leg *leg, const void *from, size_t count)
{
	uint8_t *at = leg_room(leg, count);

	if (at == NULL)
		return false;
	memcpy(at, from, count);
	leg->out_end += count;
	return true;
}

static void
drop_out(struct leg *leg)
{
	pool_give(leg->pool, leg->out);
	leg->out = NULL;
	leg->out_start = leg->out_end = 0;
}

size_t
leg_waiting(const struct leg *leg)
{
	return leg->out_end - leg->out_start;
}

void
leg_keep_ticket(struct leg *leg)
{
	size_t size = leg_waiting(leg);

	if (size == 0 || SSL_version(leg->ssl) != TLS1_3_VERSION)
		return;
	leg->ticket = malloc(size);
	if (leg->ticket == NULL)
		return;
	memcpy(leg->ticket, leg->out + leg->out_start, size);
	leg->ticket_size = size;
	drop_out(leg);
}

static enum leg_io
send_end(struct leg *leg)
{
	if (leg->end_queued && !leg->end_sent) {
		leg->end_sent = true;
		(void)shutdown(leg->fd, SHUT_WR);
	}
	return LEG_DONE;
}

enum leg_io
leg_flush(struct leg *leg)
{
	/* The FIN goes with the last bytes, and not in a segment of its own. */
	const int more = leg->end_queued && !leg->end_sent ? MSG_MORE : 0;

	while (leg_waiting(leg) > 0 && !leg->failed) {
		size_t waiting = leg_waiting(leg);
		ssize_t sent;

		if (!leg->writable)
			return LEG_WAIT;
		sent = send(leg->fd, leg->out + leg->out_start, waiting, MSG_NOSIGNAL | more);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			leg->writable = false;
			return LEG_WAIT;
		}
		if (sent < 0) {
			leg_fail(leg, errno);
			break;
		}
		leg->out_start += (size_t)sent;
		if ((size_t)sent < waiting)
			leg->writable = false;
	}
	drop_out(leg);
	return leg->failed ? LEG_ENDED : send_end(leg);
}

/* ---- life ---- */

int
leg_open(struct leg *leg, int fd, struct event_base *base, event_callback_fn on_event)
{
	const short what = EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST;
	const int on = 1;

	leg->fd = fd;
	/* An urgent byte is one of the stream's (RFC 6093 section 6); recv(2) would
	 * leave it out. */
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
	if (event_assign(&leg->event, base, fd, what, on_event, leg) != 0)
		return -1;
	return event_add(&leg->event, NULL);
}

void
leg_note(struct leg *leg, short what)
{
	if ((what & EV_READ) != 0)
		leg->readable = true;
	if ((what & EV_WRITE) != 0)
		leg->writable = true;
	if ((what & EV_CLOSED) != 0) {
		leg->fin_coming = true;
		leg->readable = true;
	}
}

int
leg_start_tls(struct leg *leg, SSL *ssl, struct err *err)
{
	BIO *bio = BIO_new(leg_bio_method());
	struct records *records = records_new();

	if (bio == NULL || records == NULL) {
		BIO_free(bio);
		records_free(records, leg->pool);
		SSL_free(ssl);
		return err_tls(err, "no memory for a BIO");
	}
	BIO_set_data(bio, leg);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, leg);
	SSL_set_msg_callback(ssl, leg_hear_message);
	SSL_set_msg_callback_arg(ssl, leg);
	leg->ssl = ssl;
	leg->records = records;
	return 0;
}

bool
leg_is_plain(const struct leg *leg)
{
	return leg->records == NULL;
}

/* What OpenSSL counts itself, and gives up over: records and messages that cost
 * something and say nothing. */
static bool
is_flood(unsigned long error)
{
	switch (ERR_GET_REASON(error)) {
	case SSL_R_RECORD_TOO_SMALL:       /* empty ones, 32 in a row */
	case SSL_R_TOO_MANY_WARN_ALERTS:   /* 5 in a row */
	case SSL_R_TOO_MANY_KEY_UPDATES:   /* 32 in a row */
	case SSL_R_UNEXPECTED_CCS_MESSAGE: /* 32 in a row, of TLS 1.3, where they say nothing */
		return true;
	default:
		return false;
	}
}

/* How the peer's direction ended, seen from a call of OpenSSL's that failed
 * with SSL_ERROR_SSL or SSL_ERROR_SYSCALL. */
static void
note_failure(struct leg *leg)
{
	if (leg->end != LEG_OPEN)
		return;
	if (is_flood(ERR_peek_error())) {
		leg->end = LEG_FLOOD;
		return;
	}
	leg->end = leg->fin && leg->alert == 0 ? LEG_TRUNCATED : LEG_ALERT;
}

/* Those that hold nothing.  By itself OpenSSL would give them back behind each record
 * (SSL_MODE_RELEASE_BUFFERS) and take others for the next: thirty of 16 and 66 KiB a
 * connection; or keep them for as long as the peer is silent. */
static void
give_buffers_back(struct leg *leg)
{
	/* Of a record that is read in part a library before 3.0.14 would free what is
	 * to come (CVE-2024-4741). */
	if (SSL_has_pending(leg->ssl) == 0 && strcmp(SSL_rstate_string(leg->ssl), "RH") == 0)
		(void)SSL_free_buffers(leg->ssl);
}

enum leg_io
leg_handshake(struct leg *leg, struct err *err)
{
	int ret, why;

	ERR_clear_error();
	takeover_watch(leg);
	ret = SSL_do_handshake(leg->ssl);
	takeover_watch_end();
	give_buffers_back(leg);
	if (ret == 1)
		return LEG_DONE;
	why = SSL_get_error(leg->ssl, ret);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ||
	    why == SSL_ERROR_WANT_X509_LOOKUP)
		return LEG_WAIT;
	note_failure(leg);
	if (leg->end == LEG_FLOOD)
		(void)err_set(err, ERR_TLS, "handshake messages without end");
	else
		(void)err_tls(err, "handshake");
	return LEG_ENDED;
}

static enum leg_io
read_plain(struct leg *leg, uint8_t *to, size_t size, size_t *count)
{
	ssize_t got = leg_receive(leg, to, size);

	if (got > 0) {
		*count = (size_t)got;
		return LEG_DONE;
	}
	if (got < 0 && errno == EAGAIN)
		return LEG_WAIT;
	if (leg->end == LEG_OPEN)
		leg->end = LEG_CLOSED;
	return LEG_ENDED;
}

static enum leg_io
end_of_tls(struct leg *leg, int ret)
{
	switch (SSL_get_error(leg->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return LEG_WAIT;
	case SSL_ERROR_ZERO_RETURN:
		/* The option to ignore an unexpected EOF makes both look alike
		 * to OpenSSL; whether a close_notify came, the socket knows. */
		if (leg->end == LEG_OPEN)
			leg->end = leg->fin ? LEG_TRUNCATED : LEG_CLOSED;
		return LEG_ENDED;
	default:
		note_failure(leg);
		ERR_clear_error();
		return LEG_ENDED;
	}
}

/* A message behind the handshake, such as a ticket, makes OpenSSL take a session of its
 * own, of which another has been kept. */
static void
settle_session(struct leg *leg)
{
	if (leg->messages == leg->settled)
		return;
	leg->settled = leg->messages;
	session_settle(leg->ssl);
}

/* Whether a read can bring anything: to be told otherwise costs OpenSSL a buffer. */
static bool
has_something(const struct leg *leg)
{
	return leg->readable || leg->fin || leg->replay.left > 0 || SSL_has_pending(leg->ssl) == 1;
}

/* Several small records become one read, so that they leave as one record. */
static enum leg_io
read_tls(struct leg *leg, uint8_t *to, size_t size, size_t *count)
{
	bool wanted = takeover_is_wanted(leg);
	enum leg_io io = LEG_WAIT;
	size_t used = 0;

	if (!has_something(leg))
		return LEG_WAIT;
	/* No piece of the next record: there OpenSSL can be left. */
	if (wanted)
		SSL_set_read_ahead(leg->ssl, 0);
	ERR_clear_error();
	for (int i = 0; i < LEG_RECORDS_A_READ && used < size && has_something(leg); i++) {
		int got = SSL_read(leg->ssl, to + used, (int)(size - used));

		if (got <= 0) {
			io = end_of_tls(leg, got);
			break;
		}
		*count = used += (size_t)got;
		leg->payload += (size_t)got;
		if (wanted && takeover_try(leg))
			return LEG_DONE;
	}
	give_buffers_back(leg);
	if (used == 0 && io == LEG_ENDED)
		return LEG_ENDED;
	settle_session(leg);
	return used > 0 ? LEG_DONE : LEG_WAIT;
}

enum leg_io
leg_read(struct leg *leg, uint8_t *to, size_t size, size_t *count)
{
	*count = 0;
	if (leg->end != LEG_OPEN)
		return LEG_ENDED;
	if (leg->ssl != NULL)
		return read_tls(leg, to, size, count);
	if (leg->records != NULL)
		return records_read(leg, to, size, count);
	return read_plain(leg, to, size, count);
}

bool
leg_holds_payload(const struct leg *leg)
{
	return leg->ssl == NULL && leg->records != NULL && records_hold_one(leg->records);
}

/* One record, or several where the peer wants short ones. */
static enum leg_io
write_tls(struct leg *leg, const uint8_t *from, size_t count)
{
	size_t used = 0;
	int wrote = 1;

	ERR_clear_error();
	for (; used < count && wrote > 0; used += wrote > 0 ? (size_t)wrote : 0)
		wrote = SSL_write(leg->ssl, from + used, (int)(count - used));
	if (used == count) {
		leg->records->wrote += count;
		if (!takeover_is_wanted(leg) || !takeover_try(leg))
			give_buffers_back(leg);
		return LEG_DONE;
	}
	if (used == 0 && SSL_get_error(leg->ssl, wrote) == SSL_ERROR_WANT_WRITE)
		return LEG_WAIT;
	leg->end = LEG_ALERT;
	ERR_clear_error();
	return LEG_ENDED;
}

enum leg_io
leg_write(struct leg *leg, const uint8_t *from, size_t count)
{
	assert(count <= LEG_WRITE_MAX);
	if (leg->failed)
		return LEG_ENDED;
	if (leg->ssl != NULL)
		return write_tls(leg, from, count);
	if (leg->records != NULL)
		return records_write(leg, from, count);
	return leg_queue(leg, from, count) ? LEG_DONE : LEG_WAIT;
}

void
leg_end_direction(struct leg *leg, bool orderly)
{
	if (leg->end_queued)
		return;
	if (orderly && leg->ssl != NULL) {
		ERR_clear_error();
		(void)SSL_shutdown(leg->ssl);
		give_buffers_back(leg);
		ERR_clear_error();
	} else if (orderly && leg->records != NULL) {
		records_close(leg);
	}
	leg->end_queued = true;
}

void
leg_rest(struct leg *leg)
{
	if (leg->ticket != NULL && make_out(leg))
		(void)leg_flush(leg);
	if (leg->ssl != NULL && takeover_is_heard(leg))
		(void)takeover_try(leg);
	if (leg->ssl == NULL && leg->records != NULL)
		records_rest(leg);
}

void
leg_free_ssl(struct leg *leg)
{
	if (leg->ssl == NULL)
		return;
	/* OpenSSL forgets the session of an SSL that was not shut down, and so would
	 * one whose camera just went away cost the next camera a full handshake.
	 * After a fatal alert it has forgotten it already. */
	SSL_set_shutdown(leg->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(leg->ssl);
	leg->ssl = NULL;
}

int
leg_release(struct leg *leg)
{
	int fd = leg->fd;

	leg_free_ssl(leg);
	records_free(leg->records, leg->pool);
	leg->records = NULL;
	drop_out(leg);
	drop_ticket(leg);
	if (fd >= 0)
		(void)event_del(&leg->event);
	leg->fd = -1;
	return fd;
}

void
leg_close(struct leg *leg, bool reset)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	int fd = leg_release(leg);

	if (fd < 0)
		return;
	if (reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
}
