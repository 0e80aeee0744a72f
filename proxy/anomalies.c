/* SPDX-License-Identifier: MIT */
#include "proxy/anomalies.h"

#include "base/clock.h"
#include "base/text.h"
#include "config/devices.h"
#include "proxy/broker_wire.h"
#include "proxy/budget.h"
#include "proxy/guard.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "record/spool.h"

#include <inttypes.h>
#include <string.h>

/* By the packet's own MAC where it is another than the neighbour's who has that
 * address: then somebody else sent it.  Where the address is no neighbour's it
 * came over a router, or was made up: the address names it then. */
static void
name_camera(const struct worker *worker, const struct drops_key *key, struct facts *facts)
{
	const struct config *config = worker->snapshot->config;

	memcpy(facts->camera.ip, key->ip, sizeof(facts->camera.ip));
	inventory_name(worker->inventory, config, facts);
	text_copy(facts->iface, sizeof(facts->iface), key->iface);
	if (memcmp(facts->mac, key->mac, MAC_BYTES) == 0)
		return;
	if (mac_is_set(facts->mac)) {
		const struct device *device =
		    devices_find(config->devices, &facts->camera, key->mac);

		facts->group[0] = '\0';
		if (device != NULL)
			text_copy(facts->device, sizeof(facts->device), device->name);
		else
			(void)device_default_name(&facts->camera, key->mac, facts->device);
	}
	memcpy(facts->mac, key->mac, MAC_BYTES);
}

static void
say_gap(const struct broker_unseen *unseen, struct text *text)
{
	char until[CLOCK_TEXT_MAX];

	(void)clock_text(unseen->until_us, until);
	text_add(text, "%" PRIu64 " packets went nowhere, as nobody was there to take them, ",
	    unseen->count.packets);
	if (unseen->since_us != 0) {
		char since[CLOCK_TEXT_MAX];

		text_add(text, "between %s and %s", clock_text(unseen->since_us, since), until);
	} else {
		text_add(text, "before %s", until);
	}
}

static void
say_what(const struct broker_unseen *unseen, struct facts *facts)
{
	struct text text = text_in(facts->end_text, sizeof(facts->end_text));
	const char *name = anomaly_name(facts->anomaly.kind);

	if (facts->anomaly.kind == ANOMALY_GAP)
		say_gap(unseen, &text);
	else if (facts->anomaly.kind == ANOMALY_FRAGMENT)
		text_add(&text, "%" PRIu64 " fragments came; what they make whole is judged",
		    unseen->count.packets);
	else
		text_add(&text, "%" PRIu64 " packets (%s) went nowhere", unseen->count.packets,
		    name);
	if (facts->anomaly.kind != ANOMALY_FRAGMENT)
		guard_block(&facts->verdict, VERDICT_ADDRESS, name, "%s", facts->end_text);
}

bool
anomalies_record(void *arg, const struct broker_unseen *unseen)
{
	struct worker *worker = arg;
	struct facts facts = {
	    .opened_wall_us = unseen->since_us != 0 ? unseen->since_us : unseen->until_us,
	    .closed_wall_us = unseen->until_us,
	    .anomaly = {(enum anomaly)unseen->count.key.kind, unseen->count.packets,
		unseen->count.bytes},
	};

	/* What cameras send goes first. */
	if (!spool_has_room(worker->spool))
		return false;
	name_camera(worker, &unseen->count.key, &facts);
	say_what(unseen, &facts);
	return spool_write(worker->spool, EVENT_ANOMALY, &facts, NULL) == 0;
}

void
anomalies_record_loss(struct worker *worker)
{
	struct facts facts = {.anomaly = {.kind = ANOMALY_BUDGETS}};
	uint64_t lost_us = budgets_take_loss(worker->budgets);

	if (lost_us == 0)
		return;
	facts.opened_wall_us = facts.closed_wall_us = lost_us;
	text_copy(facts.end_text, sizeof(facts.end_text),
	    "The counts of budgets could not be used; they were set aside and begin anew");
	if (!spool_has_room(worker->spool) ||
	    spool_write(worker->spool, EVENT_ANOMALY, &facts, NULL) != 0)
		budgets_put_loss(worker->budgets, lost_us);
}
