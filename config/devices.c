/* SPDX-License-Identifier: MIT */
#include "config/devices_private.h"

#include "base/err.h"
#include "base/text.h"
#include "config/places.h"
#include "config/problems.h"
#include "config/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 100 * 1000 };

/* ---- one device ---- */

static void
read_name(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;

	(void)reader_label(reader, node, device->name, sizeof(device->name));
}

static void
read_group(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;

	(void)reader_label(reader, node, device->group, sizeof(device->group));
}

static void
read_mac(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;
	const char *text = reader_text(reader, node);

	if (text != NULL && !mac_parse(text, device->mac, sizeof(device->mac)))
		reader_error(reader, node, "'%.40s' is no MAC: write \"44:19:b6:12:34:56\"", text);
}

static void
read_oui(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;
	const char *text = reader_text(reader, node);

	if (text != NULL && !mac_parse(text, device->oui, sizeof(device->oui)))
		reader_error(reader, node, "'%.40s' is no OUI: write \"44:19:b6\"", text);
}

static void
read_ip(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;
	const struct yaml_node *element = NULL;

	while ((element = reader_next(reader, node, element)) != NULL) {
		const char *text = reader_text(reader, element);
		struct addr addr;
		struct err err;

		if (text == NULL)
			continue;
		if (addr_parse(&addr, text, 0, &err) != 0 || addr.port != 0)
			reader_error(reader, element, "'%.64s' is not an IP address", text);
		else if (device->ip_count == DEVICE_IPS_MAX)
			reader_error(reader, element, "more than %d addresses of one device",
			    DEVICE_IPS_MAX);
		else
			device->ip[device->ip_count++] = addr;
	}
}

/* A path is relative to devices.yaml. */
static char *
read_file(const struct reader *reader, const struct yaml_node *node)
{
	const char *text = reader_text(reader, node);
	const char *slash = strrchr(reader->file, '/');
	char *path = NULL;

	if (text == NULL)
		return NULL;
	if (asprintf(&path, "%.*s%s",
		text[0] == '/' || slash == NULL ? 0 : (int)(slash - reader->file) + 1, reader->file,
		text) >= 0)
		return path;
	reader_error(reader, node, "no memory for the devices");
	return NULL;
}

static void
read_client_cert(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;

	device->client_cert = read_file(reader, node);
}

static void
read_client_key(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;

	device->client_key = read_file(reader, node);
}

static const struct field client_fields[] = {
    {"cert", true, read_client_cert},
    {"key", true, read_client_key},
};

static void
read_client(const struct reader *reader, const struct yaml_node *node, void *into)
{
	reader_fields(reader, node, "client_cert", client_fields,
	    sizeof(client_fields) / sizeof(client_fields[0]), into);
}

static void
read_version(const struct reader *reader, const struct yaml_node *node, uint16_t *version)
{
	static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
	int word = reader_word(reader, node, versions, 4);

	if (word >= 0)
		*version = (uint16_t)(0x0301 + word);
}

static void
read_tls_min(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;

	read_version(reader, node, &device->tls_min);
}

static void
read_upstream_min(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device *device = into;

	read_version(reader, node, &device->upstream_tls_min);
}

/* The name is required where the devices are a list, and is the key where they
 * are a mapping. */
static const struct field named_fields[] = {
    {"name", true, read_name},
    {"group", false, read_group},
    {"mac", false, read_mac},
    {"oui", false, read_oui},
    {"ip", false, read_ip},
    {"client_cert", false, read_client},
    {"tls_min", false, read_tls_min},
    {"upstream_tls_min", false, read_upstream_min},
};
enum { NAMED_FIELDS = sizeof(named_fields) / sizeof(named_fields[0]) };

const char *
device_key(size_t index)
{
	return index < NAMED_FIELDS ? named_fields[index].name : NULL;
}

static void
read_device(const struct reader *reader, const struct yaml_node *node, bool keyed,
    struct device *device)
{
	device->line = node->line;
	if (keyed && !reader_label(reader, node->key, device->name, sizeof(device->name)))
		return;
	reader_fields(reader, node, "a device", keyed ? named_fields + 1 : named_fields,
	    keyed ? NAMED_FIELDS - 1 : NAMED_FIELDS, device);
	if (node->kind != YAML_MAP)
		return;
	if (yaml_child(node, "mac") == NULL && yaml_child(node, "oui") == NULL &&
	    yaml_child(node, "ip") == NULL)
		reader_error(reader, node, "device '%s' needs 'ip', 'mac' or 'oui' to be known by",
		    device->name);
}

/* ---- a group ---- */

static void
read_group_min(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device_group *group = into;

	read_version(reader, node, &group->tls_min);
}

static void
read_group_upstream_min(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct device_group *group = into;

	read_version(reader, node, &group->upstream_tls_min);
}

static const struct field group_fields[] = {
    {"tls_min", false, read_group_min},
    {"upstream_tls_min", false, read_group_upstream_min},
};
enum { GROUP_FIELDS = sizeof(group_fields) / sizeof(group_fields[0]) };

const char *
device_group_key(size_t index)
{
	return index < GROUP_FIELDS ? group_fields[index].name : NULL;
}

static void
read_groups(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct devices *devices = into;

	if (node->kind != YAML_MAP || node->count > DEVICES_MAX) {
		reader_error(reader, node, "groups must be a mapping by name, of at most %d groups",
		    DEVICES_MAX);
		return;
	}
	devices->groups = calloc(node->count + 1, sizeof(*devices->groups));
	if (devices->groups == NULL) {
		reader_error(reader, node, "no memory for the groups");
		return;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
		struct device_group *group = &devices->groups[devices->groups_count];

		group->line = child->key->line;
		group->column = child->key->column;
		if (!reader_label(reader, child->key, group->name, sizeof(group->name)))
			continue;
		devices->groups_count++;
		reader_fields(reader, child, "a group", group_fields, GROUP_FIELDS, group);
	}
}

/* Give each device what its group says and it does not say itself. */
static void
apply_group(const struct reader *reader, struct devices *devices, const struct device_group *group)
{
	bool found = false;

	for (size_t i = 0; i < devices->count; i++) {
		struct device *device = &devices->list[i];

		if (strcmp(device->group, group->name) != 0)
			continue;
		found = true;
		if (device->tls_min == 0)
			device->tls_min = group->tls_min;
		if (device->upstream_tls_min == 0)
			device->upstream_tls_min = group->upstream_tls_min;
	}
	if (!found)
		problems_warning(reader->problems, reader->file, group->line, group->column,
		    "no device is in group '%s'", group->name);
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

static const struct field file_fields[] = {
    {"devices", true, read_devices},
    {"groups", false, read_groups},
};

/* What stands at a key, for who is told that it is there twice. */
static const char *
key_text(enum device_key which, const struct owner *owner, char out[ADDR_TEXT_MAX])
{
	struct text text = text_in(out, ADDR_TEXT_MAX);
	struct addr addr = {0};
	char ip[ADDR_TEXT_MAX];

	if (which == KEY_OUI) {
		text_add(&text, "OUI %02x:%02x:%02x", owner->key[0], owner->key[1], owner->key[2]);
	} else if (which == KEY_MAC) {
		text_add(&text, "MAC %s", mac_text(owner->key, ip));
	} else {
		memcpy(addr.ip, owner->key, sizeof(addr.ip));
		text_add(&text, "address %s", addr_text(&addr, ip));
	}
	return out;
}

static void
refuse_shared(const struct reader *reader, const struct devices *devices, enum device_key which)
{
	const struct index_of_owners *index = &devices->by[which];

	for (size_t i = 1; i < index->count; i++) {
		const struct owner *a = &index->list[i - 1], *b = a + 1;
		char text[ADDR_TEXT_MAX];

		if (memcmp(a->key, b->key, sizeof(a->key)) != 0)
			continue;
		problems_error(reader->problems, reader->file, b->device->line, 1,
		    "%s belongs to '%s' (line %u) and to '%s'", key_text(which, b, text),
		    a->device->name, a->device->line, b->device->name);
	}
}

static void
refuse_twins(const struct reader *reader, const struct devices *devices)
{
	for (size_t i = 1; i < devices->count; i++) {
		const struct device *a = &devices->list[i - 1], *b = &devices->list[i];

		if (b->name[0] != '\0' && strcmp(a->name, b->name) == 0)
			problems_error(reader->problems, reader->file, b->line, 1,
			    "device '%s' is here twice (first on line %u)", b->name, a->line);
	}
	refuse_shared(reader, devices, KEY_MAC);
	refuse_shared(reader, devices, KEY_IP);
	refuse_shared(reader, devices, KEY_OUI);
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
	text_copy(devices->file, sizeof(devices->file), file);
	if (yaml_tree_read(&tree, file, text, problems) == 0) {
		reader_fields(&reader, tree.root, "the file", file_fields,
		    sizeof(file_fields) / sizeof(file_fields[0]), devices);
		for (size_t i = 0; i < devices->groups_count; i++)
			apply_group(&reader, devices, &devices->groups[i]);
		if (devices_index(devices) == 0)
			refuse_twins(&reader, devices);
		else
			problems_error(problems, file, 0, 0, "no memory for the devices");
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
	for (size_t i = 0; i < KEY_COUNT; i++)
		free(devices->by[i].list);
	for (size_t i = 0; i < devices->count; i++) {
		free(devices->list[i].client_cert);
		free(devices->list[i].client_key);
	}
	free(devices->learned);
	free(devices->groups);
	free(devices->list);
	free(devices);
}

size_t
devices_count(const struct devices *devices)
{
	return devices == NULL ? 0 : devices->count;
}

const struct device *
devices_at(const struct devices *devices, size_t index)
{
	assert(index < devices_count(devices));
	return &devices->list[index];
}

const char *
devices_file(const struct devices *devices)
{
	return devices == NULL ? "" : devices->file;
}
