/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "config/config.h"
#include "config/devices.h"
#include "config/oui.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/cells.h"
#include "proxy/devices_change.h"
#include "proxy/learned.h"
#include "proxy/load.h"
#include "proxy/reading.h"
#include "proxy/roster.h"
#include "record/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct wish {
	const char *config;
	bool json;
};

static const struct argument rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document",
	1 << 0 | 1 << 1},
    ARGUMENT_CONFIG(wish, config),
};

enum { VERB_LIST = 0, VERB_SHOW, VERB_RENAME, VERB_FORGET };

static const struct argument_verb verbs[] = {
    [VERB_LIST] = {"list", 0, 0, "no words"},
    [VERB_SHOW] = {"show", 1, 1, "one device: its name, MAC or address"},
    [VERB_RENAME] = {"rename", 2, 2, "two words: a device and its new name"},
    [VERB_FORGET] = {"forget", 1, 1, "one device: its name, MAC or address"},
};

static const struct arguments arguments = {
    .command = "devices",
    .head = "usage: borderlens devices list [-c FILE] [--json]\n"
	    "       borderlens devices show NAME|MAC|IP [-c FILE] [--json]\n"
	    "       borderlens devices rename NAME|MAC|IP NEW [-c FILE]\n"
	    "       borderlens devices forget NAME|MAC|IP [-c FILE]\n\n"
	    "The cameras: those that devices.yaml names, and whoever was seen on the cameras'\n"
	    "interfaces, who appear by themselves.\n\n"
	    "  list    one a line: name, maker of the card, where and when it was seen, what it\n"
	    "          sent, and whether it takes the appliance's certificate\n"
	    "  show    one, with its addresses, its destinations, and conflicts\n"
	    "  rename  give one a name; it is kept in the record, and never in /etc.  A name\n"
	    "          of devices.yaml is refused: change it there.  The running appliance is\n"
	    "          asked to take it over: connections from then on have the new name\n"
	    "  forget  what was learned of one: its name, its addresses, its conflicts.  Its\n"
	    "          connections stay as long as record.keep says; who is still there\n"
	    "          appears anew with its next connection, or within two hours\n",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
    .tail = "Exit: 0, 1 no such device or the record cannot be read or written, 2 wrong usage,\n"
	    "78 configuration error.\n",
};

/* What every verb looks at. */
struct view {
	struct config *config;
	struct source *source;
	struct oui *makers;
	struct store *store;
	struct roster roster;
};

/* ---- reading ---- */

static int
open_config(struct view *view, const char *path)
{
	struct problems problems = {0};

	view->source = source_from_disk();
	if (view->source != NULL)
		view->config = config_load(path, view->source, &problems);
	if (view->config != NULL)
		learned_put(view->config, view->source, &problems);
	if (view->config == NULL)
		problems_print(&problems);
	problems_free(&problems);
	return view->config != NULL ? -1 : EXIT_CONFIG;
}

/* -1: good, else the exit code, the reason said. */
static int
open_view(struct view *view, const char *path)
{
	struct err err = {0};
	int code = open_config(view, path);

	if (code < 0)
		code = reading_store(view->config->state_dir, &view->store);
	if (code >= 0)
		return code;
	view->makers = oui_open(OUI_FILE, NULL);
	if (roster_read(&view->roster, view->store, view->config->devices, view->makers, &err) == 0)
		return -1;
	(void)fprintf(stderr, "borderlens: %s\n", err.text);
	return EXIT_FAILED;
}

static void
close_view(struct view *view)
{
	roster_clear(&view->roster);
	store_close(view->store);
	oui_free(view->makers);
	config_free(view->config);
	source_free(view->source);
}

static const struct roster_device *
find_device(const struct view *view, const char *text)
{
	const struct roster_device *found = roster_find(&view->roster, text);
	char line[256];
	struct text shown = text_in(line, sizeof(line));

	if (found != NULL)
		return found;
	text_add_untrusted(&shown, text, strlen(text));
	(void)fprintf(stderr,
	    "borderlens: there is no device \"%s\"; `borderlens devices list` has all\n", line);
	return NULL;
}

/* ---- words ---- */

static const char *
tls_word(uint64_t ok, uint64_t refused)
{
	if (ok > 0 && refused > 0)
		return "in part";
	return ok > 0 ? "accepts" : refused > 0 ? "refuses" : "";
}

static void
cell_time(uint64_t wall_us)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm = {0};
	char text[32] = "";

	if (wall_us != 0 && localtime_r(&seconds, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	cell_text(text, 16);
}

static const char *
mac_word(const uint8_t mac[MAC_BYTES], char out[MAC_TEXT_MAX])
{
	out[0] = '\0';
	return mac_is_set(mac) ? mac_text(mac, out) : out;
}

/* Who gave the name: devices.yaml:4, learned, or "" nobody. */
static const char *
named_by(const struct view *view, const struct roster_device *device, char *out, size_t size)
{
	struct text text = text_in(out, size);

	if (device->device != NULL && device->device->line > 0)
		text_add(&text, "%s:%u", devices_file(view->config->devices), device->device->line);
	else if (device->device != NULL)
		text_add(&text, "learned");
	return out;
}

/* ---- list ---- */

static void
print_device(const struct roster_device *device)
{
	char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX] = "", count[24];

	cell_text(device->name, 20);
	cell_text(device->maker, 24);
	if (device->place_count > 0)
		(void)addr_text(&device->places[0].addr, ip);
	cell_text(ip, 15);
	cell_text(mac_word(device->mac, mac), 17);
	cell_text(device->place_count > 0 ? device->places[0].iface : "", 8);
	cell_time(device->first_us);
	cell_time(device->last_us);
	(void)snprintf(count, sizeof(count), "%llu", (unsigned long long)device->flows);
	cell_right(count, 7);
	cell_bytes(device->up);
	cell_bytes(device->down);
	cell_text(tls_word(device->ok, device->refused + device->passed), 7);
	cell_last(device->conflicts > 0 ? "conflict" : "");
}

static void
json_device(struct jsonw *json, const struct view *view, const struct roster_device *device)
{
	char by[CONFIG_PATH_MAX + 16], mac[MAC_TEXT_MAX], text[CLOCK_TEXT_MAX];

	jsonw_string(json, "name", device->name);
	jsonw_string(json, "named_by", named_by(view, device, by, sizeof(by)));
	jsonw_string(json, "group", device->group);
	jsonw_string(json, "maker", device->maker[0] != '\0' ? device->maker : "unknown");
	jsonw_string(json, "mac", mac_word(device->mac, mac));
	jsonw_open_array(json, "seen");
	for (size_t i = 0; i < device->place_count; i++) {
		const struct roster_place *place = &device->places[i];
		char ip[ADDR_TEXT_MAX];

		jsonw_open(json, NULL);
		jsonw_string(json, "iface", place->iface);
		jsonw_string(json, "mac", mac_word(place->mac, mac));
		jsonw_string(json, "ip", addr_text(&place->addr, ip));
		jsonw_string(json, "first", clock_text(place->first_us, text));
		jsonw_string(json, "last", clock_text(place->last_us, text));
		jsonw_close(json);
	}
	jsonw_close_array(json);
	jsonw_number(json, "flows", device->flows);
	jsonw_number(json, "blocked", device->blocked);
	jsonw_number(json, "up", device->up);
	jsonw_number(json, "down", device->down);
	jsonw_number(json, "left_up", device->left_up);
	jsonw_open(json, "camera_tls");
	jsonw_number(json, "accepted", device->ok);
	jsonw_number(json, "refused", device->refused);
	jsonw_number(json, "passed", device->passed);
	jsonw_close(json);
	jsonw_number(json, "conflicts", device->conflicts);
}

static int
list_devices(const struct view *view, bool as_json)
{
	struct jsonw json = {0};

	if (!as_json) {
		(void)puts("name                  maker                     address          "
			   "mac                iface     first seen        last seen           "
			   "conns       up     down  tls");
		for (size_t i = 0; i < view->roster.count; i++)
			print_device(&view->roster.list[i]);
		return EXIT_DONE;
	}
	jsonw_open(&json, NULL);
	jsonw_open_array(&json, "devices");
	for (size_t i = 0; i < view->roster.count; i++) {
		jsonw_open(&json, NULL);
		json_device(&json, view, &view->roster.list[i]);
		jsonw_close(&json);
	}
	jsonw_close_array(&json);
	jsonw_close(&json);
	return answer_print(&json, EXIT_DONE);
}

/* ---- show ---- */

struct showing {
	const struct view *view;
	const struct roster_device *device;
	bool as_json;
	struct jsonw json;
	size_t count;
};

static bool
is_shown(const struct showing *showing, const struct addr *addr, const uint8_t mac[MAC_BYTES])
{
	char name[FACTS_LABEL_MAX];

	return strcmp(roster_name(showing->view->config->devices, addr, mac, name),
		   showing->device->name) == 0;
}

static void
print_destination(struct showing *showing, const struct device_flow *flow)
{
	char ip[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX + 8], count[24];

	if (showing->count++ == 0)
		(void)puts(
		    "\ndestination                               address                     "
		    "where    conns       up     down   left up  verdict  certificate  last");
	cell_text(flow->sni[0] != '\0' ? flow->sni : flow->looked_up, 40);
	(void)snprintf(to, sizeof(to), "%s%s", addr_text_port(&flow->dst, ip),
	    flow->transport == TRANSPORT_UDP ? "/udp" : "");
	cell_text(to, 26);
	cell_text(flow->located, 7);
	(void)snprintf(count, sizeof(count), "%llu", (unsigned long long)flow->flows);
	cell_right(count, 5);
	cell_bytes(flow->up);
	cell_bytes(flow->down);
	cell_bytes(flow->left_up);
	cell_text(flow->verdict, 7);
	cell_text(flow->camera_verdict, 11);
	cell_time(flow->last_us);
	cell_last("");
}

static void
json_destination(struct jsonw *json, const struct device_flow *flow)
{
	char text[CLOCK_TEXT_MAX], ip[ADDR_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "sni", flow->sni);
	jsonw_string(json, "looked_up", flow->looked_up);
	jsonw_string(json, "proto", flow->transport == TRANSPORT_UDP ? "udp" : "tcp");
	jsonw_string(json, "ip", addr_text(&flow->dst, ip));
	jsonw_number(json, "port", flow->dst.port);
	jsonw_string(json, "located", flow->located);
	jsonw_number(json, "flows", flow->flows);
	jsonw_number(json, "blocked", flow->blocked);
	jsonw_number(json, "up", flow->up);
	jsonw_number(json, "down", flow->down);
	jsonw_number(json, "left_up", flow->left_up);
	jsonw_string(json, "verdict", flow->verdict);
	jsonw_string(json, "last", clock_text(flow->last_us, text));
	jsonw_open(json, "camera_tls");
	jsonw_string(json, "verdict", flow->camera_verdict);
	jsonw_number(json, "ok", flow->ok);
	jsonw_number(json, "rejected", flow->rejected);
	jsonw_number(json, "probable", flow->probable);
	jsonw_number(json, "passed", flow->passed);
	if (flow->refused_us != 0)
		jsonw_string(json, "refused", clock_text(flow->refused_us, text));
	jsonw_close(json);
	jsonw_close(json);
}

static bool
show_flow(void *context, const struct device_flow *flow)
{
	struct showing *showing = context;

	if (!is_shown(showing, &flow->camera, flow->mac))
		return true;
	if (showing->as_json)
		json_destination(&showing->json, flow);
	else
		print_destination(showing, flow);
	return true;
}

static bool
show_conflict(void *context, const struct store_conflict *conflict)
{
	struct showing *showing = context;
	char text[CLOCK_TEXT_MAX];
	uint8_t mac[MAC_BYTES] = {0};
	struct addr addr;

	(void)mac_parse(conflict->mac, mac, sizeof(mac));
	if (addr_parse(&addr, conflict->ip, 0, NULL) != 0 || !is_shown(showing, &addr, mac))
		return true;
	if (!showing->as_json) {
		if (showing->count++ == 0)
			(void)puts("\nconflicts");
		cell_time(conflict->wall_us);
		cell_text(conflict->kind, 14);
		cell_last(conflict->text);
		return true;
	}
	jsonw_open(&showing->json, NULL);
	jsonw_string(&showing->json, "time", clock_text(conflict->wall_us, text));
	jsonw_string(&showing->json, "kind", conflict->kind);
	jsonw_string(&showing->json, "ip", conflict->ip);
	jsonw_string(&showing->json, "mac", conflict->mac);
	jsonw_string(&showing->json, "iface", conflict->iface);
	jsonw_string(&showing->json, "text", conflict->text);
	jsonw_close(&showing->json);
	return true;
}

static void
print_places(const struct roster_device *device)
{
	if (device->place_count == 0) {
		(void)puts("\nit was never seen");
		return;
	}
	(void)puts("\niface     mac                address                                  "
		   "first seen        last seen");
	for (size_t i = 0; i < device->place_count; i++) {
		const struct roster_place *place = &device->places[i];
		char mac[MAC_TEXT_MAX], ip[ADDR_TEXT_MAX];

		cell_text(place->iface, 8);
		cell_text(mac_word(place->mac, mac), 17);
		cell_text(addr_text(&place->addr, ip), 39);
		cell_time(place->first_us);
		cell_time(place->last_us);
		cell_last("");
	}
}

static void
print_head(const struct view *view, const struct roster_device *device)
{
	char by[CONFIG_PATH_MAX + 16];

	(void)printf("%s", device->name);
	if (named_by(view, device, by, sizeof(by))[0] != '\0')
		(void)printf("  (%s)", by);
	(void)printf("\n  group %s, made by %s\n",
	    device->group[0] != '\0' ? device->group : "none",
	    device->maker[0] != '\0' ? device->maker : "nobody that is known");
	(void)printf("  %llu connections, %llu blocked; %llu bytes up, %llu down, %llu left\n",
	    (unsigned long long)device->flows, (unsigned long long)device->blocked,
	    (unsigned long long)device->up, (unsigned long long)device->down,
	    (unsigned long long)device->left_up);
	if (device->ok + device->refused + device->passed > 0)
		(void)printf("  our certificate: taken %llu times, refused %llu times; passed "
			     "because of that %llu times\n",
		    (unsigned long long)device->ok, (unsigned long long)device->refused,
		    (unsigned long long)device->passed);
}

static int
read_failed(const struct err *err)
{
	(void)fprintf(stderr, "borderlens: %s\n", err->text);
	return EXIT_FAILED;
}

static int
show_text(struct showing *showing)
{
	struct err err = {0};

	print_head(showing->view, showing->device);
	print_places(showing->device);
	if (device_flows_read(showing->view->store, show_flow, showing, &err) != 0)
		return read_failed(&err);
	showing->count = 0;
	if (store_conflicts(showing->view->store, show_conflict, showing, &err) != 0)
		return read_failed(&err);
	return EXIT_DONE;
}

static int
show_json(struct showing *showing)
{
	struct jsonw *json = &showing->json;
	struct err err = {0};

	jsonw_open(json, NULL);
	json_device(json, showing->view, showing->device);
	jsonw_open_array(json, "destinations");
	if (device_flows_read(showing->view->store, show_flow, showing, &err) != 0)
		goto fail;
	jsonw_close_array(json);
	jsonw_open_array(json, "conflicting");
	if (store_conflicts(showing->view->store, show_conflict, showing, &err) != 0)
		goto fail;
	jsonw_close_array(json);
	jsonw_close(json);
	return answer_print(json, EXIT_DONE);
fail:
	jsonw_free(json);
	return read_failed(&err);
}

static int
show_device(const struct view *view, const char *text, bool as_json)
{
	struct showing showing = {.view = view,
	    .device = find_device(view, text),
	    .as_json = as_json};

	if (showing.device == NULL)
		return EXIT_FAILED;
	return as_json ? show_json(&showing) : show_text(&showing);
}

static int
change_device(const struct view *view, const struct argument_words *words)
{
	const struct roster_device *device = find_device(view, words->at[0]);

	if (device == NULL)
		return EXIT_FAILED;
	if (words->verb == VERB_RENAME)
		return device_rename(view->config, device, words->at[1]);
	return device_forget(view->config, device);
}

int
command_devices(int argc, char **argv)
{
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	struct argument_words words;
	struct view view = {0};
	int code = arguments_read(&arguments, argc, argv, &wish, &words);

	if (code >= 0)
		return code;
	code = open_view(&view, wish.config);
	if (code < 0 && words.verb == VERB_LIST)
		code = list_devices(&view, wish.json);
	else if (code < 0 && words.verb == VERB_SHOW)
		code = show_device(&view, words.at[0], wish.json);
	else if (code < 0)
		code = change_device(&view, &words);
	close_view(&view);
	return code;
}
