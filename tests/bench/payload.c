/* SPDX-License-Identifier: MIT */
#include "inspect/payload.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * bench_payload [MIB]
 *
 * What metering costs: nanoseconds of CPU per byte on bulk (messages of MIB
 * mebibytes, 64 without it, in pieces of 64 KiB as the relay gives them), of
 * several kinds, and nanoseconds per message of a few hundred bytes.  Prints the
 * median of rounds.
 */
enum { PIECE = 65536, POOL = 16 << 20, ROUNDS = 5, MESSAGES = 20000 };

static uint8_t *pool;

static double
cpu_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

/* One message whose first bytes are `front`, and whose others are random. */
static double
bulk(const char *front, size_t front_size, const char *type, size_t mebibytes)
{
	struct payload_meter *meter = payload_open(7);
	struct payload_facts facts = {0};
	struct payload_hint hint = {.type = type};
	double begin;

	memcpy(pool, front, front_size);
	begin = cpu_ns();
	payload_begin(meter, DIRECTION_UP, &hint, &facts);
	for (size_t at = 0; at < mebibytes << 20; at += PIECE)
		payload_feed(meter, DIRECTION_UP, (struct bytes){pool + at % POOL, PIECE}, &facts);
	payload_end(meter, DIRECTION_UP, &facts);
	begin = (cpu_ns() - begin) / (double)(mebibytes << 20);
	payload_free(meter);
	return begin;
}

static double
messages(const void *bytes, size_t size, const struct payload_hint *hint)
{
	struct payload_meter *meter = payload_open(7);
	struct payload_facts facts = {0};
	double begin = cpu_ns();

	for (int i = 0; i < MESSAGES; i++) {
		payload_begin(meter, DIRECTION_UP, hint, &facts);
		payload_feed(meter, DIRECTION_UP, (struct bytes){bytes, size}, &facts);
		payload_end(meter, DIRECTION_UP, &facts);
	}
	begin = (cpu_ns() - begin) / MESSAGES;
	payload_free(meter);
	return begin;
}

static void
print_bulk(const char *what, const char *front, size_t size, const char *type, size_t mebibytes)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = bulk(front, size, type, mebibytes);
	printf("%-44s %8.4f ns/byte\n", what, median(values));
}

static void
print_messages(const char *what, const void *bytes, size_t size, const struct payload_hint *hint)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = messages(bytes, size, hint);
	printf("%-44s %8.0f ns/message, %.3f ns/byte\n", what, median(values),
	    median(values) / (double)size);
}

int
main(int argc, char **argv)
{
	static const char json[] = "{\"device\":\"cam-7\",\"time\":1700000000,\"state\":\"ok\","
				   "\"temperature\":41.5,\"uptime\":86400,\"rssi\":-61}";
	static const char jpeg[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1";
	static const char part[] =
	    "--b\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\0\x10JFIF";
	static const char sps[] = "\0\0\0\1\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\x84";
	size_t mebibytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
	struct payload_hint rtp = {.codec = "H264", .framing = PAYLOAD_RTP};
	uint8_t packet[1400] = {0x80, 96, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 0x7c, 0x85};
	uint64_t x = 88172645463325252ULL;

	pool = malloc(POOL);
	if (pool == NULL || mebibytes == 0)
		return 1;
	for (size_t at = 0; at < POOL; at += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(pool + at, &x, sizeof(x));
	}
	print_bulk("bulk, random", "", 0, NULL, mebibytes);
	print_bulk("bulk, H.264", sps, sizeof(sps) - 1, NULL, mebibytes);
	print_bulk("bulk, a JPEG (watched for the next)", jpeg, sizeof(jpeg) - 1, NULL, mebibytes);
	print_bulk("bulk, multipart", part, sizeof(part) - 1,
	    "multipart/x-mixed-replace; boundary=b", mebibytes);
	print_messages("JSON of a status", json, sizeof(json) - 1, NULL);
	print_messages("RTP, 1,400 bytes", packet, sizeof(packet), &rtp);
	print_messages("random, 16 KiB", pool + 65536, 16384, NULL);
	print_messages("random, 200 bytes", pool + 65536, 200, NULL);
	free(pool);
	return 0;
}
