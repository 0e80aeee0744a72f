/* SPDX-License-Identifier: MIT */
#include "proxy/udp_table.h"

#include "base/err.h"
#include "base/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	BUCKETS = 1 << 17, /* as many as there are flows by default; untouched pages cost nothing */
	CAMERA_BUCKETS = 1 << 12,
	BUCKETS_A_STEP = 64,
	/* With excess and no flows; what cameras beyond it lose is told as one's.
	 * Source addresses are the camera's to invent. */
	IDLE_CAMERAS_MAX = 1024,
	US_PER_MS = 1000,
	US_PER_S = 1000000,
};

/* One that has flows, or had none and lost datagrams. */
struct camera {
	struct camera *next;       /* in its bucket */
	TAILQ_ENTRY(camera) entry; /* of those with excess */
	uint8_t ip[16];
	size_t flows;
	bool in_excess;
	uint64_t due_ms;   /* when its excess is to be told next */
	uint64_t looks_us; /* until when its looks so far are its share */
	struct udp_excess excess;
};

TAILQ_HEAD(camera_list, camera);

struct udp_table {
	struct siphash_key key;
	size_t count;
	struct udp_flow *found; /* last: the next datagram is often of the same; or NULL */
	size_t counts[UDP_STATES];
	struct udp_flow_list lists[UDP_STATES];
	struct camera_list excess;
	size_t idle_cameras;
	struct camera others; /* cameras there is no room for */
	uint64_t looks_us;    /* as a camera's, of all */
	struct camera *cameras[CAMERA_BUCKETS];
	struct udp_flow *buckets[BUCKETS];
};

struct udp_table *
udp_table_new(struct err *err)
{
	struct udp_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory for the flows"), NULL;
	if (getrandom(&table->key, sizeof(table->key), 0) != (ssize_t)sizeof(table->key)) {
		(void)err_sys(err, "getrandom");
		free(table);
		return NULL;
	}
	for (size_t i = 0; i < UDP_STATES; i++)
		TAILQ_INIT(&table->lists[i]);
	TAILQ_INIT(&table->excess);
	return table;
}

/* ---- places ---- */

static struct udp_flow **
flow_bucket(struct udp_table *table, const struct addr *camera, const struct addr *dst)
{
	uint8_t key[2 * sizeof(camera->ip) + 2 * sizeof(camera->port)];
	size_t ip = sizeof(camera->ip), port = sizeof(camera->port);

	memcpy(key, camera->ip, ip);
	memcpy(key + ip, dst->ip, ip);
	memcpy(key + 2 * ip, &camera->port, port);
	memcpy(key + 2 * ip + port, &dst->port, port);
	return &table->buckets[siphash(&table->key, key, sizeof(key)) % BUCKETS];
}

static struct camera **
camera_bucket(struct udp_table *table, const uint8_t ip[16])
{
	return &table->cameras[siphash(&table->key, ip, 16) % CAMERA_BUCKETS];
}

static struct camera *
find_camera(struct udp_table *table, const uint8_t ip[16])
{
	struct camera *camera = *camera_bucket(table, ip);

	while (camera != NULL && memcmp(camera->ip, ip, sizeof(camera->ip)) != 0)
		camera = camera->next;
	return camera;
}

/* Found or made; NULL: no memory. */
static struct camera *
take_camera(struct udp_table *table, const uint8_t ip[16])
{
	struct camera *camera = find_camera(table, ip);
	struct camera **bucket = camera_bucket(table, ip);

	if (camera != NULL)
		return camera;
	camera = calloc(1, sizeof(*camera));
	if (camera == NULL)
		return NULL;
	memcpy(camera->ip, ip, sizeof(camera->ip));
	camera->next = *bucket;
	*bucket = camera;
	table->idle_cameras++;
	return camera;
}

static void
free_camera_if_idle(struct udp_table *table, struct camera *camera)
{
	struct camera **at;

	if (camera == &table->others || camera->flows > 0 || camera->in_excess)
		return;
	at = camera_bucket(table, camera->ip);
	while (*at != camera)
		at = &(*at)->next;
	*at = camera->next;
	table->idle_cameras--;
	free(camera);
}

static void
free_flows(struct udp_flow_list *list)
{
	struct udp_flow *flow;

	while ((flow = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, flow, entry);
		free(flow);
	}
}

static void
free_cameras(struct camera *camera)
{
	struct camera *next;

	for (; camera != NULL; camera = next) {
		next = camera->next;
		free(camera);
	}
}

void
udp_table_free(struct udp_table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < UDP_STATES; i++)
		free_flows(&table->lists[i]);
	for (size_t i = 0; i < CAMERA_BUCKETS; i++)
		free_cameras(table->cameras[i]);
	free(table);
}

static bool
is_between(const struct udp_flow *flow, const struct addr *camera, const struct addr *dst)
{
	return addr_equal(&flow->camera, camera) && addr_equal(&flow->dst, dst);
}

struct udp_flow *
udp_table_find(struct udp_table *table, const struct addr *camera, const struct addr *dst)
{
	struct udp_flow *flow = table->found;

	if (flow != NULL && is_between(flow, camera, dst))
		return flow;
	flow = *flow_bucket(table, camera, dst);
	while (flow != NULL && !is_between(flow, camera, dst))
		flow = flow->next;
	if (flow != NULL)
		table->found = flow;
	return flow;
}

/* ---- adding and removing ---- */

struct udp_flow *
udp_table_add(struct udp_table *table, const struct addr *camera_addr, const struct addr *dst,
    const struct udp_limits *limits, enum udp_room *room)
{
	struct camera *camera = find_camera(table, camera_addr->ip);
	struct udp_flow **bucket = flow_bucket(table, camera_addr, dst);
	struct udp_flow *flow;

	if (camera != NULL && camera->flows >= limits->per_camera) {
		*room = UDP_CAMERA_FULL;
		return NULL;
	}
	*room = UDP_TABLE_FULL;
	if (table->count + table->counts[UDP_ENDED] >= limits->flows)
		return NULL;
	flow = calloc(1, sizeof(*flow));
	camera = flow != NULL ? take_camera(table, camera_addr->ip) : NULL;
	if (camera == NULL) {
		free(flow);
		return NULL;
	}
	*room = UDP_ROOM;
	if (camera->flows++ == 0)
		table->idle_cameras--;
	flow->camera = *camera_addr;
	flow->dst = *dst;
	flow->state = UDP_TELLING;
	flow->next = *bucket;
	*bucket = flow;
	TAILQ_INSERT_TAIL(&table->lists[UDP_TELLING], flow, entry);
	table->counts[UDP_TELLING]++;
	table->count++;
	return flow;
}

static void
forget(struct udp_table *table, struct udp_flow *flow)
{
	struct udp_flow **at = flow_bucket(table, &flow->camera, &flow->dst);
	struct camera *camera = find_camera(table, flow->camera.ip);

	while (*at != flow)
		at = &(*at)->next;
	*at = flow->next;
	flow->next = NULL;
	if (table->found == flow)
		table->found = NULL;
	table->count--;
	assert(camera != NULL && camera->flows > 0);
	if (--camera->flows == 0)
		table->idle_cameras++;
	free_camera_if_idle(table, camera);
}

static void
unlist(struct udp_table *table, struct udp_flow *flow)
{
	TAILQ_REMOVE(&table->lists[flow->state], flow, entry);
	table->counts[flow->state]--;
}

void
udp_table_remove(struct udp_table *table, struct udp_flow *flow)
{
	if (flow->state != UDP_ENDED)
		forget(table, flow);
	unlist(table, flow);
	free(flow);
}

/* ---- the order of use ---- */

void
udp_table_file(struct udp_table *table, struct udp_flow *flow, enum udp_state state,
    uint64_t now_ms)
{
	assert(flow->state != UDP_ENDED || state == UDP_ENDED);
	if (state == UDP_ENDED && flow->state != UDP_ENDED)
		forget(table, flow);
	unlist(table, flow);
	flow->state = (uint8_t)state;
	flow->filed_ms = now_ms;
	TAILQ_INSERT_TAIL(&table->lists[state], flow, entry);
	table->counts[state]++;
}

/* Not at each datagram: four neighbours in the list are as many cache lines. */
void
udp_table_use(struct udp_table *table, struct udp_flow *flow, uint64_t now_ms)
{
	flow->used_ms = now_ms;
	if (now_ms - flow->filed_ms >= UDP_TABLE_FILE_MS)
		udp_table_file(table, flow, flow->state, now_ms);
}

struct udp_flow *
udp_table_oldest(const struct udp_table *table, enum udp_state state)
{
	return TAILQ_FIRST(&table->lists[state]);
}

struct udp_flow *
udp_table_next(const struct udp_flow *flow)
{
	return TAILQ_NEXT(flow, entry);
}

bool
udp_table_walk(struct udp_table *table, size_t *at, udp_table_visit *visit, void *arg)
{
	for (size_t i = 0; i < BUCKETS_A_STEP && *at < BUCKETS; i++, ++*at) {
		struct udp_flow *flow = table->buckets[*at], *next;

		for (; flow != NULL; flow = next) {
			next = flow->next;
			visit(arg, flow);
		}
	}
	return *at < BUCKETS;
}

size_t
udp_table_count(const struct udp_table *table)
{
	return table->count;
}

size_t
udp_table_count_of(const struct udp_table *table, enum udp_state state)
{
	return table->counts[state];
}

/* ---- who has had its share ---- */

/* Each look is paid with so much time, a second of it at most in advance. */
static bool
has_share(uint64_t looks_us, uint64_t now_us, uint64_t each_us)
{
	return looks_us + each_us <= now_us + US_PER_S;
}

static void
take_share(uint64_t *looks_us, uint64_t now_us, uint64_t each_us)
{
	*looks_us = (*looks_us > now_us ? *looks_us : now_us) + each_us;
}

bool
udp_table_may_look(struct udp_table *table, const struct addr *camera_addr, uint32_t per_s,
    uint64_t now_ms)
{
	struct camera *camera = find_camera(table, camera_addr->ip);
	uint64_t now_us = now_ms * US_PER_MS, each_us = US_PER_S / per_s;

	if (camera == NULL)
		camera = &table->others;
	if (!has_share(camera->looks_us, now_us, each_us) ||
	    !has_share(table->looks_us, now_us, each_us / UDP_HELLO_CAMERAS))
		return false;
	take_share(&camera->looks_us, now_us, each_us);
	take_share(&table->looks_us, now_us, each_us / UDP_HELLO_CAMERAS);
	return true;
}

/* ---- what found no room ---- */

static struct camera *
camera_for_excess(struct udp_table *table, const uint8_t ip[16])
{
	struct camera *camera = find_camera(table, ip);

	if (camera == NULL && table->idle_cameras < IDLE_CAMERAS_MAX)
		camera = take_camera(table, ip);
	return camera != NULL ? camera : &table->others;
}

void
udp_table_drop(struct udp_table *table, const struct udp_excess *one, uint64_t now_ms)
{
	struct camera *camera = camera_for_excess(table, one->camera.ip);
	struct udp_excess *excess = &camera->excess;

	if (!camera->in_excess) {
		camera->in_excess = true;
		camera->due_ms = now_ms + UDP_EXCESS_FIRST_MS;
		TAILQ_INSERT_TAIL(&table->excess, camera, entry);
	}
	if (excess->packets == 0)
		excess->since_wall_us = one->since_wall_us;
	excess->packets += one->packets;
	excess->hellos += one->hellos;
	excess->bytes += one->bytes;
	excess->camera = one->camera;
	excess->dst = one->dst;
	excess->ifindex = one->ifindex;
}

/* One that was told stays in the list for as long as its next is not due, so
 * that it is not told at once again. */
static bool
take_due(struct udp_table *table, struct camera *camera, uint64_t next_ms, struct udp_excess *out)
{
	if (camera->excess.packets > 0) {
		*out = camera->excess;
		camera->excess = (struct udp_excess){0};
		camera->due_ms = next_ms;
		return true;
	}
	TAILQ_REMOVE(&table->excess, camera, entry);
	camera->in_excess = false;
	free_camera_if_idle(table, camera);
	return false;
}

bool
udp_table_take_excess(struct udp_table *table, uint64_t now_ms, uint32_t every_ms,
    struct udp_excess *out)
{
	struct camera *camera, *next;

	for (camera = TAILQ_FIRST(&table->excess); camera != NULL; camera = next) {
		next = TAILQ_NEXT(camera, entry);
		if (now_ms >= camera->due_ms && take_due(table, camera, now_ms + every_ms, out))
			return true;
	}
	return false;
}
