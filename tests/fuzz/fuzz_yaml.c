/* SPDX-License-Identifier: MIT */
/* borderlens.yaml as a whole, with a rule set, devices and files beside it. */
#include "base/err.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put(struct source *source, const char *path, const void *at, size_t size)
{
	struct err err;

	if (source_put(source, path, (struct bytes){at, size}, &err) != 0)
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char rules[] =
	    "ruleset: r\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n";
	struct source *source = source_from_memory();
	struct problems problems = {0};
	struct config *config;

	if (source == NULL)
		return 0;
	put(source, "/e/b.yaml", data, size);
	put(source, "/e/r.yaml", rules, sizeof(rules) - 1);
	/* The same bytes as devices: both readers see them. */
	put(source, "/e/d.yaml", data, size);
	put(source, "/e/f", "", 0);
	config = config_load("/e/b.yaml", source, &problems);
	assert((config == NULL) == (problems.errors > 0));
	config_free(config);
	problems_free(&problems);
	source_free(source);
	return 0;
}
