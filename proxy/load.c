/* SPDX-License-Identifier: MIT */
#include "proxy/load.h"

#include "base/err.h"
#include "base/memfd.h"
#include "config/problems.h"
#include "config/source.h"
#include "geo/geo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A database larger than this is not one: the largest that is sold has a
 * quarter of it. */
enum { DATABASE_BYTES_MAX = 2000 * 1000 * 1000 };

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static int
copy_database(const char *path, struct problems *problems)
{
	struct err err;
	int fd = memfd_copy_file(path, DATABASE_BYTES_MAX, &err);

	if (fd < 0)
		problems_error(problems, path, 0, 0, "%s", err.text);
	return fd;
}

int
loaded_open(const char *path, struct loaded *loaded, struct problems *problems)
{
	size_t errors = problems->errors;

	*loaded = (struct loaded){.asn = -1};
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++)
		loaded->country[i] = -1;
	loaded->source = source_from_disk();
	if (loaded->source == NULL) {
		problems_error(problems, path, 0, 0, "no memory for the configuration");
		return -1;
	}
	loaded->config = config_load(path, loaded->source, problems);
	if (loaded->config == NULL)
		return -1;
	for (size_t i = 0; i < loaded->config->geo.country_count; i++)
		loaded->country[i] = copy_database(loaded->config->geo.country[i], problems);
	if (loaded->config->geo.asn[0] != '\0')
		loaded->asn = copy_database(loaded->config->geo.asn, problems);
	return problems->errors == errors ? 0 : -1;
}

/* ---- geo ---- */

struct teller {
	const struct config *config;
	struct problems *problems;
};

/* geo names a table by its file's name; a reader wants to open it. */
static void
tell_line(const char *file, unsigned line, const char *text, void *arg)
{
	const struct teller *teller = arg;
	const char *path = file;

	if (strcmp(file, base_name(teller->config->geo.operators)) == 0)
		path = teller->config->geo.operators;
	else if (strcmp(file, base_name(teller->config->geo.vendors)) == 0)
		path = teller->config->geo.vendors;
	problems_error(teller->problems, path, line, 1, "%s", text);
}

static struct bytes
read_table(const struct loaded *loaded, const char *path, struct problems *problems)
{
	struct bytes out = {0};
	struct err err;

	if (path[0] != '\0' && source_read(loaded->source, path, &out, &err) != 0)
		problems_error(problems, path, 0, 0, "%s", err.text);
	return out;
}

/* Which of the databases it is, and whether the others are good: each alone. */
static void
tell_databases(const struct loaded *loaded, const struct geo_files *files,
    struct problems *problems)
{
	for (size_t i = 0; i <= files->country_count; i++) {
		bool asn = i == files->country_count;
		struct geo_files one = {.asn = {.fd = -1}};
		struct geo *geo;
		struct err err;

		if (asn && files->asn.fd < 0)
			break;
		if (asn) {
			one.asn = files->asn;
		} else {
			one.country[0] = files->country[i];
			one.country_count = 1;
		}
		geo = geo_open(&one, NULL, NULL, &err);
		if (geo == NULL)
			problems_error(problems,
			    asn ? loaded->config->geo.asn : loaded->config->geo.country[i], 0, 0,
			    "%s", err.text);
		geo_close(geo);
	}
}

struct geo *
loaded_geo(const struct loaded *loaded, struct problems *problems)
{
	const struct config *config = loaded->config;
	struct teller teller = {.config = config, .problems = problems};
	struct geo_files files = {
	    .asn = {.fd = loaded->asn, .name = base_name(config->geo.asn)},
	    .country_count = config->geo.country_count,
	    .operators = read_table(loaded, config->geo.operators, problems),
	    .vendors = read_table(loaded, config->geo.vendors, problems),
	    .operators_name = base_name(config->geo.operators),
	    .vendors_name = base_name(config->geo.vendors),
	};
	size_t errors = problems->errors;
	struct geo *geo;
	struct err err;

	for (size_t i = 0; i < files.country_count; i++) {
		files.country[i].fd = loaded->country[i];
		files.country[i].name = base_name(config->geo.country[i]);
	}
	geo = geo_open(&files, tell_line, &teller, &err);
	if (geo != NULL)
		return geo;
	tell_databases(loaded, &files, problems);
	/* Nothing else was told: no memory, or what only all together are. */
	if (problems->errors == errors)
		problems_error(problems, config->path, 0, 0, "geo: %s", err.text);
	return NULL;
}

void
loaded_close(struct loaded *loaded)
{
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++) {
		if (loaded->country[i] >= 0)
			(void)close(loaded->country[i]);
		loaded->country[i] = -1;
	}
	if (loaded->asn >= 0)
		(void)close(loaded->asn);
	loaded->asn = -1;
	config_free(loaded->config);
	loaded->config = NULL;
	source_free(loaded->source);
	loaded->source = NULL;
}

/* ---- printing ---- */

void
problems_print(const struct problems *problems)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	bool color = isatty(STDERR_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');

	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		const char *word = problem->warning ? "warning" : "error";
		const char *paint = problem->warning ? "\033[1;33m" : "\033[1;31m";

		(void)fprintf(stderr, "%s:", problem->file);
		if (problem->line > 0)
			(void)fprintf(stderr, "%u:%u:", problem->line, problem->column);
		(void)fprintf(stderr, " %s%s:%s %s\n", color ? paint : "", word,
		    color ? "\033[0m" : "", problem->text);
	}
}
