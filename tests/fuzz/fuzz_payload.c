/* SPDX-License-Identifier: MIT */
#include "inspect/content.h"
#include "inspect/payload.h"

#include <assert.h>
#include <string.h>

/* Of the first byte: the low bits choose what is said of the message, the others
 * how it is cut. */
enum { HINTS = 8, HINT_BITS = 3 };

static const struct payload_hint hints[HINTS] = {
    {0},
    {.type = "multipart/form-data; boundary=x"},
    {.type = "multipart/x-mixed-replace; boundary=--x"},
    {.type = "message/rfc822"},
    {.encoding = "base64"},
    {.type = "video/mp4", .name = "/a.jpg"},
    {.framing = PAYLOAD_RTP},
    {.framing = PAYLOAD_RTP, .codec = "H264"},
};

static uint64_t
sum(const uint64_t *counts)
{
	uint64_t all = 0;

	for (enum payload_class class = PAYLOAD_UNKNOWN; class < PAYLOAD_COUNT; class ++)
		all += counts[class];
	return all;
}

static void
check(const struct payload_facts *facts, size_t size)
{
	assert(sum(facts->up) == size && sum(facts->down) == 0);
	assert(facts->up[PAYLOAD_UNKNOWN] == 0 && facts->pending == 0);
	assert(facts->examined <= size);
	assert(facts->class < PAYLOAD_COUNT && (facts->class != PAYLOAD_UNKNOWN || size == 0));
	assert(memchr(facts->format, '\0', sizeof(facts->format)) != NULL);
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		assert(facts->seen_up[class] <= CONFIDENCE_IDENTIFIED);
		assert(facts->up[class] == 0 || facts->seen_up[class] != CONFIDENCE_NONE ||
		       class == PAYLOAD_CONTROL);
	}
	assert(size == 0 || facts->seen_up[facts->class] == facts->confidence);
}

/* A packet for each piece where they are packets, else one message. */
static void
feed(const struct payload_hint *hint, const uint8_t *data, size_t size, size_t piece)
{
	struct payload_facts facts = {0};
	struct payload_meter *meter = payload_open(7);

	assert(meter != NULL);
	for (size_t at = 0; at < size;) {
		size_t count = size - at < piece ? size - at : piece;

		if (at == 0 || hint->framing == PAYLOAD_RTP)
			payload_begin(meter, DIRECTION_UP, hint, &facts);
		if (at % 7 == 6 && hint->type == NULL)
			payload_skip(meter, DIRECTION_UP, count, &facts);
		else
			payload_feed(meter, DIRECTION_UP, (struct bytes){data + at, count}, &facts);
		at += count;
		assert(sum(facts.up) == at);
	}
	payload_end(meter, DIRECTION_UP, &facts);
	payload_free(meter);
	check(&facts, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct content_look look = {.begins = true};
	struct payload_finding finding;
	size_t piece;

	if (size == 0)
		return 0;
	piece = 1 + (size_t)(data[0] >> HINT_BITS) * 37;
	feed(&hints[data[0] % HINTS], data + 1, size - 1, piece);
	look.in = (struct bytes){data + 1, size - 1};
	(void)content_tell(&look, &finding);
	look.begins = false;
	(void)content_tell(&look, &finding);
	assert(finding.confidence != CONFIDENCE_IDENTIFIED || finding.class != PAYLOAD_OPAQUE);
	return 0;
}
