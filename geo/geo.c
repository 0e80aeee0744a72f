/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"

#include "base/err.h"
#include "base/text.h"
#include "geo/attribution.h"
#include "geo/database.h"
#include "geo/operators.h"
#include "geo/ranges.h"
#include "geo/vendors.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct geo {
	struct database *country[GEO_COUNTRY_FILES_MAX];
	size_t country_count;
	struct database *asn;        /* NULL: none */
	struct operators *operators; /* NULL: none */
	struct vendors *vendors;     /* NULL: none */
	/* The databases asked for a fact, as its basis where none knows it. */
	char asked[DATABASE_COUNTRY_FIELDS][FACTS_BASIS_MAX];
	char operators_name[FACTS_BASIS_MAX], vendors_name[FACTS_BASIS_MAX];
	uint64_t serial;
};

/* ---- opening ---- */

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

static void
add_basis(char *basis, const char *more)
{
	size_t used = strlen(basis);

	(void)snprintf(basis + used, FACTS_BASIS_MAX - used, used == 0 ? "%s" : ",%s", more);
}

static void
note_asked(struct geo *geo)
{
	for (size_t i = 0; i < geo->country_count; i++) {
		for (int field = 0; field < DATABASE_COUNTRY_FIELDS; field++) {
			if (database_answers(geo->country[i], (enum database_field)field))
				add_basis(geo->asked[field], database_basis(geo->country[i]));
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

/* Reads both tables even when the first has errors, so that all are told. */
static int
open_tables(struct geo *geo, const struct geo_files *files, geo_tell *tell, void *arg,
    struct err *err)
{
	int ret = 0;

	keep_name(geo->operators_name, files->operators_name, "operators.csv");
	keep_name(geo->vendors_name, files->vendors_name, "vendors.csv");
	if (files->operators.at != NULL) {
		geo->operators =
		    operators_open(files->operators, geo->operators_name, tell, arg, err);
		if (geo->operators == NULL)
			ret = -1;
	}
	if (files->vendors.at != NULL) {
		geo->vendors = vendors_open(files->vendors, geo->vendors_name, tell, arg,
		    ret == 0 ? err : NULL);
		if (geo->vendors == NULL)
			ret = -1;
	}
	return ret;
}

struct geo *
geo_open(const struct geo_files *files, geo_tell *tell, void *arg, struct err *err)
{
	struct geo *geo = calloc(1, sizeof(*geo));

	if (geo == NULL) {
		(void)err_set(err, ERR_NOMEM, "geo: no memory");
		return NULL;
	}
	if (open_tables(geo, files, tell, arg, err) != 0 || open_databases(geo, files, err) != 0) {
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
	free(geo);
}

uint64_t
geo_serial(const struct geo *geo)
{
	return geo->serial;
}

/* ---- locating ---- */

static void
name_line(char basis[FACTS_BASIS_MAX], const char *file, unsigned line)
{
	struct text text = text_in(basis, FACTS_BASIS_MAX);

	text_add(&text, "%s:%u", file, line);
}

static void
add_country(struct countries *countries, char *basis, const char iso[3],
    const struct database *database)
{
	if (iso[0] == '\0')
		return;
	countries_add(countries, iso);
	add_basis(basis, database_basis(database));
}

static void
locate_countries(const struct geo *geo, const struct addr *addr, struct place *place)
{
	for (size_t i = 0; i < geo->country_count; i++) {
		const struct database *database = geo->country[i];
		struct database_answer answer;

		database_ask(database, addr, &answer);
		add_country(&place->located, place->located_basis, answer.country[DATABASE_LOCATED],
		    database);
		add_country(&place->registered, place->registered_basis,
		    answer.country[DATABASE_REGISTERED], database);
		if (place->prefix_bits == 0 && answer.country[DATABASE_LOCATED][0] != '\0')
			place->prefix_bits = answer.bits;
	}
	if (place->located.count == 0)
		text_copy(place->located_basis, sizeof(place->located_basis),
		    geo->asked[DATABASE_LOCATED]);
	if (place->registered.count == 0)
		text_copy(place->registered_basis, sizeof(place->registered_basis),
		    geo->asked[DATABASE_REGISTERED]);
}

static void
locate_operator(const struct geo *geo, const struct addr *addr, struct place *place)
{
	const struct geo_operator *row;
	struct database_answer answer;

	if (geo->asn == NULL)
		return;
	database_ask(geo->asn, addr, &answer);
	place->asn = answer.asn;
	text_copy(place->org, sizeof(place->org), answer.org);
	if (answer.asn == 0) {
		/* Without a network the operators' table was not asked. */
		text_copy(place->operator_basis, sizeof(place->operator_basis),
		    database_basis(geo->asn));
		return;
	}
	if (geo->operators == NULL)
		return;
	row = operators_find(geo->operators, answer.asn);
	if (row == NULL) {
		text_copy(place->operator_basis, sizeof(place->operator_basis),
		    geo->operators_name);
		return;
	}
	if (place->org[0] == '\0')
		text_copy(place->org, sizeof(place->org), row->organisation);
	if (row->control[0] != '\0')
		countries_add(&place->operator, row->control);
	name_line(place->operator_basis, geo->operators_name, row->line);
}

void
geo_locate(const struct geo *geo, const struct addr *addr, struct place *place)
{
	struct addr inner = *addr;

	memset(place, 0, sizeof(*place));
	/* What is sent to an IPv4 address in another form ends at that address. */
	if (!range_unwrap(addr, &inner))
		inner = *addr;
	locate_countries(geo, &inner, place);
	locate_operator(geo, &inner, place);
}

const struct geo_operator *
geo_operator(const struct geo *geo, uint32_t asn)
{
	return geo->operators == NULL ? NULL : operators_find(geo->operators, asn);
}

void
geo_vendor(const struct geo *geo, const char *name, struct place *place)
{
	const struct vendor *vendor =
	    geo->vendors == NULL ? NULL : vendors_find(geo->vendors, name);

	place->vendor[0] = '\0';
	place->vendor_basis[0] = '\0';
	if (vendor == NULL)
		return;
	text_copy(place->vendor, sizeof(place->vendor), vendor->name);
	name_line(place->vendor_basis, geo->vendors_name, vendor->line);
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
		all[count++] = (struct geo_status){.name = geo->operators_name,
		    .role = "operators",
		    .type = "table",
		    .attribution = "",
		    .entries = operators_count(geo->operators)};
	if (geo->vendors != NULL)
		all[count++] = (struct geo_status){.name = geo->vendors_name,
		    .role = "vendors",
		    .type = "table",
		    .attribution = "",
		    .entries = vendors_count(geo->vendors)};
	if (count > room)
		count = room;
	memcpy(out, all, count * sizeof(*out));
	return count;
}
