/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BROKER_WIRE_H
#define PROXY_BROKER_WIRE_H

#include "base/addr.h"

#include <stdint.h>

/*
 * What a worker and the broker say to each other over an ipc_pair: one of these
 * structs a message, whole, in the machine's own order.  Both are of one build.
 */
enum broker_wish {
	BROKER_SOCKET = 1,  /* a socket to answer from; answered */
	BROKER_UNREACHABLE, /* tell a camera that nobody is there; not answered */
};

enum { BROKER_HEAD_MAX = 128, BROKER_WHY_MAX = 120 };

struct broker_request {
	uint64_t id; /* of BROKER_SOCKET: comes back with the answer */
	uint32_t wish;
	uint32_t iface;     /* the index of the interface that the camera is on */
	struct addr dst;    /* where the camera sent its datagram */
	struct addr camera; /* of BROKER_UNREACHABLE: who sent it */
	uint16_t size;      /* the datagram's payload, bytes */
	uint16_t head_size; /* bytes used of head */
	uint8_t head[BROKER_HEAD_MAX];
};

/* A descriptor comes beside it, or why says why there is none. */
struct broker_answer {
	uint64_t id;
	char why[BROKER_WHY_MAX]; /* "": there is one */
};

#endif
