/* SPDX-License-Identifier: MIT */
#include "proxy/census.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 8192,   /* twice the cameras that a worker is made for */
	PROBES_MAX = 32, /* places looked at for one camera */
};

struct place_of {
	uint8_t ip[16];
	uint32_t open; /* 0: free */
};

struct census {
	size_t per_camera_max;
	struct place_of places[PLACES];
};

struct census *
census_new(size_t per_camera_max)
{
	struct census *census = calloc(1, sizeof(*census));

	if (census != NULL)
		census->per_camera_max = per_camera_max;
	return census;
}

void
census_free(struct census *census)
{
	free(census);
}

/* FNV-1a; a camera that finds collisions finds its own limit lifted, and the
 * worker's own limit still holds. */
static size_t
hash(const uint8_t ip[16])
{
	uint32_t value = 2166136261U;

	for (size_t i = 0; i < 16; i++)
		value = (value ^ ip[i]) * 16777619U;
	return value;
}

/* The camera's place, or a free one for it, or NULL. */
static struct place_of *
find(struct census *census, const struct addr *camera)
{
	struct place_of *vacant = NULL;
	size_t start = hash(camera->ip);

	for (size_t i = 0; i < PROBES_MAX; i++) {
		struct place_of *place = &census->places[(start + i) % PLACES];

		if (place->open > 0 && memcmp(place->ip, camera->ip, sizeof(place->ip)) == 0)
			return place;
		if (place->open == 0 && vacant == NULL)
			vacant = place;
	}
	return vacant;
}

bool
census_add(struct census *census, const struct addr *camera)
{
	struct place_of *place = find(census, camera);

	if (place == NULL)
		return true;
	if (place->open >= census->per_camera_max)
		return false;
	memcpy(place->ip, camera->ip, sizeof(place->ip));
	place->open++;
	return true;
}

void
census_remove(struct census *census, const struct addr *camera)
{
	struct place_of *place = find(census, camera);

	if (place != NULL && place->open > 0)
		place->open--;
}
