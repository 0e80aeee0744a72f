/* SPDX-License-Identifier: MIT */
#include "proxy/geo_update.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "config/config.h"
#include "config/problems.h"
#include "geo/geo.h"
#include "proxy/answer.h"
#include "proxy/backtest.h"
#include "proxy/commands.h"
#include "proxy/database_file.h"
#include "proxy/geo_fetch.h"
#include "proxy/geo_swap.h"
#include "proxy/load.h"
#include "record/store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	US_PER_S = 1000000,
	DAY_S = 86400,
	SEEN_DAYS = 30,
	ROWS_SHOWN = 20,
	LOST_HALF = 2, /* a database that lost more than half of its networks is not whole */
};

/* One run: what is there, and what is to take its place. */
struct run {
	const struct geo_update *update;
	struct loaded loaded, fresh; /* fresh: the same configuration with other databases */
	struct geo *before, *after;  /* before NULL: what is there cannot be read */
	struct geo_swap swap;
	struct backtest backtest;
	bool backtested;
	const char *result; /* "updated", "unchanged" or "failed" */
	const char *taken;  /* by the appliance: geo_fetch_tell's word, or "no"; NULL: not asked */
	char why[256];      /* it failed */
};

/* ---- where the databases are ---- */

static int
same_directory(const char *path, char dir[CONFIG_PATH_MAX], struct err *err)
{
	const char *slash = strrchr(path, '/'); /* absolute, so there is one */
	size_t size = (size_t)(slash - path);

	if (path[0] == '\0')
		return 0;
	if (dir[0] == '\0') {
		text_copy(dir, CONFIG_PATH_MAX, path);
		dir[size] = '\0';
		return 0;
	}
	if (strlen(dir) == size && memcmp(dir, path, size) == 0)
		return 0;
	return err_set(err, ERR_INPUT,
	    "the databases lie in different directories (%.80s and that of %.80s): they are "
	    "replaced together",
	    dir, path);
}

static int
find_directory(const struct config *config, char dir[CONFIG_PATH_MAX], struct err *err)
{
	dir[0] = '\0';
	for (size_t i = 0; i < config->geo.country_count; i++) {
		if (same_directory(config->geo.country[i], dir, err) != 0)
			return -1;
	}
	if (config->geo.asn[0] != '\0' && same_directory(config->geo.asn, dir, err) != 0)
		return -1;
	if (dir[0] == '\0')
		return err_set(err, ERR_INPUT, "the configuration names no database");
	return 0;
}

/* ---- what was brought ---- */

static int
open_fresh(const struct run *run, const char *path, int *fd, struct err *err)
{
	const char *name = strrchr(path, '/') + 1;
	char there[2 * CONFIG_PATH_MAX];

	(void)snprintf(there, sizeof(there), "%s/%s", run->swap.next, name);
	*fd = database_file_copy(there, err);
	return *fd < 0 ? -1 : 0;
}

/* The same checks as at a start, of the databases that are to be. */
static int
check_fresh(struct run *run, struct err *err)
{
	const struct config *config = run->loaded.config;
	struct problems problems = {0};

	for (size_t i = 0; i < config->geo.country_count; i++) {
		if (open_fresh(run, config->geo.country[i], &run->fresh.country[i], err) != 0)
			return -1;
	}
	if (config->geo.asn[0] != '\0' &&
	    open_fresh(run, config->geo.asn, &run->fresh.asn, err) != 0)
		return -1;
	run->after = loaded_geo(&run->fresh, &problems);
	if (run->after == NULL) {
		(void)err_set(err, ERR_INPUT, "%.240s",
		    problems.count > 0 ? problems.list[0].text : "the databases are not whole");
		problems_print(&problems);
	}
	problems_free(&problems);
	return run->after != NULL ? 0 : -1;
}

/* Whole by itself, and yet not what it must be: cut short by whoever made it,
 * another file under its name, or an older one. */
static int
check_row(const struct geo_status *was, const struct geo_status *is, struct err *err)
{
	if (strcmp(was->role, is->role) != 0)
		return err_set(err, ERR_INPUT, "%.80s answers %s, and was to answer %s", is->name,
		    is->role, was->role);
	if (is->build_s < was->build_s) {
		char old[CLOCK_TEXT_MAX], now[CLOCK_TEXT_MAX];

		return err_set(err, ERR_INPUT, "%.80s is of %s, older than what is there (%s)",
		    is->name, clock_date(is->build_s * US_PER_S, now),
		    clock_date(was->build_s * US_PER_S, old));
	}
	if (is->entries < was->entries / LOST_HALF)
		return err_set(err, ERR_INPUT, "%.80s has %llu networks, and had %llu", is->name,
		    (unsigned long long)is->entries, (unsigned long long)was->entries);
	return 0;
}

/* 1: something is newer; 0: nothing is; -1: what was brought is refused. */
static int
compare(const struct run *run, struct err *err)
{
	struct geo_status was[GEO_STATUS_MAX], is[GEO_STATUS_MAX];
	size_t count = geo_status(run->after, is, GEO_STATUS_MAX);
	int newer = 0;

	if (run->before == NULL)
		return 1;
	(void)geo_status(run->before, was, GEO_STATUS_MAX); /* the same files, in their order */
	for (size_t i = 0; i < count && is[i].build_s != 0; i++) {
		if (check_row(&was[i], &is[i], err) != 0)
			return -1;
		if (is[i].build_s != was[i].build_s || is[i].entries != was[i].entries)
			newer = 1;
	}
	return newer;
}

/* ---- what would be judged differently ---- */

static void
judge_again(struct run *run)
{
	const struct config *config = run->loaded.config;
	const uint64_t since_us = (uint64_t)SEEN_DAYS * DAY_S * US_PER_S;
	struct backtest_wish wish = {
	    .flows.since_us = clock_wall_us() - since_us,
	    .before = {.rules = config->rules, .geo = run->before},
	    .after = {.rules = config->rules, .geo = run->after},
	    .devices = config->devices,
	};
	char path[CONFIG_PATH_MAX + 32];
	struct store *store;
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/%s", config->state_dir, STORE_FILE);
	if (run->before == NULL || access(path, F_OK) != 0)
		return;
	store = store_open(path, STORE_READ, &err);
	if (store != NULL && backtest_run(store, &wish, &run->backtest, &err) == 0)
		run->backtested = true;
	else
		(void)fprintf(stderr, "borderlens: the record cannot be judged again: %s\n",
		    err.text);
	store_close(store);
}

/* ---- putting it in place ---- */

static int
tell_appliance(struct run *run, struct err *err)
{
	struct err undone = {0};

	run->taken = geo_fetch_tell(run->loaded.config, err);
	if (run->taken != NULL) {
		geo_swap_told(&run->swap);
		return 0;
	}
	run->taken = "no";
	if (geo_swap_undo(&run->swap, &undone) != 0)
		(void)fprintf(stderr, "borderlens: the old databases are in %s: %s\n",
		    run->swap.last, undone.text);
	return -1;
}

static int
bring(struct run *run, struct err *err)
{
	const struct config *config = run->loaded.config;
	char dir[CONFIG_PATH_MAX];
	int newer;

	if (find_directory(config, dir, err) != 0 || geo_swap_open(&run->swap, dir, err) != 0)
		return -1;
	/* It can take minutes, and the programs that fetch say nothing. */
	if (isatty(STDERR_FILENO))
		(void)fputs("borderlens: asking for newer databases ...\n", stderr);
	if (geo_fetch(config, &run->swap, run->update->account, err) != 0 ||
	    check_fresh(run, err) != 0)
		return -1;
	newer = compare(run, err);
	if (newer <= 0) {
		run->result = "unchanged";
		/* One that was killed put them there, and told nobody. */
		return newer == 0 && geo_swap_is_untold(&run->swap) ? tell_appliance(run, err)
								    : newer;
	}
	judge_again(run);
	if (geo_swap_commit(&run->swap, err) != 0 || tell_appliance(run, err) != 0)
		return -1;
	run->result = "updated";
	return 0;
}

/* ---- telling ---- */

static void
print_databases(const struct run *run)
{
	struct geo_status was[GEO_STATUS_MAX], is[GEO_STATUS_MAX];
	size_t count = geo_status(run->after, is, GEO_STATUS_MAX);
	char old[CLOCK_TEXT_MAX] = "unreadable", now[CLOCK_TEXT_MAX];

	if (run->before != NULL)
		(void)geo_status(run->before, was, GEO_STATUS_MAX);
	for (size_t i = 0; i < count && is[i].build_s != 0; i++) {
		if (run->before != NULL)
			(void)clock_date(was[i].build_s * US_PER_S, old);
		(void)printf("%-24s %s -> %s, %llu networks\n", is[i].name, old,
		    clock_date(is[i].build_s * US_PER_S, now), (unsigned long long)is[i].entries);
	}
}

static void
add_verdict(struct text *text, const struct verdict *verdict)
{
	text_add(text, "%s%s by %s/%s", result_name(verdict->result),
	    verdict->shadow ? " (shadow)" : "", verdict->ruleset, verdict->rule);
}

static void
print_difference(const struct backtest_row *row)
{
	char line[1024], addr[ADDR_TEXT_MAX], located[COUNTRIES_TEXT_MAX];
	struct text text = text_in(line, sizeof(line));

	text_add(&text, "  ");
	text_add_untrusted(&text, row->device, strlen(row->device));
	text_add(&text, " to %s", addr_text_port(&row->dst, addr));
	if (row->sni[0] != '\0') {
		text_add(&text, " (");
		text_add_untrusted(&text, row->sni, strlen(row->sni));
		text_add(&text, ")");
	}
	text_add(&text, ", located %s: ", located_text(&row->place, located));
	add_verdict(&text, &row->before);
	text_add(&text, " -> ");
	add_verdict(&text, &row->after);
	(void)printf("%s; %llu connections, %llu bytes up\n", line,
	    (unsigned long long)row->total.flows, (unsigned long long)row->total.up);
}

static void
print_differences(const struct run *run)
{
	const struct backtest *backtest = &run->backtest;

	if (!run->backtested)
		return;
	(void)printf("of %llu connections of the last %d days %llu would be judged differently%s\n",
	    (unsigned long long)backtest->count.flows, SEEN_DAYS,
	    (unsigned long long)backtest_differences(backtest), backtest->row_count > 0 ? ":" : "");
	for (size_t i = 0; i < backtest->row_count && i < ROWS_SHOWN; i++)
		print_difference(&backtest->rows[i]);
	if (backtest->row_count > ROWS_SHOWN)
		(void)printf("  and %zu more destinations (--json lists all)\n",
		    backtest->row_count - ROWS_SHOWN);
}

static void
print_text(const struct run *run)
{
	if (strcmp(run->result, "failed") == 0)
		return;
	if (strcmp(run->result, "unchanged") == 0) {
		(void)puts("nothing newer: the databases stay as they are");
	} else {
		print_databases(run);
		print_differences(run);
		(void)printf("the old ones are kept in %s\n", run->swap.last);
	}
	if (run->taken == NULL)
		return;
	if (strcmp(run->taken, "yes") == 0)
		(void)puts("the appliance judges by the new ones from now on");
	else if (strcmp(run->taken, "not running") == 0)
		(void)puts("no appliance runs: its next start takes them");
	else
		(void)puts("the appliance judges by the old ones until it is restarted");
}

static void
json_databases(const struct run *run, struct jsonw *json)
{
	struct geo_status was[GEO_STATUS_MAX], is[GEO_STATUS_MAX];
	size_t count = run->after != NULL ? geo_status(run->after, is, GEO_STATUS_MAX) : 0;
	char date[CLOCK_TEXT_MAX];

	if (run->before != NULL)
		(void)geo_status(run->before, was, GEO_STATUS_MAX);
	jsonw_open_array(json, "databases");
	for (size_t i = 0; i < count && is[i].build_s != 0; i++) {
		jsonw_open(json, NULL);
		jsonw_string(json, "name", is[i].name);
		if (run->before != NULL)
			jsonw_string(json, "was_built",
			    clock_date(was[i].build_s * US_PER_S, date));
		jsonw_string(json, "built", clock_date(is[i].build_s * US_PER_S, date));
		jsonw_number(json, "networks", is[i].entries);
		jsonw_close(json);
	}
	jsonw_close_array(json);
}

static void
json_verdict(struct jsonw *json, const char *key, const struct verdict *verdict)
{
	jsonw_open(json, key);
	jsonw_string(json, "verdict", result_name(verdict->result));
	jsonw_bool(json, "shadow", verdict->shadow);
	jsonw_string(json, "ruleset", verdict->ruleset);
	jsonw_string(json, "rule", verdict->rule);
	jsonw_string(json, "why", verdict->why);
	jsonw_close(json);
}

static void
json_differences(const struct run *run, struct jsonw *json)
{
	const struct backtest *backtest = &run->backtest;
	char addr[ADDR_TEXT_MAX];

	if (!run->backtested)
		return;
	jsonw_number(json, "connections", backtest->count.flows);
	jsonw_number(json, "differences", backtest_differences(backtest));
	jsonw_open_array(json, "rows");
	for (size_t i = 0; i < backtest->row_count; i++) {
		const struct backtest_row *row = &backtest->rows[i];

		jsonw_open(json, NULL);
		jsonw_string(json, "change", backtest_change_name(row->change));
		jsonw_string(json, "device", row->device);
		jsonw_string(json, "dest_ip", addr_text(&row->dst, addr));
		jsonw_number(json, "dest_port", row->dst.port);
		jsonw_string(json, "sni", row->sni);
		located_json(&row->place, json, "located");
		jsonw_number(json, "connections", row->total.flows);
		jsonw_number(json, "up", row->total.up);
		json_verdict(json, "was", &row->before);
		json_verdict(json, "would_be", &row->after);
		jsonw_close(json);
	}
	jsonw_close_array(json);
}

static int
print_json(const struct run *run, int code)
{
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	jsonw_string(&json, "result", run->result);
	if (run->why[0] != '\0')
		jsonw_string(&json, "why", run->why);
	if (run->taken != NULL)
		jsonw_string(&json, "taken", run->taken);
	json_databases(run, &json);
	json_differences(run, &json);
	jsonw_close(&json);
	return answer_print(&json, code);
}

/* ---- the whole ---- */

/* The configuration must be good; of the databases a new one may take the place
 * of one that is not. */
static int
load(struct run *run)
{
	struct problems problems = {0};
	int code = -1;

	(void)loaded_open(run->update->config, &run->loaded, &problems);
	if (run->loaded.config == NULL) {
		problems_print(&problems);
		code = EXIT_CONFIG;
	} else {
		run->before = loaded_geo(&run->loaded, &problems);
		if (run->before == NULL)
			problems_print(&problems);
	}
	problems_free(&problems);
	run->fresh = run->loaded;
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++)
		run->fresh.country[i] = -1;
	run->fresh.asn = -1;
	return code;
}

static void
close_run(struct run *run)
{
	backtest_free(&run->backtest);
	geo_close(run->before);
	geo_close(run->after);
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++) {
		if (run->fresh.country[i] >= 0)
			(void)close(run->fresh.country[i]);
	}
	if (run->fresh.asn >= 0)
		(void)close(run->fresh.asn);
	loaded_close(&run->loaded);
	geo_swap_close(&run->swap);
}

int
geo_update(const struct geo_update *update)
{
	struct run run = {.update = update, .swap.lock = -1, .result = "failed"};
	struct err err = {0};
	int code = load(&run);

	if (code < 0) {
		code = bring(&run, &err) == 0 ? EXIT_DONE : EXIT_FAILED;
		if (code == EXIT_FAILED) {
			run.result = "failed";
			text_copy(run.why, sizeof(run.why), err.text);
			(void)fprintf(stderr,
			    "borderlens: geo update: %s\n"
			    "the databases that were there stay as they are\n",
			    err.text);
		}
		if (update->json)
			code = print_json(&run, code);
		else
			print_text(&run);
	}
	close_run(&run);
	return code;
}
