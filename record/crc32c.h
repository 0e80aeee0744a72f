/* SPDX-License-Identifier: MIT */
#ifndef RECORD_CRC32C_H
#define RECORD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of count bytes; it tells a frame that was written whole from
 * one that was not.  Source: RFC 3720 section 12.1 (CRC32C, Castagnoli).
 */
uint32_t crc32c(const void *bytes, size_t count);

/* The same, as it is done where the processor has no instruction for it. */
uint32_t crc32c_by_tables(const void *bytes, size_t count);

#endif
