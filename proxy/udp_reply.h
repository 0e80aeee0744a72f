/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_REPLY_H
#define PROXY_UDP_REPLY_H

#include "base/addr.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;
struct udp_message;
struct udp_replies;

/*
 * The sockets that answer cameras as from where they sent to: one for each such
 * destination and each interface, shared by all flows to it.  They are the
 * broker's to make (proxy/broker.h).  While one is awaited some answers wait
 * for it; what is more is lost, as any datagram may be.
 */
struct udp_reply;

enum {
	/* Answers that wait for one socket, and for all of them: a server that is asked
	 * for media begins with a burst of some dozens. */
	UDP_REPLY_WAITING_BYTES = 128 << 10,
	UDP_REPLIES_WAITING_BYTES = 4 << 20,
};

/*
 * sent is told of each that the kernel took, now or, with owner NULL, later:
 * message->to is the camera.  With broker NULL no socket can be had.
 */
typedef void udp_reply_sent(void *arg, const struct udp_message *message, const struct addr *dst);
struct udp_replies *udp_replies_new(struct broker *broker, udp_reply_sent *sent,
    void *arg);                                     /* NULL: no memory, or no random key */
void udp_replies_free(struct udp_replies *replies); /* accepts NULL; all were given back */

/* The one for dst on that interface, with a reference: asked for if need be.
 * NULL: no memory, or there are `most`. */
struct udp_reply *udp_reply_take(struct udp_replies *replies, uint32_t ifindex,
    const struct addr *dst, size_t most);
void udp_reply_give(struct udp_replies *replies, struct udp_reply *reply); /* accepts NULL */

/* The caller's, for what is to be sent by it; NULL at first. */
struct udp_reply_leaving {
	struct udp_message *first, **end;
};
struct udp_reply_leaving *udp_reply_leaving(struct udp_reply *reply);

/* Send what hangs together by `next`, each to its `to`, a camera. */
void udp_reply_send(struct udp_reply *reply, const struct udp_message *chain);

#endif
