/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_ROW_H
#define INSPECT_ROW_H

#include "base/bytes.h"
#include "inspect/finding.h"

#include <stdbool.h>

/*
 * Short messages of one direction that are nothing by themselves, looked at as the
 * stream that they may be the pieces of: MPEG-TS in messages of less than five
 * packets, parameter sets that a cut goes through.
 *
 * One is kept by the pointer that its owner begins with NULL: 1.6 KiB of memory
 * from the first such message on.
 */
enum { ROW_MESSAGE_MAX = 940 /* bytes; what has five packets of 188 tells it by itself */ };

struct row;

/*
 * Add a message of at most ROW_MESSAGE_MAX bytes that is opaque.  Returns whether
 * those before, with it, are footage; then writes what it is.  Once they were, each
 * one is, until another look at 1.5 KiB of them shows none.  seldom: where 8 looks
 * in a row found nothing, one of 8 is enough.
 */
bool row_add(struct row **row, struct bytes message, bool seldom, struct payload_finding *finding);

/* Accepts a pointer to NULL, and leaves one. */
void row_clear(struct row **row);

#endif
