/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RULE_NAMES_H
#define PROXY_RULE_NAMES_H

struct config;
struct geo;
struct problems;

/*
 * Warn of each name in the rules that nobody has: a device or a group that
 * devices.yaml lacks, where there is one, and a vendor that neither the
 * vendors' table nor an override names, where there is a table.  Such a rule
 * never holds; it may be a typing error, or be meant for later.
 */
void rule_names_check(const struct config *config, const struct geo *geo,
    struct problems *problems);

#endif
