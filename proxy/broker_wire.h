/* SPDX-License-Identifier: MIT */
#ifndef PROXY_BROKER_WIRE_H
#define PROXY_BROKER_WIRE_H

#include "base/addr.h"
#include "proxy/drops.h"

#include <stdint.h>

/*
 * What a worker and the broker say to each other over an ipc_pair: one of these
 * structs a message, whole, in the machine's own order.  Both are of one build.
 */
enum broker_wish {
	BROKER_SOCKET = 1,  /* a socket to answer from; answered */
	BROKER_UNREACHABLE, /* tell a camera that nobody is there; not answered */
	BROKER_TOLD,        /* so much of what was BROKER_UNSEEN is recorded */
	BROKER_CARD,        /* have the kernel find the camera's card; not answered */
};

enum broker_saying {
	BROKER_ANSWER = 1,
	BROKER_UNSEEN, /* to be recorded; said again until it is */
};

enum { BROKER_HEAD_MAX = 128, BROKER_WHY_MAX = 120 };

struct broker_request {
	uint64_t id; /* of BROKER_SOCKET: comes back with the answer */
	uint32_t wish;
	uint32_t iface;     /* the index of the interface that the camera is on */
	struct addr dst;    /* where the camera sent its datagram */
	struct addr camera; /* of BROKER_UNREACHABLE: who sent it; of BROKER_CARD: whose */
	uint16_t size;      /* the datagram's payload, bytes */
	uint16_t head_size; /* bytes used of head */
	uint8_t head[BROKER_HEAD_MAX];
	struct drops_count told; /* of BROKER_TOLD */
	uint64_t until_us;       /* the same */
};

/* A descriptor comes beside it, or why says why there is none. */
struct broker_answer {
	uint32_t saying; /* BROKER_ANSWER */
	uint64_t id;
	char why[BROKER_WHY_MAX]; /* "": there is one */
};

/* So much of a camera's was dropped, and is not recorded yet. */
struct broker_unseen {
	uint32_t saying; /* BROKER_UNSEEN */
	struct drops_count count;
	uint64_t since_us, until_us; /* of struct drops_row */
};

union broker_said {
	uint32_t saying;
	struct broker_answer answer;
	struct broker_unseen unseen;
};

#endif
