/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_FINGERPRINT_H
#define INSPECT_FINGERPRINT_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The camera's TLS fingerprints, from the body of a well-formed ClientHello
 * (behind its 4-byte header).
 *
 * JA3: MD5 over version, suites, extensions, groups and point formats as sent.
 * JA4: by what carries it; counts, and SHA-256 over sorted suites and extensions.
 * GREASE values (RFC 8701) are left out of both.
 * Source: the JA3 README; FoxIO, technical_details/JA4.md (BSD 3-clause part; of
 * DTLS "d", with the versions "d1", "d2", "d3").
 */
enum {
	FINGERPRINT_JA3_SIZE = 33, /* 32 hex digits and a terminator */
	FINGERPRINT_JA4_SIZE = 40, /* 10 + 1 + 12 + 1 + 12 and a terminator fit */
	/* Suites, extensions or signatures of one hello that are taken in; no
	 * known program sends a third of it. */
	FINGERPRINT_LIST_MAX = 512,
};

/* What a hello came in: it is written in JA4, and one of DTLS has a cookie too. */
enum hello_carrier { HELLO_BY_TCP = 0, HELLO_BY_QUIC, HELLO_BY_DTLS };

/* One of the values that mean nothing and are sent to be passed over. */
bool fingerprint_is_grease(uint16_t value);

/* Both become "" where the hello has more than can be taken in. */
void fingerprint_hello(struct bytes body, enum hello_carrier carrier,
    char ja3[FINGERPRINT_JA3_SIZE], char ja4[FINGERPRINT_JA4_SIZE]);

#endif
