/* SPDX-License-Identifier: MIT */
#include "base/overrides.h"

#include <criterion/criterion.h>
#include <string.h>

static uint32_t
add(struct overrides *overrides, unsigned line, unsigned tells)
{
	struct override override = {.line = line,
	    .tells = tells,
	    .org = "",
	    .vendor = "",
	    .who = "jane",
	    .when = "2026-11-20",
	    .why = "contract 17"};
	int64_t index = overrides_add(overrides, &override);

	cr_assert_geq(index, 0);
	return (uint32_t)index;
}

static void
add_block(struct overrides *overrides, const char *text, uint32_t index)
{
	struct prefix prefix;

	cr_assert_eq(prefix_parse(&prefix, text, NULL), 0);
	cr_assert_eq(blocks_add(&overrides->blocks, &prefix, index), 0);
}

static unsigned
line_of(const struct overrides *overrides, const char *address, unsigned facts)
{
	const struct override *override;
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, address, 0, NULL), 0);
	override = overrides_of_address(overrides, addr.ip, facts);
	return override == NULL ? 0 : override->line;
}

Test(overrides, the_longest_block_that_tells_a_fact_counts)
{
	struct overrides *overrides = overrides_new("/etc/borderlens/overrides.yaml");

	cr_assert_not_null(overrides);
	add_block(overrides, "10.0.0.0/8", add(overrides, 2, OVERRIDE_WHERE | OVERRIDE_OPERATOR));
	add_block(overrides, "10.1.0.0/16", add(overrides, 7, OVERRIDE_OPERATOR));
	add_block(overrides, "10.1.2.0/24", add(overrides, 12, OVERRIDE_VENDOR));
	overrides_prepare(overrides);
	cr_expect_eq(line_of(overrides, "10.1.2.3", OVERRIDE_VENDOR), 12);
	cr_expect_eq(line_of(overrides, "10.1.2.3", OVERRIDE_OPERATOR), 7);
	cr_expect_eq(line_of(overrides, "10.1.2.3", OVERRIDE_WHERE), 2);
	cr_expect_eq(line_of(overrides, "10.1.2.3", OVERRIDE_WHERE | OVERRIDE_OPERATOR), 7);
	cr_expect_eq(line_of(overrides, "10.2.0.0", OVERRIDE_OPERATOR), 2);
	cr_expect_eq(line_of(overrides, "10.2.0.0", OVERRIDE_REGISTERED), 0);
	cr_expect_eq(line_of(overrides, "11.0.0.0", OVERRIDE_OPERATOR), 0);
	overrides_free(overrides);
}

Test(overrides, know_networks_and_names)
{
	struct overrides *overrides = overrides_new("o.yaml");
	const struct override *found;

	cr_assert_not_null(overrides);
	cr_assert_eq(numbers_add(&overrides->asns, 64496, add(overrides, 3, OVERRIDE_ORG)), 0);
	cr_assert_eq(suffixes_add(&overrides->names, "cam.example",
			 add(overrides, 5, OVERRIDE_VENDOR)),
	    SUFFIX_NONE);
	overrides_prepare(overrides);
	found = overrides_of_asn(overrides, 64496, OVERRIDE_ORG);
	cr_assert_not_null(found);
	cr_expect_eq(found->line, 3);
	cr_expect_str_eq(found->why, "contract 17");
	cr_expect_null(overrides_of_asn(overrides, 64496, OVERRIDE_WHERE));
	cr_expect_null(overrides_of_asn(overrides, 64497, OVERRIDE_ORG));
	cr_expect_null(overrides_of_asn(overrides, 0, OVERRIDE_ORG));
	found = overrides_of_name(overrides, "a.CAM.example");
	cr_assert_not_null(found);
	cr_expect_eq(found->line, 5);
	cr_expect_null(overrides_of_name(overrides, "example"));
	overrides_free(overrides);
}

Test(overrides, none_tell_nothing)
{
	static const uint8_t ip[16];

	cr_expect_null(overrides_of_address(NULL, ip, OVERRIDE_WHERE));
	cr_expect_null(overrides_of_asn(NULL, 1, OVERRIDE_WHERE));
	cr_expect_null(overrides_of_name(NULL, "a"));
	overrides_free(NULL);
}

Test(overrides, a_basis_names_who_and_when)
{
	char name[200], out[FACTS_BASIS_MAX];
	struct overrides *overrides = overrides_new("/etc/borderlens/overrides.yaml");
	struct override override = {.line = 4294967295,
	    .who = "0123456789012345678901234567890",
	    .when = "2026-11-20"};

	cr_assert_not_null(overrides);
	cr_expect_str_eq(override_basis(overrides, &override, out),
	    "overrides.yaml:4294967295 (0123456789012345678901234567890, 2026-11-20)");
	overrides_free(overrides);
	memset(name, 'x', sizeof(name));
	name[199] = '\0';
	overrides = overrides_new(name);
	cr_assert_not_null(overrides);
	override_basis(overrides, &override, out);
	cr_expect_eq(strlen(out), FACTS_BASIS_MAX - 1);
	cr_expect_not_null(
	    strstr(out, ":4294967295 (0123456789012345678901234567890, 2026-11-20)"));
	overrides_free(overrides);
}
