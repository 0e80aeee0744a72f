/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROXY_RECORDED_H
#define TESTS_PROXY_RECORDED_H

#include "base/facts.h"
#include "record/event.h"

/*
 * A site with a configuration, rules and a record, for commands that look at
 * one.  Abort the test on failure.
 */
struct recorded_site {
	char dir[128], config[160], rules[160], store[192], eve[160];
	struct spool *spool; /* NULL: nothing is being recorded */
	int fd;              /* of the spool */
};

/* The configuration and the rules; no record yet. */
void recorded_site_make(struct recorded_site *site, const char *rules);
void recorded_site_remove(struct recorded_site *site);

/* Begin to record as a worker does; and let the recorder keep what was, after
 * which it may begin again. */
void recorded_open(struct recorded_site *site);
void recorded_close(struct recorded_site *site);

/* An opened TLS connection of device to 198.51.100.HOST:443, located, registered
 * and operated in country, that was allowed by old/1. */
void recorded_facts(const char *device, const char *country, unsigned host, struct facts *facts);

/* Its opening, and its end. */
void recorded_add(struct recorded_site *site, const struct facts *facts);
void recorded_event(struct recorded_site *site, enum event_kind kind, const struct facts *facts);

/* Do this to the store, as whoever has another program for it might. */
void recorded_alter(const struct recorded_site *site, const char *sql);

#endif
