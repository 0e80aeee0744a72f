/* SPDX-License-Identifier: MIT */
#include "tests/base/json_reader.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

static json_t *
read_document(const char *at, size_t count)
{
	return json_loadb(at, count, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
	    NULL);
}

bool
json_reader_accepts(const char *at, size_t count)
{
	json_t *root = read_document(at, count);
	bool accepted = root != NULL;

	json_decref(root);
	return accepted;
}

size_t
json_reader_string(const char *at, size_t count, char *out, size_t size)
{
	json_t *root = read_document(at, count);
	const json_t *string = json_array_get(root, 0);
	size_t length = SIZE_MAX;

	if (json_is_string(string) && json_string_length(string) <= size) {
		length = json_string_length(string);
		memcpy(out, json_string_value(string), length);
	}
	json_decref(root);
	return length;
}
