/* SPDX-License-Identifier: MIT */
#include "proxy/udp_reply.h"

#include "base/err.h"
#include "base/siphash.h"
#include "proxy/broker.h"
#include "proxy/udp_batch.h"
#include "proxy/udp_send.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { BUCKETS = 1 << 12 };

/* An answer that waits for its socket. */
struct waiting {
	struct waiting *next;
	struct addr camera;
	size_t size;
	uint8_t bytes[];
};

struct udp_reply {
	struct udp_reply *next; /* in its bucket */
	struct udp_replies *replies;
	struct addr dst;
	uint32_t ifindex, flows;
	int fd; /* -1: awaited, or refused */
	bool awaited;
	struct broker_waiter waiter;
	struct udp_reply_leaving leaving;
	size_t waiting_bytes;
	struct waiting *waiting, **waiting_end;
};

struct udp_replies {
	struct siphash_key key;
	struct broker *broker;
	udp_reply_sent *sent;
	void *arg;
	size_t count, waiting_bytes;
	struct udp_reply *buckets[BUCKETS];
};

struct udp_replies *
udp_replies_new(struct broker *broker, udp_reply_sent *sent, void *arg)
{
	struct udp_replies *replies = calloc(1, sizeof(*replies));

	if (replies != NULL &&
	    getrandom(&replies->key, sizeof(replies->key), 0) != (ssize_t)sizeof(replies->key)) {
		free(replies);
		return NULL;
	}
	if (replies != NULL) {
		replies->broker = broker;
		replies->sent = sent;
		replies->arg = arg;
	}
	return replies;
}

void
udp_replies_free(struct udp_replies *replies)
{
	assert(replies == NULL || replies->count == 0);
	free(replies);
}

static struct udp_reply **
bucket_of(struct udp_replies *replies, const struct addr *dst, uint32_t ifindex)
{
	uint8_t key[sizeof(dst->ip) + sizeof(dst->port) + sizeof(ifindex)];

	memcpy(key, dst->ip, sizeof(dst->ip));
	memcpy(key + sizeof(dst->ip), &dst->port, sizeof(dst->port));
	memcpy(key + sizeof(dst->ip) + sizeof(dst->port), &ifindex, sizeof(ifindex));
	return &replies->buckets[siphash(&replies->key, key, sizeof(key)) % BUCKETS];
}

/* ---- what waits ---- */

static void
free_waiting(struct udp_reply *reply)
{
	while (reply->waiting != NULL) {
		struct waiting *first = reply->waiting;

		reply->waiting = first->next;
		reply->replies->waiting_bytes -= sizeof(*first) + first->size;
		free(first);
	}
	reply->waiting_bytes = 0;
	reply->waiting_end = &reply->waiting;
}

static void
wait_for_socket(struct udp_reply *reply, const struct udp_message *message)
{
	struct udp_replies *replies = reply->replies;
	size_t size = sizeof(struct waiting) + message->payload.left;
	struct waiting *one;

	if (reply->waiting_bytes + size > UDP_REPLY_WAITING_BYTES ||
	    replies->waiting_bytes + size > UDP_REPLIES_WAITING_BYTES)
		return;
	one = malloc(size);
	if (one == NULL)
		return;
	*one = (struct waiting){.camera = message->to, .size = message->payload.left};
	memcpy(one->bytes, message->payload.at, message->payload.left);
	*reply->waiting_end = one;
	reply->waiting_end = &one->next;
	reply->waiting_bytes += size;
	replies->waiting_bytes += size;
}

static void
tell_sent(void *arg, const struct udp_message *message)
{
	const struct udp_reply *reply = arg;

	reply->replies->sent(reply->replies->arg, message, &reply->dst);
}

static void
send_waiting(struct udp_reply *reply)
{
	for (const struct waiting *one = reply->waiting; one != NULL; one = one->next) {
		const struct udp_message message = {.to = one->camera,
		    .payload = {one->bytes, one->size}};

		udp_send(reply->fd, &message, tell_sent, reply);
	}
}

static void
on_socket(void *arg, int fd, const struct err *err)
{
	struct udp_reply *reply = arg;

	(void)err; /* what waits is lost, and is asked for again with the next answer */
	reply->awaited = false;
	reply->fd = fd;
	if (fd >= 0)
		send_waiting(reply);
	free_waiting(reply);
}

static void
ask(struct udp_reply *reply)
{
	if (reply->awaited || reply->replies->broker == NULL)
		return;
	reply->awaited = broker_ask(reply->replies->broker, &reply->waiter, reply->ifindex,
			     &reply->dst, NULL) == 0;
}

/* ---- use ---- */

struct udp_reply *
udp_reply_take(struct udp_replies *replies, uint32_t ifindex, const struct addr *dst, size_t most)
{
	struct udp_reply **bucket = bucket_of(replies, dst, ifindex);
	struct udp_reply *reply = *bucket;

	while (reply != NULL && !(addr_equal(&reply->dst, dst) && reply->ifindex == ifindex))
		reply = reply->next;
	if (reply == NULL) {
		reply = replies->count < most ? calloc(1, sizeof(*reply)) : NULL;
		if (reply == NULL)
			return NULL;
		reply->replies = replies;
		reply->dst = *dst;
		reply->ifindex = ifindex;
		reply->fd = -1;
		reply->waiting_end = &reply->waiting;
		reply->waiter = (struct broker_waiter){.done = on_socket, .arg = reply};
		reply->next = *bucket;
		*bucket = reply;
		replies->count++;
	}
	reply->flows++;
	return reply;
}

void
udp_reply_give(struct udp_replies *replies, struct udp_reply *reply)
{
	struct udp_reply **at;

	if (reply == NULL || --reply->flows > 0)
		return;
	at = bucket_of(replies, &reply->dst, reply->ifindex);
	while (*at != reply)
		at = &(*at)->next;
	*at = reply->next;
	replies->count--;
	if (replies->broker != NULL)
		broker_forget(replies->broker, &reply->waiter);
	free_waiting(reply);
	if (reply->fd >= 0)
		(void)close(reply->fd);
	free(reply);
}

struct udp_reply_leaving *
udp_reply_leaving(struct udp_reply *reply)
{
	return &reply->leaving;
}

void
udp_reply_send(struct udp_reply *reply, const struct udp_message *chain)
{
	if (reply->fd >= 0) {
		udp_send(reply->fd, chain, tell_sent, reply);
		return;
	}
	ask(reply);
	for (; chain != NULL && reply->awaited; chain = chain->next)
		wait_for_socket(reply, chain);
}
