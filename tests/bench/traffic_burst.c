/* SPDX-License-Identifier: MIT */
#include "tests/bench/traffic.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

	memcpy(&ask[2], payload_pattern, 16);
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
		camera_close(cameras[i].ssl);
	}
}

void
burst_run(struct job *job, long count)
{
	struct camera *cameras = calloc((size_t)count, sizeof(*cameras));
	struct pollfd *polled = calloc((size_t)count, sizeof(*polled));
	struct timespec start, end;

	if (cameras == NULL || polled == NULL)
		die("memory");
	atomic_store(&job->left, count);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < count; i++) {
		int fd = camera_socket(job, i);

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
