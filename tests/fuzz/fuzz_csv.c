/* SPDX-License-Identifier: MIT */
#include "geo/kinds.h"
#include "geo/operators.h"
#include "geo/vendors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
expect(bool held)
{
	if (!held)
		abort();
}

static void
on_error(const char *file, unsigned line, const char *text, void *arg)
{
	unsigned *count = arg;

	expect(strcmp(file, "fuzz.csv") == 0 && line > 0 && text[0] != '\0');
	(*count)++;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bytes in = {.at = bytes, .left = size};
	unsigned errors = 0;
	struct operators *operators = operators_open(in,
	    &(struct csv_errors){.file = "fuzz.csv", .tell = on_error, .arg = &errors});
	static const uint8_t ip[16] = {[10] = 0xff, 0xff, 1, 1, 1, 1};
	struct vendors *vendors;
	struct kinds *kinds;

	expect((operators == NULL) == (errors > 0));
	if (operators != NULL)
		(void)operators_find(operators, 45102);
	operators_close(operators);
	errors = 0;
	vendors = vendors_open(in,
	    &(struct csv_errors){.file = "fuzz.csv", .tell = on_error, .arg = &errors});
	expect((vendors == NULL) == (errors > 0));
	if (vendors != NULL)
		(void)vendors_find(vendors, "dev.hik-connect.com");
	vendors_close(vendors);
	errors = 0;
	kinds = kinds_open(in,
	    &(struct csv_errors){.file = "fuzz.csv", .tell = on_error, .arg = &errors});
	expect((kinds == NULL) == (errors > 0));
	if (kinds != NULL)
		(void)kinds_of_address(kinds, ip);
	kinds_close(kinds);
	return 0;
}
