/* SPDX-License-Identifier: MIT */
#ifndef BASE_MAC_H
#define BASE_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The address of a network card: six bytes, of which the first three (the OUI)
 * are the maker's.  All 0 is none.  Source: IEEE 802, RFC 7042 section 2.1.
 */
enum { MAC_BYTES = 6, OUI_BYTES = 3, MAC_TEXT_MAX = 3 * MAC_BYTES };

bool mac_is_set(const uint8_t mac[MAC_BYTES]);

/* Whether it can be one card's: set, and no group's (broadcast, multicast). */
bool mac_is_host(const uint8_t mac[MAC_BYTES]);

/* Whether it was made up (a virtual machine, a privacy setting) and so has no
 * maker. */
bool mac_is_local(const uint8_t mac[MAC_BYTES]);

/* "44:19:b6:12:34:56".  Returns out. */
const char *mac_text(const uint8_t mac[MAC_BYTES], char out[MAC_TEXT_MAX]);

/* The first count bytes, as pairs of hex digits with ':' or '-' between them.
 * false when text is anything else, or all 0. */
bool mac_parse(const char *text, uint8_t *out, size_t count);

#endif
