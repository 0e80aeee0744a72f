/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_DEVICES_H
#define CONFIG_DEVICES_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"
#include "base/mac.h"

#include <stdbool.h>
#include <stddef.h>

struct problems;

/*
 * The cameras that have a name: by devices.yaml, or learned (`borderlens
 * devices rename`).  Made with the config; read-only from then on.
 */
struct devices;

enum { DEVICE_IPS_MAX = 16 };

struct device {
	char name[FACTS_LABEL_MAX];
	char group[FACTS_LABEL_MAX]; /* "" none */
	uint8_t mac[MAC_BYTES];      /* all 0: not given */
	uint8_t oui[OUI_BYTES];      /* the maker's half of a MAC; all 0: not given */
	size_t ip_count;
	struct addr ip[DEVICE_IPS_MAX];
	unsigned line; /* in devices.yaml; 0: learned */
	/* The certificate that servers are shown in its stead, and its key: files,
	 * owned by the devices; NULL: none. */
	char *client_cert, *client_key;
	/* The lowest version spoken with it, and with servers for it, as on the wire:
	 * its own, else its group's; 0: not given. */
	uint16_t tls_min, upstream_tls_min;
};

/*
 * Read devices.yaml from text, which is file's content.  Everything wrong is
 * added to problems.  Returns the devices, the caller's to devices_free, or
 * NULL when there was an error.
 */
struct devices *devices_read(const char *file, struct bytes text, struct problems *problems);
void devices_free(struct devices *devices); /* accepts NULL */

/*
 * Add the names that were learned: lines of a MAC or an address, a space, a
 * name.  A name that devices.yaml gives to another camera is left out, with a
 * warning; a line that is none is an error, and nothing is added.
 * *devices may be NULL, and is made then.
 */
int devices_learn(struct devices **devices, const char *file, struct bytes text,
    struct problems *problems);

/* Those of devices.yaml; 0 for NULL. */
size_t devices_count(const struct devices *devices);
const struct device *devices_at(const struct devices *devices, size_t index);

/* The file that they were read from; "" where there is none. */
const char *devices_file(const struct devices *devices);

/*
 * Who this camera is, or NULL; borrowed from devices, which may be NULL.  mac
 * is what the kernel knows at its address, all 0 where it knows none (behind a
 * router).  The first of these counts:
 *
 *	the mac of devices.yaml;
 *	its ip, unless the mac or oui beside it is another than mac: then it is
 *	somebody else at a device's address;
 *	a learned name of the mac; of the address where there is no mac;
 *	an oui of devices.yaml with neither mac nor ip beside it, which names all
 *	of a maker's cameras.
 */
const struct device *devices_find(const struct devices *devices, const struct addr *camera,
    const uint8_t mac[MAC_BYTES]);

/* The device of that name, or NULL; the same. */
const struct device *devices_named(const struct devices *devices, const char *name);

/* What an unnamed camera is called: its MAC, or its address where it has none.
 * Returns out. */
const char *device_default_name(const struct addr *camera, const uint8_t mac[MAC_BYTES],
    char out[FACTS_LABEL_MAX]);

/* Whether text can be a device's name: letters, digits, '.', '_' and '-', at
 * most FACTS_LABEL_MAX - 1, and neither a MAC nor an address. */
bool device_name_is_good(const char *text);

/* Whether a camera is where devices.yaml says. */
enum device_place {
	DEVICE_FITS = 0,  /* or nothing is said of either */
	DEVICE_OTHER_MAC, /* the address is a device's that has another mac or oui */
	DEVICE_OTHER_IP,  /* the mac is a device's that has other addresses of this family */
};

/* *whose becomes that device unless it fits.  A link-local address is never
 * another one: every card makes its own. */
enum device_place devices_check(const struct devices *devices, const struct addr *camera,
    const uint8_t mac[MAC_BYTES], const struct device **whose);

#endif
