/* SPDX-License-Identifier: MIT */
#include "proxy/client_certs.h"

#include "base/err.h"
#include "base/text.h"
#include "config/devices.h"
#include "config/source.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	char device[FACTS_LABEL_MAX];
	struct identity identity;
};

struct client_certs {
	size_t count;
	struct entry list[]; /* by name */
};

static int
read_entry(struct entry *entry, const struct device *device, struct source *source, struct err *err)
{
	struct bytes cert, key;

	if (source_read(source, device->client_cert, &cert, err) != 0 ||
	    source_read(source, device->client_key, &key, err) != 0)
		return -1;
	text_copy(entry->device, sizeof(entry->device), device->name);
	return identity_read(&entry->identity, cert, device->client_cert, key, device->client_key,
	    err);
}

static int
by_name(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	return strcmp(a->device, b->device);
}

struct client_certs *
client_certs_open(const struct devices *devices, struct source *source, struct err *err)
{
	struct client_certs *certs;
	size_t room = 0;

	for (size_t i = 0; i < devices_count(devices); i++)
		room += devices_at(devices, i)->client_cert != NULL;
	certs = calloc(1, sizeof(*certs) + room * sizeof(certs->list[0]));
	if (certs == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for the devices' certificates");
		return NULL;
	}
	for (size_t i = 0; i < devices_count(devices); i++) {
		const struct device *device = devices_at(devices, i);

		if (device->client_cert == NULL)
			continue;
		if (read_entry(&certs->list[certs->count], device, source, err) != 0) {
			client_certs_close(certs);
			return NULL;
		}
		certs->count++;
	}
	if (certs->count > 1)
		qsort(certs->list, certs->count, sizeof(certs->list[0]), by_name);
	return certs;
}

void
client_certs_close(struct client_certs *certs)
{
	if (certs == NULL)
		return;
	for (size_t i = 0; i < certs->count; i++)
		identity_clear(&certs->list[i].identity);
	free(certs);
}

static int
compare_name(const void *key, const void *element)
{
	const struct entry *entry = element;

	return strcmp(key, entry->device);
}

const struct identity *
client_certs_find(const struct client_certs *certs, const char *device)
{
	const struct entry *entry;

	if (certs->count == 0)
		return NULL;
	entry = bsearch(device, certs->list, certs->count, sizeof(certs->list[0]), compare_name);
	return entry == NULL ? NULL : &entry->identity;
}
