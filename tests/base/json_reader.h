/* SPDX-License-Identifier: MIT */
#ifndef TESTS_BASE_JSON_READER_H
#define TESTS_BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * JSON read by Jansson, whose functions have the names of base/jsonw.h's: so
 * the two never meet in one file.
 */

/* Whether count bytes are one valid document. */
bool json_reader_accepts(const char *at, size_t count);

/* The first string of an array, and its length; SIZE_MAX when there is none
 * that fits. */
size_t json_reader_string(const char *at, size_t count, char *out, size_t size);

#endif
