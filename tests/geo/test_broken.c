/* SPDX-License-Identifier: MIT */
/* The broken databases that MaxMind tests with (broken/README.md), and pieces of
 * whole ones: none is opened, so none can be asked. */
#include "base/err.h"
#include "base/memfd.h"
#include "geo/database.h"
#include "geo/geo.h"
#include "tests/support/mmdb_maker.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1 << 20, PIECES = 64 };

static const struct {
	const char *name, *refusal;
	/* Its build date is no database's, and it would be refused for that alone. */
	bool old;
} files[] = {
    {"GeoIP2-City-Test-Broken-Double-Format", "a number of type 3 and 5 bytes", false},
    {"GeoIP2-City-Test-Invalid-Node-Count", "a tree of 100000 nodes does not fit", false},
    {"MaxMind-DB-test-broken-pointers-24", "a pointer to a pointer", false},
    {"MaxMind-DB-test-broken-search-tree-24", "the search tree runs in a ring", false},
    {"bad-unicode-in-map-key", "the tree does not end where the metadata says", false},
    {"cyclic-data-structure", "leaves its section", false},
    {"invalid-bytes-length", "leaves its section", false},
    {"invalid-data-record-offset", "a map's key is no string", false},
    {"invalid-map-key-length", "leaves its section", false},
    {"invalid-string-length", "leaves its section", false},
    {"libmaxminddb-corrupt-search-tree", "nodes are reached by no address", true},
    {"libmaxminddb-deep-array-nesting", "nested too deep", true},
    {"libmaxminddb-deep-nesting", "nested too deep", true},
    {"libmaxminddb-empty-array-last-in-metadata", "no record has a", true},
    {"libmaxminddb-empty-map-last-in-metadata", "no record has a", true},
    {"libmaxminddb-metadata-marker-only", "a data section of 0 bytes", false},
    {"libmaxminddb-offset-integer-overflow", "a pointer to 943208504 leaves", false},
    {"libmaxminddb-oversized-array", "a container of 1000000 entries", true},
    {"libmaxminddb-oversized-map", "a container of 1000000 entries", true},
    {"libmaxminddb-separator-record-max-left", "outside the data", true},
    {"libmaxminddb-separator-record-min-left", "outside the data", true},
    {"libmaxminddb-separator-record-min-right", "outside the data", true},
    {"libmaxminddb-uint64-max-epoch", "build_epoch is 18446744073709551615", false},
    {"metadata-is-an-uint128", "leaves its section", false},
    {"unexpected-bytes", "leaves its section", false},
};
enum { FILES = sizeof(files) / sizeof(files[0]) };

/* The bytes of a file, the caller's to free. */
static uint8_t *
read_file(const char *name, size_t *size)
{
	uint8_t *bytes = malloc(FILE_BYTES_MAX);
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s.mmdb", GEO_BROKEN_DIR, name);
	file = fopen(path, "rbe");
	cr_assert(bytes != NULL && file != NULL, "%s", path);
	*size = fread(bytes, 1, FILE_BYTES_MAX, file);
	cr_assert_lt(*size, FILE_BYTES_MAX);
	(void)fclose(file);
	return bytes;
}

/* Opens as a database and as all there is; both refuse, for the same reason. */
static void
expect_refused(const uint8_t *bytes, size_t size, enum database_kind kind, const char *name,
    const char *refusal)
{
	struct geo_files all = {.asn = {.fd = -1}};
	int fd = memfd_seal("test", bytes, size, NULL);
	struct err err = {0};

	cr_assert_geq(fd, 0);
	cr_expect_null(database_open(fd, name, kind, &err), "%s, %zu bytes", name, size);
	cr_expect_not_null(strstr(err.text, refusal), "%s: %s", name, err.text);
	if (kind == DATABASE_ASN) {
		all.asn.fd = fd;
		all.asn.name = name;
	} else {
		all.country[0].fd = fd;
		all.country[0].name = name;
		all.country_count = 1;
	}
	cr_expect_null(geo_open(&all, NULL, NULL, NULL), "%s, %zu bytes", name, size);
	(void)close(fd);
}

Test(broken, maxminds_broken_databases_are_refused_each_for_its_reason)
{
	static const uint8_t old[] = {0x3b, 0x9a, 0xca, 0x00}; /* 2001-09-09 */
	static const uint8_t good[] = {0x6a, 0x1c, 0xc7, 0x80};

	for (size_t i = 0; i < FILES; i++) {
		bool no_country = strstr(files[i].refusal, "no record has a") != NULL;
		size_t size;
		uint8_t *bytes = read_file(files[i].name, &size);
		uint8_t *date = memmem(bytes, size, old, sizeof(old));

		if (files[i].old) {
			expect_refused(bytes, size, DATABASE_COUNTRY, files[i].name, "build_epoch");
			cr_assert_not_null(date, "%s", files[i].name);
			memcpy(date, good, sizeof(good));
		}
		expect_refused(bytes, size, DATABASE_COUNTRY, files[i].name, files[i].refusal);
		expect_refused(bytes, size, DATABASE_ASN, files[i].name,
		    no_country ? "no record has an autonomous_system_number" : files[i].refusal);
		free(bytes);
	}
}

Test(broken, all_files_are_in_the_table)
{
	DIR *dir = opendir(GEO_BROKEN_DIR);
	const struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL)
		count += strstr(entry->d_name, ".mmdb") != NULL;
	(void)closedir(dir);
	cr_expect_eq(count, (size_t)FILES);
}

Test(broken, pieces_of_them_are_refused_too)
{
	for (size_t i = 0; i < FILES; i++) {
		size_t size;
		uint8_t *bytes = read_file(files[i].name, &size);

		for (size_t piece = 0; piece < PIECES; piece++)
			expect_refused(bytes, size * piece / PIECES, DATABASE_COUNTRY,
			    files[i].name, "");
		free(bytes);
	}
}

/* A database as those are that are sold: many networks, records that are shared. */
static struct mmdb_bytes
make_real(enum database_kind kind)
{
	enum { NETWORKS = 1500 };
	static const char *const countries[] = {"DE", "FR", "US", "CN", "SG"};
	char **lines = calloc(NETWORKS, sizeof(char *));
	struct mmdb_bytes file;

	cr_assert_not_null(lines);
	for (unsigned i = 0; i < NETWORKS; i++) {
		lines[i] = malloc(160);
		cr_assert_not_null(lines[i]);
		if (kind == DATABASE_ASN)
			(void)snprintf(lines[i], 160,
			    "%u.%u.0.0/16 autonomous_system_number=%u "
			    "autonomous_system_organization=\"Network %u\"",
			    20 + i / 256, i % 256, 64496 + i % 40, i % 40);
		else
			(void)snprintf(lines[i], 160,
			    "%u.%u.0.0/16 country.iso_code=%s registered_country.iso_code=%s "
			    "traits.is_anycast=%s",
			    20 + i / 256, i % 256, countries[i % 5], countries[i % 3],
			    i % 7 == 0 ? "true" : "false");
	}
	file = mmdb_make(NULL, (const char *const *)lines, NETWORKS);
	for (unsigned i = 0; i < NETWORKS; i++)
		free(lines[i]);
	free(lines);
	return file;
}

Test(broken, pieces_of_whole_databases_are_refused)
{
	for (int kind = DATABASE_COUNTRY; kind <= DATABASE_ASN; kind++) {
		struct mmdb_bytes file = make_real((enum database_kind)kind);
		int fd = memfd_seal("test", file.at, file.size, NULL);
		struct err err = {0};
		struct database *whole = database_open(fd, "a", (enum database_kind)kind, &err);

		cr_assert_not_null(whole, "%s", err.text);
		database_close(whole);
		(void)close(fd);
		for (size_t piece = 0; piece < PIECES; piece++) {
			size_t from = file.size * piece / PIECES;

			expect_refused(file.at, from, (enum database_kind)kind, "front", "");
			if (piece > 0)
				expect_refused(file.at + from, file.size - from,
				    (enum database_kind)kind, "back", "");
		}
		free(file.at);
	}
}
