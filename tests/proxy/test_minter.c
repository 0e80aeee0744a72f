/* SPDX-License-Identifier: MIT */
#include "proxy/minter.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "proxy/board.h"
#include "tests/certs/new_signer.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

/* A minter, and a real signer on the other end, which answers when told. */
static struct event_base *base;
static struct pki ca, server;
static struct signer *signer;
static struct board board;
static struct minter *minter;
static int ends[2];
static uint8_t request[IPC_MESSAGE_MAX], answer[IPC_MESSAGE_MAX];

static void
open_minter(void)
{
	struct pki_spec spec = pki_root_spec("Borderlens CA test");
	struct minter_setup setup = {.board = &board.worker[0]};
	struct err err = {0};

	spec.from_days = -30;
	ca = pki_make(&spec, NULL);
	server = pki_server("a.example", NULL);
	signer = new_signer(&ca);
	cr_assert_eq(ipc_pair(ends, NULL), 0);
	base = event_base_new();
	setup.base = base;
	setup.signer = ends[0];
	minter = minter_new(&setup, &err);
	cr_assert_not_null(minter, "%s", err.text);
}

static void
close_minter(void)
{
	minter_free(minter);
	minter_free(NULL);
	event_base_free(base);
	signer_free(signer);
	pki_free(&ca);
	pki_free(&server);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

TestSuite(minter, .init = open_minter, .fini = close_minter);

/* Answer what was asked; returns how many requests that were. */
static unsigned
sign(void)
{
	unsigned count = 0;
	ssize_t size;

	while ((size = ipc_receive(ends[1], request, sizeof(request), NULL)) > 0) {
		struct bytes bytes = {request, (size_t)size};

		cr_assert_eq(ipc_send(ends[1], answer, signer_answer(signer, bytes, answer), NULL),
		    1);
		count++;
	}
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	return count;
}

static void
count_one(void *arg)
{
	++*(unsigned *)arg;
}

/* Ask for the leaf of a server that is told apart by number; the leaf is borrowed
 * from the minter's cache. */
static X509 *
ask(unsigned number, enum leaf_kind kind, struct mint_waiter *waiter, struct err *err)
{
	const uint8_t sha256[32] = {(uint8_t)number, (uint8_t)(number >> 8)};
	const struct mint_wanted wanted = {.kind = kind,
	    .server = server.cert,
	    .server_sha256 = sha256};
	struct minted minted = {0};
	X509 *leaf;

	if (minter_leaf(minter, &wanted, waiter, &minted, err) != 0)
		return NULL;
	cr_expect_eq(X509_check_private_key(minted.leaf, minted.key), 1);
	leaf = minted.leaf;
	minted_clear(&minted);
	return leaf;
}

Test(minter, asks_once_and_keeps_what_it_got)
{
	unsigned told = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};
	struct err err = {0};
	X509 *leaf;

	cr_expect_null(ask(1, LEAF_EC, &waiter, &err));
	cr_expect_not_null(waiter.order);
	cr_expect_eq(told, 0);
	cr_expect_eq(sign(), 1);
	cr_expect_eq(told, 1);
	cr_expect_null(waiter.order);
	leaf = ask(1, LEAF_EC, &waiter, &err);
	cr_assert_not_null(leaf);
	cr_expect_eq(X509_NAME_cmp(X509_get_issuer_name(leaf), X509_get_subject_name(ca.cert)), 0);
	cr_expect_eq(sign(), 0);
}

Test(minter, a_hundred_that_need_the_same_make_one_request)
{
	enum { MANY = 100 };
	struct mint_waiter waiters[MANY];
	unsigned told = 0;

	for (size_t i = 0; i < MANY; i++) {
		waiters[i] = (struct mint_waiter){.done = count_one, .arg = &told};
		cr_expect_null(ask(1, LEAF_EC, &waiters[i], NULL));
	}
	cr_expect_eq(sign(), 1);
	cr_expect_eq(told, MANY);
	cr_expect_eq(atomic_load(&board.worker[0].asked), 1);
}

Test(minter, others_need_their_own)
{
	struct mint_waiter waiters[3];
	unsigned told = 0;

	for (unsigned i = 0; i < 3; i++) {
		waiters[i] = (struct mint_waiter){.done = count_one, .arg = &told};
		cr_expect_null(ask(i, LEAF_EC, &waiters[i], NULL));
	}
	cr_expect_eq(sign(), 3);
	cr_expect_eq(told, 3);
}

Test(minter, who_forgets_is_not_told_and_the_leaf_is_there_for_the_next)
{
	unsigned told = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};

	cr_expect_null(ask(1, LEAF_EC, &waiter, NULL));
	minter_forget(&waiter);
	minter_forget(&waiter);
	cr_expect_null(waiter.order);
	cr_expect_eq(sign(), 1);
	cr_expect_eq(told, 0);
	cr_expect_not_null(ask(1, LEAF_EC, &waiter, NULL));
}

Test(minter, a_refusal_has_the_signers_words)
{
	unsigned told = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};
	struct pki_spec spec = pki_server_spec("a.example");
	struct err err = {0};

	spec.from_days = 60;
	spec.to_days = -60;
	pki_free(&server);
	server = pki_make(&spec, NULL);
	cr_expect_null(ask(1, LEAF_EC, &waiter, &err));
	cr_expect_eq(sign(), 1);
	cr_expect_eq(told, 1);
	cr_expect_null(ask(1, LEAF_EC, &waiter, &err));
	cr_expect_null(waiter.order, "it is not asked again");
	cr_expect_not_null(strstr(err.text, "dates"), "%s", err.text);
}

static void
go_on_searching(void *arg)
{
	(void)arg;
}

/* The loop's timer asks again; the bound is for a machine that stands still. */
static void
sign_until_told(const unsigned *told, unsigned count)
{
	const uint64_t until_ms = clock_mono_ms() + 60000;

	while (*told < count && clock_mono_ms() < until_ms) {
		(void)sign();
		(void)event_base_loop(base, EVLOOP_ONCE);
	}
	cr_expect_eq(*told, count);
}

Test(minter, a_leaf_of_rsa_waits_for_its_key_and_is_asked_for_again)
{
	unsigned told = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};
	struct mint_waiter other = {.done = count_one, .arg = &told};

	cr_expect_null(ask(1, LEAF_RSA, &waiter, NULL));
	cr_expect_null(ask(2, LEAF_RSA, &other, NULL));
	cr_expect_eq(sign(), 2);
	cr_expect_eq(told, 0, "later is no refusal");
	cr_expect_not_null(waiter.order);
	cr_assert_eq(signer_make_key(signer, go_on_searching, NULL, NULL), 0);
	sign_until_told(&told, 2);
	cr_expect_not_null(ask(1, LEAF_RSA, &waiter, NULL));
	cr_expect_not_null(ask(2, LEAF_RSA, &other, NULL));
	cr_expect_eq(sign(), 0);
}

/* What they asked was taken off the leaves that the worker may have. */
Test(minter, of_many_that_wait_for_the_key_one_asks_again)
{
	enum { MANY = 40, LOOKS = 3 };
	struct mint_waiter waiters[MANY];
	unsigned told = 0;

	for (unsigned i = 0; i < MANY; i++) {
		enum leaf_kind kind = i % 2 == 0 ? LEAF_RSA : LEAF_UNTRUSTED_RSA;

		waiters[i] = (struct mint_waiter){.done = count_one, .arg = &told};
		cr_expect_null(ask(i, kind, &waiters[i], NULL));
	}
	cr_expect_eq(sign(), MANY);
	for (int i = 0; i < LOOKS; i++) {
		(void)event_base_loop(base, EVLOOP_ONCE);
		cr_expect_eq(sign(), 1);
	}
	cr_assert_eq(signer_make_key(signer, go_on_searching, NULL, NULL), 0);
	sign_until_told(&told, MANY);
	cr_expect_leq(atomic_load(&board.worker[0].asked), 2 * MANY + LOOKS + 2);
}

/* It comes back with another key. */
Test(minter, leaves_of_a_signer_that_is_gone_are_shown_with_its_key)
{
	unsigned told = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};

	cr_expect_null(ask(1, LEAF_EC, &waiter, NULL));
	cr_expect_eq(sign(), 1);
	signer_free(signer);
	signer = new_signer(&ca);
	cr_expect_null(ask(2, LEAF_EC, &waiter, NULL));
	cr_expect_eq(sign(), 1);
	cr_expect_eq(told, 2);
	/* ask looks at leaf and key. */
	cr_expect_not_null(ask(1, LEAF_EC, &waiter, NULL));
	cr_expect_not_null(ask(2, LEAF_EC, &waiter, NULL));
	cr_expect_eq(sign(), 0);
}

/* The answer had the leaf's private key in it; the last key of a kind is kept to
 * be compared with, and that is all. */
Test(minter, an_answer_that_was_read_is_wiped)
{
	unsigned told = 0, copies = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};
	struct mint_answer read;
	struct mint_key key = {0};
	struct minted minted = {0};
	const uint8_t *at = (const uint8_t *)minter;
	struct err err = {0};
	size_t left;
	ssize_t size;

	cr_expect_null(ask(1, LEAF_EC, &waiter, NULL));
	cr_assert_gt(size = ipc_receive(ends[1], request, sizeof(request), NULL), 0);
	left = signer_answer(signer, (struct bytes){request, (size_t)size}, answer);
	cr_assert_eq(ipc_send(ends[1], answer, left, NULL), 1);
	cr_assert(mint_answer_open((struct bytes){answer, left}, &read));
	cr_assert_eq(mint_answer_leaf(&read, &key, &minted, &err), 0, "%s", err.text);
	minted_clear(&minted);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_eq(told, 1);
	left = malloc_usable_size(minter);
	while ((at = memmem(at, left, key.der, key.size)) != NULL) {
		copies++;
		at++;
		left = malloc_usable_size(minter) - (size_t)(at - (const uint8_t *)minter);
	}
	cr_expect_eq(copies, 1, "%u copies of the key", copies);
	mint_key_clear(&key);
}

/* What a predecessor asked, or what nobody asked. */
Test(minter, answers_that_are_not_its_own_are_dropped)
{
	unsigned told = 0;
	struct mint_waiter waiter = {.done = count_one, .arg = &told};
	static const uint8_t sha256[MINT_DIGEST_BYTES];
	const struct mint_wanted wanted = {.kind = LEAF_EC,
	    .server = server.cert,
	    .server_sha256 = sha256};
	size_t size;

	size = mint_request(&wanted, 12345, request, sizeof(request), NULL);
	size = signer_answer(signer, (struct bytes){request, size}, answer);
	cr_expect_null(ask(1, LEAF_EC, &waiter, NULL));
	cr_assert_eq(ipc_send(ends[1], answer, size, NULL), 1);
	cr_assert_eq(ipc_send(ends[1], "junk", 4, NULL), 1);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	cr_expect_eq(told, 0);
	cr_expect_not_null(waiter.order);
	cr_expect_eq(sign(), 1);
	cr_expect_eq(told, 1);
}

Test(minter, one_that_goes_forgets_what_is_under_way)
{
	struct mint_waiter waiter = {.done = count_one};

	cr_expect_null(ask(1, LEAF_EC, &waiter, NULL));
	minter_forget(&waiter);
}
