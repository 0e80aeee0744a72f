/* SPDX-License-Identifier: MIT */
#include "proxy/dns_cameras.h"

#include "base/err.h"
#include "base/siphash.h"
#include "proxy/dns_policy.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 4096, /* of cameras */
	SENT_BUCKETS = 256,
	MINUTE_MS = 60000,
};

struct dns_name {
	TAILQ_ENTRY(dns_name) entry; /* of its camera's, the oldest first */
	uint8_t ip[16];
	uint64_t until_ms;
	char name[]; /* and its terminator */
};

TAILQ_HEAD(name_list, dns_name);
TAILQ_HEAD(awaited_list, dns_awaited);
LIST_HEAD(sent_list, dns_awaited);

struct dns_camera {
	LIST_ENTRY(dns_camera) bucket;
	TAILQ_ENTRY(dns_camera) entry; /* of all, the one that asked longest ago first */
	struct addr addr;
	struct name_list names;
	struct awaited_list awaited;
	size_t name_count, awaited_count;
	uint64_t minute_ms; /* when the minute began that recorded is of */
	uint32_t recorded, left_out;
};

LIST_HEAD(camera_bucket, dns_camera);
TAILQ_HEAD(camera_list, dns_camera);

struct dns_cameras {
	struct siphash_key key;
	struct camera_bucket buckets[BUCKETS];
	struct camera_list order;
	struct sent_list sent[SENT_BUCKETS];
	struct dns_counts counts;
	uint32_t forgotten; /* lookups left out of cameras that made way */
};

struct dns_cameras *
dns_cameras_new(struct err *err)
{
	struct dns_cameras *cameras = calloc(1, sizeof(*cameras));

	if (cameras == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for cameras' lookups");
		return NULL;
	}
	if (RAND_bytes((unsigned char *)&cameras->key, sizeof(cameras->key)) != 1) {
		free(cameras);
		(void)err_tls(err, "no random key for cameras' lookups");
		return NULL;
	}
	TAILQ_INIT(&cameras->order);
	return cameras;
}

/* ---- giving up ---- */

static void
drop_name(struct dns_cameras *cameras, struct dns_camera *camera, struct dns_name *name)
{
	TAILQ_REMOVE(&camera->names, name, entry);
	camera->name_count--;
	cameras->counts.names--;
	free(name);
}

void
dns_cameras_drop(struct dns_cameras *cameras, struct dns_awaited *awaited)
{
	struct dns_camera *camera = awaited->owner;

	if (awaited->sent)
		LIST_REMOVE(awaited, sent_entry);
	TAILQ_REMOVE(&camera->awaited, awaited, entry);
	camera->awaited_count--;
	cameras->counts.awaited--;
	free(awaited);
}

static uint32_t
add_count(uint32_t count, uint32_t more)
{
	return count > UINT32_MAX - more ? UINT32_MAX : count + more;
}

/* What it has, and itself; it is in no list any more. */
static void
free_camera(struct dns_cameras *cameras, struct dns_camera *camera)
{
	struct dns_name *name, *next_name;
	struct dns_awaited *awaited, *next_awaited;

	for (name = TAILQ_FIRST(&camera->names); name != NULL; name = next_name) {
		next_name = TAILQ_NEXT(name, entry);
		free(name);
	}
	for (awaited = TAILQ_FIRST(&camera->awaited); awaited != NULL; awaited = next_awaited) {
		next_awaited = TAILQ_NEXT(awaited, entry);
		if (awaited->sent)
			LIST_REMOVE(awaited, sent_entry);
		free(awaited);
	}
	cameras->counts.names -= camera->name_count;
	cameras->counts.awaited -= camera->awaited_count;
	cameras->counts.cameras--;
	cameras->forgotten = add_count(cameras->forgotten, camera->left_out);
	free(camera);
}

static void
drop_camera(struct dns_cameras *cameras, struct dns_camera *camera)
{
	LIST_REMOVE(camera, bucket);
	TAILQ_REMOVE(&cameras->order, camera, entry);
	free_camera(cameras, camera);
}

void
dns_cameras_free(struct dns_cameras *cameras)
{
	struct dns_camera *camera, *next;

	if (cameras == NULL)
		return;
	for (camera = TAILQ_FIRST(&cameras->order); camera != NULL; camera = next) {
		next = TAILQ_NEXT(camera, entry);
		free_camera(cameras, camera);
	}
	free(cameras);
}

/* ---- cameras ---- */

static struct camera_bucket *
bucket_of(struct dns_cameras *cameras, const struct addr *camera)
{
	uint64_t hash = siphash(&cameras->key, camera->ip, sizeof(camera->ip));

	return &cameras->buckets[hash % BUCKETS];
}

static struct dns_camera *
find(struct dns_cameras *cameras, const struct addr *addr)
{
	struct dns_camera *camera;

	for (camera = LIST_FIRST(bucket_of(cameras, addr)); camera != NULL;
	     camera = LIST_NEXT(camera, bucket)) {
		if (addr_same_host(&camera->addr, addr))
			return camera;
	}
	return NULL;
}

/* The camera, which is the one that asked last from now on; NULL: no memory. */
static struct dns_camera *
take(struct dns_cameras *cameras, const struct addr *addr)
{
	struct dns_camera *camera = find(cameras, addr);

	if (camera != NULL) {
		TAILQ_REMOVE(&cameras->order, camera, entry);
		TAILQ_INSERT_TAIL(&cameras->order, camera, entry);
		return camera;
	}
	if (cameras->counts.cameras == DNS_CAMERAS_MAX)
		drop_camera(cameras, TAILQ_FIRST(&cameras->order));
	camera = calloc(1, sizeof(*camera));
	if (camera == NULL)
		return NULL;
	camera->addr = *addr;
	TAILQ_INIT(&camera->names);
	TAILQ_INIT(&camera->awaited);
	LIST_INSERT_HEAD(bucket_of(cameras, addr), camera, bucket);
	TAILQ_INSERT_TAIL(&cameras->order, camera, entry);
	cameras->counts.cameras++;
	return camera;
}

/* ---- names ---- */

static struct dns_name *
find_name(const struct dns_camera *camera, const uint8_t ip[16])
{
	struct dns_name *name;

	for (name = TAILQ_FIRST(&camera->names); name != NULL; name = TAILQ_NEXT(name, entry)) {
		if (memcmp(name->ip, ip, sizeof(name->ip)) == 0)
			return name;
	}
	return NULL;
}

/* A camera's own have room without the others'. */
static void
make_room_for_name(struct dns_cameras *cameras, struct dns_camera *camera)
{
	struct dns_camera *other, *next;

	if (camera->name_count == DNS_NAMES_PER_CAMERA)
		drop_name(cameras, camera, TAILQ_FIRST(&camera->names));
	for (other = TAILQ_FIRST(&cameras->order); cameras->counts.names >= DNS_NAMES_MAX;
	     other = next) {
		next = TAILQ_NEXT(other, entry);
		if (other != camera)
			drop_camera(cameras, other);
	}
}

void
dns_cameras_learn(struct dns_cameras *cameras, const struct addr *addr, const uint8_t ip[16],
    const char *name, uint32_t ttl_s, uint64_t now_ms)
{
	struct dns_camera *camera = take(cameras, addr);
	struct dns_name *known = camera != NULL ? find_name(camera, ip) : NULL;
	size_t size = strlen(name) + 1;

	if (camera == NULL || size == 1)
		return;
	if (known != NULL)
		drop_name(cameras, camera, known);
	make_room_for_name(cameras, camera);
	known = malloc(sizeof(*known) + size);
	if (known == NULL)
		return;
	if (ttl_s < DNS_NAME_MIN_S)
		ttl_s = DNS_NAME_MIN_S;
	if (ttl_s > DNS_NAME_MAX_S)
		ttl_s = DNS_NAME_MAX_S;
	known->until_ms = now_ms + UINT64_C(1000) * ttl_s;
	memcpy(known->ip, ip, sizeof(known->ip));
	memcpy(known->name, name, size);
	TAILQ_INSERT_TAIL(&camera->names, known, entry);
	camera->name_count++;
	cameras->counts.names++;
}

const char *
dns_cameras_name(struct dns_cameras *cameras, const struct addr *addr, const struct addr *dst,
    uint64_t now_ms)
{
	struct dns_camera *camera = find(cameras, addr);
	struct dns_name *name = camera != NULL ? find_name(camera, dst->ip) : NULL;

	if (name == NULL)
		return "";
	if (now_ms < name->until_ms)
		return name->name;
	drop_name(cameras, camera, name);
	return "";
}

/* ---- queries ---- */

static bool
is_of(const struct dns_awaited *awaited, const struct dns_way *way)
{
	return awaited->transport == way->transport && addr_equal(&awaited->camera, &way->camera) &&
	       addr_equal(&awaited->dst, &way->dst);
}

static struct dns_awaited *
find_awaited(const struct dns_camera *camera, const struct dns_way *way,
    const struct dns_question *asked)
{
	struct dns_awaited *awaited;

	for (awaited = TAILQ_FIRST(&camera->awaited); awaited != NULL;
	     awaited = TAILQ_NEXT(awaited, entry)) {
		if (is_of(awaited, way) && dns_same_question(&awaited->asked, asked))
			return awaited;
	}
	return NULL;
}

static void
make_room_for_awaited(struct dns_cameras *cameras, struct dns_camera *camera)
{
	struct dns_camera *other;

	if (camera->awaited_count == DNS_AWAITED_PER_CAMERA)
		dns_cameras_drop(cameras, TAILQ_FIRST(&camera->awaited));
	if (cameras->counts.awaited < DNS_AWAITED_MAX)
		return;
	for (other = TAILQ_FIRST(&cameras->order); other != NULL;
	     other = TAILQ_NEXT(other, entry)) {
		if (other->awaited_count == 0)
			continue;
		dns_cameras_drop(cameras, TAILQ_FIRST(&other->awaited));
		return;
	}
}

struct dns_awaited *
dns_cameras_await(struct dns_cameras *cameras, const struct dns_way *way,
    const struct dns_question *asked, uint64_t now_ms, bool *again)
{
	struct dns_camera *camera = take(cameras, &way->camera);
	struct dns_awaited *awaited = camera != NULL ? find_awaited(camera, way, asked) : NULL;

	*again = awaited != NULL;
	if (camera == NULL)
		return NULL;
	if (awaited != NULL) {
		awaited->since_ms = now_ms;
		return awaited;
	}
	make_room_for_awaited(cameras, camera);
	awaited = calloc(1, sizeof(*awaited));
	if (awaited == NULL)
		return NULL;
	awaited->owner = camera;
	awaited->camera = way->camera;
	awaited->dst = way->dst;
	awaited->transport = way->transport;
	awaited->flow_id = way->flow_id;
	awaited->since_ms = now_ms;
	awaited->asked = *asked;
	TAILQ_INSERT_TAIL(&camera->awaited, awaited, entry);
	camera->awaited_count++;
	cameras->counts.awaited++;
	return awaited;
}

struct dns_awaited *
dns_cameras_answered(struct dns_cameras *cameras, const struct dns_way *way,
    const struct dns_message *answer, uint64_t now_ms)
{
	struct dns_camera *camera = find(cameras, &way->camera);
	struct dns_awaited *awaited;

	if (camera == NULL || !answer->answer)
		return NULL;
	awaited = find_awaited(camera, way, &answer->asked);
	if (awaited == NULL || awaited->sent || now_ms - awaited->since_ms > DNS_AWAITED_MS)
		return NULL;
	return awaited;
}

void
dns_cameras_sent(struct dns_cameras *cameras, struct dns_awaited *awaited, uint16_t sent_id)
{
	if (awaited->sent)
		LIST_REMOVE(awaited, sent_entry);
	awaited->sent = true;
	awaited->sent_id = sent_id;
	LIST_INSERT_HEAD(&cameras->sent[sent_id % SENT_BUCKETS], awaited, sent_entry);
}

struct dns_awaited *
dns_cameras_resolved(struct dns_cameras *cameras, const struct dns_message *answer, uint64_t now_ms)
{
	struct dns_awaited *awaited;

	if (!answer->answer)
		return NULL;
	for (awaited = LIST_FIRST(&cameras->sent[answer->asked.id % SENT_BUCKETS]); awaited != NULL;
	     awaited = LIST_NEXT(awaited, sent_entry)) {
		struct dns_question asked = awaited->asked;

		asked.id = awaited->sent_id;
		if (dns_same_question(&asked, &answer->asked) &&
		    now_ms - awaited->since_ms <= DNS_AWAITED_MS)
			return awaited;
	}
	return NULL;
}

/* ---- the record ---- */

bool
dns_cameras_record(struct dns_cameras *cameras, const struct addr *addr, uint64_t now_ms,
    uint32_t *left_out)
{
	struct dns_camera *camera = take(cameras, addr);

	*left_out = 0;
	if (camera == NULL)
		return true;
	if (camera->recorded == 0 || now_ms - camera->minute_ms >= MINUTE_MS) {
		camera->minute_ms = now_ms;
		camera->recorded = 0;
	}
	if (camera->recorded == DNS_RECORDED_PER_MIN) {
		camera->left_out = add_count(camera->left_out, 1);
		return false;
	}
	camera->recorded++;
	*left_out = camera->left_out;
	camera->left_out = 0;
	return true;
}

void
dns_cameras_tell_left_out(struct dns_cameras *cameras, uint64_t now_ms, dns_cameras_tell *tell,
    void *arg)
{
	struct dns_camera *camera;

	if (cameras->forgotten > 0) {
		if (!tell(arg, NULL, cameras->forgotten))
			return;
		cameras->forgotten = 0;
	}
	for (camera = TAILQ_FIRST(&cameras->order); camera != NULL;
	     camera = TAILQ_NEXT(camera, entry)) {
		if (camera->left_out == 0 || now_ms - camera->minute_ms < MINUTE_MS)
			continue;
		if (!tell(arg, &camera->addr, camera->left_out))
			return;
		camera->left_out = 0;
	}
}

struct dns_counts
dns_cameras_counts(const struct dns_cameras *cameras)
{
	return cameras->counts;
}
