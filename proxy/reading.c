/* SPDX-License-Identifier: MIT */
#include "proxy/reading.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/commands.h"
#include "proxy/control.h"
#include "proxy/load.h"
#include "record/store.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int
reading_config(const char *path, struct config **config)
{
	struct problems problems = {0};
	struct source *source = source_from_disk();

	*config = source != NULL ? config_load(path, source, &problems) : NULL;
	if (*config == NULL)
		problems_print(&problems);
	source_free(source);
	problems_free(&problems);
	return *config != NULL ? -1 : EXIT_CONFIG;
}

int
reading_find(struct reading *reading, const char *path)
{
	struct config *config;
	int code = reading_config(path, &config);

	if (code >= 0)
		return code;
	text_copy(reading->state_dir, sizeof(reading->state_dir), config->state_dir);
	text_copy(reading->run_dir, sizeof(reading->run_dir), config->run_dir);
	text_copy(reading->eve, sizeof(reading->eve), config->record.eve);
	config_free(config);
	return -1;
}

int
reading_store(const char *state_dir, struct store **store)
{
	char file[PATH_MAX];
	struct err err = {0};

	(void)snprintf(file, sizeof(file), "%s/" STORE_FILE, state_dir);
	if (access(file, F_OK) != 0 && errno == ENOENT) {
		(void)fprintf(stderr,
		    "borderlens: %s: no record yet: the appliance makes it at its first start\n",
		    file);
		return EXIT_FAILED;
	}
	*store = store_open(file, STORE_READ, &err);
	if (*store != NULL)
		return -1;
	(void)fprintf(stderr, "borderlens: %s: %s\n", file, err.text);
	return EXIT_FAILED;
}

int
reading_open(struct reading *reading, const char *path, struct store **store)
{
	int code = reading_find(reading, path);

	return code >= 0 ? code : reading_store(reading->state_dir, store);
}

/* ---- the appliance's socket ---- */

/* What stands behind the key run_dir in text that is no YAML: up to the line's
 * end, a comma or a comment, without quotes. */
static bool
guess_run_dir(struct bytes bytes, char out[CONFIG_PATH_MAX])
{
	static const char key[] = "run_dir";
	const char *text = (const char *)bytes.at;
	const char *at = bytes.left > 0 ? memmem(text, bytes.left, key, sizeof(key) - 1) : NULL;
	const char *end = text + bytes.left;
	size_t size = 0;

	if (at == NULL)
		return false;
	for (at += sizeof(key) - 1; at < end && strchr("\"': \t", *at) != NULL; at++)
		;
	while (at + size < end && strchr("\"',}# \t\r\n", at[size]) == NULL)
		size++;
	if (at == end || *at != '/' || size >= CONFIG_PATH_MAX)
		return false;
	memcpy(out, at, size);
	out[size] = '\0';
	return true;
}

static bool
find_run_dir(const char *path, char out[CONFIG_PATH_MAX], struct problems *problems)
{
	struct source *source = source_from_disk();
	struct config *config = source != NULL ? config_read(path, source, NULL, problems) : NULL;
	struct bytes text;
	bool found = config != NULL && config->run_dir[0] != '\0';

	if (found)
		text_copy(out, CONFIG_PATH_MAX, config->run_dir);
	else if (config != NULL && source_read(source, config->path, &text, NULL) == 0)
		found = guess_run_dir(text, out);
	config_free(config);
	source_free(source);
	return found;
}

int
reading_control(const char *path, char *out, size_t size)
{
	struct problems problems = {0};
	char run_dir[CONFIG_PATH_MAX];
	int code = -1;

	if (!find_run_dir(path, run_dir, &problems)) {
		problems_print(&problems);
		code = EXIT_CONFIG;
	} else if (control_path(run_dir, out, size) == NULL) {
		(void)fputs("borderlens: run_dir is too long\n", stderr);
		code = EXIT_CONFIG;
	}
	problems_free(&problems);
	return code;
}
