/* SPDX-License-Identifier: MIT */
#include "tests/support/faults.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	RECORD_HEAD = 5,
	SERVER_HELLO = 2,
	FLIGHT_MAX = 1 << 20,
	/* Behind a message's head: the lengths of the list and of the first entry. */
	FIRST_CERT_AT = 10,
	/* RFC 8446 section 4.1.3 */
	RANDOM_BYTES = 32,
};

/* ---- a ServerHello of our own ---- */

static size_t
put(uint8_t *out, size_t at, const void *bytes, size_t count)
{
	if (count > 0)
		memcpy(out + at, bytes, count);
	return at + count;
}

static size_t
put_u16(uint8_t *out, size_t at, size_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	return put(out, at, bytes, 2);
}

static size_t
write_hello(const struct fault_hello *hello, uint8_t out[256])
{
	static const uint8_t downgrade[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
	uint8_t random[RANDOM_BYTES];
	size_t body = 2 + RANDOM_BYTES + 1 + 2 + 1 + 2 + hello->extensions_size, at = 0;
	const uint8_t head[] = {RECORD_HANDSHAKE, 3, 3, (uint8_t)((body + 4) >> 8),
	    (uint8_t)(body + 4), SERVER_HELLO, 0, (uint8_t)(body >> 8), (uint8_t)body};

	memset(random, 'r', sizeof(random));
	if (hello->downgrade)
		memcpy(random + RANDOM_BYTES - sizeof(downgrade), downgrade, sizeof(downgrade));
	at = put(out, at, head, sizeof(head));
	at = put_u16(out, at, hello->version);
	at = put(out, at, random, sizeof(random));
	out[at++] = 0; /* no session id */
	at = put_u16(out, at, hello->cipher);
	out[at++] = hello->compression;
	at = put_u16(out, at, hello->extensions_size);
	return put(out, at, hello->extensions, hello->extensions_size);
}

static void
send_all(int fd, const uint8_t *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		bytes += sent;
		count -= (size_t)sent;
	}
}

static void
say_hello(const struct fault *fault, int fd)
{
	uint8_t bytes[2048];
	size_t size;

	if (recv(fd, bytes, sizeof(bytes), 0) <= 0)
		return;
	size = write_hello(&fault->hello, bytes);
	send_all(fd, bytes, size);
	(void)shutdown(fd, SHUT_WR);
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

/* ---- editing a flight ---- */

/* Where in the flight the record of the message begins; size: it is not there. */
static size_t
find_record(const struct fault *fault, const uint8_t *flight, size_t size)
{
	unsigned seen = 0;
	size_t at = 0;

	while (at + RECORD_HEAD < size) {
		size_t length = (size_t)flight[at + 3] << 8 | flight[at + 4];
		bool is_it = fault->message != 0 ? flight[at] == RECORD_HANDSHAKE &&
						       flight[at + RECORD_HEAD] == fault->message
						 : flight[at] == RECORD_DATA;

		if (is_it && seen++ == fault->nth)
			return at;
		at += RECORD_HEAD + length;
	}
	return size;
}

/* Returns how much of the flight is to be sent. */
static size_t
edit(const struct fault *fault, uint8_t *flight, size_t size)
{
	size_t at = fault->edit == EDIT_NONE ? size : find_record(fault, flight, size);
	size_t length;

	if (at == size)
		return size;
	length = (size_t)flight[at + 3] << 8 | flight[at + 4];
	if (fault->edit == EDIT_CUT)
		return at + RECORD_HEAD + length / 2;
	if (fault->edit == EDIT_LAST_BYTE)
		flight[at + RECORD_HEAD + length - 1] ^= 1;
	else
		flight[at + RECORD_HEAD + FIRST_CERT_AT] ^= 1;
	return size;
}

/* ---- serving ---- */

/* Send what the server has to say; false when the rest was cut off. */
static bool
flush(const struct fault *fault, SSL *ssl, int fd)
{
	uint8_t *flight = OPENSSL_malloc(FLIGHT_MAX);
	int count = BIO_read(SSL_get_wbio(ssl), flight, FLIGHT_MAX);
	size_t size = count > 0 ? (size_t)count : 0, left;

	left = edit(fault, flight, size);
	send_all(fd, flight, left);
	OPENSSL_free(flight);
	return left == size;
}

static bool
feed(SSL *ssl, int fd)
{
	uint8_t bytes[16384];
	ssize_t got = recv(fd, bytes, sizeof(bytes), 0);

	return got > 0 && BIO_write(SSL_get_rbio(ssl), bytes, (int)got) == got;
}

static size_t
talk(const struct fault *fault, SSL *ssl, int fd)
{
	static const char answer[] =
	    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nok\n";
	char request[4096];
	size_t received = 0;
	int got;

	for (;;) {
		int done = SSL_do_handshake(ssl);

		if (!flush(fault, ssl, fd))
			return received;
		if (done == 1)
			break;
		if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ || !feed(ssl, fd))
			return received;
	}
	while ((got = SSL_read(ssl, request, sizeof(request))) <= 0) {
		if (SSL_get_error(ssl, got) != SSL_ERROR_WANT_READ || !feed(ssl, fd))
			return received;
	}
	received += (size_t)got;
	(void)SSL_write(ssl, answer, sizeof(answer) - 1);
	(void)SSL_shutdown(ssl);
	(void)flush(fault, ssl, fd);
	return received;
}

size_t
fault_serve(const struct fault *fault, SSL_CTX *ctx, int fd)
{
	size_t received;
	SSL *ssl;

	if (ctx == NULL) {
		say_hello(fault, fd);
		return 0;
	}
	ssl = SSL_new(ctx);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	BIO_set_mem_eof_return(SSL_get_rbio(ssl), -1);
	SSL_set_accept_state(ssl);
	received = talk(fault, ssl, fd);
	SSL_free(ssl);
	ERR_clear_error();
	return received;
}
