/* SPDX-License-Identifier: MIT */
#include "tests/flow/peer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 32 << 10, SMALL_READ = 700, PATTERN_PERIOD = 251 };

static void __attribute__((format(printf, 2, 3))) fail(struct peer *peer, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	if (peer->trouble[0] != '\0')
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(peer->trouble, sizeof(peer->trouble), "the %s: %s", peer->name, text);
}

static bool
failed(const struct peer *peer)
{
	return peer->trouble[0] != '\0';
}

/* ---- life ---- */

/* Before it is connected: what was offered once is not taken back. */
static void
set_room(const struct peer *peer, int fd)
{
	if (peer->room > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &peer->room, sizeof(peer->room));
}

static void *
run(void *arg)
{
	struct peer *peer = arg;
	uint64_t one = 1;

	peer->play(peer);
	peer_close(peer);
	if (write(peer->finished, &one, sizeof(one)) != sizeof(one))
		abort();
	return NULL;
}

void
peer_start(struct peer *peer, void (*play)(struct peer *peer))
{
	peer->play = play;
	peer->fd = -1;
	peer->ssl = NULL;
	peer->handshake_done = false;
	peer->resumed = false;
	peer->received = 0;
	peer->end = PEER_OPEN;
	peer->alert = 0;
	if (!peer->is_camera)
		set_room(peer, peer->listener);
	if (peer->digest == NULL)
		peer->digest = EVP_MD_CTX_new();
	if (peer->digest == NULL || EVP_DigestInit_ex(peer->digest, EVP_sha256(), NULL) != 1 ||
	    pthread_create(&peer->thread, NULL, run, peer) != 0)
		abort();
}

void
peer_join(struct peer *peer)
{
	if (pthread_join(peer->thread, NULL) != 0)
		abort();
}

void
peer_free(struct peer *peer)
{
	EVP_MD_CTX_free(peer->digest);
	SSL_SESSION_free(peer->session);
	SSL_CTX_free(peer->ctx);
	if (peer->listener >= 0)
		(void)close(peer->listener);
	peer->listener = -1;
}

/* ---- connecting ---- */

static void
set_patience(int fd)
{
	const struct timeval patience = {.tv_sec = PEER_PATIENCE_S};
	const int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int
connect_camera(const struct peer *peer)
{
	int fd = socket(peer->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size = peer->at.ss_family == AF_INET ? sizeof(struct sockaddr_in)
						       : sizeof(struct sockaddr_in6);

	set_room(peer, fd);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&peer->at, size) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

void
peer_await(sem_t *sem, const char *trouble)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PEER_PATIENCE_S;
	cr_assert_eq(sem_timedwait(sem, &until), 0, "%s", trouble);
}

void
peer_connect(struct peer *peer)
{
	if (failed(peer))
		return;
	if (!peer->is_camera)
		set_patience(peer->listener);
	peer->fd = peer->is_camera ? connect_camera(peer)
				   : accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
	if (peer->fd < 0) {
		fail(peer, "no connection: %s", strerror(errno));
		return;
	}
	set_patience(peer->fd);
	peer->connections++;
}

void
peer_close(struct peer *peer)
{
	/* Or OpenSSL would take the session for a bad one. */
	if (peer->ssl != NULL)
		SSL_set_shutdown(peer->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(peer->ssl);
	peer->ssl = NULL;
	if (peer->fd >= 0)
		(void)close(peer->fd);
	peer->fd = -1;
}

void
peer_reset(struct peer *peer)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	if (peer->fd >= 0)
		(void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	peer_close(peer);
}

/* ---- TLS ---- */

static void
note_alert(const SSL *ssl, int where, int value)
{
	struct peer *peer = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		peer->alert = (uint8_t)(value & 0xff);
}

/* How the other direction ended, by a call that did not do what it should. */
static enum peer_end
end_of(struct peer *peer, int ret)
{
	int error = errno;
	int why = SSL_get_error(peer->ssl, ret);
	bool cut = why == SSL_ERROR_SSL &&
		   ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;

	ERR_clear_error();
	if (why == SSL_ERROR_ZERO_RETURN)
		return PEER_CLOSED;
	if (why == SSL_ERROR_WANT_READ)
		return PEER_SILENT;
	if (peer->alert != 0)
		return PEER_ALERT;
	if (cut)
		return PEER_TRUNCATED;
	return error == ECONNRESET || error == EPIPE ? PEER_RESET : PEER_ALERT;
}

static bool
start_tls(struct peer *peer)
{
	char name[256];
	BIO *bio;

	peer->ssl = SSL_new(peer->ctx);
	if (peer->ssl == NULL)
		return false;
	bio = peer->wire != NULL ? peer->wire(peer->fd) : BIO_new_socket(peer->fd, BIO_NOCLOSE);
	if (bio == NULL)
		return false;
	SSL_set_bio(peer->ssl, bio, bio);
	SSL_set_app_data(peer->ssl, peer);
	SSL_set_info_callback(peer->ssl, note_alert);
	if (!peer->is_camera) {
		SSL_set_accept_state(peer->ssl);
		return true;
	}
	SSL_set_connect_state(peer->ssl);
	if (peer->session != NULL && SSL_set_session(peer->ssl, peer->session) != 1)
		return false;
	if (peer->sni == NULL)
		return true;
	(void)snprintf(name, sizeof(name), "%s", peer->sni);
	return SSL_set_tlsext_host_name(peer->ssl, name) == 1 &&
	       SSL_set1_host(peer->ssl, peer->sni) == 1;
}

static void
note_handshake(struct peer *peer)
{
	const unsigned char *alpn;
	unsigned size;
	X509 *cert = SSL_get0_peer_certificate(peer->ssl);

	SSL_get0_alpn_selected(peer->ssl, &alpn, &size);
	(void)snprintf(peer->alpn, sizeof(peer->alpn), "%.*s", (int)size, (const char *)alpn);
	peer->version = SSL_version(peer->ssl);
	peer->key_type = cert != NULL ? EVP_PKEY_get_base_id(X509_get0_pubkey(cert)) : 0;
	peer->handshake_done = true;
	peer->resumed = SSL_session_reused(peer->ssl) == 1;
}

static int
shake_hands(struct peer *peer)
{
	if (peer->ssl == NULL && !start_tls(peer)) {
		fail(peer, "no TLS");
		return 0;
	}
	ERR_clear_error();
	errno = 0;
	return SSL_do_handshake(peer->ssl);
}

void
peer_handshake(struct peer *peer)
{
	char text[120];
	int ret;

	if (failed(peer))
		return;
	ret = shake_hands(peer);
	if (ret == 1) {
		note_handshake(peer);
		return;
	}
	ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
	peer->end = end_of(peer, ret);
	fail(peer, "handshake: %s (alert %u)", text, peer->alert);
}

void
peer_expect_no_handshake(struct peer *peer)
{
	int ret;

	if (failed(peer))
		return;
	ret = shake_hands(peer);
	if (ret == 1)
		fail(peer, "the handshake was done");
	else
		peer->end = end_of(peer, ret);
}

void
peer_try_handshake(struct peer *peer)
{
	int ret;

	if (failed(peer))
		return;
	ret = shake_hands(peer);
	if (ret == 1)
		note_handshake(peer);
	else
		peer->end = end_of(peer, ret);
}

void
peer_say_early(struct peer *peer, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	size_t said;

	if (failed(peer))
		return;
	if (!start_tls(peer)) {
		fail(peer, "no TLS");
		return;
	}
	for (size_t i = 0; i < count; i += said) {
		if (SSL_write_early_data(peer->ssl, at + i, count - i, &said) != 1) {
			fail(peer, "no early data can be sent");
			return;
		}
	}
}

void
peer_keep_session(struct peer *peer)
{
	if (failed(peer))
		return;
	SSL_SESSION_free(peer->session);
	peer->session = SSL_get1_session(peer->ssl);
}

/* ---- bytes ---- */

static uint8_t
pattern(uint64_t at)
{
	return (uint8_t)(at % PATTERN_PERIOD ^ at >> 13);
}

void
peer_say(struct peer *peer, const void *bytes, size_t count)
{
	const uint8_t *at = bytes;

	while (count > 0 && !failed(peer)) {
		int chunk = count < CHUNK ? (int)count : CHUNK;
		ssize_t said = peer->ssl != NULL ? SSL_write(peer->ssl, at, chunk)
						 : send(peer->fd, at, (size_t)chunk, MSG_NOSIGNAL);

		if (said <= 0) {
			fail(peer, "cannot send: %s", strerror(errno));
			return;
		}
		at += said;
		count -= (size_t)said;
	}
}

void
peer_pour(struct peer *peer, uint64_t count)
{
	static _Thread_local uint8_t chunk[CHUNK];

	for (uint64_t at = 0; at < count && !failed(peer);) {
		size_t size = count - at < CHUNK ? (size_t)(count - at) : CHUNK;

		for (size_t i = 0; i < size; i++)
			chunk[i] = pattern(at + i);
		peer_say(peer, chunk, size);
		at += size;
	}
}

static void
take(struct peer *peer, const uint8_t *at, size_t count)
{
	for (size_t i = 0; i < count && peer->received + i < sizeof(peer->front); i++)
		peer->front[peer->received + i] = at[i];
	peer->received += count;
	if (EVP_DigestUpdate(peer->digest, at, count) != 1)
		abort();
}

/* One read; returns whether there may be more. */
static bool
hear_once(struct peer *peer, size_t size)
{
	static _Thread_local uint8_t chunk[CHUNK];
	ssize_t count;

	ERR_clear_error();
	errno = 0;
	if (peer->ssl != NULL)
		count = SSL_read(peer->ssl, chunk, (int)size);
	else
		count = recv(peer->fd, chunk, size, 0);
	if (count > 0) {
		take(peer, chunk, (size_t)count);
		return true;
	}
	if (peer->ssl != NULL)
		peer->end = end_of(peer, (int)count);
	else if (count == 0)
		peer->end = PEER_CLOSED;
	else
		peer->end = errno == ECONNRESET ? PEER_RESET : PEER_SILENT;
	return false;
}

void
peer_hear(struct peer *peer, uint64_t count)
{
	while (!failed(peer) && peer->received < count) {
		uint64_t left = count - peer->received;

		if (!hear_once(peer, left < CHUNK ? (size_t)left : CHUNK))
			fail(peer, "its bytes ended at %llu of %llu (end %d)",
			    (unsigned long long)peer->received, (unsigned long long)count,
			    (int)peer->end);
	}
}

void
peer_hear_some(struct peer *peer)
{
	if (!failed(peer) && !hear_once(peer, CHUNK))
		fail(peer, "nothing came (end %d)", (int)peer->end);
}

void
peer_hear_slowly(struct peer *peer, uint64_t count)
{
	while (!failed(peer) && peer->received < count) {
		if (!hear_once(peer, SMALL_READ))
			fail(peer, "its bytes ended early (end %d)", (int)peer->end);
	}
}

void
peer_hear_end(struct peer *peer)
{
	while (!failed(peer) && peer->end == PEER_OPEN)
		(void)hear_once(peer, CHUNK);
}

void
peer_finish(struct peer *peer)
{
	if (!failed(peer) && peer->ssl != NULL)
		(void)SSL_shutdown(peer->ssl);
	peer_cut(peer);
}

void
peer_cut(struct peer *peer)
{
	/* What the other side has reset by now cannot be shut, and need not be. */
	if (!failed(peer) && shutdown(peer->fd, SHUT_WR) != 0 && errno != ENOTCONN)
		fail(peer, "shutdown: %s", strerror(errno));
}

bool
peer_has_pattern(struct peer *peer, uint64_t count)
{
	uint8_t heard[32], wanted[32];
	uint8_t chunk[1024];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned size;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		abort();
	for (uint64_t at = 0; at < count;) {
		size_t used = 0;

		while (used < sizeof(chunk) && at < count)
			chunk[used++] = pattern(at++);
		(void)EVP_DigestUpdate(ctx, chunk, used);
	}
	(void)EVP_DigestFinal_ex(ctx, wanted, &size);
	(void)EVP_DigestFinal_ex(peer->digest, heard, &size);
	EVP_MD_CTX_free(ctx);
	return peer->received == count && memcmp(heard, wanted, sizeof(wanted)) == 0;
}
