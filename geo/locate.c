/* SPDX-License-Identifier: MIT */
#include "base/overrides.h"
#include "base/text.h"
#include "geo/geo_private.h"
#include "geo/kinds.h"
#include "geo/operators.h"
#include "geo/ranges.h"
#include "geo/vendors.h"

#include <string.h>

/*
 * A place while it is filled.  What tells a fact first counts, so each step
 * fills what is still open and closes it.
 */
struct locating {
	const struct geo *geo;
	const struct addr *addr; /* unwrapped */
	struct place *place;
	unsigned open; /* of enum override_fact */
	bool public;   /* it is in the range of public addresses */
};

enum {
	ALL_FACTS = OVERRIDE_WHERE | OVERRIDE_REGISTERED | OVERRIDE_OPERATOR | OVERRIDE_ORG |
		    OVERRIDE_VENDOR,
};

static void
name_line(char *basis, size_t size, const char *file, unsigned line)
{
	struct text text = text_in(basis, size);

	text_add(&text, "%s:%u", file, line);
}

/* The kind is known.  One that is not ordinary is in no country. */
static void
close_kind(struct locating *locating, enum place_kind kind)
{
	locating->place->kind = kind;
	locating->open &= ~(unsigned)OVERRIDE_KIND;
	if (kind != PLACE_ORDINARY)
		locating->open &= ~(unsigned)OVERRIDE_LOCATED;
}

/* ---- overrides ---- */

static void
apply_where(struct locating *locating, const struct override *override, const char *basis)
{
	struct place *place = locating->place;

	close_kind(locating, override->kind);
	if ((override->tells & OVERRIDE_LOCATED) != 0) {
		place->located = override->located;
		locating->open &= ~(unsigned)OVERRIDE_LOCATED;
	}
	if ((locating->open & OVERRIDE_LOCATED) == 0)
		text_copy(place->located_basis, sizeof(place->located_basis), basis);
}

static void
apply_override(struct locating *locating, const struct override *override)
{
	unsigned tells = override->tells & locating->open;
	struct place *place = locating->place;
	char basis[FACTS_BASIS_MAX];

	(void)override_basis(locating->geo->overrides, override, basis);
	/* Where it is, is one answer: it is open as long as the kind is. */
	if ((locating->open & OVERRIDE_KIND) != 0 && (tells & OVERRIDE_WHERE) != 0)
		apply_where(locating, override, basis);
	if ((tells & OVERRIDE_REGISTERED) != 0) {
		place->registered = override->registered;
		text_copy(place->registered_basis, sizeof(place->registered_basis), basis);
	}
	if ((tells & OVERRIDE_OPERATOR) != 0) {
		place->operator= override->operator;
		text_copy(place->operator_basis, sizeof(place->operator_basis), basis);
	}
	if ((tells & OVERRIDE_ORG) != 0)
		text_copy(place->org, sizeof(place->org), override->org);
	if ((tells & OVERRIDE_VENDOR) != 0) {
		text_copy(place->vendor, sizeof(place->vendor), override->vendor);
		text_copy(place->vendor_basis, sizeof(place->vendor_basis), basis);
		place->vendor_by_address = true;
	}
	locating->open &= ~(tells & ~(unsigned)OVERRIDE_WHERE);
}

/* The facts that an override may still tell: of where it is only both. */
static unsigned
askable(const struct locating *locating)
{
	if ((locating->open & OVERRIDE_KIND) != 0)
		return locating->open;
	return locating->open & ~(unsigned)OVERRIDE_LOCATED;
}

static void
apply_block_overrides(struct locating *locating)
{
	const struct override *override;

	while ((override = overrides_of_address(locating->geo->overrides, locating->addr->ip,
		    askable(locating))) != NULL)
		apply_override(locating, override);
}

static void
apply_network_override(struct locating *locating)
{
	const struct override *override =
	    overrides_of_asn(locating->geo->overrides, locating->place->asn, askable(locating));

	if (override != NULL)
		apply_override(locating, override);
}

/* ---- what is of no public network ---- */

static void
apply_range(struct locating *locating)
{
	enum range range = range_of(locating->addr);
	struct place *place = locating->place;
	char basis[FACTS_BASIS_MAX];
	struct text text = text_in(basis, sizeof(basis));

	locating->public = range == RANGE_PUBLIC;
	if (locating->public)
		return;
	text_add(&text, "range:%s", range_name(range));
	if ((locating->open & OVERRIDE_KIND) != 0) {
		close_kind(locating, PLACE_PRIVATE);
		text_copy(place->located_basis, sizeof(place->located_basis), basis);
	}
	if ((locating->open & OVERRIDE_REGISTERED) != 0)
		text_copy(place->registered_basis, sizeof(place->registered_basis), basis);
	if ((locating->open & OVERRIDE_OPERATOR) != 0)
		text_copy(place->operator_basis, sizeof(place->operator_basis), basis);
	/* What databases hold of it is of somebody else's network. */
	locating->open &= OVERRIDE_LOCATED;
}

/* ---- the network ---- */

static void
apply_network(struct locating *locating)
{
	const struct geo *geo = locating->geo;
	struct place *place = locating->place;
	struct database_answer answer;

	if (geo->asn == NULL || !locating->public)
		return;
	database_ask(geo->asn, locating->addr, &answer);
	place->asn = answer.asn;
	if ((locating->open & OVERRIDE_ORG) != 0)
		text_copy(place->org, sizeof(place->org), answer.org);
	apply_network_override(locating);
}

static void
apply_operator(struct locating *locating)
{
	const struct geo *geo = locating->geo;
	struct place *place = locating->place;
	const struct geo_operator *row;

	if (geo->asn == NULL || (locating->open & OVERRIDE_OPERATOR) == 0)
		return;
	if (place->asn == 0) {
		/* Without a network the operators' table was not asked. */
		text_copy(place->operator_basis, sizeof(place->operator_basis),
		    database_basis(geo->asn));
		return;
	}
	if (geo->operators == NULL)
		return;
	row = operators_find(geo->operators, place->asn);
	if (row == NULL) {
		text_copy(place->operator_basis, sizeof(place->operator_basis),
		    geo->operators_name);
		return;
	}
	if (place->org[0] == '\0')
		text_copy(place->org, sizeof(place->org), row->organisation);
	if (row->control[0] != '\0')
		countries_add(&place->operator, row->control);
	name_line(place->operator_basis, sizeof(place->operator_basis), geo->operators_name,
	    row->line);
}

/* ---- the countries ---- */

static void
apply_kind_row(struct locating *locating, const struct geo_kind *row)
{
	struct place *place = locating->place;

	if (row == NULL || (locating->open & OVERRIDE_KIND) == 0)
		return;
	close_kind(locating, row->kind);
	if (row->kind != PLACE_ORDINARY)
		name_line(place->located_basis, sizeof(place->located_basis),
		    locating->geo->kinds_name, row->line);
}

static void
apply_traits(struct locating *locating, const struct database *database,
    const struct database_answer *answer)
{
	struct place *place = locating->place;

	if (answer->kind == PLACE_ORDINARY || (locating->open & OVERRIDE_KIND) == 0)
		return;
	close_kind(locating, answer->kind);
	text_copy(place->located_basis, sizeof(place->located_basis), database_basis(database));
}

static void
add_country(struct countries *countries, char *basis, const char iso[3],
    const struct database *database)
{
	if (iso[0] == '\0')
		return;
	countries_add(countries, iso);
	basis_add(basis, database_basis(database));
}

static void
apply_countries(struct locating *locating,
    const struct database_answer answers[GEO_COUNTRY_FILES_MAX])
{
	const struct geo *geo = locating->geo;
	struct place *place = locating->place;
	bool located = (locating->open & OVERRIDE_LOCATED) != 0;
	bool registered = (locating->open & OVERRIDE_REGISTERED) != 0;

	for (size_t i = 0; i < geo->country_count; i++) {
		const char *iso = answers[i].country[DATABASE_LOCATED];

		if (located)
			add_country(&place->located, place->located_basis, iso, geo->country[i]);
		if (registered)
			add_country(&place->registered, place->registered_basis,
			    answers[i].country[DATABASE_REGISTERED], geo->country[i]);
		if (place->prefix_bits == 0 && iso[0] != '\0')
			place->prefix_bits = answers[i].bits;
	}
	if (located && place->located.count == 0)
		text_copy(place->located_basis, sizeof(place->located_basis),
		    geo->asked[DATABASE_LOCATED]);
	if (registered && place->registered.count == 0)
		text_copy(place->registered_basis, sizeof(place->registered_basis),
		    geo->asked[DATABASE_REGISTERED]);
}

static void
apply_databases(struct locating *locating)
{
	const struct geo *geo = locating->geo;
	struct database_answer answers[GEO_COUNTRY_FILES_MAX] = {0};

	if ((locating->open & (OVERRIDE_LOCATED | OVERRIDE_REGISTERED | OVERRIDE_KIND)) == 0)
		return;
	if (geo->kinds != NULL)
		apply_kind_row(locating, kinds_of_address(geo->kinds, locating->addr->ip));
	for (size_t i = 0; i < geo->country_count; i++) {
		database_ask(geo->country[i], locating->addr, &answers[i]);
		apply_traits(locating, geo->country[i], &answers[i]);
	}
	if (geo->kinds != NULL)
		apply_kind_row(locating, kinds_of_asn(geo->kinds, locating->place->asn));
	apply_countries(locating, answers);
}

/* ---- the whole ---- */

/* What is sent to an IPv4 address in another form ends at that address. */
static struct addr
unwrapped(const struct addr *addr)
{
	struct addr inner = *addr;

	return range_unwrap(addr, &inner) ? inner : *addr;
}

void
geo_locate(const struct geo *geo, const struct addr *addr, struct place *place)
{
	struct addr inner = unwrapped(addr);
	struct locating locating = {.geo = geo, .addr = &inner, .place = place, .open = ALL_FACTS};

	memset(place, 0, sizeof(*place));
	apply_block_overrides(&locating);
	apply_range(&locating);
	apply_network(&locating);
	apply_databases(&locating);
	apply_operator(&locating);
}

void
geo_vendor(const struct geo *geo, const char *name, struct place *place)
{
	const struct override *override = overrides_of_name(geo->overrides, name);
	const struct geo_vendor_row *row = geo_vendor_row(geo, name);

	if (place->vendor_by_address)
		return;
	place->vendor[0] = '\0';
	place->vendor_basis[0] = '\0';
	if (override != NULL) {
		text_copy(place->vendor, sizeof(place->vendor), override->vendor);
		(void)override_basis(geo->overrides, override, place->vendor_basis);
	} else if (row != NULL) {
		text_copy(place->vendor, sizeof(place->vendor), row->name);
		name_line(place->vendor_basis, sizeof(place->vendor_basis), geo->vendors_name,
		    row->line);
	}
}

/* ---- what it rests on ---- */

const struct geo_operator *
geo_operator(const struct geo *geo, uint32_t asn)
{
	return geo->operators == NULL ? NULL : operators_find(geo->operators, asn);
}

const struct geo_vendor_row *
geo_vendor_row(const struct geo *geo, const char *name)
{
	return geo->vendors == NULL ? NULL : vendors_find(geo->vendors, name);
}

const struct geo_kind *
geo_kind(const struct geo *geo, const struct addr *addr, uint32_t asn)
{
	struct addr inner = unwrapped(addr);
	const struct geo_kind *row;

	if (geo->kinds == NULL)
		return NULL;
	row = kinds_of_address(geo->kinds, inner.ip);
	return row != NULL ? row : kinds_of_asn(geo->kinds, asn);
}

static struct geo_answer
answer_of(const struct database *database, bool is_asn, const struct addr *addr)
{
	struct geo_answer out = {.basis = database_basis(database), .is_asn = is_asn};
	struct database_answer answer;

	database_ask(database, addr, &answer);
	out.found = answer.found;
	out.bits = answer.bits;
	out.kind = answer.kind;
	out.asn = answer.asn;
	text_copy(out.located, sizeof(out.located), answer.country[DATABASE_LOCATED]);
	text_copy(out.registered, sizeof(out.registered), answer.country[DATABASE_REGISTERED]);
	text_copy(out.org, sizeof(out.org), answer.org);
	return out;
}

size_t
geo_ask(const struct geo *geo, const struct addr *addr, struct geo_answer out[GEO_ANSWERS_MAX])
{
	struct addr inner = unwrapped(addr);
	size_t count = 0;

	for (size_t i = 0; i < geo->country_count; i++)
		out[count++] = answer_of(geo->country[i], false, &inner);
	if (geo->asn != NULL)
		out[count++] = answer_of(geo->asn, true, &inner);
	return count;
}
