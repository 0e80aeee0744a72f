/* SPDX-License-Identifier: MIT */
#include "tests/bench/traffic.h"

#include <endian.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS_MAX = 1024,
	NS_A_SECOND = 1000000000,
	DELAY_PAUSE_US = 2000,
};

/* The socket of connection number n, at one of the cameras' addresses. */
int
camera_socket(const struct job *job, long number)
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
	int fd = camera_socket(job, number);
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
	    payload_write(ssl, want, sizeof(want)) && payload_give(ssl, job->up & ~SLOW_BIT) &&
	    payload_take(ssl, job->down, slowly))
		return ssl;
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

void
camera_close(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	(void)SSL_shutdown(ssl);
	SSL_free(ssl);
	(void)close(fd);
}

/* Until the next connection of a flood may begin. */
static void
keep_pace(struct job *job)
{
	struct timespec at = job->began;
	uint64_t after_ns;

	if (job->per_s == 0)
		return;
	after_ns = (uint64_t)atomic_fetch_add(&job->paced, 1) * NS_A_SECOND / job->per_s +
		   (uint64_t)at.tv_nsec;
	at.tv_sec += (time_t)(after_ns / NS_A_SECOND);
	at.tv_nsec = (long)(after_ns % NS_A_SECOND);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void *
work(void *arg)
{
	struct job *job = arg;

	while (atomic_fetch_sub(&job->left, 1) > 0) {
		keep_pace(job);
		SSL *ssl = open_one(job);

		if (ssl == NULL) {
			atomic_fetch_add(&job->failed, 1);
			continue;
		}
		if (job->held != NULL) {
			job->held[atomic_fetch_add(&job->ok, 1)] = ssl;
			continue;
		}
		camera_close(ssl);
		atomic_fetch_add(&job->ok, 1);
	}
	ERR_clear_error();
	return NULL;
}

static pthread_t thread[THREADS_MAX];

static void
begin(struct job *job, long count, long threads)
{
	if (threads < 1 || threads > THREADS_MAX)
		die("THREADS");
	atomic_store(&job->left, count);
	(void)clock_gettime(CLOCK_MONOTONIC, &job->began);
	for (long i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, work, job) != 0)
			die("a thread");
}

static void
tell(const struct job *job)
{
	struct timespec end;

	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%ld %ld %.3f\n", atomic_load(&job->ok), atomic_load(&job->failed),
	    (double)(end.tv_sec - job->began.tv_sec) +
		(double)(end.tv_nsec - job->began.tv_nsec) / 1e9);
	(void)fflush(stdout);
}

void
camera_load(struct job *job, long count, long threads)
{
	begin(job, count, threads);
	for (long i = 0; i < threads; i++)
		(void)pthread_join(thread[i], NULL);
	tell(job);
}

/* What is under way as it ends is not waited for. */
_Noreturn void
camera_flood(struct job *job, long threads, long per_s)
{
	job->per_s = (uint64_t)per_s;
	begin(job, LONG_MAX, threads);
	while (getchar() != EOF)
		tell(job);
	_exit(0);
}

void
camera_hold(struct job *job, long count, long threads)
{
	job->held = calloc((size_t)count, sizeof(*job->held));
	if (job->held == NULL)
		die("memory");
	camera_load(job, count, threads);
	while (getchar() != EOF)
		;
	for (long i = 0; i < atomic_load(&job->ok); i++)
		camera_close(job->held[i]);
	free(job->held);
}

static int
compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return (one > other) - (one < other);
}

void
camera_delay(struct job *job, long count)
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
		camera_close(ssl);
		took[i] = (uint64_t)((end.tv_sec - start.tv_sec) * 1000000 +
				     (end.tv_nsec - start.tv_nsec) / 1000);
		(void)nanosleep(&pause, NULL);
	}
	qsort(took, (size_t)count, sizeof(*took), compare);
	printf("%lu %lu\n", (unsigned long)took[count / 2], (unsigned long)took[count * 99 / 100]);
	free(took);
}
