/* SPDX-License-Identifier: MIT */
#include "proxy/rejudge.h"

#include "certs/verify.h"
#include "config/judge.h"

#include <string.h>

/* No rule set at all refuses everything, and is the one refusal under this
 * name that other rules lift. */
static bool
is_fixed(const struct verdict *verdict)
{
	return strcmp(verdict->ruleset, "appliance") == 0 && strcmp(verdict->rule, "no-rules") != 0;
}

/* `log: meta` keeps what was read of the hello and the certificate from the
 * record, which is not the same as that there was nothing. */
static bool
has_names_left_out(const struct facts *facts)
{
	return facts->verdict.detail != DETAIL_FULL && facts->hello.kind == HELLO_TLS;
}

/* The stage up to which the record has the facts. */
static enum verdict_stage
known_stage(const struct facts *facts)
{
	const struct verdict *verdict = &facts->verdict;

	if (has_names_left_out(facts))
		return VERDICT_ADDRESS;
	if (verdict->result != RESULT_BLOCK || verdict->stage >= VERDICT_CERTIFICATE)
		return verdict->stage;
	switch (facts->hello.kind) {
	case HELLO_TLS:
		return VERDICT_NAME;
	case HELLO_NOT_TLS: /* has no certificate that would be waited for */
		return VERDICT_CERTIFICATE;
	case HELLO_NONE:
	case HELLO_BROKEN:
		break;
	}
	return VERDICT_ADDRESS;
}

/* How it was, or was to be, forwarded when the rules were asked: a refusal and
 * the camera's own are written over it. */
static enum inspect
planned_inspection(const struct facts *facts)
{
	if (facts->inspect == INSPECT_REJECTED)
		return INSPECT_OPENED;
	if (facts->inspect != INSPECT_REFUSED)
		return facts->inspect;
	if (facts->hello.kind != HELLO_TLS)
		return INSPECT_PLAIN;
	/* Before its server was reached only what is not to be opened was asked. */
	if (facts->verdict.stage >= VERDICT_CERTIFICATE && !facts->server.handshake_done)
		return INSPECT_PASSTHROUGH;
	return INSPECT_OPENED;
}

/* Whether a set that counts may still come to another result. */
static void
note_pending(const struct judge_step *step, void *arg)
{
	bool *pending = arg;

	if (step->rule == NULL && step->pending && strcmp(step->mode, "observe") != 0)
		*pending = true;
}

/* What a rule blocked for its server's flaws is, without that rule, what becomes of bad
 * servers: that stands in the configuration of then, unless the rules say it. */
static bool
is_left_to_settings(const struct facts *recorded, const struct verdict *verdict)
{
	return recorded->verdict.result == RESULT_BLOCK &&
	       verify_has_flaw(recorded->server.errors) && verdict->result != RESULT_BLOCK;
}

void
rejudge(const struct rules *rules, const struct facts *recorded, struct rejudged *out)
{
	enum verdict_stage known = known_stage(recorded);
	struct facts facts = *recorded;

	*out = (struct rejudged){.verdict = recorded->verdict};
	if (is_fixed(&recorded->verdict))
		return;
	facts.inspect = planned_inspection(recorded);
	for (enum verdict_stage stage = VERDICT_ADDRESS; stage <= known; stage++) {
		judge(rules, stage, &facts, &out->verdict);
		if (out->verdict.result == RESULT_BLOCK)
			return;
	}
	/* What was sent is in the record, as far as anybody looked at it. */
	if (out->verdict.open && recorded->verdict.result != RESULT_BLOCK) {
		judge(rules, VERDICT_PAYLOAD, &facts, &out->verdict);
		return;
	}
	out->open = out->verdict.open && known < VERDICT_PAYLOAD;
	if (has_names_left_out(recorded))
		judge_explain(rules, known, &facts, &out->verdict, note_pending, &out->untold);
	else if (recorded->verdict.result == RESULT_BLOCK && known < VERDICT_CERTIFICATE)
		judge_explain(rules, known, &facts, &out->verdict, note_pending, &out->open);
	out->open = out->open || is_left_to_settings(recorded, &out->verdict);
}
