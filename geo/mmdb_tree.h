/* SPDX-License-Identifier: MIT */
#ifndef GEO_MMDB_TREE_H
#define GEO_MMDB_TREE_H

#include "base/bytes.h"

#include <stdint.h>

struct err;

/*
 * The search tree of a MaxMind DB file: a node is two records, for the next
 * address bit 0 and 1; a record is another node, nothing, or an offset into
 * the data section.
 *
 * Source: MaxMind DB File Format Specification 2.0, "Binary Search Tree Section".
 */
enum { MMDB_SEPARATOR = 16 }; /* zero bytes between the tree and the data section */

struct mmdb_tree {
	struct bytes nodes;   /* borrowed; node_count whole nodes */
	uint32_t node_count;  /* at least 1 */
	uint32_t data_size;   /* bytes of the data section that records point into */
	unsigned record_bits; /* 24, 28 or 32 */
	unsigned depth;       /* address bits: 32 or 128 */
};

/* Told of each network that holds data, by the offset of its data; may be told
 * of one offset many times. */
typedef int mmdb_network(uint32_t offset, void *arg, struct err *err);

/*
 * Walk the whole tree.  Refused: records that are neither node nor offset,
 * nodes in a ring, paths longer than an address, nodes that no address
 * reaches, and what `network` refuses.  Subtrees may be shared, as MaxMind's
 * files do for the IPv4 addresses inside IPv6; a shared one is walked once.
 * Takes 1 byte of memory a node and time linear in the nodes.
 */
int mmdb_tree_walk(const struct mmdb_tree *tree, mmdb_network *network, void *arg, struct err *err);

/* Where the IPv4 addresses begin in a walked tree of IPv6: the record that 96
 * zero bits lead to, and how many bits were taken (fewer than 96 where the
 * path ends early). */
uint32_t mmdb_tree_ipv4(const struct mmdb_tree *tree, unsigned *bits);

#endif
