/* SPDX-License-Identifier: MIT */
#include "config/overrides.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "config/countries.h"
#include "config/problems.h"
#include "config/reader.h"

#include <string.h>

enum { ORG_MAX = sizeof(((struct place *)NULL)->org), DATE_MAX = 12 };

/* One override while it is read. */
struct draft {
	struct override override;
	/* What it is about: the nodes, which are read when all else is known. */
	const struct yaml_node *prefix, *asn, *name;
	char org[ORG_MAX], vendor[FACTS_LABEL_MAX];
	char who[OVERRIDE_WHO_MAX], when[DATE_MAX], why[OVERRIDE_WHY_MAX];
};

struct overrides_reader {
	const struct reader *reader;
	struct overrides *overrides;
};

/* ---- the facts ---- */

static bool
read_country(const struct reader *reader, const struct yaml_node *node, struct countries *out)
{
	const char *text = reader_text(reader, node);

	if (text == NULL)
		return false;
	if (!country_known(text)) {
		const char *hint = country_hint(text);

		reader_error(reader, node, "'%.40s' is no country: %s", text,
		    hint != NULL ? hint : "write two capitals of ISO 3166-1, or unknown");
		return false;
	}
	if (out->count == FACTS_COUNTRIES_MAX) {
		reader_error(reader, node, "more than %d countries", FACTS_COUNTRIES_MAX);
		return false;
	}
	countries_add(out, text);
	return true;
}

static void
read_countries(const struct reader *reader, const struct yaml_node *node, struct draft *draft,
    struct countries *out, enum override_fact fact)
{
	const struct yaml_node *element = NULL;

	draft->override.tells |= (unsigned)fact;
	if (node->kind == YAML_TEXT && strcmp(node->text, "unknown") == 0)
		return;
	if (node->kind == YAML_LIST && node->count == 0) {
		reader_error(reader, node,
		    "the list is empty: write unknown where it is not known");
		return;
	}
	while ((element = reader_next(reader, node, element)) != NULL)
		(void)read_country(reader, element, out);
}

static void
read_located(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	read_countries(reader, node, draft, &draft->override.located, OVERRIDE_LOCATED);
}

static void
read_registered(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	read_countries(reader, node, draft, &draft->override.registered, OVERRIDE_REGISTERED);
}

static void
read_operator(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	read_countries(reader, node, draft, &draft->override.operator, OVERRIDE_OPERATOR);
}

static void
read_kind(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;
	const char *names[PLACE_KIND_COUNT];
	int kind;

	for (int i = 0; i < PLACE_KIND_COUNT; i++)
		names[i] = place_kind_name((enum place_kind)i);
	kind = reader_word(reader, node, names, PLACE_KIND_COUNT);
	draft->override.tells |= OVERRIDE_KIND;
	if (kind >= 0)
		draft->override.kind = (enum place_kind)kind;
}

static void
read_org(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	draft->override.tells |= OVERRIDE_ORG;
	(void)reader_line(reader, node, draft->org, sizeof(draft->org));
}

static void
read_vendor(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	draft->override.tells |= OVERRIDE_VENDOR;
	(void)reader_line(reader, node, draft->vendor, sizeof(draft->vendor));
}

/* ---- who, when, why ---- */

static void
read_who(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	(void)reader_line(reader, node, draft->who, sizeof(draft->who));
}

static void
read_when(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;
	const char *text = reader_text(reader, node);
	uint64_t wall_us;

	if (text == NULL)
		return;
	if (!clock_date_parse(text, &wall_us))
		reader_error(reader, node, "when: '%.40s' is no date: write 2026-11-22", text);
	else
		text_copy(draft->when, sizeof(draft->when), text);
}

static void
read_why(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct draft *draft = into;

	(void)reader_line(reader, node, draft->why, sizeof(draft->why));
}

/* ---- what it is about ---- */

static void
note_prefix(const struct reader *reader, const struct yaml_node *node, void *into)
{
	(void)reader;
	((struct draft *)into)->prefix = node;
}

static void
note_asn(const struct reader *reader, const struct yaml_node *node, void *into)
{
	(void)reader;
	((struct draft *)into)->asn = node;
}

static void
note_name(const struct reader *reader, const struct yaml_node *node, void *into)
{
	(void)reader;
	((struct draft *)into)->name = node;
}

/* Add one key of the override at index; -1: no memory. */
static int
add_prefix(const struct overrides_reader *reading, const struct yaml_node *node, const char *text,
    uint32_t index)
{
	struct prefix prefix;
	struct err err;

	if (prefix_parse(&prefix, text, &err) != 0) {
		reader_error(reading->reader, node, "%s", err.text);
		return 0;
	}
	return blocks_add(&reading->overrides->blocks, &prefix, index);
}

static int
add_asn(const struct overrides_reader *reading, const struct yaml_node *node, const char *text,
    uint32_t index)
{
	const char *digits = strncmp(text, "AS", 2) == 0 ? text + 2 : text;
	uint32_t asn;

	if (!asn_parse(digits, &asn)) {
		reader_error(reading->reader, node, "'%.40s' is no AS number: write AS64496", text);
		return 0;
	}
	return numbers_add(&reading->overrides->asns, asn, index);
}

static int
add_name(const struct overrides_reader *reading, const struct yaml_node *node, const char *text,
    uint32_t index)
{
	int64_t first;

	if (!suffix_valid(text)) {
		reader_error(reading->reader, node,
		    "'%.60s' is no server name: write example.com, which covers the names in it",
		    text);
		return 0;
	}
	first = suffixes_add(&reading->overrides->names, text, index);
	if (first >= 0)
		reader_error(reading->reader, node, "'%.60s' is here twice (first on line %u)",
		    text, reading->overrides->list[first]->line);
	return first == SUFFIX_NOMEM ? -1 : 0;
}

typedef int adder(const struct overrides_reader *reading, const struct yaml_node *node,
    const char *text, uint32_t index);

static void
add_keys(const struct overrides_reader *reading, const struct yaml_node *list, adder *add,
    uint32_t index)
{
	const struct yaml_node *element = NULL;

	if (list == NULL)
		return;
	if (list->kind == YAML_LIST && list->count == 0)
		reader_error(reading->reader, list, "the list is empty");
	while ((element = reader_next(reading->reader, list, element)) != NULL) {
		const char *text = reader_text(reading->reader, element);

		if (text != NULL && add(reading, element, text, index) != 0) {
			reader_error(reading->reader, element, "no memory for the overrides");
			return;
		}
	}
}

/* ---- one of them ---- */

static const struct field fields[] = {
    {"prefix", false, note_prefix},
    {"asn", false, note_asn},
    {"name", false, note_name},
    {"located", false, read_located},
    {"registered", false, read_registered},
    {"operator", false, read_operator},
    {"kind", false, read_kind},
    {"org", false, read_org},
    {"vendor", false, read_vendor},
    {"who", true, read_who},
    {"when", true, read_when},
    {"why", true, read_why},
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };

/* What one key alone cannot tell. */
static void
check_draft(const struct reader *reader, const struct yaml_node *node, const struct draft *draft)
{
	int keys = (draft->prefix != NULL) + (draft->asn != NULL) + (draft->name != NULL);

	if (keys != 1)
		reader_error(reader, node, "an override is of one: prefix, asn or name");
	if (draft->override.tells == 0)
		reader_error(reader, node,
		    "an override must tell something: located, registered, operator, kind, org or vendor");
	if ((draft->override.tells & OVERRIDE_LOCATED) != 0 &&
	    draft->override.kind != PLACE_ORDINARY)
		reader_error(reader, node,
		    "what is %s is in no country: 'located' and 'kind' cannot both be told",
		    place_kind_name(draft->override.kind));
	if (draft->name != NULL && draft->prefix == NULL && draft->asn == NULL &&
	    (draft->override.tells & ~(unsigned)OVERRIDE_VENDOR) != 0)
		reader_error(reader, node,
		    "a camera may send any name to any address: of a name only 'vendor' can be told");
}

static void
read_override(const struct overrides_reader *reading, const struct yaml_node *node)
{
	const struct reader *reader = reading->reader;
	size_t errors = reader->problems->errors;
	struct draft draft = {.override.line = node->line};
	int64_t index;

	reader_fields(reader, node, "an override", fields, FIELDS, &draft);
	if (node->kind != YAML_MAP)
		return;
	check_draft(reader, node, &draft);
	draft.override.org = draft.org;
	draft.override.vendor = draft.vendor;
	draft.override.who = draft.who;
	draft.override.when = draft.when;
	draft.override.why = draft.why;
	index = overrides_add(reading->overrides, &draft.override);
	if (index < 0) {
		reader_error(reader, node, "no memory for the overrides");
		return;
	}
	if (reader->problems->errors != errors &&
	    (draft.prefix != NULL) + (draft.asn != NULL) + (draft.name != NULL) != 1)
		return;
	add_keys(reading, draft.prefix, add_prefix, (uint32_t)index);
	add_keys(reading, draft.asn, add_asn, (uint32_t)index);
	add_keys(reading, draft.name, add_name, (uint32_t)index);
}

/* ---- the file ---- */

static void
read_list(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct overrides_reader reading = {.reader = reader, .overrides = into};

	if (node->kind != YAML_LIST || node->count > OVERRIDES_MAX) {
		reader_error(reader, node, "overrides must be a list of at most %d", OVERRIDES_MAX);
		return;
	}
	for (const struct yaml_node *child = node->first; child != NULL; child = child->next)
		read_override(&reading, child);
}

static void
refuse_twins(const struct reader *reader, const struct overrides *overrides)
{
	for (size_t i = 1; i < overrides->blocks.count; i++) {
		const struct block *block = &overrides->blocks.list[i];
		struct addr addr = {0};
		char text[ADDR_TEXT_MAX];

		if (!blocks_twin(&overrides->blocks, i))
			continue;
		memcpy(addr.ip, block->prefix.ip, sizeof(addr.ip));
		problems_error(reader->problems, reader->file, overrides->list[block->value]->line,
		    1, "the block at %s is here twice (first on line %u)", addr_text(&addr, text),
		    overrides->list[block[-1].value]->line);
	}
	for (size_t i = 1; i < overrides->asns.count; i++) {
		const struct number *asn = &overrides->asns.list[i];

		if (numbers_twin(&overrides->asns, i))
			problems_error(reader->problems, reader->file,
			    overrides->list[asn->value]->line, 1,
			    "AS%u is here twice (first on line %u)", asn->number,
			    overrides->list[asn[-1].value]->line);
	}
}

struct overrides *
overrides_read(const char *file, struct bytes text, struct problems *problems)
{
	static const struct field file_fields[] = {{"overrides", true, read_list}};
	struct reader reader = {.file = file, .problems = problems};
	struct overrides *overrides = overrides_new(file);
	size_t errors = problems->errors;
	struct yaml_tree tree;

	if (overrides == NULL) {
		problems_error(problems, file, 0, 0, "no memory for the overrides");
		return NULL;
	}
	if (yaml_tree_read(&tree, file, text, problems) == 0) {
		reader_fields(&reader, tree.root, "the file", file_fields, 1, overrides);
		overrides_prepare(overrides);
		refuse_twins(&reader, overrides);
	}
	yaml_tree_free(&tree);
	if (problems->errors == errors)
		return overrides;
	overrides_free(overrides);
	return NULL;
}
