/* SPDX-License-Identifier: MIT */
#include "proxy/census.h"

#include <stdlib.h>
#include <string.h>

enum {
	PLACES = 8192,   /* twice the cameras that a worker is made for */
	PROBES_MAX = 32, /* places looked at for one camera */
	US_PER_S = 1000000,
};

struct place_of {
	uint8_t ip[16];
	uint32_t open;
	uint64_t paid_us;   /* the time up to which its handshakes have used up its share */
	uint64_t opened_us; /* the same of its connections */
	struct camera_turns turns;
	struct camera_backlog backlog;
	size_t held;
};

struct census {
	size_t per_camera_max;
	uint64_t now_us; /* as last heard */
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
census_limit(struct census *census, size_t per_camera_max)
{
	census->per_camera_max = per_camera_max;
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

/* A camera that comes and goes is remembered until its share is whole again. */
static bool
is_vacant(const struct census *census, const struct place_of *place)
{
	return place->open == 0 && place->paid_us <= census->now_us &&
	       place->opened_us <= census->now_us;
}

/* The camera's place, or a free one for it, or NULL. */
static struct place_of *
find(struct census *census, const struct addr *camera)
{
	struct place_of *vacant = NULL;
	size_t start = hash(camera->ip);

	for (size_t i = 0; i < PROBES_MAX; i++) {
		struct place_of *place = &census->places[(start + i) % PLACES];

		if (is_vacant(census, place)) {
			if (vacant == NULL)
				vacant = place;
		} else if (memcmp(place->ip, camera->ip, sizeof(place->ip)) == 0) {
			return place;
		}
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
	if (is_vacant(census, place)) {
		*place = (struct place_of){0};
		TAILQ_INIT(&place->turns.waiting);
		STAILQ_INIT(&place->backlog.waiting);
	}
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

/* One more of a share that is used up to *used_us; false: there is no more of it. */
static bool
draw(uint64_t *used_us, uint32_t per_s, uint64_t now_us)
{
	uint64_t span_us = US_PER_S / per_s;
	uint64_t from_us = *used_us > now_us ? *used_us : now_us;

	if (from_us + span_us > now_us + (uint64_t)CENSUS_BURST_S * US_PER_S)
		return false;
	*used_us = from_us + span_us;
	return true;
}

/* The place of a camera that is counted; NULL: it is not. */
static struct place_of *
find_counted(struct census *census, const struct addr *camera, uint64_t now_us)
{
	struct place_of *place = find(census, camera);

	census->now_us = now_us;
	return place != NULL && place->open > 0 ? place : NULL;
}

bool
census_start(struct census *census, const struct addr *camera, uint32_t per_s, uint64_t now_us)
{
	struct place_of *place = find_counted(census, camera, now_us);

	return place == NULL || draw(&place->paid_us, per_s, now_us);
}

bool
census_open(struct census *census, const struct addr *camera, uint32_t per_s, uint64_t now_us)
{
	struct place_of *place = find_counted(census, camera, now_us);

	return place == NULL || draw(&place->opened_us, per_s, now_us);
}

struct camera_turns *
census_turns(struct census *census, const struct addr *camera)
{
	struct place_of *place = find(census, camera);

	return place != NULL && place->open > 0 ? &place->turns : NULL;
}

struct camera_backlog *
census_backlog(struct census *census, const struct addr *camera)
{
	struct place_of *place = find(census, camera);

	return place != NULL && place->open > 0 ? &place->backlog : NULL;
}

size_t *
census_held(struct census *census, const struct addr *camera)
{
	struct place_of *place = find(census, camera);

	return place != NULL && place->open > 0 ? &place->held : NULL;
}
