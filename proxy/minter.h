/* SPDX-License-Identifier: MIT */
#ifndef PROXY_MINTER_H
#define PROXY_MINTER_H

#include "certs/mint.h"

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>

struct board_worker;
struct err;
struct minter;

/*
 * A worker's way to leaves: its cache, and behind it the signer.  A hundred
 * connections that need the same new leaf make one request; where another worker
 * asked before, the signer makes none for it.  A request that is not answered (the
 * signer was killed with it) is sent again; of those that it has no key for yet
 * (MINT_LATER) one is, a few times a second, and the others when it has.  Each leaf is kept with
 * the key that it came with, so those of a signer that is gone stay good.
 */

/* One who waits for a leaf; part of a connection. */
struct mint_waiter {
	TAILQ_ENTRY(mint_waiter) entry;
	struct mint_order *order; /* NULL: waits for nothing */
	void (*done)(void *arg);  /* called once, from the event loop, when there is an answer */
	void *arg;
	char error[160]; /* the signer's words where it refused; "" otherwise */
};

struct minter_setup {
	struct event_base *base;
	int signer;                 /* an end of ipc_pair; stays the caller's */
	struct board_worker *board; /* counts the requests */
};

struct minter *minter_new(const struct minter_setup *setup, struct err *err);
void minter_free(struct minter *minter); /* accepts NULL; nobody may wait any more */

/*
 * The leaf that is wanted, with its key, references of the caller's own in *out;
 * or -1: then either waiter->order is set and waiter->done comes later (call again
 * then), or it failed and err says why.
 */
int minter_leaf(struct minter *minter, const struct mint_wanted *wanted, struct mint_waiter *waiter,
    struct minted *out, struct err *err);

/* Stop waiting; for a connection that ends.  The request goes on. */
void minter_forget(struct mint_waiter *waiter);

#endif
