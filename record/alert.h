/* SPDX-License-Identifier: MIT */
#ifndef RECORD_ALERT_H
#define RECORD_ALERT_H

#include "base/facts.h"

#include <stdbool.h>

/*
 * What somebody should look at, of a connection that has ended.  A connection
 * has at most two alerts: what became of it, and what a rule wants looked at
 * whatever became of it.
 */
struct alert {
	bool blocked;
	unsigned severity; /* 1: a rule was broken, 2: look at it, 3: for the record */
	const char *category;
	const char *ruleset, *rule; /* where its number comes from */
	const char *signature;      /* a sentence; may lie in the facts, or in text */
	char text[FACTS_TEXT_MAX];
};

/* What is to be looked at, the gravest where it is several; false: nothing.
 * The alert points into facts and into itself. */
bool alert_find(const struct facts *facts, struct alert *alert);

/* What a rule wants looked at (`alert:`), unless alert_find says it already as
 * the rule's block; false: nothing. */
bool alert_find_flag(const struct facts *facts, struct alert *alert);

/* Nothing was forwarded, whether a rule or the appliance itself said so. */
bool alert_is_refused(const struct facts *facts);

#endif
