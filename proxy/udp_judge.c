/* SPDX-License-Identifier: MIT */
#include "proxy/udp_judge.h"

#include "base/clock.h"
#include "base/text.h"
#include "config/config.h"
#include "config/judge.h"
#include "geo/cache.h"
#include "geo/geo.h"
#include "geo/ranges.h"
#include "proxy/dns_policy.h"
#include "proxy/guard.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"

static bool
is_blocked(const struct facts *facts)
{
	return facts->verdict.result == RESULT_BLOCK;
}

static bool
has_hello(const struct facts *facts)
{
	return facts->app.proto == APP_QUIC || facts->app.proto == APP_DTLS;
}

static enum inspect
planned_inspection(const struct facts *facts)
{
	if (has_hello(facts))
		return INSPECT_PASSTHROUGH;
	return facts->app.proto == APP_UNKNOWN ? INSPECT_UNDECODABLE : INSPECT_PLAIN;
}

/* Where it goes and who sends it, by what holds now. */
static void
locate(struct worker *worker, struct facts *facts)
{
	const struct snapshot *snapshot = worker->snapshot;

	if (!range_unwrap(&facts->dst, &facts->inner))
		facts->inner = facts->dst;
	facts->transport = TRANSPORT_UDP;
	facts->utc_offset_s = clock_utc_offset_s(facts->opened_wall_us);
	facts->place = *geo_cache_locate(snapshot->places, snapshot->geo, &facts->dst);
	dns_policy_name(worker->dns, facts);
	if (facts_name(facts)[0] != '\0')
		geo_vendor(snapshot->geo, facts_name(facts), &facts->place);
	inventory_name(worker->inventory, snapshot->config, facts);
}

bool
udp_judge_answers_time(const struct worker *worker, const struct facts *facts)
{
	return facts->app.proto == APP_NTP && worker->snapshot->config->ntp == NTP_ANSWER;
}

static void
say_answered(struct verdict *verdict)
{
	*verdict = (struct verdict){.result = RESULT_ALLOW, .stage = VERDICT_ADDRESS};
	text_copy(verdict->ruleset, sizeof(verdict->ruleset), "appliance");
	text_copy(verdict->rule, sizeof(verdict->rule), "ntp");
	text_copy(verdict->why, sizeof(verdict->why), "The box answers what asks for the time");
}

/* Whether it goes elsewhere: where dst is does not matter then. */
static bool
is_redirected(const struct worker *worker, struct facts *facts)
{
	if (udp_judge_answers_time(worker, facts)) {
		say_answered(&facts->verdict);
		return true;
	}
	return facts->app.proto == APP_DNS &&
	       dns_policy_redirects(worker->dns, &facts->dst, &facts->verdict);
}

/* A block by address is final; that a rule wants a look at who asked is not. */
static void
flag_by_name(const struct rules *rules, struct facts *facts)
{
	struct verdict later;

	judge(rules, VERDICT_NAME, facts, &later);
	facts->verdict.flag = later.flag;
}

static void
judge_quic(const struct config *config, struct facts *facts)
{
	switch (config->quic) {
	case QUIC_ALLOW:
		return;
	case QUIC_REFUSE:
		guard_block(&facts->verdict, VERDICT_NAME, "quic",
		    "QUIC is refused, so that the camera takes TLS over TCP");
		facts->verdict.how = HOW_REFUSE;
		return;
	case QUIC_BLOCK:
		guard_block(&facts->verdict, VERDICT_NAME, "quic", "QUIC is blocked");
		facts->verdict.how = HOW_DROP;
		return;
	}
}

/* What was not told of the first datagrams is waited for no longer. */
static void
judge_sent(const struct config *config, struct facts *facts)
{
	if (facts->verdict.open)
		judge(config->rules, VERDICT_PAYLOAD, facts, &facts->verdict);
}

static void
judge_by_name(const struct config *config, struct facts *facts)
{
	judge(config->rules, VERDICT_NAME, facts, &facts->verdict);
	if (!is_blocked(facts))
		judge(config->rules, VERDICT_CERTIFICATE, facts, &facts->verdict);
	judge_sent(config, facts);
	if (!is_blocked(facts) && facts->app.proto == APP_QUIC)
		judge_quic(config, facts);
}

void
udp_judge(struct worker *worker, struct facts *facts)
{
	const struct config *config = worker->snapshot->config;

	facts->budgeted = true;
	/* As of a connection: what is no TLS is named in the hello's stead. */
	if (!has_hello(facts)) {
		facts->hello.kind = HELLO_NOT_TLS;
		text_copy(facts->hello.protocol, sizeof(facts->hello.protocol),
		    app_proto_name(facts->app.proto));
	}
	locate(worker, facts);
	if (is_redirected(worker, facts)) {
		facts->inspect = INSPECT_PLAIN;
		return;
	}
	if (!guard_refuses(config, worker->own, &facts->dst, &facts->verdict))
		judge(config->rules, VERDICT_ADDRESS, facts, &facts->verdict);
	if (is_blocked(facts)) {
		flag_by_name(config->rules, facts);
		facts->inspect = INSPECT_REFUSED;
		return;
	}
	if (has_hello(facts) && facts->hello.kind != HELLO_TLS) {
		guard_block(&facts->verdict, VERDICT_NAME, "undecodable",
		    "What the camera sent cannot be understood");
		facts->inspect = INSPECT_UNDECODABLE;
		return;
	}
	facts->inspect = planned_inspection(facts);
	judge_by_name(config, facts);
	if (is_blocked(facts))
		facts->inspect = INSPECT_REFUSED;
}

bool
udp_judge_again(struct worker *worker, struct facts *facts)
{
	const struct config *config = worker->snapshot->config;

	locate(worker, facts);
	if (is_redirected(worker, facts))
		return false;
	if (!guard_refuses(config, worker->own, &facts->dst, &facts->verdict))
		judge(config->rules, VERDICT_CERTIFICATE, facts, &facts->verdict);
	judge_sent(config, facts);
	if (!is_blocked(facts) && facts->app.proto == APP_QUIC)
		judge_quic(config, facts);
	return is_blocked(facts);
}
