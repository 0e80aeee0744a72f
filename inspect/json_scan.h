/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_JSON_SCAN_H
#define INSPECT_JSON_SCAN_H

#include "base/bytes.h"
#include "inspect/words.h"

/* How far a text followed its grammar. */
enum scan {
	SCAN_NO = 0, /* it is not this */
	SCAN_CUT,    /* it is, as far as it goes */
	SCAN_WHOLE,  /* it is, to its end */
};

/*
 * Walk JSON (RFC 8259) that begins with an object or a list; several, one behind
 * the other, are taken too.  Notes every name with what stands behind it, and
 * what is in a list as if it had the list's name.  Strings may hold bytes that
 * are no UTF-8: cameras send GB 2312.  Deeper than 64 it is not JSON for us.
 */
enum scan json_scan(struct bytes in, struct words_seen *seen);

#endif
