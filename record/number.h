/* SPDX-License-Identifier: MIT */
#ifndef RECORD_NUMBER_H
#define RECORD_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A number in struct facts, of whichever size its field has: 1, 2, 4 or 8 bytes; for
 * who goes through its fields by a table. */
uint64_t number_load(const uint8_t *at, size_t size);

/* False: it is too large for so many bytes, and what stands there is unspecified. */
bool number_store(uint8_t *at, size_t size, uint64_t value);

#endif
