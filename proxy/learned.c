/* SPDX-License-Identifier: MIT */
#include "proxy/learned.h"

#include "base/err.h"
#include "config/config.h"
#include "config/devices.h"
#include "config/problems.h"
#include "config/source.h"
#include "record/store.h"
#include "record/store_devices.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool
add_name(void *context, const char *key, const char *name)
{
	FILE *to = context;

	(void)fprintf(to, "%s %s\n", key, name);
	return ferror(to) == 0;
}

static int
read_names(const char *path, FILE *to, struct err *err)
{
	struct store *store = store_open(path, STORE_READ, err);
	int ret = -1;

	if (store != NULL)
		ret = store_names(store, add_name, to, err);
	store_close(store);
	return ret;
}

static int
put_names(const char *path, struct source *source, struct err *err)
{
	struct bytes bytes;
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	int ret = -1;

	if (to == NULL)
		return err_set(err, ERR_NOMEM, "no memory");
	ret = read_names(path, to, err);
	if (fclose(to) != 0 && ret == 0)
		ret = err_set(err, ERR_NOMEM, "no memory");
	bytes = (struct bytes){(const uint8_t *)text, size};
	if (ret == 0)
		ret = source_put(source, LEARNED_NAMES, bytes, err);
	free(text);
	return ret;
}

int
learned_take(struct config *config, struct source *source, struct problems *problems)
{
	struct bytes bytes;

	if (source_read(source, LEARNED_NAMES, &bytes, NULL) != 0)
		return 0;
	return devices_learn(&config->devices, LEARNED_NAMES, bytes, problems);
}

void
learned_put(struct config *config, struct source *source, struct problems *problems)
{
	char path[PATH_MAX];
	struct err err = {0};

	if ((size_t)snprintf(path, sizeof(path), "%s/" STORE_FILE, config->state_dir) >=
	    sizeof(path))
		return;
	/* Who may not read the record (a user who runs `check`) sees no names. */
	if (access(path, R_OK) != 0 && (errno == ENOENT || errno == EACCES || errno == ENOTDIR))
		return;
	if (put_names(path, source, &err) != 0) {
		problems_warning(problems, path, 0, 0, "the names of cameras are not known: %s",
		    err.text);
		return;
	}
	(void)learned_take(config, source, problems);
}
