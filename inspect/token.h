/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_TOKEN_H
#define INSPECT_TOKEN_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The words of protocols that are made of text.  Upper and lower case of ASCII
 * are the same; a NUL is a byte like others.  Nothing here allocates.
 */

/* Whether word is, begins with, or holds the literal. */
bool token_is(struct bytes word, const char *literal);
bool token_begin(struct bytes word, const char *literal);
bool token_hold(struct bytes word, const char *literal);

/* Whether it holds this byte. */
bool token_have(struct bytes word, uint8_t byte);

/* Take what stands before the first `end`, and `end` with it; all there is where
 * there is none.  Returns whether there was one. */
bool token_until(struct bytes *in, uint8_t end, struct bytes *out);

/* Take the next word, after any blanks; false: there is none. */
bool token_next(struct bytes *in, struct bytes *out);

/* Without blanks and tabs at either end. */
struct bytes token_trim(struct bytes word);

/* "Name: value" (RFC 9112 section 5): false where there is no name, or a blank
 * in it or behind it, which two readers understand in two ways. */
bool token_header(struct bytes line, struct bytes *name, struct bytes *value);

/* The value of `name=value` among the parameters of a header's value, without
 * quotes; false: there is none. */
bool token_parameter(struct bytes value, const char *name, struct bytes *out);

/* A number of digits only, decimal or hexadecimal, at most 2^62. */
bool token_decimal(struct bytes word, uint64_t *out);
bool token_hex(struct bytes word, uint64_t *out);

/* Copy into size bytes with a terminator, cut where it does not fit or at a NUL. */
void token_copy(char *to, size_t size, struct bytes from);

/* As token_copy, unless something stands there already. */
void token_keep(char *to, size_t size, struct bytes from);

/* Add an item to a list with commas between, unless it is in it, has a comma, or
 * does not fit whole. */
void token_list(char *list, size_t size, struct bytes item);

/* Whether a field of this name (of a form, a query or a document) holds what
 * somebody must not read: "password", "access_token" ... */
bool token_secret(struct bytes name);

/* Whether a query or a form ("a=1&b=2") has such a field. */
bool token_secrets(struct bytes query);

/*
 * A URL's parts: host without its port, path without query and fragment.  An
 * origin-form ("/path?query") has no host.  secret: there is a user's part, or a
 * field of the query is one by token_secret.
 */
struct token_url {
	struct bytes host, path;
	bool secret;
};
struct token_url token_url(struct bytes url);

/* "name:554" or "[::1]:554" without its port and brackets. */
struct bytes token_host(struct bytes authority);

#endif
