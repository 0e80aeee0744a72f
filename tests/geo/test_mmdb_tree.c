/* SPDX-License-Identifier: MIT */
#include "geo/mmdb_tree.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 160, EMPTY = 1 << 20, DATA = 1 << 21 };

/* A tree under test: records are as they are written, EMPTY, or DATA + offset. */
struct sketch {
	uint32_t record[NODES_MAX][2];
	uint32_t count;
};

struct heard {
	uint32_t count, sum;
	uint32_t refuse; /* the offset to refuse, 0: none */
};

static int
hear(uint32_t offset, void *arg, struct err *err)
{
	struct heard *heard = arg;

	if (heard->refuse != 0 && offset == heard->refuse)
		return err_set(err, ERR_INPUT, "refused");
	heard->count++;
	heard->sum += offset;
	return 0;
}

static uint32_t
written(const struct sketch *sketch, uint32_t record)
{
	if (record == EMPTY)
		return sketch->count;
	return record >= DATA ? sketch->count + MMDB_SEPARATOR + (record - DATA) : record;
}

static uint8_t *
write_nodes(const struct sketch *sketch, unsigned bits)
{
	uint8_t *nodes = calloc(sketch->count, bits / 4), *at = nodes;

	cr_assert_not_null(nodes);
	for (uint32_t i = 0; i < sketch->count; i++) {
		uint32_t left = written(sketch, sketch->record[i][0]);
		uint32_t right = written(sketch, sketch->record[i][1]);

		for (unsigned shift = bits & ~7U; shift > 0; shift -= 8) {
			if (shift <= (bits == 28 ? 24U : bits))
				*at++ = (uint8_t)(left >> (shift - 8));
		}
		if (bits == 28)
			*at++ = (uint8_t)((left >> 24 & 15) << 4 | (right >> 24 & 15));
		for (unsigned shift = bits & ~7U; shift > 0; shift -= 8)
			*at++ = (uint8_t)(right >> (shift - 8));
	}
	return nodes;
}

static int
walk(const struct sketch *sketch, unsigned bits, unsigned depth, struct heard *heard,
    struct err *err)
{
	uint8_t *nodes = write_nodes(sketch, bits);
	struct mmdb_tree tree = {
	    .nodes = {nodes, (size_t)sketch->count * (bits / 4)},
	    .node_count = sketch->count,
	    .data_size = 100,
	    .record_bits = bits,
	    .depth = depth,
	};
	int ret = mmdb_tree_walk(&tree, hear, heard, err);

	free(nodes);
	return ret;
}

/* A path of `count` nodes along 0 bits, with data at its end. */
static struct sketch
path(uint32_t count)
{
	struct sketch sketch = {.count = count};

	for (uint32_t i = 0; i < count; i++) {
		sketch.record[i][0] = i + 1 < count ? i + 1 : DATA;
		sketch.record[i][1] = EMPTY;
	}
	return sketch;
}

Test(mmdb_tree, tells_of_every_network_whatever_the_record_size)
{
	static const unsigned sizes[] = {24, 28, 32};
	struct sketch sketch = {.record = {{1, 2}, {DATA + 1, DATA + 2}, {EMPTY, DATA + 99}},
	    .count = 3};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct heard heard = {0};
		struct err err = {0};

		cr_expect_eq(walk(&sketch, sizes[i], 32, &heard, &err), 0, "%u: %s", sizes[i],
		    err.text);
		cr_expect_eq(heard.count, 3);
		cr_expect_eq(heard.sum, 102);
	}
}

Test(mmdb_tree, a_shared_subtree_is_walked_once)
{
	struct sketch sketch = {.record = {{1, 2}, {3, EMPTY}, {3, EMPTY}, {DATA, DATA + 1}},
	    .count = 4};
	struct heard heard = {0};

	cr_expect_eq(walk(&sketch, 24, 32, &heard, NULL), 0);
	cr_expect_eq(heard.count, 2);
}

struct row {
	uint32_t record[4][2];
	uint32_t count;
	char refusal[40];
};

ParameterizedTestParameters(mmdb_tree, refuses_a_broken_one)
{
	static struct row rows[] = {
	    {{{0, EMPTY}}, 1, "in a ring"},
	    {{{EMPTY, 1}, {DATA, 0}}, 2, "in a ring"},
	    {{{1, 2}, {EMPTY, DATA}, {3, EMPTY}, {2, EMPTY}}, 4, "in a ring"},
	    {{{DATA + 100, EMPTY}}, 1, "outside the data"},
	    {{{2, EMPTY}}, 1, "outside the data"},  /* into the separator: its first byte */
	    {{{EMPTY, 16}}, 1, "outside the data"}, /* and its last */
	    {{{EMPTY, EMPTY - 1}}, 1, "outside the data"},
	    {{{DATA, DATA}, {EMPTY, EMPTY}}, 2, "1 of 2 nodes are reached by no address"},
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, mmdb_tree, refuses_a_broken_one)
{
	struct sketch sketch = {.count = row->count};
	struct heard heard = {0};
	struct err err = {0};

	memcpy(sketch.record, row->record, sizeof(row->record));
	cr_expect_eq(walk(&sketch, 24, 32, &heard, &err), -1, "%s", row->refusal);
	cr_expect_not_null(strstr(err.text, row->refusal), "%s", err.text);
}

Test(mmdb_tree, a_path_is_no_longer_than_an_address)
{
	struct heard heard = {0};
	struct sketch v4 = path(32), v4_more = path(33), v6 = path(128), v6_more = path(129);

	cr_expect_eq(walk(&v4, 24, 32, &heard, NULL), 0);
	cr_expect_eq(walk(&v4_more, 24, 32, &heard, NULL), -1);
	cr_expect_eq(walk(&v6, 24, 128, &heard, NULL), 0);
	cr_expect_eq(walk(&v6_more, 24, 128, &heard, NULL), -1);
}

Test(mmdb_tree, a_shared_subtree_counts_with_its_depth)
{
	/* A path of 20 nodes, entered first at the top and then 20 nodes down. */
	struct sketch sketch = path(20);
	struct heard heard = {0};

	for (uint32_t i = 20; i < 40; i++) {
		sketch.record[i][0] = i + 1 < 40 ? i + 1 : 1;
		sketch.record[i][1] = EMPTY;
	}
	sketch.record[0][1] = 20;
	sketch.count = 40;
	cr_expect_eq(walk(&sketch, 24, 40, &heard, NULL), 0);
	cr_expect_eq(walk(&sketch, 24, 39, &heard, NULL), -1);
}

Test(mmdb_tree, a_network_may_be_refused)
{
	struct sketch sketch = {.record = {{DATA + 1, DATA + 2}}, .count = 1};
	struct heard heard = {.refuse = 2};
	struct err err = {0};

	cr_expect_eq(walk(&sketch, 24, 32, &heard, &err), -1);
	cr_expect_str_eq(err.text, "refused");
}

Test(mmdb_tree, finds_where_ipv4_begins)
{
	struct sketch deep = path(100), shallow = path(3);
	struct sketch *sketches[] = {&deep, &shallow};
	static const unsigned bits[] = {96, 3};

	for (size_t i = 0; i < 2; i++) {
		uint8_t *nodes = write_nodes(sketches[i], 32);
		struct mmdb_tree tree = {.nodes = {nodes, (size_t)sketches[i]->count * 8},
		    .node_count = sketches[i]->count,
		    .record_bits = 32,
		    .depth = 128};
		unsigned taken;

		cr_expect_eq(mmdb_tree_ipv4(&tree, &taken), i == 0 ? 96 : 3 + MMDB_SEPARATOR);
		cr_expect_eq(taken, bits[i]);
		free(nodes);
	}
}
