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
struct leaf_keys;

/*
 * A worker's way to leaves: its cache, and behind it the signer.  A hundred
 * connections that need the same new leaf make one request.  A request that is
 * not answered (the signer was killed with it) is sent again.
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
	struct leaf_keys *keys;     /* takes the RSA key here when it comes */
	struct board_worker *board; /* counts the requests */
};

struct minter *minter_new(const struct minter_setup *setup, struct err *err);
void minter_free(struct minter *minter); /* accepts NULL; nobody may wait any more */

/*
 * The leaf for a server's certificate, with a reference of the caller's own;
 * or NULL: then either waiter->order is set and waiter->done comes later (call
 * again then), or it failed and err says why.
 */
X509 *minter_leaf(struct minter *minter, const uint8_t server_sha256[32], enum leaf_kind kind,
    X509 *server, struct mint_waiter *waiter, struct err *err);

/* Stop waiting; for a connection that ends.  The request goes on. */
void minter_forget(struct mint_waiter *waiter);

#endif
