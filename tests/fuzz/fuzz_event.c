/* SPDX-License-Identifier: MIT */
#include "base/jsonw.h"
#include "record/crc32c.h"
#include "record/eve.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A camera that was seen before, a connection of which only its end is told,
 * and one that its lookups tell of. */
static bool
may_have_no_line(const struct recorded *event)
{
	enum event_kind kind = event->head.kind;
	const struct facts *facts = &event->facts;

	return kind == EVENT_SIGHTING ||
	       ((kind == EVENT_OPEN || kind == EVENT_DNS) &&
		   facts->verdict.detail == DETAIL_COUNT) ||
	       (kind == EVENT_OPEN && facts->transport == TRANSPORT_UDP &&
		   facts->app.proto == APP_DNS);
}

/*
 * An event as bytes from a worker that lies: whatever is taken can be written
 * again, comes back the same, and becomes lines.  The checksum is made right,
 * so that what stands behind it is reached.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct recorded first, second;
	static struct event_gist gist;
	static struct jsonw lines;
	uint8_t frame[EVENT_FRAME_MAX], again[EVENT_FRAME_MAX];
	struct bytes in = {frame, size};
	uint32_t crc;

	if (size > sizeof(frame) || size < 12)
		return 0;
	memcpy(frame, data, size);
	frame[10] = (uint8_t)(size >> 8);
	frame[11] = (uint8_t)size;
	crc = crc32c(frame + 6, size - 6);
	for (int i = 0; i < 4; i++)
		frame[2 + i] = (uint8_t)(crc >> (24 - 8 * i));
	if (event_decode(&in, &first, NULL) != 0)
		return 0;
	/* What can be decoded has a gist, of no more bytes than it has itself. */
	assert(event_get_gist((struct bytes){frame, size}, &gist) == 0 && gist.size < size);
	assert(gist.opened_wall_us == first.facts.opened_wall_us);
	in = (struct bytes){again, event_encode(&first.head, &first.facts, again)};
	assert(event_decode(&in, &second, NULL) == 0 && in.left == 0);
	assert(memcmp(&first.head, &second.head, sizeof(first.head)) == 0);
	jsonw_clear(&lines);
	eve_add(&lines, &first.head, &first.facts, "site");
	assert(!lines.failed);
	assert(lines.used > 0 ? lines.at[lines.used - 1] == '\n' : may_have_no_line(&first));
	return 0;
}
