/* SPDX-License-Identifier: MIT */
#include "proxy/reading.h"

#include "base/err.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/commands.h"
#include "proxy/load.h"
#include "record/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

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
