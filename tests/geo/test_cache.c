/* SPDX-License-Identifier: MIT */
#include "geo/cache.h"

#include "base/err.h"
#include "base/memfd.h"
#include "geo/geo.h"
#include "tests/support/mmdb_maker.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct geo *
open_geo(const char *country)
{
	char line[40];
	const char *const lines[] = {line, "20.0.0.0/9 country_code=FR"};
	struct mmdb_bytes file;
	struct geo_files files = {.country_count = 1, .asn = {.fd = -1}};
	struct geo *geo;

	(void)snprintf(line, sizeof(line), "20.0.0.0/8 country_code=%s", country);
	file = mmdb_make(NULL, lines, 2);
	files.country[0].name = "test";
	files.country[0].fd = memfd_seal("test", file.at, file.size, NULL);
	free(file.at);
	geo = geo_open(&files, NULL, NULL, NULL);
	(void)close(files.country[0].fd);
	cr_assert_not_null(geo);
	return geo;
}

static struct addr
addr_of(uint32_t v4)
{
	return (struct addr){.ip = {[10] = 0xff,
				 0xff,
				 (uint8_t)(v4 >> 24),
				 (uint8_t)(v4 >> 16),
				 (uint8_t)(v4 >> 8),
				 (uint8_t)v4},
	    .port = (uint16_t)v4};
}

static void
expect_same(const struct place *kept, const struct place *asked)
{
	cr_assert_eq(kept->located.count, asked->located.count);
	cr_assert_str_eq(kept->located.iso[0], asked->located.iso[0]);
	cr_assert_str_eq(kept->located_basis, asked->located_basis);
	cr_assert_eq(kept->prefix_bits, asked->prefix_bits);
	cr_assert_eq(kept->asn, asked->asn);
}

Test(cache, answers_as_geo_does)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct geo *geo = open_geo("DE");

	for (uint32_t i = 0; i < 15000; i++) {
		struct addr addr = addr_of(0x13fff000 + i % 5000 * 7919);
		struct place place;

		geo_locate(geo, &addr, &place);
		expect_same(geo_cache_locate(cache, geo, &addr), &place);
	}
	geo_close(geo);
	geo_cache_close(cache);
}

Test(cache, keeps_what_was_asked_for)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct geo *geo = open_geo("DE");
	struct addr addr = addr_of(0x14ffffff), other_port = addr;
	const struct place *place = geo_cache_locate(cache, geo, &addr);

	cr_expect_str_eq(place->located.iso[0], "DE");
	other_port.port = 1;
	cr_expect_eq(geo_cache_locate(cache, geo, &other_port), place, "the port does not matter");
	cr_expect_eq(geo_cache_counts(cache).hits, 1);
	cr_expect_eq(geo_cache_counts(cache).misses, 1);
	geo_close(geo);
	geo_cache_close(cache);
}

Test(cache, a_few_hundred_servers_stay)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct geo *geo = open_geo("DE");
	enum { SERVERS = 200, ROUNDS = 50 };

	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < SERVERS; i++) {
			struct addr addr = addr_of(0x14000000 + i * 65537);

			(void)geo_cache_locate(cache, geo, &addr);
		}
	}
	/* A set that five of them share misses now and then; most do not. */
	cr_expect_gt(geo_cache_counts(cache).hits, (uint64_t)SERVERS * (ROUNDS - 1) * 9 / 10);
	geo_close(geo);
	geo_cache_close(cache);
}

Test(cache, what_is_asked_for_often_outlives_a_scan)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct geo *geo = open_geo("DE");
	struct addr often = addr_of(0x14010203);
	struct geo_cache_counts before;

	(void)geo_cache_locate(cache, geo, &often);
	for (uint32_t i = 0; i < 20000; i++) {
		struct addr addr = addr_of(0x15000000 + i);

		(void)geo_cache_locate(cache, geo, &addr);
		(void)geo_cache_locate(cache, geo, &often);
	}
	before = geo_cache_counts(cache);
	cr_expect_geq(before.hits, 20000);
	geo_close(geo);
	geo_cache_close(cache);
}

Test(cache, another_geo_answers_anew)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct geo *geo = open_geo("DE");
	struct addr addr = addr_of(0x14ffffff);

	cr_expect_str_eq(geo_cache_locate(cache, geo, &addr)->located.iso[0], "DE");
	geo_close(geo);
	geo = open_geo("NL");
	cr_expect_str_eq(geo_cache_locate(cache, geo, &addr)->located.iso[0], "NL");
	geo_close(geo);
	geo_cache_close(cache);
	geo_cache_close(NULL);
}
