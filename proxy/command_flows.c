/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/mac.h"
#include "base/text.h"
#include "config/config.h"
#include "config/rules.h"
#include "proxy/arguments.h"
#include "proxy/cells.h"
#include "proxy/reading.h"
#include "record/filter.h"
#include "record/flows.h"
#include "record/store.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LIMIT_DEFAULT = 100,
	POLL_MS = 200, /* --follow looks this often whether something was stored */
	CELL_MAX = 512,
};

enum form { FORM_TABLE = 0, FORM_JSON, FORM_CSV };

struct wish {
	const char *config, *filter, *device, *since, *limit;
	bool follow, json, csv, columns;
};

static const struct argument option_rows[] = {
    {"filter", 'f', "EXPR", ARGUMENT_TEXT, offsetof(struct wish, filter),
	"only those that EXPR holds for", 0},
    {"device", 'd', "NAME", ARGUMENT_TEXT, offsetof(struct wish, device),
	"only this camera's: its name, MAC or address", 0},
    {"since", 's', "T", ARGUMENT_TEXT, offsetof(struct wish, since),
	"opened then or later: 10m, 2h, 7d, 2026-11-22 or\n2026-11-22T10:00:00Z (all times are UTC)",
	0},
    {"limit", 'n', "N", ARGUMENT_TEXT, offsetof(struct wish, limit), "the newest N; 0: all", 0},
    {"follow", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, follow),
	"go on with those that end from now on", 0},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "a JSON document a line", 0},
    {"csv", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, csv), "comma separated values (RFC 4180)",
	0},
    {"columns", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, columns),
	"the columns that EXPR can ask for", 0},
    ARGUMENT_CONFIG(wish, config),
};

static const struct arguments arguments = {
    .command = "flows",
    .head = "usage: borderlens flows [-c FILE] [--filter EXPR] [--device NAME] [--since T]\n"
	    "                        [--limit N] [--follow] [--json | --csv]\n\n"
	    "Lists recorded connections, oldest first: the last 100, or all since T.\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "EXPR: terms `column op value` joined by and, or, not and parentheses; op is\n"
	    "= != < <= > >= ~ (holds the text) or under (is the name or below it).\n"
	    "Numbers may end in k, M or G (thousands, millions ...), or in KB, MB, GB or TB\n"
	    "(of 1,024, as in rules).  Of countries, = and != take the sets of the rule\n"
	    "sets too: @eea, \"@eea+CH\".\n\n"
	    "  borderlens flows --since 1d --filter 'verdict = block and operator = CN'\n"
	    "  borderlens flows --follow --filter 'sni under hik-connect.com and up > 1M'\n"
	    "  borderlens flows --filter 'operator != @eea and asn = AS45102'\n"
	    "  borderlens flows --filter 'class = video and left_up > 0 or app = p2p'\n\n"
	    "Exit: 0, 1 the record cannot be read, 2 wrong usage, 78 configuration error.\n",
};

struct output {
	enum form form;
	bool colour;
	uint64_t count; /* printed */
	struct jsonw json;
};

static size_t
index_of(const char *name)
{
	const struct column *column = column_find(name);

	return column != NULL ? (size_t)(column - columns) : 0;
}

/* ---- JSON ---- */

static void
add_value(struct jsonw *json, struct flow *flow, size_t index)
{
	const struct column *column = &columns[index];

	if (!flow_is_set(flow, index))
		jsonw_null(json, column->name);
	else if (column->type == COLUMN_NUMBER)
		jsonw_number(json, column->name, flow_number(flow, index));
	else if (column->type == COLUMN_BOOL)
		jsonw_bool(json, column->name, flow_number(flow, index) != 0);
	else
		jsonw_string(json, column->name, flow_text(flow, index));
}

static void
print_json(struct output *output, struct flow *flow)
{
	jsonw_clear(&output->json);
	jsonw_open(&output->json, NULL);
	for (size_t i = 0; i < column_count; i++)
		add_value(&output->json, flow, i);
	jsonw_close(&output->json);
	if (!output->json.failed)
		(void)puts(output->json.at);
}

/* ---- CSV ---- */

/* RFC 4180.  A cell that a spreadsheet would take for a formula gets a ' before
 * it: names come from cameras and servers. */
static void
print_cell(const char *text)
{
	char line[CELL_MAX * 4];
	struct text safe = text_in(line, sizeof(line));

	text_add_untrusted(&safe, text, strlen(text));
	(void)putchar('"');
	if (line[0] != '\0' && strchr("=+-@", line[0]) != NULL)
		(void)putchar('\'');
	for (const char *at = line; *at != '\0'; at++) {
		if (*at == '"')
			(void)putchar('"');
		(void)putchar(*at);
	}
	(void)putchar('"');
}

static void
print_csv_head(void)
{
	for (size_t i = 0; i < column_count; i++)
		(void)printf("%s%s", i > 0 ? "," : "", columns[i].name);
	(void)fputs("\r\n", stdout);
}

static void
print_csv(struct flow *flow)
{
	for (size_t i = 0; i < column_count; i++) {
		if (i > 0)
			(void)putchar(',');
		if (columns[i].type == COLUMN_NUMBER)
			(void)fputs(flow_text(flow, i), stdout);
		else
			print_cell(flow_text(flow, i));
	}
	(void)fputs("\r\n", stdout);
}

/* ---- a table for people ---- */

static void
print_text(struct flow *flow, const char *column, size_t width)
{
	cell_text(flow_text(flow, index_of(column)), width);
}

static bool
is_udp(struct flow *flow)
{
	return strcmp(flow_text(flow, index_of("proto")), "udp") == 0;
}

static void
print_bytes(struct flow *flow, const char *column)
{
	cell_bytes(flow_number(flow, index_of(column)));
}

/* Both ways; what is no flow of UDP has none. */
static void
print_datagrams(struct flow *flow)
{
	if (is_udp(flow))
		cell_bytes(flow_number(flow, index_of("packets_up")) +
			   flow_number(flow, index_of("packets_down")));
	else
		cell_right("-", 7);
}

/* As --since takes it. */
static void
print_time(struct flow *flow)
{
	char text[CLOCK_TEXT_MAX];
	size_t seconds = sizeof("2026-11-22T02:00:00") - 1;

	(void)clock_text(flow_number(flow, index_of("opened")), text);
	text_copy(text + seconds, sizeof(text) - seconds, "Z");
	cell_text(text, seconds + 1);
}

/* The camera's own word for the server; where it has none, the name that it
 * looked up, or asked for by HTTP. */
static void
print_name(struct flow *flow)
{
	static const char *const names[] = {"sni", "looked_up", "host"};
	const char *name = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && name[0] == '\0'; i++)
		name = flow_text(flow, index_of(names[i]));
	cell_text(name, 30);
}

static void
print_server(struct flow *flow)
{
	char text[ADDR_TEXT_MAX * 2];
	const char *addr = flow_text(flow, index_of("dst"));
	bool v6 = strchr(addr, ':') != NULL;

	(void)snprintf(text, sizeof(text), "%s%s%s:%llu%s", v6 ? "[" : "", addr, v6 ? "]" : "",
	    (unsigned long long)flow_number(flow, index_of("port")), is_udp(flow) ? "/udp" : "");
	cell_text(text, 25);
}

/* What it is: the class of payload, with a "?" where it is only probable; else
 * what is spoken. */
static void
print_what(struct flow *flow)
{
	const char *class = flow_text(flow, index_of("class"));
	const char *app = flow_text(flow, index_of("app"));
	bool probable = strcmp(flow_text(flow, index_of("confidence")), "probable") == 0;
	char text[32];

	if (strcmp(class, payload_class_name(PAYLOAD_UNKNOWN)) == 0)
		(void)snprintf(text, sizeof(text), "%s", app);
	else
		(void)snprintf(text, sizeof(text), "%s%s", class, probable ? "?" : "");
	cell_text(text, 12);
}

static void
print_verdict(const struct output *output, struct flow *flow)
{
	const char *verdict = flow_text(flow, index_of("verdict"));
	bool shadow = flow_number(flow, index_of("shadow")) != 0;
	bool blocked = strcmp(verdict, "block") == 0;

	if (output->colour && blocked)
		(void)fputs(shadow ? "\033[33m" : "\033[31m", stdout);
	cell_text(shadow ? "(block)" : verdict, 7);
	if (output->colour && blocked)
		(void)fputs("\033[0m", stdout);
}

static void
print_table_head(void)
{
	(void)puts(
	    "opened (UTC)          device             server name                     "
	    "address                    where    regist.  oper.         up     down   dgrams  "
	    "what          "
	    "verdict  inspected    end                 why");
}

static void
print_row(const struct output *output, struct flow *flow)
{
	print_time(flow);
	print_text(flow, "device", MAC_TEXT_MAX - 1);
	print_name(flow);
	print_server(flow);
	print_text(flow, "located", 7);
	print_text(flow, "registered", 7);
	print_text(flow, "operator", 7);
	print_bytes(flow, "up");
	print_bytes(flow, "down");
	print_datagrams(flow);
	print_what(flow);
	print_verdict(output, flow);
	print_text(flow, "inspect", 11);
	if (flow_is_set(flow, index_of("closed")))
		print_text(flow, "end", 18);
	else
		cell_text("open", 18);
	cell_last(flow_text(flow, index_of("why")));
}

static bool
print_flow(void *context, struct flow *flow)
{
	struct output *output = context;

	output->count++;
	if (output->form == FORM_JSON)
		print_json(output, flow);
	else if (output->form == FORM_CSV)
		print_csv(flow);
	else
		print_row(output, flow);
	return ferror(stdout) == 0;
}

/* ---- reading ---- */

/* Wait until something was stored since `seen`. */
static void
wait_for_change(struct store *store, int64_t *seen)
{
	for (;;) {
		int64_t now = store_change_count(store);

		if (now != *seen) {
			*seen = now;
			return;
		}
		(void)poll(NULL, 0, POLL_MS);
	}
}

static int
follow(struct store *store, struct flows_wish *wish, struct output *output)
{
	int64_t seen = store_change_count(store);
	struct err err = {0};

	wish->since_us = 0; /* what ends from now on, whenever it was opened */
	wish->limit = 0;
	for (;;) {
		uint64_t last = 0;

		if (flows_read(store, wish, print_flow, output, &last, &err) != 0) {
			(void)fprintf(stderr, "borderlens: %s\n", err.text);
			return EXIT_FAILED;
		}
		if (fflush(stdout) != 0)
			return EXIT_FAILED;
		wish->after_event = last;
		wait_for_change(store, &seen);
	}
}

static int
list(struct store *store, struct flows_wish *wish, const struct wish *asked, struct output *output)
{
	struct err err = {0};
	uint64_t last = 0;

	if (output->form == FORM_CSV)
		print_csv_head();
	if (output->form == FORM_TABLE && isatty(STDOUT_FILENO))
		print_table_head();
	if (flows_read(store, wish, print_flow, output, &last, &err) != 0) {
		(void)fprintf(stderr, "borderlens: %s\n", err.text);
		return EXIT_FAILED;
	}
	wish->after_event = last;
	wish->ended_only = true;
	if (asked->follow)
		return follow(store, wish, output);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int
print_columns(void)
{
	for (size_t i = 0; i < column_count; i++)
		(void)printf("%-16s %s\n", columns[i].name, columns[i].help);
	return EXIT_DONE;
}

/* ---- what is asked for ---- */

static int
find_set(const void *arg, const char *text, char *out, size_t size, struct err *err)
{
	return rules_countries(arg, text, out, size, err);
}

/* The device's connections; of them those that its own filter holds for, where
 * there is one. */
static int
add_device(const struct wish *asked, const char *expression, const struct filter_about *about,
    struct filter *filter)
{
	char line[FILTER_TEXT_MAX], name[FACTS_LABEL_MAX];
	struct text text = text_in(line, sizeof(line));
	uint8_t mac[MAC_BYTES];

	text_copy(name, sizeof(name), asked->device);
	/* However it is written. */
	if (mac_parse(asked->device, mac, sizeof(mac)))
		(void)mac_text(mac, name);
	text_add(&text, "(device = \"%s\" or mac = \"%s\" or camera = \"%s\")", name, name, name);
	if (expression[strspn(expression, " \t\r\n")] != '\0')
		text_add(&text, " and (%s)", expression);
	if (strlen(asked->device) < sizeof(name) && strchr(name, '"') == NULL && !text.cut &&
	    filter_parse(filter, line, about, NULL) == 0)
		return -1;
	(void)fputs("borderlens: --device: no camera has such a name, or --filter is too long\n",
	    stderr);
	return EXIT_USAGE;
}

static int
read_filter(const struct wish *asked, const struct filter_about *about, struct filter *filter)
{
	const char *expression = asked->filter != NULL ? asked->filter : "";
	struct err err = {0};

	if (filter_parse(filter, expression, about, &err) != 0) {
		(void)fprintf(stderr, "borderlens: --filter: %s\n", err.text);
		return EXIT_USAGE;
	}
	return asked->device != NULL ? add_device(asked, expression, about, filter) : -1;
}

/* -1: good, else the exit code. */
static int
read_wish(const struct wish *asked, const struct filter_about *about, struct filter *filter,
    struct flows_wish *wish)
{
	struct err err = {0};
	char *end;
	int code = read_filter(asked, about, filter);

	if (code >= 0)
		return code;
	if (asked->since != NULL &&
	    filter_time(asked->since, about->now_us, &wish->since_us, &err) != 0) {
		(void)fprintf(stderr, "borderlens: --since: %s\n", err.text);
		return EXIT_USAGE;
	}
	wish->limit = asked->since != NULL ? 0 : LIMIT_DEFAULT;
	if (asked->limit == NULL)
		return -1;
	errno = 0;
	wish->limit = strtoull(asked->limit, &end, 10);
	if (asked->limit[0] >= '0' && asked->limit[0] <= '9' && *end == '\0' && errno == 0 &&
	    wish->limit <= INT64_MAX)
		return -1;
	(void)fprintf(stderr, "borderlens: --limit: expected a number\n");
	return EXIT_USAGE;
}

static bool
stop_at_first(void *context, struct flow *flow)
{
	bool *any = context;

	(void)flow;
	*any = true;
	return false;
}

/* An empty list may be a slip of the pen. */
static void
warn_of_unknown(struct store *store, const struct wish *asked, const struct filter_about *about)
{
	static struct filter filter;
	struct flows_wish wish = {.filter = &filter, .limit = 1};
	uint64_t last;
	bool any = false;

	if (add_device(asked, "", about, &filter) < 0 &&
	    flows_read(store, &wish, stop_at_first, &any, &last, NULL) == 0 && !any)
		(void)fprintf(stderr,
		    "borderlens: no connection of a camera '%s' was ever recorded\n",
		    asked->device);
}

/* Under the configuration's rule sets. */
static int
run_with(const struct config *config, const struct wish *asked, struct output *output)
{
	static struct filter filter;
	const struct filter_about about = {.now_us = clock_wall_us(),
	    .set = config->rules != NULL ? find_set : NULL,
	    .arg = config->rules};
	struct flows_wish wish = {.filter = &filter};
	struct store *store = NULL;
	int code = read_wish(asked, &about, &filter, &wish);

	if (code < 0)
		code = reading_store(config->state_dir, &store);
	if (code < 0)
		code = list(store, &wish, asked, output);
	if (code == EXIT_DONE && asked->device != NULL && output->count == 0)
		warn_of_unknown(store, asked, &about);
	store_close(store);
	return code;
}

static int
run(const struct wish *asked)
{
	struct output output = {0};
	struct config *config = NULL;
	int code;

	if (asked->columns)
		return print_columns();
	if (asked->json || asked->csv)
		output.form = asked->json ? FORM_JSON : FORM_CSV;
	output.colour = cells_coloured();
	code = reading_config(asked->config, &config);
	if (code < 0)
		code = run_with(config, asked, &output);
	config_free(config);
	jsonw_free(&output.json);
	return code;
}

int
command_flows(int argc, char **argv)
{
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	int code = arguments_read(&arguments, argc, argv, &wish, NULL);

	if (code >= 0)
		return code;
	if (wish.json && wish.csv)
		return arguments_refuse(&arguments, "either --json or --csv");
	return run(&wish);
}
