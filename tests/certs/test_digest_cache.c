/* SPDX-License-Identifier: MIT */
#include "certs/digest_cache.h"

#include <criterion/criterion.h>
#include <stdbool.h>

/* Values are numbers, which count how often they were dropped. */
enum { VALUES = 64 };

static unsigned dropped[VALUES];

static void
count_drop(void *value)
{
	++*(unsigned *)value;
}

/* Keys that fall into few buckets, so chains are walked. */
static struct digest_key
key_of(unsigned number)
{
	return (struct digest_key){.sha256 = {[0] = (uint8_t)(number % 3), [31] = (uint8_t)number}};
}

static void
put(struct digest_cache *cache, unsigned number, size_t bytes)
{
	const struct digest_key key = key_of(number);

	digest_cache_put(cache, &key, &dropped[number], bytes);
}

static bool
has(struct digest_cache *cache, unsigned number)
{
	const struct digest_key key = key_of(number);
	const void *value = digest_cache_get(cache, &key);

	cr_assert(value == NULL || value == &dropped[number]);
	return value != NULL;
}

Test(digest_cache, what_is_put_is_found_by_all_of_its_key)
{
	struct digest_cache *cache = digest_cache_new(8, 100, count_drop);
	struct digest_key key = key_of(1);

	put(cache, 1, 10);
	cr_expect(has(cache, 1));
	cr_expect_not(has(cache, 4), "the same bucket");
	key.kind = 1;
	cr_expect_null(digest_cache_get(cache, &key));
	digest_cache_free(cache);
	digest_cache_free(NULL);
	cr_expect_eq(dropped[1], 1, "with the cache");
}

Test(digest_cache, the_least_recently_used_goes_first)
{
	struct digest_cache *cache = digest_cache_new(3, 100, count_drop);

	for (unsigned i = 0; i < 3; i++)
		put(cache, i, 0);
	cr_expect(has(cache, 0));
	put(cache, 3, 0);
	cr_expect_not(has(cache, 1), "1 was longest unused");
	cr_expect(has(cache, 0) && has(cache, 2) && has(cache, 3));
	cr_expect_eq(dropped[1], 1);
	digest_cache_free(cache);
}

Test(digest_cache, bytes_make_as_many_go_as_are_in_the_way)
{
	struct digest_cache *cache = digest_cache_new(8, 100, count_drop);

	for (unsigned i = 0; i < 4; i++)
		put(cache, i, 25);
	cr_expect(has(cache, 0), "all fit");
	put(cache, 4, 51);
	cr_expect_not(has(cache, 1) || has(cache, 2) || has(cache, 3));
	cr_expect(has(cache, 0) && has(cache, 4));
	put(cache, 5, 100);
	cr_expect(has(cache, 5));
	cr_expect_not(has(cache, 0) || has(cache, 4));
	digest_cache_free(cache);
}

Test(digest_cache, what_is_too_heavy_is_dropped_and_moves_nobody_else)
{
	struct digest_cache *cache = digest_cache_new(8, 100, count_drop);

	put(cache, 1, 100);
	put(cache, 2, 101);
	cr_expect(has(cache, 1));
	cr_expect_not(has(cache, 2));
	cr_expect_eq(dropped[2], 1);
	put(cache, 1, 101);
	cr_expect_not(has(cache, 1), "not even what it was to replace");
	digest_cache_free(cache);
}

Test(digest_cache, what_is_put_again_weighs_once)
{
	struct digest_cache *cache = digest_cache_new(2, 100, count_drop);

	for (int i = 0; i < 10; i++)
		put(cache, 1, 60);
	cr_expect_eq(dropped[1], 9);
	put(cache, 2, 40);
	cr_expect(has(cache, 1) && has(cache, 2));
	digest_cache_free(cache);
}

Test(digest_cache, what_is_removed_makes_room)
{
	struct digest_cache *cache = digest_cache_new(2, 100, count_drop);
	const struct digest_key key = key_of(1);

	put(cache, 1, 60);
	digest_cache_remove(cache, &key);
	digest_cache_remove(cache, &key);
	cr_expect_eq(dropped[1], 1);
	put(cache, 2, 60);
	put(cache, 3, 40);
	cr_expect(has(cache, 2) && has(cache, 3));
	digest_cache_free(cache);
}

Test(digest_cache, room_for_none_is_room_for_one)
{
	struct digest_cache *cache = digest_cache_new(0, 100, count_drop);

	put(cache, 1, 1);
	cr_expect(has(cache, 1));
	put(cache, 2, 1);
	cr_expect(has(cache, 2));
	cr_expect_not(has(cache, 1));
	digest_cache_free(cache);
}

/* A plain list that does the same slowly. */
struct model {
	unsigned used_at[VALUES]; /* 0: not held */
	size_t bytes[VALUES];
	unsigned held;
	size_t sum;
};

static void
model_drop(struct model *model, unsigned number)
{
	model->held--;
	model->sum -= model->bytes[number];
	model->used_at[number] = 0;
}

static unsigned
model_oldest(const struct model *model)
{
	unsigned oldest = VALUES;

	for (unsigned i = 0; i < VALUES; i++) {
		if (model->used_at[i] != 0 &&
		    (oldest == VALUES || model->used_at[i] < model->used_at[oldest]))
			oldest = i;
	}
	return oldest;
}

static void
model_put(struct model *model, unsigned number, size_t bytes, unsigned step)
{
	if (model->used_at[number] != 0)
		model_drop(model, number);
	while (model->held == 16 || model->sum + bytes > 100)
		model_drop(model, model_oldest(model));
	model->held++;
	model->sum += bytes;
	model->bytes[number] = bytes;
	model->used_at[number] = step;
}

Test(digest_cache, thousands_of_steps_agree_with_a_plain_list)
{
	enum { STEPS = 20000 };
	struct digest_cache *cache = digest_cache_new(16, 100, count_drop);
	struct model model = {0};
	unsigned random = 1;

	for (unsigned step = 1; step <= STEPS; step++) {
		unsigned which;

		random = random * 1664525U + 1013904223U;
		which = (random >> 16) % VALUES;
		cr_assert_eq(has(cache, which), model.used_at[which] != 0, "step %u", step);
		if (model.used_at[which] != 0)
			model.used_at[which] = step;
		if ((random >> 8) % 3 == 0) {
			put(cache, which, (random >> 24) % 20);
			model_put(&model, which, (random >> 24) % 20, step);
		}
	}
	digest_cache_free(cache);
}
