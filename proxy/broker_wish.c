/* SPDX-License-Identifier: MIT */
#include "proxy/broker_wish.h"

#include "base/err.h"
#include "geo/ranges.h"
#include "proxy/unreachable.h"

#include <stdbool.h>
#include <string.h>

enum {
	PORT_DNS = 53,
	PORT_NTP = 123,
	UDP_PAYLOAD_MAX = 65507, /* of IPv4; IPv6 has 20 bytes less, or jumbograms */
};

int
broker_wish_read(struct bytes message, struct broker_request *wish, struct err *err)
{
	struct broker_request got;

	if (message.left != sizeof(got))
		return err_set(err, ERR_INPUT, "it has the wrong size");
	memcpy(&got, message.at, sizeof(got));
	if (got.wish < BROKER_SOCKET || got.wish > BROKER_CARD)
		return err_set(err, ERR_INPUT, "there is no such wish");
	*wish = got;
	return 0;
}

/* Whether there can be a camera. */
static bool
is_host(const struct addr *addr)
{
	enum range range = range_of(addr);

	return range != RANGE_UNSPECIFIED && range != RANGE_LOOPBACK && range != RANGE_MULTICAST &&
	       range != RANGE_BROADCAST;
}

static int
check_camera(const struct broker_request *wish, struct err *err)
{
	return is_host(&wish->camera) ? 0 : err_set(err, ERR_INPUT, "no camera has that address");
}

static int
check_datagram(const struct broker_request *wish, struct err *err)
{
	if (wish->head_size > UNREACHABLE_HEAD_MAX || wish->size < wish->head_size ||
	    wish->size > UDP_PAYLOAD_MAX)
		return err_set(err, ERR_INPUT, "no datagram has that many bytes");
	if (addr_is_v4(&wish->camera) != addr_is_v4(&wish->dst))
		return err_set(err, ERR_INPUT, "two families");
	return check_camera(wish, err);
}

int
broker_wish_check(const struct broker_request *wish, struct err *err)
{
	enum range range = range_of(&wish->dst);
	/* There the box itself may answer, whomever somebody wrote into a camera. */
	bool box_answers = wish->dst.port == PORT_DNS || wish->dst.port == PORT_NTP;

	if (wish->wish == BROKER_CARD)
		return check_camera(wish, err);
	if (wish->dst.port == 0)
		return err_set(err, ERR_INPUT, "port 0");
	if (range != RANGE_PUBLIC && range != RANGE_PRIVATE &&
	    !(range == RANGE_RESERVED && box_answers))
		return err_set(err, ERR_INPUT, "an address of the %s range", range_name(range));
	return wish->wish == BROKER_UNREACHABLE ? check_datagram(wish, err) : 0;
}
