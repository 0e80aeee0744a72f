/* SPDX-License-Identifier: MIT */
#include "geo/mmdb_file.h"

#include "base/err.h"
#include "base/text.h"
#include "geo/mmdb_data.h"
#include "geo/mmdb_value.h"

#include <string.h>

static const uint8_t metadata_marker[] = "\xab\xcd\xefMaxMind.com";
enum { METADATA_MARKER_SIZE = sizeof(metadata_marker) - 1 };

/* Build dates that a file can have: from the format's first years to 2100. */
enum { BUILD_MIN_S = 1262304000 };
#define BUILD_MAX_S 4102444800U

/* The last marker in the file: what stands behind it is the metadata, what
 * stands before it is the rest. */
static int
split_metadata(struct bytes bytes, struct bytes *body, struct bytes *metadata, struct err *err)
{
	size_t from = bytes.left > MMDB_END_BYTES ? bytes.left - MMDB_END_BYTES : 0;

	for (size_t at = bytes.left; at >= from + METADATA_MARKER_SIZE; at--) {
		struct bytes rest = bytes, head, marker;

		(void)bytes_take(&rest, at - METADATA_MARKER_SIZE, &head);
		(void)bytes_take(&rest, METADATA_MARKER_SIZE, &marker);
		if (memcmp(marker.at, metadata_marker, METADATA_MARKER_SIZE) != 0)
			continue;
		*body = head;
		*metadata = rest;
		return 0;
	}
	return err_set(err, ERR_INPUT, "no MaxMind DB: the metadata is missing (cut short?)");
}

static int
check_metadata(struct bytes metadata, struct err *err)
{
	struct mmdb_data data;
	int ret;

	if (mmdb_data_open(&data, metadata, err) != 0)
		return -1;
	ret = mmdb_data_check(&data, 0, err);
	mmdb_data_close(&data);
	return ret;
}

int
mmdb_file_check_end(struct bytes bytes, struct err *err)
{
	struct bytes body, metadata;

	return split_metadata(bytes, &body, &metadata, err) == 0 ? check_metadata(metadata, err)
								 : -1;
}

/* An unsigned number of the metadata, of whichever width. */
static int
read_meta(const MMDB_s *metadata, const char *key, uint64_t max, uint64_t *out, struct err *err)
{
	const char *const path[] = {key, NULL};
	MMDB_entry_data_s data;

	if (mmdb_value_read(metadata, 0, path, &data) != FOUND)
		return err_set(err, ERR_INPUT, "the metadata has no %s", key);
	if (data.type == MMDB_DATA_TYPE_UINT16)
		*out = data.uint16;
	else if (data.type == MMDB_DATA_TYPE_UINT32)
		*out = data.uint32;
	else if (data.type == MMDB_DATA_TYPE_UINT64)
		*out = data.uint64;
	else
		return err_set(err, ERR_INPUT, "the metadata's %s is no number", key);
	if (*out > max)
		return err_set(err, ERR_INPUT, "the metadata's %s is %llu", key,
		    (unsigned long long)*out);
	return 0;
}

static int
read_numbers(struct mmdb_file *file, const MMDB_s *metadata, struct err *err)
{
	uint64_t major = 0, version = 0, bits = 0, count = 0, build = 0;

	if (read_meta(metadata, "binary_format_major_version", UINT16_MAX, &major, err) != 0 ||
	    read_meta(metadata, "ip_version", UINT16_MAX, &version, err) != 0 ||
	    read_meta(metadata, "record_size", UINT16_MAX, &bits, err) != 0 ||
	    read_meta(metadata, "node_count", UINT32_MAX, &count, err) != 0 ||
	    read_meta(metadata, "build_epoch", BUILD_MAX_S, &build, err) != 0)
		return -1;
	if (major != MMDB_FORMAT_MAJOR)
		return err_set(err, ERR_INPUT, "format version %u", (unsigned)major);
	if (version != 4 && version != 6)
		return err_set(err, ERR_INPUT, "ip_version %u", (unsigned)version);
	if (bits != 24 && bits != 28 && bits != 32)
		return err_set(err, ERR_INPUT, "record_size %u", (unsigned)bits);
	if (count == 0)
		return err_set(err, ERR_INPUT, "the search tree is empty");
	if (build < BUILD_MIN_S)
		return err_set(err, ERR_INPUT, "build_epoch %llu is no date of a database",
		    (unsigned long long)build);
	file->build_s = build;
	file->tree.record_bits = (unsigned)bits;
	file->tree.node_count = (uint32_t)count;
	file->tree.depth = version == 4 ? 32 : 128;
	return 0;
}

static void
read_words(struct mmdb_file *file, const MMDB_s *metadata)
{
	static const char *const path_type[] = {"database_type", NULL};
	static const char *const path_en[] = {"description", "en", NULL};
	struct text type = text_in(file->type, sizeof(file->type));
	struct text description = text_in(file->description, sizeof(file->description));
	char raw[160] = "";

	if (mmdb_value_text(metadata, 0, path_type, raw, sizeof(raw)) == FOUND)
		text_add_untrusted(&type, raw, strlen(raw));
	if (mmdb_value_text(metadata, 0, path_en, raw, sizeof(raw)) == FOUND)
		text_add_untrusted(&description, raw, strlen(raw));
}

/* Cut the file into tree, separator and data. */
static int
split_body(struct mmdb_file *file, struct bytes body, struct err *err)
{
	static const uint8_t zero[MMDB_SEPARATOR];
	struct mmdb_tree *tree = &file->tree;
	size_t size = (size_t)tree->node_count * (tree->record_bits / 4);
	struct bytes separator;

	if (!bytes_take(&body, size, &tree->nodes) ||
	    !bytes_take(&body, MMDB_SEPARATOR, &separator))
		return err_set(err, ERR_INPUT, "a tree of %u nodes does not fit into the file",
		    tree->node_count);
	if (memcmp(separator.at, zero, MMDB_SEPARATOR) != 0)
		return err_set(err, ERR_INPUT, "the tree does not end where the metadata says");
	if (body.left == 0 || body.left > UINT32_MAX - MMDB_SEPARATOR)
		return err_set(err, ERR_INPUT, "a data section of %zu bytes", body.left);
	tree->data_size = (uint32_t)body.left;
	file->section = body;
	return 0;
}

int
mmdb_file_read(struct mmdb_file *file, struct bytes bytes, struct err *err)
{
	struct bytes body = {0}, metadata = {0};
	MMDB_s handle = {0};

	memset(file, 0, sizeof(*file));
	if (split_metadata(bytes, &body, &metadata, err) != 0 || check_metadata(metadata, err) != 0)
		return -1;
	/* The metadata is a value like those of the data section, with its own
	 * offsets, and is read as one. */
	handle.data_section = metadata.at;
	handle.data_section_size = (uint32_t)metadata.left;
	if (read_numbers(file, &handle, err) != 0 || split_body(file, body, err) != 0)
		return -1;
	read_words(file, &handle);
	return 0;
}
