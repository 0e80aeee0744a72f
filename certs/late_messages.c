/* SPDX-License-Identifier: MIT */
#include "certs/late_messages.h"

/* RFC 8446 section 4. */
enum {
	HELLO_REQUEST = 0, /* RFC 5246 section 7.4 */
	CLIENT_HELLO = 1,
	NEW_SESSION_TICKET = 4,
	KEY_UPDATE = 24,
	UPDATE_NOT_REQUESTED = 0,
	UPDATE_REQUESTED = 1,
};

bool
late_messages_wait(const struct late_messages *late)
{
	return late->known > 0;
}

/* Its length is to be what it can be before a byte of it is waited for.  LATE_MORE:
 * so it is. */
static enum late
read_header(struct late_messages *late)
{
	struct bytes header = {late->header, sizeof(late->header)};
	uint8_t type;
	bool fits;

	if (!bytes_u8(&header, &type) || !bytes_u24(&header, &late->left))
		return LATE_UNDECODABLE;
	if (late->tls12 && type != (late->from_server ? HELLO_REQUEST : CLIENT_HELLO))
		return LATE_UNEXPECTED;
	if (late->tls12)
		return late->left <= (late->from_server ? 0 : LATE_HELLO_MAX) ? LATE_MORE
									      : LATE_UNDECODABLE;
	if (type != KEY_UPDATE && (type != NEW_SESSION_TICKET || !late->from_server))
		return LATE_UNEXPECTED;
	fits =
	    type == KEY_UPDATE ? late->left == 1 : late->left > 0 && late->left <= LATE_TICKET_MAX;
	return fits ? LATE_MORE : LATE_UNDECODABLE;
}

static enum late
read_update(struct late_messages *late, struct bytes *in)
{
	uint8_t request;

	if (!bytes_u8(in, &request))
		return LATE_MORE;
	late->known = 0;
	if (request > UPDATE_REQUESTED)
		return LATE_ILLEGAL;
	if (in->left > 0)
		return LATE_UNEXPECTED;
	return request == UPDATE_NOT_REQUESTED ? LATE_RENEWED : LATE_RENEW;
}

static enum late
pass_over(struct late_messages *late, struct bytes *in)
{
	size_t count = in->left < late->left ? in->left : late->left;

	(void)bytes_skip(in, count);
	late->left -= (uint32_t)count;
	if (late->left > 0)
		return LATE_MORE;
	late->known = 0;
	return late->tls12 ? LATE_HELLO : LATE_TICKET;
}

enum late
late_messages_take(struct late_messages *late, struct bytes *in)
{
	enum late said = LATE_MORE;

	while (late->known < LATE_HEADER_BYTES && bytes_u8(in, &late->header[late->known])) {
		late->known++;
		if (late->known == LATE_HEADER_BYTES)
			said = read_header(late);
	}
	if (said != LATE_MORE)
		return said;
	if (late->known < LATE_HEADER_BYTES)
		return LATE_MORE;
	return late->header[0] == KEY_UPDATE ? read_update(late, in) : pass_over(late, in);
}
