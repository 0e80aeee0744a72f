/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROXY_LEG_PAIR_H
#define TESTS_PROXY_LEG_PAIR_H

#include "proxy/leg.h"

/* A leg on one end of a socket pair; the test holds the other end. */
struct leg_pair {
	struct event_base *base;
	struct pool pool;
	struct leg leg;
	int other; /* -1: the test has closed it */
};

void leg_pair_open(struct leg_pair *pair);
void leg_pair_open_tcp(struct leg_pair *pair); /* over loopback */
void leg_pair_close(struct leg_pair *pair);

/* Let the kernel say what there is. */
void leg_pair_look(struct leg_pair *pair);

#endif
