/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"

#include "base/err.h"
#include "base/memfd.h"
#include "tests/geo/tells.h"
#include "tests/support/mmdb_maker.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const located[] = {
    "47.254.128.0/18 country_code=DE",
    "8.8.8.0/24 country_code=US",
    "198.51.100.0/24 country_code=NL",
    "2a00:1450::/32 country_code=NL",
};
static const char *const registered[] = {
    "47.254.128.0/17 country_code=SG",
    "198.51.100.0/24 country_code=FR",
};
static const char *const both[] = {
    "47.254.128.0/20 country.iso_code=FR registered_country.iso_code=SG",
    "8.8.8.0/25 country.iso_code=US registered_country.iso_code=US",
    "9.9.9.0/24 country.iso_code=CH",
};
static const char *const networks[] = {
    ("47.254.128.0/18 autonomous_system_number=45102 "
     "autonomous_system_organization=\"Alibaba (US) Technology Co., Ltd.\""),
    "8.8.8.0/24 autonomous_system_number=15169",
    "9.9.9.0/24 autonomous_system_number=19281 autonomous_system_organization=Quad9",
};
static const char operators[] = "asn,organisation,parent,control,confidence,source,as_of\n"
				"45102,Alibaba (US),Alibaba,CN,high,s,2026-11-22\n"
				"15169,Google LLC,Alphabet,,low,s,2026-11-22\n";
static const char vendors[] = "suffix,vendor,purpose,port,source,as_of\n"
			      "hik-connect.com,Hikvision,cloud,443/tcp,s,2026-11-22\n";

/* A geo of these databases, and the tables above. */
struct kit {
	const char *const *lines;
	size_t count;
	const char *name;
};

static int
database_of(const struct kit *kit)
{
	struct mmdb_bytes file = mmdb_make(NULL, kit->lines, kit->count);
	int fd = memfd_seal("test", file.at, file.size, NULL);

	free(file.at);
	cr_assert_geq(fd, 0);
	return fd;
}

static struct geo *
open_kits(const struct kit *country, size_t count, const struct kit *asn)
{
	struct geo_files files = {
	    .country_count = count,
	    .asn = {.fd = -1},
	    .operators = bytes_of(operators),
	    .vendors = bytes_of(vendors),
	    .operators_name = "/etc/borderlens/operators.csv",
	    .vendors_name = "vendors.csv",
	};
	struct err err = {0};
	struct geo *geo;

	for (size_t i = 0; i < count; i++) {
		files.country[i].fd = database_of(&country[i]);
		files.country[i].name = country[i].name;
	}
	if (asn != NULL) {
		files.asn.fd = database_of(asn);
		files.asn.name = asn->name;
	}
	geo = geo_open(&files, NULL, NULL, &err);
	cr_assert_not_null(geo, "%s", err.text);
	/* It must not need them any more. */
	for (size_t i = 0; i < count; i++)
		(void)close(files.country[i].fd);
	if (asn != NULL)
		(void)close(files.asn.fd);
	return geo;
}

static const struct kit kit_located = {located, COUNT(located), "dbip-country.mmdb"};
static const struct kit kit_registered = {registered, COUNT(registered), "geo-whois.mmdb"};
static const struct kit kit_both = {both, COUNT(both), "GeoLite2-Country.mmdb"};
static const struct kit kit_asn = {networks, COUNT(networks), "asn.mmdb"};

static struct geo *
open_default(void)
{
	const struct kit country[] = {kit_located, kit_registered};

	return open_kits(country, 2, &kit_asn);
}

static struct place
locate(const struct geo *geo, const char *address)
{
	struct place place;
	struct addr addr;

	memset(&place, 0xaa, sizeof(place));
	cr_assert_eq(addr_parse(&addr, address, 443, NULL), 0);
	geo_locate(geo, &addr, &place);
	return place;
}

static const char *
text_of(const struct countries *countries)
{
	static char text[COUNTRIES_TEXT_MAX];

	return countries_text(countries, text);
}

Test(geo, joins_all_facts_of_an_address)
{
	struct geo *geo = open_default();
	struct place place = locate(geo, "47.254.129.1");

	cr_expect_str_eq(text_of(&place.located), "DE");
	cr_expect_str_eq(text_of(&place.registered), "SG");
	cr_expect_str_eq(text_of(&place.operator), "CN");
	cr_expect_eq(place.asn, 45102);
	cr_expect_eq(place.prefix_bits, 96 + 18);
	cr_expect_str_eq(place.org, "Alibaba (US) Technology Co., Ltd.");
	cr_expect_str_eq(place.located_basis, "dbip-country@2026-06-01");
	cr_expect_str_eq(place.registered_basis, "geo-whois@2026-06-01");
	cr_expect_str_eq(place.operator_basis, "operators.csv:2");
	cr_expect_str_eq(place.vendor, "");
	cr_expect_str_eq(place.vendor_basis, "");
	geo_close(geo);
}

Test(geo, what_no_database_holds_is_unknown_and_names_who_was_asked)
{
	struct geo *geo = open_default();
	struct place place = locate(geo, "5.5.5.5");

	cr_expect_eq(place.located.count, 0);
	cr_expect_str_eq(place.located_basis, "dbip-country@2026-06-01");
	cr_expect_eq(place.registered.count, 0);
	cr_expect_str_eq(place.registered_basis, "geo-whois@2026-06-01");
	cr_expect_eq(place.operator.count, 0);
	cr_expect_str_eq(place.operator_basis, "asn@2026-06-01", "it was the network that failed");
	cr_expect_eq(place.asn, 0);
	cr_expect_eq(place.prefix_bits, 0);
	geo_close(geo);
}

Test(geo, an_operator_is_unknown_in_three_ways)
{
	struct geo *geo = open_default();
	struct place place = locate(geo, "9.9.9.9");

	cr_expect_eq(place.asn, 19281);
	cr_expect_eq(place.operator.count, 0);
	cr_expect_str_eq(place.operator_basis, "operators.csv", "no row");
	place = locate(geo, "8.8.8.8");
	cr_expect_eq(place.operator.count, 0);
	cr_expect_str_eq(place.operator_basis, "operators.csv:3", "a row that does not know");
	cr_expect_str_eq(place.org, "Google LLC", "a name the database lacks is the row's");
	geo_close(geo);
	geo = open_kits(&kit_located, 1, NULL);
	place = locate(geo, "8.8.8.8");
	cr_expect_str_eq(place.operator_basis, "", "nobody was asked");
	cr_expect_str_eq(place.registered_basis, "", "nobody was asked");
	geo_close(geo);
}

Test(geo, two_databases_that_differ_are_both_kept)
{
	const struct kit country[] = {kit_located, kit_both};
	struct geo *geo = open_kits(country, 2, &kit_asn);
	struct place place = locate(geo, "47.254.129.1");

	cr_expect_str_eq(text_of(&place.located), "DE/FR");
	cr_expect_str_eq(place.located_basis,
	    "dbip-country@2026-06-01,GeoLite2-Country@2026-06-01");
	cr_expect_eq(place.prefix_bits, 96 + 18);
	cr_expect_str_eq(text_of(&place.registered), "SG");
	place = locate(geo, "8.8.8.8");
	cr_expect_str_eq(text_of(&place.located), "US", "agreement is one country");
	place = locate(geo, "9.9.9.9");
	cr_expect_str_eq(text_of(&place.located), "CH", "one knows what the other does not");
	cr_expect_str_eq(place.located_basis, "GeoLite2-Country@2026-06-01");
	cr_expect_eq(place.prefix_bits, 96 + 24);
	geo_close(geo);
}

Test(geo, an_address_in_another_form_is_where_it_leads)
{
	static const char *const forms[] = {"::ffff:47.254.129.1", "64:ff9b::47.254.129.1",
	    "2002:2ffe:8101::1", "2001::d001:7efe", "::47.254.129.1"};
	struct geo *geo = open_default();

	for (size_t i = 0; i < COUNT(forms); i++) {
		struct place place = locate(geo, forms[i]);

		cr_expect_str_eq(text_of(&place.located), "DE", "%s", forms[i]);
		cr_expect_str_eq(text_of(&place.operator), "CN", "%s", forms[i]);
	}
	cr_expect_str_eq(text_of(&(struct countries){0}), "unknown");
	geo_close(geo);
}

Test(geo, a_name_has_a_vendor)
{
	struct geo *geo = open_default();
	struct place place = locate(geo, "8.8.8.8");

	geo_vendor(geo, "dev.Hik-Connect.com.", &place);
	cr_expect_str_eq(place.vendor, "Hikvision");
	cr_expect_str_eq(place.vendor_basis, "vendors.csv:2");
	cr_expect_str_eq(text_of(&place.located), "US", "the rest stays");
	geo_vendor(geo, "example.com", &place);
	cr_expect_str_eq(place.vendor, "");
	cr_expect_str_eq(place.vendor_basis, "");
	geo_close(geo);
}

Test(geo, works_with_nothing)
{
	struct geo_files files = {.asn = {.fd = -1}};
	struct geo *geo = geo_open(&files, NULL, NULL, NULL);
	struct geo_status status[GEO_STATUS_MAX];
	struct place place;

	cr_assert_not_null(geo);
	place = locate(geo, "8.8.8.8");
	cr_expect_eq(place.located.count, 0);
	cr_expect_str_eq(place.located_basis, "");
	geo_vendor(geo, "hik-connect.com", &place);
	cr_expect_str_eq(place.vendor, "");
	cr_expect_null(geo_operator(geo, 45102));
	cr_expect_eq(geo_status(geo, status, GEO_STATUS_MAX), 0);
	geo_close(geo);
	geo_close(NULL);
}

Test(geo, says_what_it_is_made_of)
{
	struct geo *geo = open_default();
	struct geo_status status[GEO_STATUS_MAX];
	static const char *const roles[] = {"located", "registered", "asn", "operators", "vendors"};
	static const char *const names[] = {"dbip-country", "geo-whois", "asn", "operators.csv",
	    "vendors.csv"};
	static const uint64_t entries[] = {4, 2, 3, 2, 1};

	cr_assert_eq(geo_status(geo, status, GEO_STATUS_MAX), 5);
	for (size_t i = 0; i < 5; i++) {
		cr_expect_str_eq(status[i].role, roles[i]);
		cr_expect_str_eq(status[i].name, names[i]);
		cr_expect_eq(status[i].entries, entries[i], "%s", names[i]);
		cr_expect_eq(status[i].build_s, i < 3 ? 1780272000 : 0);
		cr_expect_eq(status[i].as_of_s, i < 3 ? 0 : 1795305600);
	}
	cr_expect_not_null(strstr(status[0].attribution, "DB-IP"));
	cr_expect_eq(geo_status(geo, status, 2), 2);
	geo_close(geo);
	geo = open_kits(&kit_both, 1, NULL);
	cr_assert_geq(geo_status(geo, status, 1), 1);
	cr_expect_str_eq(status[0].role, "located+registered");
	cr_expect_not_null(strstr(status[0].attribution, "MaxMind"));
	geo_close(geo);
}

Test(geo, gives_the_operators_row)
{
	struct geo *geo = open_default();
	const struct geo_operator *row = geo_operator(geo, 45102);

	cr_assert_not_null(row);
	cr_expect_str_eq(row->parent, "Alibaba");
	cr_expect_eq(row->line, 2);
	cr_expect_null(geo_operator(geo, 1));
	geo_close(geo);
}

Test(geo, every_opened_geo_has_its_own_serial)
{
	struct geo *a = open_default(), *b = open_default();

	cr_expect_neq(geo_serial(a), geo_serial(b));
	geo_close(a);
	geo_close(b);
}

Test(geo, tells_the_errors_of_both_tables)
{
	struct geo_files files = {
	    .asn = {.fd = -1},
	    .operators = bytes_of("asn,organisation,parent,control,confidence,source,as_of\n"
				  "x,A,,CN,high,s,2026-11-22\n"),
	    .vendors = bytes_of("suffix,vendor\n"),
	    .operators_name = "o.csv",
	    .vendors_name = "v.csv",
	};
	struct tells tells = {0};
	struct err err = {0};

	cr_expect_null(geo_open(&files, tells_note, &tells, &err));
	cr_expect_eq(tells.count, 2);
	cr_expect_not_null(strstr(tells.text, "o.csv:2: "));
	cr_expect_not_null(strstr(tells.text, "v.csv:1: "));
	cr_expect_eq(strncmp(err.text, "o.csv:2: ", 9), 0, "%s", err.text);
}

Test(geo, a_broken_database_opens_nothing)
{
	struct mmdb_bytes file = mmdb_make(NULL, located, COUNT(located));
	struct geo_files files = {.country_count = 2, .asn = {.fd = -1}};
	struct err err = {0};

	files.country[0].name = "good.mmdb";
	files.country[0].fd = memfd_seal("test", file.at, file.size, NULL);
	files.country[1].name = "cut.mmdb";
	files.country[1].fd = memfd_seal("test", file.at, file.size - 30, NULL);
	cr_expect_null(geo_open(&files, NULL, NULL, &err));
	cr_expect_eq(strncmp(err.text, "cut.mmdb: ", 10), 0, "%s", err.text);
	(void)close(files.country[0].fd);
	(void)close(files.country[1].fd);
	free(file.at);
}

/* ---- the project's own tables ---- */

static struct bytes
read_own(const char *name, int *fd)
{
	char path[512];
	struct bytes bytes;
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/%s", GEO_TABLES_DIR, name);
	*fd = memfd_copy_file(path, 1 << 24, &err);
	cr_assert_geq(*fd, 0, "%s", err.text);
	cr_assert_eq(memfd_map(*fd, &bytes.at, &bytes.left, &err), 0);
	return bytes;
}

Test(geo, the_tables_that_are_shipped_are_good)
{
	int operators_fd, vendors_fd, kinds_fd;
	struct geo_files files = {
	    .asn = {.fd = -1},
	    .operators = read_own("operators.csv", &operators_fd),
	    .vendors = read_own("vendors.csv", &vendors_fd),
	    .kinds = read_own("kinds.csv", &kinds_fd),
	};
	static const struct {
		uint32_t asn;
		const char *control;
	} rows[] = {{45102, "CN"}, {37963, "CN"}, {132203, "CN"}, {16509, "US"}, {15169, "US"}};
	struct tells tells = {0};
	struct place place = {0};
	struct addr addr;
	struct geo *geo = geo_open(&files, tells_note, &tells, NULL);

	cr_assert_not_null(geo, "%s", tells.text);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct geo_operator *row = geo_operator(geo, rows[i].asn);

		cr_assert_not_null(row, "AS%u", rows[i].asn);
		cr_expect_str_eq(row->control, rows[i].control, "AS%u", rows[i].asn);
	}
	geo_vendor(geo, "litedev.hik-connect.com", &place);
	cr_expect_str_eq(place.vendor, "Hikvision");
	geo_vendor(geo, "www.easy4ipcloud.com", &place);
	cr_expect_str_eq(place.vendor, "Dahua");
	place = locate(geo, "1.1.1.1");
	cr_expect_eq(place.kind, PLACE_ANYCAST);
	place = locate(geo, "2606:4700:4700::1111");
	cr_expect_eq(place.kind, PLACE_ANYCAST);
	cr_assert_eq(addr_parse(&addr, "98.97.0.1", 0, NULL), 0);
	cr_expect_eq(geo_kind(geo, &addr, 14593)->kind, PLACE_SATELLITE);
	geo_close(geo);
	(void)close(operators_fd);
	(void)close(vendors_fd);
	(void)close(kinds_fd);
}
