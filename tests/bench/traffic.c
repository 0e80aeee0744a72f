/* SPDX-License-Identifier: MIT */
/*
 * What the bench measures with: an origin and cameras, over TLS.
 *
 *	traffic origin ADDR PORT CHAIN KEY [tickets|mint]
 *	traffic load ADDR PORT CA NAME COUNT THREADS UP DOWN
 *	traffic slow ADDR PORT CA NAME COUNT THREADS UP DOWN
 *	traffic hold ADDR PORT CA NAME COUNT THREADS
 *	traffic flood ADDR PORT CA NAME THREADS PER_S
 *	traffic burst ADDR PORT CA NAME COUNT
 *	traffic delay ADDR PORT CA NAME COUNT
 *
 * A camera says how many bytes it sends and how many it wants (two 64-bit
 * numbers), sends, and reads; the bytes are a pattern, which the reader
 * compares.  load prints "OK FAILED SECONDS"; slow does the same with a reader
 * that rests, on both sides; hold opens all, prints "OK FAILED SECONDS", and
 * closes them when its input ends; flood goes on until then, at most PER_S a
 * second (0: as fast as it can), and prints the same for each byte of its input;
 * burst does all at once; delay opens one after the other and prints the
 * microseconds to the first byte, "P50 P99".
 *
 * %d in NAME is the connection's number.  A camera resumes nothing; the origin
 * gives tickets only with `tickets`.  With `mint` CHAIN and KEY are an
 * authority's, and each name gets a certificate of its own.  CAMERAS in the
 * environment, "192.168.77.10 32": so many addresses from there, in turn; TLS
 * there, "1.2": the newest version that a camera speaks.
 */
#include "tests/bench/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
die(const char *what)
{
	(void)fprintf(stderr, "traffic: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
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

static void
limit_version(SSL_CTX *ctx)
{
	const char *text = getenv("TLS");

	if (text == NULL)
		return;
	if (strcmp(text, "1.2") != 0 || SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) != 1)
		die("TLS");
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
	payload_begin();
	if (strcmp(argv[1], "origin") == 0)
		origin_run(&job.addr, argv[4], argv[5], argc > 6 ? argv[6] : "");
	read_cameras(&job);
	job.name = argv[5];
	job.ctx = SSL_CTX_new(TLS_client_method());
	if (job.ctx == NULL || SSL_CTX_load_verify_locations(job.ctx, argv[4], NULL) != 1)
		die(argv[4]);
	SSL_CTX_set_verify(job.ctx, SSL_VERIFY_PEER, NULL);
	limit_version(job.ctx);
	slow = strcmp(argv[1], "slow") == 0;
	if ((slow || strcmp(argv[1], "load") == 0) && argc == 10) {
		job.up = (uint64_t)number(argv[8]) | (slow ? SLOW_BIT : 0);
		job.down = (uint64_t)number(argv[9]);
		camera_load(&job, number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[1], "hold") == 0 && argc == 8) {
		camera_hold(&job, number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[1], "flood") == 0 && argc == 8) {
		camera_flood(&job, number(argv[6]), number(argv[7]));
	} else if (strcmp(argv[1], "burst") == 0 && argc == 7) {
		burst_run(&job, number(argv[6]));
	} else if (strcmp(argv[1], "delay") == 0 && argc == 7) {
		camera_delay(&job, number(argv[6]));
	} else {
		errno = EINVAL;
		die("arguments");
	}
	SSL_CTX_free(job.ctx);
	return 0;
}
