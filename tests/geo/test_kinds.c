/* SPDX-License-Identifier: MIT */
#include "geo/kinds.h"

#include "base/err.h"
#include "tests/geo/tells.h"

#include <criterion/criterion.h>

#define HEAD "network,kind,organisation,confidence,source,as_of\n"
#define REST ",high,s,2026-11-22\n"

static const struct geo_kind *
of_address(const struct kinds *kinds, const char *address)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, address, 0, NULL), 0);
	return kinds_of_address(kinds, addr.ip);
}

Test(kinds, blocks_and_networks_have_one)
{
	struct csv_errors errors = {.file = "k.csv"};
	struct kinds *kinds =
	    kinds_open(bytes_of(HEAD "AS14593,satellite,Starlink" REST "1.1.0.0/16,ordinary,A" REST
				     "1.1.1.0/24,anycast,Resolver" REST
				     "2606:4700:4700::/48,anycast,R" REST),
		&errors);

	cr_assert_not_null(kinds);
	cr_expect_eq(kinds_table(kinds)->count, 4);
	cr_expect_eq(kinds_table(kinds)->newest_us, UINT64_C(1795305600000000));
	cr_expect_eq(of_address(kinds, "1.1.1.1")->kind, PLACE_ANYCAST);
	cr_expect_eq(of_address(kinds, "1.1.1.1")->line, 4);
	cr_expect_str_eq(of_address(kinds, "1.1.1.1")->network, "1.1.1.0/24");
	cr_expect_eq(of_address(kinds, "1.1.2.1")->kind, PLACE_ORDINARY);
	cr_expect_null(of_address(kinds, "1.2.0.0"));
	cr_expect_eq(of_address(kinds, "2606:4700:4700::1111")->kind, PLACE_ANYCAST);
	cr_expect_eq(kinds_of_asn(kinds, 14593)->kind, PLACE_SATELLITE);
	cr_expect_str_eq(kinds_of_asn(kinds, 14593)->organisation, "Starlink");
	cr_expect_null(kinds_of_asn(kinds, 0));
	kinds_close(kinds);
	kinds_close(NULL);
}

Test(kinds, every_error_is_told_with_its_line)
{
	static const char text[] = HEAD "1.1.1.1/24,anycast,A" REST   /* 2 */
					"example,anycast,A" REST      /* 3 */
					"AS0,anycast,A" REST          /* 4 */
					"1.1.1.0/24,private,A" REST   /* 5 */
					"1.1.1.0/24,Anycast,A" REST   /* 6 */
					"1.1.1.0/24,anycast," REST    /* 7 */
					"1.1.1.0/24,anycast,A" REST   /* 8: good */
					"1.1.1.0/24,satellite,A" REST /* 9: twice */
					"AS1,anycast,A,sure,s,2026-11-22\n"
					"AS1,anycast,A,low,,2026-11-22\n"
					"AS1,anycast,A,low,s,2026-02-30\n"
					"AS1,anycast,A,low,s\n" /* 13 */
					"AS1,anycast,A" REST    /* 14: good */
					"AS1,satellite,A" REST; /* 15: twice */
	struct tells tells = {0};
	struct err err = {0};
	struct csv_errors errors = {.file = "k.csv",
	    .tell = tells_note,
	    .arg = &tells,
	    .err = &err};

	cr_assert_null(kinds_open(bytes_of(text), &errors));
	cr_expect_eq(tells.count, 12, "%s", tells.text);
	for (unsigned line = 2; line <= 15; line++) {
		char start[24];

		(void)snprintf(start, sizeof(start), "k.csv:%u: ", line);
		cr_expect_eq(strstr(tells.text, start) != NULL, line != 8 && line != 14,
		    "line %u in:\n%s", line, tells.text);
	}
	cr_expect_not_null(strstr(tells.text, "'1.1.1.0/24' stands in line 8 already"));
	cr_expect_not_null(strstr(tells.text, "'AS1' stands in line 14 already"));
	cr_expect_eq(strncmp(err.text, "k.csv:2: ", 9), 0, "%s", err.text);
}

Test(kinds, a_table_of_another_sort_is_refused)
{
	struct tells tells = {0};
	struct csv_errors errors = {.file = "k.csv", .tell = tells_note, .arg = &tells};

	cr_expect_null(kinds_open(bytes_of("asn,organisation,parent\n1,a,b\n"), &errors));
	cr_expect_eq(tells.count, 1);
}
