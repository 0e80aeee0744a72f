/* SPDX-License-Identifier: MIT */
/* Rules about what is sent: it waits, and is let go or blocked; budgets count it. */
#include "tests/flow/plays.h"

#include "base/clock.h"
#include "tests/flow/harness.h"

#include <stdio.h>
#include <string.h>

#define SAY(peer, text) peer_say(peer, text, sizeof(text) - 1)
#define HEAD "ruleset: r\nversion: \"1\"\ntitle: t\nunknown: allow\n"
#define FOOTAGE                                                                                     \
	HEAD                                                                                        \
	    "default: allow\nrules:\n- {id: footage, match: {class: [video, image]}, then: block, " \
	    "why: no footage}\n"
#define TELEMETRY                                                                                  \
	HEAD "default: {then: block, why: nothing else}\nrules:\n"                                 \
	     "- {id: telemetry, match: {class: [telemetry, control]}, then: allow, why: "          \
	     "telemetry}\n"

/* 16 x 16 pixels. */
static const uint8_t picture[] = {0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00,
    0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x10, 0x08, 0x02, 0x00,
    0x00, 0x00, 0x90, 0x91, 0x68, 0x36, 0x00, 0x00, 0x00, 0x64, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda,
    0x63, 0x60, 0x64, 0x62, 0x66, 0x61, 0x65, 0x63, 0xe7, 0xe0, 0xe4, 0xe2, 0xe6, 0xe1, 0xe5, 0xe3,
    0x17, 0x10, 0x14, 0x12, 0x16, 0x11, 0x15, 0x13, 0x97, 0x90, 0x94, 0x92, 0x96, 0x91, 0x95, 0x93,
    0x57, 0x50, 0x54, 0x52, 0x56, 0x51, 0x55, 0x53, 0xd7, 0xd0, 0xd4, 0xd2, 0xd6, 0xd1, 0xd5, 0xd3,
    0x37, 0x30, 0x34, 0x32, 0x36, 0x31, 0x35, 0x33, 0xb7, 0xb0, 0xb4, 0xb2, 0xb6, 0xb1, 0xb5, 0xb3,
    0x77, 0x70, 0x74, 0x72, 0x76, 0x71, 0x75, 0x73, 0xf7, 0xf0, 0xf4, 0xf2, 0xf6, 0xf1, 0xf5, 0xf3,
    0x0f, 0x08, 0x0c, 0x0a, 0x0e, 0x09, 0x0d, 0x0b, 0x8f, 0x88, 0x8c, 0x8a, 0x8e, 0x89, 0x8d, 0x8b,
    0x4f, 0x48, 0x67, 0xc0, 0x09, 0xc4, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42,
    0x60, 0x82};

static const char json[] = "{\"device\":\"lobby-3\",\"temperature\":21.5,\"uptime\":86400,"
			   "\"humidity\":40,\"status\":\"ok\"}";

static int
write_head(const char *type, size_t size, char out[200])
{
	return snprintf(out, 200,
	    "POST /up HTTP/1.1\r\nHost: " FLOW_NAME "\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    type, size);
}

static void
post(struct peer *peer, const char *type, const void *body, size_t size)
{
	char head[200];

	peer_say(peer, head, (size_t)write_head(type, size, head));
	peer_say(peer, body, size);
}

static void
hear_status(struct peer *peer)
{
	char head[200];

	peer_hear(peer,
	    (size_t)write_head("application/json", sizeof(json) - 1, head) + sizeof(json) - 1);
	SAY(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void
send_picture(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	post(peer, "image/png", picture, sizeof(picture));
	peer_hear_end(peer);
}

static void
send_status(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	post(peer, "application/json", json, sizeof(json) - 1);
	peer_hear(peer, 38);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
take_status(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	hear_status(peer);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* The end of our handshake goes with the first payload; where none goes, the server
 * may be left before. */
static void
be_refused(struct peer *peer)
{
	peer_connect(peer);
	peer_try_handshake(peer);
	if (peer->handshake_done)
		peer_hear_end(peer);
}

static void
run_opened(struct flow *flow, const char *rules, void (*camera)(struct peer *),
    void (*server)(struct peer *))
{
	flow_open(flow, &(struct flow_setup){.rules = rules});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	flow_run(flow, camera, server);
}

Test(payload_is_judged, and_footage_never_leaves)
{
	struct flow flow;
	const struct facts *facts;

	run_opened(&flow, FOOTAGE, send_picture, be_refused);
	facts = &flow.closed.facts;
	cr_expect_eq(flow.server.received, 0);
	cr_expect_eq(facts->traffic.left_up, 0);
	cr_expect_gt(facts->traffic.up, sizeof(picture));
	cr_expect_eq(facts->payload.class, PAYLOAD_IMAGE);
	cr_expect_eq(facts->verdict.result, RESULT_BLOCK);
	cr_expect_eq(facts->verdict.stage, VERDICT_PAYLOAD);
	cr_expect_str_eq(facts->verdict.rule, "footage");
	cr_expect_eq(facts->end, END_REFUSED, "%s", facts->end_text);
	cr_expect_eq(facts->inspect, INSPECT_OPENED);
	cr_expect_eq(flow.camera.end, PEER_RESET);
	/* OpenSSL passes over a reset that comes while it hands out tickets. */
	cr_expect(flow.server.end == PEER_RESET || flow.server.end == PEER_TRUNCATED);
	flow_close(&flow);
}

Test(payload_is_judged, and_what_is_no_footage_passes_as_it_is)
{
	struct flow flow;
	const struct facts *facts;

	run_opened(&flow, FOOTAGE, send_status, take_status);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->verdict.result, RESULT_ALLOW, "%s", facts->verdict.why);
	cr_expect_eq(facts->traffic.left_up, facts->traffic.up);
	cr_expect_eq(flow.server.received, facts->traffic.up);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->app.proto, APP_HTTP);
	cr_expect_not(facts->app.host_mismatch);
	flow_close(&flow);
}

Test(payload_is_judged, and_nothing_but_what_is_allowed_leaves)
{
	struct flow flow;

	run_opened(&flow, TELEMETRY, send_picture, be_refused);
	cr_expect_eq(flow.server.received, 0);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "default");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED);
	flow_close(&flow);
	run_opened(&flow, TELEMETRY, send_status, take_status);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s %s", flow.closed.facts.end_text,
	    payload_class_name(flow.closed.facts.payload.class));
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "telemetry");
	flow_close(&flow);
}

static void
send_both(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	post(peer, "application/json", json, sizeof(json) - 1);
	peer_hear(peer, 38);
	post(peer, "image/png", picture, sizeof(picture));
	peer_hear_end(peer);
}

static void
take_first(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	hear_status(peer);
	peer_hear_end(peer);
}

/* Each message waits for its own class. */
Test(payload_is_judged, also_behind_what_has_passed)
{
	struct flow flow;
	const struct facts *facts;

	run_opened(&flow, FOOTAGE, send_both, take_first);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->end, END_REFUSED, "%s", facts->end_text);
	cr_expect_eq(facts->payload.class, PAYLOAD_IMAGE);
	cr_expect_lt(facts->traffic.left_up, facts->traffic.up - sizeof(picture));
	cr_expect_leq(flow.server.received, facts->traffic.left_up);
	flow_close(&flow);
}

/* ---- what takes too long ---- */

static void
say_part(struct peer *peer)
{
	peer_connect(peer);
	SAY(peer, "POST /up HTTP/1.1\r\nHost: a.example\r\n");
	peer_hear_end(peer);
}

static void
hear_part(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 36);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
expect_late(const char *hold, enum end end, uint64_t left)
{
	struct flow flow;
	char rules[500];

	(void)snprintf(rules, sizeof(rules),
	    HEAD "default: allow\nrules:\n- {id: footage, match: {class: video}, then: block, why: "
		 "w, hold: %s}\n",
	    hold);
	flow_open(&flow, &(struct flow_setup){.rules = rules});
	flow_run(&flow, say_part, left > 0 ? hear_part : play_be_left);
	cr_expect_eq(flow.closed.facts.end, end, "%s: %s", hold, flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, left, "%s", hold);
	flow_close(&flow);
}

static void
stand(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

Test(payload_is_judged, and_what_stays_unknown_is_let_go_or_not)
{
	struct flow flow;

	expect_late("{bytes: 4KB, time: 100ms}", END_DONE, 36);
	expect_late("none", END_DONE, 36);
	flow_open(&flow, &(struct flow_setup){
			     .rules = HEAD
			     "default: allow\nrules:\n- {id: footage, match: {class: video}, then: "
			     "block, why: w, hold: {bytes: 4KB, time: 100ms, unknown: block}}\n"});
	flow_run(&flow, say_part, stand);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED, "%s", flow.closed.facts.end_text);
	cr_expect_str_eq(flow.closed.facts.verdict.rule, "footage");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	cr_expect_eq(flow.closed.facts.payload.held, 36);
	cr_expect_eq(flow.server.received, 0);
	flow_close(&flow);
}

static void
pour(struct peer *peer)
{
	peer_connect(peer);
	peer_pour(peer, 400 << 10);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
drink(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
	peer_finish(peer);
}

/* More than is held, and an end behind it: every byte, in order. */
Test(payload_is_judged, and_what_was_held_goes_on_in_order)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rules = FOOTAGE});
	flow_run(&flow, pour, drink);
	cr_expect(peer_has_pattern(&flow.server, 400 << 10));
	cr_expect_eq(flow.closed.facts.traffic.left_up, 400 << 10);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	flow_close(&flow);
}

/* ---- budgets ---- */

#define BUDGET(then)                                                                               \
	HEAD "default: allow\nrules:\n"                                                            \
	     "- {id: much, match: {bytes: {up_over: 100KB, per: 52w, by: device}}, then: " then    \
	     ", why: too much}\n"

static void
pour_in_vain(struct peer *peer)
{
	peer_connect(peer);
	peer_pour(peer, 90 << 10);
	peer_hear_end(peer);
}

/* In one piece, so that it is sent before it is refused. */
static void
pour_too_much(struct peer *peer)
{
	static const uint8_t bytes[20 << 10];

	peer_connect(peer);
	peer_say(peer, bytes, sizeof(bytes));
	peer_hear_end(peer);
}

static void
drink_up(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

static void
drink_some(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 90 << 10);
	peer_reset(peer);
}

Test(payload_is_judged, and_a_budget_ends_it_in_the_middle)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow, &(struct flow_setup){.rules = BUDGET("block")});
	flow_run(&flow, pour_in_vain, drink_some);
	cr_expect_eq(facts->traffic.left_up, 90 << 10);
	cr_expect_eq(facts->verdict.result, RESULT_ALLOW);
	/* The second connection has what is left of it. */
	flow_run(&flow, pour_too_much, drink_up);
	cr_expect_eq(facts->end, END_REFUSED, "%s", facts->end_text);
	cr_expect_str_eq(facts->verdict.rule, "much");
	cr_expect_eq(facts->verdict.stage, VERDICT_PAYLOAD);
	cr_expect_leq(facts->traffic.left_up, 10 << 10);
	cr_expect_leq(flow.server.received, 100 << 10);
	flow_close(&flow);
}

Test(payload_is_judged, and_a_limit_slows_it)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow, &(struct flow_setup){.rules = BUDGET("limit, rate: 1MB/s")});
	flow_run(&flow, pour, drink);
	cr_expect(peer_has_pattern(&flow.server, 400 << 10));
	cr_expect_eq(facts->verdict.result, RESULT_LIMIT);
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_gt(facts->duration_us, 200000, "%llu", (unsigned long long)facts->duration_us);
	flow_close(&flow);
}

static void
drink_and_leave(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 80 << 10);
	peer_reset(peer);
}

/* Nothing more goes before the period is over; that is not idle. */
Test(payload_is_judged, and_a_limit_without_a_rate_stops_it)
{
	struct flow flow;
	const struct facts *facts = &flow.closed.facts;

	flow_open(&flow,
	    &(struct flow_setup){.rules = BUDGET("limit"), .config = "timeout: {idle: 1s}\n"});
	flow_run(&flow, pour_in_vain, drink_and_leave);
	cr_expect_leq(facts->traffic.left_up, 100 << 10);
	flow_close(&flow);
}

static void
pour_and_reset(struct peer *peer)
{
	peer_connect(peer);
	peer_pour(peer, 110 << 10);
	peer_reset(peer);
}

static void
drink_and_wait(struct peer *peer)
{
	peer_connect(peer);
	peer_hear_end(peer);
}

/* It would stand for a year. */
Test(payload_is_judged, and_a_camera_that_leaves_a_limit_is_noticed)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rules = BUDGET("limit")});
	flow_run(&flow, pour_and_reset, drink_and_wait);
	cr_expect_eq(flow.closed.facts.end, END_RESET, "%s", flow.closed.facts.end_text);
	cr_expect_leq(flow.closed.facts.traffic.left_up, 100 << 10);
	flow_close(&flow);
}

static void
pour_and_close(struct peer *peer)
{
	peer_connect(peer);
	peer_pour(peer, 110 << 10);
	peer_finish(peer);
	peer_hear_end(peer);
}

/* One that closes in order waits for an answer; not for the rest of the year. */
Test(payload_is_judged, and_a_camera_that_closes_in_a_limit_does_not_stand_on)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rules = BUDGET("limit"),
			     .config = "timeout: {half_close: 1s}\n"});
	flow_run(&flow, pour_and_close, drink_and_wait);
	cr_expect_eq(flow.closed.facts.end, END_IDLE, "%s", flow.closed.facts.end_text);
	cr_expect_leq(flow.closed.facts.traffic.left_up, 100 << 10);
	flow_close(&flow);
}

static void
ask_elsewhere(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	SAY(peer, "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n");
	peer_hear_end(peer);
}

Test(payload_is_judged, and_a_host_that_is_not_the_name)
{
	struct flow flow;

	run_opened(&flow,
	    HEAD "default: allow\nrules:\n- {id: front, match: {host_mismatch: true}, then: block, "
		 "why: w}\n",
	    ask_elsewhere, be_refused);
	cr_expect(flow.closed.facts.app.host_mismatch);
	cr_expect_eq(flow.closed.facts.end, END_REFUSED, "%s", flow.closed.facts.end_text);
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}
