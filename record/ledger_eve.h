/* SPDX-License-Identifier: MIT */
#ifndef RECORD_LEDGER_EVE_H
#define RECORD_LEDGER_EVE_H

#include <stdbool.h>

struct err;
struct ledger;
struct store;
struct stored;

/*
 * Compares the EVE file with the store, line by line, for ledger.c: it is
 * given the events in order and reads the file beside them.
 */
struct ledger_eve;

/* The file as the store knows it; a file that is not there has no line.
 * NULL with err when there is no memory or the store cannot be read. */
struct ledger_eve *ledger_eve_open(const char *path, struct store *store, struct ledger *ledger,
    struct err *err);

/* Whether the file at path is the one that the store speaks of. */
bool ledger_eve_is_there(const struct ledger_eve *eve);

int ledger_eve_event(struct ledger_eve *eve, const struct stored *stored, struct err *err);

/* Whatever stands behind the last event's lines is foreign. */
int ledger_eve_finish(struct ledger_eve *eve, struct err *err);

void ledger_eve_close(struct ledger_eve *eve); /* accepts NULL */

/* Note a difference for a reader; the first ones are kept. */
void ledger_note(struct ledger *ledger, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
