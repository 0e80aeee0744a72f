/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_DEVICES_H
#define CONFIG_DEVICES_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"

#include <stddef.h>

struct problems;

/* The cameras that devices.yaml names.  Made with the config; read-only. */
struct devices;

struct device {
	char name[FACTS_LABEL_MAX];
	char group[FACTS_LABEL_MAX]; /* "" none */
	uint8_t mac[6];              /* all 0: not given */
	uint8_t oui[3];              /* the maker's half of a MAC; all 0: not given */
};

/*
 * Read devices.yaml from text, which is file's content.  Everything wrong is
 * added to problems.  Returns the devices, the caller's to devices_free, or
 * NULL when there was an error.
 */
struct devices *devices_read(const char *file, struct bytes text, struct problems *problems);
void devices_free(struct devices *devices); /* accepts NULL */

size_t devices_count(const struct devices *devices); /* 0 for NULL */

/* Who has this address, or NULL; borrowed from devices, which may be NULL. */
const struct device *devices_find(const struct devices *devices, const struct addr *camera);

/* The device of that name, or NULL; the same. */
const struct device *devices_named(const struct devices *devices, const char *name);

#endif
