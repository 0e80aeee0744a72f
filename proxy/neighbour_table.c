/* SPDX-License-Identifier: MIT */
#include "proxy/neighbour_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS = 4096, SEED_BYTES = 8 };

TAILQ_HEAD(by_age, neighbour);

struct link {
	size_t count;
	struct by_age idle, used; /* the oldest first */
};

struct neighbour_table {
	uint64_t seed; /* so that nobody can choose what falls together */
	size_t links, count;
	size_t fresh;           /* places that were never taken begin here */
	struct link *link;      /* owned */
	struct neighbour *list; /* owned; NEIGHBOURS_MAX, free where the MAC is all 0 */
	struct by_age spare;
	struct neighbour *by_addr[BUCKETS], *by_mac[BUCKETS];
};

struct neighbour_table *
neighbour_table_new(size_t links)
{
	struct neighbour_table *table = calloc(1, sizeof(*table));

	assert(links > 0);
	if (table == NULL)
		return NULL;
	table->links = links;
	table->link = calloc(links, sizeof(*table->link));
	table->list = calloc(NEIGHBOURS_MAX, sizeof(*table->list));
	if (table->link == NULL || table->list == NULL ||
	    getrandom(&table->seed, SEED_BYTES, 0) != SEED_BYTES) {
		neighbour_table_free(table);
		return NULL;
	}
	TAILQ_INIT(&table->spare);
	for (size_t i = 0; i < links; i++) {
		TAILQ_INIT(&table->link[i].idle);
		TAILQ_INIT(&table->link[i].used);
	}
	return table;
}

void
neighbour_table_free(struct neighbour_table *table)
{
	if (table == NULL)
		return;
	free(table->list);
	free(table->link);
	free(table);
}

/* ---- chains ---- */

/* The finish of MurmurHash3 over eight bytes at a time. */
static size_t
bucket_of(const struct neighbour_table *table, const void *bytes, size_t count)
{
	uint64_t hash = table->seed;

	for (size_t at = 0; at < count; at += 8) {
		uint64_t part = 0;

		memcpy(&part, (const uint8_t *)bytes + at, count - at < 8 ? count - at : 8);
		hash ^= part;
		hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
		hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
		hash ^= hash >> 33;
	}
	return (size_t)(hash % BUCKETS);
}

static struct neighbour **
addr_chain(struct neighbour_table *table, const struct addr *addr)
{
	return &table->by_addr[bucket_of(table, addr->ip, sizeof(addr->ip))];
}

static struct neighbour **
mac_chain(struct neighbour_table *table, const uint8_t mac[MAC_BYTES])
{
	return &table->by_mac[bucket_of(table, mac, MAC_BYTES)];
}

static void
unchain_mac(struct neighbour_table *table, const struct neighbour *entry)
{
	struct neighbour **at = mac_chain(table, entry->mac);

	while (*at != entry)
		at = &(*at)->same_mac;
	*at = entry->same_mac;
}

static void
chain_mac(struct neighbour_table *table, struct neighbour *entry)
{
	struct neighbour **chain = mac_chain(table, entry->mac);

	entry->same_mac = *chain;
	*chain = entry;
}

static struct by_age *
ages_of(struct neighbour_table *table, const struct neighbour *entry)
{
	struct link *link = &table->link[entry->link];

	return entry->used ? &link->used : &link->idle;
}

static void
forget(struct neighbour_table *table, struct neighbour *entry)
{
	struct neighbour **at = addr_chain(table, &entry->addr);

	while (*at != entry)
		at = &(*at)->same_addr;
	*at = entry->same_addr;
	unchain_mac(table, entry);
	TAILQ_REMOVE(ages_of(table, entry), entry, age);
	table->link[entry->link].count--;
	table->count--;
	*entry = (struct neighbour){0};
	TAILQ_INSERT_HEAD(&table->spare, entry, age);
}

/* ---- finding ---- */

static struct neighbour *
find_on(struct neighbour_table *table, unsigned link, const struct addr *addr)
{
	struct neighbour *entry = *addr_chain(table, addr);

	while (entry != NULL && (entry->link != link || !addr_same_host(&entry->addr, addr)))
		entry = entry->same_addr;
	return entry;
}

static struct neighbour *
newest(struct neighbour_table *table, const struct addr *addr, bool gone_too)
{
	struct neighbour *found = NULL;

	for (struct neighbour *at = *addr_chain(table, addr); at != NULL; at = at->same_addr) {
		if ((gone_too || !at->gone) && addr_same_host(&at->addr, addr) &&
		    (found == NULL || at->seen_ms > found->seen_ms))
			found = at;
	}
	return found;
}

struct neighbour *
neighbour_table_find(struct neighbour_table *table, const struct addr *addr)
{
	return newest(table, addr, false);
}

struct neighbour *
neighbour_table_last(struct neighbour_table *table, const struct addr *addr)
{
	return newest(table, addr, true);
}

struct neighbour *
neighbour_table_of_mac(struct neighbour_table *table, const uint8_t mac[MAC_BYTES],
    struct neighbour *after)
{
	struct neighbour *at = after != NULL ? after->same_mac : *mac_chain(table, mac);

	while (at != NULL && memcmp(at->mac, mac, MAC_BYTES) != 0)
		at = at->same_mac;
	return at;
}

size_t
neighbour_table_count(const struct neighbour_table *table)
{
	return table->count;
}

struct neighbour *
neighbour_table_at(struct neighbour_table *table, size_t place)
{
	assert(place < NEIGHBOURS_MAX);
	return place < table->fresh && mac_is_set(table->list[place].mac) ? &table->list[place]
									  : NULL;
}

/* ---- changing ---- */

/* The one that was seen longest ago of a MAC that has all it may have. */
static struct neighbour *
surplus_of_mac(struct neighbour_table *table, const struct neighbour_news *news)
{
	struct neighbour *oldest = NULL, *at = NULL;
	size_t count = 0;

	while ((at = neighbour_table_of_mac(table, news->mac, at)) != NULL) {
		if (at->link != news->link)
			continue;
		count++;
		if (oldest == NULL || at->seen_ms < oldest->seen_ms)
			oldest = at;
	}
	return count >= NEIGHBOURS_A_MAC ? oldest : NULL;
}

static void
make_room(struct neighbour_table *table, const struct neighbour_news *news)
{
	struct link *link = &table->link[news->link];
	struct neighbour *victim = surplus_of_mac(table, news);

	if (victim == NULL && link->count >= NEIGHBOURS_MAX / table->links) {
		victim = TAILQ_FIRST(&link->idle);
		if (victim == NULL)
			victim = TAILQ_FIRST(&link->used);
	}
	if (victim != NULL)
		forget(table, victim);
}

static struct neighbour *
add(struct neighbour_table *table, const struct neighbour_news *news)
{
	struct neighbour **chain = addr_chain(table, &news->addr);
	struct neighbour *entry;

	make_room(table, news);
	entry = TAILQ_FIRST(&table->spare);
	if (entry != NULL)
		TAILQ_REMOVE(&table->spare, entry, age);
	else
		entry = &table->list[table->fresh++];
	assert(table->fresh <= NEIGHBOURS_MAX);
	*entry = (struct neighbour){.addr = news->addr, .link = news->link};
	entry->addr.port = 0;
	memcpy(entry->mac, news->mac, MAC_BYTES);
	entry->same_addr = *chain;
	*chain = entry;
	chain_mac(table, entry);
	TAILQ_INSERT_TAIL(ages_of(table, entry), entry, age);
	table->link[entry->link].count++;
	table->count++;
	return entry;
}

struct neighbour *
neighbour_table_put(struct neighbour_table *table, const struct neighbour_news *news,
    uint64_t now_ms, struct neighbour *before)
{
	struct neighbour *entry = find_on(table, news->link, &news->addr);
	struct neighbour was = {0};
	bool other = true;

	assert(news->link < table->links && mac_is_set(news->mac));
	if (entry != NULL) {
		was = *entry;
		other = memcmp(entry->mac, news->mac, MAC_BYTES) != 0;
		/* Another card there has a history of its own. */
		if (other) {
			unchain_mac(table, entry);
			memcpy(entry->mac, news->mac, MAC_BYTES);
			chain_mac(table, entry);
			entry->told_ms = 0;
		}
	} else {
		entry = add(table, news);
	}
	if (other || entry->gone || news->reachable)
		entry->seen_ms = now_ms;
	entry->reachable = news->reachable;
	entry->gone = false;
	if (before != NULL)
		*before = was;
	return entry;
}

void
neighbour_table_leave(struct neighbour_table *table, unsigned link, const struct addr *addr)
{
	struct neighbour *entry = find_on(table, link, addr);

	if (entry == NULL)
		return;
	entry->gone = true;
	entry->reachable = false;
}

void
neighbour_table_drop_link(struct neighbour_table *table, unsigned link)
{
	struct neighbour *entry;

	while ((entry = TAILQ_FIRST(&table->link[link].idle)) != NULL)
		forget(table, entry);
	while ((entry = TAILQ_FIRST(&table->link[link].used)) != NULL)
		forget(table, entry);
}

void
neighbour_table_use(struct neighbour_table *table, struct neighbour *neighbour, uint64_t now_ms)
{
	TAILQ_REMOVE(ages_of(table, neighbour), neighbour, age);
	neighbour->used = true;
	neighbour->seen_ms = now_ms;
	TAILQ_INSERT_TAIL(ages_of(table, neighbour), neighbour, age);
}
