/* SPDX-License-Identifier: MIT */
#include "base/ipc.h"
#include "certs/mint.h"
#include "tests/certs/new_signer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* What a signer remembers.  Its requests and answers: test_mint.c. */
static struct pki ca;
static struct signer *signer;
static uint8_t request[IPC_MESSAGE_MAX], answer[IPC_MESSAGE_MAX], before[IPC_MESSAGE_MAX];

enum {
	REMEMBERED = 4096, /* leaves */
	REMEMBERED_BYTES = 4 << 20,
	NAME_BYTES = 16,
	ID_BYTES = 8,
};

static void
open_signer(void)
{
	struct pki_spec spec = pki_root_spec("Borderlens CA test");

	spec.from_days = -30;
	ca = pki_make(&spec, NULL);
	signer = new_signer(&ca);
}

static void
close_signer(void)
{
	signer_free(signer);
	pki_free(&ca);
}

TestSuite(signer, .init = open_signer, .fini = close_signer, .timeout = 120);

/* The request for a leaf of `count` names that are told apart by number; its size. */
static size_t
write_request(uint64_t id, unsigned number, size_t count)
{
	/* After the server's digest: dates until long after the CA's, and an empty subject. */
	const uint8_t head[] = {0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0x30,
	    0x00};
	uint8_t *at = request;

	for (int i = 0; i < ID_BYTES; i++)
		*at++ = (uint8_t)(id >> 8 * (ID_BYTES - 1 - i));
	*at++ = LEAF_EC;
	memset(at, 0, MINT_DIGEST_BYTES);
	at += MINT_DIGEST_BYTES;
	memcpy(at, head, sizeof(head));
	at += sizeof(head);
	*at++ = (uint8_t)(count * NAME_BYTES >> 16);
	*at++ = (uint8_t)(count * NAME_BYTES >> 8);
	*at++ = (uint8_t)(count * NAME_BYTES);
	for (size_t i = 0; i < count; i++) {
		char name[NAME_BYTES + 1];

		(void)snprintf(name, sizeof(name), "\x82\x0e%06u.example", number % 1000000);
		memcpy(at, name, NAME_BYTES);
		at += NAME_BYTES;
	}
	return (size_t)(at - request);
}

static size_t
ask(uint64_t id, unsigned number, size_t count)
{
	size_t size = write_request(id, number, count);
	struct mint_answer answered;

	size = signer_answer(signer, (struct bytes){request, size}, answer);
	cr_assert(mint_answer_open((struct bytes){answer, size}, &answered));
	cr_assert_eq(answered.status, MINT_DONE);
	cr_assert_eq(answered.id, id);
	return size;
}

/* Whether it had to be made. */
static bool
is_made(unsigned number, size_t count)
{
	uint64_t minted = signer_minted(signer);

	(void)ask(1, number, count);
	return signer_minted(signer) != minted;
}

Test(signer, who_asks_for_the_same_again_is_given_the_same)
{
	size_t size = ask(1, 7, 1);

	memcpy(before, answer, size);
	cr_expect_eq(ask(2, 7, 1), size);
	cr_expect_eq(memcmp(before + ID_BYTES, answer + ID_BYTES, size - ID_BYTES), 0,
	    "key and leaf, bit for bit");
	cr_expect_eq(signer_minted(signer), 1);
	cr_expect(ask(3, 8, 1) != size ||
		  memcmp(before + ID_BYTES, answer + ID_BYTES, size - ID_BYTES) != 0);
	cr_expect_eq(signer_minted(signer), 2);
}

/* A bit of kind, digest, dates, subject or names is another leaf, or none. */
Test(signer, what_is_remembered_is_never_given_for_another_request)
{
	size_t size = ask(1, 7, 1), asked = write_request(1, 7, 1);

	memcpy(before, answer, size);
	for (size_t i = ID_BYTES; i < asked; i++) {
		size_t got;

		request[i] ^= 1;
		got = signer_answer(signer, (struct bytes){request, asked}, answer);
		cr_expect(got != size || memcmp(before, answer, size) != 0, "byte %zu", i);
		request[i] ^= 1;
	}
	cr_expect_not(is_made(7, 1), "and the first one is still there");
}

Test(signer, refusals_are_not_remembered)
{
	size_t size = write_request(1, 7, 1);

	request[size - 1] = ' '; /* of the name */
	for (int i = 0; i < 2; i++) {
		size_t got = signer_answer(signer, (struct bytes){request, size}, answer);
		struct mint_answer answered;

		cr_assert(mint_answer_open((struct bytes){answer, got}, &answered));
		cr_expect_eq(answered.status, MINT_REFUSED);
	}
	cr_expect_eq(signer_minted(signer), 0);
}

Test(signer, the_leaf_that_nobody_asked_for_longest_goes_first)
{
	for (unsigned i = 0; i < REMEMBERED; i++)
		cr_assert(is_made(i, 1));
	cr_expect_not(is_made(0, 1));
	cr_expect(is_made(REMEMBERED, 1));
	cr_expect_not(is_made(0, 1), "it was asked for since");
	cr_expect(is_made(1, 1));
}

Test(signer, leaves_of_many_names_go_by_their_bytes)
{
	enum { NAMES = 3000, EACH = NAMES * NAME_BYTES, FIT = REMEMBERED_BYTES / EACH };

	for (unsigned i = 0; i < FIT - 2; i++)
		cr_assert(is_made(i, NAMES));
	cr_expect_not(is_made(0, NAMES));
	for (unsigned i = FIT; i < FIT + 3; i++)
		cr_assert(is_made(i, NAMES));
	cr_expect(is_made(1, NAMES), "the first ones made way");
	cr_expect_not(is_made(0, NAMES));
}

Test(signer, another_signer_knows_nothing_of_it_and_has_a_key_of_its_own)
{
	struct mint_key keys[2] = {0};
	struct minted minted[2] = {{0}, {0}};

	for (int i = 0; i < 2; i++) {
		struct mint_answer answered;
		size_t size = ask(1, 7, 1);

		cr_assert(mint_answer_open((struct bytes){answer, size}, &answered));
		cr_assert_eq(mint_answer_leaf(&answered, &keys[i], &minted[i], NULL), 0);
		cr_expect_eq(X509_check_private_key(minted[i].leaf, minted[i].key), 1);
		cr_expect_eq(signer_minted(signer), 1);
		signer_free(signer);
		signer = new_signer(&ca);
	}
	cr_expect_eq(EVP_PKEY_eq(minted[0].key, minted[1].key), 0);
	for (int i = 0; i < 2; i++) {
		minted_clear(&minted[i]);
		mint_key_clear(&keys[i]);
	}
}
