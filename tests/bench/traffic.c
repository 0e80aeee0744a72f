/* SPDX-License-Identifier: MIT */
/*
 * What the bench measures with: an origin and cameras, over TLS.
 *
 *	traffic origin ADDR PORT CHAIN KEY
 *	traffic load ADDR PORT CA NAME COUNT THREADS UP DOWN
 *	traffic hold ADDR PORT CA NAME COUNT
 *
 * A camera says how many bytes it sends and how many it wants (two 64-bit
 * numbers), sends, and reads.  load prints "OK FAILED SECONDS"; hold opens all,
 * prints "OK FAILED", and closes them when its input ends.  No session is ever
 * resumed, so each connection costs its whole handshake.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 64 << 10, THREADS_MAX = 256, BACKLOG = 4096, STACK = 256 << 10 };

struct job {
	struct sockaddr_in addr;
	SSL_CTX *ctx;
	const char *name;
	uint64_t up, down;
	atomic_long left, ok, failed;
};

static _Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

static bool
write_all(SSL *ssl, const void *data, size_t size)
{
	return size == 0 || SSL_write(ssl, data, (int)size) == (int)size;
}

static bool
read_all(SSL *ssl, void *data, size_t size)
{
	for (size_t got = 0; got < size;) {
		int n = SSL_read(ssl, (char *)data + got, (int)(size - got));

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

/* Take or give count bytes in chunks. */
static bool
move_bytes(SSL *ssl, uint64_t count, bool out)
{
	char chunk[CHUNK];

	memset(chunk, 'x', sizeof(chunk));
	while (count > 0) {
		size_t size = count < sizeof(chunk) ? (size_t)count : sizeof(chunk);

		if (!(out ? write_all(ssl, chunk, size) : read_all(ssl, chunk, size)))
			return false;
		count -= size;
	}
	return true;
}

/* ---- the origin ---- */

static void *
serve(void *arg)
{
	SSL *ssl = arg;
	uint64_t want[2];
	int fd = SSL_get_fd(ssl);
	char rest[16];

	if (SSL_accept(ssl) == 1 && read_all(ssl, want, sizeof(want)) &&
	    move_bytes(ssl, be64toh(want[0]), false) && move_bytes(ssl, be64toh(want[1]), true)) {
		(void)SSL_read(ssl, rest, sizeof(rest)); /* until the camera closes */
		(void)SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

static _Noreturn void
accept_forever(int listener, SSL_CTX *ctx)
{
	pthread_attr_t attr;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK);
	for (;;) {
		int fd = accept(listener, NULL, NULL), one = 1;
		pthread_t thread;
		SSL *ssl;

		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		ssl = SSL_new(ctx);
		if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
		    pthread_create(&thread, &attr, serve, ssl) != 0)
			die("a connection");
	}
}

static _Noreturn void
run_origin(const struct sockaddr_in *addr, const char *chain, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die(chain);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listener < 0 || bind(listener, (const struct sockaddr *)addr, sizeof(*addr)) != 0 ||
	    listen(listener, BACKLOG) != 0)
		die("listen");
	accept_forever(listener, ctx);
}

/* ---- the cameras ---- */

/* One connection, with its exchange done; NULL when it failed. */
static SSL *
open_one(const struct job *job)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	uint64_t want[2] = {htobe64(job->up), htobe64(job->down)};
	SSL *ssl = SSL_new(job->ctx);

	if (fd < 0 || ssl == NULL)
		die("socket");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&job->addr, sizeof(job->addr)) == 0 &&
	    SSL_set_fd(ssl, fd) == 1 && SSL_set_tlsext_host_name(ssl, job->name) == 1 &&
	    SSL_set1_host(ssl, job->name) == 1 && SSL_connect(ssl) == 1 &&
	    write_all(ssl, want, sizeof(want)) && move_bytes(ssl, job->up, true) &&
	    move_bytes(ssl, job->down, false))
		return ssl;
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

static void
close_one(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	(void)close(fd);
}

static void *
work(void *arg)
{
	struct job *job = arg;

	while (atomic_fetch_sub(&job->left, 1) > 0) {
		SSL *ssl = open_one(job);

		if (ssl == NULL) {
			atomic_fetch_add(&job->failed, 1);
			continue;
		}
		close_one(ssl);
		atomic_fetch_add(&job->ok, 1);
	}
	ERR_clear_error();
	return NULL;
}

static void
run_load(struct job *job, long count, long threads)
{
	pthread_t thread[THREADS_MAX];
	struct timespec start, end;

	if (threads < 1 || threads > THREADS_MAX)
		die("THREADS");
	atomic_store(&job->left, count);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, work, job) != 0)
			die("a thread");
	for (long i = 0; i < threads; i++)
		(void)pthread_join(thread[i], NULL);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%ld %ld %.3f\n", atomic_load(&job->ok), atomic_load(&job->failed),
	    (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
}

static void
run_hold(struct job *job, long count)
{
	SSL **held = calloc((size_t)count, sizeof(*held));
	long ok = 0;

	if (held == NULL)
		die("memory");
	for (long i = 0; i < count; i++) {
		held[i] = open_one(job);
		ok += held[i] != NULL;
	}
	printf("%ld %ld\n", ok, count - ok);
	(void)fflush(stdout);
	while (getchar() != EOF)
		;
	for (long i = 0; i < count; i++)
		if (held[i] != NULL)
			close_one(held[i]);
	free(held);
}

static long
number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < 0)
		die(text);
	return value;
}

int
main(int argc, char **argv)
{
	struct job job = {.up = 16, .down = 16};

	if (argc < 6) {
		(void)fprintf(stderr, "usage: see the head of traffic.c\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	job.addr = (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)number(argv[3]))};
	if (inet_pton(AF_INET, argv[2], &job.addr.sin_addr) != 1)
		die(argv[2]);
	if (strcmp(argv[1], "origin") == 0)
		run_origin(&job.addr, argv[4], argv[5]);
	job.name = argv[5];
	job.ctx = SSL_CTX_new(TLS_client_method());
	if (job.ctx == NULL || SSL_CTX_load_verify_locations(job.ctx, argv[4], NULL) != 1)
		die(argv[4]);
	SSL_CTX_set_verify(job.ctx, SSL_VERIFY_PEER, NULL);
	if (strcmp(argv[1], "load") == 0 && argc == 10) {
		job.up = (uint64_t)number(argv[8]);
		job.down = (uint64_t)number(argv[9]);
		run_load(&job, number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[1], "hold") == 0 && argc == 7) {
		run_hold(&job, number(argv[6]));
	} else {
		errno = EINVAL;
		die("arguments");
	}
	SSL_CTX_free(job.ctx);
	return 0;
}
