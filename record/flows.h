/* SPDX-License-Identifier: MIT */
#ifndef RECORD_FLOWS_H
#define RECORD_FLOWS_H

#include "record/columns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct filter;
struct store;

/* Reads recorded connections; for `flows` and whoever else lists them. */
struct flows_wish {
	const struct filter *filter;
	uint64_t since_us;    /* opened then or later; 0: all */
	uint64_t limit;       /* the newest; 0: all */
	bool ended_only;      /* and of those only what ended behind after_event, */
	uint64_t after_event; /* an event's number in the store */
};

/* A connection's row, borrowed for the call. */
struct flow;

/* The value of a column (an index of `columns`) as text: times as EVE writes
 * them, yes/no as "true" and "false"; "" where there is none.  Good until the
 * next call for the same row. */
const char *flow_text(struct flow *flow, size_t column);
uint64_t flow_number(struct flow *flow, size_t column); /* 0 where there is none */
bool flow_is_set(struct flow *flow, size_t column);

typedef bool flows_each(void *context, struct flow *flow);

/*
 * Call each with the rows that are wished for, in the order in which they were
 * opened (ended_only: ended), until it returns false.  *last_event
 * becomes the store's last event at that moment; what ends behind it is not
 * among the rows.
 */
int flows_read(struct store *store, const struct flows_wish *wish, flows_each *each, void *context,
    uint64_t *last_event, struct err *err);

#endif
