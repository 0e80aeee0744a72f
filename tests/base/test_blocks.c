/* SPDX-License-Identifier: MIT */
#include "base/blocks.h"

#include <criterion/criterion.h>
#include <string.h>

static void
add(struct blocks *blocks, const char *text, uint32_t value)
{
	struct prefix prefix;

	cr_assert_eq(prefix_parse(&prefix, text, NULL), 0, "%s", text);
	cr_assert_eq(blocks_add(blocks, &prefix, value), 0);
}

/* The values of all blocks that hold the address, the longest first. */
static const char *
chain(const struct blocks *blocks, const char *address)
{
	static char out[64];
	const struct block *block;
	struct addr addr;
	size_t used = 0;

	cr_assert_eq(addr_parse(&addr, address, 0, NULL), 0);
	for (block = blocks_find(blocks, addr.ip); block != NULL;
	     block = blocks_around(blocks, block))
		out[used++] = (char)('a' + block->value);
	out[used] = '\0';
	return out;
}

Test(blocks, finds_the_longest_and_those_around_it)
{
	static const struct {
		const char *address, *chain;
	} rows[] = {
	    {"10.1.2.3", "cba"},
	    {"10.1.2.255", "cba"},
	    {"10.1.3.0", "ba"},
	    {"10.0.255.255", "a"},
	    {"10.255.255.255", "a"},
	    {"10.1.0.0", "ba"},
	    {"9.255.255.255", ""},
	    {"11.0.0.0", "d"},
	    {"11.0.0.1", ""},
	    {"0.0.0.0", ""},
	    {"255.255.255.255", ""},
	    {"2001:db8::1", "e"},
	    {"2001:db8:5::1", "fe"},
	    {"2001:db9::", ""},
	};
	struct blocks blocks = {0};

	add(&blocks, "2001:db8:5::/48", 5);
	add(&blocks, "10.1.2.0/24", 2);
	add(&blocks, "11.0.0.0", 3);
	add(&blocks, "10.0.0.0/8", 0);
	add(&blocks, "2001:db8::/32", 4);
	add(&blocks, "10.1.0.0/16", 1);
	blocks_sort(&blocks);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(chain(&blocks, rows[i].address), rows[i].chain, "%s",
		    rows[i].address);
	for (size_t i = 0; i < blocks.count; i++)
		cr_expect_not(blocks_twin(&blocks, i));
	blocks_free(&blocks);
	cr_expect_str_eq(chain(&blocks, "10.1.2.3"), "", "none at all");
}

Test(blocks, everything_may_lie_in_one_block)
{
	struct blocks blocks = {0};

	add(&blocks, "::/0", 0);
	add(&blocks, "0.0.0.0/0", 1);
	add(&blocks, "255.255.255.255", 2);
	blocks_sort(&blocks);
	cr_expect_str_eq(chain(&blocks, "::"), "a");
	cr_expect_str_eq(chain(&blocks, "1.2.3.4"), "ba");
	cr_expect_str_eq(chain(&blocks, "255.255.255.255"), "cba");
	cr_expect_str_eq(chain(&blocks, "ffff::"), "a");
	blocks_free(&blocks);
}

Test(blocks, tells_twins)
{
	struct blocks blocks = {0};

	add(&blocks, "10.0.0.0/8", 7);
	add(&blocks, "10.0.0.0/9", 1);
	add(&blocks, "10.0.0.0/8", 3);
	blocks_sort(&blocks);
	cr_expect_not(blocks_twin(&blocks, 0));
	cr_expect(blocks_twin(&blocks, 1));
	cr_expect_eq(blocks.list[0].value, 3);
	cr_expect_eq(blocks.list[1].value, 7);
	cr_expect_not(blocks_twin(&blocks, 2));
	blocks_free(&blocks);
}

/* The same by looking at every block. */
static uint32_t
longest(const struct blocks *blocks, const uint8_t ip[16])
{
	uint32_t value = UINT32_MAX;
	int bits = -1;

	for (size_t i = 0; i < blocks->count; i++) {
		const struct block *block = &blocks->list[i];

		if (block->prefix.bits > bits && prefix_holds(&block->prefix, ip)) {
			bits = block->prefix.bits;
			value = block->value;
		}
	}
	return value;
}

Test(blocks, agrees_with_a_search_through_all)
{
	enum { BLOCKS = 400, ASKED = 4000 };
	struct blocks blocks = {0};
	uint32_t random = 7;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		struct prefix prefix = {.ip = {[10] = 0xff, 0xff}};

		random = random * 1664525 + 1013904223;
		prefix.bits = (uint8_t)(96 + (random >> 28) + 1);
		prefix.ip[12] = (uint8_t)(random >> 20 & 3);
		prefix.ip[13] = (uint8_t)(random >> 8);
		for (unsigned bit = prefix.bits; bit < 128; bit++)
			prefix.ip[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
		cr_assert_eq(blocks_add(&blocks, &prefix, i), 0);
	}
	blocks_sort(&blocks);
	for (unsigned i = 0; i < ASKED; i++) {
		uint8_t ip[16] = {[10] = 0xff, 0xff};
		const struct block *found;

		random = random * 1664525 + 1013904223;
		ip[12] = (uint8_t)(random >> 28 & 7);
		ip[13] = (uint8_t)(random >> 16);
		ip[14] = (uint8_t)(random >> 8);
		found = blocks_find(&blocks, ip);
		if (found == NULL) {
			cr_assert_eq(longest(&blocks, ip), UINT32_MAX);
			continue;
		}
		/* Twins have one length, whichever is found. */
		cr_assert(prefix_holds(&found->prefix, ip));
		for (size_t j = 0; j < blocks.count; j++)
			cr_assert(blocks.list[j].prefix.bits <= found->prefix.bits ||
				  !prefix_holds(&blocks.list[j].prefix, ip));
	}
	blocks_free(&blocks);
}
