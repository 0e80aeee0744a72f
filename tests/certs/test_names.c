/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "certs/names.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

static struct bytes
bytes_of(const char *text)
{
	return (struct bytes){.at = (const uint8_t *)text, .left = strlen(text)};
}

struct shape {
	char name[80];
	bool good;
};

ParameterizedTestParameters(names, is_a_host_name)
{
	static struct shape rows[] = {
	    {"a.example", true},
	    {"A-1.Example", true},
	    {"localhost", true},
	    {"xn--bcher-kva.example", true},
	    {"cam_1.lan", true},
	    {"*.a.example", true},
	    {"1.example", true},
	    {"", false},
	    {".", false},
	    {".a.example", false},
	    {"a.example.", false},
	    {"a..example", false},
	    {"-a.example", false},
	    {"a-.example", false},
	    {"a b.example", false},
	    {"a.example/", false},
	    {"*", false},
	    {"*.com", false},
	    {"a.*.example", false},
	    {"*a.b.example", false},
	    {"a*.b.example", false},
	    {"*.*.example", false},
	    {"192.0.2.1", false},
	    {"a.example.1", false},
	    {"b\xc3\xbc"
	     "cher.example",
		false},
	    {"a23456789012345678901234567890123456789012345678901234567890123.b", true},
	    {"a234567890123456789012345678901234567890123456789012345678901234.b", false},
	};

	return cr_make_param_array(struct shape, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(const struct shape *row, names, is_a_host_name)
{
	cr_expect_eq(name_is_dns(bytes_of(row->name)), row->good, "%s", row->name);
}

Test(names, a_name_may_have_253_bytes)
{
	char name[260];

	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	cr_expect(name_is_dns((struct bytes){.at = (const uint8_t *)name, .left = 253}));
	cr_expect_not(name_is_dns((struct bytes){.at = (const uint8_t *)name, .left = 254}));
}

struct match {
	char pattern[40], host[40];
	bool good;
};

ParameterizedTestParameters(names, matches)
{
	static struct match rows[] = {
	    {"a.example", "a.example", true},
	    {"A.Example", "a.eXAMPLE", true},
	    {"a.example", "a.example.", true},
	    {"a.example", "b.example", false},
	    {"a.example", "x.a.example", false},
	    {"x.a.example", "a.example", false},
	    {"*.a.example", "x.a.example", true},
	    {"*.A.example", "X.a.Example.", true},
	    {"*.a.example", "a.example", false},
	    {"*.a.example", "x.y.a.example", false},
	    {"*.a.example", ".a.example", false},
	    {"*.a.example", "*.a.example", false},
	    {"*.com", "a.com", false},
	    {"*", "localhost", false},
	    {"a*.b.example", "ab.b.example", false},
	    {"192.0.2.1", "192.0.2.1", false},
	    {"a.example", "", false},
	    {"a.example", ".", false},
	};

	return cr_make_param_array(struct match, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(const struct match *row, names, matches)
{
	cr_expect_eq(name_matches(bytes_of(row->pattern), row->host), row->good, "%s for %s",
	    row->pattern, row->host);
}

/* GeneralNames: a.example, 192.0.2.1, 2001:db8::1, a mail address. */
static const uint8_t san[] = {0x30, 0x2c, 0x82, 0x09, 'a', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e',
    0x87, 0x04, 0xc0, 0x00, 0x02, 0x01, 0x87, 0x10, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0x01, 0x81, 0x07, 'b', '@', 'c', '.', 'd', 'e', 'f'};

static bool
speaks(const uint8_t *at, size_t count, const char *host, const char *address)
{
	struct addr addr = {0};

	if (address != NULL)
		cr_assert_eq(addr_parse(&addr, address, 0, NULL), 0);
	return san_matches((struct bytes){.at = at, .left = count}, host, &addr);
}

Test(names, entries_are_found_by_kind)
{
	cr_assert_eq(san[1], sizeof(san) - 2);
	cr_expect(speaks(san, sizeof(san), "a.example", NULL));
	cr_expect(speaks(san, sizeof(san), "", "192.0.2.1"));
	cr_expect(speaks(san, sizeof(san), "", "2001:db8::1"));
	cr_expect_not(speaks(san, sizeof(san), "c.def", NULL));
	cr_expect_not(speaks(san, sizeof(san), "", "192.0.2.2"));
	cr_expect_not(speaks(san, sizeof(san), "192.0.2.1", NULL));
}

Test(names, every_prefix_speaks_for_nobody)
{
	for (size_t cut = 0; cut < sizeof(san); cut++)
		cr_expect_not(speaks(san, cut, "a.example", NULL), "%zu bytes", cut);
}

Test(names, no_changed_byte_leads_astray)
{
	uint8_t changed[sizeof(san)];

	for (size_t i = 0; i < sizeof(san); i++) {
		for (unsigned value = 0; value < 256; value++) {
			memcpy(changed, san, sizeof(san));
			changed[i] = (uint8_t)value;
			/* Only a byte of the name itself makes another name. */
			cr_expect_not(speaks(changed, sizeof(san), "evil.example", NULL));
			if (i < 13 && value != san[i] && (value | 0x20) != san[i])
				cr_expect_not(speaks(changed, sizeof(san), "a.example", NULL),
				    "byte %zu as %u", i, value);
		}
	}
}
