/* SPDX-License-Identifier: MIT */
#include "geo/vendors.h"

#include "base/err.h"
#include "base/facts.h"
#include "geo/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum column {
	COLUMN_SUFFIX = 0,
	COLUMN_VENDOR,
	COLUMN_PURPOSE,
	COLUMN_PORT,
	COLUMN_SOURCE,
	COLUMN_AS_OF,
	COLUMNS
};

static const char *const columns[COLUMNS] = {"suffix", "vendor", "purpose", "port", "source",
    "as_of"};

enum {
	NAME_MAX_BYTES = 253, /* RFC 1035 section 2.3.4, as text */
	LABEL_MAX_BYTES = 63,
};

struct row {
	struct vendor vendor;
	uint32_t hash;
	char *text; /* owned */
};

struct vendors {
	struct row *rows;
	size_t count, room;
	uint32_t *slots;   /* open addressing: index of a row + 1, 0: free */
	size_t slot_count; /* a power of two, at least twice the rows */
};

static char
lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return "abcdefghijklmnopqrstuvwxyz"[c - 'A'];
	return c;
}

/* FNV-1a, fed from a name's last byte to its first, so that the hashes of all
 * its suffixes come from one pass. */
#define HASH_START 2166136261U

static uint32_t
hash_more(uint32_t hash, char c)
{
	return (hash ^ (uint8_t)c) * 16777619U;
}

static uint32_t
hash_suffix(const char *suffix)
{
	uint32_t hash = HASH_START;

	for (size_t i = strlen(suffix); i > 0; i--)
		hash = hash_more(hash, lower(suffix[i - 1]));
	return hash;
}

static bool
is_name_byte(char c)
{
	c = lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool
is_suffix(const char *text)
{
	size_t label = 0;

	if (strlen(text) > NAME_MAX_BYTES)
		return false;
	for (; *text != '\0'; text++) {
		if (*text == '.' ? label == 0 : !is_name_byte(*text))
			return false;
		label = *text == '.' ? 0 : label + 1;
		if (label > LABEL_MAX_BYTES)
			return false;
	}
	return label > 0;
}

static void
check_row(const struct csv_row *row, struct csv_errors *errors)
{
	if (!is_suffix(row->field[COLUMN_SUFFIX]))
		csv_error(errors, row->line, "'%s' is no name suffix (as in example.com)",
		    row->field[COLUMN_SUFFIX]);
	if (*row->field[COLUMN_VENDOR] == '\0')
		csv_error(errors, row->line, "the vendor is missing");
	if (strlen(row->field[COLUMN_VENDOR]) >= FACTS_LABEL_MAX)
		csv_error(errors, row->line, "a vendor's name of more than %d bytes",
		    FACTS_LABEL_MAX - 1);
	if (*row->field[COLUMN_SOURCE] == '\0')
		csv_error(errors, row->line, "the source is missing");
	if (!csv_is_date(row->field[COLUMN_AS_OF]))
		csv_error(errors, row->line, "as_of '%s' is no date (YYYY-MM-DD)",
		    row->field[COLUMN_AS_OF]);
}

static int
grow(struct vendors *vendors)
{
	size_t room = vendors->room == 0 ? 64 : vendors->room * 2;
	struct row *rows;

	if (vendors->count < vendors->room)
		return 0;
	rows = reallocarray(vendors->rows, room, sizeof(*rows));
	if (rows == NULL)
		return -1;
	vendors->rows = rows;
	vendors->room = room;
	return 0;
}

static int
keep_row(struct vendors *vendors, const struct csv_row *row)
{
	const char *suffix = row->field[COLUMN_SUFFIX], *name = row->field[COLUMN_VENDOR];
	size_t suffix_size = strlen(suffix) + 1, name_size = strlen(name) + 1;
	struct row *to;
	char *at;

	at = grow(vendors) == 0 ? malloc(suffix_size + name_size) : NULL;
	if (at == NULL)
		return -1;
	to = &vendors->rows[vendors->count++];
	for (size_t i = 0; i < suffix_size; i++)
		at[i] = lower(suffix[i]);
	memcpy(at + suffix_size, name, name_size);
	to->text = at;
	to->vendor = (struct vendor){.suffix = at, .name = at + suffix_size, .line = row->line};
	to->hash = hash_suffix(at);
	return 0;
}

/* The row of exactly these bytes, or the free slot where it would stand. */
static uint32_t *
find_slot(const struct vendors *vendors, uint32_t hash, const char *suffix, size_t size)
{
	size_t at = hash & (vendors->slot_count - 1);

	for (;; at = (at + 1) & (vendors->slot_count - 1)) {
		const struct row *row;

		if (vendors->slots[at] == 0)
			return &vendors->slots[at];
		row = &vendors->rows[vendors->slots[at] - 1];
		if (row->hash == hash && strncasecmp(row->vendor.suffix, suffix, size) == 0 &&
		    row->vendor.suffix[size] == '\0')
			return &vendors->slots[at];
	}
}

static int
fill_slots(struct vendors *vendors, struct csv_errors *errors)
{
	vendors->slot_count = 16;
	while (vendors->slot_count < 2 * vendors->count)
		vendors->slot_count *= 2;
	vendors->slots = calloc(vendors->slot_count, sizeof(*vendors->slots));
	if (vendors->slots == NULL)
		return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	for (size_t i = 0; i < vendors->count; i++) {
		const struct row *row = &vendors->rows[i];
		uint32_t *slot =
		    find_slot(vendors, row->hash, row->vendor.suffix, strlen(row->vendor.suffix));

		if (*slot != 0)
			csv_error(errors, row->vendor.line, "'%s' stands in line %u already",
			    row->vendor.suffix, vendors->rows[*slot - 1].vendor.line);
		else
			*slot = (uint32_t)i + 1;
	}
	return errors->count == 0 ? 0 : -1;
}

static int
read_rows(struct vendors *vendors, struct bytes bytes, struct csv_errors *errors)
{
	struct csv csv = csv_open(bytes);
	struct csv_row row;

	if (csv_head(&csv, columns, COLUMNS, &row, errors) != 0)
		return -1;
	while (csv_data(&csv, COLUMNS, &row, errors) > 0) {
		unsigned before = errors->count;

		check_row(&row, errors);
		if (errors->count == before && keep_row(vendors, &row) != 0)
			return err_set(errors->err, ERR_NOMEM, "%s: no memory", errors->file);
	}
	return fill_slots(vendors, errors);
}

struct vendors *
vendors_open(struct bytes bytes, const char *file, geo_tell *tell, void *arg, struct err *err)
{
	struct csv_errors errors = {.file = file, .tell = tell, .arg = arg, .err = err};
	struct vendors *vendors = calloc(1, sizeof(*vendors));

	if (vendors == NULL) {
		(void)err_set(err, ERR_NOMEM, "%s: no memory", file);
		return NULL;
	}
	if (read_rows(vendors, bytes, &errors) != 0) {
		vendors_close(vendors);
		return NULL;
	}
	return vendors;
}

void
vendors_close(struct vendors *vendors)
{
	if (vendors == NULL)
		return;
	for (size_t i = 0; i < vendors->count; i++)
		free(vendors->rows[i].text);
	free(vendors->rows);
	free(vendors->slots);
	free(vendors);
}

const struct vendor *
vendors_find(const struct vendors *vendors, const char *name)
{
	const struct vendor *longest = NULL;
	size_t end = strlen(name);
	uint32_t hash = HASH_START;

	if (end > 0 && name[end - 1] == '.')
		end--;
	if (end > NAME_MAX_BYTES)
		return NULL;
	for (size_t at = end; at > 0; at--) {
		uint32_t slot;

		hash = hash_more(hash, lower(name[at - 1]));
		if (at > 1 && name[at - 2] != '.')
			continue;
		slot = *find_slot(vendors, hash, name + at - 1, end - (at - 1));
		if (slot != 0)
			longest = &vendors->rows[slot - 1].vendor;
	}
	return longest;
}

size_t
vendors_count(const struct vendors *vendors)
{
	return vendors->count;
}
