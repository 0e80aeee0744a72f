/* SPDX-License-Identifier: MIT */
/* Numbers with a unit: "64KB", "3s". */
#include "config/rules_private.h"

#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 9 };

bool
amount_read(const struct reader *reader, const struct yaml_node *node, const struct amount *amount,
    uint64_t *out)
{
	const char *text = reader_text(reader, node);
	uint64_t count, times = 0;
	size_t digits;

	if (text == NULL)
		return false;
	digits = strspn(text, "0123456789");
	count = digits > 0 && digits <= DIGITS_MAX ? strtoull(text, NULL, 10) : 0;
	for (const struct unit *unit = amount->units; unit->name != NULL; unit++) {
		if (strcmp(text + digits, unit->name) == 0)
			times = unit->times;
	}
	if (count == 0 || times == 0 || count > amount->most / times) {
		reader_error(reader, node, "'%.40s' is %s", text, amount->wanted);
		return false;
	}
	*out = count * times;
	return true;
}
