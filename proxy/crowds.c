/* SPDX-License-Identifier: MIT */
#include "proxy/crowds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 2048,   /* servers that are waited for at once */
	PROBES_MAX = 16, /* places looked at for one server */
};

struct crowds {
	struct crowd places[PLACES];
};

struct crowds *
crowds_new(void)
{
	return calloc(1, sizeof(struct crowds));
}

void
crowds_free(struct crowds *crowds)
{
	free(crowds);
}

/* FNV-1a; a camera that finds collisions lifts the limit of servers that it
 * chose itself. */
static size_t
hash(const struct addr *server)
{
	uint32_t value = 2166136261U ^ server->port;

	for (size_t i = 0; i < sizeof(server->ip); i++)
		value = (value ^ server->ip[i]) * 16777619U;
	return value;
}

/* The server's place, or a free one for it, or NULL. */
static struct crowd *
find(struct crowds *crowds, const struct addr *server)
{
	struct crowd *vacant = NULL;
	size_t start = hash(server);

	for (size_t i = 0; i < PROBES_MAX; i++) {
		struct crowd *place = &crowds->places[(start + i) % PLACES];

		if (place->pending == 0) {
			if (vacant == NULL)
				vacant = place;
		} else if (place->port == server->port &&
			   memcmp(place->ip, server->ip, sizeof(place->ip)) == 0) {
			return place;
		}
	}
	return vacant;
}

struct crowd *
crowds_join(struct crowds *crowds, const struct addr *server)
{
	struct crowd *crowd = find(crowds, server);

	if (crowd == NULL)
		return NULL;
	if (crowd->pending == 0) {
		*crowd = (struct crowd){.port = server->port};
		memcpy(crowd->ip, server->ip, sizeof(crowd->ip));
		TAILQ_INIT(&crowd->waiting);
	}
	crowd->pending++;
	return crowd;
}

void
crowd_leave(struct crowd *crowd)
{
	assert(crowd->pending > 0);
	crowd->pending--;
}
