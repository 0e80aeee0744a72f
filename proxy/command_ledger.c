/* SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/reading.h"
#include "record/ledger.h"
#include "record/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct wish {
	const char *config;
	bool json;
};

static const struct argument option_rows[] = {
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document", 0},
    ARGUMENT_CONFIG(wish, config),
};

static const struct argument_verb verbs[] = {{"verify", 0, 0, NULL}};

static const struct arguments arguments = {
    .command = "ledger",
    .head = "usage: borderlens ledger verify [-c FILE] [--json]\n\n"
	    "Finds out from the files alone, while the appliance runs or without it, whether\n"
	    "the record is whole: no event is missing, altered or doubled, nothing left on a\n"
	    "connection that was not recorded before, and the EVE file is what the store is.\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0 whole, 1 cannot be read, 2 wrong usage, 20 it differs, 78 configuration\n"
	    "error.\n",
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

struct line {
	const char *key, *text;
	uint64_t value;
	bool fault;
};

enum { LINES_MAX = 24 };

static size_t
fill_lines(const struct ledger *ledger, struct line *lines)
{
	const struct line all[] = {
	    {"events", "events", ledger->events, false},
	    {"flows", "connections", ledger->flows, false},
	    {"open", "of these open by the record", ledger->open_flows, false},
	    {"eve_lines", "EVE lines compared", ledger->eve_lines, false},
	    {"eve_older", "EVE lines of an earlier version, not compared", ledger->eve_older,
		false},
	    {"eve_waiting", "events whose lines are not in the EVE file yet", ledger->eve_waiting,
		false},
	    {"waiting", "events that wait in the spools", ledger->waiting, false},
	    {"pruned", "events that retention took", ledger->pruned, false},
	    {"damaged", "events damaged or altered", ledger->damaged, true},
	    {"chain_breaks", "hashes that do not follow", ledger->chain_breaks, true},
	    {"missing", "events missing from the store", ledger->missing_ids, true},
	    {"gaps", "numbers of a worker missing", ledger->gaps, true},
	    {"disorder", "numbers of a worker doubled or out of order", ledger->disorder, true},
	    {"flows_altered", "connections that are not what their events say",
		ledger->flows_altered, true},
	    {"unannounced", "connections on which bytes left unrecorded", ledger->unannounced,
		true},
	    {"eve_missing", "EVE lines missing or altered", ledger->eve_missing, true},
	    {"eve_foreign", "EVE lines that no event has", ledger->eve_foreign, true},
	    {"integrity", "faults that SQLite finds", ledger->integrity, true},
	};

	memcpy(lines, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static void
print_text(const struct ledger *ledger)
{
	struct line lines[LINES_MAX];
	size_t count = fill_lines(ledger, lines);
	char note[4 * LEDGER_NOTE_MAX];

	for (size_t i = 0; i < count; i++) {
		if (!lines[i].fault || lines[i].value > 0)
			(void)printf("%12llu  %s%s\n", (unsigned long long)lines[i].value,
			    lines[i].text, lines[i].fault ? "  <--" : "");
	}
	if (!ledger->has_eve)
		(void)puts("              no EVE file was compared");
	for (size_t i = 0; i < ledger->note_count; i++) {
		struct text safe = text_in(note, sizeof(note));

		text_add_untrusted(&safe, ledger->notes[i], strlen(ledger->notes[i]));
		(void)printf("differs: %s\n", note);
	}
	(void)puts(ledger_is_whole(ledger) ? "the record is whole" : "the record is NOT whole");
}

static int
print_json(const struct ledger *ledger, int code)
{
	struct jsonw json = {0};
	struct line lines[LINES_MAX];
	size_t count = fill_lines(ledger, lines);

	jsonw_open(&json, NULL);
	jsonw_bool(&json, "whole", ledger_is_whole(ledger));
	jsonw_bool(&json, "eve_compared", ledger->has_eve);
	for (size_t i = 0; i < count; i++)
		jsonw_number(&json, lines[i].key, lines[i].value);
	jsonw_open_array(&json, "differs");
	for (size_t i = 0; i < ledger->note_count; i++)
		jsonw_string(&json, NULL, ledger->notes[i]);
	jsonw_close_array(&json);
	jsonw_close(&json);
	return answer_print(&json, code);
}

static int
verify(const char *config, bool json)
{
	static struct ledger ledger;
	struct reading reading;
	struct ledger_files files;
	struct store *store = NULL;
	struct err err = {0};
	int code = reading_find(&reading, config);

	/* The ledger opens the files by itself; before the first start there are none. */
	if (code < 0)
		code = reading_store(reading.state_dir, &store);
	store_close(store);
	if (code >= 0)
		return code;
	files = (struct ledger_files){reading.state_dir, reading.run_dir, reading.eve};
	if (ledger_verify(&files, &ledger, &err) != 0) {
		(void)fprintf(stderr, "borderlens: %s\n", err.text);
		return EXIT_FAILED;
	}
	code = ledger_is_whole(&ledger) ? EXIT_DONE : EXIT_DIFFERENCES;
	if (json)
		return print_json(&ledger, code);
	print_text(&ledger);
	return code;
}

int
command_ledger(int argc, char **argv)
{
	struct wish wish = {.config = COMMAND_CONFIG_DEFAULT};
	int code = arguments_read(&arguments, argc, argv, &wish, NULL);

	return code >= 0 ? code : verify(wish.config, wish.json);
}
