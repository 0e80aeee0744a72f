/* SPDX-License-Identifier: MIT */
#include "proxy/refusals.h"

#include "inspect/hash.h"

#include <assert.h>
#include <openssl/rand.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS = 1024,
	ROW_ENTRIES = 4,
	KEY_BYTES = 16,
	TLS_ID_BYTES = 32,
	NAME_BYTES = 255, /* RFC 1035 section 2.3.4 */
	PROBABLE_AT = 2,  /* so many that only look like it */
};

struct entry {
	uint8_t key[KEY_BYTES];
	bool used;
	bool certain;     /* said, or confirmed */
	bool unfounded;   /* what looks like a refusal there is none */
	uint8_t probable; /* seen, with no trust between */
	uint32_t errors;  /* of a demand: of enum cert_error */
	uint64_t at_ms;
};

struct refusals {
	uint8_t salt[16]; /* cameras cannot aim at each other's rows */
	struct entry entries[ROWS][ROW_ENTRIES];
};

/* ---- one connection ---- */

/* The alerts that say "I do not believe this certificate", RFC 8446 section 6.2. */
static bool
refuses_certificate(uint8_t alert)
{
	static const uint8_t alerts[] = {
	    42, /* bad_certificate */
	    43, /* unsupported_certificate */
	    44, /* certificate_revoked */
	    45, /* certificate_expired */
	    46, /* certificate_unknown */
	    48, /* unknown_ca */
	};

	return memchr(alerts, alert, sizeof(alerts)) != NULL;
}

enum refusal
refusals_judge(const struct refusal_signs *signs)
{
	if (signs->payload)
		return REFUSAL_NONE;
	if (signs->alert != 0)
		return refuses_certificate(signs->alert) ? REFUSAL_CERTAIN : REFUSAL_NONE;
	if (!signs->closed || !signs->first)
		return REFUSAL_NONE;
	if (!signs->handshake_done)
		return REFUSAL_PROBABLE;
	if (signs->silent_ms > REFUSAL_SILENT_MS)
		return REFUSAL_NONE;
	return signs->answered && signs->answered_ms > REFUSAL_ANSWERED_MS ? REFUSAL_NONE
									   : REFUSAL_PROBABLE;
}

/* ---- what is kept ---- */

struct refusals *
refusals_new(void)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	if (refusals != NULL && RAND_bytes(refusals->salt, sizeof(refusals->salt)) != 1) {
		free(refusals);
		return NULL;
	}
	return refusals;
}

void
refusals_free(struct refusals *refusals)
{
	free(refusals);
}

/* Whose an entry is, as bytes.  What is not said is all 0. */
struct seed {
	uint8_t salt[16], camera[16], dst[16], port[2];
	uint8_t demand; /* 0: a camera's refusal */
	uint8_t tls_id[TLS_ID_BYTES];
	char name[NAME_BYTES];
};
_Static_assert(sizeof(struct seed) == 83 + NAME_BYTES, "a seed has holes");

static struct seed
seed_at(const struct refusals *refusals, const struct addr *dst)
{
	struct seed seed = {.port = {(uint8_t)(dst->port >> 8), (uint8_t)dst->port}};

	memcpy(seed.salt, refusals->salt, sizeof(seed.salt));
	memcpy(seed.dst, dst->ip, sizeof(seed.dst));
	return seed;
}

static void
finish_key(struct seed *seed, const char *name, uint8_t key[HASH_SHA256_BYTES])
{
	size_t size = strnlen(name, sizeof(seed->name));
	bool good;

	memcpy(seed->name, name, size);
	good =
	    hash_sha256((struct bytes){(const uint8_t *)seed, offsetof(struct seed, name) + size},
		key);
	assert(good); /* of another key somebody's refusal would be another's */
}

static void
make_key(const struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, uint8_t key[HASH_SHA256_BYTES])
{
	struct seed seed = seed_at(refusals, dst);

	memcpy(seed.camera, camera->ip, sizeof(seed.camera));
	finish_key(&seed, name, key);
}

static void
make_demand_key(const struct refusals *refusals, const struct demand_place *place,
    enum demand demand, uint8_t key[HASH_SHA256_BYTES])
{
	struct seed seed = seed_at(refusals, place->dst);

	seed.demand = (uint8_t)demand;
	memcpy(seed.tls_id, place->tls_id, sizeof(seed.tls_id));
	finish_key(&seed, place->name, key);
}

static size_t
row_of(const uint8_t *key)
{
	return (size_t)(key[30] << 8 | key[31]) % ROWS;
}

static const struct entry *
find(const struct refusals *refusals, const uint8_t *key)
{
	const struct entry *row = refusals->entries[row_of(key)];

	for (size_t i = 0; i < ROW_ENTRIES; i++) {
		if (row[i].used && memcmp(row[i].key, key, KEY_BYTES) == 0)
			return &row[i];
	}
	return NULL;
}

/* The key's entry, or the one that has to make way for it. */
static struct entry *
find_or_take(struct refusals *refusals, const uint8_t *key)
{
	struct entry *row = refusals->entries[row_of(key)];
	struct entry *oldest = &row[0];

	for (size_t i = 0; i < ROW_ENTRIES; i++) {
		if (row[i].used && memcmp(row[i].key, key, KEY_BYTES) == 0)
			return &row[i];
		if (!row[i].used || (oldest->used && row[i].at_ms < oldest->at_ms))
			oldest = &row[i];
	}
	*oldest = (struct entry){.used = true};
	memcpy(oldest->key, key, KEY_BYTES);
	return oldest;
}

static bool
is_fresh(const struct entry *entry, uint64_t now_ms)
{
	return now_ms - entry->at_ms < REFUSALS_AGE_MS;
}

static void
forget(struct entry *entry)
{
	entry->certain = entry->unfounded = false;
	entry->probable = 0;
}

static enum refusal
belief(const struct entry *entry)
{
	if (entry->certain)
		return REFUSAL_CERTAIN;
	return entry->probable >= PROBABLE_AT ? REFUSAL_PROBABLE : REFUSAL_NONE;
}

void
refusals_add(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, enum refusal refusal, uint64_t now_ms)
{
	uint8_t key[HASH_SHA256_BYTES];
	struct entry *entry;

	if (refusal == REFUSAL_NONE)
		return;
	make_key(refusals, camera, dst, name, key);
	entry = find_or_take(refusals, key);
	if (!is_fresh(entry, now_ms))
		forget(entry);
	if (refusal == REFUSAL_CERTAIN)
		entry->certain = true;
	else if (entry->unfounded)
		return; /* and its age goes on */
	else if (entry->probable < PROBABLE_AT)
		entry->probable++;
	entry->at_ms = now_ms;
}

/* Its entry, where there is one. */
static struct entry *
find_own(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name)
{
	uint8_t key[HASH_SHA256_BYTES];

	make_key(refusals, camera, dst, name, key);
	return find(refusals, key) != NULL ? find_or_take(refusals, key) : NULL;
}

void
refusals_clear(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name)
{
	struct entry *entry = find_own(refusals, camera, dst, name);

	if (entry != NULL && belief(entry) == REFUSAL_NONE)
		entry->probable = 0;
}

void
refusals_confirm(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, bool works, uint64_t now_ms)
{
	struct entry *entry = find_own(refusals, camera, dst, name);

	if (entry == NULL || !is_fresh(entry, now_ms) || belief(entry) != REFUSAL_PROBABLE)
		return;
	forget(entry);
	entry->certain = works;
	entry->unfounded = !works;
	entry->at_ms = now_ms;
}

enum refusal
refusals_known(const struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, uint64_t now_ms)
{
	uint8_t key[HASH_SHA256_BYTES];
	const struct entry *entry;

	make_key(refusals, camera, dst, name, key);
	entry = find(refusals, key);
	return entry != NULL && is_fresh(entry, now_ms) ? belief(entry) : REFUSAL_NONE;
}

/* ---- servers ---- */

void
refusals_add_demand(struct refusals *refusals, const struct demand_place *place, enum demand demand,
    uint32_t errors, uint64_t now_ms)
{
	uint8_t key[HASH_SHA256_BYTES];
	struct entry *entry;

	make_demand_key(refusals, place, demand, key);
	entry = find_or_take(refusals, key);
	entry->errors = errors;
	entry->at_ms = now_ms;
}

bool
refusals_has_demand(const struct refusals *refusals, const struct demand_place *place,
    enum demand demand, uint32_t *errors, uint64_t now_ms)
{
	uint64_t age_ms =
	    demand == DEMAND_CERTIFICATE ? DEMANDS_CERTIFICATE_AGE_MS : REFUSALS_AGE_MS;
	uint8_t key[HASH_SHA256_BYTES];
	const struct entry *entry;

	make_demand_key(refusals, place, demand, key);
	entry = find(refusals, key);
	if (entry == NULL || now_ms - entry->at_ms >= age_ms)
		return false;
	if (errors != NULL)
		*errors = entry->errors;
	return true;
}
