/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_PEER_H
#define TESTS_FLOW_PEER_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A camera or a server of a story: a thread with a blocking socket that plays
 * a few steps.  A step that fails says so in `trouble`, and those behind it do
 * nothing; no step waits longer than PEER_PATIENCE_S.  What it saw is looked at
 * when the story is over.
 */
enum { PEER_PATIENCE_S = 15 };

/* How the other side's direction ended. */
enum peer_end {
	PEER_OPEN = 0,
	PEER_CLOSED,    /* close_notify, or FIN where there is no TLS */
	PEER_TRUNCATED, /* FIN without close_notify */
	PEER_RESET,
	PEER_ALERT,
	PEER_SILENT, /* it did not come in time */
};

struct peer {
	const char *name; /* "camera" or "server" */
	bool is_camera;
	void (*play)(struct peer *peer);
	struct sockaddr_storage at; /* a camera: where to connect to */
	int listener;               /* a server: where it accepts; -1: nowhere */
	int room;                   /* bytes, that its kernel takes unread; 0: as it wants */
	SSL_CTX *ctx;               /* owned */
	BIO *(*wire)(int fd);       /* between TLS and the socket; NULL: nothing */
	const char *sni;            /* a camera: whom to ask for; NULL: nobody */
	SSL_SESSION *session;       /* a camera: to resume with; owned; NULL: none */
	int finished;               /* an eventfd that is told at the end */
	pthread_t thread;

	int fd;
	SSL *ssl;
	unsigned connections; /* made or taken */
	bool handshake_done;
	bool resumed;
	size_t early; /* a camera: bytes of 0-RTT data to send, for its play to see */
	char alpn[32];
	int version;        /* negotiated */
	int key_type;       /* EVP_PKEY_EC ..., of the certificate that the camera saw */
	uint64_t received;  /* payload bytes */
	uint8_t front[64];  /* the first of them */
	EVP_MD_CTX *digest; /* SHA-256 of all */
	enum peer_end end;
	uint8_t alert; /* the fatal alert that came */
	char trouble[160];
};

void peer_start(struct peer *peer, void (*play)(struct peer *peer));
void peer_join(struct peer *peer);
void peer_free(struct peer *peer); /* all that it holds but the eventfd */

/* Until another thread has posted to sem, no longer than a step waits; what is
 * said where it did not. */
void peer_await(sem_t *sem, const char *trouble);

/* ---- steps ---- */

void peer_connect(struct peer *peer); /* a server: accept */
void peer_handshake(struct peer *peer);
/* A camera with a session for it: 0-RTT data, before peer_handshake. */
void peer_say_early(struct peer *peer, const void *bytes, size_t count);
void peer_expect_no_handshake(struct peer *peer); /* it fails; end and alert say how */
void peer_try_handshake(struct peer *peer);       /* it may fail so */
void peer_keep_session(struct peer *peer);        /* a camera: for its next connection */
void peer_say(struct peer *peer, const void *bytes, size_t count);
void peer_pour(struct peer *peer, uint64_t count);        /* of the pattern */
void peer_hear(struct peer *peer, uint64_t count);        /* until so many were received */
void peer_hear_some(struct peer *peer);                   /* what one read gives */
void peer_hear_slowly(struct peer *peer, uint64_t count); /* in small reads */
void peer_hear_end(struct peer *peer);
void peer_finish(struct peer *peer); /* close_notify where there is TLS, and FIN */
void peer_cut(struct peer *peer);    /* FIN alone */
void peer_reset(struct peer *peer);  /* RST; closes */
void peer_close(struct peer *peer);

/* Whether what was received is the first count bytes of the pattern. */
bool peer_has_pattern(struct peer *peer, uint64_t count);

#endif
