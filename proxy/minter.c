/* SPDX-License-Identifier: MIT */
#include "proxy/minter.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/text.h"
#include "certs/leaf_cache.h"
#include "proxy/board.h"

#include <event2/event_struct.h>
#include <openssl/crypto.h>
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

static const char silent[] = "the signer does not answer";

TAILQ_HEAD(waiter_list, mint_waiter);
TAILQ_HEAD(order_list, mint_order);

/* One request that is under way, and all who wait for its answer. */
struct mint_order {
	TAILQ_ENTRY(mint_order) entry;
	struct waiter_list waiters;
	uint64_t id;
	uint64_t sent_ms;
	unsigned resends;
	bool later; /* the signer has no key for it yet, and said so */
	bool spent; /* asked as often as may be, and not answered */
	uint8_t server_sha256[32];
	enum leaf_kind kind;
	size_t size;
	uint8_t request[]; /* as it is sent, for sending it again */
};

struct minter {
	struct minter_setup setup;
	struct leaf_cache *cache;
	struct mint_key keys[2]; /* the last ones, by leaf_kind_key */
	struct event answer;     /* the signer's end has something */
	struct event resend;     /* while orders are under way */
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
	order->later = false;
	atomic_fetch_add_explicit(&minter->setup.board->asked, 1, memory_order_relaxed);
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
find_order(struct minter *minter, const struct mint_wanted *wanted)
{
	struct mint_order *order = TAILQ_FIRST(&minter->orders);

	for (; order != NULL; order = TAILQ_NEXT(order, entry)) {
		if (order->kind == wanted->kind &&
		    memcmp(order->server_sha256, wanted->server_sha256, 32) == 0)
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
take_leaf(struct minter *minter, const struct mint_order *order, const struct mint_answer *answer,
    struct err *err)
{
	struct mint_key *key = &minter->keys[leaf_kind_key(order->kind)];
	struct minted minted = {0};

	if (mint_answer_leaf(answer, key, &minted, err) != 0)
		return -1;
	leaf_cache_put(minter->cache, order->server_sha256, order->kind, &minted, clock_mono_ms());
	minted_clear(&minted);
	return 0;
}

/* The signer has the key that they wait for, or will never have it. */
static void
send_later(struct minter *minter)
{
	struct mint_order *order = TAILQ_FIRST(&minter->orders);

	for (; order != NULL; order = TAILQ_NEXT(order, entry)) {
		if (order->later)
			send_order(minter, order);
	}
}

/* An answer to an order that is not ours any more, or was a predecessor's, is
 * dropped. */
static void
take_answer(struct minter *minter, struct bytes message)
{
	struct mint_order *order = NULL;
	struct mint_answer answer;
	enum leaf_kind key;
	struct err err = {0};
	int ret;

	if (mint_answer_open(message, &answer))
		order = order_by_id(minter, answer.id);
	if (order == NULL)
		return;
	if (answer.status == MINT_LATER) {
		/* It lives: it is asked again for as long as it takes. */
		order->later = true;
		order->resends = 0;
		return;
	}
	ret = take_leaf(minter, order, &answer, &err);
	key = leaf_kind_key(order->kind);
	finish_order(minter, order, ret == 0 ? "" : err.text);
	if (key == LEAF_RSA)
		send_later(minter);
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct minter *minter = arg;
	struct err err = {0};
	ssize_t count;

	(void)what;
	while ((count = ipc_receive(fd, minter->message, sizeof(minter->message), &err)) > 0) {
		take_answer(minter, (struct bytes){minter->message, (size_t)count});
		OPENSSL_cleanse(minter->message, (size_t)count); /* a private key was in it */
	}
	if (count < 0)
		log_warn("an answer of the signer's is lost: %s", err.text);
}

/* Is one under way whose answer tells whether the RSA leaf key is there? */
static bool
is_key_asked(const struct minter *minter)
{
	const struct mint_order *order = TAILQ_FIRST(&minter->orders);

	for (; order != NULL; order = TAILQ_NEXT(order, entry)) {
		if (!order->later && leaf_kind_key(order->kind) == LEAF_RSA)
			return true;
	}
	return false;
}

/* Of the orders that the signer has no key for yet one asks for all: what each
 * asked would be taken off the leaves that this worker may have. */
static bool
is_due(const struct mint_order *order, uint64_t now_ms, bool *key_asked)
{
	if (!order->later)
		return now_ms - order->sent_ms >= RESEND_MS;
	if (*key_asked)
		return false;
	*key_asked = true;
	return true;
}

/* Ask again where it is due.  Tell whether one that asked for the RSA leaf key was
 * not answered: then it was not for all who wait for that key. */
static bool
resend_due(struct minter *minter)
{
	uint64_t now_ms = clock_mono_ms();
	bool key_asked = is_key_asked(minter), key_failed = false;
	struct mint_order *order = TAILQ_FIRST(&minter->orders);

	for (; order != NULL; order = TAILQ_NEXT(order, entry)) {
		if (!is_due(order, now_ms, &key_asked))
			continue;
		order->spent = order->resends++ >= RESENDS_MAX;
		if (!order->spent)
			send_order(minter, order);
		else
			key_failed |= leaf_kind_key(order->kind) == LEAF_RSA;
	}
	return key_failed;
}

static void
on_resend(evutil_socket_t fd, short what, void *arg)
{
	struct minter *minter = arg;
	bool key_failed = resend_due(minter);
	struct mint_order *order, *next;

	(void)fd;
	(void)what;
	for (order = TAILQ_FIRST(&minter->orders); order != NULL; order = next) {
		next = TAILQ_NEXT(order, entry);
		if (order->spent || (order->later && key_failed))
			finish_order(minter, order, silent);
	}
	if (minter->orders_count > 0)
		arm_resend(minter);
}

/* ---- asking ---- */

static int
ask_for_leaf(struct minter *minter, const struct mint_wanted *wanted, struct mint_waiter *waiter,
    struct err *err)
{
	struct mint_order *order = find_order(minter, wanted);

	if (order == NULL) {
		size_t size = mint_request(wanted, minter->next_id, minter->message,
		    sizeof(minter->message), err);

		if (size == 0)
			return -1;
		order = add_order(minter, size);
		if (order == NULL)
			return err_set(err, ERR_LIMIT, "too many requests to the signer");
		order->kind = wanted->kind;
		memcpy(order->server_sha256, wanted->server_sha256, 32);
		send_order(minter, order);
	}
	wait_for(order, waiter);
	return 0;
}

int
minter_leaf(struct minter *minter, const struct mint_wanted *wanted, struct mint_waiter *waiter,
    struct minted *out, struct err *err)
{
	if (waiter->error[0] != '\0')
		return err_set(err, ERR_TLS, "%s", waiter->error);
	if (leaf_cache_get(minter->cache, wanted->server_sha256, wanted->kind, clock_mono_ms(),
		out))
		return 0;
	(void)ask_for_leaf(minter, wanted, waiter, err);
	return -1;
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
	for (size_t i = 0; i < sizeof(minter->keys) / sizeof(minter->keys[0]); i++)
		mint_key_clear(&minter->keys[i]);
	free(minter);
}
