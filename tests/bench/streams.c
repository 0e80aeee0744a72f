/* SPDX-License-Identifier: MIT */
#include "inspect/inspection.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * bench_streams [MIB]
 *
 * What observing a conversation costs, its meter with it: nanoseconds of CPU per
 * byte on bulk (MIB mebibytes of random bytes, 256 without it, in pieces of 16 KiB
 * as the relay gives them; behind a front that tells what they are, where one is
 * named) in each protocol's own framing, and nanoseconds per
 * small request with its answer, and per conversation of one.  Medians of rounds.
 */
enum { PIECE = 16384, POOL = 16 << 20, ROUNDS = 5, REQUESTS = 20000 };

static uint8_t *pool, *framed;
static struct app_facts app;
static struct payload_facts payload;

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

static void
up(struct inspection *inspection, const void *at, size_t size)
{
	(void)inspection_feed(inspection, DIRECTION_UP, (struct bytes){at, size}, &app, &payload);
}

static void
down(struct inspection *inspection, const void *at, size_t size)
{
	(void)inspection_feed(inspection, DIRECTION_DOWN, (struct bytes){at, size}, &app, &payload);
}

static struct inspection *
begin(const char *alpn)
{
	memset(&app, 0, sizeof(app));
	memset(&payload, 0, sizeof(payload));
	return inspection_open(&(struct inspection_about){.port = 443, .alpn = alpn});
}

static void
end(struct inspection *inspection)
{
	inspection_end(inspection, DIRECTION_UP, &app, &payload);
	inspection_end(inspection, DIRECTION_DOWN, &app, &payload);
	inspection_close(inspection);
}

/* How the pool is framed: what stands before each `unit` bytes of it. */
struct framing {
	const char *what, *alpn;
	const char *open, *answer;
	size_t open_size, answer_size;
	const char *head;
	size_t head_size, unit;
	const char *tail;
	enum app_proto proto;
};

#define WEBSOCKET_OPEN "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
#define WEBSOCKET_ANSWER "HTTP/1.1 101 Go\r\n\r\n"
#define MQTT_OPEN "\x10\x0e\0\4MQTT\4\2\0\x3c\0\2c1"
#define H264_FRONT "\0\0\0\1\x67\x42\xc0\x1e\xda\x02\x80\xbf\xe5\x84"
#define JPEG_FRONT "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0"

static const struct framing framings[] = {
    {.what = "unknown, raw",
	.open = "\xfa\xce",
	.open_size = 2,
	.unit = POOL,
	.proto = APP_UNKNOWN},
    {.what = "HTTP/1, a length",
	.open = "PUT / HTTP/1.1\r\nContent-Length: 4000000000000\r\n\r\n",
	.open_size = 49,
	.unit = POOL,
	.proto = APP_HTTP},
    {.what = "HTTP/1, chunks of 16 KiB",
	.open = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	.open_size = 46,
	.head = "4000\r\n",
	.head_size = 6,
	.unit = 16384,
	.tail = "\r\n",
	.proto = APP_HTTP},
    {.what = "HTTP/2, frames of 16 KiB",
	.alpn = "h2",
	.open = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\2\1\4\0\0\0\1\x83\x87",
	.open_size = 24 + 9 + 11,
	.head = "\0\x40\0\0\0\0\0\0\1",
	.head_size = 9,
	.unit = 16384,
	.proto = APP_HTTP2},
    {.what = "WebSocket, random, 4 KiB each",
	.open = WEBSOCKET_OPEN,
	.open_size = sizeof(WEBSOCKET_OPEN) - 1,
	.answer = WEBSOCKET_ANSWER,
	.answer_size = sizeof(WEBSOCKET_ANSWER) - 1,
	.head = "\x82\xfe\x10\0abcd",
	.head_size = 8,
	.unit = 4096,
	.proto = APP_WEBSOCKET},
    {.what = "WebSocket, random, 64 KiB each",
	.open = WEBSOCKET_OPEN,
	.open_size = sizeof(WEBSOCKET_OPEN) - 1,
	.answer = WEBSOCKET_ANSWER,
	.answer_size = sizeof(WEBSOCKET_ANSWER) - 1,
	.head = "\x82\xff\0\0\0\0\0\1\0\0abcd",
	.head_size = 14,
	.unit = 65536,
	.proto = APP_WEBSOCKET},
    {.what = "WebSocket, H.264, 64 KiB each",
	.open = WEBSOCKET_OPEN,
	.open_size = sizeof(WEBSOCKET_OPEN) - 1,
	.answer = WEBSOCKET_ANSWER,
	.answer_size = sizeof(WEBSOCKET_ANSWER) - 1,
	.head = "\x82\xff\0\0\0\0\0\1\0\x0e\0\0\0\0" H264_FRONT,
	.head_size = 14 + 14,
	.unit = 65536,
	.proto = APP_WEBSOCKET},
    {.what = "MQTT, random, 1 KiB each",
	.open = MQTT_OPEN,
	.open_size = sizeof(MQTT_OPEN) - 1,
	.head = "\x30\x83\x08\0\1t",
	.head_size = 6,
	.unit = 1024,
	.proto = APP_MQTT},
    {.what = "MQTT, random, 64 KiB each",
	.open = MQTT_OPEN,
	.open_size = sizeof(MQTT_OPEN) - 1,
	.head = "\x30\x83\x80\x04\0\1t",
	.head_size = 7,
	.unit = 65536,
	.proto = APP_MQTT},
    {.what = "MQTT, JPEG, 64 KiB each",
	.open = MQTT_OPEN,
	.open_size = sizeof(MQTT_OPEN) - 1,
	.head = "\x30\x91\x80\x04\0\1t" JPEG_FRONT,
	.head_size = 7 + 14,
	.unit = 65536,
	.proto = APP_MQTT},
    {.what = "RTSP, frames of 1,400 bytes",
	.open = "RECORD rtsp://a/b RTSP/1.0\r\n\r\n",
	.open_size = 30,
	.head = "$\0\5\x78",
	.head_size = 4,
	.unit = 1400,
	.proto = APP_RTSP},
};

/* Lay the pool out in frames; returns how many bytes they are. */
static size_t
lay_out(const struct framing *framing)
{
	size_t used = 0;

	for (size_t at = 0; at + framing->unit <= POOL; at += framing->unit) {
		if (framing->head_size > 0)
			memcpy(framed + used, framing->head, framing->head_size);
		used += framing->head_size;
		memcpy(framed + used, pool + at, framing->unit);
		used += framing->unit;
		if (framing->tail != NULL)
			memcpy(framed + used, framing->tail, strlen(framing->tail));
		used += framing->tail != NULL ? strlen(framing->tail) : 0;
	}
	return used;
}

static double
bulk(const struct framing *framing, size_t size, size_t mebibytes)
{
	struct inspection *inspection = begin(framing->alpn);
	double before;

	up(inspection, framing->open, framing->open_size);
	if (framing->answer != NULL)
		down(inspection, framing->answer, framing->answer_size);
	before = cpu_ns();
	for (size_t left = mebibytes << 20; left > 0;)
		for (size_t at = 0; at < size && left > 0;) {
			size_t count = PIECE;

			if (count > size - at)
				count = size - at;
			if (count > left)
				count = left;
			up(inspection, framed + at, count);
			at += count;
			left -= count;
		}
	before = (cpu_ns() - before) / (double)(mebibytes << 20);
	if (framing->proto != app.proto || app.confused)
		printf("%s was not followed\n", framing->what);
	end(inspection);
	return before;
}

static double
requests(bool one_each)
{
	static const char request[] =
	    "POST /event/7?x=1 HTTP/1.1\r\nHost: cloud.cameras.example\r\nUser-Agent: cam/1.2\r\n"
	    "Authorization: Bearer abcdefghijklmnop\r\nContent-Type: application/json\r\n"
	    "Content-Length: 33\r\n\r\n{\"motion\":true,\"time\":1700000000}\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				     "Content-Length: 2\r\n\r\n{}";
	struct inspection *inspection = one_each ? NULL : begin(NULL);
	double before = cpu_ns();

	for (int i = 0; i < REQUESTS; i++) {
		if (one_each)
			inspection = begin(NULL);
		up(inspection, request, sizeof(request) - 1);
		down(inspection, answer, sizeof(answer) - 1);
		if (one_each)
			end(inspection);
	}
	before = (cpu_ns() - before) / REQUESTS;
	if (app.confused || app.proto != APP_HTTP)
		printf("the requests were not followed\n");
	if (!one_each)
		end(inspection);
	return before;
}

static double
median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

static void
print_bulk(const struct framing *framing, size_t mebibytes)
{
	double values[ROUNDS];
	size_t size = lay_out(framing);

	for (int i = 0; i < ROUNDS; i++)
		values[i] = bulk(framing, size, mebibytes);
	printf("%-44s %8.4f ns/byte\n", framing->what, median(values));
}

static void
print_requests(const char *what, bool one_each)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		values[i] = requests(one_each);
	printf("%-44s %8.0f ns\n", what, median(values));
}

int
main(int argc, char **argv)
{
	size_t mebibytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 256;
	uint64_t x = 88172645463325252ULL;

	pool = malloc(POOL);
	framed = malloc(POOL + POOL / 32);
	if (pool == NULL || framed == NULL || mebibytes == 0)
		return 1;
	for (size_t at = 0; at < POOL; at += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(pool + at, &x, 8);
	}
	for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++)
		print_bulk(&framings[i], mebibytes);
	print_requests("a small request and its answer", false);
	print_requests("a conversation of one", true);
	free(pool);
	free(framed);
	return 0;
}
