/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>

struct problems;
struct text;

/*
 * A YAML file as a tree of nodes, each with its place, so that what is found
 * wrong later can be shown where it was written.
 *
 * Every scalar is text: the reader decides by what a key wants, never by how
 * a word looks, so NO is Norway.  Anchors, aliases, merge keys, tags and keys
 * that are no text are refused, for a rule must say itself what it does; so
 * are duplicate keys, a second document, and control characters.
 */
enum {
	YAML_DEPTH_MAX = 16,         /* a configuration needs 5 */
	YAML_NODES_MAX = 2000 * 1000 /* bounds the memory: about 100 bytes each */
};

enum yaml_kind { YAML_TEXT = 0, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	unsigned line, column;       /* from 1 */
	bool quoted;                 /* the text stood in quotes, or was a block */
	const struct yaml_node *key; /* of a map's child; its kind is not YAML_TEXT when refused */
	struct yaml_node *next;      /* the parent's next child, in the file's order */
	struct yaml_node *first;
	size_t count;          /* children */
	struct yaml_node *all; /* the tree's; for its own use */
	const char *text;      /* "" for a list or a map */
};

struct yaml_tree {
	struct yaml_node *root; /* NULL: empty, or broken */
	struct yaml_node *all;  /* owned */
};

/*
 * Read text, which is file's content.  What is wrong is added to problems;
 * reading stops at the first error of syntax, and goes on after others.
 * Returns 0 when the tree can be looked at, perhaps with errors told, and -1
 * when it cannot.  tree is to be freed either way.
 */
int yaml_tree_read(struct yaml_tree *tree, const char *file, struct bytes text,
    struct problems *problems);

/* The text without the mark EF BB BF that some editors begin a file with;
 * nodes' places are in what is behind it. */
struct bytes yaml_behind_mark(struct bytes text);

void yaml_tree_free(struct yaml_tree *tree);

/* Write a value on one line, as a flow: "[DE, FR]", "{port: 443}". */
void yaml_flow(const struct yaml_node *node, struct text *out);

/* Whether two values say the same: texts by their letters, lists in their order,
 * maps in any. */
bool yaml_same(const struct yaml_node *a, const struct yaml_node *b);

/* A map's child by its key, or NULL; also when node is no map. */
const struct yaml_node *yaml_child(const struct yaml_node *node, const char *key);

#endif
