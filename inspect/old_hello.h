/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_OLD_HELLO_H
#define INSPECT_OLD_HELLO_H

#include "base/bytes.h"
#include "base/facts.h"

/*
 * A ClientHello of TLS 1.0 to 1.2 in the form of SSL 2: what a library of before
 * 2010 sends first, as it would speak with servers of either.  It has suites and a
 * version, and no extensions; what follows it is TLS as ever.
 *
 * Source: RFC 5246 appendix E.2.
 */
enum old_hello {
	OLD_HELLO_NO = 0,
	OLD_HELLO_MORE,  /* so far it may be one */
	OLD_HELLO_WHOLE, /* it is one, and all of it is there */
};

/* What a connection's first bytes are; one of SSL 2 alone is none. */
enum old_hello old_hello_look(struct bytes raw);

/* The facts of one that is whole: HELLO_TLS, or HELLO_BROKEN. */
void old_hello_read(struct bytes raw, struct hello_facts *facts);

#endif
