/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_DNS_H
#define INSPECT_DNS_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A message of the domain name system, as it is in a datagram; over TCP it
 * stands behind two bytes with its size (RFC 1035 section 4.2.2).
 *
 * Source: RFC 1035 section 4; RFC 3596 (AAAA); RFC 6891 (EDNS); RFC 9460
 * (SVCB, HTTPS); RFC 9848 (their "ech"); RFC 8914 (extended errors).
 */
enum {
	DNS_HEADER_BYTES = 12,
	DNS_ADDRESSES_MAX = 32, /* of one answer that are taken in */
	DNS_RECORDS_MAX = 64,   /* of one answer that are looked at */
	DNS_LINKS_MAX = 16,     /* CNAMEs from the name that was asked to its addresses */
	/* Header, the question, and an OPT record that says why. */
	DNS_REFUSAL_MAX = DNS_HEADER_BYTES + 255 + 4 + 11 + 6,
};

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_AAAA = 28,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
};

enum dns_rcode { DNS_NOERROR = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3, DNS_REFUSED = 5 };

struct dns_address {
	uint8_t ip[16]; /* as in struct addr */
	uint32_t ttl_s; /* the least on the way from the name that was asked */
};

/* What an answer has to repeat. */
struct dns_question {
	uint16_t id;
	uint16_t type, class;
	uint8_t opcode;            /* 0: a query */
	bool name_odd;             /* the name has bytes that no host name has; they stand as '?' */
	char name[FACTS_NAME_MAX]; /* lower case, no dot at its end; "" is the root */
};

struct dns_message {
	struct dns_question asked;
	bool answer;    /* QR */
	bool truncated; /* TC: ask again over TCP */
	bool whole;     /* one question, and its records end where the message does */
	bool ech;       /* SVCB or HTTPS records carry keys for encrypted hellos */
	bool edns;      /* an OPT record is there */
	bool recursion; /* RD: recursion is wanted */
	uint8_t rcode;
	struct bytes question; /* as sent, inside the message; empty where its name is compressed,
				* which nobody does */
	/* Of an answer: what the name that was asked leads to, over its CNAMEs and
	 * the hints of its services, and no other way. */
	uint8_t address_count;
	struct dns_address addresses[DNS_ADDRESSES_MAX];
	char answers[256]; /* CNAMEs' targets and addresses, commas between; cut at one */
};

/* Read a message.  False when it has no header or no readable question; then
 * out is of no use.  Records behind the question that cannot be read leave
 * whole false, and what was read before them stands. */
bool dns_read(struct bytes message, struct dns_message *out);

/* Whether an answer's question is the one that was asked: id, opcode, type, class
 * and name are the same (but for upper and lower case). */
bool dns_same_question(const struct dns_question *asked, const struct dns_question *answered);

/* Write the answer REFUSED to a query that dns_read took.  Returns its size, or
 * 0 where the name of its question is compressed. */
size_t dns_refuse(const struct dns_message *query, uint8_t out[DNS_REFUSAL_MAX]);

/* "A", "AAAA", "HTTPS" ...; "TYPE123" (RFC 3597) where it has no name here.
 * out has DNS_TYPE_TEXT_MAX bytes; returns out. */
enum { DNS_TYPE_TEXT_MAX = 12 };
const char *dns_type_text(uint16_t type, char out[DNS_TYPE_TEXT_MAX]);

#endif
