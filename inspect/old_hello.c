/* SPDX-License-Identifier: MIT */
#include "inspect/old_hello.h"

#include "inspect/hello_facts.h"

#include <string.h>

enum {
	LENGTH_BYTES = 2,
	TYPE_CLIENT_HELLO = 1,
	HEADER_BYTES = 1 + 2 + 3 * 2, /* type, version, the lengths of three lists */
	SUITE_BYTES = 3,
	CHALLENGE_MIN = 16,
	CHALLENGE_MAX = 32,
	MESSAGE_MAX = 0x1ff, /* some 160 suites: all there were is less than half of it */
	SUITES_MAX = MESSAGE_MAX / SUITE_BYTES,
};

/* Whether these may be the first of one: few bytes else begin so, and who sends
 * them and waits is not to be kept waiting. */
static bool
may_be(struct bytes raw)
{
	return raw.left > 0 && (raw.at[0] & 0xfe) == 0x80 &&
	       (raw.left <= 2 || raw.at[2] == TYPE_CLIENT_HELLO) &&
	       (raw.left <= 3 || raw.at[3] == 3);
}

struct parts {
	uint16_t version;
	struct bytes suites;
};

/* message: behind its length, all of it or as much as there is.  False where
 * the lengths in it are not its own. */
static bool
split(struct bytes message, size_t length, struct parts *parts)
{
	uint16_t suites, session, challenge;
	uint8_t type;

	if (!bytes_u8(&message, &type) || !bytes_u16(&message, &parts->version) ||
	    !bytes_u16(&message, &suites) || !bytes_u16(&message, &session) ||
	    !bytes_u16(&message, &challenge))
		return false;
	if (suites == 0 || suites % SUITE_BYTES != 0 || session != 0 || challenge < CHALLENGE_MIN ||
	    challenge > CHALLENGE_MAX || length != (size_t)HEADER_BYTES + suites + challenge)
		return false;
	(void)bytes_take(&message, suites, &parts->suites);
	return true;
}

enum old_hello
old_hello_look(struct bytes raw)
{
	struct parts parts = {0};
	uint16_t length;

	if (!may_be(raw))
		return OLD_HELLO_NO;
	if (raw.left < LENGTH_BYTES + HEADER_BYTES)
		return OLD_HELLO_MORE;
	(void)bytes_u16(&raw, &length);
	length &= MESSAGE_MAX;
	if (!split(raw, length, &parts))
		return OLD_HELLO_NO;
	return raw.left < length ? OLD_HELLO_MORE : OLD_HELLO_WHOLE;
}

/* As TLS would have said it: of its suites those that are no suites of SSL 2,
 * which begin with another byte than 0. */
void
old_hello_read(struct bytes raw, struct hello_facts *facts)
{
	static const uint8_t no_compression[] = {1, 0};
	uint8_t body[2 + 32 + 1 + 2 + SUITES_MAX * 2 + sizeof(no_compression)] = {0};
	struct parts parts = {0};
	size_t used = 2 + 32 + 1 + 2;
	size_t count = 0;
	uint32_t suite;
	uint16_t length;

	if (old_hello_look(raw) != OLD_HELLO_WHOLE || !bytes_u16(&raw, &length) ||
	    !split(raw, length & MESSAGE_MAX, &parts)) {
		hello_facts_set(facts, HELLO_BROKEN, "tls");
		return;
	}
	body[0] = (uint8_t)(parts.version >> 8);
	body[1] = (uint8_t)parts.version;
	while (bytes_u24(&parts.suites, &suite)) {
		if (suite > UINT16_MAX)
			continue;
		body[used++] = (uint8_t)(suite >> 8);
		body[used++] = (uint8_t)suite;
		count++;
	}
	body[2 + 32 + 1] = (uint8_t)(count * 2 >> 8);
	body[2 + 32 + 1 + 1] = (uint8_t)(count * 2);
	memcpy(body + used, no_compression, sizeof(no_compression));
	hello_read_body((struct bytes){body, used + sizeof(no_compression)}, HELLO_BY_TCP, facts);
}
