/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "config/config.h"
#include "config/judge.h"
#include "config/problems.h"
#include "config/rules.h"
#include "geo/geo.h"
#include "geo/ranges.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/explain_private.h"
#include "proxy/guard.h"
#include "proxy/load.h"
#include "proxy/own_addrs.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *path;
	const char *to;
	const char *lookup;
	const char *device;
	const char *sni;
	const char *class;
	const char *bytes;
	bool json;
};

static const struct argument option_rows[] = {
    {"to", 0, "IP[:PORT]", ARGUMENT_TEXT, offsetof(struct options, to),
	"the destination (port 443 where none is written)", 0},
    {"lookup", 0, "NAME", ARGUMENT_TEXT, offsetof(struct options, lookup),
	"instead of --to: a name that the camera asks a name server for", 0},
    {"device", 0, "NAME", ARGUMENT_TEXT, offsetof(struct options, device),
	"the camera: its name (devices.yaml, `devices rename`), its MAC, or\n"
	"an address that devices.yaml names or where its card was last seen",
	0},
    {"sni", 0, "NAME", ARGUMENT_TEXT, offsetof(struct options, sni),
	"the server name it asks for, taken as proven by a certificate;\n"
	"\"\": it sends none",
	0},
    {"class", 0, "CLASS", ARGUMENT_TEXT, offsetof(struct options, class),
	"the kind of payload, taken as seen on its way up: video, image,\n"
	"audio, telemetry, firmware, control, metadata, credentials, opaque;\n"
	"unknown: it is not known when that is waited for no longer",
	0},
    {"bytes", 0, "NUMBER", ARGUMENT_TEXT, offsetof(struct options, bytes),
	"that so many bytes were sent up already, of each budget that\n"
	"counts it: 4096, 50MB (0 where it is not given)",
	0},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct options, json), "one JSON document", 0},
    ARGUMENT_CONFIG(options, path),
};

static const struct arguments arguments = {
    .command = "explain",
    .head =
	"usage: borderlens explain --to IP[:PORT] [--device NAME] [--sni NAME] [--class CLASS]\n"
	"                          [--bytes NUMBER] [--json] [-c FILE]\n"
	"       borderlens explain --lookup NAME [--device NAME] [--json] [-c FILE]\n\n"
	"What would happen to a connection, or to a lookup, rule by rule, and why: by the\n"
	"same code that judges them.  Nothing is sent.\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0 allowed, 10 blocked, 11 limited, 12 cannot tell, 2 wrong usage,\n"
	    "78 configuration error.\n",
};

/* ---- the facts ---- */

static int
fill_class(const char *word, struct payload_facts *payload)
{
	if (strcmp(word, payload_class_name(PAYLOAD_UNKNOWN)) == 0)
		return 0;
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		if (strcmp(word, payload_class_name(class)) != 0)
			continue;
		payload->class = class;
		payload->confidence = CONFIDENCE_IDENTIFIED;
		payload->direction = DIRECTION_UP;
		return 0;
	}
	return arguments_refuse(&arguments,
	    "--class: one of video, image, audio, telemetry, firmware, control, metadata, "
	    "credentials, opaque and unknown");
}

/* A number, with a unit as a rule's budget has it: "2048", "2KB". */
static bool
parse_bytes(const char *text, uint64_t *out)
{
	static const char *const units[] = {"", "B", "KB", "MB", "GB", "TB"};
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18)
		return false;
	*out = strtoull(text, NULL, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		unsigned shift = i < 2 ? 0 : 10 * (unsigned)(i - 1);

		if (strcmp(text + digits, units[i]) != 0 || *out > UINT64_MAX >> shift)
			continue;
		*out <<= shift;
		return true;
	}
	return false;
}

/* Which budgets one more byte would go over. */
static int
fill_bytes(const char *text, const struct rules *rules, struct facts *facts)
{
	uint64_t bytes = 0;

	if (text != NULL && !parse_bytes(text, &bytes))
		return arguments_refuse(&arguments,
		    "--bytes: a number, or 2KB (B, KB, MB, GB or TB)");
	facts->budgeted = true;
	for (size_t i = 0; i < rules_budgets(rules); i++) {
		if (bytes >= rules_budget(rules, i).up_over)
			facts->budgets_over |= UINT64_C(1) << i;
	}
	return 0;
}

/* Everything that is asked, taken as a connection that went well would have
 * it: opened, the server verified for the name. */
static int
fill_facts(const struct options *options, const struct config *config, const struct geo *geo,
    struct facts *facts)
{
	struct err err;

	*facts = (struct facts){.inspect = INSPECT_OPENED};
	facts->opened_wall_us = clock_wall_us();
	facts->utc_offset_s = clock_utc_offset_s(facts->opened_wall_us);
	facts->server.handshake_done = facts->server.verified = true;
	facts->server.version = 0x0304;
	facts->hello.kind = HELLO_TLS;
	if (addr_parse(&facts->dst, options->to, 443, &err) != 0)
		return arguments_refuse(&arguments, "--to: %s", err.text);
	if (options->sni != NULL && strlen(options->sni) >= sizeof(facts->hello.sni))
		return arguments_refuse(&arguments, "--sni: longer than a host name can be");
	if (options->class != NULL && fill_class(options->class, &facts->payload) != 0)
		return EXIT_USAGE;
	if (fill_bytes(options->bytes, config->rules, facts) != 0)
		return EXIT_USAGE;
	if (options->device != NULL)
		explain_find_device(options->device, config, facts);
	if (!range_unwrap(&facts->dst, &facts->inner))
		facts->inner = facts->dst;
	geo_locate(geo, &facts->dst, &facts->place);
	if (options->sni != NULL && options->sni[0] != '\0') {
		facts->hello.sni_present = true;
		text_copy(facts->hello.sni, sizeof(facts->hello.sni), options->sni);
		geo_vendor(geo, facts->hello.sni, &facts->place);
	}
	return 0;
}

static void
write_facts(const struct facts *facts, const struct config *config)
{
	const struct place *place = &facts->place;
	char text[ADDR_TEXT_MAX], countries[COUNTRIES_TEXT_MAX], operator[FACTS_BASIS_MAX + 96];
	struct text basis = text_in(operator, sizeof(operator));

	if (facts->device[0] != '\0')
		explain_write_device(facts, config);
	(void)printf("%s\n", addr_text_port(&facts->dst, text));
	explain_fact("located", located_text(place, countries), place->located_basis);
	explain_fact("registered", countries_text(&place->registered, countries),
	    place->registered_basis);
	if (place->asn != 0)
		text_add(&basis, "AS%u %s%s", place->asn, place->org,
		    place->operator_basis[0] != '\0' ? ", " : "");
	text_add(&basis, "%s", place->operator_basis);
	explain_fact("operator", countries_text(&place->operator, countries), operator);
	if (facts->payload.class != PAYLOAD_UNKNOWN)
		explain_fact("class", payload_class_name(facts->payload.class), "(taken as seen)");
	if (facts->hello.sni[0] != '\0') {
		explain_fact("name", facts->hello.sni,
		    "(taken as proven by the server's certificate)");
		explain_fact("vendor", place->vendor[0] != '\0' ? place->vendor : "unknown",
		    place->vendor_basis);
	}
}

static void
add_facts(struct jsonw *json, const struct facts *facts)
{
	const struct place *place = &facts->place;
	char text[ADDR_TEXT_MAX];

	jsonw_string(json, "to", addr_text_port(&facts->dst, text));
	jsonw_string(json, "device", facts->device);
	jsonw_string(json, "group", facts->group);
	jsonw_string(json, "sni", facts->hello.sni);
	jsonw_bool(json, "sni_taken_as_proven", facts->hello.sni[0] != '\0');
	if (facts->payload.class != PAYLOAD_UNKNOWN)
		jsonw_string(json, "class", payload_class_name(facts->payload.class));
	jsonw_open(json, "place");
	located_json(place, json, "located");
	countries_json(&place->registered, json, "registered");
	countries_json(&place->operator, json, "operator");
	jsonw_number(json, "asn", place->asn);
	jsonw_string(json, "org", place->org);
	jsonw_string(json, "vendor", place->vendor);
	jsonw_open(json, "basis");
	jsonw_string(json, "country", place->located_basis);
	jsonw_string(json, "registered", place->registered_basis);
	jsonw_string(json, "operator", place->operator_basis);
	jsonw_string(json, "vendor", place->vendor_basis);
	jsonw_close(json);
	jsonw_close(json);
}

/* ---- the verdict ---- */

/* Whether what is not given, once known, could change the verdict: the judge
 * itself says so by what it waits for. */
static void
note_open(const struct judge_step *step, void *arg)
{
	bool *open = arg;

	if (step->rule == NULL && step->pending && step->strictest > RESULT_ALLOW &&
	    strcmp(step->mode, "enforce") == 0)
		*open = true;
}

/* The stage at which everything that is given is known, and no more. */
static enum verdict_stage
asked_stage(const struct options *options)
{
	return options->sni == NULL ? VERDICT_ADDRESS : VERDICT_PAYLOAD;
}

static bool
is_open(const struct options *options, const struct config *config, const struct facts *facts)
{
	struct facts asked = *facts;
	struct verdict verdict;
	bool open = false;

	asked.waits = options->class == NULL;
	if (options->sni != NULL && options->class != NULL)
		return false;
	judge_explain(config->rules, asked_stage(options), &asked, &verdict, note_open, &open);
	return open && verdict.result != RESULT_BLOCK;
}

/*
 * Something is not given and a rule may ask for it: then the verdict at the stage
 * before it is the most that can be said.  Otherwise all is known.
 */
static enum verdict_stage
last_stage(const struct options *options, const struct config *config, bool open)
{
	if (!open && rules_ask_for_payload(config->rules) &&
	    (options->sni != NULL || options->class != NULL))
		return VERDICT_PAYLOAD;
	return options->sni != NULL ? VERDICT_CERTIFICATE : VERDICT_ADDRESS;
}

/* Every rule is told with all that is known; the verdict falls where it falls
 * on a connection, which is asked early and goes no further than a block. */
static void
judge_stages(const struct config *config, struct facts *facts, enum verdict_stage last,
    struct explain_talk *talk)
{
	judge_explain(config->rules, last, facts, &facts->verdict, explain_step, talk);
	for (enum verdict_stage stage = VERDICT_ADDRESS; stage <= last; stage++) {
		judge(config->rules, stage, facts, &facts->verdict);
		if (facts->verdict.result == RESULT_BLOCK)
			return;
	}
}

/* Whether it must stay open what the verdict is. */
static bool
judge_all(const struct options *options, const struct config *config, const struct own_addrs *own,
    struct facts *facts, struct explain_talk *talk)
{
	bool open = false;

	if (options->json)
		jsonw_open_array(&talk->json, "steps");
	if (!guard_refuses(config, own, &facts->dst, &facts->verdict)) {
		open = is_open(options, config, facts);
		judge_stages(config, facts, last_stage(options, config, open), talk);
	} else if (!options->json) {
		(void)printf("appliance\n  %-14s YES    before any rule\n", facts->verdict.rule);
	}
	if (options->json)
		jsonw_close_array(&talk->json);
	return open;
}

static int
exit_code(const struct facts *facts, bool open)
{
	if (open)
		return EXIT_CANNOT_TELL;
	if (facts->verdict.result == RESULT_BLOCK)
		return EXIT_BLOCKED;
	return facts->verdict.result == RESULT_LIMIT ? EXIT_LIMITED : EXIT_ALLOWED;
}

static void
write_verdict(const struct options *options, const struct verdict *verdict, int code)
{
	bool blocked = verdict->result == RESULT_BLOCK;

	if (code == EXIT_CANNOT_TELL) {
		(void)puts(options->sni == NULL
			       ? "verdict: cannot tell: a rule asks for the server's name; give it "
				 "with --sni (--sni \"\": it sends none)"
			       : "verdict: cannot tell: a rule asks for what is sent; give it with "
				 "--class");
		return;
	}
	(void)fputs("verdict: ", stdout);
	if (verdict->result == RESULT_LIMIT && verdict->rate > 0)
		(void)printf("limit to %u bytes a second", verdict->rate);
	else if (verdict->result == RESULT_LIMIT)
		(void)fputs("limit, nothing more in this period", stdout);
	/* The camera's data waits for the certificate: a block lets none of it out. */
	if (blocked)
		(void)printf("BLOCK (%s, %s)", how_name(verdict->how),
		    verdict->stage < VERDICT_CERTIFICATE ? "nothing is sent to the server"
		    : verdict->stage < VERDICT_PAYLOAD   ? "0 bytes of the camera's leave"
							 : "what would be sent does not leave");
	else if (verdict->result != RESULT_LIMIT)
		(void)fputs(result_name(verdict->result), stdout);
	(void)printf(" by %s/%s \"%s\"%s\n", verdict->ruleset, verdict->rule, verdict->why,
	    verdict->shadow ? " (shadow: would have blocked)" : "");
}

static void
add_verdict(struct jsonw *json, const struct verdict *verdict, int code)
{
	jsonw_string(json, "verdict",
	    code == EXIT_CANNOT_TELL ? "unknown" : result_name(verdict->result));
	if (verdict->result == RESULT_BLOCK)
		jsonw_string(json, "how", how_name(verdict->how));
	jsonw_bool(json, "shadow", verdict->shadow);
	jsonw_string(json, "stage", verdict_stage_name(verdict->stage));
	jsonw_string(json, "ruleset", verdict->ruleset);
	jsonw_string(json, "ruleset_version", verdict->ruleset_version);
	jsonw_string(json, "rule", verdict->rule);
	jsonw_string(json, "why", verdict->why);
	jsonw_number(json, "exit", (uint64_t)code);
}

/* What is asked: a name that no rule asks for need not be given to tell what
 * becomes of what is sent. */
static struct options
asked_options(const struct options *given, const struct rules *rules)
{
	static const char *const names[] = {"sni", "sni_missing", "vendor"};
	struct options asked = *given;

	if (asked.sni != NULL || !rules_ask_for_payload(rules))
		return asked;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (rules_ask_for(rules, names[i]))
			return asked;
	}
	asked.sni = "";
	return asked;
}

static int
explain(const struct options *given, const struct config *config, const struct geo *geo,
    const struct own_addrs *own)
{
	const struct options asked = asked_options(given, config->rules), *options = &asked;
	struct explain_talk talk = {.is_json = options->json};
	struct facts facts;
	int code;

	if (fill_facts(options, config, geo, &facts) != 0)
		return EXIT_USAGE;
	if (options->json) {
		jsonw_open(&talk.json, NULL);
		add_facts(&talk.json, &facts);
	} else {
		write_facts(&facts, config);
	}
	code = exit_code(&facts, judge_all(options, config, own, &facts, &talk));
	if (!options->json) {
		write_verdict(options, &facts.verdict, code);
		return code;
	}
	add_verdict(&talk.json, &facts.verdict, code);
	jsonw_close(&talk.json);
	return answer_print(&talk.json, code);
}

/* Of a lookup nothing is known but who asks for which name, and when. */
static int
explain_name(const struct options *options, const struct config *config, const struct geo *geo)
{
	struct explain_talk talk = {.is_json = options->json};
	struct facts facts = {.opened_wall_us = clock_wall_us()};
	int code;

	facts.utc_offset_s = clock_utc_offset_s(facts.opened_wall_us);
	if (options->device != NULL)
		explain_find_device(options->device, config, &facts);
	code = explain_lookup(options->lookup, config, geo, &facts, &talk);
	return code >= 0 ? code
			 : arguments_refuse(&arguments, "--lookup: no name that can be looked up");
}

/* What does not go together. */
static int
check_options(const struct options *options)
{
	if (options->to == NULL && options->lookup == NULL)
		return arguments_refuse(&arguments,
		    "where to? give --to IP[:PORT], or --lookup NAME");
	if (options->lookup != NULL && (options->to != NULL || options->sni != NULL ||
					   options->class != NULL || options->bytes != NULL))
		return arguments_refuse(&arguments, "--lookup: goes with --device and --json only");
	return -1;
}

/* With the addresses of the machine that it runs on, which no rule opens. */
static int
explain_here(const struct options *options, const struct config *config, const struct geo *geo)
{
	struct event_base *base = event_base_new();
	struct err err = {.text = "no memory"};
	struct own_addrs *own = base != NULL ? own_addrs_open(base, &err) : NULL;
	int code;

	if (own == NULL)
		(void)fprintf(stderr,
		    "borderlens: warning: this machine's own addresses, which are always refused, "
		    "are not known: %s\n",
		    err.text);
	code = explain(options, config, geo, own);
	own_addrs_close(own);
	if (base != NULL)
		event_base_free(base);
	return code;
}

int
command_explain(int argc, char **argv)
{
	struct problems problems = {0};
	struct options options = {.path = COMMAND_CONFIG_DEFAULT};
	struct loaded loaded;
	struct geo *geo = NULL;
	int code = arguments_read(&arguments, argc, argv, &options, NULL);

	if (code >= 0)
		return code;
	code = check_options(&options);
	if (code >= 0)
		return code;
	code = EXIT_CONFIG;
	if (loaded_open(options.path, &loaded, &problems) == 0)
		geo = loaded_geo(&loaded, &problems);
	if (geo != NULL && options.lookup != NULL)
		code = explain_name(&options, loaded.config, geo);
	else if (geo != NULL)
		code = explain_here(&options, loaded.config, geo);
	else
		problems_print(&problems);
	geo_close(geo);
	loaded_close(&loaded);
	problems_free(&problems);
	return code;
}
