/* SPDX-License-Identifier: MIT */
/*
 * What the bench measures with: an origin and cameras, over TLS.
 *
 *	traffic origin ADDR PORT CHAIN KEY [tickets|mint]
 *	traffic load ADDR PORT CA NAME COUNT THREADS UP DOWN
 *	traffic slow ADDR PORT CA NAME COUNT THREADS UP DOWN
 *	traffic hold ADDR PORT CA NAME COUNT THREADS
 *	traffic burst ADDR PORT CA NAME COUNT
 *	traffic delay ADDR PORT CA NAME COUNT
 *
 * A camera says how many bytes it sends and how many it wants (two 64-bit
 * numbers), sends, and reads; the bytes are a pattern, which the reader
 * compares.  load prints "OK FAILED SECONDS"; slow does the same with a reader
 * that rests, on both sides; hold opens all, prints "OK FAILED SECONDS", and
 * closes them when its input ends; burst does all at once; delay opens one after the other and
 *prints the microseconds to the first byte, "P50 P99".
 *
 * %d in NAME is the connection's number.  A camera resumes nothing; the origin
 * gives tickets only with `tickets`.  With `mint` CHAIN and KEY are an
 * authority's, and each name gets a certificate of its own.  CAMERAS in the
 * environment, "192.168.77.10 32": so many addresses from there, in turn.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
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

enum {
	CHUNK = 64 << 10,
	THREADS_MAX = 1024,
	BACKLOG = 4096,
	STACK = 256 << 10,
	PERIOD = 251,         /* of the pattern */
	REST_EVERY = 8 << 20, /* bytes between two rests */
	REST_MS = 20,
	DELAY_PAUSE_US = 2000,
	NAME_MAX_BYTES = 256,
	HOURS = 3600,
};
#define SLOW_BIT (UINT64_C(1) << 62) /* in a count of bytes: whoever reads them rests */

struct job {
	struct sockaddr_in addr;
	SSL_CTX *ctx;
	const char *name;
	uint64_t up, down;
	atomic_long left, ok, failed, number;
	struct in_addr camera; /* the first; 0: whatever the kernel takes */
	unsigned long cameras;
	SSL **held; /* of hold */
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

static char pattern[CHUNK + PERIOD];

static void
make_pattern(void)
{
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i % PERIOD);
}

static bool
give(SSL *ssl, uint64_t count)
{
	for (uint64_t at = 0; at < count;) {
		size_t size = count - at < CHUNK ? (size_t)(count - at) : CHUNK;

		if (!write_all(ssl, pattern + at % PERIOD, size))
			return false;
		at += size;
	}
	return true;
}

static bool
take(SSL *ssl, uint64_t count, bool slowly)
{
	const struct timespec rest = {.tv_nsec = REST_MS * 1000000L};
	char chunk[CHUNK];
	uint64_t next_rest = REST_EVERY;

	for (uint64_t at = 0; at < count;) {
		size_t size = count - at < CHUNK ? (size_t)(count - at) : CHUNK;

		if (!read_all(ssl, chunk, size) || memcmp(chunk, pattern + at % PERIOD, size) != 0)
			return false;
		at += size;
		if (slowly && at >= next_rest) {
			next_rest += REST_EVERY;
			(void)nanosleep(&rest, NULL);
		}
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
	    take(ssl, be64toh(want[0]) & ~SLOW_BIT, (be64toh(want[0]) & SLOW_BIT) != 0) &&
	    give(ssl, be64toh(want[1]))) {
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

/* ---- a certificate of its own for each name ---- */

struct authority {
	X509 *cert;
	EVP_PKEY *key, *leaf_key;
	pthread_mutex_t lock; /* of OpenSSL's objects above */
};

static bool
add_text(X509 *cert, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static X509 *
mint(struct authority *authority, const char *name)
{
	char names[NAME_MAX_BYTES + 8];
	X509 *cert = X509_new();
	X509_NAME *subject = X509_NAME_new();

	(void)snprintf(names, sizeof(names), "DNS:%s", name);
	if (cert == NULL || subject == NULL || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
		(uint64_t)time(NULL) << 20 | (uint64_t)random() % (1 << 20)) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(cert), -HOURS) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(cert), 24L * HOURS) == NULL ||
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
		-1, -1, 0) != 1 ||
	    X509_set_subject_name(cert, subject) != 1 ||
	    X509_set_issuer_name(cert, X509_get_subject_name(authority->cert)) != 1 ||
	    X509_set_pubkey(cert, authority->leaf_key) != 1 ||
	    !add_text(cert, authority->cert, NID_subject_alt_name, names) ||
	    !add_text(cert, authority->cert, NID_ext_key_usage, "serverAuth") ||
	    !add_text(cert, authority->cert, NID_key_usage, "critical,digitalSignature") ||
	    !add_text(cert, authority->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_text(cert, authority->cert, NID_authority_key_identifier, "keyid") ||
	    X509_sign(cert, authority->key, EVP_sha256()) == 0)
		die("a certificate");
	X509_NAME_free(subject);
	return cert;
}

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct authority *authority = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *cert;
	int used;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)pthread_mutex_lock(&authority->lock);
	cert = mint(authority, name);
	(void)pthread_mutex_unlock(&authority->lock);
	used = SSL_use_certificate(ssl, cert) == 1 &&
	       SSL_use_PrivateKey(ssl, authority->leaf_key) == 1;
	X509_free(cert);
	return used != 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
mint_for_names(SSL_CTX *ctx)
{
	static struct authority authority = {.lock = PTHREAD_MUTEX_INITIALIZER};

	authority.cert = SSL_CTX_get0_certificate(ctx);
	authority.key = SSL_CTX_get0_privatekey(ctx);
	authority.leaf_key = EVP_EC_gen("P-256");
	if (authority.leaf_key == NULL)
		die("a key");
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, &authority);
}

static _Noreturn void
run_origin(const struct sockaddr_in *addr, const char *chain, const char *key, const char *how)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die(chain);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (strcmp(how, "tickets") != 0) {
		(void)SSL_CTX_set_num_tickets(ctx, 0);
		(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	}
	if (strcmp(how, "mint") == 0)
		mint_for_names(ctx);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listener < 0 || bind(listener, (const struct sockaddr *)addr, sizeof(*addr)) != 0 ||
	    listen(listener, BACKLOG) != 0)
		die("listen");
	accept_forever(listener, ctx);
}

/* ---- the cameras ---- */

/* The socket of connection number n, at one of the cameras' addresses. */
static int
open_socket(const struct job *job, long number)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in from = {.sin_family = AF_INET};

	if (fd < 0)
		die("socket");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (job->cameras == 0)
		return fd;
	from.sin_addr.s_addr =
	    htonl(ntohl(job->camera.s_addr) + (uint32_t)((unsigned long)number % job->cameras));
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
		die("CAMERAS");
	return fd;
}

static void
write_name(const struct job *job, long number, char name[NAME_MAX_BYTES])
{
	const char *sign = strstr(job->name, "%d");

	if (sign == NULL)
		(void)snprintf(name, NAME_MAX_BYTES, "%s", job->name);
	else
		(void)snprintf(name, NAME_MAX_BYTES, "%.*s%ld%s", (int)(sign - job->name),
		    job->name, number, sign + 2);
}

/* One connection, with its exchange done; NULL when it failed. */
static SSL *
open_one(struct job *job)
{
	long number = atomic_fetch_add(&job->number, 1);
	int fd = open_socket(job, number);
	bool slowly = (job->up & SLOW_BIT) != 0;
	uint64_t want[2] = {htobe64(job->up), htobe64(job->down)};
	SSL *ssl = SSL_new(job->ctx);
	char name[NAME_MAX_BYTES];

	if (ssl == NULL)
		die("memory");
	write_name(job, number, name);
	if (connect(fd, (const struct sockaddr *)&job->addr, sizeof(job->addr)) == 0 &&
	    SSL_set_fd(ssl, fd) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1 &&
	    SSL_set1_host(ssl, name) == 1 && SSL_connect(ssl) == 1 &&
	    write_all(ssl, want, sizeof(want)) && give(ssl, job->up & ~SLOW_BIT) &&
	    take(ssl, job->down, slowly))
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
		if (job->held != NULL) {
			job->held[atomic_fetch_add(&job->ok, 1)] = ssl;
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
	static pthread_t thread[THREADS_MAX];
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
	(void)fflush(stdout);
}

static void
run_hold(struct job *job, long count, long threads)
{
	job->held = calloc((size_t)count, sizeof(*job->held));
	if (job->held == NULL)
		die("memory");
	run_load(job, count, threads);
	while (getchar() != EOF)
		;
	for (long i = 0; i < atomic_load(&job->ok); i++)
		close_one(job->held[i]);
	free(job->held);
}

/* ---- many cameras at once, without a thread for each ---- */

struct camera {
	SSL *ssl;
	int fd;
	enum { CONNECTING = 0, SHAKING, ASKING, HEARING, SERVED, LOST } state;
};

static SSL *
prepare(struct job *job, int fd)
{
	SSL *ssl = SSL_new(job->ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    SSL_set_tlsext_host_name(ssl, job->name) != 1 || SSL_set1_host(ssl, job->name) != 1)
		die("memory");
	SSL_set_connect_state(ssl);
	return ssl;
}

/* As far as it goes now; what it waits for, 0 when it is over. */
static short
step(struct camera *camera)
{
	uint64_t ask[4] = {htobe64(16), htobe64(16)};
	char answer[16];
	int done = 1;

	memcpy(&ask[2], pattern, 16);
	if (camera->state == CONNECTING)
		camera->state = SHAKING;
	if (camera->state == SHAKING && (done = SSL_do_handshake(camera->ssl)) == 1)
		camera->state = ASKING;
	if (camera->state == ASKING && (done = SSL_write(camera->ssl, ask, sizeof(ask))) > 0)
		camera->state = HEARING;
	if (camera->state == HEARING &&
	    (done = SSL_read(camera->ssl, answer, sizeof(answer))) > 0) {
		camera->state = SERVED;
		return 0;
	}
	switch (SSL_get_error(camera->ssl, done)) {
	case SSL_ERROR_WANT_READ:
		return POLLIN;
	case SSL_ERROR_WANT_WRITE:
		return POLLOUT;
	default:
		ERR_clear_error();
		camera->state = LOST;
		return 0;
	}
}

static void
burst_round(struct job *job, struct camera *cameras, struct pollfd *polled, long count)
{
	if (poll(polled, (nfds_t)count, -1) < 0)
		die("poll");
	for (long i = 0; i < count; i++) {
		if (polled[i].fd < 0 || polled[i].revents == 0)
			continue;
		polled[i].events = step(&cameras[i]);
		if (polled[i].events != 0)
			continue;
		polled[i].fd = -1;
		atomic_fetch_sub(&job->left, 1);
		atomic_fetch_add(cameras[i].state == SERVED ? &job->ok : &job->failed, 1);
		close_one(cameras[i].ssl);
	}
}

static void
run_burst(struct job *job, long count)
{
	struct camera *cameras = calloc((size_t)count, sizeof(*cameras));
	struct pollfd *polled = calloc((size_t)count, sizeof(*polled));
	struct timespec start, end;

	if (cameras == NULL || polled == NULL)
		die("memory");
	atomic_store(&job->left, count);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < count; i++) {
		int fd = open_socket(job, i);

		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		if (connect(fd, (const struct sockaddr *)&job->addr, sizeof(job->addr)) != 0 &&
		    errno != EINPROGRESS)
			die("connect");
		cameras[i] = (struct camera){.ssl = prepare(job, fd), .fd = fd};
		polled[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
	}
	while (atomic_load(&job->left) > 0)
		burst_round(job, cameras, polled, count);
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%ld %ld %.3f\n", atomic_load(&job->ok), atomic_load(&job->failed),
	    (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
	free(cameras);
	free(polled);
}

static int
compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

static void
run_delay(struct job *job, long count)
{
	const struct timespec pause = {.tv_nsec = DELAY_PAUSE_US * 1000L};
	uint64_t *took = calloc((size_t)count, sizeof(*took));

	if (took == NULL || count < 1)
		die("COUNT");
	for (long i = 0; i < count; i++) {
		struct timespec start, end;
		SSL *ssl;

		(void)clock_gettime(CLOCK_MONOTONIC, &start);
		ssl = open_one(job);
		(void)clock_gettime(CLOCK_MONOTONIC, &end);
		if (ssl == NULL)
			die("a connection");
		close_one(ssl);
		took[i] = (uint64_t)((end.tv_sec - start.tv_sec) * 1000000 +
				     (end.tv_nsec - start.tv_nsec) / 1000);
		(void)nanosleep(&pause, NULL);
	}
	qsort(took, (size_t)count, sizeof(*took), compare);
	printf("%lu %lu\n", (unsigned long)took[count / 2], (unsigned long)took[count * 99 / 100]);
	free(took);
}

static void
read_cameras(struct job *job)
{
	const char *text = getenv("CAMERAS");
	char address[INET_ADDRSTRLEN];

	if (text == NULL)
		return;
	if (sscanf(text, "%15s %lu", address, &job->cameras) != 2 ||
	    inet_pton(AF_INET, address, &job->camera) != 1)
		die("CAMERAS");
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
	bool slow;

	if (argc < 6) {
		(void)fprintf(stderr, "usage: see the head of traffic.c\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	job.addr = (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)number(argv[3]))};
	if (inet_pton(AF_INET, argv[2], &job.addr.sin_addr) != 1)
		die(argv[2]);
	make_pattern();
	if (strcmp(argv[1], "origin") == 0)
		run_origin(&job.addr, argv[4], argv[5], argc > 6 ? argv[6] : "");
	read_cameras(&job);
	job.name = argv[5];
	job.ctx = SSL_CTX_new(TLS_client_method());
	if (job.ctx == NULL || SSL_CTX_load_verify_locations(job.ctx, argv[4], NULL) != 1)
		die(argv[4]);
	SSL_CTX_set_verify(job.ctx, SSL_VERIFY_PEER, NULL);
	slow = strcmp(argv[1], "slow") == 0;
	if ((slow || strcmp(argv[1], "load") == 0) && argc == 10) {
		job.up = (uint64_t)number(argv[8]) | (slow ? SLOW_BIT : 0);
		job.down = (uint64_t)number(argv[9]);
		run_load(&job, number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[1], "hold") == 0 && argc == 8) {
		run_hold(&job, number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[1], "burst") == 0 && argc == 7) {
		run_burst(&job, number(argv[6]));
	} else if (strcmp(argv[1], "delay") == 0 && argc == 7) {
		run_delay(&job, number(argv[6]));
	} else {
		errno = EINVAL;
		die("arguments");
	}
	SSL_CTX_free(job.ctx);
	return 0;
}
