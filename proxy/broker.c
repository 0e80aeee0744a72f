/* SPDX-License-Identifier: MIT */
#include "proxy/broker.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "proxy/broker_wire.h"

#include <event2/event_struct.h>
#include <openssl/rand.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LOOK_MS = 100,   /* how often it is looked whether one waits too long */
	RESEND_MS = 500, /* longer than a broker needs to come back */
	RESENDS_MAX = 5,
};

TAILQ_HEAD(waiter_list, broker_waiter);

struct broker {
	struct event answer;        /* the broker's end has something */
	struct event resend;        /* while somebody waits */
	struct waiter_list waiters; /* in the order of their requests, as they are answered */
	size_t count;
	uint64_t next_id;
	int socket;
	broker_unseen_cb *unseen; /* NULL: another worker hears it */
	void *unseen_arg;
};

static void
arm_resend(struct broker *broker)
{
	const struct timeval delay = clock_span(LOOK_MS);

	if (!evtimer_pending(&broker->resend, NULL))
		(void)evtimer_add(&broker->resend, &delay);
}

static void
send_wish(struct broker *broker, struct broker_waiter *waiter)
{
	struct broker_request request;

	memset(&request, 0, sizeof(request));
	request.id = waiter->id;
	request.wish = BROKER_SOCKET;
	request.iface = waiter->iface;
	request.dst = waiter->dst;
	/* A full queue is no error: the timer tries again. */
	(void)ipc_send(broker->socket, &request, sizeof(request), NULL);
	waiter->sent_ms = clock_mono_ms();
	arm_resend(broker);
}

int
broker_ask(struct broker *broker, struct broker_waiter *waiter, unsigned iface,
    const struct addr *dst, struct err *err)
{
	if (broker->count == BROKER_WAITS_MAX)
		return err_set(err, ERR_LIMIT, "too many wait for the broker");
	waiter->id = broker->next_id++;
	waiter->iface = iface;
	waiter->dst = *dst;
	waiter->resends = 0;
	TAILQ_INSERT_TAIL(&broker->waiters, waiter, entry);
	broker->count++;
	send_wish(broker, waiter);
	return 0;
}

void
broker_forget(struct broker *broker, struct broker_waiter *waiter)
{
	if (waiter->id == 0)
		return;
	TAILQ_REMOVE(&broker->waiters, waiter, entry);
	broker->count--;
	waiter->id = 0;
}

void
broker_refuse(struct broker *broker, unsigned iface, const struct addr *camera,
    const struct addr *dst, struct bytes datagram)
{
	size_t head = datagram.left < BROKER_HEAD_MAX ? datagram.left : BROKER_HEAD_MAX;
	struct broker_request request;

	memset(&request, 0, sizeof(request));
	request.wish = BROKER_UNREACHABLE;
	request.iface = iface;
	request.camera = *camera;
	request.dst = *dst;
	request.size = datagram.left < UINT16_MAX ? (uint16_t)datagram.left : UINT16_MAX;
	request.head_size = (uint16_t)head;
	if (datagram.left > 0)
		memcpy(request.head, datagram.at, head);
	(void)ipc_send(broker->socket, &request, sizeof(request), NULL);
}

void
broker_find_card(struct broker *broker, unsigned iface, const struct addr *camera)
{
	struct broker_request request;

	memset(&request, 0, sizeof(request));
	request.wish = BROKER_CARD;
	request.iface = iface;
	request.camera = *camera;
	(void)ipc_send(broker->socket, &request, sizeof(request), NULL);
}

void
broker_hear(struct broker *broker, broker_unseen_cb *unseen, void *arg)
{
	broker->unseen = unseen;
	broker->unseen_arg = arg;
}

static void
take_unseen(struct broker *broker, const struct broker_unseen *unseen)
{
	struct broker_request told;

	if (broker->unseen == NULL || !broker->unseen(broker->unseen_arg, unseen))
		return;
	memset(&told, 0, sizeof(told));
	told.wish = BROKER_TOLD;
	told.told = unseen->count;
	told.until_us = unseen->until_us;
	(void)ipc_send(broker->socket, &told, sizeof(told), NULL);
}

/* ---- answers ---- */

static void
finish(struct broker *broker, struct broker_waiter *waiter, int fd, const struct err *why)
{
	broker_forget(broker, waiter);
	waiter->done(waiter->arg, fd, why);
}

static struct broker_waiter *
waiter_of(struct broker *broker, uint64_t id)
{
	struct broker_waiter *waiter = TAILQ_FIRST(&broker->waiters);

	while (waiter != NULL && waiter->id != id)
		waiter = TAILQ_NEXT(waiter, entry);
	return waiter;
}

/* One that was forgotten, or was a predecessor's, is dropped with its socket;
 * so is the second answer to one that was asked twice. */
static void
take_answer(struct broker *broker, const struct broker_answer *answer, int fd)
{
	struct broker_waiter *waiter = waiter_of(broker, answer->id);
	struct err why = {0};

	if (waiter == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	if (fd < 0)
		(void)err_set(&why, ERR_INPUT, "%.*s", (int)sizeof(answer->why), answer->why);
	finish(broker, waiter, fd, &why);
}

static void
take(struct broker *broker, const union broker_said *said, size_t size, int fd)
{
	if (said->saying == BROKER_ANSWER && size == sizeof(said->answer)) {
		take_answer(broker, &said->answer, fd);
		return;
	}
	if (said->saying == BROKER_UNSEEN && size == sizeof(said->unseen))
		take_unseen(broker, &said->unseen);
	if (fd >= 0)
		(void)close(fd);
}

static void
on_answer(evutil_socket_t socket, short what, void *arg)
{
	struct broker *broker = arg;

	(void)what;
	for (;;) {
		union broker_said said = {0};
		struct err err = {0};
		size_t count = 1;
		int fd = -1;
		ssize_t size = ipc_receive_fds(socket, &said, sizeof(said), &fd, &count, &err);

		if (size < 0)
			log_warn("an answer of the broker's is lost: %s", err.text);
		if (size <= 0)
			return;
		take(broker, &said, (size_t)size, count == 1 ? fd : -1);
	}
}

static void
on_resend(evutil_socket_t fd, short what, void *arg)
{
	static const struct err silent = {.kind = ERR_SYS, .text = "the broker does not answer"};
	struct broker *broker = arg;
	uint64_t now_ms = clock_mono_ms();
	struct broker_waiter *waiter, *next;

	(void)fd;
	(void)what;
	for (waiter = TAILQ_FIRST(&broker->waiters); waiter != NULL; waiter = next) {
		next = TAILQ_NEXT(waiter, entry);
		if (now_ms - waiter->sent_ms < RESEND_MS)
			continue;
		if (waiter->resends++ == RESENDS_MAX) {
			finish(broker, waiter, -1, &silent);
			break; /* whoever was told may have forgotten others */
		}
		send_wish(broker, waiter);
	}
	if (broker->count > 0)
		arm_resend(broker);
}

/* ---- life ---- */

struct broker *
broker_new(struct event_base *base, int socket, struct err *err)
{
	struct broker *broker = calloc(1, sizeof(*broker));

	if (broker == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory"), NULL;
	TAILQ_INIT(&broker->waiters);
	broker->socket = socket;
	/* Answers to a worker that died come to its successor: ids that start
	 * anywhere keep them apart. */
	if (RAND_bytes((unsigned char *)&broker->next_id, sizeof(broker->next_id)) != 1)
		goto fail;
	broker->next_id = (broker->next_id >> 1) + 1;
	if (event_assign(&broker->answer, base, socket, EV_READ | EV_PERSIST, on_answer, broker) !=
		0 ||
	    evtimer_assign(&broker->resend, base, on_resend, broker) != 0 ||
	    event_add(&broker->answer, NULL) != 0)
		goto fail;
	return broker;
fail:
	(void)err_set(err, ERR_NOMEM, "the way to the broker cannot be set up");
	free(broker);
	return NULL;
}

void
broker_free(struct broker *broker)
{
	if (broker == NULL)
		return;
	(void)event_del(&broker->answer);
	(void)event_del(&broker->resend);
	free(broker);
}
