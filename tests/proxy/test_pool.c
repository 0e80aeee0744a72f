/* SPDX-License-Identifier: MIT */
#include "proxy/pool.h"

#include <criterion/criterion.h>
#include <string.h>

Test(pool, gives_what_was_given_back)
{
	struct pool pool = {0};
	uint8_t *one = pool_take(&pool), *two = pool_take(&pool);

	cr_assert(one != NULL && two != NULL && one != two);
	memset(one, 1, POOL_BUFFER_BYTES);
	memset(two, 2, POOL_BUFFER_BYTES);
	pool_give(&pool, one);
	cr_expect_eq(pool_take(&pool), one);
	pool_give(&pool, one);
	pool_give(&pool, two);
	pool_give(&pool, NULL);
	cr_expect_eq(pool.spares, 2);
	pool_clear(&pool);
	cr_expect_eq(pool.spares, 0);
	pool_clear(&pool);
}

Test(pool, keeps_no_more_than_its_bound)
{
	enum { MANY = POOL_SPARE_MAX + 8 };
	struct pool pool = {0};
	uint8_t *taken[MANY];

	for (size_t i = 0; i < MANY; i++) {
		taken[i] = pool_take(&pool);
		cr_assert_not_null(taken[i]);
	}
	for (size_t i = 0; i < MANY; i++)
		pool_give(&pool, taken[i]);
	cr_expect_eq(pool.spares, POOL_SPARE_MAX);
	pool_clear(&pool);
}
