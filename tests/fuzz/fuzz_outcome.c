/* SPDX-License-Identifier: MIT */
/* What the checker hands to the supervisor, which speaks for the appliance. */
#include "proxy/outcome.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {0};
	size_t errors = 0;

	if (outcome_read((struct bytes){data, size}, &problems, NULL) != 0 &&
	    (problems.count != 0 || problems.errors != 0))
		abort();
	for (size_t i = 0; i < problems.count; i++)
		errors += !problems.list[i].warning;
	if (errors > problems.errors)
		abort();
	problems_free(&problems);
	return 0;
}
