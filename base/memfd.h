/* SPDX-License-Identifier: MIT */
#ifndef BASE_MEMFD_H
#define BASE_MEMFD_H

#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * Bytes that nobody can change any more: a memfd sealed against writing,
 * growing and shrinking (memfd_create(2), fcntl(2) F_ADD_SEALS).  A file that
 * is mapped can be truncated under the reader, who then dies of SIGBUS; its
 * sealed copy cannot.
 *
 * Both return a descriptor, close-on-exec and at offset 0, which is the
 * caller's to close, or -1.  memfd_copy_file reads a regular file of at most
 * size_max bytes; anything else (a fifo, a directory, a device) is refused.
 */
int memfd_seal(const char *name, const void *bytes, size_t count, struct err *err);
int memfd_copy_file(const char *path, uint64_t size_max, struct err *err);

/* A sealed file's bytes, mapped read-only; *at is the caller's to munmap. */
int memfd_map(int fd, const uint8_t **at, size_t *count, struct err *err);

#endif
