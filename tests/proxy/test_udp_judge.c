/* SPDX-License-Identifier: MIT */
#include "proxy/udp_judge.h"

#include "base/text.h"
#include "config/config.h"
#include "geo/cache.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "tests/proxy/dns_site.h"

#include <criterion/criterion.h>
#include <string.h>

/* Rules that allow all but the name tracker.example. */
static struct dns_site site;

static void
begin(void)
{
	dns_site_open(&site, NULL);
	site.worker->dns = site.policy;
	site.worker->snapshot->places = geo_cache_open(NULL);
	cr_assert_not_null(site.worker->snapshot->places);
}

static void
end(void)
{
	geo_cache_close(site.worker->snapshot->places);
	dns_site_close(&site);
}

TestSuite(udp_judge, .init = begin, .fini = end);

struct row {
	const char *dst;
	enum app_proto proto;
	enum hello_kind hello;
	const char *name;
	enum quic_use quic;
	enum inspect inspect;
	const char *rule; /* that blocks; NULL: it is allowed */
	enum how how;
};

static const struct row rows[] = {
    {"8.8.8.8:9999", APP_UNKNOWN, HELLO_NONE, "", QUIC_REFUSE, INSPECT_UNDECODABLE, NULL, 0},
    {"8.8.8.8:9999", APP_RTP, HELLO_NONE, "", QUIC_REFUSE, INSPECT_PLAIN, NULL, 0},
    {"8.8.8.8:123", APP_NTP, HELLO_NONE, "", QUIC_REFUSE, INSPECT_PLAIN, NULL, 0},
    {"8.8.8.8:53", APP_DNS, HELLO_NONE, "", QUIC_REFUSE, INSPECT_PLAIN, NULL, 0},
    {"8.8.8.8:443", APP_DTLS, HELLO_TLS, "a.example", QUIC_REFUSE, INSPECT_PASSTHROUGH, NULL, 0},
    {"8.8.8.8:443", APP_DTLS, HELLO_TLS, "tracker.example", QUIC_REFUSE, INSPECT_REFUSED, "tracker",
	HOW_RESET},
    {"8.8.8.8:443", APP_DTLS, HELLO_NONE, "", QUIC_REFUSE, INSPECT_UNDECODABLE, "undecodable",
	HOW_RESET},
    {"8.8.8.8:443", APP_DTLS, HELLO_BROKEN, "", QUIC_REFUSE, INSPECT_UNDECODABLE, "undecodable",
	HOW_RESET},
    {"8.8.8.8:443", APP_QUIC, HELLO_TLS, "a.example", QUIC_REFUSE, INSPECT_REFUSED, "quic",
	HOW_REFUSE},
    {"8.8.8.8:443", APP_QUIC, HELLO_TLS, "a.example", QUIC_BLOCK, INSPECT_REFUSED, "quic",
	HOW_DROP},
    {"8.8.8.8:443", APP_QUIC, HELLO_TLS, "a.example", QUIC_ALLOW, INSPECT_PASSTHROUGH, NULL, 0},
    {"8.8.8.8:443", APP_QUIC, HELLO_TLS, "tracker.example", QUIC_ALLOW, INSPECT_REFUSED, "tracker",
	HOW_RESET},
    {"8.8.8.8:443", APP_QUIC, HELLO_NONE, "", QUIC_ALLOW, INSPECT_UNDECODABLE, "undecodable",
	HOW_RESET},
    {"127.0.0.1:9", APP_UNKNOWN, HELLO_NONE, "", QUIC_REFUSE, INSPECT_REFUSED, "loopback",
	HOW_RESET},
    {"224.0.0.1:9", APP_RTP, HELLO_NONE, "", QUIC_REFUSE, INSPECT_REFUSED, "multicast", HOW_RESET},
    {"10.0.0.9:9", APP_RTP, HELLO_NONE, "", QUIC_REFUSE, INSPECT_REFUSED, "private", HOW_RESET},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct facts
facts_of(const struct row *row)
{
	struct facts facts;

	memset(&facts, 0, sizeof(facts));
	facts.camera = site.flow.camera;
	facts.opened_wall_us = 1;
	facts.app.proto = row->proto;
	facts.hello.kind = row->hello;
	text_copy(facts.hello.sni, sizeof(facts.hello.sni), row->name);
	cr_assert_eq(addr_parse(&facts.dst, row->dst, 0, NULL), 0);
	return facts;
}

Test(udp_judge, each_kind_is_judged_by_what_it_showed)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		struct facts facts = facts_of(row);

		site.worker->snapshot->config->quic = row->quic;
		udp_judge(site.worker, &facts);
		cr_expect_eq(facts.verdict.result, row->rule != NULL ? RESULT_BLOCK : RESULT_ALLOW,
		    "row %zu", i);
		cr_expect_eq(facts.inspect, row->inspect, "row %zu", i);
		cr_expect_eq(facts.transport, TRANSPORT_UDP);
		if (row->rule == NULL)
			continue;
		cr_expect_str_eq(facts.verdict.rule, row->rule, "row %zu", i);
		cr_expect_eq(facts.verdict.how, row->how, "row %zu", i);
		cr_expect_neq(facts.verdict.why[0], '\0', "row %zu", i);
	}
}

Test(udp_judge, what_was_let_through_is_judged_by_the_rules_of_now)
{
	const struct row quic = {"8.8.8.8:443", APP_QUIC, HELLO_TLS, "a.example", QUIC_ALLOW,
	    INSPECT_PASSTHROUGH, NULL, 0};
	struct config *config = site.worker->snapshot->config;
	struct facts facts = facts_of(&quic);

	config->quic = QUIC_ALLOW;
	udp_judge(site.worker, &facts);
	cr_expect_not(udp_judge_again(site.worker, &facts));
	config->quic = QUIC_BLOCK;
	cr_expect(udp_judge_again(site.worker, &facts));
	cr_expect_str_eq(facts.verdict.rule, "quic");
	facts = facts_of(&rows[5]);
	cr_expect(udp_judge_again(site.worker, &facts));
	cr_expect_str_eq(facts.verdict.rule, "tracker");
}

Test(udp_judge, the_box_answers_what_asks_for_the_time_wherever_it_asks)
{
	const struct row ntp = {"127.0.0.1:123", APP_NTP, HELLO_NONE, "", QUIC_REFUSE,
	    INSPECT_PLAIN, NULL, 0};
	struct config *config = site.worker->snapshot->config;
	struct facts facts = facts_of(&ntp);

	cr_expect_not(udp_judge_answers_time(site.worker, &facts));
	config->ntp = NTP_ANSWER;
	cr_expect(udp_judge_answers_time(site.worker, &facts));
	udp_judge(site.worker, &facts);
	cr_expect_eq(facts.verdict.result, RESULT_ALLOW);
	cr_expect_str_eq(facts.verdict.rule, "ntp");
	cr_expect_not(udp_judge_again(site.worker, &facts));
	facts.app.proto = APP_RTP;
	cr_expect_not(udp_judge_answers_time(site.worker, &facts));
	cr_expect(udp_judge_again(site.worker, &facts), "nothing else goes there");
}
