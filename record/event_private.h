/* SPDX-License-Identifier: MIT */
#ifndef RECORD_EVENT_PRIVATE_H
#define RECORD_EVENT_PRIVATE_H

/* For event.c only: which facts are in an event, and how. */

#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_field_type {
	FIELD_NUMBER = 0, /* unsigned, 1 to 8 bytes; leading zero bytes are left out */
	FIELD_BOOL,
	FIELD_ENUM,  /* at most `limit` */
	FIELD_TEXT,  /* terminated; the terminator is not written */
	FIELD_BYTES, /* of fixed size; all 0 is "not set" */
	FIELD_ADDR,
	FIELD_COUNTRIES,
	FIELD_SIZED,   /* bytes whose count stands in a uint8_t of the facts, at `limit` */
	FIELD_CLASSES, /* a number of each class of payload: class, length and bytes of those
			* that are not 0; at most `limit` each, 0: any */
};

struct event_field {
	uint8_t tag; /* for ever: a tag is never used anew */
	enum event_field_type type;
	size_t at, size; /* in struct facts */
	uint32_t limit;
	bool read_out; /* from the hello or the certificate: DETAIL_META leaves it out */
	bool passing;  /* tells one connection from another: no part of a gist */
};

/* In the order of their tags, which are 1, 2, 3 ... */
extern const struct event_field event_fields[];
extern const size_t event_field_count;

#endif
