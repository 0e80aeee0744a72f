/* SPDX-License-Identifier: MIT */
#include "config/devices.h"

#include "base/err.h"
#include "config/problems.h"
#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 100 * 1000, ADDRESSES_MAX = 16 };

/* Where a device was written, for who is told that it is there twice. */
struct entry {
	struct device device;
	unsigned line;
	size_t count;
	struct addr addrs[ADDRESSES_MAX];
};

struct owner {
	uint8_t ip[16];
	const struct entry *entry;
};

struct devices {
	size_t count, owner_count;
	struct entry *list;   /* owned; by name */
	struct owner *owners; /* owned; by address */
};

/* ---- one device ---- */

static void
read_name(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct entry *entry = into;

	(void)reader_label(reader, node, entry->device.name, sizeof(entry->device.name));
}

static void
read_group(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct entry *entry = into;

	(void)reader_label(reader, node, entry->device.group, sizeof(entry->device.group));
}

static int
hex_digit(char letter)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = letter == '\0' ? NULL : strchr(digits, letter);

	if (at == NULL)
		return -1;
	return at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* count pairs of hex digits with ':' or '-' between them. */
static bool
parse_octets(const char *text, uint8_t *out, size_t count)
{
	bool zero = true;

	if (strlen(text) != count * 3 - 1)
		return false;
	for (size_t i = 0; i < count; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
		char after = text[3 * i + 2];

		if (high < 0 || low < 0 || (i + 1 < count && after != ':' && after != '-'))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
		zero = zero && out[i] == 0;
	}
	return !zero;
}

static void
read_mac(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct entry *entry = into;
	const char *text = reader_text(reader, node);

	if (text != NULL && !parse_octets(text, entry->device.mac, sizeof(entry->device.mac)))
		reader_error(reader, node, "'%.40s' is no MAC: write \"44:19:b6:12:34:56\"", text);
}

static void
read_oui(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct entry *entry = into;
	const char *text = reader_text(reader, node);

	if (text != NULL && !parse_octets(text, entry->device.oui, sizeof(entry->device.oui)))
		reader_error(reader, node, "'%.40s' is no OUI: write \"44:19:b6\"", text);
}

static void
read_ip(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct entry *entry = into;
	const struct yaml_node *element = NULL;

	while ((element = reader_next(reader, node, element)) != NULL) {
		const char *text = reader_text(reader, element);
		struct addr addr;
		struct err err;

		if (text == NULL)
			continue;
		if (addr_parse(&addr, text, 0, &err) != 0 || addr.port != 0)
			reader_error(reader, element, "'%.64s' is not an IP address", text);
		else if (entry->count == ADDRESSES_MAX)
			reader_error(reader, element, "more than %d addresses of one device",
			    ADDRESSES_MAX);
		else
			entry->addrs[entry->count++] = addr;
	}
}

/* The name is required where the devices are a list, and is the key where they
 * are a mapping. */
static const struct field named_fields[] = {
    {"name", true, read_name},
    {"group", false, read_group},
    {"mac", false, read_mac},
    {"oui", false, read_oui},
    {"ip", false, read_ip},
};
enum { NAMED_FIELDS = sizeof(named_fields) / sizeof(named_fields[0]) };

static void
read_device(const struct reader *reader, const struct yaml_node *node, bool keyed,
    struct entry *entry)
{
	entry->line = node->line;
	if (keyed &&
	    !reader_label(reader, node->key, entry->device.name, sizeof(entry->device.name)))
		return;
	reader_fields(reader, node, "a device", keyed ? named_fields + 1 : named_fields,
	    keyed ? NAMED_FIELDS - 1 : NAMED_FIELDS, entry);
	if (node->kind != YAML_MAP)
		return;
	if (yaml_child(node, "mac") == NULL && yaml_child(node, "oui") == NULL &&
	    yaml_child(node, "ip") == NULL)
		reader_error(reader, node, "device '%s' needs 'ip', 'mac' or 'oui' to be known by",
		    entry->device.name);
	else if (yaml_child(node, "ip") == NULL)
		reader_warning(reader, node,
		    "device '%s' has no ip: this version knows cameras by their address only",
		    entry->device.name);
}

/* ---- all of them ---- */

static void
read_devices(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct devices *devices = into;

	if (node->kind == YAML_TEXT || node->count > DEVICES_MAX) {
		reader_error(reader, node,
		    "devices must be a list, or a mapping by name, of at most %d devices",
		    DEVICES_MAX);
		return;
	}
	devices->list = calloc(node->count + 1, sizeof(*devices->list));
	if (devices->list == NULL) {
		reader_error(reader, node, "no memory for the devices");
		return;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next)
		read_device(reader, child, node->kind == YAML_MAP,
		    &devices->list[devices->count++]);
}

static const struct field file_fields[] = {{"devices", true, read_devices}};

static int
by_name(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int names = strcmp(a->device.name, b->device.name);

	return names != 0 ? names : a->line < b->line ? -1 : a->line > b->line;
}

static int
by_ip(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;
	int ips = memcmp(a->ip, b->ip, sizeof(a->ip));

	return ips != 0                          ? ips
	       : a->entry->line < b->entry->line ? -1
						 : a->entry->line > b->entry->line;
}

static void
tell_shared(const struct reader *reader, const struct owner *a, const struct owner *b)
{
	struct addr addr = {0};
	char text[ADDR_TEXT_MAX];

	memcpy(addr.ip, b->ip, sizeof(addr.ip));
	problems_error(reader->problems, reader->file, b->entry->line, 1,
	    "address %s belongs to '%s' (line %u) and to '%s'", addr_text(&addr, text),
	    a->entry->device.name, a->entry->line, b->entry->device.name);
}

static void
refuse_twins(const struct reader *reader, const struct devices *devices)
{
	for (size_t i = 1; i < devices->count; i++) {
		const struct entry *a = &devices->list[i - 1], *b = &devices->list[i];

		if (b->device.name[0] != '\0' && strcmp(a->device.name, b->device.name) == 0)
			problems_error(reader->problems, reader->file, b->line, 1,
			    "device '%s' is here twice (first on line %u)", b->device.name,
			    a->line);
	}
	for (size_t i = 1; i < devices->owner_count; i++) {
		const struct owner *a = &devices->owners[i - 1], *b = a + 1;

		if (memcmp(a->ip, b->ip, sizeof(a->ip)) == 0)
			tell_shared(reader, a, b);
	}
}

static int
index_devices(const struct reader *reader, struct devices *devices)
{
	size_t room = 0;

	for (size_t i = 0; i < devices->count; i++)
		room += devices->list[i].count;
	devices->owners = calloc(room + 1, sizeof(*devices->owners));
	if (devices->owners == NULL) {
		problems_error(reader->problems, reader->file, 0, 0, "no memory for the devices");
		return -1;
	}
	if (devices->count > 1)
		qsort(devices->list, devices->count, sizeof(*devices->list), by_name);
	for (size_t i = 0; i < devices->count; i++) {
		const struct entry *entry = &devices->list[i];

		for (size_t j = 0; j < entry->count; j++) {
			struct owner *owner = &devices->owners[devices->owner_count++];

			memcpy(owner->ip, entry->addrs[j].ip, sizeof(owner->ip));
			owner->entry = entry;
		}
	}
	if (devices->owner_count > 1)
		qsort(devices->owners, devices->owner_count, sizeof(*devices->owners), by_ip);
	return 0;
}

struct devices *
devices_read(const char *file, struct bytes text, struct problems *problems)
{
	struct reader reader = {.file = file, .problems = problems};
	size_t errors = problems->errors;
	struct devices *devices = calloc(1, sizeof(*devices));
	struct yaml_tree tree;

	if (devices == NULL) {
		problems_error(problems, file, 0, 0, "no memory for the devices");
		return NULL;
	}
	if (yaml_tree_read(&tree, file, text, problems) == 0) {
		reader_fields(&reader, tree.root, "the file", file_fields, 1, devices);
		if (index_devices(&reader, devices) == 0)
			refuse_twins(&reader, devices);
	}
	yaml_tree_free(&tree);
	if (problems->errors > errors) {
		devices_free(devices);
		return NULL;
	}
	return devices;
}

void
devices_free(struct devices *devices)
{
	if (devices == NULL)
		return;
	free(devices->owners);
	free(devices->list);
	free(devices);
}

size_t
devices_count(const struct devices *devices)
{
	return devices == NULL ? 0 : devices->count;
}

static int
compare_ip(const void *key, const void *element)
{
	const struct addr *addr = key;
	const struct owner *owner = element;

	return memcmp(addr->ip, owner->ip, sizeof(owner->ip));
}

const struct device *
devices_find(const struct devices *devices, const struct addr *camera)
{
	const struct owner *owner;

	if (devices == NULL || devices->owner_count == 0)
		return NULL;
	owner = bsearch(camera, devices->owners, devices->owner_count, sizeof(*devices->owners),
	    compare_ip);
	return owner == NULL ? NULL : &owner->entry->device;
}

static int
compare_name(const void *key, const void *element)
{
	const struct entry *entry = element;

	return strcmp(key, entry->device.name);
}

const struct device *
devices_named(const struct devices *devices, const char *name)
{
	const struct entry *entry;

	if (devices == NULL || devices->count == 0)
		return NULL;
	entry = bsearch(name, devices->list, devices->count, sizeof(*devices->list), compare_name);
	return entry == NULL ? NULL : &entry->device;
}
