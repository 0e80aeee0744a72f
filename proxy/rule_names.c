/* SPDX-License-Identifier: MIT */
#include "proxy/rule_names.h"

#include "config/config.h"
#include "config/devices.h"
#include "config/problems.h"
#include "config/rules.h"
#include "geo/geo.h"

#include <string.h>

/* Who is asked whether a name is known. */
struct search {
	const struct config *config;
	const struct geo *geo;
	struct problems *problems;
};

static void
check_device(const struct rules_name *name, void *arg)
{
	const struct search *search = arg;

	/* A camera that has no name is called by its MAC or its address. */
	if (!device_name_is_good(name->name) ||
	    devices_named(search->config->devices, name->name) != NULL)
		return;
	problems_warning(search->problems, name->file, name->line, name->column,
	    "no device is called '%.48s': the rule does not hold until one is", name->name);
}

static void
check_group(const struct rules_name *name, void *arg)
{
	const struct search *search = arg;
	const struct devices *devices = search->config->devices;

	for (size_t i = 0; i < devices_count(devices); i++) {
		if (strcmp(devices_at(devices, i)->group, name->name) == 0)
			return;
	}
	problems_warning(search->problems, name->file, name->line, name->column,
	    "no device is in a group '%.48s': the rule does not hold until one is", name->name);
}

static void
check_vendor(const struct rules_name *name, void *arg)
{
	const struct search *search = arg;

	if (geo_has_vendor(search->geo, name->name))
		return;
	problems_warning(search->problems, name->file, name->line, name->column,
	    "the vendors' table has no '%.48s': none of its servers is known by name", name->name);
}

void
rule_names_check(const struct config *config, const struct geo *geo, struct problems *problems)
{
	struct search search = {.config = config, .geo = geo, .problems = problems};

	if (config->devices != NULL) {
		rules_names(config->rules, "device", check_device, &search);
		rules_names(config->rules, "group", check_group, &search);
	}
	if (config->geo.vendors[0] != '\0')
		rules_names(config->rules, "vendor", check_vendor, &search);
}
