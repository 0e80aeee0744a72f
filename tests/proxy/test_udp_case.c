/* SPDX-License-Identifier: MIT */
#include "proxy/udp_case.h"

#include "base/text.h"

#include <criterion/criterion.h>
#include <string.h>

static struct facts
facts(uint64_t number)
{
	struct facts made = {.flow_id = number,
	    .opened_wall_us = 1000 + number,
	    .transport = TRANSPORT_UDP,
	    .inspect = INSPECT_UNDECODABLE,
	    .camera = {.ip = {[10] = 0xff, [11] = 0xff, 192, 168, 77, 10},
		.port = (uint16_t)number},
	    .dst = {.ip = {[10] = 0xff, [11] = 0xff, 3, 120, 0, 10}, .port = 5000},
	    .app = {.proto = APP_UNKNOWN, .first_size = 8},
	    .traffic = {.up = number, .packets_up = 1}};

	memset(made.app.first, (int)number, sizeof(made.app.first));
	countries_add(&made.place.located, "DE");
	text_copy(made.device, sizeof(made.device), "lobby-3");
	text_copy(made.hello.sni, sizeof(made.hello.sni), "cloud.cameras.example");
	text_copy(made.verdict.why, sizeof(made.verdict.why), "Located in Germany");
	made.verdict.result = RESULT_ALLOW;
	return made;
}

static struct udp_cases *
open_cases(void)
{
	struct udp_cases *cases = udp_cases_new(NULL);

	cr_assert_not_null(cases);
	return cases;
}

Test(udp_case, flows_that_differ_in_what_is_their_own_are_one)
{
	struct udp_cases *cases = open_cases();
	struct facts one = facts(1), other = facts(40000), read;
	struct udp_case *first = udp_case_take(cases, &one), *second = udp_case_take(cases, &other);

	cr_assert_not_null(first);
	cr_expect_eq(first, second);
	cr_expect_eq(udp_cases_count(cases), 1);
	udp_case_read(second, &read);
	cr_expect_str_eq(read.device, "lobby-3");
	cr_expect_str_eq(read.hello.sni, "cloud.cameras.example");
	cr_expect_str_eq(read.verdict.why, "Located in Germany");
	cr_expect(countries_has(&read.place.located, "DE"));
	cr_expect_eq(read.transport, TRANSPORT_UDP);
	cr_expect_eq(read.inspect, INSPECT_UNDECODABLE);
	cr_expect_eq(read.app.proto, APP_UNKNOWN);
	cr_expect_eq(read.dst.port, 5000);
	cr_expect_eq(read.flow_id, 0);
	cr_expect_eq(read.camera.port, 0);
	cr_expect_eq(read.traffic.up, 0);
	cr_expect_eq(read.app.first_size, 0);
	udp_case_give(cases, first);
	cr_expect_eq(udp_cases_count(cases), 1, "the other holds it");
	udp_case_give(cases, second);
	cr_expect_eq(udp_cases_count(cases), 0);
	udp_cases_free(cases);
}

Test(udp_case, what_differs_otherwise_is_another)
{
	struct udp_cases *cases = open_cases();
	struct facts base = facts(1), changed[5];
	struct udp_case *taken[5], *first = udp_case_take(cases, &base);

	for (size_t i = 0; i < 5; i++)
		changed[i] = base;
	changed[0].dst.port++;
	changed[1].camera.ip[15]++;
	changed[2].hello.sni[0] = 'x';
	changed[3].verdict.result = RESULT_BLOCK;
	changed[4].verdict.detail = DETAIL_META;
	for (size_t i = 0; i < 5; i++) {
		taken[i] = udp_case_take(cases, &changed[i]);
		cr_assert_not_null(taken[i]);
		cr_expect_neq(taken[i], first, "change %zu", i);
	}
	cr_expect_eq(udp_cases_count(cases), 6);
	cr_expect_not(udp_case_is_blocked(first));
	cr_expect(udp_case_is_blocked(taken[3]));
	for (size_t i = 0; i < 5; i++)
		udp_case_give(cases, taken[i]);
	udp_case_give(cases, first);
	udp_cases_free(cases);
}

/* A rule may leave names out of the record; a later judgement needs them. */
Test(udp_case, keeps_what_the_record_leaves_out)
{
	struct udp_cases *cases = open_cases();
	struct facts made = facts(1), read;
	struct udp_case *one;

	made.verdict.detail = DETAIL_META;
	one = udp_case_take(cases, &made);
	cr_assert_not_null(one);
	udp_case_read(one, &read);
	cr_expect_str_eq(read.hello.sni, "cloud.cameras.example");
	cr_expect_eq(read.verdict.detail, DETAIL_META);
	udp_case_give(cases, one);
	udp_cases_free(cases);
}

Test(udp_case, are_bounded)
{
	enum { MANY = 200000 };
	static struct udp_case *taken[MANY];
	struct udp_cases *cases = open_cases();
	struct facts made = facts(1);
	size_t count = 0;

	do {
		made.dst.port = (uint16_t)count;
		made.dst.ip[13] = (uint8_t)(count >> 16);
		taken[count] = udp_case_take(cases, &made);
	} while (taken[count] != NULL && ++count < MANY);
	cr_expect_gt(count, 10000);
	cr_expect_lt(count, MANY);
	while (count > 0)
		udp_case_give(cases, taken[--count]);
	udp_cases_free(cases);
}
