/* SPDX-License-Identifier: MIT */
/* A devices.yaml, or learned names, and who some cameras are by them. */
#include "config/devices.h"
#include "config/problems.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(const struct devices *devices)
{
	struct addr camera = {.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = 4}};
	uint8_t macs[2][MAC_BYTES] = {{0}, {0x44, 0x19, 0xb6, 0x12, 0x34, 0x56}};
	const struct device *whose = NULL;

	for (size_t i = 0; i < 2; i++) {
		const struct device *found = devices_find(devices, &camera, macs[i]);

		assert(found == NULL || found == devices_named(devices, found->name));
		assert(devices_check(devices, &camera, macs[i], &whose) == DEVICE_FITS ||
		       whose != NULL);
	}
	for (size_t i = 0; i < devices_count(devices); i++)
		assert(strlen(devices_at(devices, i)->name) > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = {data, size};
	struct problems problems = {0};
	struct devices *devices = devices_read("f", text, &problems);

	assert((devices == NULL) == (problems.errors > 0));
	ask(devices);
	(void)devices_learn(&devices, "store", text, &problems);
	ask(devices);
	devices_free(devices);
	problems_free(&problems);
	return 0;
}
