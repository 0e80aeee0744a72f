/* SPDX-License-Identifier: MIT */
#ifndef GEO_ATTRIBUTION_H
#define GEO_ATTRIBUTION_H

/*
 * The words that the licence of a known database asks us to show, told by its
 * name, metadata type and description; "" for a database that is not known.
 * A literal.
 */
const char *attribution_of(const char *name, const char *type, const char *description);

#endif
