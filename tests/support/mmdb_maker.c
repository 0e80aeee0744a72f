/* SPDX-License-Identifier: MIT */
#include "tests/support/mmdb_maker.h"

#include "base/addr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPE_STRING = 2, TYPE_UINT16 = 5, TYPE_UINT32 = 6, TYPE_MAP = 7 };
enum { TYPE_UINT64 = 9, TYPE_ARRAY = 11, TYPE_BOOL = 14, EXTENDED_BASE = 7 };
enum { PAIRS_MAX = 16, TEXT_MAX = 1024, SEPARATOR = 16 };
enum { DEFAULT_IP_VERSION = 6, DEFAULT_BITS = 24, DEFAULT_EPOCH = 1780272000 };

/* A record of a node while the tree is made. */
enum { RECORD_EMPTY = -1 };
#define RECORD_DATA ((int64_t)1 << 40) /* and the offset */

struct node {
	int64_t record[2];
};

struct buffer {
	uint8_t *at;
	size_t used, size;
};

struct pair {
	const char *key, *value;
};

struct maker {
	struct mmdb_meta meta;
	struct node *nodes;
	size_t node_count, node_room;
	struct buffer data;
};

static void *
need(void *at)
{
	if (at == NULL)
		abort();
	return at;
}

static void __attribute__((noreturn)) wrong(const char *what, const char *line)
{
	(void)fprintf(stderr, "mmdb_maker: %s: %s\n", what, line);
	abort();
}

static void
put(struct buffer *buffer, const void *bytes, size_t count)
{
	if (buffer->used + count > buffer->size) {
		buffer->size = 2 * (buffer->used + count);
		buffer->at = need(realloc(buffer->at, buffer->size));
	}
	if (count > 0)
		memcpy(buffer->at + buffer->used, bytes, count);
	buffer->used += count;
}

static void
put_byte(struct buffer *buffer, unsigned byte)
{
	uint8_t b = (uint8_t)byte;

	put(buffer, &b, 1);
}

/* ---- values ---- */

static void
put_head(struct buffer *buffer, unsigned type, size_t size)
{
	unsigned first = type > EXTENDED_BASE ? 0 : type << 5;

	if (size > 284)
		abort(); /* longer forms are not needed here */
	put_byte(buffer, first | (size < 29 ? (unsigned)size : 29));
	if (type > EXTENDED_BASE)
		put_byte(buffer, type - EXTENDED_BASE);
	if (size >= 29)
		put_byte(buffer, (unsigned)size - 29);
}

static void
put_string(struct buffer *buffer, const char *text, size_t size)
{
	put_head(buffer, TYPE_STRING, size);
	put(buffer, text, size);
}

static void
put_number(struct buffer *buffer, unsigned type, uint64_t value)
{
	unsigned size = 0;

	while (size < 8 && value >> 8 * size != 0)
		size++;
	put_head(buffer, type, size);
	while (size-- > 0)
		put_byte(buffer, value >> 8 * size & 0xff);
}

static void
put_value(struct buffer *buffer, const char *key, const char *value)
{
	if (strcmp(key, "autonomous_system_number") == 0)
		put_number(buffer, TYPE_UINT32, strtoull(value, NULL, 10));
	else if (strncmp(key, "is_", 3) == 0)
		put_head(buffer, TYPE_BOOL, strcmp(value, "true") == 0);
	else
		put_string(buffer, value, strlen(value));
}

/* Bytes of the name of the map that a key stands in; 0: in none. */
static size_t
head_size(const char *key)
{
	const char *dot = strchr(key, '.');

	return dot == NULL ? 0 : (size_t)(dot - key);
}

static bool
same_head(const struct pair *a, const struct pair *b)
{
	size_t size = head_size(a->key);

	return size > 0 && size == head_size(b->key) && memcmp(a->key, b->key, size) == 0;
}

/* Whether the pair is the first of its map, or stands alone. */
static bool
leads(const struct pair *pairs, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (same_head(&pairs[j], &pairs[i]))
			return false;
	}
	return true;
}

static void
put_inner(struct buffer *buffer, const struct pair *pairs, size_t count, size_t first)
{
	size_t size = head_size(pairs[first].key), inner = 0;

	for (size_t i = first; i < count; i++)
		inner += same_head(&pairs[first], &pairs[i]);
	put_string(buffer, pairs[first].key, size);
	put_head(buffer, TYPE_MAP, inner);
	for (size_t i = first; i < count; i++) {
		const char *key = pairs[i].key + size + 1;

		if (!same_head(&pairs[first], &pairs[i]))
			continue;
		put_string(buffer, key, strlen(key));
		put_value(buffer, key, pairs[i].value);
	}
}

static void
put_record(struct buffer *buffer, const struct pair *pairs, size_t count)
{
	size_t outer = 0;

	for (size_t i = 0; i < count; i++)
		outer += leads(pairs, i);
	put_head(buffer, TYPE_MAP, outer);
	for (size_t i = 0; i < count; i++) {
		if (!leads(pairs, i))
			continue;
		if (head_size(pairs[i].key) > 0) {
			put_inner(buffer, pairs, count, i);
			continue;
		}
		put_string(buffer, pairs[i].key, strlen(pairs[i].key));
		put_value(buffer, pairs[i].key, pairs[i].value);
	}
}

/* ---- lines ---- */

/* Cut the next key=value out of text in place; false at its end. */
static bool
next_pair(char **text, struct pair *pair)
{
	char *at = *text + strspn(*text, " \t\r\n"), *end;

	if (*at == '\0')
		return false;
	pair->key = at;
	at = strchr(at, '=');
	if (at == NULL)
		wrong("no key=value", pair->key);
	*at++ = '\0';
	end = *at == '"' ? strchr(at + 1, '"') : at + strcspn(at, " \t\r\n");
	if (end == NULL)
		wrong("a quote is not closed", at);
	pair->value = *at == '"' ? at + 1 : at;
	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	return true;
}

/* ---- the tree ---- */

static int64_t
add_node(struct maker *maker, int64_t fill)
{
	if (maker->node_count == maker->node_room) {
		maker->node_room = maker->node_room == 0 ? 64 : 2 * maker->node_room;
		maker->nodes =
		    need(reallocarray(maker->nodes, maker->node_room, sizeof(*maker->nodes)));
	}
	maker->nodes[maker->node_count] = (struct node){{fill, fill}};
	return (int64_t)maker->node_count++;
}

static unsigned
bit_of(const struct prefix *prefix, unsigned bit)
{
	return (unsigned)prefix->ip[bit / 8] >> (7 - bit % 8) & 1U;
}

static void
insert(struct maker *maker, const struct prefix *prefix, unsigned skip, int64_t record)
{
	int64_t node = 0;

	if (prefix->bits <= skip) {
		maker->nodes[0] = (struct node){{record, record}};
		return;
	}
	for (unsigned bit = skip; bit + 1 < prefix->bits; bit++) {
		unsigned side = bit_of(prefix, bit);
		int64_t next = maker->nodes[node].record[side];

		/* A block inside one that holds data: that data stays around it. */
		if (next == RECORD_EMPTY || next >= RECORD_DATA) {
			next = add_node(maker, next);
			maker->nodes[node].record[side] = next;
		}
		node = next;
	}
	maker->nodes[node]
	    .record[prefix->ip[(prefix->bits - 1) / 8] >> (7 - (prefix->bits - 1) % 8) & 1U] =
	    record;
}

static void
add_line(struct maker *maker, const char *line)
{
	struct pair pairs[PAIRS_MAX];
	struct prefix prefix;
	struct err err = {0};
	char text[TEXT_MAX];
	char *rest;
	size_t count = 0, size;

	if (strlen(line) >= sizeof(text))
		wrong("too long", line);
	memcpy(text, line, strlen(line) + 1);
	size = strcspn(text, " \t");
	if (text[size] != '\0')
		text[size++] = '\0';
	if (prefix_parse(&prefix, text, &err) != 0)
		wrong(err.text, line);
	rest = text + size;
	while (next_pair(&rest, &pairs[count])) {
		if (++count == PAIRS_MAX)
			wrong("too many pairs", line);
	}
	if (strchr(text, ':') == NULL)
		memset(prefix.ip, 0, 12); /* in the tree IPv4 stands in ::/96 */
	else if (maker->meta.ip_version == 4)
		wrong("IPv6 in a database of IPv4", line);
	insert(maker, &prefix, maker->meta.ip_version == 4 ? 96 : 0,
	    RECORD_DATA + (int64_t)maker->data.used);
	put_record(&maker->data, pairs, count);
}

static uint32_t
final_record(const struct maker *maker, int64_t record)
{
	if (record == RECORD_EMPTY)
		return (uint32_t)maker->node_count;
	if (record < RECORD_DATA)
		return (uint32_t)record;
	return (uint32_t)(record - RECORD_DATA) + (uint32_t)maker->node_count + SEPARATOR;
}

static void
put_node(struct buffer *tree, unsigned bits, uint32_t left, uint32_t right)
{
	unsigned bytes = bits / 8;

	for (unsigned i = bytes; i-- > 0;)
		put_byte(tree, left >> 8 * i & 0xff);
	if (bits == 28)
		put_byte(tree, (left >> 24 & 0xf) << 4 | (right >> 24 & 0xf));
	for (unsigned i = bytes; i-- > 0;)
		put_byte(tree, right >> 8 * i & 0xff);
}

/* ---- the file ---- */

static void
put_metadata(struct buffer *file, const struct mmdb_meta *meta)
{
#define KEY(text) put_string(file, text, sizeof(text) - 1)
	put(file, "\xab\xcd\xefMaxMind.com", 14);
	put_head(file, TYPE_MAP, 9);
	KEY("binary_format_major_version");
	put_number(file, TYPE_UINT16, 2);
	KEY("binary_format_minor_version");
	put_number(file, TYPE_UINT16, 0);
	KEY("build_epoch");
	put_number(file, TYPE_UINT64, meta->build_epoch);
	KEY("database_type");
	put_string(file, meta->type, strlen(meta->type));
	KEY("description");
	put_head(file, TYPE_MAP, 1);
	KEY("en");
	put_string(file, meta->description, strlen(meta->description));
	KEY("ip_version");
	put_number(file, TYPE_UINT16, meta->ip_version);
	KEY("languages");
	put_head(file, TYPE_ARRAY, 0);
	KEY("node_count");
	put_number(file, TYPE_UINT32, meta->node_count);
	KEY("record_size");
	put_number(file, TYPE_UINT16, meta->record_bits);
#undef KEY
}

static struct mmdb_meta
fill_in(const struct mmdb_meta *meta)
{
	struct mmdb_meta full = {0};

	if (meta != NULL)
		full = *meta;
	if (full.ip_version == 0)
		full.ip_version = DEFAULT_IP_VERSION;
	if (full.record_bits == 0)
		full.record_bits = DEFAULT_BITS;
	if (full.build_epoch == 0)
		full.build_epoch = DEFAULT_EPOCH;
	if (full.type == NULL)
		full.type = "test";
	if (full.description == NULL)
		full.description = "";
	return full;
}

struct mmdb_bytes
mmdb_assemble(const struct mmdb_meta *meta, const void *tree, size_t tree_size, const void *data,
    size_t data_size)
{
	static const uint8_t zero[SEPARATOR];
	struct mmdb_meta full = fill_in(meta);
	struct buffer file = {0};

	put(&file, tree, tree_size);
	put(&file, zero, sizeof(zero));
	put(&file, data, data_size);
	put_metadata(&file, &full);
	return (struct mmdb_bytes){.at = file.at, .size = file.used};
}

struct mmdb_bytes
mmdb_make(const struct mmdb_meta *meta, const char *const *lines, size_t count)
{
	struct maker maker = {.meta = fill_in(meta)};
	struct buffer tree = {0};
	struct mmdb_bytes file;

	(void)add_node(&maker, RECORD_EMPTY);
	for (size_t i = 0; i < count; i++)
		add_line(&maker, lines[i]);
	for (size_t i = 0; i < maker.node_count; i++)
		put_node(&tree, maker.meta.record_bits,
		    final_record(&maker, maker.nodes[i].record[0]),
		    final_record(&maker, maker.nodes[i].record[1]));
	maker.meta.node_count = (uint32_t)maker.node_count;
	file = mmdb_assemble(&maker.meta, tree.at, tree.used, maker.data.at, maker.data.used);
	free(tree.at);
	free(maker.nodes);
	free(maker.data.at);
	return file;
}
