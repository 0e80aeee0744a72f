/* SPDX-License-Identifier: MIT */
#include "inspect/inspection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * The first byte says what is known of the conversation, then each piece of it
 * has two bytes before it: the high bit says from whom, the rest how long it is.
 */
enum { OPENED = 1, ALPN_H2 = 2, TLS_PASSES = 4 };

struct heard {
	struct app_facts app;
	struct payload_facts payload;
	uint64_t up, down;
};

static void
say(struct inspection *inspection, enum direction direction, struct bytes said, size_t most,
    struct heard *heard)
{
	while (said.left > 0) {
		struct bytes part;
		size_t taken;

		assert(bytes_take(&said, said.left < most ? said.left : most, &part));
		taken = inspection_feed(inspection, direction, part, &heard->app, &heard->payload);
		assert(taken <= part.left);
		*(direction == DIRECTION_UP ? &heard->up : &heard->down) += taken;
	}
}

static void
hear(struct bytes in, size_t most, struct heard *heard)
{
	uint8_t flags = 0;
	uint16_t head;
	struct bytes part;
	struct inspection *inspection;

	(void)bytes_u8(&in, &flags);
	inspection = inspection_open(&(struct inspection_about){.port = flags >> 3,
	    .opened = (flags & OPENED) != 0,
	    .alpn = (flags & ALPN_H2) != 0 ? "h2" : ""});
	assert(inspection != NULL);
	memset(heard, 0, sizeof(*heard));
	while (bytes_u16(&in, &head)) {
		size_t count = head & 0x7fff;

		(void)bytes_take(&in, count < in.left ? count : in.left, &part);
		say(inspection, (head & 0x8000) != 0 ? DIRECTION_DOWN : DIRECTION_UP, part, most,
		    heard);
		if (inspection_starts_tls(inspection))
			inspection_tls_started(inspection, (flags & TLS_PASSES) == 0);
	}
	inspection_end(inspection, DIRECTION_UP, &heard->app, &heard->payload);
	inspection_end(inspection, DIRECTION_DOWN, &heard->app, &heard->payload);
	inspection_close(inspection);
}

static uint64_t
counted(const uint64_t by_class[PAYLOAD_COUNT])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PAYLOAD_COUNT; i++)
		sum += by_class[i];
	return sum;
}

static void
check(const struct heard *heard)
{
	const struct app_facts *app = &heard->app;

	assert(counted(heard->payload.up) == heard->up);
	assert(counted(heard->payload.down) == heard->down);
	assert(app->proto < APP_COUNT && app->first_size <= sizeof(app->first));
	assert(memchr(app->method, 0, sizeof(app->method)) != NULL);
	assert(memchr(app->host, 0, sizeof(app->host)) != NULL);
	assert(memchr(app->path, 0, sizeof(app->path)) != NULL);
	assert(memchr(app->agent, 0, sizeof(app->agent)) != NULL);
	assert(memchr(app->client, 0, sizeof(app->client)) != NULL);
	assert(memchr(app->topics, 0, sizeof(app->topics)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every byte is counted once, and however a conversation is cut, what was said is
 * the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	struct heard whole, pieces;

	hear(in, SIZE_MAX, &whole);
	check(&whole);
	hear(in, 1 + size % 7, &pieces);
	check(&pieces);
	assert(memcmp(&whole.app, &pieces.app, sizeof(whole.app)) == 0);
	assert(whole.up == pieces.up && whole.down == pieces.down);
	return 0;
}
