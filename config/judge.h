/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_JUDGE_H
#define CONFIG_JUDGE_H

#include "base/facts.h"

#include <stdbool.h>

struct rules;

/*
 * Facts and rules -> a verdict.  Pure: no clock, no memory but the verdict, no
 * allocation; the same facts and rules give the same verdict anywhere, so
 * `explain`, the dashboard and a running connection cannot differ.
 *
 * First match inside a rule set; where no rule matched, the set's `unknown`
 * line if located, registered or operator is unknown (verdict->rule is
 * "unknown"), else its `default` line ("default").  Across sets the most
 * restrictive result wins, block > limit > allow > observe, and among equals
 * the first set in the configuration's order.
 *
 * What is known grows with the stage, and so does what a rule may do:
 *
 *	VERDICT_ADDRESS      dst, device, time and place; a rule that asks for the
 *	                     hello (sni, vendor, ja4 ...) or more waits
 *	VERDICT_NAME         the hello too.  A rule with the server's name (sni,
 *	                     sni_missing, vendor) that blocks holds.  One that
 *	                     lets through holds for now.  Where the camera gave no
 *	                     name, sni and vendor are about the one that it looked
 *	                     up (looked_up), which nothing proves
 *	VERDICT_CERTIFICATE  and how it is served (tls, inspect).  A rule with the
 *	                     name that lets through holds only if the server's
 *	                     certificate proved it on this address:
 *	                     server.verified, and inspect neither passthrough nor
 *	                     plain.  Else it does not match and the walk goes on
 *	VERDICT_PAYLOAD      and what is sent: its class, the protocol, budgets.  A
 *	                     rule that asks for it waits up to here.  What is not
 *	                     known here is waited for no longer, unless
 *	                     facts.waits says so: the rule does not match, or is
 *	                     decided by its hold's `unknown`
 *
 * A rule that waits, or holds for now, does not end the walk: as long as one of
 * these stands before the deciding rule and is milder, the set's result is
 * the milder one.  So a block at any stage is final, while observe and allow are
 * to be asked again at the next stage up to VERDICT_CERTIFICATE; nothing may be
 * sent to the server before VERDICT_NAME was asked, and nothing of the camera's
 * data (nor its hello, where it is forwarded as it came) before
 * VERDICT_CERTIFICATE.
 *
 * verdict->open, from VERDICT_CERTIFICATE on, says that a rule asks for what is
 * sent, so VERDICT_PAYLOAD is to be asked too: whenever more is known of it,
 * and before the first byte of the camera's is forwarded.  verdict->hold_bytes
 * says that what is let through may yet be blocked: the camera's first bytes
 * wait, so many at most and for verdict->hold_ms, asked with facts.waits as more
 * becomes known, until hold_bytes is 0.  When that takes too long, or nobody will
 * look at what is sent (it passes through undecrypted), it is asked once more
 * without facts.waits, which no verdict waits behind.
 *
 * What is in doubt counts for a block and against the rest: where a fact has
 * two countries (two databases disagree), located, registered and operator
 * match by either in a rule that blocks, and only if both are listed in any
 * other.  Inside a `not` that is turned round, and there an unknown country or
 * network counts as listed in a rule that lets through.  A fact that is not
 * known otherwise (tls of what is not opened, a time that is 0) makes neither
 * a condition nor its `not` hold.
 *
 * A set in mode observe results in observe, whatever matched; names need no
 * proof there.  A set in mode shadow that would block or limit results in
 * observe; where nothing else blocks, the verdict names that set and
 * verdict->shadow says that it would have blocked.  With no rule set at all
 * (rules NULL or empty) the result is block, by "appliance".
 *
 * verdict->how and ->detail are the deciding rule's.  verdict->flag is the
 * gravest `alert` of all sets, whoever decides: a set that only observes is
 * heard beside one that blocks.
 */
void judge(const struct rules *rules, enum verdict_stage stage, const struct facts *facts,
    struct verdict *verdict);

/*
 * Whether a rule blocks what the camera of facts would do with the name in
 * facts->looked_up, whatever address the name leads to: a rule that asks for
 * nothing but the name (sni, vendor), the camera (device, group) and the time, and
 * that no milder rule stands before which may yet hold.  A set's own lines do
 * not count: they are about what is not known of a place.  facts->place.vendor
 * is that of the name.  True: then verdict is filled, and the lookup is to be
 * refused.
 */
bool judge_lookup(const struct rules *rules, const struct facts *facts, struct verdict *verdict);

/*
 * The bits of the budgets (config/rules.h) that what this connection sends up
 * counts for: of each rule that it comes to and whose other conditions hold, as
 * much as is known of it now.
 */
uint64_t judge_budgets(const struct rules *rules, const struct facts *facts);

/*
 * As judge, and tells each step: one call for each rule looked at and one, with
 * rule NULL, for each set's own outcome.  Everything is borrowed and gone when
 * tell returns.
 */
struct judge_step {
	const char *ruleset, *version, *mode;
	const char *rule; /* its id; NULL: the set's outcome, which came by `by` */
	const char *by;   /* id of the deciding rule, "default" or "unknown" */
	bool matched;
	bool pending; /* a later stage decides: the rule waits or is unproven, the set may change */
	enum result result;    /* of the rule, or of the set */
	enum result strictest; /* a pending set's: the most restrictive it may come to */
	const char *reason;    /* a rule: what was compared; an outcome: its why */
};
typedef void judge_tell(const struct judge_step *step, void *arg);

void judge_explain(const struct rules *rules, enum verdict_stage stage, const struct facts *facts,
    struct verdict *verdict, judge_tell *tell, void *arg);

/* As judge_lookup, and tells each step; the outcome of a set that refuses nothing is
 * `observe`, by "none". */
bool judge_lookup_explain(const struct rules *rules, const struct facts *facts,
    struct verdict *verdict, judge_tell *tell, void *arg);

#endif
