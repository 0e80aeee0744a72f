/* SPDX-License-Identifier: MIT */
/* The stages that judge before anything is sent: by address, then by name. */
#include "base/clock.h"
#include "config/judge.h"
#include "geo/cache.h"
#include "geo/geo.h"
#include "geo/ranges.h"
#include "inspect/encrypted_dns.h"
#include "proxy/conn_private.h"
#include "proxy/dns_policy.h"
#include "proxy/guard.h"
#include "proxy/refusals.h"
#include "proxy/review.h"
#include "record/spool.h"

enum {
	/* A camera whose destination is blocked is heard for its server name,
	 * which the record is worth more with; it need not be heard for long. */
	REFUSED_HELLO_MS = 2000,
};

static bool
is_blocked(const struct conn *conn)
{
	return conn->facts->verdict.result == RESULT_BLOCK;
}

enum conn_state
run_locate(struct conn *conn)
{
	const struct snapshot *snapshot = conn->snapshot;
	struct facts *facts = conn->facts;

	if (!range_unwrap(&facts->dst, &facts->inner))
		facts->inner = facts->dst;
	facts->budgeted = true;
	facts->utc_offset_s = clock_utc_offset_s(facts->opened_wall_us);
	facts->place = *geo_cache_locate(snapshot->places, snapshot->geo, &facts->dst);
	dns_policy_name(conn->worker->dns, facts);
	if (!guard_refuses(snapshot->config, conn->worker->own, &facts->dst, &facts->verdict))
		judge(snapshot->config->rules, VERDICT_ADDRESS, facts, &facts->verdict);
	peek_start(conn, is_blocked(conn) ? REFUSED_HELLO_MS : snapshot->config->timeout.hello_ms);
	return CONN_PEEK;
}

static enum inspect
planned_inspection(const struct conn *conn)
{
	if (conn->facts->hello.kind != HELLO_TLS)
		return INSPECT_PLAIN;
	return conn->passthrough ? INSPECT_PASSTHROUGH : INSPECT_OPENED;
}

static bool
is_understood(const struct conn *conn)
{
	return conn->silent || conn->facts->hello.kind == HELLO_TLS ||
	       conn->facts->hello.kind == HELLO_NOT_TLS;
}

enum servers
decide_bad_server(const struct config *config, const struct verdict *verdict)
{
	if (verdict->servers != SERVERS_UNSAID)
		return verdict->servers;
	return config->tls.upstream_bad == BAD_MIRROR ? SERVERS_MIRROR : SERVERS_BLOCK;
}

void
decide_judge(struct conn *conn, enum verdict_stage stage)
{
	struct facts *facts = conn->facts;

	if (conn->redirected)
		return;
	judge(conn->snapshot->config->rules, stage, facts, &facts->verdict);
	if (!is_blocked(conn))
		(void)review_blocks(conn, stage);
}

bool
decide_unproven(struct conn *conn)
{
	decide_judge(conn, VERDICT_CERTIFICATE);
	/* Nobody will look at what is sent: it is as unknown now as it stays. */
	if (!is_blocked(conn) && conn->facts->verdict.open &&
	    conn->facts->inspect == INSPECT_PASSTHROUGH)
		decide_judge(conn, VERDICT_PAYLOAD);
	return !is_blocked(conn);
}

bool
decide_unheard(const struct conn *conn)
{
	struct facts facts = *conn->facts;

	/* Where it goes is known when it has said a lookup, or something else. */
	if (dns_policy_redirects(conn->worker->dns, &facts.dst, NULL))
		return false;
	facts.inspect = INSPECT_PLAIN;
	for (enum verdict_stage stage = VERDICT_NAME; stage <= VERDICT_CERTIFICATE; stage++) {
		judge(conn->worker->snapshot->config->rules, stage, &facts, &facts.verdict);
		if (facts.verdict.result == RESULT_BLOCK)
			return false;
	}
	return true;
}

/* A block by address is final; that a rule wants a look at who asked is not. */
static void
flag_by_name(struct conn *conn)
{
	struct verdict later;

	judge(conn->snapshot->config->rules, VERDICT_NAME, conn->facts, &later);
	conn->facts->verdict.flag = later.flag;
}

/* A camera that takes no certificate, so none of ours: it passes as one that has
 * refused ours.  False: that is not wished for. */
static bool
pass_unopened(struct conn *conn)
{
	if (conn->snapshot->config->tls.rejected == REJECTED_PASSTHROUGH) {
		conn->passthrough = true;
		return true;
	}
	guard_block(&conn->facts->verdict, VERDICT_NAME, "no-certificate",
	    "The camera takes no certificate of ours, so it cannot be opened");
	return false;
}

/* What was learned there: that the camera refuses our leaf, or that its server wants
 * the camera itself. */
static void
recall(struct conn *conn)
{
	if (conn->snapshot->config->tls.rejected != REJECTED_PASSTHROUGH)
		return;
	camera_recall_refusal(conn);
	if (!conn->passthrough)
		conn->passthrough = server_recall_demand(conn);
}

static void
judge_by_name(struct conn *conn)
{
	const struct snapshot *snapshot = conn->snapshot;
	struct facts *facts = conn->facts;

	if (conn_dns_redirect(conn))
		return;
	facts->app.encrypted_dns = encrypted_dns_told(&facts->hello, facts->dst.port);
	if (facts_name(facts)[0] != '\0')
		geo_vendor(snapshot->geo, facts_name(facts), &facts->place);
	if (is_blocked(conn)) {
		flag_by_name(conn);
		return;
	}
	if (!is_understood(conn)) {
		guard_block(&facts->verdict, VERDICT_NAME, "undecodable",
		    "What the camera sent cannot be understood");
		facts->inspect = INSPECT_UNDECODABLE;
		return;
	}
	judge(snapshot->config->rules, VERDICT_NAME, facts, &facts->verdict);
	if (is_blocked(conn))
		return;
	if (facts->hello.no_certificate && !pass_unopened(conn))
		return;
	if (facts->hello.kind == HELLO_TLS)
		recall(conn);
	facts->inspect = planned_inspection(conn);
	if (facts->inspect != INSPECT_OPENED)
		(void)decide_unproven(conn);
}

/* The record stands before the first byte to a server; the counter before the
 * record, so that whatever is open is told as lost when this worker dies. */
static bool
record_open(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct err err = {0};

	if (conn->live != NULL)
		return true; /* before its camera had spoken */
	conn->live = spool_live_take(worker->spool, conn->facts->flow_id);
	if (conn->live == NULL) {
		(void)conn_close(conn, END_UNRECORDABLE, "the spool has no room for a connection");
		return false;
	}
	if (spool_write(worker->spool, EVENT_OPEN, conn->facts, &err) != 0) {
		(void)conn_close(conn, END_UNRECORDABLE, "%s", err.text);
		return false;
	}
	return true;
}

enum conn_state
run_decide(struct conn *conn)
{
	struct facts *facts = conn->facts;

	if (facts->hello.kind == HELLO_NONE && !conn->silent && !is_blocked(conn))
		return conn_close(conn, END_DONE, "the camera closed without a word");
	review_renew(conn);
	judge_by_name(conn);
	if (is_blocked(conn)) {
		if (facts->inspect != INSPECT_UNDECODABLE)
			facts->inspect = INSPECT_REFUSED;
		return conn_close(conn, END_REFUSED, "%s", facts->verdict.why);
	}
	return record_open(conn) ? CONN_CONNECT : CONN_CLOSED;
}
