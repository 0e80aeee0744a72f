/* SPDX-License-Identifier: MIT */
/* An overrides.yaml, and what it says of some addresses. */
#include "config/overrides.h"
#include "config/problems.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct overrides *overrides)
{
	static const uint8_t ips[][16] = {{0}, {[10] = 0xff, 0xff, 203, 0, 113, 9},
	    {0x20, 0x01, 0x0d, 0xb8, 0, 5}};

	for (size_t i = 0; i < sizeof(ips) / sizeof(ips[0]); i++) {
		const struct override *found =
		    overrides_of_address(overrides, ips[i], OVERRIDE_WHERE);
		char basis[FACTS_BASIS_MAX];

		if (found == NULL)
			continue;
		assert((found->tells & OVERRIDE_WHERE) != 0);
		assert(found->kind == PLACE_ORDINARY || found->located.count == 0);
		assert(found->who[0] != '\0' && found->when[0] != '\0' && found->why[0] != '\0');
		assert(strlen(override_basis(overrides, found, basis)) < sizeof(basis));
	}
	(void)overrides_of_asn(overrides, 64496, OVERRIDE_OPERATOR);
	(void)overrides_of_name(overrides, "www.cam.example");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {0};
	struct overrides *overrides = overrides_read("f", (struct bytes){data, size}, &problems);

	assert((overrides == NULL) == (problems.errors > 0));
	ask(overrides);
	overrides_free(overrides);
	problems_free(&problems);
	return 0;
}
