/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "config/problems.h"
#include "geo/geo.h"
#include "geo/ranges.h"
#include "proxy/arguments.h"
#include "proxy/load.h"

#include <stdio.h>
#include <string.h>

/* A database older than this is warned of: addresses move between countries
 * every week, and MaxMind and DB-IP publish at least monthly. */
enum { OLD_DAYS = 30, DAY_S = 86400 };

enum { IPV4_OFFSET_BITS = 96 };

struct request {
	const char *config;
	bool json;
};

enum { LOOKUP = 0, STATUS };

static const struct argument option_rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct request, json), "one JSON document", 0},
    ARGUMENT_CONFIG(request, config),
};

static const struct argument_verb verbs[] =
    {[LOOKUP] = {"lookup", 1, 1, "one address"}, [STATUS] = {"status", 0, 0, NULL}};

static const struct arguments arguments = {
    .command = "geo",
    .head = "usage: borderlens geo lookup IP [-c FILE] [--json]\n"
	    "       borderlens geo status [-c FILE] [--json]\n\n"
	    "  lookup  what the databases say of an address, and on what it rests\n"
	    "  status  the databases: what each answers, its build date, its size\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0, 2 wrong usage, 78 configuration error.\n",
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

/* ---- lookup ---- */

struct lookup {
	struct addr addr;
	enum range range;
	struct addr inner; /* what addr carries; the same where it carries none */
	struct place place;
	const struct geo_operator *operator; /* NULL: no row */
	const char *asn_basis_name;          /* "" none */
	char asn_date[CLOCK_TEXT_MAX];
};

static struct lookup
look_up(const struct geo *geo, const struct addr *addr)
{
	struct lookup lookup = {.addr = *addr, .inner = *addr, .asn_basis_name = ""};
	struct geo_status status[GEO_STATUS_MAX];
	size_t count = geo_status(geo, status, GEO_STATUS_MAX);

	lookup.range = range_of(addr);
	if (!range_unwrap(addr, &lookup.inner))
		lookup.inner = *addr;
	geo_locate(geo, addr, &lookup.place);
	if (lookup.place.asn != 0)
		lookup.operator= geo_operator(geo, lookup.place.asn);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(status[i].role, "asn") != 0)
			continue;
		lookup.asn_basis_name = status[i].name;
		(void)clock_date(status[i].build_s * 1000000, lookup.asn_date);
	}
	return lookup;
}

/* The block that the located database matched, as people write it. */
static const char *
block_text(const struct lookup *lookup, char out[ADDR_TEXT_MAX + 8])
{
	unsigned bits = lookup->place.prefix_bits;
	struct addr block = lookup->inner;
	char ip[ADDR_TEXT_MAX];

	for (unsigned bit = bits; bit < 128; bit++)
		block.ip[bit / 8] &= (uint8_t) ~(0x80U >> bit % 8);
	if (addr_is_v4(&lookup->inner) && bits >= IPV4_OFFSET_BITS)
		bits -= IPV4_OFFSET_BITS;
	(void)snprintf(out, ADDR_TEXT_MAX + 8, "%s/%u", addr_text(&block, ip), bits);
	return out;
}

static void
print_fact(const char *name, const char *value, const char *basis)
{
	(void)printf("%-12s %s", name, value);
	if (basis[0] != '\0')
		(void)printf("  (%s)", basis);
	(void)putchar('\n');
}

static void
print_network(const struct lookup *lookup)
{
	char org[4 * sizeof(lookup->place.org)];
	struct text text = text_in(org, sizeof(org));

	if (lookup->place.asn == 0) {
		(void)printf("%-12s unknown", "network");
	} else {
		text_add_untrusted(&text, lookup->place.org, strlen(lookup->place.org));
		(void)printf("%-12s AS%u %s", "network", lookup->place.asn, org);
	}
	if (lookup->asn_basis_name[0] != '\0')
		(void)printf("  (%s@%s)", lookup->asn_basis_name, lookup->asn_date);
	(void)putchar('\n');
}

static void
print_operator(const struct geo_operator *row)
{
	if (row == NULL)
		return;
	(void)printf("%-12s %s\n", "  parent", row->parent);
	(void)printf("%-12s %s, as of %s\n", "  confidence", row->confidence, row->as_of);
	(void)printf("%-12s %s\n", "  source", row->source);
}

static void
print_lookup(const struct lookup *lookup)
{
	char ip[ADDR_TEXT_MAX], countries[COUNTRIES_TEXT_MAX];
	const struct place *place = &lookup->place;

	(void)printf("%-12s %s\n", "address", addr_text(&lookup->addr, ip));
	if (!addr_same_host(&lookup->addr, &lookup->inner))
		(void)printf("%-12s %s\n", "carries", addr_text(&lookup->inner, ip));
	(void)printf("%-12s %s\n", "range", range_name(lookup->range));
	print_fact("located", countries_text(&place->located, countries), place->located_basis);
	if (place->prefix_bits != 0) {
		char block[ADDR_TEXT_MAX + 8];

		(void)printf("%-12s %s\n", "  block", block_text(lookup, block));
	}
	print_fact("registered", countries_text(&place->registered, countries),
	    place->registered_basis);
	print_network(lookup);
	print_fact("operator", countries_text(&place->operator, countries), place->operator_basis);
	print_operator(lookup->operator);
}

static void
json_basis(struct json *json, const struct lookup *lookup)
{
	char asn[FACTS_BASIS_MAX * 2] = "";

	if (lookup->asn_basis_name[0] != '\0')
		(void)snprintf(asn, sizeof(asn), "%s@%s", lookup->asn_basis_name, lookup->asn_date);
	json_open(json, "basis");
	json_string(json, "country", lookup->place.located_basis);
	json_string(json, "registered", lookup->place.registered_basis);
	json_string(json, "asn", asn);
	json_string(json, "operator", lookup->place.operator_basis);
	json_close(json);
}

static void
json_operator(struct json *json, const struct geo_operator *row)
{
	if (row == NULL) {
		json_null(json, "operator_row");
		return;
	}
	json_open(json, "operator_row");
	json_number(json, "line", row->line);
	json_string(json, "organisation", row->organisation);
	json_string(json, "parent", row->parent);
	json_string(json, "control", row->control);
	json_string(json, "confidence", row->confidence);
	json_string(json, "source", row->source);
	json_string(json, "as_of", row->as_of);
	json_close(json);
}

static void
json_lookup(struct json *json, const struct lookup *lookup)
{
	char ip[ADDR_TEXT_MAX];
	const struct place *place = &lookup->place;

	json_open(json, NULL);
	json_string(json, "address", addr_text(&lookup->addr, ip));
	if (!addr_same_host(&lookup->addr, &lookup->inner))
		json_string(json, "carries", addr_text(&lookup->inner, ip));
	json_string(json, "range", range_name(lookup->range));
	countries_json(&place->located, json, "located");
	countries_json(&place->registered, json, "registered");
	countries_json(&place->operator, json, "operator");
	json_number(json, "asn", place->asn);
	json_string(json, "org", place->org);
	if (place->prefix_bits != 0) {
		char block[ADDR_TEXT_MAX + 8];

		json_string(json, "block", block_text(lookup, block));
	}
	json_basis(json, lookup);
	json_operator(json, lookup->operator);
	json_close(json);
}

/* ---- status ---- */

static uint64_t
age_days(const struct geo_status *status)
{
	uint64_t now_s = clock_wall_us() / 1000000;

	return now_s > status->build_s ? (now_s - status->build_s) / DAY_S : 0;
}

static void
print_status(const struct geo_status *status)
{
	(void)printf("%s\n  answers  %s\n", status->name, status->role);
	if (status->build_s != 0) {
		char date[CLOCK_TEXT_MAX];

		(void)printf("  type     %s\n  built    %s, %llu days ago\n", status->type,
		    clock_date(status->build_s * 1000000, date),
		    (unsigned long long)age_days(status));
	}
	(void)printf("  %-8s %llu\n", status->build_s != 0 ? "networks" : "rows",
	    (unsigned long long)status->entries);
	if (status->attribution[0] != '\0')
		(void)printf("  %s\n", status->attribution);
	if (status->build_s != 0 && age_days(status) > OLD_DAYS) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "warning: %s is %llu days old (more than %d)\n", status->name,
		    (unsigned long long)age_days(status), OLD_DAYS);
	}
}

static void
json_status(struct json *json, const struct geo_status *status)
{
	json_open(json, NULL);
	json_string(json, "name", status->name);
	json_string(json, "role", status->role);
	json_string(json, "type", status->type);
	if (status->build_s != 0) {
		char date[CLOCK_TEXT_MAX];

		json_string(json, "built", clock_date(status->build_s * 1000000, date));
		json_number(json, "age_days", age_days(status));
		json_bool(json, "old", age_days(status) > OLD_DAYS);
	}
	json_number(json, "entries", status->entries);
	json_string(json, "attribution", status->attribution);
	json_close(json);
}

/* ---- the commands ---- */

static int
print_json(struct json *json)
{
	int ret = EXIT_DONE;

	if (json->failed) {
		(void)fputs("borderlens: no memory\n", stderr);
		ret = EXIT_FAILED;
	} else {
		(void)puts(json->at);
	}
	json_free(json);
	return ret;
}

static int
run_lookup(const struct request *request, const struct geo *geo, const struct addr *addr)
{
	struct lookup lookup = look_up(geo, addr);
	struct json json = {0};

	if (!request->json) {
		print_lookup(&lookup);
		return EXIT_DONE;
	}
	json_lookup(&json, &lookup);
	return print_json(&json);
}

static int
run_status(const struct request *request, const struct geo *geo)
{
	struct geo_status status[GEO_STATUS_MAX];
	size_t count = geo_status(geo, status, GEO_STATUS_MAX);
	struct json json = {0};

	if (!request->json) {
		for (size_t i = 0; i < count; i++)
			print_status(&status[i]);
		return EXIT_DONE;
	}
	json_open(&json, NULL);
	json_open_array(&json, "databases");
	for (size_t i = 0; i < count; i++)
		json_status(&json, &status[i]);
	json_close_array(&json);
	json_close(&json);
	return print_json(&json);
}

/* addr NULL: status. */
static int
run_with_geo(const struct request *request, const struct addr *addr)
{
	struct problems problems = {0};
	struct loaded loaded;
	struct geo *geo = NULL;
	int ret = EXIT_CONFIG;

	if (loaded_open(request->config, &loaded, &problems) == 0)
		geo = loaded_geo(&loaded, &problems);
	problems_print(&problems);
	if (geo != NULL)
		ret = addr != NULL ? run_lookup(request, geo, addr) : run_status(request, geo);
	geo_close(geo);
	loaded_close(&loaded);
	problems_free(&problems);
	return ret;
}

int
command_geo(int argc, char **argv)
{
	struct request request = {.config = COMMAND_CONFIG_DEFAULT};
	struct argument_words words;
	struct err err = {0};
	struct addr addr;
	int code = arguments_read(&arguments, argc, argv, &request, &words);

	if (code >= 0)
		return code;
	if (words.verb == STATUS)
		return run_with_geo(&request, NULL);
	if (addr_parse(&addr, words.at[0], 0, &err) != 0)
		return arguments_refuse(&arguments, "%s", err.text);
	return run_with_geo(&request, &addr);
}
