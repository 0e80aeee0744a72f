/* SPDX-License-Identifier: MIT */
/* What a worker that is somebody else's sends to the broker. */
#include "geo/ranges.h"
#include "proxy/broker_wish.h"
#include "proxy/unreachable.h"

#include <assert.h>
#include <string.h>

enum { PORT_DNS = 53, PORT_NTP = 123 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_packet(const struct broker_request *wish)
{
	const struct unreachable what = {&wish->camera, &wish->dst, wish->size,
	    {wish->head, wish->head_size}};
	uint8_t packet[UNREACHABLE_MAX];
	size_t size = unreachable_packet(&what, packet);

	assert(addr_is_v4(&wish->camera) == addr_is_v4(&wish->dst));
	assert(size > wish->head_size && size <= sizeof(packet));
	assert(packet[0] >> 4 == (addr_is_v4(&wish->dst) ? 4 : 6));
}

static void
check_card(const struct broker_request *wish)
{
	enum range range = range_of(&wish->camera);

	assert(range != RANGE_UNSPECIFIED && range != RANGE_LOOPBACK && range != RANGE_MULTICAST &&
	       range != RANGE_BROADCAST);
}

/* A message that is shorter or longer is refused whole: so that most get further,
 * what is missing is 0. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t message[sizeof(struct broker_request)] = {0};
	struct broker_request wish;

	assert((broker_wish_read((struct bytes){data, size}, &wish, NULL) == 0) <=
	       (size == sizeof(wish)));
	if (size > 0)
		memcpy(message, data, size < sizeof(message) ? size : sizeof(message));
	if (broker_wish_read((struct bytes){message, sizeof(message)}, &wish, NULL) != 0)
		return 0;
	assert(wish.wish >= BROKER_SOCKET && wish.wish <= BROKER_CARD);
	if (broker_wish_check(&wish, NULL) != 0)
		return 0;
	if (wish.wish == BROKER_CARD)
		return check_card(&wish), 0;
	assert(wish.dst.port != 0);
	assert(range_of(&wish.dst) == RANGE_PUBLIC || range_of(&wish.dst) == RANGE_PRIVATE ||
	       (range_of(&wish.dst) == RANGE_RESERVED &&
		   (wish.dst.port == PORT_DNS || wish.dst.port == PORT_NTP)));
	if (wish.wish == BROKER_UNREACHABLE)
		check_packet(&wish);
	return 0;
}
