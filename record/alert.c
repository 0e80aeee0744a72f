/* SPDX-License-Identifier: MIT */
#include "record/alert.h"

#include "base/text.h"

#include <string.h>

bool
alert_is_refused(const struct facts *facts)
{
	return facts->verdict.result == RESULT_BLOCK || facts->inspect == INSPECT_REFUSED;
}

static void
name_errors(struct alert *alert, uint32_t errors)
{
	struct text text = text_in(alert->text, sizeof(alert->text));
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(errors, names);

	text_add(&text, "the server's certificate:");
	for (size_t i = 0; i < count; i++)
		text_add(&text, "%s %s", i > 0 ? "," : "", names[i]);
	alert->signature = alert->text;
}

/* 1 is the gravest of them. */
static unsigned
flag_severity(const struct flag *flag)
{
	return 1 + (unsigned)(SEVERITY_HIGH - flag->severity);
}

/* Whether the rule that decided is the one that wants to be looked at. */
static bool
is_flagged_by_verdict(const struct verdict *verdict)
{
	return verdict->flag.severity != SEVERITY_NONE &&
	       strcmp(verdict->flag.ruleset, verdict->ruleset) == 0 &&
	       strcmp(verdict->flag.rule, verdict->rule) == 0;
}

bool
alert_find_flag(const struct facts *facts, struct alert *alert)
{
	const struct verdict *verdict = &facts->verdict;

	if (verdict->flag.severity == SEVERITY_NONE ||
	    (facts->verdict.result == RESULT_BLOCK && is_flagged_by_verdict(verdict)))
		return false; /* that of the block says it */
	*alert = (struct alert){
	    .blocked = alert_is_refused(facts),
	    .severity = flag_severity(&verdict->flag),
	    .category = "Connection flagged by rule",
	    .ruleset = verdict->flag.ruleset,
	    .rule = verdict->flag.rule,
	    .signature = verdict->flag.why,
	};
	return true;
}

/* What came of a server that is not good.  A camera that was shown its flaw and
 * talked all the same is a finding about the camera. */
static const char *
server_category(const struct facts *facts)
{
	if (facts->server.treatment == TREATED_ACCEPTED)
		return "Bad server accepted by rule";
	if (facts->server.treatment == TREATED_MIRRORED &&
	    facts->camera_tls.verdict == CAMERA_TLS_OK)
		return "Camera does not verify the server";
	return "Server not verified";
}

bool
alert_find(const struct facts *facts, struct alert *alert)
{
	const struct verdict *verdict = &facts->verdict;
	bool refused = facts->end == END_SERVER_CERT;

	*alert = (struct alert){.ruleset = verdict->ruleset,
	    .rule = verdict->rule,
	    .signature = verdict->why};
	if (facts->verdict.result == RESULT_BLOCK) {
		alert->blocked = true;
		alert->severity =
		    is_flagged_by_verdict(verdict) ? flag_severity(&verdict->flag) : 1;
		alert->category = "Connection blocked by rule";
		return true;
	}
	if (refused || (facts->server.handshake_done && facts->server.errors != 0)) {
		alert->blocked = refused;
		alert->severity = refused ? 1 : 2;
		alert->category = server_category(facts);
		alert->ruleset = "appliance";
		alert->rule = "server-certificate";
		name_errors(alert, facts->server.errors);
		return true;
	}
	if (verdict->shadow) {
		alert->severity = 3;
		alert->category = "Connection would be blocked by rule";
		return true;
	}
	if (facts->inspect == INSPECT_REJECTED) {
		alert->severity = 3;
		alert->category = "Camera does not accept inspection";
		alert->ruleset = "appliance";
		alert->rule = "camera-rejected";
		alert->signature = "the camera refused the appliance's certificate";
		return true;
	}
	return false;
}
