/* SPDX-License-Identifier: MIT */
#include "proxy/ruleset_file.h"

#include "base/err.h"
#include "base/facts.h"
#include "base/text.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char ending[] = ".yaml";

enum { NAMES_MAX = 256 };

/* What could have been meant. */
struct names {
	size_t count;
	char list[NAMES_MAX][FACTS_LABEL_MAX];
};

static void
add_name(struct names *names, const char *name, size_t size)
{
	if (names->count < NAMES_MAX && size < FACTS_LABEL_MAX)
		text_copy(names->list[names->count++], size + 1, name);
}

static bool
is_path(const char *word)
{
	size_t size = strlen(word);

	return strchr(word, '/') != NULL ||
	       (size >= sizeof(ending) && strcmp(word + size - (sizeof(ending) - 1), ending) == 0);
}

/* A configuration that cannot be read names no set; `check` says why. */
static bool
find_in_config(const char *config_path, const char *word, struct names *names,
    char out[CONFIG_PATH_MAX])
{
	struct source *source = source_from_disk();
	struct problems problems = {0};
	struct config *config = NULL;
	bool found = false;

	if (source != NULL)
		config = config_read(config_path, source, NULL, &problems);
	for (size_t i = 0; config != NULL && i < rules_count(config->rules); i++) {
		struct ruleset_about about = rules_about(config->rules, i);

		add_name(names, about.id, strlen(about.id));
		if (found || strcmp(about.id, word) != 0)
			continue;
		text_copy(out, CONFIG_PATH_MAX, about.file);
		found = true;
	}
	config_free(config);
	problems_free(&problems);
	source_free(source);
	return found;
}

static bool
find_in_directory(const char *directory, const char *word, struct names *names,
    char out[CONFIG_PATH_MAX])
{
	DIR *dir = opendir(directory);
	bool found = false;

	if (dir == NULL)
		return false;
	for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		size_t size = strlen(entry->d_name), stem;

		if (size < sizeof(ending) ||
		    strcmp(entry->d_name + size - (sizeof(ending) - 1), ending) != 0)
			continue;
		stem = size - (sizeof(ending) - 1);
		add_name(names, entry->d_name, stem);
		if (strlen(word) == stem && memcmp(word, entry->d_name, stem) == 0)
			found = true;
	}
	(void)closedir(dir);
	if (found)
		(void)snprintf(out, CONFIG_PATH_MAX, "%s/%s%s", directory, word, ending);
	return found;
}

static int
refuse(const char *word, const struct names *names, struct err *err)
{
	const char *candidates[NAMES_MAX];
	const char *near;

	for (size_t i = 0; i < names->count; i++)
		candidates[i] = names->list[i];
	near = text_nearest(word, candidates, names->count);
	if (near != NULL)
		return err_set(err, ERR_INPUT, "no rule set '%.48s' is known: did you mean '%s'?",
		    word, near);
	return err_set(err, ERR_INPUT, "no rule set '%.48s' is known, and no such file is there",
	    word);
}

int
ruleset_file_find(const char *config_path, const char *word, char out[CONFIG_PATH_MAX],
    struct err *err)
{
	static struct names names;
	const char *slash = strrchr(config_path, '/');
	char beside[CONFIG_PATH_MAX];
	int dir_size = slash != NULL ? (int)(slash - config_path) : 1;

	names.count = 0;
	if (is_path(word) || access(word, F_OK) == 0) {
		text_copy(out, CONFIG_PATH_MAX, word);
		return 0;
	}
	(void)snprintf(beside, sizeof(beside), "%.*s/rulesets", dir_size,
	    slash != NULL ? config_path : ".");
	if (find_in_config(config_path, word, &names, out) ||
	    find_in_directory(beside, word, &names, out) ||
	    find_in_directory(RULESET_SHIPPED_DIR, word, &names, out))
		return 0;
	return refuse(word, &names, err);
}
