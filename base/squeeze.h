/* SPDX-License-Identifier: MIT */
#ifndef BASE_SQUEEZE_H
#define BASE_SQUEEZE_H

#include <stddef.h>

/*
 * Memory that is mostly zeros, without them: for a struct of arrays that are
 * hardly filled (base/facts.h), while nobody needs it.  What is restored is what
 * was squeezed, byte for byte.
 *
 * It holds nothing but the bytes themselves: what points into the memory that
 * was squeezed points nowhere afterwards.
 */
struct squeezed;

enum { SQUEEZE_MAX = 65500 }; /* bytes at once */

/* A copy of size bytes, the caller's to free(3); NULL: no memory.  At most 16
 * bytes longer than they are. */
struct squeezed *squeeze(const void *from, size_t size);

/* The bytes again; size is that of squeeze. */
void squeezed_restore(const struct squeezed *squeezed, void *to, size_t size);

/* Bytes that it takes. */
size_t squeezed_size(const struct squeezed *squeezed);

#endif
