/* SPDX-License-Identifier: MIT */
#include "proxy/devices_change.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "config/devices.h"
#include "proxy/commands.h"
#include "proxy/control.h"
#include "proxy/roster.h"
#include "record/store.h"
#include "record/store_devices.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_S = 300 }; /* for a reload, as `borderlens reload` */

/* The appliance takes names over with a reload; one that does not run has them
 * at its start. */
static int
ask_for_reload(const struct config *config)
{
	static char answer[CONTROL_ANSWER_MAX];
	struct text text = text_in(answer, sizeof(answer));
	char path[CONFIG_PATH_MAX];
	struct err err = {0};

	if (control_path(config->run_dir, path, sizeof(path)) == NULL || access(path, F_OK) != 0) {
		(void)fputs("borderlens: no appliance runs here; it has this when it starts\n",
		    stderr);
		return EXIT_DONE;
	}
	if (control_wait(path, "reload", PATIENCE_S, &text, &err) != 0)
		text_add(&text, "%s", err.text);
	if (strncmp(answer, "reloaded:", strlen("reloaded:")) == 0)
		return EXIT_DONE;
	(void)fprintf(stderr,
	    "borderlens: it is kept, but the running appliance has not taken it over; see "
	    "`borderlens reload`\n%s%s",
	    answer, text.used > 0 && answer[text.used - 1] == '\n' ? "" : "\n");
	return EXIT_FAILED;
}

/* The keys that a device's names stand under: its MACs, or its addresses where
 * there is no MAC.  Calls each once; stops at what is not 0. */
typedef int each_key(void *context, const char *key);

static int
each_key_of(const struct roster_device *device, each_key *each, void *context)
{
	for (size_t i = 0; i < device->place_count; i++) {
		char key[STORE_NAME_KEY_MAX], before[STORE_NAME_KEY_MAX];
		bool told = false;
		int ret;

		(void)device_default_name(&device->places[i].addr, device->places[i].mac, key);
		for (size_t j = 0; j < i && !told; j++) {
			(void)device_default_name(&device->places[j].addr, device->places[j].mac,
			    before);
			told = strcmp(before, key) == 0;
		}
		ret = told ? 0 : each(context, key);
		if (ret != 0)
			return ret;
	}
	return 0;
}

static int
count_key(void *context, const char *key)
{
	size_t *count = context;

	(void)key;
	(*count)++;
	return 0;
}

/* Work in one transaction, in turn with the recorder's. */
static int
change_store(const struct config *config, int (*change)(struct store *, void *, struct err *),
    void *context)
{
	char path[PATH_MAX];
	struct err err = {0};
	struct store *store;
	int ret = -1;

	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, config->state_dir);
	store = store_open(path, STORE_WRITE, &err);
	if (store != NULL && store_begin(store, &err) == 0) {
		ret = change(store, context, &err);
		if (ret == 0)
			ret = store_commit(store, &err);
		else
			store_rollback(store);
	}
	store_close(store);
	if (ret == 0)
		return EXIT_DONE;
	(void)fprintf(stderr, "borderlens: %s: %s\n", path, err.text);
	return EXIT_FAILED;
}

struct renaming {
	const struct roster_device *device;
	const char *name;
};

/* The same while its transaction is under way. */
struct under_way {
	const struct renaming *renaming;
	struct store *store;
	struct err *err;
};

static int
name_key(void *context, const char *key)
{
	const struct under_way *change = context;

	return store_set_name(change->store, key, change->renaming->name, clock_wall_us(),
	    change->err);
}

static int
rename_in(struct store *store, void *context, struct err *err)
{
	struct under_way change = {.renaming = context, .store = store, .err = err};

	return each_key_of(change.renaming->device, name_key, &change);
}

/* Why it cannot have that name, said; or true. */
static bool
may_rename(const struct config *config, const struct roster_device *device, const char *name)
{
	const struct device *given = device->device;
	bool by_maker = given != NULL && given->ip_count == 0 && !mac_is_set(given->mac);
	size_t keys = 0;

	(void)each_key_of(device, count_key, &keys);
	if (given != NULL && given->line > 0 && !by_maker)
		(void)fprintf(stderr, "borderlens: %s is named in %s:%u: change it there\n",
		    device->name, devices_file(config->devices), given->line);
	else if (!device_name_is_good(name))
		(void)fprintf(stderr,
		    "borderlens: a name has 1 to %d letters, digits, '.', '_' and '-', and is no MAC "
		    "and no address\n",
		    FACTS_LABEL_MAX - 1);
	else if (devices_named(config->devices, name) != NULL)
		(void)fprintf(stderr, "borderlens: there is another device of the name %s\n", name);
	else if (keys != 1)
		(void)fprintf(stderr,
		    "borderlens: %s is %zu cameras: devices.yaml can name each by its MAC\n",
		    device->name, keys);
	else
		return true;
	return false;
}

int
device_rename(const struct config *config, const struct roster_device *device, const char *name)
{
	struct renaming renaming = {.device = device, .name = name};
	int code;

	if (!may_rename(config, device, name))
		return EXIT_FAILED;
	code = change_store(config, rename_in, &renaming);
	if (code != EXIT_DONE)
		return code;
	(void)printf("%s is %s now\n", renaming.device->name, name);
	return ask_for_reload(config);
}

static int
forget_key(void *context, const char *key)
{
	const struct under_way *change = context;

	return store_forget_device(change->store, key, change->err) < 0 ? -1 : 0;
}

static int
forget_in(struct store *store, void *context, struct err *err)
{
	struct under_way change = {.renaming = context, .store = store, .err = err};

	return each_key_of(change.renaming->device, forget_key, &change);
}

int
device_forget(const struct config *config, const struct roster_device *device)
{
	struct renaming renaming = {.device = device};
	int code;

	code = change_store(config, forget_in, &renaming);
	if (code != EXIT_DONE)
		return code;
	(void)printf("%s is forgotten\n", renaming.device->name);
	if (renaming.device->device != NULL && renaming.device->device->line > 0)
		(void)printf("its name stays: it stands in %s:%u\n", devices_file(config->devices),
		    renaming.device->device->line);
	return ask_for_reload(config);
}
