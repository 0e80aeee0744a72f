/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "proxy/conn_private.h"
#include "proxy/review.h"
#include "tests/flow/appliance.h"
#include "tests/flow/harness.h"

#include <semaphore.h>
#include <string.h>

static const char blocking[] = "ruleset: flow\n"
			       "version: 2\n"
			       "title: Nothing to DE\n"
			       "unknown: allow\n"
			       "default: allow\n"
			       "rules:\n"
			       "  - id: de\n"
			       "    match: {located: DE}\n"
			       "    then: block\n"
			       "    why: \"the server is in DE\"\n";

static const char allowing[] = "ruleset: flow\n"
			       "version: 2\n"
			       "title: Anything\n"
			       "unknown: allow\n"
			       "default: allow\n"
			       "rules: []\n";

static const char strict[] = "ruleset: flow\n"
			     "version: 2\n"
			     "title: Good servers only\n"
			     "unknown: allow\n"
			     "default: allow\n"
			     "rules:\n"
			     "  - id: good\n"
			     "    match: {}\n"
			     "    then: allow\n"
			     "    servers: block\n"
			     "    why: \"as long as it is good\"\n";

/* One story a process: when the rules change, and to what. */
static struct {
	const char *rules;
	enum conn_state state;
	uint64_t down; /* bytes that came from the server by then */
	bool quiet;    /* ... and for a while nothing more */
	struct event look;
	sem_t changed;
} story;

static void
on_reviewed(struct worker *worker)
{
	(void)worker;
	(void)sem_post(&story.changed);
}

static void
change(struct flow *flow)
{
	struct worker *worker = flow->worker;
	struct snapshot *old = worker->snapshot;

	appliance_write(flow, story.rules);
	worker->snapshot = appliance_read(flow, 2);
	snapshot_retire(old, NULL);
	review_start(worker, on_reviewed);
}

static bool
is_time(const struct conn *conn)
{
	if (conn == NULL || conn->state != story.state)
		return false;
	if (story.quiet)
		return conn->facts == NULL;
	return conn->facts != NULL && conn->facts->traffic.down >= story.down;
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval soon = clock_span(1);
	struct flow *flow = arg;
	const struct conn *conn = TAILQ_FIRST(&flow->worker->open);

	(void)fd;
	(void)what;
	if (is_time(conn))
		change(flow);
	else
		(void)evtimer_add(&story.look, &soon);
}

static void
await(struct flow *flow, const char *rules, enum conn_state state, uint64_t down)
{
	story.rules = rules;
	story.state = state;
	story.down = down;
	cr_assert_eq(sem_init(&story.changed, 0, 0), 0);
	cr_assert_eq(evtimer_assign(&story.look, flow->worker->base, on_look, flow), 0);
	on_look(-1, 0, flow);
}

static void
open_story(struct flow *flow, const char *rules, enum conn_state state, uint64_t down)
{
	flow_open(flow, &(struct flow_setup){0});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	await(flow, rules, state, down);
}

static void
speak(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "ping", 4);
	peer_hear(peer, 4);
}

static void
answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 4);
	peer_say(peer, "pong", 4);
}

static void
speak_until_it_ends(struct peer *peer)
{
	speak(peer);
	peer_hear_end(peer);
}

static void
answer_until_it_ends(struct peer *peer)
{
	answer(peer);
	peer_hear_end(peer);
}

Test(rules_change_meanwhile, what_they_block_ends)
{
	struct flow flow;

	open_story(&flow, blocking, CONN_RELAY, 4);
	flow_run(&flow, speak_until_it_ends, answer_until_it_ends);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.server.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_RULE_CHANGE);
	cr_expect_not_null(strstr(flow.closed.facts.end_text, "flow rule de"), "%s",
	    flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(flow.closed.facts.verdict.ruleset_version, "2");
	cr_expect_str_eq(flow.closed.facts.verdict.why, "the server is in DE");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 4U);
	cr_expect_eq(flow.opened.facts.verdict.result, RESULT_ALLOW);
	flow_close(&flow);
}

Test(rules_change_meanwhile, what_they_block_ends_though_it_is_quiet)
{
	struct flow flow;

	story.quiet = true;
	open_story(&flow, blocking, CONN_RELAY, 4);
	flow_run(&flow, speak_until_it_ends, answer_until_it_ends);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_RULE_CHANGE);
	cr_expect_str_eq(flow.closed.facts.verdict.ruleset_version, "2");
	cr_expect_str_eq(flow.closed.facts.hello.sni, FLOW_NAME);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 4U);
	flow_close(&flow);
}

/* What was mirrored goes on as long as the rules bear it. */
Test(rules_change_meanwhile, a_bad_server_that_they_do_not_bear_ends)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.upstream = ", bad: mirror"});
	flow_show(&flow, pki_server(FLOW_NAME, NULL));
	SSL_CTX_set_verify(flow.camera.ctx, SSL_VERIFY_NONE, NULL);
	await(&flow, strict, CONN_RELAY, 4);
	flow_run(&flow, speak_until_it_ends, answer_until_it_ends);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_eq(flow.closed.facts.end, END_RULE_CHANGE);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "server-certificate");
	cr_expect_eq(flow.closed.facts.server.treatment, TREATED_MIRRORED);
	flow_close(&flow);
}

static void
speak_on(struct peer *peer)
{
	speak(peer);
	peer_await(&story.changed, "the rules do not change");
	peer_say(peer, "more", 4);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
answer_on(struct peer *peer)
{
	answer(peer);
	peer_hear(peer, 8);
	peer_hear_end(peer);
	peer_finish(peer);
}

Test(rules_change_meanwhile, what_they_allow_ends_under_those_it_began_with)
{
	struct flow flow;

	open_story(&flow, allowing, CONN_RELAY, 4);
	flow_run(&flow, speak_on, answer_on);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect_eq(memcmp(flow.server.front, "pingmore", 8), 0);
	cr_expect_str_eq(flow.closed.facts.verdict.ruleset_version, "1");
	cr_expect_eq(flow.worker->snapshot->generation, 2U);
	cr_expect_eq(flow.worker->snapshot->refs, 1U);
	flow_close(&flow);
}

static void
say_hello_late(struct peer *peer)
{
	peer_connect(peer);
	peer_await(&story.changed, "the rules do not change");
	peer_expect_no_handshake(peer);
}

/* Nothing was sent for it yet: it is one of the new rules' own. */
Test(rules_change_meanwhile, what_is_not_decided_is_decided_by_the_new_ones)
{
	struct flow flow;

	open_story(&flow, blocking, CONN_PEEK, 0);
	flow_run(&flow, say_hello_late, NULL);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	cr_expect_not(flow_reached_server(&flow));
	cr_expect_eq(flow.opens, 0U);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "de");
	cr_expect_str_eq(flow.closed.facts.hello.sni, FLOW_NAME);
	flow_close(&flow);
}

/* The server was reached, and nothing of the camera's was sent to it. */
Test(rules_change_meanwhile, what_is_under_way_ends_too)
{
	struct flow flow;

	open_story(&flow, blocking, CONN_VERIFY, 0);
	flow_run(&flow, speak_until_it_ends, NULL);
	cr_expect(flow.camera.trouble[0] != '\0' || flow.camera.end == PEER_RESET);
	flow.camera.trouble[0] = '\0';
	cr_expect_eq(flow.closed.facts.end, END_RULE_CHANGE);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0U);
	flow_close(&flow);
}

static const char holding[] =
    "ruleset: flow\n"
    "version: 2\n"
    "title: No footage\n"
    "unknown: allow\n"
    "default: allow\n"
    "rules:\n"
    "- {id: film, match: {class: video}, then: block, why: w, hold: {bytes: 64KB, time: 200ms, "
    "unknown: block}}\n";

static const char question[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
static const char no_body[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void
ask_then_post(struct peer *peer)
{
	static const char post[] = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n";

	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, question, sizeof(question) - 1);
	peer_hear(peer, sizeof(no_body) - 1);
	peer_await(&story.changed, "the rules do not change");
	peer_say(peer, post, sizeof(post) - 1);
	peer_hear_end(peer);
}

static void
answer_once(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, sizeof(question) - 1);
	peer_say(peer, no_body, sizeof(no_body) - 1);
	peer_hear_end(peer);
}

/* What the new rules may yet block waits, of a connection of before as well. */
Test(rules_change_meanwhile, and_what_they_wait_for_is_held)
{
	struct flow flow;

	open_story(&flow, holding, CONN_RELAY, sizeof(no_body) - 1);
	flow_run(&flow, ask_then_post, answer_once);
	cr_expect_eq(flow.server.received, sizeof(question) - 1);
	cr_expect_eq(flow.closed.facts.traffic.left_up, sizeof(question) - 1);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED, "%s", flow.closed.facts.end_text);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "film");
	flow_close(&flow);
}
