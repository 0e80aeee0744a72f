/* SPDX-License-Identifier: MIT */
#include "base/suffixes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

Test(suffixes, the_longest_at_a_label_counts)
{
	static const char *const list[] = {"example.com", "cam.Example.com", "net", "a-b_c.net"};
	static const struct {
		const char *name;
		int64_t value;
	} rows[] = {
	    {"example.com", 0},
	    {"EXAMPLE.COM", 0},
	    {"example.com.", 0},
	    {"www.example.com", 0},
	    {"myexample.com", SUFFIX_NONE},
	    {"cam.example.com", 1},
	    {"x.cam.EXAMPLE.com", 1},
	    {"xcam.example.com", 0},
	    {"example.com.org", SUFFIX_NONE},
	    {"com", SUFFIX_NONE},
	    {"net", 2},
	    {"any.net", 2},
	    {"x.A-b_c.net", 3},
	    {"", SUFFIX_NONE},
	    {".", SUFFIX_NONE},
	    {".net", 2},
	    {"net..", SUFFIX_NONE},
	};
	struct suffixes suffixes = {0};
	char over[300];

	cr_expect_eq(suffixes_find(&suffixes, "example.com"), SUFFIX_NONE);
	for (uint32_t i = 0; i < 4; i++)
		cr_assert_eq(suffixes_add(&suffixes, list[i], i), SUFFIX_NONE);
	cr_expect_eq(suffixes_add(&suffixes, "EXAMPLE.com", 9), 0, "it is there");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(suffixes_find(&suffixes, rows[i].name), rows[i].value, "%s",
		    rows[i].name);
	memset(over, 'a', sizeof(over));
	(void)snprintf(over + 280, 5, ".net");
	cr_expect_eq(suffixes_find(&suffixes, over), SUFFIX_NONE, "no name is that long");
	suffixes_free(&suffixes);
}

Test(suffixes, grow)
{
	struct suffixes suffixes = {0};
	char name[32];

	for (uint32_t i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		cr_assert_eq(suffixes_add(&suffixes, name, i), SUFFIX_NONE);
	}
	for (uint32_t i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "www.n%u.example", i);
		cr_assert_eq(suffixes_find(&suffixes, name), i);
	}
	suffixes_free(&suffixes);
}

Test(suffixes, have_a_form)
{
	static const char *const good[] = {"com", "a.b", "x-y.z_1", "1.2.3"};
	static const char *const bad[] = {"", ".", ".com", "com.", "a..b", "a b", "a/b", "*.com",
	    "\xc3\xa4.de"};
	char label[70];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		cr_expect(suffix_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(suffix_valid(bad[i]), "%s", bad[i]);
	memset(label, 'a', sizeof(label));
	label[64] = '\0';
	cr_expect_not(suffix_valid(label));
	label[63] = '\0';
	cr_expect(suffix_valid(label));
}
