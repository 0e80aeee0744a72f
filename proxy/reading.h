/* SPDX-License-Identifier: MIT */
#ifndef PROXY_READING_H
#define PROXY_READING_H

#include "config/config.h"

#include <stddef.h>

struct store;

/*
 * For commands that look at the record: where it is, by the configuration.
 *
 * reading_config reads the configuration at path, reading_find only tells what
 * the record needs of it; reading_store opens the store
 * of a state_dir for reading, reading_open finds and opens it.  Each returns -1 when it
 * did, else the exit code, the reason said on stderr: that there is no record
 * before the first start is one of its own.
 */
struct reading {
	char state_dir[CONFIG_PATH_MAX], run_dir[CONFIG_PATH_MAX], eve[CONFIG_PATH_MAX];
};

int reading_config(const char *path, struct config **config); /* the caller's to config_free */
int reading_find(struct reading *reading, const char *path);
int reading_store(const char *state_dir, struct store **store);
int reading_open(struct reading *reading, const char *path, struct store **store);

/*
 * For commands that speak with the appliance: the path of its socket, by the
 * configuration at path.  One with errors does not keep from speaking with the
 * appliance that runs under its predecessor: the place is then what can be read
 * of it.  Returns -1, else the exit code, the reason said on stderr.
 */
int reading_control(const char *path, char *out, size_t size);

#endif
