/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_OUI_H
#define CONFIG_OUI_H

#include "base/bytes.h"
#include "base/mac.h"

#include <stddef.h>

struct err;

/*
 * Who made a network card, by the first bytes of its MAC: the registry of the
 * IEEE, as Debian's package ieee-data has it.
 * Source: https://standards-oui.ieee.org, oui.txt.
 */
struct oui;

/* Where Debian puts it. */
#define OUI_FILE "/usr/share/ieee-data/oui.txt"

enum {
	OUI_MAX = 100 * 1000, /* makers; the registry has some 33,000 */
};

/*
 * Read the lines "44-19-B6   (hex)  Maker" of text; all others (addresses,
 * headings) are passed over.  Of what stands twice the first counts.  Returns
 * the makers, the caller's to oui_free, or NULL: there is no maker in it, too
 * many, or no memory.
 */
struct oui *oui_read(struct bytes text, struct err *err);
/* The same of a file.  Kept by nobody: it is read once, at a start. */
struct oui *oui_open(const char *path, struct err *err);
void oui_free(struct oui *oui); /* accepts NULL */

size_t oui_count(const struct oui *oui);

/*
 * The maker of a card, or "" where it is not known: oui may be NULL, and a MAC
 * that was made up has no maker.  Well-formed UTF-8 without control
 * characters; what does not fit is cut at a letter.
 */
void oui_copy(const struct oui *oui, const uint8_t mac[MAC_BYTES], char *out, size_t size);

#endif
