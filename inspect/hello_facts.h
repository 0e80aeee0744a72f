/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_HELLO_FACTS_H
#define INSPECT_HELLO_FACTS_H

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/fingerprint.h"

#include <stdbool.h>

/*
 * What a ClientHello tells, whatever it was carried by.
 *
 * Source: RFC 8446 sections 4.1.2 and 4.2; RFC 5246 section 7.4.1.2; RFC 6347
 * section 4.2.1 (the cookie); RFC 6066 section 3 (server_name); RFC 7301 (ALPN).
 */

/* Read one ClientHello message's body (behind its 4-byte header); false when
 * it is not well-formed.  Fills all of facts but kind and protocol. */
bool hello_parse_body(struct bytes body, enum hello_carrier carrier, struct hello_facts *facts);

/* The same with kind: HELLO_TLS with its facts, or HELLO_BROKEN. */
void hello_read_body(struct bytes body, enum hello_carrier carrier, struct hello_facts *facts);

/* The ALPN list of a well-formed ClientHello's body that came by TCP, as it stands
 * there and however long it is; empty where it has none. */
struct bytes hello_find_alpn(struct bytes body);

/* Empty but for these two; protocol: a literal. */
void hello_facts_set(struct hello_facts *facts, enum hello_kind kind, const char *protocol);

#endif
