/* SPDX-License-Identifier: MIT */
#include "proxy/reading.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/commands.h"
#include "proxy/load.h"
#include "record/store.h"

#include <limits.h>
#include <stdio.h>

int
reading_find(struct reading *reading, const char *path)
{
	struct problems problems = {0};
	struct source *source = source_from_disk();
	struct config *config = source != NULL ? config_load(path, source, &problems) : NULL;
	int code = EXIT_CONFIG;

	if (config == NULL) {
		problems_print(&problems);
	} else {
		text_copy(reading->state_dir, sizeof(reading->state_dir), config->state_dir);
		text_copy(reading->run_dir, sizeof(reading->run_dir), config->run_dir);
		text_copy(reading->eve, sizeof(reading->eve), config->record.eve);
		code = -1;
	}
	config_free(config);
	source_free(source);
	problems_free(&problems);
	return code;
}

int
reading_open(struct reading *reading, const char *path, struct store **store)
{
	char file[PATH_MAX];
	struct err err = {0};
	int code = reading_find(reading, path);

	if (code >= 0)
		return code;
	(void)snprintf(file, sizeof(file), "%s/" STORE_FILE, reading->state_dir);
	*store = store_open(file, STORE_READ, &err);
	if (*store != NULL)
		return -1;
	(void)fprintf(stderr, "borderlens: %s: %s\n", file, err.text);
	return EXIT_FAILED;
}
