/* SPDX-License-Identifier: MIT */
/* How `explain` tells what it finds. */
#include "base/text.h"
#include "proxy/explain_private.h"

#include <stdio.h>
#include <string.h>

void
explain_fact(const char *name, const char *value, const char *basis)
{
	char line[256];
	struct text text = text_in(line, sizeof(line));

	text_add_untrusted(&text, value, strlen(value));
	(void)printf("  %-11s %-8s %s\n", name, line, basis);
}

static const char *
step_word(const struct judge_step *step)
{
	if (step->pending)
		return "later";
	return step->matched ? "YES" : "no";
}

static void
step_text(const struct judge_step *step, struct explain_talk *talk)
{
	if (strcmp(talk->ruleset, step->ruleset) != 0) {
		(void)printf("rule set %s v%s (%s)\n", step->ruleset, step->version, step->mode);
		text_copy(talk->ruleset, sizeof(talk->ruleset), step->ruleset);
	}
	if (step->rule != NULL)
		(void)printf("  %-14s %-5s  %s\n", step->rule, step_word(step), step->reason);
	else
		(void)printf("  = %s by %s: %s\n", result_name(step->result), step->by,
		    step->reason);
}

static void
step_json(const struct judge_step *step, struct explain_talk *talk)
{
	jsonw_open(&talk->json, NULL);
	jsonw_string(&talk->json, "ruleset", step->ruleset);
	jsonw_string(&talk->json, "version", step->version);
	jsonw_string(&talk->json, "mode", step->mode);
	if (step->rule != NULL)
		jsonw_string(&talk->json, "rule", step->rule);
	else
		jsonw_string(&talk->json, "outcome", step->by);
	jsonw_bool(&talk->json, "matched", step->matched);
	jsonw_bool(&talk->json, "pending", step->pending);
	jsonw_string(&talk->json, "result", result_name(step->result));
	jsonw_string(&talk->json, "reason", step->reason);
	jsonw_close(&talk->json);
}

void
explain_step(const struct judge_step *step, void *arg)
{
	struct explain_talk *talk = arg;

	if (talk->is_json)
		step_json(step, talk);
	else
		step_text(step, talk);
}
