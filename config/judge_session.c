/* SPDX-License-Identifier: MIT */
/* What is asked of rules: the facts, the stage, and what the server's name is worth. */
#include "config/judge_private.h"

#include <string.h>

/* The name that the camera gave, or else looked up. */
static const char *
claimed_name(const struct facts *facts)
{
	return facts->hello.sni[0] != '\0' ? facts->hello.sni : facts->looked_up;
}

/* What a camera looked up is no name that its server was asked to prove. */
static bool
is_proven(enum verdict_stage stage, const struct facts *facts)
{
	return stage >= VERDICT_CERTIFICATE && facts->server.verified &&
	       (facts->hello.sni[0] != '\0' || facts->looked_up[0] == '\0') &&
	       facts->inspect != INSPECT_PASSTHROUGH && facts->inspect != INSPECT_PLAIN;
}

/* "host.example." is the same host to a resolver, so to a rule as well. */
static const char *
plain_name(const char *claimed, char out[FACTS_NAME_MAX])
{
	size_t size = strlen(claimed);

	if (size == 0 || claimed[size - 1] != '.')
		return claimed;
	text_copy(out, size < FACTS_NAME_MAX ? size : FACTS_NAME_MAX, claimed);
	return out;
}

struct session
session_about(const struct facts *facts, enum verdict_stage stage, char name[FACTS_NAME_MAX])
{
	return (struct session){
	    .facts = facts,
	    .stage = stage,
	    .name = plain_name(claimed_name(facts), name),
	    .proven = is_proven(stage, facts),
	};
}

struct session
session_of_lookup(const struct facts *facts, char name[FACTS_NAME_MAX])
{
	return (struct session){
	    .facts = facts,
	    .stage = VERDICT_NAME,
	    .name = plain_name(facts->looked_up, name),
	    .lookup = true,
	};
}

struct asked
session_question(const struct session *session, const struct ruleset *set, const struct rule *rule)
{
	struct asked asked = {
	    .facts = session->facts,
	    .stage = session->stage,
	    .name = session->name,
	    .proof = ANSWER_YES,
	    .strict = rule->then.result == RESULT_BLOCK,
	    .waits = session->facts->waits,
	    .lookup = session->lookup,
	};

	/* A name narrows at once, and widens only when it is proven.  A set that
	 * only observes widens nothing. */
	if (rule->then.result != RESULT_BLOCK && set->mode != MODE_OBSERVE && !session->proven)
		asked.proof =
		    session->stage < VERDICT_CERTIFICATE ? ANSWER_TENTATIVE : ANSWER_UNPROVEN;
	return asked;
}
