/* SPDX-License-Identifier: MIT */
#include "config/devices_private.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"

#include <stdlib.h>
#include <string.h>

enum { LEARNED_MAX = 100 * 1000, LINE_MAX_BYTES = 128 };

struct learning {
	const char *file;
	struct problems *problems;
	struct devices *devices;
	size_t room;
	unsigned line;
};

static bool
read_line(const char *text, struct device *device)
{
	const char *space = strchr(text, ' ');
	char key[ADDR_TEXT_MAX];

	*device = (struct device){0};
	if (space == NULL || (size_t)(space - text) >= sizeof(key) ||
	    !device_name_is_good(space + 1))
		return false;
	memcpy(key, text, (size_t)(space - text));
	key[space - text] = '\0';
	text_copy(device->name, sizeof(device->name), space + 1);
	if (mac_parse(key, device->mac, sizeof(device->mac)))
		return true;
	device->ip_count = 1;
	return addr_parse(&device->ip[0], key, 0, NULL) == 0 && device->ip[0].port == 0;
}

/* devices.yaml has the name: of this camera, or of another. */
static bool
is_taken(const struct learning *learning, const struct device *device)
{
	const struct device *known = devices_named_in_file(learning->devices, device->name);

	if (known == NULL)
		return false;
	if (!mac_is_set(device->mac) || memcmp(known->mac, device->mac, MAC_BYTES) != 0)
		problems_warning(learning->problems, learning->file, 0, 0,
		    "the learned name '%s' is another camera's in %.300s: it is left out",
		    device->name, learning->devices->file);
	return true;
}

static int
add_line(struct learning *learning, const char *text)
{
	struct devices *devices = learning->devices;
	struct device device;

	if (!read_line(text, &device)) {
		problems_error(learning->problems, learning->file, learning->line, 1,
		    "this is no MAC or address with a name");
		return -1;
	}
	if (is_taken(learning, &device))
		return 0;
	if (devices->learned_count == learning->room)
		return 0;
	devices->learned[devices->learned_count++] = device;
	return 0;
}

static size_t
count_lines(struct bytes text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.left; i++)
		count += text.at[i] == '\n';
	return count < LEARNED_MAX ? count : LEARNED_MAX;
}

static int
read_lines(struct learning *learning, struct bytes text)
{
	char line[LINE_MAX_BYTES];
	size_t used = 0;
	uint8_t byte;

	while (bytes_u8(&text, &byte)) {
		if (byte != '\n' && used < sizeof(line) - 1) {
			line[used++] = (char)byte;
			continue;
		}
		line[used] = '\0';
		learning->line++;
		if (byte != '\n' || strlen(line) != used)
			line[0] = '\0'; /* too long, or with a NUL: none of ours */
		if (add_line(learning, line) != 0)
			return -1;
		used = 0;
	}
	return used == 0 ? 0 : add_line(learning, "");
}

/* By name: the first keeps it. */
static void
drop_twins(struct devices *devices)
{
	size_t kept = 0;

	devices_sort(devices->learned, devices->learned_count);
	for (size_t i = 0; i < devices->learned_count; i++) {
		if (kept > 0 &&
		    strcmp(devices->learned[kept - 1].name, devices->learned[i].name) == 0)
			continue;
		devices->learned[kept++] = devices->learned[i];
	}
	devices->learned_count = kept;
}

static void
forget_learned(struct devices *devices)
{
	free(devices->learned);
	devices->learned = NULL;
	devices->learned_count = 0;
	devices->by[KEY_LEARNED_MAC].count = devices->by[KEY_LEARNED_IP].count = 0;
}

int
devices_learn(struct devices **devices, const char *file, struct bytes text,
    struct problems *problems)
{
	struct learning learning = {.file = file, .problems = problems};

	if (*devices == NULL)
		*devices = calloc(1, sizeof(**devices));
	if (*devices == NULL)
		goto nomem;
	forget_learned(*devices);
	learning.devices = *devices;
	learning.room = count_lines(text);
	(*devices)->learned = calloc(learning.room, sizeof(*(*devices)->learned));
	if ((*devices)->learned == NULL)
		goto nomem;
	if (read_lines(&learning, text) != 0) {
		forget_learned(*devices);
		return -1;
	}
	drop_twins(*devices);
	if (devices_index_learned(*devices) == 0)
		return 0;
nomem:
	problems_error(problems, file, 0, 0, "no memory for the learned names");
	return -1;
}
