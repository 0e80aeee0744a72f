/* SPDX-License-Identifier: MIT */
#include "proxy/minter.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/text.h"
#include "certs/leaf_cache.h"
#include "proxy/board.h"
#include "proxy/tls.h"

#include <event2/event_struct.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEAVES_MAX = 4096,
	ORDERS_MAX = 1024, /* different leaves asked for at once */
	LOOK_MS = 250,     /* how often that is looked at */
	RESEND_MS = 1500,  /* longer than a signer needs to come back */
	RESENDS_MAX = 5,
};

TAILQ_HEAD(waiter_list, mint_waiter);
TAILQ_HEAD(order_list, mint_order);

/* One request that is under way, and all who wait for its answer. */
struct mint_order {
	TAILQ_ENTRY(mint_order) entry;
	struct waiter_list waiters;
	uint64_t id;
	uint64_t sent_ms;
	unsigned resends;
	bool is_key; /* asks for the RSA leaves' key */
	uint8_t server_sha256[32];
	enum leaf_kind kind;
	size_t size;
	uint8_t request[]; /* as it is sent, for sending it again */
};

struct minter {
	struct minter_setup setup;
	struct leaf_cache *cache;
	struct event answer; /* the signer's end has something */
	struct event resend; /* while orders are under way */
	struct order_list orders;
	size_t orders_count;
	uint64_t next_id;
	uint8_t message[IPC_MESSAGE_MAX];
};

/* ---- orders ---- */

static void
arm_resend(struct minter *minter)
{
	const struct timeval delay = clock_span(LOOK_MS);

	if (!evtimer_pending(&minter->resend, NULL))
		(void)evtimer_add(&minter->resend, &delay);
}

static void
send_order(struct minter *minter, struct mint_order *order)
{
	/* A full queue is no error: the resend timer tries again. */
	(void)ipc_send(minter->setup.signer, order->request, order->size, NULL);
	order->sent_ms = clock_mono_ms();
	atomic_fetch_add_explicit(&minter->setup.board->minted, 1, memory_order_relaxed);
	arm_resend(minter);
}

static struct mint_order *
add_order(struct minter *minter, size_t size)
{
	struct mint_order *order;

	if (minter->orders_count == ORDERS_MAX)
		return NULL;
	order = calloc(1, sizeof(*order) + size);
	if (order == NULL)
		return NULL;
	TAILQ_INIT(&order->waiters);
	order->id = minter->next_id++;
	order->size = size;
	memcpy(order->request, minter->message, size);
	TAILQ_INSERT_TAIL(&minter->orders, order, entry);
	minter->orders_count++;
	return order;
}

/* Tell all who wait, and forget the order.  error "" means: ask again. */
static void
finish_order(struct minter *minter, struct mint_order *order, const char *error)
{
	struct mint_waiter *waiter;

	TAILQ_REMOVE(&minter->orders, order, entry);
	minter->orders_count--;
	while ((waiter = TAILQ_FIRST(&order->waiters)) != NULL) {
		TAILQ_REMOVE(&order->waiters, waiter, entry);
		waiter->order = NULL;
		text_copy(waiter->error, sizeof(waiter->error), error);
		waiter->done(waiter->arg);
	}
	free(order);
}

static struct mint_order *
find_order(struct minter *minter, bool is_key, const uint8_t server_sha256[32], enum leaf_kind kind)
{
	struct mint_order *order = TAILQ_FIRST(&minter->orders);

	for (; order != NULL; order = TAILQ_NEXT(order, entry)) {
		if (order->is_key != is_key)
			continue;
		if (is_key ||
		    (order->kind == kind && memcmp(order->server_sha256, server_sha256, 32) == 0))
			return order;
	}
	return NULL;
}

static void
wait_for(struct mint_order *order, struct mint_waiter *waiter)
{
	waiter->order = order;
	waiter->error[0] = '\0';
	TAILQ_INSERT_TAIL(&order->waiters, waiter, entry);
}

void
minter_forget(struct mint_waiter *waiter)
{
	if (waiter->order == NULL)
		return;
	TAILQ_REMOVE(&waiter->order->waiters, waiter, entry);
	waiter->order = NULL;
}

/* ---- answers ---- */

static struct mint_order *
order_by_id(struct minter *minter, uint64_t id)
{
	struct mint_order *order = TAILQ_FIRST(&minter->orders);

	for (; order != NULL; order = TAILQ_NEXT(order, entry)) {
		if (order->id == id)
			return order;
	}
	return NULL;
}

static int
take_key(struct minter *minter, struct bytes message, struct err *err)
{
	EVP_PKEY *key = NULL;
	uint64_t id;

	if (mint_key_answer(message, &id, &key, err) != 0)
		return -1;
	EVP_PKEY_free(minter->setup.keys->key[LEAF_RSA]);
	minter->setup.keys->key[LEAF_RSA] = key;
	return 0;
}

static int
take_leaf(struct minter *minter, const struct mint_order *order, struct bytes message,
    struct err *err)
{
	X509 *leaf = NULL;
	uint64_t id;

	if (mint_answer(message, &id, &leaf, err) != 0)
		return -1;
	leaf_cache_put(minter->cache, order->server_sha256, order->kind, leaf, clock_mono_ms());
	X509_free(leaf);
	return 0;
}

/* An answer to an order that is not ours any more, or was a predecessor's, is
 * dropped. */
static void
take_answer(struct minter *minter, struct bytes message)
{
	struct mint_order *order = order_by_id(minter, mint_answer_id(message));
	struct err err = {0};
	int ret;

	if (order == NULL)
		return;
	ret = order->is_key ? take_key(minter, message, &err)
			    : take_leaf(minter, order, message, &err);
	finish_order(minter, order, ret == 0 ? "" : err.text);
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct minter *minter = arg;
	struct err err = {0};
	ssize_t count;

	(void)what;
	while ((count = ipc_receive(fd, minter->message, sizeof(minter->message), &err)) > 0)
		take_answer(minter, (struct bytes){minter->message, (size_t)count});
	if (count < 0)
		log_warn("an answer of the signer's is lost: %s", err.text);
}

static void
on_resend(evutil_socket_t fd, short what, void *arg)
{
	struct minter *minter = arg;
	uint64_t now_ms = clock_mono_ms();
	struct mint_order *order, *next;

	(void)fd;
	(void)what;
	for (order = TAILQ_FIRST(&minter->orders); order != NULL; order = next) {
		next = TAILQ_NEXT(order, entry);
		if (now_ms - order->sent_ms < RESEND_MS)
			continue;
		if (order->resends++ == RESENDS_MAX)
			finish_order(minter, order, "the signer does not answer");
		else
			send_order(minter, order);
	}
	if (minter->orders_count > 0)
		arm_resend(minter);
}

/* ---- asking ---- */

/* The RSA leaves' key is made by the signer: making one here would hold up
 * every connection of the worker for a third of a second. */
static int
ask_for_key(struct minter *minter, struct mint_waiter *waiter, struct err *err)
{
	struct mint_order *order = find_order(minter, true, NULL, LEAF_RSA);

	if (order == NULL) {
		size_t size =
		    mint_key_request(minter->message, sizeof(minter->message), minter->next_id);
		order = add_order(minter, size);
		if (order == NULL)
			return err_set(err, ERR_LIMIT, "too many requests to the signer");
		order->is_key = true;
		send_order(minter, order);
	}
	wait_for(order, waiter);
	return 0;
}

static int
ask_for_leaf(struct minter *minter, const uint8_t server_sha256[32], enum leaf_kind kind,
    X509 *server, struct mint_waiter *waiter, struct err *err)
{
	struct mint_order *order = find_order(minter, false, server_sha256, kind);

	if (order == NULL) {
		const struct mint_wanted wanted = {.id = minter->next_id,
		    .kind = kind,
		    .server = server,
		    .key = minter->setup.keys->key[leaf_kind_key(kind)]};
		size_t size = mint_request(&wanted, minter->message, sizeof(minter->message), err);

		if (size == 0)
			return -1;
		order = add_order(minter, size);
		if (order == NULL)
			return err_set(err, ERR_LIMIT, "too many requests to the signer");
		order->kind = kind;
		memcpy(order->server_sha256, server_sha256, 32);
		send_order(minter, order);
	}
	wait_for(order, waiter);
	return 0;
}

X509 *
minter_leaf(struct minter *minter, const uint8_t server_sha256[32], enum leaf_kind kind,
    X509 *server, struct mint_waiter *waiter, struct err *err)
{
	X509 *leaf;

	if (waiter->error[0] != '\0') {
		(void)err_set(err, ERR_TLS, "%s", waiter->error);
		return NULL;
	}
	if (minter->setup.keys->key[leaf_kind_key(kind)] == NULL) {
		(void)ask_for_key(minter, waiter, err);
		return NULL;
	}
	leaf = leaf_cache_get(minter->cache, server_sha256, kind, clock_mono_ms());
	if (leaf == NULL)
		(void)ask_for_leaf(minter, server_sha256, kind, server, waiter, err);
	return leaf;
}

/* ---- life ---- */

struct minter *
minter_new(const struct minter_setup *setup, struct err *err)
{
	struct minter *minter = calloc(1, sizeof(*minter));

	if (minter == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	minter->setup = *setup;
	TAILQ_INIT(&minter->orders);
	minter->cache = leaf_cache_new(LEAVES_MAX);
	/* Answers to a worker that died come to its successor: ids that start
	 * anywhere keep them apart. */
	if (minter->cache == NULL ||
	    RAND_bytes((unsigned char *)&minter->next_id, sizeof(minter->next_id)) != 1)
		goto fail;
	minter->next_id = (minter->next_id >> 1) + 1;
	if (event_assign(&minter->answer, setup->base, setup->signer, EV_READ | EV_PERSIST,
		on_answer, minter) != 0 ||
	    evtimer_assign(&minter->resend, setup->base, on_resend, minter) != 0 ||
	    event_add(&minter->answer, NULL) != 0)
		goto fail;
	return minter;
fail:
	(void)err_set(err, ERR_NOMEM, "the way to the signer cannot be set up");
	leaf_cache_free(minter->cache);
	free(minter);
	return NULL;
}

void
minter_free(struct minter *minter)
{
	struct mint_order *order;

	if (minter == NULL)
		return;
	while ((order = TAILQ_FIRST(&minter->orders)) != NULL) {
		TAILQ_REMOVE(&minter->orders, order, entry);
		free(order);
	}
	(void)event_del(&minter->answer);
	(void)event_del(&minter->resend);
	leaf_cache_free(minter->cache);
	free(minter);
}
