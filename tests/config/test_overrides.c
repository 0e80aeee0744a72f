/* SPDX-License-Identifier: MIT */
#include "config/overrides.h"

#include "config/problems.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "overrides:\n"
#define SAID "    who: jane\n    when: 2026-11-20\n    why: contract 17\n"

static struct bytes
bytes_of(const char *text)
{
	return (struct bytes){.at = (const uint8_t *)text, .left = strlen(text)};
}

static struct overrides *
read_good(const char *text)
{
	struct problems problems = {0};
	struct overrides *overrides =
	    overrides_read("/etc/overrides.yaml", bytes_of(text), &problems);

	cr_assert_not_null(overrides, "%s",
	    problems.count > 0 ? problems.list[0].text : "no problem told");
	cr_expect_eq(problems.count, 0);
	problems_free(&problems);
	return overrides;
}

static const struct override *
of_address(const struct overrides *overrides, const char *address, unsigned facts)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, address, 0, NULL), 0);
	return overrides_of_address(overrides, addr.ip, facts);
}

Test(overrides, all_that_can_be_told)
{
	struct overrides *overrides = read_good(HEAD
	    "  - prefix: [203.0.113.0/24, 2001:db8:5::/48]\n"
	    "    located: DE\n    registered: [NL, BE]\n    operator: unknown\n"
	    "    org: Example GmbH\n    vendor: Example Cloud\n" SAID
	    "  - {asn: [AS64496, 64497], operator: NO, who: ole, when: 2026-01-02, why: x}\n"
	    "  - {name: cam.example, vendor: Hikvision, who: j, when: 2026-01-02, why: x}\n"
	    "  - {prefix: 203.0.113.8/29, kind: satellite, who: j, when: 2026-01-02, why: dish}\n"
	    "  - {prefix: 1.1.1.0/24, kind: ordinary, who: j, when: 2026-01-02, why: x}\n"
	    "  - {prefix: 10.0.0.0/8, kind: ordinary, located: FR, who: j, when: 2026-01-02, why: x}\n");
	const struct override *found = of_address(overrides, "203.0.113.1", OVERRIDE_WHERE);

	cr_assert_not_null(found);
	cr_expect_eq(found->line, 2);
	cr_expect_eq(found->kind, PLACE_ORDINARY);
	cr_expect_str_eq(found->located.iso[0], "DE");
	cr_expect_eq(found->registered.count, 2);
	cr_expect_eq(found->operator.count, 0);
	cr_expect_eq(found->tells, OVERRIDE_LOCATED | OVERRIDE_REGISTERED | OVERRIDE_OPERATOR |
				       OVERRIDE_ORG | OVERRIDE_VENDOR);
	cr_expect_str_eq(found->org, "Example GmbH");
	cr_expect_str_eq(found->vendor, "Example Cloud");
	cr_expect_str_eq(found->who, "jane");
	cr_expect_str_eq(found->when, "2026-11-20");
	cr_expect_str_eq(found->why, "contract 17");
	cr_expect_eq(of_address(overrides, "2001:db8:5::1", OVERRIDE_ORG), found);
	cr_expect_eq(of_address(overrides, "203.0.113.9", OVERRIDE_ORG), found);
	found = of_address(overrides, "203.0.113.9", OVERRIDE_WHERE);
	cr_expect_eq(found->kind, PLACE_SATELLITE);
	cr_expect_eq(of_address(overrides, "1.1.1.1", OVERRIDE_WHERE)->tells, OVERRIDE_KIND);
	found = overrides_of_asn(overrides, 64497, OVERRIDE_OPERATOR);
	cr_assert_not_null(found);
	cr_expect_str_eq(found->operator.iso[0], "NO", "Norway is a country");
	cr_expect_eq(overrides_of_asn(overrides, 64496, OVERRIDE_OPERATOR), found);
	cr_expect_str_eq(overrides_of_name(overrides, "a.cam.example")->vendor, "Hikvision");
	overrides_free(overrides);
}

Test(overrides, there_may_be_none)
{
	overrides_free(read_good("overrides: []\n"));
}

Test(overrides, what_is_wrong_is_told_where_it_stands)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *told;
	} rows[] = {
	    {"", 1, 1, "the file is empty"},
	    {"{}\n", 1, 1, "the file needs 'overrides'"},
	    {"overides: []\n", 1, 1, "did you mean 'overrides'?"},
	    {"overrides: {}\n", 1, 12, "must be a list of at most"},
	    {HEAD "  - 1.2.3.4\n", 2, 5, "an override must be a mapping"},
	    {HEAD "  - prefix: 1.2.3.0/24\n" SAID, 2, 5, "must tell something"},
	    {HEAD "  - located: DE\n" SAID, 2, 5, "is of one: prefix, asn or name"},
	    {HEAD "  - prefix: 1.2.3.4\n    asn: 1\n    located: DE\n" SAID, 2, 5, "is of one:"},
	    {HEAD "  - prefix: 1.2.3.4/24\n    located: DE\n" SAID, 2, 13, "bits set behind"},
	    {HEAD "  - prefix: 1.2.3.4/33\n    located: DE\n" SAID, 2, 13,
		"is not a prefix length"},
	    {HEAD "  - prefix: example.com\n    located: DE\n" SAID, 2, 13, "example.com"},
	    {HEAD "  - prefix: []\n    located: DE\n" SAID, 2, 13, "the list is empty"},
	    {HEAD "  - prefix: {a: b}\n    located: DE\n" SAID, 2, 13, "must be a list"},
	    {HEAD "  - asn: 0\n    located: DE\n" SAID, 2, 10, "'0' is no AS number"},
	    {HEAD "  - asn: AS4294967296\n    located: DE\n" SAID, 2, 10, "is no AS number"},
	    {HEAD "  - name: \"*.example\"\n    vendor: X\n" SAID, 2, 11, "is no server name"},
	    {HEAD "  - name: a.example\n    located: DE\n" SAID, 2, 5, "of a name only 'vendor'"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: UK\n" SAID, 3, 14, "GB"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: de\n" SAID, 3, 14, "'de' is no country"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: false\n" SAID, 3, 14, "'false' is no country"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: []\n" SAID, 3, 14, "write unknown"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: [DE, unknown]\n" SAID, 3, 19,
		"'unknown' is no"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: [DE, FR, IT, ES, PT]\n" SAID, 3, 31,
		"more than 4 countries"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: DE\n    kind: anycast\n" SAID, 2, 5,
		"cannot both be told"},
	    {HEAD "  - prefix: 1.2.3.4\n    kind: anicast\n" SAID, 3, 11,
		"did you mean 'anycast'?"},
	    {HEAD "  - prefix: 1.2.3.4\n    locatd: DE\n" SAID, 3, 5, "did you mean 'located'?"},
	    {HEAD "  - prefix: 1.2.3.4\n    located: DE\n", 2, 5, "an override needs 'who'"},
	    {HEAD "  - {asn: 1, located: DE, who: j, when: 2026-02-30, why: x}\n", 2, 41,
		"'2026-02-30' is no date"},
	    {HEAD "  - {asn: 1, located: DE, who: j, when: yesterday, why: x}\n", 2, 41,
		"is no date"},
	    {HEAD "  - {asn: 1, located: DE, who: \"\", when: 2026-01-01, why: x}\n", 2, 32,
		"who must be text"},
	    {HEAD "  - {asn: 1, located: DE, who: 01234567890123456789012345678901, when: "
		  "2026-01-01, why: x}\n",
		2, 32, "who is longer than 31 bytes"},
	    {HEAD "  - asn: 1\n    located: DE\n" SAID "  - asn: AS1\n    org: x\n" SAID, 7, 1,
		"AS1 is here twice (first on line 2)"},
	    {HEAD "  - prefix: [1.2.3.0/24, 1.2.3.0/24]\n    located: DE\n" SAID, 2, 1,
		"the block at 1.2.3.0 is here twice (first on line 2)"},
	    {HEAD "  - name: a.example\n    vendor: x\n" SAID
		  "  - name: A.example\n    vendor: y\n" SAID,
		7, 11, "here twice (first on line 2)"},
	    {HEAD "  - &a {asn: 1, located: DE, who: j, when: 2026-01-01, why: x}\n", 2, 5,
		"anchors"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		const struct problem *problem;

		cr_assert_null(overrides_read("o.yaml", bytes_of(rows[i].text), &problems), "%s",
		    rows[i].text);
		cr_assert_geq(problems.count, 1);
		problem = &problems.list[0];
		cr_expect_not_null(strstr(problem->text, rows[i].told), "%s\n%s", rows[i].text,
		    problem->text);
		cr_expect_eq(problem->line, rows[i].line, "%s\n%u: %s", rows[i].text, problem->line,
		    problem->text);
		cr_expect_eq(problem->column, rows[i].column, "%s\n%u: %s", rows[i].text,
		    problem->column, problem->text);
		problems_free(&problems);
	}
}

Test(overrides, all_errors_are_told)
{
	struct problems problems = {0};

	cr_expect_null(overrides_read("o.yaml",
	    bytes_of(HEAD "  - {asn: 1, located: UK, who: j, when: x, why: x}\n"
			  "  - {prefix: 1.2.3, located: DE, who: j, when: 2026-01-01, why: x}\n"),
	    &problems));
	cr_expect_eq(problems.errors, 3);
	problems_free(&problems);
}

Test(overrides, every_prefix_of_a_file_is_read_or_refused)
{
	static const char whole[] =
	    HEAD "  - prefix: [203.0.113.0/24, 2001:db8:5::/48]\n"
		 "    located: [DE, FR]\n    kind: ordinary\n" SAID
		 "  - {name: a.b, vendor: c, who: j, when: 2026-01-02, why: x}\n";

	for (size_t size = 0; size < sizeof(whole); size++) {
		char *copy = malloc(size > 0 ? size : 1);
		struct problems problems = {0};
		struct overrides *overrides;

		cr_assert_not_null(copy);
		memcpy(copy, whole, size);
		overrides = overrides_read("o.yaml",
		    (struct bytes){.at = (const uint8_t *)copy, .left = size}, &problems);
		cr_expect_eq(overrides == NULL, problems.errors > 0);
		overrides_free(overrides);
		problems_free(&problems);
		free(copy);
	}
}

Test(overrides, every_changed_byte_is_read_or_refused)
{
	static const char whole[] =
	    HEAD "  - {prefix: 1.2.3.0/24, located: [DE, FR], who: j, when: "
		 "2026-01-02, why: x}\n";
	char copy[sizeof(whole)];

	for (size_t at = 0; at < sizeof(whole) - 1; at++) {
		for (unsigned change = 1; change < 256; change += 6) {
			struct problems problems = {0};
			struct overrides *overrides;

			memcpy(copy, whole, sizeof(whole));
			copy[at] = (char)((unsigned char)copy[at] ^ change);
			overrides = overrides_read("o.yaml",
			    (struct bytes){.at = (const uint8_t *)copy, .left = sizeof(whole) - 1},
			    &problems);
			cr_expect_eq(overrides == NULL, problems.errors > 0);
			overrides_free(overrides);
			problems_free(&problems);
		}
	}
}

Test(overrides, the_example_of_the_document_is_good)
{
	static const char begin[] = "```yaml\noverrides:\n";
	char path[512], *text = NULL, *end;
	const char *from;
	size_t room = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/docs/geo.md", PROJECT_DIR);
	file = fopen(path, "re");
	cr_assert_not_null(file);
	cr_assert_gt(getdelim(&text, &room, '\0', file), 0);
	(void)fclose(file);
	from = strstr(text, begin);
	cr_assert_not_null(from);
	end = strstr(from, "\n```\n");
	cr_assert_not_null(end);
	end[1] = '\0';
	overrides_free(read_good(strstr(from, "overrides:")));
	free(text);
}
