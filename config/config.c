/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/err.h"
#include "base/text.h"
#include "config/devices.h"
#include "config/options.h"
#include "config/overrides.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Make path absolute, so that a role with another working directory, or none,
 * asks the source by the same name. */
static int
absolute(const char *path, char out[CONFIG_PATH_MAX], struct err *err)
{
	char dir[CONFIG_PATH_MAX] = "";
	struct text text = text_in(out, CONFIG_PATH_MAX);

	if (path[0] != '/' && getcwd(dir, sizeof(dir)) == NULL)
		return err_sys(err, "cannot tell the working directory");
	text_add(&text, "%s%s%s", dir, path[0] != '/' ? "/" : "", path);
	if (text.cut)
		return err_set(err, ERR_LIMIT, "the path is longer than %d bytes",
		    CONFIG_PATH_MAX - 1);
	return 0;
}

static void
read_tree(struct options_reader *options, struct bytes text)
{
	struct yaml_tree tree;

	if (yaml_tree_read(&tree, options->reader.file, text, options->reader.problems) == 0)
		options_read(options, tree.root);
	yaml_tree_free(&tree);
}

struct config *
config_read(const char *path, struct source *source, const struct config *running,
    struct problems *problems)
{
	struct options_reader options = {
	    .reader = {.file = path, .problems = problems},
	    .source = source,
	    .running = running,
	};
	struct config *ret = NULL;
	struct bytes text;
	struct err err;

	options.config = calloc(1, sizeof(*options.config));
	if (options.config == NULL) {
		problems_error(problems, path, 0, 0, "no memory for the configuration");
		return NULL;
	}
	if (absolute(path, options.config->path, &err) != 0 ||
	    source_read(source, options.config->path, &text, &err) != 0) {
		problems_error(problems, path, 0, 0, "%s", err.text);
		goto out;
	}
	text_copy(options.dir, sizeof(options.dir), options.config->path);
	strrchr(options.dir, '/')[1] = '\0'; /* absolute, so there is one */
	read_tree(&options, text);
	ret = options.config;
	options.config = NULL; /* handed to the caller */
out:
	problems_sort(problems);
	config_free(options.config);
	return ret;
}

struct config *
config_load(const char *path, struct source *source, struct problems *problems)
{
	size_t errors = problems->errors;
	struct config *config = config_read(path, source, NULL, problems);

	if (problems->errors == errors)
		return config;
	config_free(config);
	return NULL;
}

void
config_free(struct config *config)
{
	if (config == NULL)
		return;
	rules_free(config->rules);
	devices_free(config->devices);
	overrides_free(config->geo.overrides);
	free(config);
}

const char *
config_server_name(const struct config *config, const struct addr *dst)
{
	for (size_t i = 0; i < config->tls.names_count; i++) {
		const struct server_name *named = &config->tls.names[i];

		if (addr_same_host(&named->addr, dst) &&
		    (named->addr.port == 0 || named->addr.port == dst->port))
			return named->name;
	}
	return "";
}

uint16_t
config_camera_min(const struct config *config, const char *device)
{
	const struct device *named = devices_named(config->devices, device);

	return named != NULL && named->tls_min != 0 ? named->tls_min : config->tls.camera_min;
}

uint16_t
config_server_min(const struct config *config, const char *device)
{
	const struct device *named = devices_named(config->devices, device);

	return named != NULL && named->upstream_tls_min != 0 ? named->upstream_tls_min
							     : config->tls.upstream_min;
}
