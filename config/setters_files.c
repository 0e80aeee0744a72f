/* SPDX-License-Identifier: MIT */
/* The settings that name a file, and what is read with them. */
#include "config/setters_private.h"

#include "base/err.h"
#include "base/text.h"
#include "config/devices.h"
#include "config/overrides.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"

#include <string.h>

static bool
read_path(struct options_reader *options, const struct yaml_node *node, char out[CONFIG_PATH_MAX])
{
	char path[CONFIG_PATH_MAX];
	struct text text = text_in(out, CONFIG_PATH_MAX);

	if (!reader_line(&options->reader, node, path, sizeof(path)))
		return false;
	text_add(&text, "%s%s", path[0] == '/' ? "" : options->dir, path);
	if (text.cut) {
		reader_error(&options->reader, node, "the path is longer than %d bytes",
		    CONFIG_PATH_MAX - 1);
		return false;
	}
	return true;
}

bool
setter_path(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	(void)option;
	return read_path(options, node, field);
}

bool
setter_file(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	char path[CONFIG_PATH_MAX];
	struct err err;

	if (!read_path(options, node, path))
		return false;
	if (source_check(options->source, path, &err) != 0) {
		reader_error(&options->reader, node, "%s: %s", option->path, err.text);
		return false;
	}
	text_copy(field, CONFIG_PATH_MAX, path);
	return true;
}

bool
setter_store(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	char *path = field;

	if (node->kind != YAML_TEXT || strcmp(node->text, "system") != 0)
		return setter_file(options, option, node, field);
	path[0] = '\0';
	return true;
}

/* A file that is read as a whole; told when false. */
static bool
read_file(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    char path[CONFIG_PATH_MAX], struct bytes *out)
{
	struct err err;

	if (!read_path(options, node, path))
		return false;
	if (source_read(options->source, path, out, &err) != 0) {
		reader_error(&options->reader, node, "%s: %s", option->path, err.text);
		return false;
	}
	return true;
}

bool
setter_table(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	char path[CONFIG_PATH_MAX];
	struct bytes text;

	if (!read_file(options, option, node, path, &text))
		return false;
	text_copy(field, CONFIG_PATH_MAX, path);
	return true;
}

bool
setter_rules(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	const struct yaml_node *element = NULL;
	struct rules **rules = field;
	char path[CONFIG_PATH_MAX];
	bool good = true;

	if (node->kind == YAML_LIST && (node->count < option->min || node->count > option->max)) {
		reader_error(&options->reader, node,
		    "rules must name 1 to %u rule sets: without one everything would be blocked",
		    (unsigned)option->max);
		return false;
	}
	*rules = rules_new();
	if (*rules == NULL) {
		reader_error(&options->reader, node, "no memory for the rules");
		return false;
	}
	while ((element = reader_next(&options->reader, node, element)) != NULL) {
		struct bytes text;

		good = read_file(options, option, element, path, &text) &&
		       rules_add(*rules, path, text, options->reader.problems) == 0 && good;
	}
	rules_prepare(*rules);
	return good;
}

/* What a device shows to servers goes into the seal: a worker opens no file. */
static bool
read_client_files(struct options_reader *options, const char *file, const struct device *device)
{
	const char *const paths[] = {device->client_cert, device->client_key};

	for (size_t i = 0; i < 2; i++) {
		struct bytes bytes;
		struct err err;

		if (paths[i] == NULL || source_read(options->source, paths[i], &bytes, &err) == 0)
			continue;
		problems_error(options->reader.problems, file, device->line, 1,
		    "device '%s': client_cert: %s", device->name, err.text);
		return false;
	}
	return true;
}

bool
setter_devices(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	struct devices **devices = field;
	char path[CONFIG_PATH_MAX];
	struct bytes text;

	if (!read_file(options, option, node, path, &text))
		return false;
	*devices = devices_read(path, text, options->reader.problems);
	if (*devices == NULL)
		return false;
	for (size_t i = 0; i < devices_count(*devices); i++) {
		if (!read_client_files(options, path, devices_at(*devices, i)))
			return false;
	}
	return true;
}

bool
setter_overrides(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	struct overrides **overrides = field;
	char path[CONFIG_PATH_MAX];
	struct bytes text;

	if (!read_file(options, option, node, path, &text))
		return false;
	*overrides = overrides_read(path, text, options->reader.problems);
	return *overrides != NULL;
}
