/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_HELLO_MAKER_H
#define TESTS_SUPPORT_HELLO_MAKER_H

#include <stddef.h>
#include <stdint.h>

/*
 * ClientHellos: OpenSSL's own, and ones put together byte by byte.  All abort
 * the test on failure; what they return is the caller's to made_free.
 */
struct made {
	uint8_t *at;
	size_t size, room;
};

void made_free(struct made *made);
void made_add(struct made *made, const void *bytes, size_t count);

/* The records that OpenSSL sends first, for these versions, this name (NULL:
 * none) and this ALPN list (NULL: none). */
struct made hello_of_openssl(int version_min, int version_max, const char *name,
    const uint8_t *alpn, size_t alpn_size);

/* A message of TLS 1.2 and 1.3 with this name (NULL: none) and a padding
 * extension of so many bytes; or with as much as makes it size bytes. */
struct made hello_message(const char *name, size_t padding);
struct made hello_message_of_size(const char *name, size_t size);

/* A message whose extensions are these bytes, their own length before them
 * left out. */
struct made hello_message_with(const void *extensions, size_t size);

/* Of a message's body: all before the length of its extensions. */
enum { HELLO_MADE_FIXED = 2 + 32 + 1 + 2 + 2 * 3 + 1 + 1 };

/* The message in records of at most fragment bytes. */
struct made hello_records(struct made message, size_t fragment);

#endif
