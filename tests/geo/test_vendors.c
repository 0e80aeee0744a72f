/* SPDX-License-Identifier: MIT */
#include "geo/vendors.h"

#include "base/err.h"
#include "tests/geo/tells.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#define HEAD "suffix,vendor,purpose,port,source,as_of\n"
#define REST "cloud,443/tcp,a page,2026-11-22\n"

static const char table[] = HEAD "hik-connect.com,Hikvision," REST /* 2 */
				 "dev.hik-connect.com,Hikvision devices," REST "Mi.com,Xiaomi," REST
				 "io.mi.com,Mijia," REST "local,Somebody," REST;

struct row {
	char name[64], vendor[24], why[40];
};

ParameterizedTestParameters(vendors, the_longest_suffix_wins)
{
	static struct row rows[] = {
	    {"hik-connect.com", "Hikvision", "the suffix itself"},
	    {"api.hik-connect.com", "Hikvision", "under it"},
	    {"a.b.c.hik-connect.com", "Hikvision", "far under it"},
	    {"dev.hik-connect.com", "Hikvision devices", "the longer one"},
	    {"x.dev.hik-connect.com", "Hikvision devices", "under the longer one"},
	    {"xdev.hik-connect.com", "Hikvision", "labels are whole"},
	    {"nothik-connect.com", "", "labels are whole"},
	    {"HIK-Connect.COM", "Hikvision", "case does not matter"},
	    {"hik-connect.com.", "Hikvision", "a trailing dot"},
	    {"hik-connect.com..", "", "two are no name"},
	    {"hik-connect.com.evil.net", "", "a suffix stands last"},
	    {"com", "", "shorter than any"},
	    {"", "", "no name"},
	    {".", "", "no name"},
	    {".mi.com", "Xiaomi", "an empty label before it"},
	    {"ot.io.mi.com", "Mijia", "the longer one"},
	    {"io.mi.co", "", "a byte short"},
	    {"camera.local", "Somebody", "one label"},
	    {"192.0.2.1", "", "an address"},
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, vendors, the_longest_suffix_wins)
{
	struct vendors *vendors = vendors_open(bytes_of(table),
	    &(struct csv_errors){.file = "v.csv", .tell = NULL, .arg = NULL, .err = NULL});
	const struct geo_vendor_row *found;

	cr_assert_not_null(vendors);
	found = vendors_find(vendors, row->name);
	cr_expect_str_eq(found == NULL ? "" : found->name, row->vendor, "%s: %s", row->name,
	    row->why);
	vendors_close(vendors);
}

Test(vendors, keeps_the_line)
{
	struct vendors *vendors = vendors_open(bytes_of(table),
	    &(struct csv_errors){.file = "v.csv", .tell = NULL, .arg = NULL, .err = NULL});

	cr_assert_not_null(vendors);
	cr_expect_eq(vendors_table(vendors)->count, 5);
	cr_expect_eq(vendors_find(vendors, "mi.com")->line, 4);
	cr_expect_eq(vendors_find(vendors, "MI.COM")->line, 4);
	cr_expect(vendors_has(vendors, "xiaomi"));
	cr_expect_not(vendors_has(vendors, "xiao"));
	vendors_close(vendors);
}

Test(vendors, a_name_longer_than_dns_has_is_nobodys)
{
	struct vendors *vendors = vendors_open(bytes_of(table),
	    &(struct csv_errors){.file = "v.csv", .tell = NULL, .arg = NULL, .err = NULL});
	char name[300];

	cr_assert_not_null(vendors);
	memset(name, 'a', sizeof(name));
	memcpy(name + sizeof(name) - 8, ".mi.com", 8);
	cr_expect_null(vendors_find(vendors, name));
	cr_expect_not_null(vendors_find(vendors, name + 60));
	vendors_close(vendors);
}

Test(vendors, tells_every_error_with_its_line)
{
	static const char text[] =
	    HEAD "a..b,V," REST    /* 2 */
		 ".a.b,V," REST    /* 3 */
		 "a.b.,V," REST    /* 4 */
		 "a b,V," REST     /* 5 */
		 ",V," REST        /* 6 */
		 "*.a.com,V," REST /* 7 */
		 "a.com,," REST    /* 8 */
		 "b.com,12345678901234567890123456789012345678901234567x," REST
		 "c.com,V,p,443,,2026-11-22\n"
		 "d.com,V,p,443,s,22.11.2026\n"
		 "e.com,V," REST "E.COM,W," REST;
	struct tells tells = {0};
	struct err err = {0};

	cr_assert_null(vendors_open(bytes_of(text),
	    &(struct csv_errors){.file = "v.csv", .tell = tells_note, .arg = &tells, .err = &err}));
	cr_expect_eq(tells.count, 11, "%s", tells.text);
	for (unsigned line = 2; line <= 13; line++) {
		char start[24];

		(void)snprintf(start, sizeof(start), "v.csv:%u: ", line);
		cr_expect_eq(strstr(tells.text, start) != NULL, line != 12, "line %u in:\n%s", line,
		    tells.text);
	}
	cr_expect_not_null(strstr(tells.text, "v.csv:13: 'E.COM' stands in line 12 already"));
	cr_expect_eq(strncmp(err.text, "v.csv:2: ", 9), 0, "%s", err.text);
}
