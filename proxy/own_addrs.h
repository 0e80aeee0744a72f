/* SPDX-License-Identifier: MIT */
#ifndef PROXY_OWN_ADDRS_H
#define PROXY_OWN_ADDRS_H

#include "base/addr.h"

#include <event2/event.h>
#include <stdbool.h>

struct err;

/*
 * The appliance's own addresses, kept up to date by the kernel's netlink
 * messages, so that no camera reaches the appliance through itself.
 * Source: rtnetlink(7), RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR.
 */
struct own_addrs;

/* Opens a socket and reads the list; call it before the sandbox. */
struct own_addrs *own_addrs_open(struct event_base *base, struct err *err);
void own_addrs_close(struct own_addrs *own); /* accepts NULL */

bool own_addrs_has(const struct own_addrs *own, const struct addr *addr);

#endif
