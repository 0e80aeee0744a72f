/* SPDX-License-Identifier: MIT */
#include "config/devices_private.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- the indexes ---- */

static int
by_name(const void *left, const void *right)
{
	const struct device *a = left, *b = right;
	int names = strcmp(a->name, b->name);

	return names != 0 ? names : a->line < b->line ? -1 : a->line > b->line;
}

void
devices_sort(struct device *list, size_t count)
{
	if (count > 1)
		qsort(list, count, sizeof(*list), by_name);
}

static int
by_key(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;
	int keys = memcmp(a->key, b->key, sizeof(a->key));
	unsigned first = a->device->line, second = b->device->line;

	return keys != 0 ? keys : first < second ? -1 : first > second;
}

static bool
is_set(const uint8_t *at, size_t count)
{
	static const uint8_t none[MAC_BYTES];

	return memcmp(at, none, count) != 0;
}

static bool
only_oui(const struct device *device)
{
	return device->ip_count == 0 && !mac_is_set(device->mac) &&
	       is_set(device->oui, sizeof(device->oui));
}

static int
make_index(struct index_of_owners *index, size_t room)
{
	free(index->list);
	index->count = 0;
	index->list = calloc(room + 1, sizeof(*index->list));
	return index->list != NULL ? 0 : -1;
}

static void
add_owner(struct index_of_owners *index, const struct device *device, const void *key, size_t size)
{
	struct owner *owner = &index->list[index->count++];

	memcpy(owner->key, key, size);
	owner->device = device;
}

static void
sort_index(struct index_of_owners *index)
{
	if (index->count > 1)
		qsort(index->list, index->count, sizeof(*index->list), by_key);
}

static int
fill_keys(struct devices *devices, const struct device *list, size_t count, enum device_key mac,
    enum device_key ip)
{
	struct index_of_owners *macs = &devices->by[mac], *ips = &devices->by[ip];
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += list[i].ip_count;
	if (make_index(macs, count) != 0 || make_index(ips, room) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (mac_is_set(list[i].mac))
			add_owner(macs, &list[i], list[i].mac, sizeof(list[i].mac));
		for (size_t j = 0; j < list[i].ip_count; j++)
			add_owner(ips, &list[i], list[i].ip[j].ip, sizeof(list[i].ip[j].ip));
	}
	sort_index(macs);
	sort_index(ips);
	return 0;
}

int
devices_index(struct devices *devices)
{
	struct index_of_owners *ouis = &devices->by[KEY_OUI];

	devices_sort(devices->list, devices->count);
	if (fill_keys(devices, devices->list, devices->count, KEY_MAC, KEY_IP) != 0 ||
	    make_index(ouis, devices->count) != 0)
		return -1;
	for (size_t i = 0; i < devices->count; i++) {
		const struct device *device = &devices->list[i];

		if (only_oui(device))
			add_owner(ouis, device, device->oui, sizeof(device->oui));
	}
	sort_index(ouis);
	return 0;
}

int
devices_index_learned(struct devices *devices)
{
	devices_sort(devices->learned, devices->learned_count);
	return fill_keys(devices, devices->learned, devices->learned_count, KEY_LEARNED_MAC,
	    KEY_LEARNED_IP);
}

/* ---- finding ---- */

static int
compare_key(const void *key, const void *element)
{
	const struct owner *owner = element;

	return memcmp(key, owner->key, sizeof(owner->key));
}

static const struct device *
find_key(const struct devices *devices, enum device_key which, const uint8_t *at, size_t size)
{
	const struct index_of_owners *index = &devices->by[which];
	uint8_t key[16] = {0};
	const struct owner *owner;

	if (index->count == 0)
		return NULL;
	memcpy(key, at, size);
	owner = bsearch(key, index->list, index->count, sizeof(*index->list), compare_key);
	return owner != NULL ? owner->device : NULL;
}

/* Whether a device that is known by its address may have this MAC. */
static bool
may_have(const struct device *device, const uint8_t mac[MAC_BYTES])
{
	if (!mac_is_set(mac))
		return true;
	if (mac_is_set(device->mac))
		return memcmp(device->mac, mac, MAC_BYTES) == 0;
	return !is_set(device->oui, OUI_BYTES) || memcmp(device->oui, mac, OUI_BYTES) == 0;
}

static const struct device *
find_by_mac(const struct devices *devices, enum device_key which, const uint8_t mac[MAC_BYTES])
{
	return mac_is_set(mac) ? find_key(devices, which, mac, MAC_BYTES) : NULL;
}

const struct device *
devices_find(const struct devices *devices, const struct addr *camera, const uint8_t mac[MAC_BYTES])
{
	const struct device *found;

	if (devices == NULL)
		return NULL;
	found = find_by_mac(devices, KEY_MAC, mac);
	if (found != NULL)
		return found;
	found = find_key(devices, KEY_IP, camera->ip, sizeof(camera->ip));
	if (found != NULL && may_have(found, mac))
		return found;
	if (!mac_is_set(mac))
		return find_key(devices, KEY_LEARNED_IP, camera->ip, sizeof(camera->ip));
	found = find_by_mac(devices, KEY_LEARNED_MAC, mac);
	return found != NULL ? found : find_key(devices, KEY_OUI, mac, OUI_BYTES);
}

static int
compare_name(const void *key, const void *element)
{
	const struct device *device = element;

	return strcmp(key, device->name);
}

static const struct device *
find_name(const struct device *list, size_t count, const char *name)
{
	return count == 0 ? NULL : bsearch(name, list, count, sizeof(*list), compare_name);
}

const struct device *
devices_named_in_file(const struct devices *devices, const char *name)
{
	return find_name(devices->list, devices->count, name);
}

const struct device *
devices_named(const struct devices *devices, const char *name)
{
	const struct device *found;

	if (devices == NULL)
		return NULL;
	found = devices_named_in_file(devices, name);
	return found != NULL ? found : find_name(devices->learned, devices->learned_count, name);
}

/* ---- names ---- */

const char *
device_default_name(const struct addr *camera, const uint8_t mac[MAC_BYTES],
    char out[FACTS_LABEL_MAX])
{
	char text[ADDR_TEXT_MAX];

	_Static_assert((int)FACTS_LABEL_MAX >= (int)MAC_TEXT_MAX, "a MAC is a name");
	if (mac_is_set(mac))
		return mac_text(mac, out);
	text_copy(out, FACTS_LABEL_MAX, addr_text(camera, text));
	return out;
}

bool
device_name_is_good(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	size_t size = strlen(text);
	uint8_t mac[MAC_BYTES];
	struct addr addr;

	return size > 0 && size < FACTS_LABEL_MAX && strspn(text, letters) == size &&
	       !mac_parse(text, mac, sizeof(mac)) && addr_parse(&addr, text, 0, NULL) != 0;
}

/* ---- conflicts ---- */

/* fe80::/10 (RFC 4291 section 2.5.6), and IPv4's 169.254/16 (RFC 3927). */
static bool
is_link_local(const struct addr *addr)
{
	if (addr_is_v4(addr))
		return addr->ip[12] == 169 && addr->ip[13] == 254;
	return addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

/* Whether a device has addresses of this one's family, and not this one. */
static bool
is_elsewhere(const struct device *device, const struct addr *camera)
{
	bool said = false;

	for (size_t i = 0; i < device->ip_count; i++) {
		if (addr_same_host(&device->ip[i], camera))
			return false;
		said = said || addr_is_v4(&device->ip[i]) == addr_is_v4(camera);
	}
	return said;
}

enum device_place
devices_check(const struct devices *devices, const struct addr *camera,
    const uint8_t mac[MAC_BYTES], const struct device **whose)
{
	const struct device *found;

	if (devices == NULL || !mac_is_set(mac))
		return DEVICE_FITS;
	found = find_key(devices, KEY_IP, camera->ip, sizeof(camera->ip));
	if (found != NULL && !may_have(found, mac)) {
		*whose = found;
		return DEVICE_OTHER_MAC;
	}
	found = find_by_mac(devices, KEY_MAC, mac);
	if (found != NULL && !is_link_local(camera) && is_elsewhere(found, camera)) {
		*whose = found;
		return DEVICE_OTHER_IP;
	}
	return DEVICE_FITS;
}
