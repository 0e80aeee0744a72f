/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "config/compare.h"
#include "config/config.h"
#include "config/format.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"
#include "config/yaml.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/load.h"
#include "proxy/ruleset_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
	const char *config;
	bool json;
	bool write;
	bool check;
};

/* A rule file that was read and found good. */
struct rule_file {
	struct source *source; /* owned */
	struct rules *rules;   /* owned; holds the one set */
	struct yaml_tree tree; /* owned */
	struct bytes text;
};

enum { LIST = 0, SHOW, DIFF, FORMAT, KEYWORDS, FILES_MAX = 10000 };

static const struct argument option_rows[] = {
    {"write", 'w', NULL, ARGUMENT_FLAG, offsetof(struct options, write), "fmt: in place",
	1 << FORMAT},
    {"check", 0, NULL, ARGUMENT_FLAG, offsetof(struct options, check),
	"fmt: only tell whether it is so", 1 << FORMAT},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct options, json), "one JSON document",
	1 << LIST | 1 << KEYWORDS},
    ARGUMENT_CONFIG(options, config),
};

static const struct argument_verb verbs[] = {
    [LIST] = {"list", 0, 0, NULL},
    [SHOW] = {"show", 1, 1, "one rule set"},
    [DIFF] = {"diff", 2, 2, "two rule sets"},
    [FORMAT] = {"fmt", 1, FILES_MAX, "rule files"},
    [KEYWORDS] = {"keywords", 0, 0, NULL},
};

static const struct arguments arguments = {
    .command = "rules",
    .head = "usage: borderlens rules list [--json] [-c FILE]\n"
	    "       borderlens rules show SET [-c FILE]\n"
	    "       borderlens rules diff OLD NEW [-c FILE]\n"
	    "       borderlens rules fmt [--write | --check] FILE...\n"
	    "       borderlens rules keywords [--json]\n\n"
	    "  list      the rule sets of the configuration\n"
	    "  show      what a rule set says, a rule a line\n"
	    "  diff      in what two rule sets differ; comments and layout do not count\n"
	    "  fmt       a rule file with quotes where other readers of YAML need them (\"NO\"),\n"
	    "            to stdout\n"
	    "  keywords  the keys of `match`\n\n"
	    "SET, OLD and NEW: a rule file; or the id of a set of the configuration, or of one\n"
	    "in `rulesets` beside it or in " RULESET_SHIPPED_DIR ".\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0 done, 2 wrong usage, 20 differences (diff, fmt --check), 78 errors.\n",
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

/* ---- files ---- */

static int
file_open(const char *path, struct rule_file *file)
{
	struct problems problems = {0};
	struct err err = {0};
	int ret = -1;

	*file = (struct rule_file){.source = source_from_disk(), .rules = rules_new()};
	if (file->source == NULL || file->rules == NULL)
		problems_error(&problems, path, 0, 0, "no memory to read it");
	else if (source_read(file->source, path, &file->text, &err) != 0)
		problems_error(&problems, path, 0, 0, "%s", err.text);
	else if (rules_add(file->rules, path, file->text, &problems) == 0)
		ret = yaml_tree_read(&file->tree, path, file->text, &(struct problems){0});
	problems_print(&problems);
	problems_free(&problems);
	return ret;
}

static void
file_close(struct rule_file *file)
{
	yaml_tree_free(&file->tree);
	rules_free(file->rules);
	source_free(file->source);
}

/* The same of what a word names. */
static int
set_open(const char *config, const char *word, struct rule_file *file)
{
	char path[CONFIG_PATH_MAX];
	struct err err = {0};

	if (ruleset_file_find(config, word, path, &err) == 0)
		return file_open(path, file);
	*file = (struct rule_file){0};
	(void)fprintf(stderr, "borderlens rules: %s\n", err.text);
	return -1;
}

/* ---- list, keywords ---- */

static void
add_about(struct jsonw *json, const struct ruleset_about *about)
{
	jsonw_open(json, NULL);
	jsonw_string(json, "ruleset", about->id);
	jsonw_string(json, "version", about->version);
	jsonw_string(json, "title", about->title);
	jsonw_string(json, "jurisdiction", about->jurisdiction);
	jsonw_string(json, "mode", about->mode);
	jsonw_string(json, "reviewed", about->reviewed);
	jsonw_string(json, "expires", about->expires);
	jsonw_number(json, "rules", about->rules);
	jsonw_string(json, "file", about->file);
	jsonw_close(json);
}

static int
list_sets(const struct options *options)
{
	struct problems problems = {0};
	struct jsonw json = {0};
	struct loaded loaded;
	int code = EXIT_CONFIG;

	if (loaded_open(options->config, &loaded, &problems) != 0) {
		problems_print(&problems);
		goto out;
	}
	jsonw_open_array(&json, NULL);
	for (size_t i = 0; i < rules_count(loaded.config->rules); i++) {
		struct ruleset_about about = rules_about(loaded.config->rules, i);

		add_about(&json, &about);
		if (!options->json)
			(void)printf(
			    "%-14s v%-8s %-8s %4zu rules  reviewed %-10s expires %-10s  %s\n",
			    about.id, about.version, about.mode, about.rules,
			    about.reviewed[0] != '\0' ? about.reviewed : "-",
			    about.expires[0] != '\0' ? about.expires : "-", about.title);
	}
	jsonw_close_array(&json);
	code = options->json ? answer_print(&json, EXIT_DONE) : EXIT_DONE;
out:
	jsonw_free(&json);
	loaded_close(&loaded);
	problems_free(&problems);
	return code;
}

static int
list_keywords(const struct options *options)
{
	struct rules_keyword keywords[64];
	size_t count = rules_keywords(keywords, 64);
	struct jsonw json = {0};

	jsonw_open_array(&json, NULL);
	for (size_t i = 0; i < count; i++) {
		jsonw_open(&json, NULL);
		jsonw_string(&json, "key", keywords[i].name);
		jsonw_string(&json, "value", keywords[i].value);
		jsonw_string(&json, "holds_when", keywords[i].meaning);
		jsonw_string(&json, "stage", keywords[i].stage);
		jsonw_close(&json);
		if (!options->json)
			(void)printf("%-12s %s\n%-12s   %s (%s)\n", keywords[i].name,
			    keywords[i].meaning, "", keywords[i].value, keywords[i].stage);
	}
	jsonw_close_array(&json);
	if (options->json)
		return answer_print(&json, EXIT_DONE);
	jsonw_free(&json);
	return EXIT_DONE;
}

/* ---- show ---- */

static const char *
flow(const struct yaml_node *node, char *out, size_t size)
{
	struct text text = text_in(out, size);

	if (node != NULL)
		yaml_flow(node, &text);
	return out;
}

static void
print_map(const struct yaml_node *map, const char *indent)
{
	char value[2048];

	for (const struct yaml_node *child = map->first; child != NULL; child = child->next) {
		if (strcmp(child->key->text, "rules") == 0 || strcmp(child->key->text, "sets") == 0)
			continue;
		(void)printf("%s%-14s %s\n", indent, child->key->text,
		    flow(child, value, sizeof(value)));
	}
}

/* The keys of a rule that few have. */
static void
print_rest(const struct yaml_node *rule)
{
	static const char *const told[] = {"id", "match", "then", "why"};
	const char *before = " (";
	char value[256];

	for (const struct yaml_node *child = rule->first; child != NULL; child = child->next) {
		size_t i = 0;

		while (i < sizeof(told) / sizeof(told[0]) && strcmp(child->key->text, told[i]) != 0)
			i++;
		if (i < sizeof(told) / sizeof(told[0]))
			continue;
		(void)printf("%s%s: %s", before, child->key->text,
		    flow(child, value, sizeof(value)));
		before = ", ";
	}
	(void)puts(before[0] == ',' ? ")" : "");
}

static int
show_set(const char *config, const char *word)
{
	const struct yaml_node *rules, *sets;
	struct rule_file file;
	char then[64], match[2048];
	int code = EXIT_CONFIG;

	if (set_open(config, word, &file) != 0)
		goto out;
	print_map(file.tree.root, "");
	sets = yaml_child(file.tree.root, "sets");
	if (sets != NULL) {
		(void)puts("sets");
		print_map(sets, "  ");
	}
	rules = yaml_child(file.tree.root, "rules");
	(void)puts("rules, the first that matches decides");
	for (const struct yaml_node *rule = rules != NULL ? rules->first : NULL; rule != NULL;
	     rule = rule->next) {
		(void)printf("  %-14s %-8s %s\n%-16s %s", yaml_child(rule, "id")->text,
		    flow(yaml_child(rule, "then"), then, sizeof(then)),
		    flow(yaml_child(rule, "match"), match, sizeof(match)), "",
		    yaml_child(rule, "why")->text);
		print_rest(rule);
	}
	code = EXIT_DONE;
out:
	file_close(&file);
	return code;
}

static int
diff_sets(const char *config, const char *old_word, const char *new_word)
{
	struct rule_file old, new;
	bool good = set_open(config, old_word, &old) == 0;
	int code = EXIT_CONFIG;

	if (set_open(config, new_word, &new) == 0 && good)
		code = rules_compare(old.tree.root, new.tree.root, stdout) == 0 ? EXIT_DONE
										: EXIT_DIFFERENCES;
	file_close(&old);
	file_close(&new);
	return code;
}

/* ---- fmt ---- */

/* The whole file is there, or the old one is. */
static int
replace_file(const char *path, const char *text, size_t size)
{
	char other[CONFIG_PATH_MAX + 16];
	struct stat st;
	FILE *to = NULL;
	int fd;

	(void)snprintf(other, sizeof(other), "%s.XXXXXX", path);
	fd = mkostemp(other, O_CLOEXEC);
	if (fd < 0 || stat(path, &st) != 0 || fchmod(fd, st.st_mode & 07777) != 0 ||
	    fchown(fd, st.st_uid, st.st_gid) != 0)
		goto fail;
	to = fdopen(fd, "w");
	if (to == NULL || fwrite(text, 1, size, to) != size || fflush(to) != 0 || fsync(fd) != 0 ||
	    rename(other, path) != 0)
		goto fail;
	(void)fclose(to);
	return 0;
fail:
	perror(path);
	if (fd >= 0)
		(void)unlink(other);
	if (to != NULL)
		(void)fclose(to);
	else if (fd >= 0)
		(void)close(fd);
	return -1;
}

static int
put_formatted(const struct options *options, const char *path, struct bytes old, struct bytes new)
{
	bool same = old.left == new.left &&memcmp(old.at, new.at, old.left) == 0;

	if (options->check) {
		if (!same)
			(void)puts(path);
		return same ? EXIT_DONE : EXIT_DIFFERENCES;
	}
	if (options->write)
		return same || replace_file(path, (const char *)new.at, new.left) == 0
			   ? EXIT_DONE
			   : EXIT_FAILED;
	(void)fwrite(new.at, 1, new.left, stdout);
	return EXIT_DONE;
}

static int
format_file(const struct options *options, const char *path)
{
	struct problems problems = {0};
	struct rule_file file;
	char *written = NULL;
	size_t size = 0;
	FILE *memory = open_memstream(&written, &size);
	int code = EXIT_CONFIG;

	if (file_open(path, &file) != 0 || memory == NULL)
		goto out;
	if (rules_format(path, file.text, memory, &problems) != 0 || fflush(memory) != 0) {
		problems_print(&problems);
		goto out;
	}
	code =
	    put_formatted(options, path, file.text, (struct bytes){(const uint8_t *)written, size});
out:
	if (memory != NULL)
		(void)fclose(memory);
	free(written);
	file_close(&file);
	problems_free(&problems);
	return code;
}

static int
format_files(const struct options *options, const struct argument_words *files)
{
	int worst = EXIT_DONE;

	for (int i = 0; i < files->count; i++) {
		int code = format_file(options, files->at[i]);

		if (code > worst)
			worst = code;
	}
	return worst;
}

/* ---- the command ---- */

int
command_rules(int argc, char **argv)
{
	struct options options = {.config = COMMAND_CONFIG_DEFAULT};
	struct argument_words words;
	int code = arguments_read(&arguments, argc, argv, &options, &words);

	if (code >= 0)
		return code;
	if (options.write && options.check)
		return arguments_refuse(&arguments, "either --write or --check");
	if (words.verb == LIST)
		return list_sets(&options);
	if (words.verb == SHOW)
		return show_set(options.config, words.at[0]);
	if (words.verb == DIFF)
		return diff_sets(options.config, words.at[0], words.at[1]);
	if (words.verb == FORMAT)
		return format_files(&options, &words);
	return list_keywords(&options);
}
