/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_JUDGE_H
#define CONFIG_JUDGE_H

#include "base/facts.h"

struct rules;

/*
 * Facts and rules -> a verdict.  Pure: no clock, no memory but the verdict, no
 * allocation; the same facts and rules give the same verdict anywhere, so
 * `explain`, the dashboard and a running connection cannot differ.
 *
 * First match inside a rule set; across sets the most restrictive result wins,
 * and among equals the first set in the configuration's order.  `stage` says
 * which facts are known: a rule that asks for a fact that is not known yet
 * (a server name at VERDICT_ADDRESS) does not match at that stage, so a block
 * by address is final, while an allow is asked again at the next stage.
 *
 * A set in mode shadow judges and never blocks: verdict->shadow says it would
 * have.  With no rule set at all the result is block.
 */
void judge(const struct rules *rules, enum verdict_stage stage, const struct facts *facts,
    struct verdict *verdict);

/* As judge, and tells each step: one call for each rule looked at and one, with
 * rule NULL, for each set's own outcome. */
struct judge_step {
	const char *ruleset, *version, *mode;
	const char *rule; /* its id; NULL: the set's outcome, which came by `by` */
	const char *by;   /* id of the deciding rule, "default" or "unknown" */
	bool matched;
	enum result result; /* of the rule, or of the set */
	const char *reason; /* why it matched or not: "located=DE is not in @eea" */
};
typedef void judge_tell(const struct judge_step *step, void *arg);
void judge_explain(const struct rules *rules, enum verdict_stage stage, const struct facts *facts,
    struct verdict *verdict, judge_tell *tell, void *arg);

#endif
