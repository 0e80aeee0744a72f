/* SPDX-License-Identifier: MIT */
#ifndef RECORD_EVE_PRIVATE_H
#define RECORD_EVE_PRIVATE_H

/* For the files of eve alone: what several lines have, and the lines that are
 * about no connection. */

#include "base/jsonw.h"
#include "record/event.h"

#include <stdbool.h>

/* ---- parts ---- */

/* Leave it out where it is "", all 0, or not known. */
void eve_add_text(struct jsonw *json, const char *key, const char *value);
void eve_add_hash(struct jsonw *json, const char *key, const uint8_t hash[32]);
void eve_add_mac(struct jsonw *json, const char *key, const uint8_t mac[MAC_BYTES]);
void eve_add_ether(struct jsonw *json, const uint8_t mac[MAC_BYTES]);

/* "key":{"up":..,"down":..} */
void eve_add_pair(struct jsonw *json, const char *key, uint64_t up, uint64_t down);

/* Which of the appliance's events it is. */
void eve_add_seq(struct jsonw *json, const struct event_head *head);

/* What a line of a connection begins with. */
void eve_add_head(struct jsonw *json, const char *type, const struct event_head *head,
    const struct facts *facts, const char *site);

/* How it was dealt with, and by which rule. */
void eve_add_verdict(struct jsonw *json, const struct facts *facts);

/* What was said, in Suricata's words: "tls", "quic", "http", "mqtt", "smtp". */
void eve_add_said(struct jsonw *json, const struct facts *facts);

/* "borderlens": all else that is known of a connection. */
void eve_add_ours(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site);

/* "tls", "http", ..., or "failed". */
const char *eve_app_proto(const struct facts *facts);

bool eve_is_http(enum app_proto proto);

/* ---- lines ---- */

typedef void eve_add_line(struct jsonw *json, const struct event_head *head,
    const struct facts *facts, const char *site);

eve_add_line eve_add_stats_line;
eve_add_line eve_add_sighting_line; /* none where nothing is new */
eve_add_line eve_add_reload_line;
eve_add_line eve_add_anomaly_line;
eve_add_line eve_add_dns_lines; /* and an alert, where the name was refused */

#endif
