/* SPDX-License-Identifier: MIT */
#ifndef CERTS_LATE_MESSAGES_H
#define CERTS_LATE_MESSAGES_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a peer may say by messages of the handshake when the handshake is done.  Of
 * TLS 1.3 (RFC 8446 section 4.6): a server hands out tickets, either renews its
 * keys; nobody asks for a certificate then, as that was not offered.  Of TLS 1.2:
 * that it wants to negotiate anew, a camera by its hello, a server by asking for one
 * (RFC 5246 section 7.4.1).
 */
enum late {
	LATE_MORE = 0, /* all was taken, and the message goes on in another record */
	LATE_TICKET,   /* passed over */
	LATE_RENEWED,  /* its next record is sealed by its next key */
	LATE_RENEW,    /* the same, and we are to renew ours */
	LATE_HELLO,    /* passed over */
	LATE_UNEXPECTED,
	LATE_ILLEGAL,     /* a value that there is not */
	LATE_UNDECODABLE, /* a length that such a message cannot have */
};

enum {
	LATE_HEADER_BYTES = 4,
	/* NewSessionTicket: two numbers, nonce, ticket and extensions at their longest. */
	LATE_TICKET_MAX = 4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65535,
	LATE_HELLO_MAX = 64 << 10, /* as of the first one (proxy/hello.h) */
};

struct late_messages {
	bool from_server; /* tickets may come, or a wish for a hello */
	bool tls12;
	uint8_t known; /* bytes of the header that came */
	uint8_t header[LATE_HEADER_BYTES];
	uint32_t left; /* of the body, once the header is known */
};

/* Take one message, or the rest of one, off the front of what a record brought;
 * in is not empty.  A key update is the last of its record (section 5.1). */
enum late late_messages_take(struct late_messages *late, struct bytes *in);

/* Whether a message is not whole yet: nothing else may come before its rest. */
bool late_messages_wait(const struct late_messages *late);

#endif
