/* SPDX-License-Identifier: MIT */
#include "record/store_devices.h"

#include "base/err.h"
#include "base/text.h"
#include "record/store_private.h"

#include <assert.h>
#include <string.h>

enum { AGAIN_US = 60 * 1000 * 1000, MAKE_ROOM = 64, CONFLICTS_MAX = 1000 };

int
store_make_device_tables(struct store *store, struct err *err)
{
	static const char sql[] =
	    "CREATE TABLE IF NOT EXISTS sighting (id INTEGER PRIMARY KEY, mac TEXT NOT NULL,"
	    " ip TEXT NOT NULL, iface TEXT NOT NULL, first_us INTEGER NOT NULL,"
	    " last_us INTEGER NOT NULL, told INTEGER NOT NULL, UNIQUE (mac, ip, iface)) STRICT;"
	    "CREATE TABLE IF NOT EXISTS device_name (key TEXT PRIMARY KEY,"
	    " name TEXT NOT NULL UNIQUE, wall_us INTEGER NOT NULL) STRICT;"
	    "CREATE TABLE IF NOT EXISTS conflict (id INTEGER PRIMARY KEY,"
	    " wall_us INTEGER NOT NULL, kind TEXT NOT NULL, mac TEXT NOT NULL, ip TEXT NOT NULL,"
	    " iface TEXT NOT NULL, text TEXT NOT NULL) STRICT;";

	return store_run(store, sql, err);
}

/* ---- what was written a moment ago ---- */

static struct sighted *
slot_of(struct store *store, const struct facts *facts)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < MAC_BYTES; i++)
		hash = (hash ^ facts->mac[i]) * 16777619;
	for (size_t i = 0; i < sizeof(facts->camera.ip); i++)
		hash = (hash ^ facts->camera.ip[i]) * 16777619;
	return &store->sighted[hash % SIGHTED_SLOTS];
}

static bool
is_in(const struct sighted *slot, const struct facts *facts, uint64_t wall_us)
{
	return slot->wall_us != 0 && wall_us >= slot->wall_us &&
	       wall_us - slot->wall_us < AGAIN_US &&
	       memcmp(slot->mac, facts->mac, MAC_BYTES) == 0 &&
	       addr_same_host(&slot->addr, &facts->camera) &&
	       strcmp(slot->iface, facts->iface) == 0;
}

static void
note(struct sighted *slot, const struct facts *facts, uint64_t wall_us)
{
	memcpy(slot->mac, facts->mac, MAC_BYTES);
	slot->addr = facts->camera;
	text_copy(slot->iface, sizeof(slot->iface), facts->iface);
	slot->wall_us = wall_us;
}

void
store_forget_sighted(struct store *store)
{
	memset(store->sighted, 0, sizeof(store->sighted));
	store->sightings = 0;
}

/* ---- bounds ---- */

static const char *
key_of_mac(const uint8_t mac[MAC_BYTES], char out[MAC_TEXT_MAX])
{
	out[0] = '\0';
	return mac_is_set(mac) ? mac_text(mac, out) : out;
}

static int
count_rows(struct store *store, uint64_t *out, struct err *err)
{
	sqlite3_stmt *count = store_prepare(store, COUNT_SIGHTINGS, err);

	if (count == NULL)
		return -1;
	if (store_step(store, count, "count cameras", err) != 1)
		return -1;
	*out = store_column(count, 0);
	(void)sqlite3_reset(count);
	return 0;
}

static int
bound_mac(struct store *store, const char *mac, struct err *err)
{
	sqlite3_stmt *drop = store_prepare(store, DROP_OLDEST_OF_MAC, err);

	if (drop == NULL)
		return -1;
	(void)sqlite3_bind_text(drop, 1, mac, -1, SQLITE_STATIC);
	store_bind(drop, 2, STORE_SIGHTINGS_A_MAC);
	return store_finish(store, drop, "forget old addresses", err);
}

/* The count only grows, whatever others forget: it is looked at again where
 * it says that there is no room. */
static int
bound_all(struct store *store, struct err *err)
{
	sqlite3_stmt *drop;

	store->sightings++;
	if (store->sightings > 1 && store->sightings <= STORE_SIGHTINGS_MAX)
		return 0;
	if (count_rows(store, &store->sightings, err) != 0)
		return -1;
	if (store->sightings <= STORE_SIGHTINGS_MAX)
		return 0;
	drop = store_prepare(store, DROP_OLDEST, err);
	if (drop == NULL)
		return -1;
	store_bind(drop, 1, store->sightings - STORE_SIGHTINGS_MAX + MAKE_ROOM);
	store->sightings = STORE_SIGHTINGS_MAX - MAKE_ROOM;
	return store_finish(store, drop, "forget old cameras", err);
}

/* ---- writing ---- */

int
store_knows_mac(struct store *store, const uint8_t mac[MAC_BYTES], struct err *err)
{
	sqlite3_stmt *find = store_prepare(store, FIND_MAC, err);
	char text[MAC_TEXT_MAX];
	int got;

	if (find == NULL)
		return -1;
	(void)sqlite3_bind_text(find, 1, key_of_mac(mac, text), -1, SQLITE_STATIC);
	got = store_step(store, find, "find a camera", err);
	(void)sqlite3_reset(find);
	return got;
}

static int
upsert(struct store *store, const struct facts *facts, uint64_t wall_us, bool told, struct err *err)
{
	sqlite3_stmt *sight = store_prepare(store, SIGHT, err);
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];
	int64_t before = sqlite3_last_insert_rowid(store->db);

	if (sight == NULL)
		return -1;
	(void)sqlite3_bind_text(sight, 1, key_of_mac(facts->mac, mac), -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(sight, 2, addr_text(&facts->camera, ip), -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(sight, 3, facts->iface, -1, SQLITE_STATIC);
	store_bind(sight, 4, wall_us);
	store_bind(sight, 5, told ? 1 : 0);
	sqlite3_set_last_insert_rowid(store->db, 0);
	if (store_finish(store, sight, "keep a camera", err) != 0)
		return -1;
	/* An update leaves the last row's number as it is. */
	if (sqlite3_last_insert_rowid(store->db) == 0) {
		sqlite3_set_last_insert_rowid(store->db, before);
		return 0;
	}
	if (mac[0] != '\0' && bound_mac(store, mac, err) != 0)
		return -1;
	return bound_all(store, err);
}

static int
add_conflict(struct store *store, const struct facts *facts, uint64_t wall_us, struct err *err)
{
	sqlite3_stmt *add = store_prepare(store, ADD_CONFLICT, err);
	sqlite3_stmt *drop = store_prepare(store, DROP_CONFLICTS, err);
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

	if (add == NULL || drop == NULL)
		return -1;
	store_bind(add, 1, wall_us);
	(void)sqlite3_bind_text(add, 2, sighting_name(facts->sighting.kind), -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 3, key_of_mac(facts->mac, mac), -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 4, addr_text(&facts->camera, ip), -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 5, facts->iface, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 6, facts->end_text, -1, SQLITE_STATIC);
	if (store_finish(store, add, "keep a conflict", err) != 0)
		return -1;
	(void)sqlite3_bind_int64(drop, 1, sqlite3_last_insert_rowid(store->db) - CONFLICTS_MAX);
	return store_finish(store, drop, "forget old conflicts", err);
}

int
store_sight(struct store *store, const struct recorded *event, struct err *err)
{
	const struct facts *facts = &event->facts;
	bool told = event->head.kind == EVENT_SIGHTING;
	struct sighted *slot = slot_of(store, facts);
	uint64_t wall_us = event->head.wall_us;

	assert(store->begun);
	if (facts->sighting.kind >= SIGHTING_IP_TAKEN)
		return add_conflict(store, facts, wall_us, err);
	if (!told && is_in(slot, facts, wall_us))
		return 0;
	if (upsert(store, facts, wall_us, told, err) != 0)
		return -1;
	note(slot, facts, wall_us);
	return 0;
}

int
store_set_name(struct store *store, const char *key, const char *name, uint64_t wall_us,
    struct err *err)
{
	static const char sql[] = "INSERT INTO device_name (key, name, wall_us) VALUES (?1, ?2, ?3)"
				  " ON CONFLICT (key) DO UPDATE SET name = ?2, wall_us = ?3";
	sqlite3_stmt *set = NULL;
	int ret = -1;

	assert(store->begun);
	if (sqlite3_prepare_v2(store->db, sql, -1, &set, NULL) != SQLITE_OK)
		return store_error(store, "name a camera", err);
	(void)sqlite3_bind_text(set, 1, key, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(set, 2, name, -1, SQLITE_STATIC);
	store_bind(set, 3, wall_us);
	if (sqlite3_step(set) == SQLITE_DONE)
		ret = 0;
	else
		(void)store_error(store, "name a camera", err);
	(void)sqlite3_finalize(set);
	return ret;
}

int
store_forget_device(struct store *store, const char *key, struct err *err)
{
	static const char *const tables[] = {
	    "DELETE FROM sighting WHERE mac = ?1 OR (mac = '' AND ip = ?1)",
	    "DELETE FROM conflict WHERE mac = ?1 OR (mac = '' AND ip = ?1)",
	    "DELETE FROM device_name WHERE key = ?1",
	};
	int count = 0;

	assert(store->begun);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		sqlite3_stmt *drop = NULL;
		int code;

		if (sqlite3_prepare_v2(store->db, tables[i], -1, &drop, NULL) != SQLITE_OK)
			return store_error(store, "forget a camera", err);
		(void)sqlite3_bind_text(drop, 1, key, -1, SQLITE_STATIC);
		code = sqlite3_step(drop);
		(void)sqlite3_finalize(drop);
		if (code != SQLITE_DONE)
			return store_error(store, "forget a camera", err);
		count += sqlite3_changes(store->db);
	}
	return count;
}

/* ---- reading ---- */

/* Call each for the rows of sql, as `give` reads them. */
struct reading_rows {
	const char *table, *sql, *what;
	bool (*give)(sqlite3_stmt *row, const struct reading_rows *rows);
	void *context;
	union {
		store_each_sighting *sighting;
		store_each_conflict *conflict;
		store_each_name *name;
	} each;
};

static int
read_rows(struct store *store, const struct reading_rows *rows, struct err *err)
{
	sqlite3_stmt *row = NULL;
	int code;

	/* An older program's store has none, until the recorder has opened it. */
	if (sqlite3_table_column_metadata(store->db, NULL, rows->table, NULL, NULL, NULL, NULL,
		NULL, NULL) != SQLITE_OK)
		return 0;
	if (sqlite3_prepare_v2(store->db, rows->sql, -1, &row, NULL) != SQLITE_OK)
		return store_error(store, rows->what, err);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		if (!rows->give(row, rows))
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		(void)store_error(store, rows->what, err);
	(void)sqlite3_finalize(row);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}

static const char *
text_of(sqlite3_stmt *row, int index)
{
	const char *text = (const char *)sqlite3_column_text(row, index);

	return text != NULL ? text : "";
}

static bool
give_sighting(sqlite3_stmt *row, const struct reading_rows *rows)
{
	struct store_sighting out = {.first_us = store_column(row, 3),
	    .last_us = store_column(row, 4)};

	(void)mac_parse(text_of(row, 0), out.mac, sizeof(out.mac));
	if (addr_parse(&out.addr, text_of(row, 1), 0, NULL) != 0)
		return true;
	text_copy(out.iface, sizeof(out.iface), text_of(row, 2));
	return rows->each.sighting(rows->context, &out);
}

int
store_sightings(struct store *store, store_each_sighting *each, void *context, struct err *err)
{
	struct reading_rows rows = {"sighting",
	    "SELECT mac, ip, iface, first_us, last_us FROM sighting"
	    " ORDER BY mac, last_us DESC, id",
	    "read the cameras", give_sighting, context, {.sighting = each}};

	return read_rows(store, &rows, err);
}

static bool
give_conflict(sqlite3_stmt *row, const struct reading_rows *rows)
{
	struct store_conflict out = {.wall_us = store_column(row, 0)};

	text_copy(out.kind, sizeof(out.kind), text_of(row, 1));
	text_copy(out.mac, sizeof(out.mac), text_of(row, 2));
	text_copy(out.ip, sizeof(out.ip), text_of(row, 3));
	text_copy(out.iface, sizeof(out.iface), text_of(row, 4));
	text_copy(out.text, sizeof(out.text), text_of(row, 5));
	return rows->each.conflict(rows->context, &out);
}

int
store_conflicts(struct store *store, store_each_conflict *each, void *context, struct err *err)
{
	struct reading_rows rows = {"conflict",
	    "SELECT wall_us, kind, mac, ip, iface, text FROM conflict"
	    " ORDER BY id DESC",
	    "read the conflicts", give_conflict, context, {.conflict = each}};

	return read_rows(store, &rows, err);
}

static bool
give_name(sqlite3_stmt *row, const struct reading_rows *rows)
{
	return rows->each.name(rows->context, text_of(row, 0), text_of(row, 1));
}

int
store_names(struct store *store, store_each_name *each, void *context, struct err *err)
{
	struct reading_rows rows = {"device_name",
	    "SELECT key, name FROM device_name ORDER BY name", "read the names of cameras",
	    give_name, context, {.name = each}};

	return read_rows(store, &rows, err);
}
