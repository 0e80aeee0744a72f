/* SPDX-License-Identifier: MIT */
#include "geo/database.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/memfd.h"
#include "base/text.h"
#include "geo/mmdb_data.h"
#include "geo/mmdb_file.h"
#include "geo/mmdb_tree.h"
#include "geo/mmdb_value.h"

#include <assert.h>
#include <maxminddb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What is read of a record, and where it stands. */
enum field {
	FIELD_LOCATED = 0,
	FIELD_REGISTERED,
	FIELD_FLAT,
	FIELD_ANYCAST,
	FIELD_SATELLITE,
	FIELD_ASN,
	FIELD_ORG,
	FIELDS
};

static const char *const paths[FIELDS][3] = {
    [FIELD_LOCATED] = {"country", "iso_code"},
    [FIELD_REGISTERED] = {"registered_country", "iso_code"},
    [FIELD_FLAT] = {"country_code"},
    [FIELD_ANYCAST] = {"traits", "is_anycast"},
    [FIELD_SATELLITE] = {"traits", "is_satellite_provider"},
    [FIELD_ASN] = {"autonomous_system_number"},
    [FIELD_ORG] = {"autonomous_system_organization"},
};

enum { /* sets of fields */
	SET_COUNTRY = 1 << FIELD_LOCATED | 1 << FIELD_REGISTERED | 1 << FIELD_FLAT,
	SET_TRAITS = 1 << FIELD_ANYCAST | 1 << FIELD_SATELLITE,
	SET_NETWORK = 1 << FIELD_ASN | 1 << FIELD_ORG,
};

enum { IPV4_OFFSET_BITS = 96 };

struct database {
	const uint8_t *map; /* owned; NULL when empty */
	size_t size;
	MMDB_s mmdb;           /* made by us over map, never by MMDB_open: no file is opened */
	struct mmdb_file file; /* its parts lie in map */
	uint64_t networks;
	unsigned fields; /* the fields that its records hold: others are not looked for */
	bool answers[DATABASE_COUNTRY_FIELDS];
	enum database_field flat; /* what country_code means */
	char name[FACTS_BASIS_MAX - 12];
	char basis[FACTS_BASIS_MAX];
};

/* The walk over all records. */
struct survey {
	struct database *database;
	struct mmdb_data data;
	bool *seen;      /* for each offset of the data section: its record was read */
	unsigned fields; /* what any record holds */
};

/* ---- one value of a record that was checked ---- */

static enum found
read_country(const MMDB_s *mmdb, uint32_t offset, const char *const *path, char out[3])
{
	MMDB_entry_data_s data;
	enum found found = mmdb_value_read(mmdb, offset, path, &data);

	if (found != FOUND)
		return found;
	if (data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return FOUND_BROKEN;
	if (data.data_size == 0)
		return FOUND_NONE;
	if (data.data_size != 2)
		return FOUND_BROKEN;
	for (int i = 0; i < 2; i++) {
		if (data.utf8_string[i] < 'A' || data.utf8_string[i] > 'Z')
			return FOUND_BROKEN;
	}
	/* ISO 3166-1 leaves ZZ to its users, and geographers write it for "unknown". */
	if (memcmp(data.utf8_string, "ZZ", 2) == 0)
		return FOUND_NONE;
	memcpy(out, data.utf8_string, 2);
	out[2] = '\0';
	return FOUND;
}

static enum found
read_asn(const MMDB_s *mmdb, uint32_t offset, uint32_t *asn)
{
	MMDB_entry_data_s data;
	enum found found = mmdb_value_read(mmdb, offset, paths[FIELD_ASN], &data);

	if (found != FOUND)
		return found;
	if (data.type == MMDB_DATA_TYPE_UINT32)
		*asn = data.uint32;
	else if (data.type == MMDB_DATA_TYPE_UINT16)
		*asn = data.uint16;
	else
		return FOUND_BROKEN;
	return *asn == 0 ? FOUND_NONE : FOUND;
}

/* A trait that holds makes the address one of kind. */
static enum found
read_trait(const MMDB_s *mmdb, uint32_t offset, const char *const *path, enum place_kind kind,
    enum place_kind *out)
{
	MMDB_entry_data_s data;
	enum found found = mmdb_value_read(mmdb, offset, path, &data);

	if (found != FOUND)
		return found;
	if (data.type != MMDB_DATA_TYPE_BOOLEAN)
		return FOUND_BROKEN;
	if (data.boolean)
		*out = kind;
	return FOUND;
}

/* ---- all of a record ---- */

static enum found
read_field(const struct database *database, uint32_t offset, enum field field,
    struct database_answer *answer)
{
	const MMDB_s *mmdb = &database->mmdb;
	const char *const *path = paths[field];

	switch (field) {
	case FIELD_LOCATED:
		return read_country(mmdb, offset, path, answer->country[DATABASE_LOCATED]);
	case FIELD_REGISTERED:
		return read_country(mmdb, offset, path, answer->country[DATABASE_REGISTERED]);
	case FIELD_FLAT:
		return read_country(mmdb, offset, path, answer->country[database->flat]);
	case FIELD_ANYCAST:
		return read_trait(mmdb, offset, path, PLACE_ANYCAST, &answer->kind);
	case FIELD_SATELLITE:
		return read_trait(mmdb, offset, path, PLACE_SATELLITE, &answer->kind);
	case FIELD_ASN:
		return read_asn(mmdb, offset, &answer->asn);
	case FIELD_ORG:
		return mmdb_value_text(mmdb, offset, path, answer->org, sizeof(answer->org));
	case FIELDS:
		break;
	}
	return FOUND_NONE;
}

/* Read the database's fields of a record; *held becomes the set of those that
 * are there.  False when one is not of its form. */
static bool
read_record(const struct database *database, uint32_t offset, struct database_answer *answer,
    unsigned *held)
{
	*held = 0;
	for (int field = 0; field < FIELDS; field++) {
		enum found found;

		if ((database->fields & 1U << field) == 0)
			continue;
		found = read_field(database, offset, (enum field)field, answer);
		if (found == FOUND_BROKEN)
			return false;
		if (found == FOUND)
			*held |= 1U << field;
	}
	return true;
}

/* ---- opening ---- */

static int
check_record(struct survey *survey, uint32_t offset, struct err *err)
{
	struct database_answer answer = {0};
	unsigned held;

	if (mmdb_data_check(&survey->data, offset, err) != 0)
		return -1;
	if (!read_record(survey->database, offset, &answer, &held))
		return err_set(err, ERR_INPUT,
		    "the record at %u holds a country or network of the wrong form", offset);
	survey->seen[offset] = true;
	survey->fields |= held;
	return 0;
}

static int
on_network(uint32_t offset, void *arg, struct err *err)
{
	struct survey *survey = arg;

	survey->database->networks++;
	return survey->seen[offset] ? 0 : check_record(survey, offset, err);
}

/* Keep what the records hold; -1 when that is nothing of the database's kind. */
static int
note_fields(struct database *database, unsigned fields, struct err *err)
{
	bool network = (database->fields & SET_NETWORK) != 0;

	database->fields = fields;
	database->answers[DATABASE_LOCATED] = (fields & 1U << FIELD_LOCATED) != 0;
	database->answers[DATABASE_REGISTERED] = (fields & 1U << FIELD_REGISTERED) != 0;
	if ((fields & 1U << FIELD_FLAT) != 0)
		database->answers[database->flat] = true;
	if (network && (fields & 1U << FIELD_ASN) == 0)
		return err_set(err, ERR_INPUT, "no record has an autonomous_system_number");
	if (!network && (fields & SET_COUNTRY) == 0)
		return err_set(err, ERR_INPUT,
		    "no record has a country.iso_code, registered_country.iso_code or country_code");
	return 0;
}

static int
survey_records(struct database *database, struct err *err)
{
	struct bytes section = database->file.section;
	struct survey survey = {.database = database};
	int ret = -1;

	assert(section.left > 0);
	if (mmdb_data_open(&survey.data, section, err) != 0)
		return -1;
	survey.seen = calloc(section.left, sizeof(*survey.seen));
	if (survey.seen == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for %zu bytes", section.left);
		goto out;
	}
	if (mmdb_tree_walk(&database->file.tree, on_network, &survey, err) != 0)
		goto out;
	ret = note_fields(database, survey.fields, err);
out:
	free(survey.seen);
	mmdb_data_close(&survey.data);
	return ret;
}

/* What MMDB_open would have made of the file, from bytes that were checked. */
static void
fill_handle(struct database *database)
{
	const struct mmdb_file *file = &database->file;
	MMDB_s *mmdb = &database->mmdb;

	mmdb->filename = database->name;
	mmdb->file_content = database->map;
	mmdb->file_size = (ssize_t)database->size;
	mmdb->data_section = file->section.at;
	mmdb->data_section_size = (uint32_t)file->section.left;
	mmdb->full_record_byte_size = (uint16_t)(file->tree.record_bits / 4);
	mmdb->depth = (uint16_t)file->tree.depth;
	mmdb->metadata.node_count = file->tree.node_count;
	mmdb->metadata.record_size = (uint16_t)file->tree.record_bits;
	mmdb->metadata.ip_version = file->tree.depth == 32 ? 4 : 6;
	mmdb->metadata.build_epoch = file->build_s;
	mmdb->metadata.binary_format_major_version = MMDB_FORMAT_MAJOR;
	mmdb->metadata.database_type = file->type;
}

/* Only in a tree that was walked. */
static void
fill_ipv4_start(struct database *database)
{
	unsigned bits;

	if (database->file.tree.depth == 32)
		return;
	database->mmdb.ipv4_start_node.node_value = mmdb_tree_ipv4(&database->file.tree, &bits);
	database->mmdb.ipv4_start_node.netmask = (uint16_t)bits;
}

static bool
speaks_of_registration(const struct database *database)
{
	const char *const texts[] = {database->name, database->file.type,
	    database->file.description};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcasestr(texts[i], "whois") != NULL ||
		    strcasestr(texts[i], "registered") != NULL)
			return true;
	}
	return false;
}

static int
check_file(struct database *database, enum database_kind kind, struct err *err)
{
	struct bytes bytes = {.at = database->map, .left = database->size};

	if (mmdb_file_read(&database->file, bytes, err) != 0)
		return -1;
	database->flat = speaks_of_registration(database) ? DATABASE_REGISTERED : DATABASE_LOCATED;
	database->fields = kind == DATABASE_ASN ? SET_NETWORK : SET_COUNTRY | SET_TRAITS;
	fill_handle(database);
	if (survey_records(database, err) != 0)
		return -1;
	fill_ipv4_start(database);
	return 0;
}

static void
name_database(struct database *database, const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *base = slash == NULL ? name : slash + 1;
	struct text text = text_in(database->name, sizeof(database->name));
	size_t used;

	text_add_untrusted(&text, base, strlen(base));
	used = strlen(database->name);
	if (used > 5 && strcmp(database->name + used - 5, ".mmdb") == 0)
		database->name[used - 5] = '\0';
}

static void
name_basis(struct database *database)
{
	char date[CLOCK_TEXT_MAX];

	(void)snprintf(database->basis, sizeof(database->basis), "%s@%.10s", database->name,
	    clock_date(database->file.build_s * 1000000, date));
}

struct database *
database_open(int fd, const char *name, enum database_kind kind, struct err *err)
{
	struct database *database = calloc(1, sizeof(*database));
	struct err cause = {0};

	if (database == NULL) {
		(void)err_set(err, ERR_NOMEM, "%s: no memory", name);
		return NULL;
	}
	name_database(database, name);
	if (memfd_map(fd, &database->map, &database->size, &cause) != 0 ||
	    check_file(database, kind, &cause) != 0) {
		(void)err_set(err, cause.kind, "%.80s: %.160s", name, cause.text);
		database_close(database);
		return NULL;
	}
	name_basis(database);
	return database;
}

void
database_close(struct database *database)
{
	if (database == NULL)
		return;
	if (database->map != NULL)
		(void)munmap((void *)(uintptr_t)database->map, database->size);
	free(database);
}

/* ---- asking ---- */

/* The block's length as in struct prefix.  libmaxminddb counts the bits it
 * took: for an IPv4 address from the top of the tree, which in a tree of IPv6
 * is 96 bits above the address. */
static uint8_t
prefix_bits(const struct database *database, bool v4, unsigned netmask)
{
	if (v4 && database->mmdb.metadata.ip_version == 4)
		netmask += IPV4_OFFSET_BITS;
	if (v4 && netmask < IPV4_OFFSET_BITS)
		netmask = IPV4_OFFSET_BITS;
	return (uint8_t)netmask;
}

void
database_ask(const struct database *database, const struct addr *addr,
    struct database_answer *answer)
{
	struct sockaddr_storage to;
	MMDB_lookup_result_s result;
	bool v4 = addr_is_v4(addr);
	unsigned held;
	int status;

	memset(answer, 0, sizeof(*answer));
	if (!v4 && database->mmdb.metadata.ip_version == 4)
		return;
	(void)addr_to_sockaddr(addr, &to);
	result = MMDB_lookup_sockaddr(&database->mmdb, (struct sockaddr *)&to, &status);
	if (status != MMDB_SUCCESS)
		return;
	answer->bits = prefix_bits(database, v4, result.netmask);
	if (!result.found_entry)
		return;
	answer->found = true;
	(void)read_record(database, result.entry.offset, answer, &held);
}

bool
database_answers(const struct database *database, enum database_field field)
{
	return database->answers[field];
}

const char *
database_name(const struct database *database)
{
	return database->name;
}

const char *
database_basis(const struct database *database)
{
	return database->basis;
}

const char *
database_type(const struct database *database)
{
	return database->file.type;
}

const char *
database_description(const struct database *database)
{
	return database->file.description;
}

uint64_t
database_build_s(const struct database *database)
{
	return database->file.build_s;
}

uint64_t
database_networks(const struct database *database)
{
	return database->networks;
}
