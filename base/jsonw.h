/* SPDX-License-Identifier: MIT */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes one JSON document (RFC 8259) on one line, whatever the bytes it is
 * given.  Strings are written as UTF-8; bytes that are no UTF-8 become U+00NN,
 * so a document is always valid and a hostile name stays visible.
 *
 * The buffer grows as needed and belongs to the writer: jsonw_clear keeps it
 * for the next document, jsonw_free gives it back.  When memory runs out the
 * writer turns `failed` and stays so until jsonw_clear; nothing else can fail.
 *
 * `key` is NULL inside an array and for the outermost value.
 */
struct jsonw {
	char *at; /* the text so far, terminated; NULL before the first value */
	size_t used;
	size_t size;
	bool comma; /* the next value needs one before it */
	bool failed;
};

void jsonw_open(struct jsonw *json, const char *key);
void jsonw_close(struct jsonw *json);
void jsonw_open_array(struct jsonw *json, const char *key);
void jsonw_close_array(struct jsonw *json);

void jsonw_string(struct jsonw *json, const char *key, const char *value);
void jsonw_bytes(struct jsonw *json, const char *key, const void *value, size_t count);
void jsonw_number(struct jsonw *json, const char *key, uint64_t value);
void jsonw_real(struct jsonw *json, const char *key, double value);
void jsonw_bool(struct jsonw *json, const char *key, bool value);
void jsonw_null(struct jsonw *json, const char *key);

/* End a document's line and begin another behind it: JSON lines. */
void jsonw_end_line(struct jsonw *json);

void jsonw_clear(struct jsonw *json);
void jsonw_free(struct jsonw *json);

#endif
