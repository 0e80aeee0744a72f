/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"

#include "base/err.h"
#include "base/overrides.h"
#include "base/text.h"
#include "geo/attribution.h"
#include "geo/geo_private.h"
#include "geo/kinds.h"
#include "geo/operators.h"
#include "geo/vendors.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* ---- opening ---- */

/* Whom the errors of the tables are told. */
struct told {
	geo_tell *tell;
	void *arg;
	struct err *err;
	bool failed; /* there was one */
};

static void
keep_name(char *to, const char *path, const char *fallback)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	struct text text = text_in(to, FACTS_BASIS_MAX - 12); /* ":" and a line number fit behind */

	if (base == NULL || *base == '\0')
		base = fallback;
	text_add_untrusted(&text, base, strlen(base));
}

void
basis_add(char basis[FACTS_BASES_MAX], const char *more)
{
	size_t used = strlen(basis);

	(void)snprintf(basis + used, FACTS_BASES_MAX - used, used == 0 ? "%s" : ",%s", more);
}

static void
note_asked(struct geo *geo)
{
	for (size_t i = 0; i < geo->country_count; i++) {
		for (int field = 0; field < DATABASE_COUNTRY_FIELDS; field++) {
			if (database_answers(geo->country[i], (enum database_field)field))
				basis_add(geo->asked[field], database_basis(geo->country[i]));
		}
	}
}

static int
open_databases(struct geo *geo, const struct geo_files *files, struct err *err)
{
	assert(files->country_count <= GEO_COUNTRY_FILES_MAX);
	for (size_t i = 0; i < files->country_count; i++) {
		geo->country[i] = database_open(files->country[i].fd, files->country[i].name,
		    DATABASE_COUNTRY, err);
		if (geo->country[i] == NULL)
			return -1;
		geo->country_count++;
	}
	if (files->asn.fd < 0)
		return 0;
	geo->asn = database_open(files->asn.fd, files->asn.name, DATABASE_ASN, err);
	return geo->asn == NULL ? -1 : 0;
}

/* Where the errors of a table go: the first of all tables is kept in err. */
static struct csv_errors
errors_of(const char *file, const struct told *told)
{
	return (struct csv_errors){.file = file,
	    .tell = told->tell,
	    .arg = told->arg,
	    .err = told->failed ? NULL : told->err};
}

static void
open_operators(struct geo *geo, const struct geo_files *files, struct told *told)
{
	struct csv_errors errors = errors_of(geo->operators_name, told);

	if (files->operators.at == NULL)
		return;
	geo->operators = operators_open(files->operators, &errors);
	told->failed = told->failed || geo->operators == NULL;
}

static void
open_vendors(struct geo *geo, const struct geo_files *files, struct told *told)
{
	struct csv_errors errors = errors_of(geo->vendors_name, told);

	if (files->vendors.at == NULL)
		return;
	geo->vendors = vendors_open(files->vendors, &errors);
	told->failed = told->failed || geo->vendors == NULL;
}

static void
open_kinds(struct geo *geo, const struct geo_files *files, struct told *told)
{
	struct csv_errors errors = errors_of(geo->kinds_name, told);

	if (files->kinds.at == NULL)
		return;
	geo->kinds = kinds_open(files->kinds, &errors);
	told->failed = told->failed || geo->kinds == NULL;
}

/* Reads all tables even when one has errors, so that all are told. */
static int
open_tables(struct geo *geo, const struct geo_files *files, struct told *told)
{
	keep_name(geo->operators_name, files->operators_name, "operators.csv");
	keep_name(geo->vendors_name, files->vendors_name, "vendors.csv");
	keep_name(geo->kinds_name, files->kinds_name, "kinds.csv");
	open_operators(geo, files, told);
	open_vendors(geo, files, told);
	open_kinds(geo, files, told);
	return told->failed ? -1 : 0;
}

struct geo *
geo_open(const struct geo_files *files, geo_tell *tell, void *arg, struct err *err)
{
	struct told told = {.tell = tell, .arg = arg, .err = err};
	struct geo *geo = calloc(1, sizeof(*geo));

	if (geo == NULL) {
		(void)err_set(err, ERR_NOMEM, "geo: no memory");
		return NULL;
	}
	geo->overrides = files->overrides;
	if (open_tables(geo, files, &told) != 0 || open_databases(geo, files, err) != 0) {
		geo_close(geo);
		return NULL;
	}
	if (getrandom(&geo->serial, sizeof(geo->serial), 0) != sizeof(geo->serial)) {
		(void)err_sys(err, "getrandom");
		geo_close(geo);
		return NULL;
	}
	note_asked(geo);
	return geo;
}

void
geo_close(struct geo *geo)
{
	if (geo == NULL)
		return;
	for (size_t i = 0; i < geo->country_count; i++)
		database_close(geo->country[i]);
	database_close(geo->asn);
	operators_close(geo->operators);
	vendors_close(geo->vendors);
	kinds_close(geo->kinds);
	free(geo);
}

uint64_t
geo_serial(const struct geo *geo)
{
	return geo->serial;
}

/* ---- status ---- */

static const char *
country_role(const struct database *database)
{
	bool located = database_answers(database, DATABASE_LOCATED);
	bool registered = database_answers(database, DATABASE_REGISTERED);

	if (located && registered)
		return "located+registered";
	return located ? "located" : "registered";
}

static struct geo_status
database_status(const struct database *database, const char *role)
{
	return (struct geo_status){
	    .name = database_name(database),
	    .role = role,
	    .type = database_type(database),
	    .attribution = attribution_of(database_name(database), database_type(database),
		database_description(database)),
	    .build_s = database_build_s(database),
	    .entries = database_networks(database),
	};
}

static struct geo_status
table_status(const char *name, const char *role, const struct table *table)
{
	return (struct geo_status){
	    .name = name,
	    .role = role,
	    .type = "table",
	    .attribution = "",
	    .as_of_s = table->newest_us / 1000000,
	    .entries = table->count,
	};
}

size_t
geo_status(const struct geo *geo, struct geo_status *out, size_t room)
{
	struct geo_status all[GEO_STATUS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < geo->country_count; i++)
		all[count++] = database_status(geo->country[i], country_role(geo->country[i]));
	if (geo->asn != NULL)
		all[count++] = database_status(geo->asn, "asn");
	if (geo->operators != NULL)
		all[count++] =
		    table_status(geo->operators_name, "operators", operators_table(geo->operators));
	if (geo->vendors != NULL)
		all[count++] =
		    table_status(geo->vendors_name, "vendors", vendors_table(geo->vendors));
	if (geo->kinds != NULL)
		all[count++] = table_status(geo->kinds_name, "kinds", kinds_table(geo->kinds));
	if (geo->overrides != NULL)
		all[count++] = (struct geo_status){.name = geo->overrides->file,
		    .role = "overrides",
		    .type = "overrides",
		    .attribution = "",
		    .entries = geo->overrides->count};
	if (count > room)
		count = room;
	memcpy(out, all, count * sizeof(*out));
	return count;
}

const char *
geo_oldest(const struct geo *geo, uint64_t *build_s)
{
	const struct database *oldest = geo->asn;

	for (size_t i = 0; i < geo->country_count; i++) {
		if (oldest == NULL || database_build_s(geo->country[i]) < database_build_s(oldest))
			oldest = geo->country[i];
	}
	if (oldest == NULL)
		return NULL;
	*build_s = database_build_s(oldest);
	return database_basis(oldest);
}

bool
geo_has_vendor(const struct geo *geo, const char *vendor)
{
	const struct overrides *overrides = geo->overrides;

	for (size_t i = 0; overrides != NULL && i < overrides->count; i++) {
		if (strcasecmp(overrides->list[i]->vendor, vendor) == 0)
			return true;
	}
	return geo->vendors != NULL && vendors_has(geo->vendors, vendor);
}
