/* SPDX-License-Identifier: MIT */
#ifndef PROXY_READING_H
#define PROXY_READING_H

#include "config/config.h"

struct store;

/*
 * For commands that look at the record: where it is, by the configuration.
 *
 * reading_open reads the configuration at path into config's fields and opens
 * its store for reading.  Returns -1 when it did, else the exit code, the
 * reason said on stderr.
 */
struct reading {
	char state_dir[CONFIG_PATH_MAX], run_dir[CONFIG_PATH_MAX], eve[CONFIG_PATH_MAX];
};

int reading_find(struct reading *reading, const char *path);
int reading_open(struct reading *reading, const char *path, struct store **store);

#endif
