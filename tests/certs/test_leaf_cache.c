/* SPDX-License-Identifier: MIT */
#include "certs/leaf_cache.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <string.h>

static struct pki leaf;
static struct minted minted; /* borrows leaf's */
static uint8_t key[32];

/* Keys that fall into few buckets, so chains are walked. */
static const uint8_t *
server(unsigned number)
{
	memset(key, 0, sizeof(key));
	key[0] = (uint8_t)(number % 3);
	key[30] = (uint8_t)(number >> 8);
	key[31] = (uint8_t)number;
	return key;
}

static void
make_leaf(void)
{
	leaf = pki_server("a.example", NULL);
	minted = (struct minted){.leaf = leaf.cert, .key = leaf.key};
}

static void
free_leaf(void)
{
	pki_free(&leaf);
}

TestSuite(leaf_cache, .init = make_leaf, .fini = free_leaf);

static bool
has(struct leaf_cache *cache, unsigned number, enum leaf_kind kind, uint64_t now_ms)
{
	struct minted found = {0};
	bool ret = leaf_cache_get(cache, server(number), kind, now_ms, &found);

	cr_assert_eq(found.leaf != NULL && found.key != NULL, ret);
	minted_clear(&found);
	return ret;
}

Test(leaf_cache, what_is_put_is_found_by_server_and_kind)
{
	struct leaf_cache *cache = leaf_cache_new(8);

	leaf_cache_put(cache, server(1), LEAF_EC, &minted, 0);
	cr_expect(has(cache, 1, LEAF_EC, 1));
	cr_expect_not(has(cache, 1, LEAF_RSA, 1));
	cr_expect_not(has(cache, 2, LEAF_EC, 1));
	leaf_cache_free(cache);
}

Test(leaf_cache, the_least_recently_used_goes_first)
{
	struct leaf_cache *cache = leaf_cache_new(4);

	for (unsigned i = 0; i < 4; i++)
		leaf_cache_put(cache, server(i), LEAF_EC, &minted, 0);
	cr_expect(has(cache, 0, LEAF_EC, 1));
	leaf_cache_put(cache, server(4), LEAF_EC, &minted, 1);
	cr_expect_not(has(cache, 1, LEAF_EC, 1), "1 was longest unused");
	cr_expect(has(cache, 0, LEAF_EC, 1));
	cr_expect(has(cache, 2, LEAF_EC, 1));
	cr_expect(has(cache, 3, LEAF_EC, 1));
	cr_expect(has(cache, 4, LEAF_EC, 1));
	leaf_cache_free(cache);
}

Test(leaf_cache, a_leaf_is_given_out_for_a_day)
{
	struct leaf_cache *cache = leaf_cache_new(4);

	leaf_cache_put(cache, server(0), LEAF_EC, &minted, 1000);
	cr_expect(has(cache, 0, LEAF_EC, 1000 + LEAF_AGE_MAX_MS - 1));
	cr_expect_not(has(cache, 0, LEAF_EC, 1000 + LEAF_AGE_MAX_MS));
	cr_expect_not(has(cache, 0, LEAF_EC, 1000), "and is gone then");
	leaf_cache_free(cache);
}

Test(leaf_cache, a_leaf_of_an_expired_server_is_kept_too)
{
	struct leaf_cache *cache = leaf_cache_new(4);
	struct pki_spec spec = pki_server_spec("a.example");
	struct pki old;

	spec.to_days = -1;
	old = pki_make(&spec, NULL);
	leaf_cache_put(cache, server(0), LEAF_EC,
	    &(struct minted){.leaf = old.cert, .key = old.key}, 0);
	cr_expect(has(cache, 0, LEAF_EC, 1));
	leaf_cache_free(cache);
	pki_free(&old);
}

/* A signer that was started anew has another key: what it made before is shown
 * with the one that it had then. */
Test(leaf_cache, each_leaf_keeps_the_key_it_came_with)
{
	struct leaf_cache *cache = leaf_cache_new(4);
	struct pki other = pki_server("b.example", NULL);
	const struct pki *const put[] = {&leaf, &other};

	for (unsigned i = 0; i < 2; i++)
		leaf_cache_put(cache, server(i), LEAF_EC,
		    &(struct minted){.leaf = put[i]->cert, .key = put[i]->key}, 0);
	for (unsigned i = 0; i < 2; i++) {
		struct minted found = {0};

		cr_assert(leaf_cache_get(cache, server(i), LEAF_EC, 1, &found));
		cr_expect_eq(found.leaf, put[i]->cert);
		cr_expect_eq(found.key, put[i]->key);
		minted_clear(&found);
	}
	leaf_cache_free(cache);
	pki_free(&other);
}

Test(leaf_cache, the_same_leaf_put_again_is_held_once)
{
	struct leaf_cache *cache = leaf_cache_new(2);

	for (uint64_t now_ms = 0; now_ms < 10; now_ms++)
		leaf_cache_put(cache, server(0), LEAF_EC, &minted, now_ms);
	cr_expect(has(cache, 0, LEAF_EC, LEAF_AGE_MAX_MS + 5), "its day begins anew");
	leaf_cache_put(cache, server(1), LEAF_EC, &minted, 10);
	cr_expect(has(cache, 0, LEAF_EC, 10), "one entry, so both fit");
	cr_expect(has(cache, 1, LEAF_EC, 10));
	leaf_cache_free(cache);
}

Test(leaf_cache, a_leaf_outlives_the_cache_for_who_holds_it)
{
	struct leaf_cache *cache = leaf_cache_new(1);
	struct minted held = {0};

	leaf_cache_put(cache, server(0), LEAF_EC, &minted, 0);
	cr_assert(leaf_cache_get(cache, server(0), LEAF_EC, 0, &held));
	leaf_cache_free(cache);
	cr_expect_eq(X509_check_private_key(held.leaf, held.key), 1);
	minted_clear(&held);
}
