/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BENCH_TRAFFIC_H
#define TESTS_BENCH_TRAFFIC_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* What traffic.c is made of; what it does, stands there. */

#define SLOW_BIT (UINT64_C(1) << 62) /* in a count of bytes: whoever reads them rests */

enum { NAME_MAX_BYTES = 256 };

struct job {
	struct sockaddr_in addr;
	SSL_CTX *ctx;
	const char *name;
	uint64_t up, down;
	atomic_long left, ok, failed, number, paced;
	struct in_addr camera; /* the first; 0: whatever the kernel takes */
	unsigned long cameras;
	SSL **held; /* of hold */
	struct timespec began;
	uint64_t per_s; /* of flood; 0: as fast as it can */
};

_Noreturn void die(const char *what);

/* ---- traffic_payload.c: a pattern, which the reader compares ---- */

enum {
	CHUNK = 64 << 10,
	PERIOD = 251, /* of the pattern */
};
extern char payload_pattern[CHUNK + PERIOD];

void payload_begin(void); /* once, before all others */
bool payload_write(SSL *ssl, const void *data, size_t size);
bool payload_read(SSL *ssl, void *data, size_t size);
bool payload_give(SSL *ssl, uint64_t count);
bool payload_take(SSL *ssl, uint64_t count, bool slowly);

/* ---- traffic_origin.c ---- */

_Noreturn void origin_run(const struct sockaddr_in *addr, const char *chain, const char *key,
    const char *how);

/* ---- traffic_cameras.c: each with a thread of its own ---- */

int camera_socket(const struct job *job, long number); /* at the address of connection number */
void camera_close(SSL *ssl);
void camera_load(struct job *job, long count, long threads);
void camera_hold(struct job *job, long count, long threads);
_Noreturn void camera_flood(struct job *job, long threads, long per_s);
void camera_delay(struct job *job, long count);

/* ---- traffic_burst.c: many at once, without a thread for each ---- */

void burst_run(struct job *job, long count);

#endif
