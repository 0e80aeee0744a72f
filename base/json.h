/* SPDX-License-Identifier: MIT */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes one JSON document (RFC 8259) on one line, whatever the bytes it is
 * given.  Strings are written as UTF-8; bytes that are no UTF-8 become U+00NN,
 * so a document is always valid and a hostile name stays visible.
 *
 * The buffer grows as needed and belongs to the writer: json_clear keeps it
 * for the next document, json_free gives it back.  When memory runs out the
 * writer turns `failed` and stays so until json_clear; nothing else can fail.
 *
 * `key` is NULL inside an array and for the outermost value.
 */
struct json {
	char *at; /* the text so far, terminated; NULL before the first value */
	size_t used;
	size_t size;
	bool comma; /* the next value needs one before it */
	bool failed;
};

void json_open(struct json *json, const char *key);
void json_close(struct json *json);
void json_open_array(struct json *json, const char *key);
void json_close_array(struct json *json);

void json_string(struct json *json, const char *key, const char *value);
void json_bytes(struct json *json, const char *key, const void *value, size_t count);
void json_number(struct json *json, const char *key, uint64_t value);
void json_real(struct json *json, const char *key, double value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* End a document's line and begin another behind it: JSON lines. */
void json_end_line(struct json *json);

void json_clear(struct json *json);
void json_free(struct json *json);

#endif
