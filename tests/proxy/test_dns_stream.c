/* SPDX-License-Identifier: MIT */
#include "proxy/dns_stream.h"

#include "inspect/dns.h"
#include "proxy/dns_policy.h"
#include "tests/proxy/dns_site.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_MAX = 4096 };

static struct dns_site site;
static struct dns_stream *stream;
static uint8_t sent[2 * PIECE_MAX]; /* what was let through to the server */
static size_t sent_size;
static uint8_t refused[2 * PIECE_MAX];
static size_t refused_size;

static void
open_site(void)
{
	dns_site_open(&site, NULL);
	site.flow.transport = TRANSPORT_TCP;
	stream = dns_stream_new(site.policy, false);
	cr_assert_not_null(stream);
	sent_size = refused_size = 0;
}

static void
close_site(void)
{
	dns_stream_free(stream);
	dns_site_close(&site);
}

TestSuite(dns_stream, .init = open_site, .fini = close_site);

/* Some bytes of the camera's, as from a read with no more room than is promised. */
static bool
up(const uint8_t *bytes, size_t size)
{
	uint8_t *at = malloc(size + DNS_STREAM_ROOM);
	struct bytes refusals;
	bool goes_on;

	cr_assert_not_null(at);
	memcpy(at, bytes, size);
	goes_on = dns_stream_up(stream, &site.flow, at, &size, &refusals);
	if (goes_on) {
		memcpy(sent + sent_size, at, size);
		sent_size += size;
		if (refusals.left > 0)
			memcpy(refused + refused_size, refusals.at, refusals.left);
		refused_size += refusals.left;
	}
	free(at);
	return goes_on;
}

/* A query behind its size. */
static size_t
put_query(uint8_t *out, uint16_t id, const char *name)
{
	size_t size = dns_site_query(id, name, out + 2);

	out[0] = (uint8_t)(size >> 8);
	out[1] = (uint8_t)size;
	return size + 2;
}

static size_t
put_answer(uint8_t *out, uint16_t id, const char *name, const char *ip)
{
	size_t size = dns_site_answer(id, name, ip, out + 2);

	out[0] = (uint8_t)(size >> 8);
	out[1] = (uint8_t)size;
	return size + 2;
}

Test(dns_stream, lets_whole_queries_pass_wherever_they_are_cut)
{
	uint8_t two[PIECE_MAX];
	size_t first = put_query(two, 1, "cam.example");
	size_t size = first + put_query(two + first, 2, "b.example");

	for (size_t cut = 1; cut < size; cut++) {
		sent_size = 0;
		cr_assert(up(two, cut));
		cr_assert_eq(sent_size, cut < first ? 0 : first, "cut at %zu: %zu", cut, sent_size);
		cr_assert(up(two + cut, size - cut));
		cr_assert_eq(sent_size, size);
		cr_assert_eq(memcmp(sent, two, size), 0);
	}
	sent_size = 0;
	for (size_t i = 0; i < size; i++)
		cr_assert(up(two + i, 1));
	cr_expect_eq(memcmp(sent, two, size), 0);
}

Test(dns_stream, nothing_of_a_refused_name_leaves_from_between_others)
{
	uint8_t three[PIECE_MAX], want[PIECE_MAX];
	size_t first = put_query(three, 1, "cam.example");
	size_t second = first + put_query(three + first, 2, "x.tracker.example");
	size_t size = second + put_query(three + second, 3, "b.example");
	struct dns_message refusal;
	size_t want_size;

	memcpy(want, three, first);
	memcpy(want + first, three + second, size - second);
	want_size = first + size - second;
	for (size_t cut = 1; cut < size; cut++) {
		sent_size = refused_size = 0;
		cr_assert(up(three, cut) && up(three + cut, size - cut));
		cr_assert_eq(sent_size, want_size, "cut at %zu: %zu", cut, sent_size);
		cr_assert_eq(memcmp(sent, want, want_size), 0);
		cr_assert_eq(((size_t)refused[0] << 8 | refused[1]) + 2, refused_size);
		cr_assert(dns_read((struct bytes){refused + 2, refused_size - 2}, &refusal));
		cr_assert_eq(refusal.asked.id, 2);
		cr_assert_eq(refusal.rcode, DNS_REFUSED);
	}
}

Test(dns_stream, what_is_no_query_behind_one_ends_it)
{
	static const uint8_t odd[][6] = {{0, 4, 'o', 'd', 'd', 's'}, {0, 0}, {0xff, 0xff}};
	static const size_t sizes[] = {6, 2, 2};
	uint8_t query[PIECE_MAX];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		dns_stream_free(stream);
		stream = dns_stream_new(site.policy, false);
		cr_assert(up(query, put_query(query, 1, "cam.example")));
		cr_expect_not(up(odd[i], sizes[i]), "row %zu", i);
	}
}

Test(dns_stream, another_protocol_passes_as_it_is_where_it_may)
{
	static const uint8_t hello[] = "SSH-2.0-camera\r\n";

	cr_expect_not(dns_stream_may_begin((struct bytes){hello, sizeof(hello) - 1}));
	for (size_t i = 0; i < sizeof(hello) - 1; i++)
		cr_assert(up(hello + i, 1));
	cr_expect_eq(sent_size, sizeof(hello) - 1);
	cr_expect_eq(memcmp(sent, hello, sent_size), 0);
	dns_stream_free(stream);
	stream = dns_stream_new(site.policy, true);
	sent_size = 0;
	cr_expect_not(up(hello, sizeof(hello) - 1), "to the resolver goes nothing but lookups");
	cr_expect_eq(sent_size, 0);
}

Test(dns_stream, may_begin_as_every_prefix_of_a_query)
{
	uint8_t query[PIECE_MAX];
	size_t size = put_query(query, 1, "cam.example");

	for (size_t i = 0; i <= size; i++)
		cr_expect(dns_stream_may_begin((struct bytes){query, i}), "%zu", i);
	size = put_answer(query, 1, "cam.example", "203.0.113.9");
	cr_expect_not(dns_stream_may_begin((struct bytes){query, size}), "an answer");
	query[0] = 0;
	query[1] = DNS_HEADER_BYTES - 1;
	cr_expect_not(dns_stream_may_begin((struct bytes){query, 2}));
}

Test(dns_stream, learns_from_answers_wherever_they_are_cut)
{
	uint8_t bytes[PIECE_MAX];
	char ip[32];

	for (size_t cut = 1; cut < 50; cut++) {
		uint16_t id = (uint16_t)cut;
		size_t size;

		(void)snprintf(ip, sizeof(ip), "203.0.113.%zu", cut);
		cr_assert(up(bytes, put_query(bytes, id, "cam.example")));
		size = put_answer(bytes, id, "cam.example", ip);
		if (cut >= size)
			break;
		dns_stream_down(stream, &site.flow, (struct bytes){bytes, cut});
		cr_assert_str_eq(dns_site_name(&site, ip), "");
		dns_stream_down(stream, &site.flow, (struct bytes){bytes + cut, size - cut});
		cr_assert_str_eq(dns_site_name(&site, ip), "cam.example", "cut at %zu", cut);
	}
}

/* An answer that is too long to be read passes, and nothing is put behind it. */
Test(dns_stream, refuses_nothing_in_the_middle_of_an_answer)
{
	uint8_t bytes[PIECE_MAX];

	cr_assert(up(bytes, put_query(bytes, 1, "cam.example")));
	dns_stream_down(stream, &site.flow,
	    (struct bytes){bytes, put_answer(bytes, 1, "cam.example", "203.0.113.9") - 1});
	cr_expect_not(up(bytes, put_query(bytes, 2, "tracker.example")));
	dns_stream_free(stream);
	stream = dns_stream_new(site.policy, false);
	cr_assert(up(bytes, put_query(bytes, 1, "cam.example")));
	dns_stream_down(stream, &site.flow, (struct bytes){(const uint8_t[]){0xff, 0xff}, 2});
	cr_expect_not(up(bytes, put_query(bytes, 2, "tracker.example")));
}

/* Each byte of two queries changed to each value that differs in one bit: it goes on
 * or ends, and never sends what was not there. */
Test(dns_stream, altered_queries_do_no_harm)
{
	uint8_t good[PIECE_MAX], bad[PIECE_MAX];
	size_t first = put_query(good, 1, "cam.example");
	size_t size = first + put_query(good + first, 2, "x.tracker.example");

	for (size_t i = 0; i < size; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(bad, good, size);
			bad[i] ^= (uint8_t)(1U << bit);
			dns_stream_free(stream);
			stream = dns_stream_new(site.policy, false);
			sent_size = refused_size = 0;
			(void)up(bad, size);
			cr_assert_leq(sent_size, size);
		}
	}
}
