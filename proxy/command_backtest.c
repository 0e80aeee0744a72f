/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/mac.h"
#include "base/text.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/backtest.h"
#include "proxy/cells.h"
#include "proxy/load.h"
#include "proxy/reading.h"
#include "record/filter.h"
#include "record/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	PROGRESS_AFTER_US = 1000000, /* a run that is over sooner needs no bar */
	PROGRESS_EACH_US = 100000,
	BAR_SIGNS = 30,
};

struct options {
	const char *config, *since, *until, *device;
	struct argument_list rules;
	bool json;
};

static const struct argument option_rows[] = {
    {"since", 's', "T", ARGUMENT_TEXT, offsetof(struct options, since),
	"connections opened then or later (7d): 10m, 2h, 7d, 2026-11-22\n"
	"or 2026-11-22T10:00:00Z (all times are UTC)",
	0},
    {"until", 'u', "T", ARGUMENT_TEXT, offsetof(struct options, until),
	"and before that time (now)", 0},
    {"rules", 'r', "FILE", ARGUMENT_LIST, offsetof(struct options, rules),
	"a rule file, in place of the configured ones; may be given\n"
	"several times: all apply, the most restrictive wins",
	0},
    {"device", 'd', "NAME", ARGUMENT_TEXT, offsetof(struct options, device),
	"of this camera alone, by its name in the record", 0},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct options, json), "one JSON document", 0},
    ARGUMENT_CONFIG(options, config),
};

static const struct arguments arguments = {
    .command = "backtest",
    .head = "usage: borderlens backtest [--since T] [--until T] [--rules FILE]... [--device NAME]\n"
	    "                           [--json] [-c FILE]\n\n"
	    "Judges recorded connections by other rule files, or by those that the\n"
	    "configuration names now, and lists what would have been decided otherwise: by\n"
	    "device and destination, most bytes up first.  The bytes are those that left.\n"
	    "Places are those of the record: what other databases or overrides would change\n"
	    "is not judged here (`geo update` tells it).  Nothing is changed; the appliance\n"
	    "may run meanwhile.  Rules with a time go by the clock of this machine (TZ).\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "  blocked  is let through in the record, and would have been blocked\n"
	    "  freed    is blocked in the record, and would have been let through\n"
	    "  open     is blocked in the record, and would have come further: how it would\n"
	    "           have ended rests on what was not seen, as the server's certificate\n"
	    "  other    would have been limited, or blocked by a set in shadow; or not any more\n\n"
	    "  borderlens backtest --since 30d --rules eu-gdpr.yaml --rules site-hours.yaml\n\n"
	    "Exit: 0 nothing would differ, 20 it would, 1 the record cannot be read, 2 wrong\n"
	    "usage, 78 an error in the configuration or in a rule file.\n",
};

/* ---- the rules ---- */

/* NULL: told in problems. */
static struct rules *
read_rules(const struct argument_list *files, struct source *source, struct problems *problems)
{
	struct rules *rules = rules_new();
	struct err err = {0};
	struct bytes text;

	for (size_t i = 0; i < files->count && rules != NULL; i++) {
		if (source_read(source, files->at[i], &text, &err) != 0)
			problems_error(problems, files->at[i], 0, 0, "%s", err.text);
		else
			(void)rules_add(rules, files->at[i], text, problems);
	}
	if (rules == NULL)
		problems_error(problems, files->at[0], 0, 0, "no memory to read it");
	if (problems->errors == 0) {
		rules_prepare(rules);
		return rules;
	}
	rules_free(rules);
	return NULL;
}

/* What rules may ask for and the record does not have. */
static const char *const unlearnt[] = {"bytes"};

static void
note_unlearnt(const struct rules *rules)
{
	for (size_t i = 0; i < sizeof(unlearnt) / sizeof(unlearnt[0]); i++) {
		if (rules_ask_for(rules, unlearnt[i]))
			(void)fprintf(stderr,
			    "borderlens: note: %s is not in the record: what asks for it does not "
			    "hold\n",
			    unlearnt[i]);
	}
}

/* ---- the bar ---- */

struct bar {
	uint64_t begun_us, shown_us;
	bool wanted;
};

static void
show_progress(void *context, uint64_t done, uint64_t total)
{
	struct bar *bar = context;
	uint64_t now_us = clock_mono_us();
	int signs;

	if (!bar->wanted || total == 0 || now_us - bar->begun_us < PROGRESS_AFTER_US ||
	    now_us - bar->shown_us < PROGRESS_EACH_US)
		return;
	if (done > total) /* it goes on while more is recorded */
		done = total;
	bar->shown_us = now_us;
	signs = (int)(done * BAR_SIGNS / total);
	(void)fprintf(stderr, "\r[%.*s%*s] %3llu %%  %llu of %llu connections", signs,
	    "##############################", BAR_SIGNS - signs, "",
	    (unsigned long long)(done * 100 / total), (unsigned long long)done,
	    (unsigned long long)total);
}

static void
end_progress(const struct bar *bar)
{
	if (bar->shown_us != 0)
		(void)fputs("\r\033[K", stderr);
}

/* ---- what differs, as text ---- */

static void
add_verdict(struct text *text, const struct verdict *verdict)
{
	text_add(text, "%s%s by %s/%s", result_name(verdict->result),
	    verdict->shadow ? " (shadow block)" : "", verdict->ruleset, verdict->rule);
}

static void
print_row(const struct backtest_row *row, bool coloured)
{
	char line[2 * FACTS_TEXT_MAX + 4 * FACTS_LABEL_MAX + 64];
	struct text text = text_in(line, sizeof(line));
	char located[COUNTRIES_TEXT_MAX], other[COUNTRIES_TEXT_MAX];
	char addr[ADDR_TEXT_MAX], count[24];

	if (coloured && row->change == BACKTEST_BLOCKED)
		(void)fputs("\033[31m", stdout);
	cell_text(backtest_change_name(row->change), 7);
	if (coloured && row->change == BACKTEST_BLOCKED)
		(void)fputs("\033[0m", stdout);
	cell_text(row->device, MAC_TEXT_MAX - 1);
	cell_text(row->sni, 30);
	cell_text(addr_text_port(&row->dst, addr), 22);
	cell_text(located_text(&row->place, located), 9);
	cell_text(countries_text(&row->place.registered, other), 7);
	cell_text(countries_text(&row->place.operator, other), 7);
	(void)snprintf(count, sizeof(count), "%llu", (unsigned long long)row->total.flows);
	cell_right(count, 7);
	cell_bytes(row->total.up);
	cell_bytes(row->total.down);
	add_verdict(&text, &row->before);
	text_add(&text, " -> ");
	add_verdict(&text, &row->after);
	text_add(&text, ": %s", row->after.why);
	cell_last(line);
}

static void
print_rows(const struct backtest *backtest)
{
	bool coloured = cells_coloured();

	if (backtest->row_count == 0)
		return;
	(void)puts(
	    "change   device             server name                     "
	    "address                 located    regist.  oper.      conns       up     down  was -> would be");
	for (size_t i = 0; i < backtest->row_count; i++)
		print_row(&backtest->rows[i], coloured);
	(void)putchar('\n');
}

static void
print_total(const char *what, const struct backtest_total *total)
{
	if (total->flows == 0)
		return;
	(void)printf("%-7s %9llu connections  ", what, (unsigned long long)total->flows);
	cell_bytes(total->up);
	(void)fputs("up  ", stdout);
	cell_bytes(total->down);
	(void)puts("down");
}

static void
print_notes(const struct backtest *backtest)
{
	const struct {
		uint64_t count;
		const char *text;
	} notes[] = {
	    {backtest->same_by_other, "decided alike, by another rule"},
	    {backtest->unknown_place, "to a place that is not known in full"},
	    {backtest->count.open, "still open: what they send from now on is not counted"},
	    {backtest->changed[BACKTEST_UNTOLD].flows,
		"not judged: their names were kept out of the record (log: meta)"},
	    {backtest->count.damaged, "not judged: what the record has of them is damaged or gone"},
	    {backtest->unlisted, "that differ and are not listed: too many destinations"},
	};

	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		if (notes[i].count > 0)
			(void)printf("%llu %s\n", (unsigned long long)notes[i].count,
			    notes[i].text);
	}
}

static void
print_text(const struct backtest *backtest)
{
	print_rows(backtest);
	for (enum backtest_change i = BACKTEST_SAME; i < BACKTEST_CHANGE_COUNT; i++) {
		if (i != BACKTEST_UNTOLD)
			print_total(backtest_change_name(i), &backtest->changed[i]);
	}
	print_notes(backtest);
	if (backtest->count.flows == 0)
		(void)puts("no connection was recorded in this time");
	else if (backtest_differences(backtest) == 0)
		(void)puts("nothing would have been decided otherwise");
}

/* ---- the same as a document ---- */

static void
json_verdict(struct jsonw *json, const char *key, const struct verdict *verdict)
{
	jsonw_open(json, key);
	jsonw_string(json, "verdict", result_name(verdict->result));
	jsonw_bool(json, "shadow", verdict->shadow);
	jsonw_string(json, "stage", verdict_stage_name(verdict->stage));
	jsonw_string(json, "ruleset", verdict->ruleset);
	jsonw_string(json, "ruleset_version", verdict->ruleset_version);
	jsonw_string(json, "rule", verdict->rule);
	jsonw_string(json, "why", verdict->why);
	jsonw_close(json);
}

static void
json_total(struct jsonw *json, const struct backtest_total *total)
{
	jsonw_number(json, "connections", total->flows);
	jsonw_number(json, "up", total->up);
	jsonw_number(json, "down", total->down);
}

static void
json_row(struct jsonw *json, const struct backtest_row *row)
{
	char text[ADDR_TEXT_MAX], time[CLOCK_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "change", backtest_change_name(row->change));
	jsonw_string(json, "device", row->device);
	jsonw_string(json, "dest_ip", addr_text(&row->dst, text));
	jsonw_number(json, "dest_port", row->dst.port);
	jsonw_string(json, "sni", row->sni);
	jsonw_open(json, "place");
	located_json(&row->place, json, "located");
	countries_json(&row->place.registered, json, "registered");
	countries_json(&row->place.operator, json, "operator");
	jsonw_number(json, "asn", row->place.asn);
	jsonw_string(json, "org", row->place.org);
	jsonw_string(json, "vendor", row->place.vendor);
	jsonw_close(json);
	json_total(json, &row->total);
	jsonw_string(json, "first", clock_text(row->first_us, time));
	jsonw_string(json, "last", clock_text(row->last_us, time));
	json_verdict(json, "was", &row->before);
	json_verdict(json, "would_be", &row->after);
	jsonw_close(json);
}

static void
json_rulesets(struct jsonw *json, const struct rules *rules)
{
	jsonw_open_array(json, "rulesets");
	for (size_t i = 0; i < rules_count(rules); i++) {
		struct ruleset_about about = rules_about(rules, i);
		char sha256[65];

		text_hex(sha256, about.sha256, 32);
		jsonw_open(json, NULL);
		jsonw_string(json, "ruleset", about.id);
		jsonw_string(json, "version", about.version);
		jsonw_string(json, "mode", about.mode);
		jsonw_string(json, "sha256", sha256);
		jsonw_string(json, "file", about.file);
		jsonw_close(json);
	}
	jsonw_close_array(json);
	jsonw_open_array(json, "not_learnt");
	for (size_t i = 0; i < sizeof(unlearnt) / sizeof(unlearnt[0]); i++) {
		if (rules_ask_for(rules, unlearnt[i]))
			jsonw_string(json, NULL, unlearnt[i]);
	}
	jsonw_close_array(json);
}

static void
json_all(struct jsonw *json, const struct backtest_wish *wish, const struct backtest *backtest)
{
	char time[CLOCK_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "since", clock_text(wish->flows.since_us, time));
	jsonw_string(json, "until", clock_text(wish->flows.until_us, time));
	json_rulesets(json, wish->after.rules);
	json_total(json, &backtest->all);
	jsonw_number(json, "differences", backtest_differences(backtest));
	for (enum backtest_change i = BACKTEST_SAME; i < BACKTEST_CHANGE_COUNT; i++) {
		jsonw_open(json, backtest_change_name(i));
		json_total(json, &backtest->changed[i]);
		jsonw_close(json);
	}
	jsonw_number(json, "same_by_other_rule", backtest->same_by_other);
	jsonw_number(json, "place_unknown", backtest->unknown_place);
	jsonw_number(json, "still_open", backtest->count.open);
	jsonw_number(json, "damaged", backtest->count.damaged);
	jsonw_number(json, "unlisted", backtest->unlisted);
	jsonw_open_array(json, "rows");
	for (size_t i = 0; i < backtest->row_count; i++)
		json_row(json, &backtest->rows[i]);
	jsonw_close_array(json);
	jsonw_close(json);
}

static int
print_json(const struct backtest_wish *wish, const struct backtest *backtest, int code)
{
	struct jsonw json = {0};

	json_all(&json, wish, backtest);
	return answer_print(&json, code);
}

/* ---- the run ---- */

static int
replay(struct store *store, const struct options *options, const struct backtest_wish *asked)
{
	struct backtest_wish wish = *asked;
	struct bar bar = {.begun_us = clock_mono_us(), .wanted = isatty(STDERR_FILENO) == 1};
	struct backtest backtest;
	struct err err = {0};
	int code, got;

	wish.progress = bar.wanted ? show_progress : NULL;
	wish.context = &bar;
	got = backtest_run(store, &wish, &backtest, &err);
	end_progress(&bar);
	if (got != 0) {
		(void)fprintf(stderr, "borderlens: %s\n", err.text);
		backtest_free(&backtest);
		return EXIT_FAILED;
	}
	code = backtest_differences(&backtest) > 0 ? EXIT_DIFFERENCES : EXIT_DONE;
	note_unlearnt(wish.after.rules);
	if (options->json)
		code = print_json(&wish, &backtest, code);
	else
		print_text(&backtest);
	backtest_free(&backtest);
	return code;
}

/* All errors are told before anything is read: those of the configuration and
 * of the rule files.  The warnings of a configuration are `check`'s. */
static int
load(const struct options *options, struct source *source, struct config **config,
    struct rules **rules)
{
	struct problems problems = {0}, of_rules = {0};
	bool other = options->rules.count > 0;

	*config = config_load(options->config, source, &problems);
	if (*config == NULL)
		problems_print(&problems);
	if (other)
		*rules = read_rules(&options->rules, source, &of_rules);
	problems_print(&of_rules);
	problems_free(&problems);
	problems_free(&of_rules);
	return *config == NULL || (other && *rules == NULL) ? -1 : 0;
}

static int
run(const struct options *options, struct backtest_wish *wish)
{
	struct source *source = source_from_disk();
	struct config *config = NULL;
	struct rules *rules = NULL;
	struct store *store = NULL;
	int code = EXIT_CONFIG;

	if (source == NULL) {
		(void)fputs("borderlens: no memory\n", stderr);
		return EXIT_FAILED;
	}
	if (load(options, source, &config, &rules) != 0)
		goto out;
	wish->devices = config->devices;
	wish->after.rules = rules != NULL ? rules : config->rules;
	code = reading_store(config->state_dir, &store);
	if (code < 0)
		code = replay(store, options, wish);
out:
	store_close(store);
	rules_free(rules);
	config_free(config);
	source_free(source);
	return code;
}

int
command_backtest(int argc, char **argv)
{
	struct options options = {.config = COMMAND_CONFIG_DEFAULT, .since = "7d"};
	struct backtest_wish wish = {0};
	uint64_t now_us = clock_wall_us();
	struct err err = {0};
	int code = arguments_read(&arguments, argc, argv, &options, NULL);

	if (code >= 0)
		return code;
	wish.flows.device = options.device;
	wish.flows.until_us = now_us;
	if (filter_time(options.since, now_us, &wish.flows.since_us, &err) != 0)
		return arguments_refuse(&arguments, "--since: %s", err.text);
	if (options.until != NULL &&
	    filter_time(options.until, now_us, &wish.flows.until_us, &err) != 0)
		return arguments_refuse(&arguments, "--until: %s", err.text);
	if (wish.flows.until_us <= wish.flows.since_us)
		return arguments_refuse(&arguments, "--until is not after --since");
	return run(&options, &wish);
}
