/* SPDX-License-Identifier: MIT */
#include "proxy/geo_lookup.h"

#include "base/jsonw.h"
#include "base/overrides.h"
#include "base/text.h"
#include "geo/geo.h"
#include "geo/ranges.h"

#include <stdio.h>
#include <string.h>

enum {
	IPV4_OFFSET_BITS = 96,
	BLOCK_TEXT_MAX = ADDR_TEXT_MAX + 8,
	FACTS_ALL = OVERRIDE_WHERE | OVERRIDE_REGISTERED | OVERRIDE_OPERATOR | OVERRIDE_ORG |
		    OVERRIDE_VENDOR,
	OVERRIDES_SHOWN = 8, /* one a fact, one of the network, one of the name */
	TELLS_TEXT_MAX = 256,
};

/* All that is told of the address. */
struct told {
	enum range range;
	struct addr inner; /* what addr carries; the same where it carries none */
	struct place place;
	const struct geo_operator *operator; /* NULL: no row, as are the others */
	const struct geo_kind *kind;
	const struct geo_vendor_row *vendor;
	struct geo_answer answers[GEO_ANSWERS_MAX];
	size_t answer_count;
	const char *asn_basis; /* "" none */
	const struct override *overrides[OVERRIDES_SHOWN];
	size_t override_count;
};

/* ---- finding out ---- */

static void
add_override(struct told *told, const struct override *override)
{
	if (override == NULL || told->override_count == OVERRIDES_SHOWN)
		return;
	for (size_t i = 0; i < told->override_count; i++) {
		if (told->overrides[i] == override)
			return;
	}
	told->overrides[told->override_count++] = override;
}

static void
find_overrides(const struct geo_lookup *lookup, struct told *told)
{
	const struct override *override;
	unsigned open = FACTS_ALL;

	while ((override = overrides_of_address(lookup->overrides, told->inner.ip, open)) != NULL) {
		add_override(told, override);
		open &= ~override->tells;
		if ((override->tells & OVERRIDE_WHERE) != 0)
			open &= ~(unsigned)OVERRIDE_WHERE;
	}
	add_override(told, overrides_of_asn(lookup->overrides, told->place.asn, open));
	if (lookup->sni != NULL && !told->place.vendor_by_address)
		add_override(told, overrides_of_name(lookup->overrides, lookup->sni));
}

static void
find_out(const struct geo_lookup *lookup, struct told *told)
{
	const struct geo *geo = lookup->geo;

	*told = (struct told){.range = range_of(&lookup->addr), .asn_basis = ""};
	if (!range_unwrap(&lookup->addr, &told->inner))
		told->inner = lookup->addr;
	geo_locate(geo, &lookup->addr, &told->place);
	if (lookup->sni != NULL) {
		geo_vendor(geo, lookup->sni, &told->place);
		told->vendor = geo_vendor_row(geo, lookup->sni);
	}
	told->operator= geo_operator(geo, told->place.asn);
	told->kind = geo_kind(geo, &lookup->addr, told->place.asn);
	told->answer_count = geo_ask(geo, &lookup->addr, told->answers);
	for (size_t i = 0; i < told->answer_count; i++) {
		if (told->answers[i].is_asn)
			told->asn_basis = told->answers[i].basis;
	}
	find_overrides(lookup, told);
}

/* A block of an address, as people write it. */
static const char *
block_text(const struct addr *addr, unsigned bits, char out[BLOCK_TEXT_MAX])
{
	struct addr block = *addr;
	char ip[ADDR_TEXT_MAX];

	for (unsigned bit = bits; bit < 128; bit++)
		block.ip[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
	if (addr_is_v4(addr) && bits >= IPV4_OFFSET_BITS)
		bits -= IPV4_OFFSET_BITS;
	(void)snprintf(out, BLOCK_TEXT_MAX, "%s/%u", addr_text(&block, ip), bits);
	return out;
}

static void
add_told(struct text *text, const char *name, const char *value)
{
	text_add(text, "%s%s ", text->used > 0 ? ", " : "", name);
	text_add_untrusted(text, value, strlen(value));
}

/* "located DE, operator unknown" */
static const char *
tells_text(const struct override *override, char out[TELLS_TEXT_MAX])
{
	struct text text = text_in(out, TELLS_TEXT_MAX);
	char countries[COUNTRIES_TEXT_MAX];

	if ((override->tells & OVERRIDE_LOCATED) != 0)
		add_told(&text, "located", countries_text(&override->located, countries));
	if ((override->tells & OVERRIDE_KIND) != 0)
		add_told(&text, "kind", place_kind_name(override->kind));
	if ((override->tells & OVERRIDE_REGISTERED) != 0)
		add_told(&text, "registered", countries_text(&override->registered, countries));
	if ((override->tells & OVERRIDE_OPERATOR) != 0)
		add_told(&text, "operator", countries_text(&override->operator, countries));
	if ((override->tells & OVERRIDE_ORG) != 0)
		add_told(&text, "org", override->org);
	if ((override->tells & OVERRIDE_VENDOR) != 0)
		add_told(&text, "vendor", override->vendor);
	return out;
}

/* ---- for people ---- */

static void
print_line(const char *name, const char *value, const char *basis)
{
	char safe[512];
	struct text text = text_in(safe, sizeof(safe));

	text_add_untrusted(&text, value, strlen(value));
	(void)printf("%-14s %s", name, safe);
	if (basis[0] != '\0')
		(void)printf("  (%s)", basis);
	(void)putchar('\n');
}

static void
print_detail(const char *name, const char *value)
{
	if (value[0] != '\0')
		print_line(name, value, "");
}

static void
print_rests_on(const char *confidence, const char *as_of, const char *source)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "%s%sas of %s", confidence,
	    confidence[0] != '\0' ? ", " : "", as_of);
	print_line(confidence[0] != '\0' ? "  confidence" : "  date", text, "");
	print_line("  source", source, "");
}

static void
print_network(const struct told *told)
{
	char text[96];

	if (told->place.asn == 0) {
		print_line("network", "unknown", told->asn_basis);
		return;
	}
	(void)snprintf(text, sizeof(text), "AS%u %s", told->place.asn, told->place.org);
	print_line("network", text, told->asn_basis);
}

static void
print_rows(const struct told *told)
{
	const struct geo_vendor_row *vendor = told->vendor;
	const struct place *place = &told->place;

	if (place->vendor[0] != '\0' || vendor != NULL)
		print_line("vendor", place->vendor, place->vendor_basis);
	if (vendor != NULL) {
		print_detail("  suffix", vendor->suffix);
		print_detail("  purpose", vendor->purpose);
		print_detail("  port", vendor->port);
		print_rests_on("", vendor->as_of, vendor->source);
	}
	if (told->kind != NULL) {
		char text[160];

		(void)snprintf(text, sizeof(text), "%s is %s: %s", told->kind->network,
		    place_kind_name(told->kind->kind), told->kind->organisation);
		print_line("table of kinds", text, "");
		print_rests_on(told->kind->confidence, told->kind->as_of, told->kind->source);
	}
}

static void
print_overrides(const struct geo_lookup *lookup, const struct told *told)
{
	for (size_t i = 0; i < told->override_count; i++) {
		const struct override *override = told->overrides[i];
		char basis[FACTS_BASIS_MAX], tells[TELLS_TEXT_MAX];

		print_line("override", tells_text(override, tells),
		    override_basis(lookup->overrides, override, basis));
		print_line("  why", override->why, "");
	}
}

static void
print_answers(const struct told *told)
{
	for (size_t i = 0; i < told->answer_count; i++) {
		const struct geo_answer *answer = &told->answers[i];
		char says[160], block[BLOCK_TEXT_MAX];
		struct text text = text_in(says, sizeof(says));

		if (answer->kind != PLACE_ORDINARY)
			text_add(&text, "%s ", place_kind_name(answer->kind));
		if (answer->located[0] != '\0')
			text_add(&text, "located %s ", answer->located);
		if (answer->registered[0] != '\0')
			text_add(&text, "registered %s ", answer->registered);
		if (answer->asn != 0)
			text_add(&text, "AS%u %s ", answer->asn, answer->org);
		if (text.used == 0)
			text_add(&text, "nothing ");
		text_add(&text, "for %s", block_text(&told->inner, answer->bits, block));
		print_line(i == 0 ? "databases" : "", says, answer->basis);
	}
}

void
geo_lookup_print(const struct geo_lookup *lookup)
{
	char ip[ADDR_TEXT_MAX], text[COUNTRIES_TEXT_MAX];
	const struct place *place;
	struct told told;

	find_out(lookup, &told);
	place = &told.place;
	print_line("address", addr_text(&lookup->addr, ip), "");
	if (!addr_same_host(&lookup->addr, &told.inner))
		print_line("carries", addr_text(&told.inner, ip), "");
	print_line("range", range_name(told.range), "");
	print_line("kind", place_kind_name(place->kind), "");
	print_line("located", located_text(place, text), place->located_basis);
	if (place->prefix_bits != 0) {
		char block[BLOCK_TEXT_MAX];

		print_line("  block", block_text(&told.inner, place->prefix_bits, block), "");
	}
	print_line("registered", countries_text(&place->registered, text), place->registered_basis);
	print_network(&told);
	print_line("operator", countries_text(&place->operator, text), place->operator_basis);
	if (told.operator!= NULL) {
		print_detail("  organisation", told.operator->organisation);
		print_detail("  parent", told.operator->parent);
		print_detail("  control", told.operator->control);
		print_rests_on(told.operator->confidence, told.operator->as_of,
		    told.operator->source);
	}
	print_rows(&told);
	print_overrides(lookup, &told);
	print_answers(&told);
}

/* ---- for programs ---- */

static void
json_operator(struct jsonw *json, const struct geo_operator *row)
{
	if (row == NULL) {
		jsonw_null(json, "operator_row");
		return;
	}
	jsonw_open(json, "operator_row");
	jsonw_number(json, "line", row->line);
	jsonw_string(json, "organisation", row->organisation);
	jsonw_string(json, "parent", row->parent);
	jsonw_string(json, "control", row->control);
	jsonw_string(json, "confidence", row->confidence);
	jsonw_string(json, "source", row->source);
	jsonw_string(json, "as_of", row->as_of);
	jsonw_close(json);
}

static void
json_kind(struct jsonw *json, const struct geo_kind *row)
{
	if (row == NULL) {
		jsonw_null(json, "kind_row");
		return;
	}
	jsonw_open(json, "kind_row");
	jsonw_number(json, "line", row->line);
	jsonw_string(json, "network", row->network);
	jsonw_string(json, "kind", place_kind_name(row->kind));
	jsonw_string(json, "organisation", row->organisation);
	jsonw_string(json, "confidence", row->confidence);
	jsonw_string(json, "source", row->source);
	jsonw_string(json, "as_of", row->as_of);
	jsonw_close(json);
}

static void
json_vendor(struct jsonw *json, const struct geo_vendor_row *row)
{
	if (row == NULL) {
		jsonw_null(json, "vendor_row");
		return;
	}
	jsonw_open(json, "vendor_row");
	jsonw_number(json, "line", row->line);
	jsonw_string(json, "suffix", row->suffix);
	jsonw_string(json, "vendor", row->name);
	jsonw_string(json, "purpose", row->purpose);
	jsonw_string(json, "port", row->port);
	jsonw_string(json, "source", row->source);
	jsonw_string(json, "as_of", row->as_of);
	jsonw_close(json);
}

static void
json_overrides(const struct geo_lookup *lookup, const struct told *told, struct jsonw *json)
{
	jsonw_open_array(json, "overrides");
	for (size_t i = 0; i < told->override_count; i++) {
		const struct override *override = told->overrides[i];
		char tells[TELLS_TEXT_MAX];

		jsonw_open(json, NULL);
		jsonw_string(json, "file", lookup->overrides->file);
		jsonw_number(json, "line", override->line);
		jsonw_string(json, "tells", tells_text(override, tells));
		jsonw_string(json, "who", override->who);
		jsonw_string(json, "when", override->when);
		jsonw_string(json, "why", override->why);
		jsonw_close(json);
	}
	jsonw_close_array(json);
}

static void
json_answers(struct jsonw *json, const struct told *told)
{
	char block[BLOCK_TEXT_MAX];

	jsonw_open_array(json, "databases");
	for (size_t i = 0; i < told->answer_count; i++) {
		const struct geo_answer *answer = &told->answers[i];

		jsonw_open(json, NULL);
		jsonw_string(json, "database", answer->basis);
		jsonw_bool(json, "found", answer->found);
		jsonw_string(json, "block", block_text(&told->inner, answer->bits, block));
		jsonw_string(json, "kind", place_kind_name(answer->kind));
		if (answer->located[0] != '\0')
			jsonw_string(json, "located", answer->located);
		if (answer->registered[0] != '\0')
			jsonw_string(json, "registered", answer->registered);
		if (answer->asn != 0) {
			jsonw_number(json, "asn", answer->asn);
			jsonw_string(json, "org", answer->org);
		}
		jsonw_close(json);
	}
	jsonw_close_array(json);
}

static void
json_basis(struct jsonw *json, const struct told *told)
{
	jsonw_open(json, "basis");
	jsonw_string(json, "country", told->place.located_basis);
	jsonw_string(json, "registered", told->place.registered_basis);
	jsonw_string(json, "asn", told->asn_basis);
	jsonw_string(json, "operator", told->place.operator_basis);
	jsonw_string(json, "vendor", told->place.vendor_basis);
	jsonw_close(json);
}

void
geo_lookup_json(const struct geo_lookup *lookup, struct jsonw *json)
{
	char ip[ADDR_TEXT_MAX];
	const struct place *place;
	struct told told;

	find_out(lookup, &told);
	place = &told.place;
	jsonw_open(json, NULL);
	jsonw_string(json, "address", addr_text(&lookup->addr, ip));
	if (!addr_same_host(&lookup->addr, &told.inner))
		jsonw_string(json, "carries", addr_text(&told.inner, ip));
	jsonw_string(json, "range", range_name(told.range));
	jsonw_string(json, "kind", place_kind_name(place->kind));
	located_json(place, json, "located");
	countries_json(&place->registered, json, "registered");
	countries_json(&place->operator, json, "operator");
	jsonw_number(json, "asn", place->asn);
	jsonw_string(json, "org", place->org);
	jsonw_string(json, "vendor", place->vendor[0] != '\0' ? place->vendor : "unknown");
	if (place->prefix_bits != 0) {
		char block[BLOCK_TEXT_MAX];

		jsonw_string(json, "block", block_text(&told.inner, place->prefix_bits, block));
	}
	json_basis(json, &told);
	json_operator(json, told.operator);
	json_kind(json, told.kind);
	json_vendor(json, told.vendor);
	json_overrides(lookup, &told, json);
	json_answers(json, &told);
	jsonw_close(json);
}
