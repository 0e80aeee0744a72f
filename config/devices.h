/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_DEVICES_H
#define CONFIG_DEVICES_H

#include "base/addr.h"
#include "base/facts.h"

/* The cameras that devices.yaml names.  Made with the config; read-only. */
struct devices;

struct device {
	char name[FACTS_LABEL_MAX];
	char group[FACTS_LABEL_MAX]; /* "" none */
};

/* Who has this address, or NULL; borrowed from devices, which may be NULL. */
const struct device *devices_find(const struct devices *devices, const struct addr *camera);

#endif
