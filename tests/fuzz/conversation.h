/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FUZZ_CONVERSATION_H
#define TESTS_FUZZ_CONVERSATION_H

#include "inspect/inspection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * A conversation for inspect/inspection.h.  Before each piece of the input stand
 * two bytes: the high bit says from whom, the rest how long it is.
 */
struct conversation {
	struct inspection_about about;
	struct bytes opening; /* what the camera says before the input */
	struct bytes answer;  /* and the server */
	bool tls_passes;      /* TLS that is begun in the middle is not opened */
};

#define SAID(text)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(text), sizeof(text) - 1                                          \
	}

struct heard {
	struct app_facts app;
	struct payload_facts payload;
	uint64_t up, down;
};

static inline void
conversation_say(struct inspection *inspection, enum direction direction, struct bytes said,
    size_t most, struct heard *heard)
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

static inline void
conversation_hear(const struct conversation *about, struct bytes in, size_t most,
    struct heard *heard)
{
	struct inspection *inspection = inspection_open(&about->about);
	struct bytes part;
	uint16_t head;

	assert(inspection != NULL);
	memset(heard, 0, sizeof(*heard));
	conversation_say(inspection, DIRECTION_UP, about->opening, SIZE_MAX, heard);
	conversation_say(inspection, DIRECTION_DOWN, about->answer, SIZE_MAX, heard);
	while (bytes_u16(&in, &head)) {
		size_t count = head & 0x7fff;

		(void)bytes_take(&in, count < in.left ? count : in.left, &part);
		conversation_say(inspection, (head & 0x8000) != 0 ? DIRECTION_DOWN : DIRECTION_UP,
		    part, most, heard);
		if (inspection_starts_tls(inspection))
			inspection_tls_started(inspection, !about->tls_passes);
	}
	inspection_end(inspection, DIRECTION_UP, &heard->app, &heard->payload);
	inspection_end(inspection, DIRECTION_DOWN, &heard->app, &heard->payload);
	inspection_close(inspection);
}

static inline uint64_t
conversation_counted(const uint64_t by_class[PAYLOAD_COUNT])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < PAYLOAD_COUNT; i++)
		sum += by_class[i];
	return sum;
}

static inline void
conversation_check(const struct heard *heard)
{
	const struct app_facts *app = &heard->app;

	assert(conversation_counted(heard->payload.up) == heard->up);
	assert(conversation_counted(heard->payload.down) == heard->down);
	assert(app->proto < APP_COUNT && app->first_size <= sizeof(app->first));
	assert(memchr(app->method, 0, sizeof(app->method)) != NULL);
	assert(memchr(app->host, 0, sizeof(app->host)) != NULL);
	assert(memchr(app->path, 0, sizeof(app->path)) != NULL);
	assert(memchr(app->agent, 0, sizeof(app->agent)) != NULL);
	assert(memchr(app->client, 0, sizeof(app->client)) != NULL);
	assert(memchr(app->topics, 0, sizeof(app->topics)) != NULL);
}

/* Every byte is counted once, and however a conversation is cut, what was said is
 * the same. */
static inline int
conversation_try(const struct conversation *about, struct bytes in)
{
	struct heard whole, pieces;

	conversation_hear(about, in, SIZE_MAX, &whole);
	conversation_check(&whole);
	conversation_hear(about, in, 1 + in.left % 7, &pieces);
	conversation_check(&pieces);
	assert(memcmp(&whole.app, &pieces.app, sizeof(whole.app)) == 0);
	assert(whole.up == pieces.up && whole.down == pieces.down);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
