/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_JUDGE_PRIVATE_H
#define CONFIG_JUDGE_PRIVATE_H

#include "config/judge.h"
#include "config/rules_private.h"

/* What the judge's files share. */

/* One question to all sets. */
struct session {
	const struct facts *facts;
	enum verdict_stage stage;
	const char *name; /* the server's, without a dot at its end */
	bool proven;      /* the server's certificate spoke for the name, on this address */
	bool lookup;      /* about the name alone */
	judge_tell *tell; /* NULL: nobody is told */
	void *arg;
};

/*
 * The question what becomes of facts at a stage, and the one whether what the
 * camera looks up (facts->looked_up) is refused by its name alone.  Nobody is
 * told.  Both borrow facts and name, which they may write to.
 */
struct session session_about(const struct facts *facts, enum verdict_stage stage,
    char name[FACTS_NAME_MAX]);
struct session session_of_lookup(const struct facts *facts, char name[FACTS_NAME_MAX]);

/* What a rule of the set is asked in it. */
struct asked session_question(const struct session *session, const struct ruleset *set,
    const struct rule *rule);

#endif
