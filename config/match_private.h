/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_MATCH_PRIVATE_H
#define CONFIG_MATCH_PRIVATE_H

#include "config/rules_private.h"

/* The keys of `match`, each a row that stands beside its functions; match.c
 * lists them all. */
extern const struct match_key match_device, match_group, match_sni, match_sni_missing;
extern const struct match_key match_vendor, match_ech, match_ja4;
extern const struct match_key match_ip, match_port, match_proto, match_asn;
extern const struct match_key match_located, match_registered, match_operator, match_continent;
extern const struct match_key match_within, match_touches, match_unknown;
extern const struct match_key match_tls, match_inspect, match_time;
extern const struct match_key match_app, match_opaque_inner, match_host_mismatch;
extern const struct match_key match_class, match_confidence, match_direction, match_bytes;
extern const struct match_key match_not, match_any;

/* A value that is words of a table: a bit for each.  Told when false. */
bool match_read_words(const struct reader *reader, const struct yaml_node *node,
    const char *const *words, size_t count, uint32_t *out);

/* A value that is true or false, into value.wanted: a key's parse as it stands. */
bool match_parse_wanted(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition);

/* How many a value has; a text counts as a list of one. */
size_t match_count(const struct yaml_node *node);

/* A list that is empty matches nothing, which nobody means: true when told. */
bool match_refuse_empty(const struct reader *reader, const struct yaml_node *node);

/*
 * Read each element, size bytes wide, into its place of a list, which the
 * condition owns; count becomes how many are good.  Told when false.
 */
typedef bool match_element(const struct reader *reader, const struct yaml_node *node, void *out);
bool match_read_list(const struct reader *reader, const struct yaml_node *node, match_element *read,
    size_t size, struct condition *condition, size_t *count);

#endif
