/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_ENCRYPTED_DNS_H
#define INSPECT_ENCRYPTED_DNS_H

#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Lookups that nobody can see: DNS over TLS, HTTPS and QUIC, told by the port,
 * by the protocol that the hello offers, or by the resolver's name.  A resolver
 * that has another name and port 443 is told by its requests alone.
 *
 * Source: RFC 7858 section 3.1 (port 853), RFC 8094 (over DTLS), RFC 9250
 * section 4.1 ("doq"), RFC 8484 (HTTPS); the resolvers' names by their own pages
 * and by lists made of curl's (wiki page DNS-over-HTTPS) and of Chromium's
 * (net/dns/public/doh_provider_entry.cc).
 */
bool encrypted_dns_told(const struct hello_facts *hello, uint16_t dst_port);

/* Whether a name is a public resolver's, or under one. */
bool encrypted_dns_is_resolver(const char *name);

/* Whether a request's path is the usual one for lookups ("/dns-query"). */
bool encrypted_dns_is_path(const char *path);

#endif
