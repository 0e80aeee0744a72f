/* SPDX-License-Identifier: MIT */
#include "proxy/tls_walk.h"

#include "base/bytes.h"

#include <string.h>

enum {
	RECORD_CHANGE_CIPHER_SPEC = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_APPLICATION_DATA = 23,
	RECORD_MAX = (16 << 10) + 2048, /* RFC 5246 section 6.2.3 */
	/* An encrypted Finished is 40 to 96 bytes; a second ClientHello, which
	 * may stand behind a ChangeCipherSpec too, is never so small. */
	FINISHED_MAX = 100,
	/* A TLS 1.3 alert: two bytes, the type, and a tag of 8 or 16 bytes. */
	ALERT_MAX = 19,
};

/* TLS 1.3 dresses everything behind the hello as application data: the first
 * such record is the Finished, or an alert in its place. */
static void
note_data(struct tls_walk *walk, size_t size)
{
	if (walk->is_older || (walk->finished_seen && size > ALERT_MAX))
		walk->found = WALK_PAYLOAD;
	else if (walk->finished_seen)
		walk->alert_seen = true;
	walk->finished_seen = true;
}

static void
note_head(struct tls_walk *walk)
{
	struct bytes head = {walk->head, TLS_RECORD_HEAD_BYTES};
	uint8_t type = 0;
	uint16_t version = 0, size = 0;

	(void)bytes_u8(&head, &type);
	(void)bytes_u16(&head, &version);
	(void)bytes_u16(&head, &size);
	if (version >> 8 != 3 || size > RECORD_MAX) {
		walk->found = WALK_LOST;
		return;
	}
	switch (type) {
	case RECORD_CHANGE_CIPHER_SPEC:
		walk->keys_changed = true;
		break;
	case RECORD_ALERT:
		walk->alert_seen = true;
		break;
	case RECORD_HANDSHAKE:
		if (walk->keys_changed && size <= FINISHED_MAX)
			walk->is_older = true;
		break;
	case RECORD_APPLICATION_DATA:
		note_data(walk, size);
		break;
	default:
		walk->found = WALK_LOST;
		return;
	}
	walk->skip = size;
}

enum walk_found
tls_walk_add(struct tls_walk *walk, const uint8_t *at, size_t size)
{
	struct bytes in = {at, size}, part;

	while (in.left > 0 && walk->found == WALK_MORE) {
		size_t count = walk->skip < in.left ? walk->skip : in.left;

		(void)bytes_take(&in, count, &part);
		walk->skip -= (uint32_t)count;
		if (!(walk->skip == 0 && bytes_u8(&in, &walk->head[walk->head_used])))
			continue;
		if (++walk->head_used == TLS_RECORD_HEAD_BYTES) {
			walk->head_used = 0;
			note_head(walk);
		}
	}
	return walk->found;
}
