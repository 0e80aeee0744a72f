/* SPDX-License-Identifier: MIT */
#ifndef BASE_COUNTRY_H
#define BASE_COUNTRY_H

#include <stdbool.h>

/*
 * Whether text is an assigned code of ISO 3166-1 alpha-2, in capitals, or XK,
 * which the databases use for Kosovo.  Source: ISO 3166 Maintenance Agency,
 * 249 officially assigned codes.
 */
bool country_known(const char *text);

/* What the writer of text, which is no country, may have meant; NULL: no idea.
 * A clause to follow "'x' is no country: ". */
const char *country_hint(const char *text);

#endif
