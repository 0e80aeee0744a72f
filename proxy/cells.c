/* SPDX-License-Identifier: MIT */
#include "proxy/cells.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SAFE_MAX = 2048, /* escaped: a byte may become four */
	BYTES_WIDTH = 7,
};

/* Pad or cut to width signs; text is safe to print. */
static void
put(const char *text, size_t width, bool right)
{
	size_t signs = 0, bytes = 0, size = strlen(text);

	while (bytes < size && signs < width) {
		size_t step = text_utf8(text + bytes, size - bytes);

		bytes += step > 0 ? step : 1;
		signs++;
	}
	if (right)
		(void)printf("%*s", (int)(width - signs), "");
	(void)printf("%.*s", (int)bytes, text);
	if (!right)
		(void)printf("%*s", (int)(width - signs), "");
	(void)fputs("  ", stdout);
}

static const char *
safe(const char *from, char out[SAFE_MAX])
{
	struct text text = text_in(out, SAFE_MAX);

	text_add_untrusted(&text, from, strlen(from));
	return out;
}

void
cell_text(const char *text, size_t width)
{
	char line[SAFE_MAX];

	put(text[0] != '\0' ? safe(text, line) : "-", width, false);
}

void
cell_right(const char *text, size_t width)
{
	put(text, width, true);
}

void
cell_bytes(uint64_t bytes)
{
	static const char units[] = " kMGTPE";
	double value = (double)bytes;
	size_t unit = 0;
	char text[32];

	while (value >= 1000 && units[unit + 1] != '\0') {
		value /= 1000;
		unit++;
	}
	if (unit == 0)
		(void)snprintf(text, sizeof(text), "%.0f", value);
	else
		(void)snprintf(text, sizeof(text), "%.1f%c", value, units[unit]);
	cell_right(text, BYTES_WIDTH);
}

void
cell_last(const char *text)
{
	char line[SAFE_MAX];

	(void)puts(safe(text, line));
}

bool
cells_coloured(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');
}
