/* SPDX-License-Identifier: MIT */
/* Which of those that tell a fact counts. */
#include "base/err.h"
#include "base/memfd.h"
#include "base/overrides.h"
#include "geo/geo.h"
#include "tests/geo/tells.h"
#include "tests/support/mmdb_maker.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const char *const maxmind[] = {
    "1.0.0.0/8 country.iso_code=AU registered_country.iso_code=AU",
    "8.8.0.0/16 country.iso_code=US registered_country.iso_code=US traits.is_anycast=true",
    "9.0.0.0/8 country.iso_code=US registered_country.iso_code=US traits.is_anycast=false",
    "98.97.0.0/16 country.iso_code=US traits.is_satellite_provider=true",
    "47.254.128.0/18 country.iso_code=DE registered_country.iso_code=SG",
    "10.0.0.0/8 country.iso_code=CN registered_country.iso_code=AU",
    "2606:4700::/32 country.iso_code=US registered_country.iso_code=US",
};
static const char *const second[] = {"47.254.128.0/18 country_code=SG",
    "9.0.0.0/8 country_code=US"};
static const char *const third[] = {"47.254.128.0/18 country_code=HK"};
static const char *const fourth[] = {"47.254.128.0/18 country_code=US",
    "9.0.0.0/8 country_code=CH"};
static const char *const networks[] = {
    "1.1.0.0/16 autonomous_system_number=13335 autonomous_system_organization=Cloudflare",
    "8.8.0.0/16 autonomous_system_number=15169 autonomous_system_organization=Google",
    "9.9.0.0/16 autonomous_system_number=14593 autonomous_system_organization=SpaceX",
    "47.254.128.0/18 autonomous_system_number=45102 autonomous_system_organization=Alibaba",
    "10.0.0.0/8 autonomous_system_number=64500 autonomous_system_organization=Wrong",
};
static const char operators[] = "asn,organisation,parent,control,confidence,source,as_of\n"
				"45102,Alibaba (US),Alibaba,CN,high,s,2026-11-22\n"
				"13335,Cloudflare,Cloudflare,US,high,s,2026-11-22\n";
static const char kinds[] = "network,kind,organisation,confidence,source,as_of\n"
			    "AS13335,anycast,Cloudflare,high,s,2026-11-22\n"
			    "AS14593,satellite,Starlink,high,s,2026-11-22\n"
			    "1.1.2.0/24,ordinary,An office,low,s,2026-11-22\n"
			    "9.9.9.0/24,anycast,Quad9,high,s,2026-11-22\n";
static const char vendors[] = "suffix,vendor,purpose,port,source,as_of\n"
			      "hik-connect.com,Hikvision,cloud,443/tcp,s,2026-11-22\n";

static int
seal(const char *const *lines, size_t count)
{
	struct mmdb_bytes file = mmdb_make(NULL, lines, count);
	int fd = memfd_seal("test", file.at, file.size, NULL);

	free(file.at);
	cr_assert_geq(fd, 0);
	return fd;
}

static struct geo *
open_geo(size_t countries, const struct overrides *overrides)
{
	struct geo_files files = {
	    .country = {{seal(maxmind, COUNT(maxmind)), "a"}, {seal(second, COUNT(second)), "b"},
		{seal(third, COUNT(third)), "c"}, {seal(fourth, COUNT(fourth)), "d"}},
	    .country_count = countries,
	    .asn = {seal(networks, COUNT(networks)), "n"},
	    .operators = bytes_of(operators),
	    .vendors = bytes_of(vendors),
	    .kinds = bytes_of(kinds),
	    .overrides = overrides,
	};
	struct err err = {0};
	struct geo *geo = geo_open(&files, NULL, NULL, &err);

	cr_assert_not_null(geo, "%s", err.text);
	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX; i++)
		(void)close(files.country[i].fd);
	(void)close(files.asn.fd);
	return geo;
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

struct expected {
	const char *address, *located, *located_basis, *registered, *operator, * operator_basis;
};

static void
expect(const struct geo *geo, const struct expected *row)
{
	struct place place = locate(geo, row->address);
	char text[COUNTRIES_TEXT_MAX];

	cr_expect_str_eq(located_text(&place, text), row->located, "%s: located %s", row->address,
	    text);
	cr_expect_str_eq(place.located_basis, row->located_basis, "%s: %s", row->address,
	    place.located_basis);
	cr_expect_str_eq(countries_text(&place.registered, text), row->registered,
	    "%s: registered %s", row->address, text);
	cr_expect_str_eq(countries_text(&place.operator, text), row->operator, "%s: operator %s",
	    row->address, text);
	cr_expect_str_eq(place.operator_basis, row->operator_basis, "%s: %s", row->address,
	    place.operator_basis);
	cr_expect(place.kind == PLACE_ORDINARY || place.located.count == 0);
}

Test(locate, what_is_in_no_country_says_so)
{
	static const struct expected rows[] = {
	    {"1.1.1.1", "anycast", "kinds.csv:2", "AU", "US", "operators.csv:3"},
	    {"1.1.2.1", "AU", "a@2026-06-01", "AU", "US", "operators.csv:3"},
	    {"1.2.0.1", "AU", "a@2026-06-01", "AU", "unknown", "n@2026-06-01"},
	    {"8.8.8.8", "anycast", "a@2026-06-01", "US", "unknown", "operators.csv"},
	    {"9.9.9.9", "anycast", "kinds.csv:5", "US", "unknown", "operators.csv"},
	    {"9.9.8.8", "satellite", "kinds.csv:3", "US", "unknown", "operators.csv"},
	    {"9.8.0.0", "US", "a@2026-06-01", "US", "unknown", "n@2026-06-01"},
	    {"98.97.1.1", "satellite", "a@2026-06-01", "unknown", "unknown", "n@2026-06-01"},
	    {"10.1.2.3", "private", "range:private", "unknown", "unknown", "range:private"},
	    {"192.168.1.1", "private", "range:private", "unknown", "unknown", "range:private"},
	    {"100.64.0.1", "private", "range:private", "unknown", "unknown", "range:private"},
	    {"127.0.0.1", "private", "range:loopback", "unknown", "unknown", "range:loopback"},
	    {"169.254.169.254", "private", "range:metadata", "unknown", "unknown",
		"range:metadata"},
	    {"203.0.113.1", "private", "range:reserved", "unknown", "unknown", "range:reserved"},
	    {"fd00::1", "private", "range:private", "unknown", "unknown", "range:private"},
	    {"64:ff9b::10.0.0.1", "private", "range:private", "unknown", "unknown",
		"range:private"},
	    {"64:ff9b:1::8.8.8.8", "anycast", "a@2026-06-01", "US", "unknown", "operators.csv"},
	    {"47.254.129.1", "DE", "a@2026-06-01", "SG", "CN", "operators.csv:2"},
	};
	struct geo *geo = open_geo(1, NULL);

	for (size_t i = 0; i < COUNT(rows); i++)
		expect(geo, &rows[i]);
	cr_expect_eq(locate(geo, "10.1.2.3").asn, 0, "of nobody's network");
	cr_expect_str_eq(locate(geo, "10.1.2.3").org, "");
	geo_close(geo);
}

Test(locate, all_that_differ_are_kept)
{
	static const struct expected rows[] = {
	    {"47.254.129.1", "DE/SG/HK/US", "a@2026-06-01,b@2026-06-01,c@2026-06-01,d@2026-06-01",
		"SG", "CN", "operators.csv:2"},
	    {"9.8.0.1", "US/CH", "a@2026-06-01,b@2026-06-01,d@2026-06-01", "US", "unknown",
		"n@2026-06-01"},
	};
	struct geo *geo = open_geo(4, NULL);

	for (size_t i = 0; i < COUNT(rows); i++)
		expect(geo, &rows[i]);
	geo_close(geo);
}

/* ---- overrides ---- */

static void
add_block(struct overrides *overrides, const char *text, const struct override *override)
{
	int64_t index = overrides_add(overrides, override);
	struct prefix prefix;

	cr_assert_geq(index, 0);
	cr_assert_eq(prefix_parse(&prefix, text, NULL), 0);
	cr_assert_eq(blocks_add(&overrides->blocks, &prefix, (uint32_t)index), 0);
}

static struct override
says(unsigned line, unsigned tells)
{
	return (struct override){.line = line,
	    .tells = tells,
	    .org = "An Org",
	    .vendor = "A Vendor",
	    .who = "jane",
	    .when = "2026-11-20",
	    .why = "x"};
}

static struct override
says_country(unsigned line, unsigned tells, const char *iso)
{
	struct override override = says(line, tells);

	countries_add(&override.located, iso);
	countries_add(&override.registered, iso);
	countries_add(&override.operator, iso);
	return override;
}

static struct override
says_kind(unsigned line, enum place_kind kind)
{
	struct override override = says(line, OVERRIDE_KIND);

	override.kind = kind;
	return override;
}

#define O(line) "o.yaml:" #line " (jane, 2026-11-20)"

static struct overrides *
make_overrides(void)
{
	struct overrides *overrides = overrides_new("/etc/o.yaml");
	const struct override all = says_country(2,
	    OVERRIDE_LOCATED | OVERRIDE_REGISTERED | OVERRIDE_OPERATOR | OVERRIDE_ORG, "FR");
	const struct override where = says_country(3, OVERRIDE_LOCATED, "CZ");
	const struct override dish = says_kind(4, PLACE_SATELLITE);
	const struct override plain = says_kind(5, PLACE_ORDINARY);
	const struct override network = says_country(6, OVERRIDE_LOCATED | OVERRIDE_OPERATOR, "NL");
	const struct override unknown = says(7, OVERRIDE_LOCATED | OVERRIDE_OPERATOR);
	const struct override vendor = says(8, OVERRIDE_VENDOR);

	cr_assert_not_null(overrides);
	add_block(overrides, "47.254.128.0/18", &all);
	add_block(overrides, "47.254.129.0/24", &where);
	add_block(overrides, "47.254.129.128/25", &dish);
	add_block(overrides, "8.8.8.0/24", &plain);
	add_block(overrides, "10.1.0.0/16", &where);
	add_block(overrides, "10.2.0.0/16", &plain);
	add_block(overrides, "9.8.0.0/16", &unknown);
	add_block(overrides, "9.7.0.0/16", &vendor);
	cr_assert_eq(numbers_add(&overrides->asns, 13335,
			 (uint32_t)overrides_add(overrides, &network)),
	    0);
	cr_assert_eq(suffixes_add(&overrides->names, "dev.hik-connect.com",
			 (uint32_t)overrides_add(overrides, &vendor)),
	    SUFFIX_NONE);
	overrides_prepare(overrides);
	return overrides;
}

Test(locate, the_site_knows_better)
{
	static const struct expected rows[] = {
	    {"47.254.130.1", "FR", O(2), "FR", "FR", O(2)},
	    {"47.254.129.1", "CZ", O(3), "FR", "FR", O(2)},
	    {"47.254.129.200", "satellite", O(4), "FR", "FR", O(2)},
	    {"64:ff9b::47.254.129.1", "CZ", O(3), "FR", "FR", O(2)},
	    {"8.8.8.8", "US", "a@2026-06-01", "US", "unknown", "operators.csv"},
	    {"8.8.4.4", "anycast", "a@2026-06-01", "US", "unknown", "operators.csv"},
	    {"1.1.1.1", "NL", O(6), "AU", "NL", O(6)},
	    {"10.1.2.3", "CZ", O(3), "unknown", "unknown", "range:private"},
	    {"10.2.2.3", "CN", "a@2026-06-01", "unknown", "unknown", "range:private"},
	    {"10.3.2.3", "private", "range:private", "unknown", "unknown", "range:private"},
	    {"9.8.0.1", "unknown", O(7), "US", "unknown", O(7)},
	};
	struct overrides *overrides = make_overrides();
	struct geo *geo = open_geo(1, overrides);

	for (size_t i = 0; i < COUNT(rows); i++)
		expect(geo, &rows[i]);
	cr_expect_str_eq(locate(geo, "47.254.129.1").org, "An Org");
	cr_expect_eq(locate(geo, "47.254.129.1").asn, 45102, "the network is what it is");
	cr_expect_str_eq(locate(geo, "1.1.1.1").org, "Cloudflare");
	geo_close(geo);
	overrides_free(overrides);
}

Test(locate, a_vendor_of_the_address_goes_before_one_of_the_name)
{
	struct overrides *overrides = make_overrides();
	struct geo *geo = open_geo(1, overrides);
	struct place place = locate(geo, "9.7.0.1");

	cr_expect_str_eq(place.vendor, "A Vendor");
	cr_expect(place.vendor_by_address);
	geo_vendor(geo, "www.hik-connect.com", &place);
	cr_expect_str_eq(place.vendor, "A Vendor");
	cr_expect_str_eq(place.vendor_basis, O(8));
	place = locate(geo, "9.6.0.1");
	cr_expect_str_eq(place.vendor, "");
	geo_vendor(geo, "www.hik-connect.com", &place);
	cr_expect_str_eq(place.vendor, "Hikvision");
	cr_expect_str_eq(place.vendor_basis, "vendors.csv:2");
	geo_vendor(geo, "dev.hik-connect.com", &place);
	cr_expect_str_eq(place.vendor, "A Vendor", "the site knows the name better");
	cr_expect_str_eq(place.vendor_basis, O(8));
	cr_expect(geo_has_vendor(geo, "a vendor"));
	cr_expect(geo_has_vendor(geo, "HIKVISION"));
	cr_expect_not(geo_has_vendor(geo, "Hik"));
	geo_close(geo);
	overrides_free(overrides);
}

/* ---- what it rests on ---- */

Test(locate, every_answer_can_be_asked_for)
{
	struct geo *geo = open_geo(2, NULL);
	struct geo_answer answers[GEO_ANSWERS_MAX];
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, "64:ff9b::47.254.129.1", 0, NULL), 0);
	cr_assert_eq(geo_ask(geo, &addr, answers), 3);
	cr_expect_str_eq(answers[0].located, "DE");
	cr_expect_str_eq(answers[0].registered, "SG");
	cr_expect_str_eq(answers[0].basis, "a@2026-06-01");
	cr_expect_eq(answers[0].bits, 96 + 18);
	cr_expect_str_eq(answers[1].located, "SG");
	cr_expect(answers[2].is_asn);
	cr_expect_eq(answers[2].asn, 45102);
	cr_expect_str_eq(answers[2].org, "Alibaba");
	cr_assert_eq(addr_parse(&addr, "8.8.8.8", 0, NULL), 0);
	cr_assert_eq(geo_ask(geo, &addr, answers), 3);
	cr_expect_eq(answers[0].kind, PLACE_ANYCAST);
	cr_expect_not(answers[1].found);
	cr_assert_eq(addr_parse(&addr, "9.9.9.9", 0, NULL), 0);
	cr_expect_eq(geo_kind(geo, &addr, 14593)->line, 5);
	cr_assert_eq(addr_parse(&addr, "9.9.8.9", 0, NULL), 0);
	cr_expect_eq(geo_kind(geo, &addr, 14593)->line, 3);
	cr_expect_null(geo_kind(geo, &addr, 1));
	cr_expect_eq(geo_vendor_row(geo, "a.hik-connect.com")->line, 2);
	geo_close(geo);
}
