/* SPDX-License-Identifier: MIT */
#include "geo/database.h"

#include "base/err.h"
#include "base/memfd.h"
#include "tests/support/mmdb_maker.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const flat[] = {
    "192.0.2.0/24 country_code=DE",
    "198.51.0.0/16 country_code=US",
    "198.51.100.0/24 country_code=NL",
    "2001:db8::/32 country_code=SG",
};
static const char *const maxmind[] = {
    "192.0.2.0/24 country.iso_code=DE registered_country.iso_code=SG",
    "198.51.100.0/24 country.iso_code=US",
    "203.0.113.0/24 registered_country.iso_code=FR",
    "2001:db8::/32 country.iso_code=NL registered_country.iso_code=NL",
};
static const char *const networks[] = {
    "192.0.2.0/24 autonomous_system_number=45102 autonomous_system_organization=\"Ali, Inc.\"",
    "2001:db8::/32 autonomous_system_number=4294967295",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static struct database *
open_bytes(const void *bytes, size_t size, const char *name, enum database_kind kind,
    struct err *err)
{
	struct database *database;
	int fd = memfd_seal("test", bytes, size, err);

	cr_assert_geq(fd, 0);
	database = database_open(fd, name, kind, err);
	(void)close(fd);
	return database;
}

static struct database *
open_lines(const struct mmdb_meta *meta, const char *const *lines, size_t count, const char *name,
    enum database_kind kind)
{
	struct mmdb_bytes file = mmdb_make(meta, lines, count);
	struct err err = {0};
	struct database *database = open_bytes(file.at, file.size, name, kind, &err);

	free(file.at);
	cr_assert_not_null(database, "%s", err.text);
	return database;
}

static struct database_answer
ask(const struct database *database, const char *address)
{
	struct database_answer answer;
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, address, 0, NULL), 0);
	database_ask(database, &addr, &answer);
	return answer;
}

struct meta_row {
	unsigned ip_version, record_bits;
};

ParameterizedTestParameters(database, answers_in_every_format)
{
	static struct meta_row rows[] = {{4, 24}, {4, 28}, {4, 32}, {6, 24}, {6, 28}, {6, 32}};

	return cr_make_param_array(struct meta_row, rows, COUNT(rows));
}

ParameterizedTest(struct meta_row *row, database, answers_in_every_format)
{
	struct mmdb_meta meta = {.ip_version = row->ip_version, .record_bits = row->record_bits};
	struct database *database =
	    open_lines(&meta, flat, row->ip_version == 4 ? 3 : 4, "a.mmdb", DATABASE_COUNTRY);
	struct database_answer answer = ask(database, "192.0.2.77");

	cr_expect(answer.found);
	cr_expect_str_eq(answer.country[DATABASE_LOCATED], "DE");
	cr_expect_str_eq(answer.country[DATABASE_REGISTERED], "");
	cr_expect_eq(answer.bits, 120);
	cr_expect_str_eq(ask(database, "198.51.100.1").country[DATABASE_LOCATED], "NL");
	cr_expect_eq(ask(database, "198.51.100.1").bits, 120);
	cr_expect_str_eq(ask(database, "198.51.101.1").country[DATABASE_LOCATED], "US");
	cr_expect_str_eq(ask(database, "198.51.0.0").country[DATABASE_LOCATED], "US");
	cr_expect_not(ask(database, "198.52.0.0").found);
	cr_expect_geq(ask(database, "198.52.0.0").bits, 96);
	answer = ask(database, "2001:db8:ffff::1");
	cr_expect_str_eq(answer.country[DATABASE_LOCATED], row->ip_version == 4 ? "" : "SG");
	cr_expect_eq(answer.bits, row->ip_version == 4 ? 0 : 32);
	cr_expect_not(ask(database, "2001:db9::1").found);
	database_close(database);
}

Test(database, reads_the_layout_of_maxmind)
{
	struct database *database =
	    open_lines(NULL, maxmind, COUNT(maxmind), "GeoLite2-Country.mmdb", DATABASE_COUNTRY);
	struct database_answer answer = ask(database, "192.0.2.1");

	cr_expect_str_eq(answer.country[DATABASE_LOCATED], "DE");
	cr_expect_str_eq(answer.country[DATABASE_REGISTERED], "SG");
	answer = ask(database, "198.51.100.1");
	cr_expect_str_eq(answer.country[DATABASE_LOCATED], "US");
	cr_expect_str_eq(answer.country[DATABASE_REGISTERED], "", "unknown, not guessed");
	answer = ask(database, "203.0.113.1");
	cr_expect_str_eq(answer.country[DATABASE_LOCATED], "");
	cr_expect_str_eq(answer.country[DATABASE_REGISTERED], "FR");
	cr_expect(database_answers(database, DATABASE_LOCATED));
	cr_expect(database_answers(database, DATABASE_REGISTERED));
	database_close(database);
}

Test(database, reads_networks)
{
	struct database *database =
	    open_lines(NULL, networks, COUNT(networks), "asn.mmdb", DATABASE_ASN);

	cr_expect_eq(ask(database, "192.0.2.1").asn, 45102);
	cr_expect_str_eq(ask(database, "192.0.2.1").org, "Ali, Inc.");
	cr_expect_eq(ask(database, "2001:db8::1").asn, UINT32_MAX);
	cr_expect_str_eq(ask(database, "2001:db8::1").org, "");
	cr_expect_eq(ask(database, "8.8.8.8").asn, 0);
	database_close(database);
}

Test(database, a_long_name_is_cut_at_a_character)
{
	static const char *const lines[] = {
	    "192.0.2.0/24 autonomous_system_number=1 "
	    "autonomous_system_organization="
	    "0123456789012345678901234567890123456789012345678901234567890"
	    "\xc3\xa4\xc3\xa4\xc3\xa4"};
	struct database *database = open_lines(NULL, lines, 1, "asn", DATABASE_ASN);

	cr_expect_str_eq(ask(database, "192.0.2.1").org,
	    "0123456789012345678901234567890123456789012345678901234567890\xc3\xa4");
	database_close(database);
}

Test(database, says_what_it_is)
{
	static const struct mmdb_meta meta = {.build_epoch = 1780345978,
	    .type = "country ipvAll",
	    .description = "a test"};
	struct database *database =
	    open_lines(&meta, flat, COUNT(flat), "/var/lib/dbip-country.mmdb", DATABASE_COUNTRY);

	cr_expect_str_eq(database_name(database), "dbip-country");
	cr_expect_str_eq(database_basis(database), "dbip-country@2026-06-01");
	cr_expect_str_eq(database_type(database), "country ipvAll");
	cr_expect_str_eq(database_description(database), "a test");
	cr_expect_eq(database_build_s(database), 1780345978);
	/* The /16 with a hole of a /24 is eight networks. */
	cr_expect_eq(database_networks(database), 1 + 8 + 1 + 1);
	database_close(database);
}

struct name_row {
	char name[48], type[48], description[48];
	bool registered;
};

ParameterizedTestParameters(database, a_flat_file_says_by_its_words_what_it_answers)
{
	static struct name_row rows[] = {
	    {"dbip-country.mmdb", "country ipvAll", "", false},
	    {"geo-whois-asn-country.mmdb", "country ipvAll", "", true},
	    {"Whois.mmdb", "country", "", true},
	    {"country.mmdb", "registered country", "", true},
	    {"country.mmdb", "country", "by whois", true},
	};

	return cr_make_param_array(struct name_row, rows, COUNT(rows));
}

ParameterizedTest(struct name_row *row, database, a_flat_file_says_by_its_words_what_it_answers)
{
	struct mmdb_meta meta = {.type = row->type, .description = row->description};
	struct database *database =
	    open_lines(&meta, flat, COUNT(flat), row->name, DATABASE_COUNTRY);

	cr_expect_eq(database_answers(database, DATABASE_REGISTERED), row->registered);
	cr_expect_eq(database_answers(database, DATABASE_LOCATED), !row->registered);
	cr_expect_str_eq(ask(database, "192.0.2.1").country[row->registered], "DE");
	database_close(database);
}

/* ---- what is refused ---- */

struct line_row {
	char line[80];
	enum database_kind kind;
	char refusal[48];
};

ParameterizedTestParameters(database, refuses_records_of_the_wrong_form)
{
	static struct line_row rows[] = {
	    {"192.0.2.0/24 country_code=de", DATABASE_COUNTRY, "wrong form"},
	    {"192.0.2.0/24 country_code=DEU", DATABASE_COUNTRY, "wrong form"},
	    {"192.0.2.0/24 country_code=D", DATABASE_COUNTRY, "wrong form"},
	    {"192.0.2.0/24 country_code=4A", DATABASE_COUNTRY, "wrong form"},
	    {"192.0.2.0/24 country.iso_code=d3", DATABASE_COUNTRY, "wrong form"},
	    {"192.0.2.0/24 registered_country.iso_code=xx", DATABASE_COUNTRY, "wrong form"},
	    {"192.0.2.0/24 country_code.autonomous_system_number=1", DATABASE_COUNTRY,
		"wrong form"},
	    {"192.0.2.0/24 autonomous_system_organization.a=b", DATABASE_ASN, "wrong form"},
	    {"192.0.2.0/24 autonomous_system_number.a=b", DATABASE_ASN, "wrong form"},
	    {"192.0.2.0/24 country_code=DE", DATABASE_ASN, "no record has an autonomous"},
	    {"192.0.2.0/24 autonomous_system_number=1", DATABASE_COUNTRY,
		"no record has a country"},
	    {"192.0.2.0/24 country_code=ZZ", DATABASE_COUNTRY, "no record has a country"},
	    {"192.0.2.0/24 country_code=\"\"", DATABASE_COUNTRY, "no record has a country"},
	    {"192.0.2.0/24 autonomous_system_number=0", DATABASE_ASN, "no record has an"},
	    {"192.0.2.0/24 other=DE", DATABASE_COUNTRY, "no record has a country"},
	};

	return cr_make_param_array(struct line_row, rows, COUNT(rows));
}

ParameterizedTest(struct line_row *row, database, refuses_records_of_the_wrong_form)
{
	const char *const lines[] = {row->line};
	struct mmdb_bytes file = mmdb_make(NULL, lines, 1);
	struct err err = {0};

	cr_expect_null(open_bytes(file.at, file.size, "a.mmdb", row->kind, &err), "%s", row->line);
	cr_expect_not_null(strstr(err.text, row->refusal), "%s: %s", row->line, err.text);
	cr_expect_eq(strncmp(err.text, "a.mmdb: ", 8), 0, "%s", err.text);
	free(file.at);
}

struct meta_error {
	unsigned ip_version, record_bits;
	uint32_t node_count;
	uint64_t build_epoch;
	char refusal[48];
};

ParameterizedTestParameters(database, refuses_metadata_that_is_not_true)
{
	static struct meta_error rows[] = {
	    {5, 24, 1, 0, "ip_version 5"},
	    {6, 16, 1, 0, "record_size 16"},
	    {6, 25, 1, 0, "record_size 25"},
	    {6, 24, 0, 0, "the search tree is empty"},
	    {6, 24, 2, 0, "does not end where"},
	    {6, 24, 100000, 0, "does not fit"},
	    {6, 32, UINT32_MAX, 0, "does not fit"},
	    {6, 24, 1, 5, "build_epoch 5"},
	    {6, 24, 1, UINT64_MAX, "build_epoch is 18446744073709551615"},
	};

	return cr_make_param_array(struct meta_error, rows, COUNT(rows));
}

ParameterizedTest(struct meta_error *row, database, refuses_metadata_that_is_not_true)
{
	static const uint8_t tree[] = {0, 0, 17, 0, 0, 1};
	static const uint8_t data[] = "\xe1\x4c"
				      "country_code"
				      "\x42"
				      "DE"
				      "padding padding";
	struct mmdb_meta meta = {.ip_version = row->ip_version,
	    .record_bits = row->record_bits,
	    .node_count = row->node_count,
	    .build_epoch = row->build_epoch};
	struct mmdb_bytes file = mmdb_assemble(&meta, tree, sizeof(tree), data, sizeof(data) - 1);
	struct err err = {0};

	cr_expect_null(open_bytes(file.at, file.size, "a", DATABASE_COUNTRY, &err));
	cr_expect_not_null(strstr(err.text, row->refusal), "%s: %s", row->refusal, err.text);
	free(file.at);
}

Test(database, refuses_what_is_no_database)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	static const char *const metadata[] = {"", "\xe0", "\x42\x44\x45", "\x00\x0a", "\xe1"};
	char file[64];
	struct err err = {0};

	cr_expect_null(open_bytes("", 0, "a", DATABASE_COUNTRY, &err));
	cr_expect_null(open_bytes("hello", 5, "a", DATABASE_COUNTRY, &err));
	for (size_t i = 0; i < COUNT(metadata); i++) {
		(void)snprintf(file, sizeof(file), "%s%s", marker, metadata[i]);
		cr_expect_null(open_bytes(file, strlen(file), "a", DATABASE_COUNTRY, &err),
		    "metadata %zu", i);
	}
}

Test(database, a_marker_in_the_data_is_data)
{
	static const char *const lines[] = {
	    "192.0.2.0/24 country_code=DE other=\xab\xcd\xefMaxMind.com"};
	struct database *database = open_lines(NULL, lines, 1, "a", DATABASE_COUNTRY);

	cr_expect_str_eq(ask(database, "192.0.2.1").country[DATABASE_LOCATED], "DE");
	database_close(database);
}

/* ---- damage ---- */

static bool
is_country_or_none(const char iso[3])
{
	if (iso[0] == '\0')
		return true;
	return iso[0] >= 'A' && iso[0] <= 'Z' && iso[1] >= 'A' && iso[1] <= 'Z' && iso[2] == '\0';
}

static void
ask_around(const struct database *database)
{
	static const char *const addresses[] = {"0.0.0.0", "192.0.2.1", "198.51.100.1",
	    "203.0.113.1", "255.255.255.255", "2001:db8::1", "2001:db8:8000::", "::", "ffff::"};

	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct database_answer answer = ask(database, addresses[i]);

		cr_assert(is_country_or_none(answer.country[DATABASE_LOCATED]));
		cr_assert(is_country_or_none(answer.country[DATABASE_REGISTERED]));
		cr_assert_leq(answer.bits, 128);
		cr_assert_lt(strlen(answer.org), sizeof(answer.org));
	}
}

Test(database, every_prefix_is_refused)
{
	struct mmdb_bytes file = mmdb_make(NULL, maxmind, COUNT(maxmind));

	for (size_t size = 0; size < file.size; size++) {
		struct err err = {0};

		cr_assert_null(open_bytes(file.at, size, "a", DATABASE_COUNTRY, &err),
		    "cut to %zu of %zu", size, file.size);
	}
	free(file.at);
}

Test(database, every_changed_byte_is_refused_or_answers_in_form)
{
	static const uint8_t changes[] = {0x01, 0x02, 0x10, 0x20, 0x40, 0x80, 0xff};
	static const struct mmdb_meta meta = {.ip_version = 4};
	struct mmdb_bytes file = mmdb_make(&meta, maxmind, 3);

	for (size_t at = 0; at < file.size; at++) {
		for (size_t i = 0; i < COUNT(changes); i++) {
			struct database *database;
			struct err err = {0};

			file.at[at] ^= changes[i];
			database = open_bytes(file.at, file.size, "a", DATABASE_COUNTRY, &err);
			if (database != NULL)
				ask_around(database);
			database_close(database);
			file.at[at] ^= changes[i];
		}
	}
	free(file.at);
}

/* ---- as the library itself ---- */

static void
compare_with_library(MMDB_s *library, const struct database *database, const struct addr *addr)
{
	struct database_answer answer;
	struct sockaddr_storage to;
	MMDB_lookup_result_s result;
	MMDB_entry_data_s data;
	int status;

	database_ask(database, addr, &answer);
	(void)addr_to_sockaddr(addr, &to);
	result = MMDB_lookup_sockaddr(library, (struct sockaddr *)&to, &status);
	cr_assert_eq(status, MMDB_SUCCESS);
	cr_assert_eq(result.found_entry, answer.found);
	if (!result.found_entry)
		return;
	cr_assert_eq(result.netmask, answer.bits);
	status = MMDB_get_value(&result.entry, &data, "country_code", NULL);
	cr_assert_eq(status, MMDB_SUCCESS);
	cr_assert_eq(data.data_size, 2);
	cr_assert_eq(memcmp(data.utf8_string, answer.country[DATABASE_LOCATED], 2), 0);
}

static void
compare_random(int fd, const struct database *database, unsigned rounds)
{
	MMDB_s library;
	char path[40];
	uint32_t random = 1;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(MMDB_open(path, MMDB_MODE_MMAP, &library), MMDB_SUCCESS);
	for (unsigned i = 0; i < rounds; i++) {
		struct addr addr = {.ip = {[10] = 0xff, 0xff}};
		bool v6 = i % 2 == 1;

		for (unsigned at = v6 ? 0 : 12; at < 16; at++) {
			random = random * 1664525 + 1013904223;
			addr.ip[at] = (uint8_t)(random >> 24);
		}
		if (v6)
			addr.ip[0] = (uint8_t)(0x20 | (addr.ip[0] & 0x0f));
		compare_with_library(&library, database, &addr);
	}
	MMDB_close(&library);
}

Test(database, answers_as_the_library_itself_would)
{
	static const char *const lines[] = {"0.0.0.0/1 country_code=US",
	    "64.0.0.0/2 country_code=CN", "128.0.0.0/3 country_code=DE", "2000::/4 country_code=NL",
	    "2800::/5 country_code=SG"};
	struct mmdb_bytes file = mmdb_make(NULL, lines, COUNT(lines));
	int fd = memfd_seal("test", file.at, file.size, NULL);
	struct database *database = database_open(fd, "a", DATABASE_COUNTRY, NULL);

	cr_assert_not_null(database);
	compare_random(fd, database, 2000);
	database_close(database);
	(void)close(fd);
	free(file.at);
}

/* The default data, where geo/fetch put it. */
Test(database, the_default_data_is_whole_and_answers_as_the_library)
{
	const char *dir = getenv("BORDERLENS_GEO_DATA");
	struct database *database;
	struct err err = {0};
	char path[256];
	int fd;

	if (dir == NULL)
		cr_skip_test("BORDERLENS_GEO_DATA names no directory of geo/fetch");
	(void)snprintf(path, sizeof(path), "%s/dbip-country.mmdb", dir);
	fd = memfd_copy_file(path, 1U << 30, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	database = database_open(fd, path, DATABASE_COUNTRY, &err);
	cr_assert_not_null(database, "%s", err.text);
	cr_expect_gt(database_networks(database), 100000);
	compare_random(fd, database, 20000);
	database_close(database);
	(void)close(fd);
}

Test(database, a_piece_of_the_default_data_is_refused)
{
	const char *dir = getenv("BORDERLENS_GEO_DATA");
	const uint8_t *bytes;
	struct err err = {0};
	char path[256];
	size_t size;
	int fd;

	if (dir == NULL)
		cr_skip_test("BORDERLENS_GEO_DATA names no directory of geo/fetch");
	(void)snprintf(path, sizeof(path), "%s/dbip-country.mmdb", dir);
	fd = memfd_copy_file(path, 1U << 30, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert_eq(memfd_map(fd, &bytes, &size, &err), 0);
	for (size_t part = 0; part < 64; part++)
		cr_expect_null(open_bytes(bytes, size / 64 * part, "a", DATABASE_COUNTRY, &err),
		    "%zu/64", part);
	(void)close(fd);
}
