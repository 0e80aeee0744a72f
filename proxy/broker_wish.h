/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BROKER_WISH_H
#define PROXY_BROKER_WISH_H

#include "base/bytes.h"
#include "proxy/broker_wire.h"

struct err;

/*
 * What a worker wishes of the broker, looked at as what an enemy sends: a worker
 * reads what cameras and servers send.  Pure; whether dst is the appliance's own
 * address, and whose the interface is, only the role can tell.
 */

/* A message as it came: of a wish's size, and one that there is.  0, or -1 with
 * err and *wish not written. */
int broker_wish_read(struct bytes message, struct broker_request *wish, struct err *err);

/*
 * Whether what it is about can have come from a camera: a destination that is
 * public or private, or reserved where the box itself answers (DNS, NTP), with a port; of
 * BROKER_UNREACHABLE also a host of the same family that is told, and no more bytes than a datagram
 * has.  Of BROKER_CARD a camera's address alone is looked at.  0, or -1 with err.
 */
int broker_wish_check(const struct broker_request *wish, struct err *err);

#endif
