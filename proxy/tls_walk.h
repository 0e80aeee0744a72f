/* SPDX-License-Identifier: MIT */
#ifndef PROXY_TLS_WALK_H
#define PROXY_TLS_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Walks the records of a TLS client's side that is passed through unread, as
 * far as is needed to tell whether it sent payload: then its handshake with
 * the server has succeeded.  Looks at the records' heads alone; what a record
 * holds is told by its type and its length.  Source: RFC 8446 section 5.1 and
 * appendix D.4, RFC 5246 section 6.2.1.
 */
enum walk_found {
	WALK_MORE = 0, /* nothing yet */
	WALK_PAYLOAD,  /* application data, of TLS 1.3 behind the Finished */
	WALK_LOST,     /* these are no TLS records */
};

enum { TLS_RECORD_HEAD_BYTES = 5 };

struct tls_walk { /* all 0: nothing was seen */
	enum walk_found found;
	uint8_t head[TLS_RECORD_HEAD_BYTES];
	uint8_t head_used;
	bool keys_changed;  /* ChangeCipherSpec was seen */
	bool is_older;      /* than TLS 1.3: its Finished is a handshake record */
	bool finished_seen; /* TLS 1.3's, which looks like application data */
	bool alert_seen;    /* a close_notify, or another; of TLS 1.3 behind the Finished */
	uint32_t skip;      /* bytes of the record that are still to come */
};

/* Go over the next bytes; the answer, which does not change once it is there. */
enum walk_found tls_walk_add(struct tls_walk *walk, const uint8_t *at, size_t size);

#endif
