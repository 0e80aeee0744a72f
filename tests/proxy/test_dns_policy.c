/* SPDX-License-Identifier: MIT */
#include "proxy/dns_policy.h"

#include "inspect/dns.h"
#include "tests/proxy/dns_site.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct dns_site site;
static uint8_t message[DNS_SITE_MESSAGE_MAX];
static struct bytes answer;

static enum dns_fate
ask(uint16_t id, const char *name)
{
	answer = (struct bytes){0};
	return dns_policy_query(site.policy, &site.flow,
	    (struct bytes){message, dns_site_query(id, name, message)}, &answer);
}

static bool
answered(uint16_t id, const char *name, const char *ip)
{
	return dns_policy_answer(site.policy, &site.flow,
	    (struct bytes){message, dns_site_answer(id, name, ip, message)});
}

static struct recorded
next_event(void)
{
	struct recorded event;

	cr_assert(dns_site_event(&site, &event), "no event");
	return event;
}

static void
expect_no_event(void)
{
	struct recorded event;

	cr_expect_not(dns_site_event(&site, &event));
}

static void
close_site(void)
{
	dns_site_close(&site);
}

TestSuite(dns_policy, .fini = close_site);

Test(dns_policy, lets_a_query_pass_and_learns_from_its_answer)
{
	struct recorded event;

	dns_site_open(&site, NULL);
	cr_expect_eq(ask(7, "Cam.Example"), DNS_PASS);
	event = next_event();
	cr_expect_eq(event.head.kind, EVENT_DNS);
	cr_expect_str_eq(event.facts.dns.name, "cam.example");
	cr_expect_eq(event.facts.flow_id, 4711);
	cr_expect_not(event.facts.dns.answered);
	cr_expect(answered(7, "cam.example", "203.0.113.9"));
	event = next_event();
	cr_expect(event.facts.dns.answered);
	cr_expect_str_eq(event.facts.dns.answers, "203.0.113.9");
	cr_expect_str_eq(dns_site_name(&site, "203.0.113.9"), "cam.example");
	cr_expect_not(answered(7, "cam.example", "203.0.113.9"), "it is awaited no more");
	expect_no_event();
}

Test(dns_policy, takes_no_answer_that_nobody_asked_for)
{
	dns_site_open(&site, NULL);
	cr_expect_not(answered(7, "cam.example", "203.0.113.9"));
	cr_expect_eq(ask(7, "cam.example"), DNS_PASS);
	cr_expect_not(answered(8, "cam.example", "203.0.113.9"));
	cr_expect_not(answered(7, "other.example", "203.0.113.9"));
	site.flow.dst.port = 54;
	cr_expect_not(answered(7, "cam.example", "203.0.113.9"), "another server");
	site.flow.dst.port = 53;
	site.flow.camera.port++;
	cr_expect_not(answered(7, "cam.example", "203.0.113.9"), "another port of the camera's");
	site.flow.camera.port--;
	site.flow.transport = TRANSPORT_TCP;
	cr_expect_not(answered(7, "cam.example", "203.0.113.9"), "another way");
	cr_expect_str_eq(dns_site_name(&site, "203.0.113.9"), "");
}

Test(dns_policy, refuses_what_a_rule_blocks_and_says_which)
{
	struct dns_message refusal;
	struct recorded event;

	dns_site_open(&site, NULL);
	cr_expect_eq(ask(9, "x.TRACKER.example"), DNS_ANSWERED);
	cr_assert(dns_read(answer, &refusal));
	cr_expect(refusal.answer);
	cr_expect_eq(refusal.rcode, DNS_REFUSED);
	cr_expect_eq(refusal.asked.id, 9);
	event = next_event();
	cr_expect(event.facts.dns.refused);
	cr_expect_eq(event.facts.verdict.result, RESULT_BLOCK);
	cr_expect_str_eq(event.facts.verdict.rule, "tracker");
	cr_expect_not(answered(9, "x.tracker.example", "203.0.113.9"), "nothing is awaited");
}

Test(dns_policy, takes_for_no_query_what_is_none)
{
	dns_site_open(&site, NULL);
	for (size_t size = 0; size < 12; size++) {
		(void)dns_site_query(1, "cam.example", message);
		cr_expect_eq(dns_policy_query(site.policy, &site.flow,
				 (struct bytes){message, size}, &answer),
		    DNS_UNREAD, "%zu bytes", size);
	}
	cr_expect_eq(dns_policy_query(site.policy, &site.flow,
			 (struct bytes){message,
			     dns_site_answer(1, "cam.example", "203.0.113.9", message)},
			 &answer),
	    DNS_UNREAD, "an answer");
	expect_no_event();
}

Test(dns_policy, of_a_blocked_flow_only_writes_down)
{
	struct recorded event;

	dns_site_open(&site, NULL);
	dns_policy_note(site.policy, &site.flow,
	    (struct bytes){message, dns_site_query(3, "cam.example", message)});
	event = next_event();
	cr_expect_str_eq(event.facts.dns.name, "cam.example");
	cr_expect_not(answered(3, "cam.example", "203.0.113.9"));
}

/* Ask for so many names, and pass over their events. */
static void
ask_many(unsigned count)
{
	struct recorded event;
	char name[40];

	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		cr_assert_eq(ask((uint16_t)i, name), DNS_PASS);
	}
	for (unsigned i = 0; i < DNS_RECORDED_PER_MIN; i++)
		cr_assert(dns_site_event(&site, &event));
	expect_no_event();
}

Test(dns_policy, tells_at_its_end_what_no_later_lookup_told_of)
{
	struct recorded event;

	dns_site_open(&site, NULL);
	ask_many(DNS_RECORDED_PER_MIN + 17);
	dns_policy_turn(site.policy);
	expect_no_event(); /* the minute is not over, and another one may follow */
	dns_site_end_policy(&site);
	event = next_event();
	cr_expect_eq(event.head.kind, EVENT_ANOMALY);
	cr_expect_eq(event.facts.anomaly.kind, ANOMALY_LOOKUPS);
	cr_expect_eq(event.facts.anomaly.packets, 17);
	cr_expect_str_eq(event.facts.device, "lobby-3");
	expect_no_event();
}

/* ---- the configured resolver ---- */

Test(dns_policy, says_whom_it_asks_instead)
{
	struct verdict verdict;
	struct addr other = {0}, resolver, want;

	dns_site_open(&site, "192.0.2.1");
	cr_expect(dns_policy_redirects(site.policy, &site.flow.dst, &verdict));
	cr_expect_eq(verdict.result, RESULT_ALLOW);
	cr_expect_str_eq(verdict.rule, "resolver");
	other = site.flow.dst;
	other.port = 5353;
	cr_expect_not(dns_policy_redirects(site.policy, &other, NULL), "another port");
	cr_expect_not(dns_policy_redirects(NULL, &site.flow.dst, NULL));
	cr_assert(dns_policy_resolver(site.policy, &resolver));
	cr_assert_eq(addr_parse(&want, "192.0.2.1", 53, NULL), 0);
	cr_expect(addr_equal(&resolver, &want));
	/* Over TCP the connection itself goes there. */
	site.flow.transport = TRANSPORT_TCP;
	cr_expect_eq(ask(7, "cam.example"), DNS_PASS);
	cr_expect(next_event().facts.dns.resolver);
	cr_expect(answered(7, "cam.example", "203.0.113.9"));
}

Test(dns_policy, refuses_before_it_asks_the_resolver)
{
	dns_site_open(&site, "192.0.2.1");
	cr_expect_eq(ask(9, "tracker.example"), DNS_ANSWERED);
	cr_expect_not(next_event().facts.dns.resolver, "it went nowhere");
}

Test(dns_policy, asks_nobody_else_where_none_is_configured)
{
	struct addr resolver;

	dns_site_open(&site, NULL);
	cr_expect_not(dns_policy_redirects(site.policy, &site.flow.dst, NULL));
	cr_expect_not(dns_policy_resolver(site.policy, &resolver));
}
