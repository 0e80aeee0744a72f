/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "config/config.h"
#include "config/problems.h"
#include "geo/geo.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/geo_lookup.h"
#include "proxy/geo_update.h"
#include "proxy/load.h"

#include <stdio.h>

/*
 * A database older than this is warned of: addresses move between countries
 * every week, and MaxMind and DB-IP publish at least monthly.  Who owns a
 * network changes more slowly, and our tables come with a release.
 */
enum { DATABASE_OLD_DAYS = 30, TABLE_OLD_DAYS = 365, DAY_S = 86400, US_PER_S = 1000000 };

struct request {
	const char *config, *sni, *account;
	bool json;
};

enum { LOOKUP = 0, STATUS, UPDATE };

static const struct argument option_rows[] = {
    {"sni", 0, "NAME", ARGUMENT_TEXT, offsetof(struct request, sni),
	"a server name, to find the vendor by", 1U << LOOKUP},
    {"account", 0, "FILE", ARGUMENT_TEXT, offsetof(struct request, account),
	"geoipupdate's configuration (" GEO_UPDATE_ACCOUNT "), for databases\n"
	"that are not the default data",
	1U << UPDATE},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct request, json), "one JSON document", 0},
    ARGUMENT_CONFIG(request, config),
};

static const struct argument_verb verbs[] = {[LOOKUP] = {"lookup", 1, 1, "one address"},
    [STATUS] = {"status", 0, 0, NULL},
    [UPDATE] = {"update", 0, 0, NULL}};

static const struct arguments arguments = {
    .command = "geo",
    .head = "usage: borderlens geo lookup IP [--sni NAME] [-c FILE] [--json]\n"
	    "       borderlens geo status [-c FILE] [--json]\n"
	    "       borderlens geo update [--account FILE] [-c FILE] [--json]\n\n"
	    "  lookup  what is known of an address, and on what it rests: the databases\n"
	    "          with their build dates, the rows of the tables, the overrides\n"
	    "  status  the files: what each answers, its date, its size.  Warns of\n"
	    "          databases older than 30 days, and of tables older than a year\n"
	    "  update  brings the newest databases, checks them, puts them in place and has\n"
	    "          the appliance take them.  Says which destinations of the last 30 days\n"
	    "          would be judged differently.  What was there stays when anything fails\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0 (with warnings too, and when nothing is newer), 1 the update failed, 2 wrong\n"
	    "usage, 78 configuration error.\n",
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

/* ---- status ---- */

/* When a file was made; 0: it does not say. */
static uint64_t
made_s(const struct geo_status *status)
{
	return status->build_s != 0 ? status->build_s : status->as_of_s;
}

static uint64_t
age_days(const struct geo_status *status)
{
	uint64_t now_s = clock_wall_us() / US_PER_S;

	return now_s > made_s(status) ? (now_s - made_s(status)) / DAY_S : 0;
}

static uint64_t
old_days(const struct geo_status *status)
{
	return status->build_s != 0 ? DATABASE_OLD_DAYS : TABLE_OLD_DAYS;
}

static bool
is_old(const struct geo_status *status)
{
	return made_s(status) != 0 && age_days(status) > old_days(status);
}

static void
print_status(const struct geo_status *status)
{
	(void)printf("%s\n  answers  %s\n", status->name, status->role);
	if (status->build_s != 0)
		(void)printf("  type     %s\n", status->type);
	if (made_s(status) != 0) {
		char date[CLOCK_TEXT_MAX];

		(void)printf("  %s    %s, %llu days ago\n",
		    status->build_s != 0 ? "built" : "as of",
		    clock_date(made_s(status) * US_PER_S, date),
		    (unsigned long long)age_days(status));
	}
	(void)printf("  %-8s %llu\n", status->build_s != 0 ? "networks" : "rows",
	    (unsigned long long)status->entries);
	if (status->attribution[0] != '\0')
		(void)printf("  %s\n", status->attribution);
	if (is_old(status)) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "warning: %s is %llu days old (more than %llu)\n",
		    status->name, (unsigned long long)age_days(status),
		    (unsigned long long)old_days(status));
	}
}

static void
json_status(struct jsonw *json, const struct geo_status *status)
{
	jsonw_open(json, NULL);
	jsonw_string(json, "name", status->name);
	jsonw_string(json, "role", status->role);
	jsonw_string(json, "type", status->type);
	if (made_s(status) != 0) {
		char date[CLOCK_TEXT_MAX];

		jsonw_string(json, status->build_s != 0 ? "built" : "as_of",
		    clock_date(made_s(status) * US_PER_S, date));
		jsonw_number(json, "age_days", age_days(status));
		jsonw_bool(json, "old", is_old(status));
	}
	jsonw_number(json, "entries", status->entries);
	jsonw_string(json, "attribution", status->attribution);
	jsonw_close(json);
}

static int
run_status(const struct request *request, const struct geo *geo)
{
	struct geo_status status[GEO_STATUS_MAX];
	size_t count = geo_status(geo, status, GEO_STATUS_MAX);
	struct jsonw json = {0};

	if (!request->json) {
		for (size_t i = 0; i < count; i++)
			print_status(&status[i]);
		return EXIT_DONE;
	}
	jsonw_open(&json, NULL);
	jsonw_open_array(&json, "databases");
	for (size_t i = 0; i < count; i++)
		json_status(&json, &status[i]);
	jsonw_close_array(&json);
	jsonw_close(&json);
	return answer_print(&json, EXIT_DONE);
}

/* ---- lookup ---- */

static int
run_lookup(const struct request *request, const struct geo_lookup *lookup)
{
	struct jsonw json = {0};

	if (!request->json) {
		geo_lookup_print(lookup);
		return EXIT_DONE;
	}
	geo_lookup_json(lookup, &json);
	return answer_print(&json, EXIT_DONE);
}

/* ---- the commands ---- */

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
	if (geo != NULL && addr != NULL)
		ret = run_lookup(request, &(struct geo_lookup){.geo = geo,
					      .overrides = loaded.config->geo.overrides,
					      .addr = *addr,
					      .sni = request->sni});
	else if (geo != NULL)
		ret = run_status(request, geo);
	geo_close(geo);
	loaded_close(&loaded);
	problems_free(&problems);
	return ret;
}

int
command_geo(int argc, char **argv)
{
	struct request request = {.config = COMMAND_CONFIG_DEFAULT, .account = GEO_UPDATE_ACCOUNT};
	struct argument_words words;
	struct err err = {0};
	struct addr addr;
	int code = arguments_read(&arguments, argc, argv, &request, &words);

	if (code >= 0)
		return code;
	if (words.verb == UPDATE)
		return geo_update(&(struct geo_update){.config = request.config,
		    .account = request.account,
		    .json = request.json});
	if (words.verb == STATUS)
		return run_with_geo(&request, NULL);
	if (addr_parse(&addr, words.at[0], 0, &err) != 0)
		return arguments_refuse(&arguments, "%s", err.text);
	return run_with_geo(&request, &addr);
}
