/* SPDX-License-Identifier: MIT */
#include "certs/chain_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct chain
a_chain(uint8_t set, uint8_t number)
{
	struct chain chain = {.sha256 = {set, number}, .from = 1000, .to = 100000};

	(void)snprintf(chain.leaf.subject, sizeof(chain.leaf.subject), "CN=%u", number);
	return chain;
}

Test(chain_cache, a_good_chain_is_found_by_its_digest)
{
	struct chain_cache *cache = chain_cache_new();
	struct chain chain = a_chain(1, 2), other = a_chain(1, 3);
	const struct chain *found;

	chain_cache_put(cache, &chain, 5000);
	found = chain_cache_get(cache, chain.sha256, 5000);
	cr_assert_not_null(found);
	cr_expect_str_eq(found->leaf.subject, "CN=2");
	cr_expect_null(chain_cache_get(cache, other.sha256, 5000));
	for (size_t i = 0; i < CHAIN_DIGEST_BYTES; i++) {
		chain.sha256[i] ^= 0x40;
		cr_expect_null(chain_cache_get(cache, chain.sha256, 5000), "byte %zu", i);
		chain.sha256[i] ^= 0x40;
	}
	chain_cache_free(cache);
}

Test(chain_cache, time_ends_it)
{
	struct chain_cache *cache = chain_cache_new();
	struct chain chain = a_chain(1, 2);

	chain_cache_put(cache, &chain, 5000);
	cr_expect_not_null(chain_cache_get(cache, chain.sha256, 5000 + CHAIN_AGE_MAX_S));
	cr_expect_null(chain_cache_get(cache, chain.sha256, 5000 + CHAIN_AGE_MAX_S + 1));
	cr_expect_null(chain_cache_get(cache, chain.sha256, 4999), "the clock was set back");
	chain_cache_put(cache, &chain, 99999);
	cr_expect_not_null(chain_cache_get(cache, chain.sha256, 100000));
	cr_expect_null(chain_cache_get(cache, chain.sha256, 100001), "a certificate expired");
	chain.from = 5001;
	chain_cache_put(cache, &chain, 5000);
	cr_expect_null(chain_cache_get(cache, chain.sha256, 5000), "not valid yet");
	chain_cache_free(cache);
}

Test(chain_cache, it_is_bounded_and_a_new_chain_always_fits)
{
	struct chain_cache *cache = chain_cache_new();
	unsigned held = 0;

	for (unsigned i = 0; i < 200; i++) {
		struct chain chain = a_chain(7, (uint8_t)i);

		chain_cache_put(cache, &chain, 5000);
		cr_expect_not_null(chain_cache_get(cache, chain.sha256, 5000));
	}
	for (unsigned i = 0; i < 200; i++) {
		struct chain chain = a_chain(7, (uint8_t)i);

		held += chain_cache_get(cache, chain.sha256, 5000) != NULL ? 1 : 0;
	}
	cr_expect_eq(held, 4);
	chain_cache_free(cache);
}

Test(chain_cache, the_same_chain_put_again_takes_one_place)
{
	struct chain_cache *cache = chain_cache_new();
	struct chain first = a_chain(7, 1), again = a_chain(7, 2);

	chain_cache_put(cache, &first, 5000);
	for (int64_t now_s = 5000; now_s < 5010; now_s++)
		chain_cache_put(cache, &again, now_s);
	cr_expect_not_null(chain_cache_get(cache, first.sha256, 5010));
	chain_cache_free(cache);
}
