/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CELLS_H
#define PROXY_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Cells of a table for people, on stdout: padded or cut to a width in signs of
 * UTF-8, and two spaces.  What comes from outside is escaped (base/text.h);
 * an empty text is a "-".
 */
void cell_text(const char *text, size_t width);
void cell_right(const char *text, size_t width); /* text is safe to print */

/* "1234", "12.3k", "4.5M": powers of 1000, 7 signs, at the right. */
void cell_bytes(uint64_t value);

/* The last of a row: as long as it is, and the end of the line. */
void cell_last(const char *text);

/* Whether stdout is a terminal whose user did not say NO_COLOR. */
bool cells_coloured(void);

#endif
