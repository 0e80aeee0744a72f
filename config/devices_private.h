/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_DEVICES_PRIVATE_H
#define CONFIG_DEVICES_PRIVATE_H

#include "config/devices.h"

/* What the files of the devices share: devices.c reads devices.yaml,
 * devices_learn.c the learned names, devices_find.c finds. */

/* What a camera is known by, and whose it is. */
struct owner {
	uint8_t key[16]; /* an address, or a MAC or OUI and zeros */
	const struct device *device;
};

enum device_key {
	KEY_MAC = 0,
	KEY_IP,
	KEY_OUI, /* of devices that have neither MAC nor address */
	KEY_LEARNED_MAC,
	KEY_LEARNED_IP,
	KEY_COUNT
};

struct index_of_owners {
	struct owner *list; /* owned; by key, then by line */
	size_t count;
};

/* What the devices of a group have in common where they do not say otherwise. */
struct device_group {
	char name[FACTS_LABEL_MAX];
	unsigned line, column; /* in devices.yaml */
	uint16_t tls_min, upstream_tls_min;
};

struct devices {
	char file[512];
	struct device_group *groups; /* owned; as they stand in the file */
	size_t groups_count;
	struct device *list; /* owned; by name */
	size_t count;
	struct device *learned; /* owned; by name */
	size_t learned_count;
	struct index_of_owners by[KEY_COUNT];
};

const struct device *devices_named_in_file(const struct devices *devices, const char *name);

/* Sort the list by name, then by line. */
void devices_sort(struct device *list, size_t count);

/* Fill the indexes of devices.yaml, or those of the learned names, from the
 * lists.  -1: no memory. */
int devices_index(struct devices *devices);
int devices_index_learned(struct devices *devices);

#endif
