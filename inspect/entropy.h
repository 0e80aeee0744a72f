/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_ENTROPY_H
#define INSPECT_ENTROPY_H

#include "base/bytes.h"

#include <stdbool.h>

/*
 * Whether bytes are as good as random: compressed or encrypted, which cannot be
 * told apart.  It is the collision entropy of their first 1,024 (how often two of
 * them are equal), at least 7 bits a byte; of less than 64 bytes it says nothing.
 *
 * Random bytes, gzip, video and AAC are above that; base64 has 6 bits, G.711 and
 * text have less.
 */
bool entropy_is_high(struct bytes in);

#endif
