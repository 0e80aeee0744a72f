/* SPDX-License-Identifier: MIT */
/* The camera that `explain` is asked about. */
#include "base/mac.h"
#include "base/text.h"
#include "config/config.h"
#include "config/devices.h"
#include "config/oui.h"
#include "proxy/explain_private.h"
#include "record/store.h"
#include "record/store_devices.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The card that was last seen at an address. */
struct last_seen {
	struct addr addr;
	uint64_t last_us;
	uint8_t mac[MAC_BYTES]; /* all 0: none was */
};

static bool
note_sighting(void *context, const struct store_sighting *sighting)
{
	struct last_seen *last = context;

	if (!addr_same_host(&sighting->addr, &last->addr) || !mac_is_set(sighting->mac) ||
	    sighting->last_us < last->last_us)
		return true;
	last->last_us = sighting->last_us;
	memcpy(last->mac, sighting->mac, sizeof(last->mac));
	return true;
}

/* Where the record cannot be read (there is none yet, or it is somebody else's) the
 * address is all that is known. */
static void
find_mac(const struct config *config, const struct addr *addr, uint8_t mac[MAC_BYTES])
{
	struct last_seen last = {.addr = *addr};
	char path[CONFIG_PATH_MAX + sizeof("/" STORE_FILE)];
	struct store *store;

	(void)snprintf(path, sizeof(path), "%s/" STORE_FILE, config->state_dir);
	store = access(path, R_OK) == 0 ? store_open(path, STORE_READ, NULL) : NULL;
	if (store != NULL && store_sightings(store, note_sighting, &last, NULL) == 0)
		memcpy(mac, last.mac, sizeof(last.mac));
	store_close(store);
}

static void
warn_unknown(const char *text)
{
	char line[FACTS_LABEL_MAX * 4];
	struct text safe = text_in(line, sizeof(line));

	text_add_untrusted(&safe, text, strlen(text));
	(void)fprintf(stderr,
	    "borderlens: warning: --device: no camera is called '%s', in devices.yaml or by "
	    "`devices rename`\n",
	    line);
}

void
explain_find_device(const char *text, const struct config *config, struct facts *facts)
{
	const struct devices *devices = config->devices;
	const struct device *device = devices_named(devices, text);
	uint8_t mac[MAC_BYTES] = {0};
	struct addr addr = {0};
	bool is_mac = mac_parse(text, mac, sizeof(mac));
	bool is_addr = !is_mac && addr_parse(&addr, text, 0, NULL) == 0;

	if (is_addr && device == NULL)
		find_mac(config, &addr, mac);
	if (is_mac || is_addr)
		device = devices_find(devices, &addr, mac);
	if (device != NULL) {
		text_copy(facts->device, sizeof(facts->device), device->name);
		text_copy(facts->group, sizeof(facts->group), device->group);
		return;
	}
	text_copy(facts->device, sizeof(facts->device), text);
	if (mac_is_set(mac))
		(void)device_default_name(&addr, mac, facts->device);
	else
		warn_unknown(text);
}

/* By the card's address, where devices.yaml has it; "" not known. */
static void
find_maker(const struct device *device, char *out, size_t size)
{
	uint8_t mac[MAC_BYTES] = {0};
	struct oui *makers;

	out[0] = '\0';
	if (device == NULL)
		return;
	memcpy(mac, device->mac, sizeof(mac));
	if (!mac_is_set(mac))
		memcpy(mac, device->oui, OUI_BYTES);
	if (!mac_is_set(mac))
		return;
	makers = oui_open(OUI_FILE, NULL);
	oui_copy(makers, mac, out, size);
	oui_free(makers);
}

void
explain_write_device(const struct facts *facts, const struct config *config)
{
	const struct device *device = devices_named(config->devices, facts->device);
	char line[4 * FACTS_LABEL_MAX * 2], maker[FACTS_LABEL_MAX];
	struct text text = text_in(line, sizeof(line));

	find_maker(device, maker, sizeof(maker));
	text_add_untrusted(&text, facts->device, strlen(facts->device));
	if (device != NULL && device->group[0] != '\0')
		text_add(&text, "  group %s", device->group);
	if (maker[0] != '\0')
		text_add(&text, "  maker %s", maker);
	(void)puts(line);
}
