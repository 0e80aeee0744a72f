/* SPDX-License-Identifier: MIT */
#include "proxy/dns_cameras.h"

#include "proxy/dns_policy.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct addr
addr_of(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0);
	return addr;
}

static struct addr
camera_of(unsigned number)
{
	char text[ADDR_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "10.%u.%u.%u:40000", number >> 16, number >> 8 & 255,
	    number & 255);
	return addr_of(text);
}

static struct dns_cameras *
open_cameras(void)
{
	struct dns_cameras *cameras = dns_cameras_new(NULL);

	cr_assert_not_null(cameras);
	return cameras;
}

/* ---- names ---- */

static void
learn(struct dns_cameras *cameras, unsigned camera, const char *ip, const char *name,
    uint32_t ttl_s, uint64_t now_ms)
{
	struct addr addr = addr_of(ip), from = camera_of(camera);

	dns_cameras_learn(cameras, &from, addr.ip, name, ttl_s, now_ms);
}

static const char *
name_of(struct dns_cameras *cameras, unsigned camera, const char *ip, uint64_t now_ms)
{
	struct addr addr = addr_of(ip), from = camera_of(camera);

	return dns_cameras_name(cameras, &from, &addr, now_ms);
}

Test(dns_cameras, name_is_of_the_camera_that_asked)
{
	struct dns_cameras *cameras = open_cameras();

	learn(cameras, 1, "3.120.0.10", "a.example", 60, 0);
	learn(cameras, 1, "2001:db8::1", "b.example", 60, 0);
	cr_expect_str_eq(name_of(cameras, 1, "3.120.0.10:443", 1), "a.example");
	cr_expect_str_eq(name_of(cameras, 1, "[2001:db8::1]:443", 1), "b.example");
	cr_expect_str_eq(name_of(cameras, 1, "3.120.0.11", 1), "");
	cr_expect_str_eq(name_of(cameras, 2, "3.120.0.10", 1), "");
	learn(cameras, 1, "3.120.0.10", "c.example", 60, 2);
	cr_expect_str_eq(name_of(cameras, 1, "3.120.0.10", 3), "c.example");
	cr_expect_eq(dns_cameras_counts(cameras).names, 2);
	dns_cameras_free(cameras);
}

Test(dns_cameras, name_holds_as_long_as_it_may)
{
	static const struct {
		uint32_t ttl_s;
		uint64_t holds_s;
	} rows[] = {{0, DNS_NAME_MIN_S}, {60, DNS_NAME_MIN_S}, {3600, 3600},
	    {UINT32_MAX, DNS_NAME_MAX_S}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_cameras *cameras = open_cameras();

		learn(cameras, 1, "3.120.0.10", "a.example", rows[i].ttl_s, 5000);
		cr_expect_str_eq(name_of(cameras, 1, "3.120.0.10", 4999 + 1000 * rows[i].holds_s),
		    "a.example");
		cr_expect_str_eq(name_of(cameras, 1, "3.120.0.10", 5000 + 1000 * rows[i].holds_s),
		    "");
		cr_expect_eq(dns_cameras_counts(cameras).names, 0);
		dns_cameras_free(cameras);
	}
}

Test(dns_cameras, names_of_one_camera_push_out_its_own)
{
	struct dns_cameras *cameras = open_cameras();
	char ip[32];

	learn(cameras, 2, "3.120.0.10", "other.example", 60, 0);
	for (unsigned i = 0; i < 2 * DNS_NAMES_PER_CAMERA; i++) {
		(void)snprintf(ip, sizeof(ip), "9.9.%u.%u", i >> 8, i & 255);
		learn(cameras, 1, ip, "flood.example", 60, i);
	}
	cr_expect_eq(dns_cameras_counts(cameras).names, DNS_NAMES_PER_CAMERA + 1);
	cr_expect_str_eq(name_of(cameras, 2, "3.120.0.10", 1), "other.example");
	cr_expect_str_eq(name_of(cameras, 1, "9.9.0.0", 1), "");
	cr_expect_str_eq(name_of(cameras, 1, ip, 1), "flood.example");
	dns_cameras_free(cameras);
}

Test(dns_cameras, all_have_a_bound_together)
{
	struct dns_cameras *cameras = open_cameras();

	for (unsigned i = 0; i < DNS_CAMERAS_MAX + 100; i++)
		learn(cameras, i, "3.120.0.10", "a.example", 60, i);
	cr_expect_eq(dns_cameras_counts(cameras).cameras, DNS_CAMERAS_MAX);
	cr_expect_str_eq(name_of(cameras, 99, "3.120.0.10", 1), "");
	cr_expect_str_eq(name_of(cameras, 100, "3.120.0.10", 1), "a.example");
	for (unsigned i = 0; i <= DNS_NAMES_MAX / DNS_NAMES_PER_CAMERA; i++) {
		for (unsigned j = 0; j < DNS_NAMES_PER_CAMERA; j++) {
			char ip[32];

			(void)snprintf(ip, sizeof(ip), "9.9.%u.%u", i, j);
			learn(cameras, 100000 + i, ip, "a.example", 60, i);
		}
	}
	cr_expect_leq(dns_cameras_counts(cameras).names, DNS_NAMES_MAX);
	dns_cameras_free(cameras);
}

/* ---- queries ---- */

static struct dns_way
way_of(unsigned camera, const char *dst, enum transport transport)
{
	return (struct dns_way){.camera = camera_of(camera),
	    .dst = addr_of(dst),
	    .transport = transport,
	    .flow_id = camera};
}

static struct dns_question
question_of(uint16_t id, const char *name)
{
	struct dns_question question = {.id = id, .type = DNS_A, .class = 1};

	(void)snprintf(question.name, sizeof(question.name), "%s", name);
	return question;
}

static struct dns_message
answer_to(uint16_t id, const char *name)
{
	return (struct dns_message){.asked = question_of(id, name), .answer = true};
}

Test(dns_cameras, answer_fits_what_was_asked_and_whom)
{
	static const struct {
		const char *dst, *name;
		uint16_t id;
		enum transport transport;
		uint64_t now_ms;
		bool fits;
	} rows[] = {
	    {"9.9.9.9:53", "a.example", 7, TRANSPORT_UDP, 1, true},
	    {"9.9.9.9:53", "a.example", 7, TRANSPORT_UDP, DNS_AWAITED_MS, true},
	    {"9.9.9.9:53", "a.example", 7, TRANSPORT_UDP, DNS_AWAITED_MS + 1, false},
	    {"9.9.9.9:54", "a.example", 7, TRANSPORT_UDP, 1, false},
	    {"9.9.9.8:53", "a.example", 7, TRANSPORT_UDP, 1, false},
	    {"9.9.9.9:53", "b.example", 7, TRANSPORT_UDP, 1, false},
	    {"9.9.9.9:53", "a.example", 8, TRANSPORT_UDP, 1, false},
	    {"9.9.9.9:53", "a.example", 7, TRANSPORT_TCP, 1, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_cameras *cameras = open_cameras();
		struct dns_way way = way_of(1, "9.9.9.9:53", TRANSPORT_UDP);
		struct dns_question asked = question_of(7, "a.example");
		struct dns_message answer = answer_to(rows[i].id, rows[i].name);
		bool again;

		cr_assert_not_null(dns_cameras_await(cameras, &way, &asked, 0, &again));
		cr_expect_not(again);
		way = way_of(1, rows[i].dst, rows[i].transport);
		cr_expect_eq(dns_cameras_answered(cameras, &way, &answer, rows[i].now_ms) != NULL,
		    rows[i].fits, "row %zu", i);
		answer.answer = false;
		cr_expect_null(dns_cameras_answered(cameras, &way, &answer, rows[i].now_ms));
		way = way_of(2, "9.9.9.9:53", TRANSPORT_UDP);
		answer.answer = true;
		cr_expect_null(dns_cameras_answered(cameras, &way, &answer, 1));
		dns_cameras_free(cameras);
	}
}

Test(dns_cameras, question_asked_again_is_the_same_and_answered_once)
{
	struct dns_cameras *cameras = open_cameras();
	struct dns_way way = way_of(1, "9.9.9.9:53", TRANSPORT_UDP);
	struct dns_question asked = question_of(7, "a.example");
	struct dns_message answer = answer_to(7, "a.example");
	struct dns_awaited *first, *awaited;
	bool again;

	first = dns_cameras_await(cameras, &way, &asked, 0, &again);
	awaited = dns_cameras_await(cameras, &way, &asked, 9000, &again);
	cr_expect(again);
	cr_expect_eq(awaited, first);
	cr_expect_eq(dns_cameras_answered(cameras, &way, &answer, 18000), first);
	dns_cameras_drop(cameras, first);
	cr_expect_null(dns_cameras_answered(cameras, &way, &answer, 18000));
	cr_expect_eq(dns_cameras_counts(cameras).awaited, 0);
	dns_cameras_free(cameras);
}

Test(dns_cameras, what_went_to_the_resolver_is_answered_from_there_alone)
{
	struct dns_cameras *cameras = open_cameras();
	struct dns_way way = way_of(1, "9.9.9.9:53", TRANSPORT_UDP);
	struct dns_question asked = question_of(7, "a.example");
	struct dns_message own = answer_to(7, "a.example"), theirs = answer_to(99, "a.example");
	struct dns_message other = answer_to(99, "b.example");
	struct dns_awaited *awaited;
	bool again;

	awaited = dns_cameras_await(cameras, &way, &asked, 0, &again);
	dns_cameras_sent(cameras, awaited, 98);
	dns_cameras_sent(cameras, awaited, 99);
	cr_expect_null(dns_cameras_answered(cameras, &way, &own, 1));
	cr_expect_null(dns_cameras_resolved(cameras, &own, 1));
	cr_expect_null(dns_cameras_resolved(cameras, &other, 1));
	cr_expect_null(dns_cameras_resolved(cameras, &theirs, DNS_AWAITED_MS + 1));
	cr_expect_eq(dns_cameras_resolved(cameras, &theirs, 1), awaited);
	dns_cameras_drop(cameras, awaited);
	cr_expect_null(dns_cameras_resolved(cameras, &theirs, 1));
	dns_cameras_free(cameras);
}

Test(dns_cameras, questions_of_one_camera_push_out_its_own)
{
	struct dns_cameras *cameras = open_cameras();
	struct dns_way flood = way_of(1, "9.9.9.9:53", TRANSPORT_UDP);
	struct dns_way other = way_of(2, "9.9.9.9:53", TRANSPORT_UDP);
	struct dns_question asked = question_of(7, "a.example");
	struct dns_message answer = answer_to(7, "a.example");
	bool again;

	cr_assert_not_null(dns_cameras_await(cameras, &other, &asked, 0, &again));
	for (unsigned i = 0; i < 1000; i++) {
		asked = question_of((uint16_t)i, "flood.example");
		cr_assert_not_null(dns_cameras_await(cameras, &flood, &asked, 0, &again));
	}
	cr_expect_eq(dns_cameras_counts(cameras).awaited, DNS_AWAITED_PER_CAMERA + 1);
	cr_expect_not_null(dns_cameras_answered(cameras, &other, &answer, 1));
	dns_cameras_free(cameras);
}

Test(dns_cameras, questions_of_all_have_a_bound)
{
	struct dns_cameras *cameras = open_cameras();
	struct dns_question asked = question_of(7, "a.example");
	struct dns_message answer = answer_to(7, "a.example");
	struct dns_way way;
	bool again;

	for (unsigned i = 0; i < DNS_CAMERAS_MAX; i++) {
		way = way_of(i, "9.9.9.9:53", TRANSPORT_UDP);
		cr_assert_not_null(dns_cameras_await(cameras, &way, &asked, 0, &again));
	}
	cr_expect_eq(dns_cameras_counts(cameras).awaited, DNS_AWAITED_MAX);
	asked.type = DNS_AAAA;
	cr_assert_not_null(dns_cameras_await(cameras, &way, &asked, 0, &again));
	cr_expect_eq(dns_cameras_counts(cameras).awaited, DNS_AWAITED_MAX);
	cr_expect_not_null(dns_cameras_answered(cameras, &way, &answer, 1));
	way = way_of(0, "9.9.9.9:53", TRANSPORT_UDP);
	cr_expect_null(dns_cameras_answered(cameras, &way, &answer, 1));
	dns_cameras_free(cameras);
}

/* ---- the record ---- */

Test(dns_cameras, lookups_are_recorded_at_a_bounded_rate)
{
	struct dns_cameras *cameras = open_cameras();
	struct addr camera = camera_of(1), other = camera_of(2);
	uint32_t left_out;

	for (unsigned i = 0; i < DNS_RECORDED_PER_MIN; i++)
		cr_assert(dns_cameras_record(cameras, &camera, 1000, &left_out) && left_out == 0);
	for (unsigned i = 0; i < 50; i++)
		cr_assert_not(dns_cameras_record(cameras, &camera, 60999, &left_out));
	cr_expect(dns_cameras_record(cameras, &other, 60999, &left_out));
	cr_expect(dns_cameras_record(cameras, &camera, 61000, &left_out));
	cr_expect_eq(left_out, 50);
	cr_expect(dns_cameras_record(cameras, &camera, 61000, &left_out));
	cr_expect_eq(left_out, 0);
	dns_cameras_free(cameras);
}

struct told {
	unsigned calls, nobody;
	uint32_t count; /* of the last one */
	bool takes;
};

static bool
tell(void *arg, const struct addr *camera, uint32_t count)
{
	struct told *told = arg;

	told->calls++;
	told->nobody += camera == NULL;
	told->count = count;
	return told->takes;
}

Test(dns_cameras, what_was_left_out_is_told_once_when_its_minute_is_over)
{
	struct dns_cameras *cameras = open_cameras();
	struct addr camera = camera_of(1);
	struct told told = {.takes = false};
	uint32_t left_out;

	for (unsigned i = 0; i < DNS_RECORDED_PER_MIN + 50; i++)
		(void)dns_cameras_record(cameras, &camera, 1000, &left_out);
	dns_cameras_tell_left_out(cameras, 60999, tell, &told);
	cr_expect_eq(told.calls, 0);
	dns_cameras_tell_left_out(cameras, 61000, tell, &told);
	cr_expect_eq(told.calls, 1);
	cr_expect_eq(told.count, 50, "and was not taken");
	told.takes = true;
	dns_cameras_tell_left_out(cameras, 61000, tell, &told);
	dns_cameras_tell_left_out(cameras, 61000, tell, &told);
	cr_expect_eq(told.calls, 2);
	cr_expect(dns_cameras_record(cameras, &camera, 61000, &left_out));
	cr_expect_eq(left_out, 0);
	dns_cameras_free(cameras);
}

Test(dns_cameras, what_was_left_out_of_those_that_made_way_is_told_together)
{
	struct dns_cameras *cameras = open_cameras();
	struct told told = {.takes = true};
	uint32_t left_out;

	for (unsigned camera = 0; camera < 2; camera++) {
		struct addr addr = camera_of(camera);

		for (unsigned i = 0; i < DNS_RECORDED_PER_MIN + 5; i++)
			(void)dns_cameras_record(cameras, &addr, 1000, &left_out);
	}
	for (unsigned camera = 10; camera < 10 + DNS_CAMERAS_MAX; camera++) {
		struct addr addr = camera_of(camera);

		(void)dns_cameras_record(cameras, &addr, 1000, &left_out);
	}
	dns_cameras_tell_left_out(cameras, 1000, tell, &told);
	cr_expect_eq(told.calls, 1);
	cr_expect_eq(told.nobody, 1);
	cr_expect_eq(told.count, 10);
	dns_cameras_tell_left_out(cameras, UINT64_MAX, tell, &told);
	cr_expect_eq(told.calls, 1);
	dns_cameras_free(cameras);
}
