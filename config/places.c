/* SPDX-License-Identifier: MIT */
#include "config/places.h"

#include <string.h>

enum { TOLD_MAX = 3 }; /* one that stands in more places is told of these */

/* A place but the configuration's own file, whose keys are told by their path. */
static const struct {
	const char *(*key)(size_t index);
	const char *name;
} places[] = {
    {device_key, "a device"},
    {device_group_key, "a group of devices"},
    {ruleset_key, "a rule set"},
    {rule_key, "a rule"},
    {match_key_name, "a rule's match"},
};

static void
add(struct text *out, size_t *told)
{
	text_add(out, "%s", *told > 0 ? " or " : "");
	++*told;
}

/* How far a path goes to where it ends in key; 0: it does nowhere.  Sections are
 * keys too: "camera" is the end of "tls.camera". */
static size_t
path_to(const char *path, const char *key)
{
	size_t at = 0;

	while (path[at] != '\0') {
		size_t size = strcspn(path + at, ".");
		char part[64];

		text_copy(part, size < sizeof(part) ? size + 1 : sizeof(part), path + at);
		at += size;
		if (text_same_parts(key, part))
			return at;
		at += path[at] == '.';
	}
	return 0;
}

/* Those of a section stand together in the table: it is told once. */
static void
tell_options(const char *key, struct text *out, size_t *told)
{
	const char *path, *last = "";
	size_t last_size = 0;

	for (size_t i = 0; *told < TOLD_MAX && (path = option_key(i)) != NULL; i++) {
		size_t size = path_to(path, key);

		if (size == 0 || (size == last_size && strncmp(path, last, size) == 0))
			continue;
		add(out, told);
		text_add(out, "'%.*s'", (int)size, path);
		last = path;
		last_size = size;
	}
}

static const char *
key_in(const char *(*key)(size_t index), const char *wanted)
{
	const char *name;

	for (size_t i = 0; (name = key(i)) != NULL; i++) {
		if (text_same_parts(wanted, name))
			return name;
	}
	return NULL;
}

bool
places_tell(const char *key, struct text *out)
{
	size_t told = 0;

	tell_options(key, out, &told);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && told < TOLD_MAX; i++) {
		const char *name = key_in(places[i].key, key);

		if (name == NULL)
			continue;
		add(out, &told);
		text_add(out, "'%s' of %s", name, places[i].name);
	}
	return told > 0;
}
