/* SPDX-License-Identifier: MIT */
#include "geo/mmdb_tree.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>

enum { DEPTH_MAX = 128, IPV4_BITS = 96 };

enum { NODE_UNSEEN = 0, NODE_BUSY = 255 }; /* between: the longest path below, in bits */

struct visit {
	uint32_t node;
	uint8_t next; /* record to look at: 0, 1, or 2 when done */
	uint8_t height;
};

struct walk {
	const struct mmdb_tree *tree;
	uint8_t *state; /* a byte a node */
	uint32_t seen;
	unsigned depth;
	struct visit path[DEPTH_MAX];
};

/* Record `side` of a node that is in the tree. */
static uint32_t
tree_record(const struct mmdb_tree *tree, uint32_t node, unsigned side)
{
	size_t node_bytes = tree->record_bits / 4;
	struct bytes in = tree->nodes, before, at = {0};
	const uint8_t *b;
	bool inside =
	    bytes_take(&in, node * node_bytes, &before) && bytes_take(&in, node_bytes, &at);

	assert(inside);
	b = at.at;
	if (tree->record_bits == 28) {
		/* The middle byte holds the upper four bits of both. */
		uint32_t top = side == 0 ? (uint32_t)b[3] >> 4 : b[3] & 0x0fU;

		b += side == 0 ? 0 : 4;
		return top << 24 | (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
	}
	b += side * node_bytes / 2;
	if (tree->record_bits == 24)
		return (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int
enter(struct walk *walk, uint32_t node, struct err *err)
{
	if (walk->depth == walk->tree->depth)
		return err_set(err, ERR_INPUT, "the search tree is deeper than an address");
	walk->state[node] = NODE_BUSY;
	walk->seen++;
	walk->path[walk->depth++] = (struct visit){.node = node, .height = 1};
	return 0;
}

static void
raise_height(struct visit *visit, uint8_t below)
{
	if (visit->height <= below)
		visit->height = (uint8_t)(below + 1);
}

static void
leave(struct walk *walk)
{
	const struct visit *done = &walk->path[--walk->depth];

	walk->state[done->node] = done->height;
	if (walk->depth > 0)
		raise_height(&walk->path[walk->depth - 1], done->height);
}

static int
visit_node(struct walk *walk, uint32_t node, struct err *err)
{
	uint8_t state = walk->state[node];

	if (state == NODE_BUSY)
		return err_set(err, ERR_INPUT, "the search tree runs in a ring at node %u", node);
	if (state == NODE_UNSEEN)
		return enter(walk, node, err);
	if (walk->depth + state > walk->tree->depth)
		return err_set(err, ERR_INPUT, "the search tree is deeper than an address");
	raise_height(&walk->path[walk->depth - 1], state);
	return 0;
}

/* Look at the next record of the innermost node. */
static int
step(struct walk *walk, mmdb_network *network, void *arg, struct err *err)
{
	const struct mmdb_tree *tree = walk->tree;
	struct visit *top = &walk->path[walk->depth - 1];
	uint32_t record = tree_record(tree, top->node, top->next++);
	uint32_t beyond;

	if (record < tree->node_count)
		return visit_node(walk, record, err);
	beyond = record - tree->node_count;
	if (beyond == 0)
		return 0;
	if (beyond < MMDB_SEPARATOR || beyond - MMDB_SEPARATOR >= tree->data_size)
		return err_set(err, ERR_INPUT, "node %u points to %u, outside the data", top->node,
		    record);
	return network(beyond - MMDB_SEPARATOR, arg, err);
}

int
mmdb_tree_walk(const struct mmdb_tree *tree, mmdb_network *network, void *arg, struct err *err)
{
	struct walk walk = {.tree = tree};
	int ret = -1;

	assert(tree->depth <= DEPTH_MAX && tree->node_count > 0);
	assert(tree->nodes.left == (size_t)tree->node_count * (tree->record_bits / 4));
	walk.state = calloc(tree->node_count, 1);
	if (walk.state == NULL)
		return err_set(err, ERR_NOMEM, "no memory for %u nodes", tree->node_count);
	if (enter(&walk, 0, err) != 0)
		goto out;
	while (walk.depth > 0) {
		if (walk.path[walk.depth - 1].next == 2)
			leave(&walk);
		else if (step(&walk, network, arg, err) != 0)
			goto out;
	}
	if (walk.seen != tree->node_count) {
		(void)err_set(err, ERR_INPUT, "%u of %u nodes are reached by no address",
		    tree->node_count - walk.seen, tree->node_count);
		goto out;
	}
	ret = 0;
out:
	free(walk.state);
	return ret;
}

uint32_t
mmdb_tree_ipv4(const struct mmdb_tree *tree, unsigned *bits)
{
	uint32_t node = 0;
	unsigned taken = 0;

	while (taken < IPV4_BITS && node < tree->node_count) {
		node = tree_record(tree, node, 0);
		taken++;
	}
	*bits = taken;
	return node;
}
