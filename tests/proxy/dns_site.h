/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROXY_DNS_SITE_H
#define TESTS_PROXY_DNS_SITE_H

#include "base/bytes.h"
#include "base/facts.h"
#include "record/event.h"
#include "tests/proxy/recorded.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_policy;
struct worker;

/*
 * As much of a worker as lookups need: a configuration with rules, a spool, a
 * loop; and the policy on it.  The rules block what ends in "tracker.example".
 */
struct dns_site {
	struct recorded_site recorded; /* its spool is the worker's */
	struct worker *worker;
	struct dns_policy *policy;
	struct facts flow;    /* 10.0.0.4:40000 to 198.51.100.53:53, by UDP */
	struct spool *events; /* what was written, to be read */
};

/* resolver: dns.resolver of the configuration; NULL: none. */
void dns_site_open(struct dns_site *site, const char *resolver);
void dns_site_close(struct dns_site *site);

/* Other rules hold from now on, as behind a reload. */
void dns_site_rules(struct dns_site *site, const char *text);

/* Free the policy before the site, as a worker does at its end. */
void dns_site_end_policy(struct dns_site *site);

/* The name that the camera was told ip for; until the next call. */
const char *dns_site_name(const struct dns_site *site, const char *ip);

/* The next event that was written; false: none is. */
bool dns_site_event(struct dns_site *site, struct recorded *out);

/* A question for the addresses of name, and the answer that it has this one; both
 * return their size. */
enum { DNS_SITE_MESSAGE_MAX = 512 };
size_t dns_site_query(uint16_t id, const char *name, uint8_t out[DNS_SITE_MESSAGE_MAX]);
size_t dns_site_answer(uint16_t id, const char *name, const char *ip,
    uint8_t out[DNS_SITE_MESSAGE_MAX]);

#endif
