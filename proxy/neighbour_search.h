/* SPDX-License-Identifier: MIT */
#ifndef PROXY_NEIGHBOUR_SEARCH_H
#define PROXY_NEIGHBOUR_SEARCH_H

#include "base/addr.h"

#include <stdint.h>

struct err;

/*
 * Has the kernel look for the card at an address, as it does when something is to
 * be sent there: ARP or NDP, three times within three seconds.  Nothing else is
 * sent, and what is found comes as news to who listens (proxy/neighbours.h).
 * Source: rtnetlink(7), RTM_NEWNEIGH; linux/neighbour.h, NTF_USE.
 */

/* A socket for it, the caller's to close; -1 with err. */
int neighbour_search_open(struct err *err);

/* On the interface of that index.  Needs CAP_NET_ADMIN; what the kernel refuses
 * is not found. */
void neighbour_search(int fd, uint32_t ifindex, const struct addr *addr);

#endif
