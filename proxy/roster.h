/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ROSTER_H
#define PROXY_ROSTER_H

#include "base/addr.h"
#include "base/facts.h"
#include "base/mac.h"
#include "record/device_flows.h"
#include "record/store_devices.h"

#include <stddef.h>
#include <stdint.h>

struct device;
struct devices;
struct err;
struct oui;
struct store;

/*
 * The cameras as people know them, for `devices`: each name of devices.yaml,
 * and whoever was seen, under the name that a connection of it would have now.
 */
struct roster_place {
	uint8_t mac[MAC_BYTES];
	struct addr addr;
	char iface[16];
	uint64_t first_us, last_us;
};

struct roster_device {
	char name[FACTS_LABEL_MAX], group[FACTS_LABEL_MAX];
	char maker[FACTS_LABEL_MAX]; /* "" unknown */
	uint8_t mac[MAC_BYTES];      /* of the place seen last, or of devices.yaml; all 0: none */
	const struct device *device; /* who gave it the name; NULL: nobody */
	struct roster_place *places; /* owned; the one seen last first */
	size_t place_count;
	uint64_t first_us, last_us; /* 0: never seen */
	uint64_t flows, blocked, up, down, left_up;
	/* Connections on which it took our certificate, or not, or passed because of that. */
	uint64_t ok, refused, passed;
	size_t conflicts;
};

struct roster {
	struct roster_device *list; /* owned; by name */
	size_t count;
};

/* devices and makers may be NULL; devices must outlive it. */
int roster_read(struct roster *roster, struct store *store, const struct devices *devices,
    const struct oui *makers, struct err *err);
void roster_clear(struct roster *roster);

/* By its name, a MAC or an address; NULL: nobody. */
const struct roster_device *roster_find(const struct roster *roster, const char *text);

/* What a camera with this MAC (all 0: none) at this address is called. */
const char *roster_name(const struct devices *devices, const struct addr *addr,
    const uint8_t mac[MAC_BYTES], char out[FACTS_LABEL_MAX]);

#endif
