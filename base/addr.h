/* SPDX-License-Identifier: MIT */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct err;

/*
 * An address and a port, of IPv4 or IPv6 alike: IPv4 is kept in its mapped
 * form ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so there is one way to
 * compare, to hash and to mask.  A value; compare with addr_equal.
 */
struct addr {
	uint8_t ip[16]; /* network byte order */
	uint16_t port;  /* host byte order; 0 where there is none */
};

/* A block of addresses; bits counts from the front of the 16 bytes, so an
 * IPv4 /24 has 120. */
struct prefix {
	uint8_t ip[16];
	uint8_t bits;
};

enum { ADDR_TEXT_MAX = 64 }; /* "[v6 address]:65535" and a terminator fit */

bool addr_is_v4(const struct addr *addr);
bool addr_equal(const struct addr *a, const struct addr *b); /* address and port */
bool addr_same_host(const struct addr *a, const struct addr *b);

/* From and to the kernel's form.  addr_to_sockaddr writes sockaddr_in for an
 * IPv4 address and sockaddr_in6 otherwise, and returns its size. */
bool addr_from_sockaddr(struct addr *addr, const struct sockaddr_storage *from);
socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *to);

/* The address alone ("192.0.2.1", "2001:db8::1"), and with its port
 * ("192.0.2.1:443", "[2001:db8::1]:443").  Returns out. */
const char *addr_text(const struct addr *addr, char out[ADDR_TEXT_MAX]);
const char *addr_text_port(const struct addr *addr, char out[ADDR_TEXT_MAX]);

/* "IP", "IP:PORT" or "[IP]:PORT"; the port is fallback_port where none is
 * written.  Names are refused: nothing here asks a resolver. */
int addr_parse(struct addr *addr, const char *text, uint16_t fallback_port, struct err *err);

/* "IP" or "IP/BITS"; bits beyond the length must be 0. */
int prefix_parse(struct prefix *prefix, const char *text, struct err *err);
bool prefix_holds(const struct prefix *prefix, const uint8_t ip[16]);

#endif
