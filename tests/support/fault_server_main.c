/* SPDX-License-Identifier: MIT */
#include "tests/support/faults.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * fault_server ADDRESS PORT TIMES DIRECTORY
 *
 * Serves every fault (faults.h) on a port of its own, from PORT on; TIMES times
 * over, 1,000 ports apart.  Writes roots.pem and lists.pem into DIRECTORY and
 * the faults' names to stdout, one a line, then "ready".  When its stdin ends
 * it says how many bytes of cameras each fault received, and ends.
 */
enum { FAULTS_MAX = 128, TIMES_MAX = 4, APART = 1000 };

struct listener {
	int fd;
	const struct fault *fault;
	SSL_CTX *ctx;
	_Atomic size_t received;
};

static struct listener listeners[FAULTS_MAX * TIMES_MAX];

struct visit {
	struct listener *listener;
	int fd;
};

static void
need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static int
listen_at(const char *address, unsigned port)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	need(fd >= 0 && inet_pton(AF_INET, address, &name.sin_addr) == 1, address);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	need(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, 16) == 0, "bind");
	return fd;
}

static void *
serve(void *arg)
{
	struct visit *visit = arg;

	visit->listener->received +=
	    fault_serve(visit->listener->fault, visit->listener->ctx, visit->fd);
	(void)close(visit->fd);
	free(visit);
	return NULL;
}

static void
accept_one(struct listener *listener)
{
	const struct timeval patience = {.tv_sec = 10};
	struct visit *visit = malloc(sizeof(*visit));
	pthread_t thread;

	need(visit != NULL, "no memory");
	visit->listener = listener;
	visit->fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (visit->fd < 0) {
		free(visit);
		return;
	}
	(void)setsockopt(visit->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	need(pthread_create(&thread, NULL, serve, visit) == 0, "thread");
	(void)pthread_detach(thread);
}

static void
run(size_t count)
{
	static struct pollfd fds[FAULTS_MAX * TIMES_MAX + 1];

	for (size_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
	fds[count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	while (fds[count].revents == 0) {
		need(poll(fds, count + 1, -1) > 0, "poll");
		for (size_t i = 0; i < count; i++) {
			if (fds[i].revents != 0)
				accept_one(&listeners[i]);
		}
	}
}

static void
write_files(const struct faults_pki *pki, const char *directory)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/roots.pem", directory);
	file = fopen(path, "w");
	need(file != NULL && PEM_write_X509(file, pki->root.cert) == 1 && fclose(file) == 0, path);
	(void)snprintf(path, sizeof(path), "%s/lists.pem", directory);
	faults_write_lists(pki, path);
}

int
main(int argc, char **argv)
{
	static struct faults_pki pki;
	size_t times = argc == 5 ? strtoul(argv[3], NULL, 10) : 0, count = 0;

	if (times < 1 || times > TIMES_MAX || faults_count > FAULTS_MAX) {
		(void)fprintf(stderr, "usage: fault_server ADDRESS PORT TIMES DIRECTORY\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	faults_pki_make(&pki);
	write_files(&pki, argv[4]);
	for (size_t i = 0; i < faults_count; i++) {
		SSL_CTX *ctx = faults[i].make == NULL ? NULL : faults[i].make(&pki);

		for (size_t j = 0; j < times; j++) {
			unsigned port = (unsigned)(strtoul(argv[2], NULL, 10) + i + j * APART);
			struct listener *listener = &listeners[count++];

			listener->fd = listen_at(argv[1], port);
			listener->fault = &faults[i];
			listener->ctx = ctx;
		}
		(void)printf("%s\n", faults[i].name);
	}
	(void)puts("ready");
	(void)fflush(stdout);
	run(count);
	for (size_t i = 0; i < count; i++)
		(void)printf("%s %zu %zu\n", listeners[i].fault->name, i % times,
		    (size_t)listeners[i].received);
	return 0;
}
