/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "proxy/reload.h"
#include "proxy/supervisor_private.h"

#include <string.h>
#include <unistd.h>

enum { LATE_MS = 5000, MS_PER_S = 1000, SECONDS_PER_HOUR = 3600, SECONDS_PER_MINUTE = 60 };

uint64_t
status_beat(const struct supervisor *supervisor, const struct child *child)
{
	const struct board *board = supervisor->board;

	if (child->role == ROLE_WORKER)
		return atomic_load(&board->worker[child->index].beat_ms);
	if (child->role == ROLE_BROKER)
		return atomic_load(&board->broker_beat_ms);
	return child->role == ROLE_SIGNER ? atomic_load(&board->signer_beat_ms)
					  : atomic_load(&board->recorder_beat_ms);
}

static uint64_t
beat_age_ms(const struct supervisor *supervisor, const struct child *child)
{
	uint64_t beat_ms = status_beat(supervisor, child), now_ms = clock_mono_ms();

	return now_ms > beat_ms ? now_ms - beat_ms : 0;
}

static const char *
state_name(const struct supervisor *supervisor)
{
	if (supervisor->draining)
		return "draining";
	return supervisor->ready ? "running" : "starting";
}

void
status_problems(const struct supervisor *supervisor, struct text *out)
{
	char name[CHILD_NAME_MAX];

	if (supervisor->draining || !supervisor->ready)
		text_add(out, "%s\n", state_name(supervisor));
	for (size_t i = 0; i < supervisor->child_count; i++) {
		const struct child *child = &supervisor->children[i];

		(void)child_name(child, name);
		if (child->pid == 0)
			text_add(out, "%s does not run\n", name);
		else if (status_beat(supervisor, child) == 0)
			text_add(out, "%s has not begun to serve\n", name);
		else if (beat_age_ms(supervisor, child) > LATE_MS)
			text_add(out, "%s has not been heard of for %llu s\n", name,
			    (unsigned long long)beat_age_ms(supervisor, child) / MS_PER_S);
	}
	if (atomic_load(&supervisor->board->rules_changed) != 0)
		text_add(out, "the kernel's rules are not ours: cameras may pass\n");
	if (atomic_load(&supervisor->board->recorder_full) != 0)
		text_add(out, "the store takes nothing: is its disk full?\n");
}

/* ---- for programs ---- */

static void
write_worker(const struct board_worker *row, struct jsonw *json)
{
	jsonw_number(json, "generation", atomic_load(&row->generation));
	jsonw_number(json, "reload_us", atomic_load(&row->reload_us));
	jsonw_number(json, "accepted", atomic_load(&row->accepted));
	jsonw_number(json, "open", atomic_load(&row->open));
	jsonw_number(json, "waiting", atomic_load(&row->waiting));
	jsonw_number(json, "blocked", atomic_load(&row->blocked));
	jsonw_number(json, "unrecordable", atomic_load(&row->unrecordable));
	jsonw_number(json, "overload", atomic_load(&row->overload));
	jsonw_number(json, "leaves_asked", atomic_load(&row->asked));
	jsonw_number(json, "up", atomic_load(&row->up));
	jsonw_number(json, "down", atomic_load(&row->down));
}

static void
write_child(const struct supervisor *supervisor, const struct child *child, struct jsonw *json)
{
	jsonw_open(json, NULL);
	jsonw_string(json, "role", role_name(child->role));
	if (child->role == ROLE_WORKER)
		jsonw_number(json, "worker", child->index);
	jsonw_number(json, "pid", (uint64_t)child->pid);
	jsonw_number(json, "deaths", child->deaths);
	if (status_beat(supervisor, child) == 0)
		jsonw_null(json, "beat_age_ms");
	else
		jsonw_number(json, "beat_age_ms", beat_age_ms(supervisor, child));
	if (child->role == ROLE_WORKER)
		write_worker(&supervisor->board->worker[child->index], json);
	if (child->role == ROLE_SIGNER)
		jsonw_number(json, "minted", atomic_load(&supervisor->board->minted));
	if (child->role == ROLE_RECORDER) {
		jsonw_number(json, "recorded", atomic_load(&supervisor->board->recorded));
		jsonw_bool(json, "full", atomic_load(&supervisor->board->recorder_full) != 0);
	}
	jsonw_close(json);
}

static void
write_gateway(const struct supervisor *supervisor, struct jsonw *json)
{
	const struct config *config = supervisor->config;
	uint64_t changed_us = atomic_load(&supervisor->board->rules_changed_us);

	jsonw_open(json, "gateway");
	jsonw_string(json, "mode", config->gateway.mode == GATEWAY_TPROXY ? "tproxy" : "redirect");
	jsonw_bool(json, "manage", config->gateway.manage);
	jsonw_number(json, "listen", config->gateway.listen_port);
	jsonw_open_array(json, "cameras");
	for (size_t i = 0; i < config->gateway.cameras_count; i++)
		jsonw_string(json, NULL, config->gateway.cameras[i]);
	jsonw_close_array(json);
	jsonw_number(json, "rules_changes", atomic_load(&supervisor->board->rules_changes));
	if (changed_us != 0) {
		char date[CLOCK_TEXT_MAX];

		jsonw_string(json, "rules_changed", clock_text(changed_us, date));
	}
	jsonw_close(json);
}

static void
write_problems(const struct supervisor *supervisor, struct jsonw *json)
{
	char problems[4096];
	struct text text = text_in(problems, sizeof(problems));
	char *line, *rest = problems;

	status_problems(supervisor, &text);
	jsonw_bool(json, "healthy", text.used == 0);
	jsonw_open_array(json, "problems");
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (line[0] != '\0')
			jsonw_string(json, NULL, line);
	}
	jsonw_close_array(json);
}

static void
write_loaded(const struct supervisor *supervisor, struct jsonw *json)
{
	const struct outcome *last = reload_last(supervisor->reload);
	char date[CLOCK_TEXT_MAX];

	jsonw_number(json, "generation", supervisor->generation);
	jsonw_string(json, "loaded", clock_text(supervisor->loaded_us, date));
	if (last->result == OUTCOME_NONE) {
		jsonw_null(json, "reload");
		return;
	}
	jsonw_open(json, "reload");
	outcome_json(last, json);
	jsonw_close(json);
}

static void
answer_json(const struct supervisor *supervisor, struct text *out)
{
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	jsonw_string(&json, "version", BORDERLENS_VERSION);
	jsonw_string(&json, "site", supervisor->config->site);
	jsonw_string(&json, "config", supervisor->config->path);
	jsonw_string(&json, "state", state_name(supervisor));
	write_problems(supervisor, &json);
	jsonw_number(&json, "pid", (uint64_t)getpid());
	jsonw_number(&json, "epoch", supervisor->epoch);
	jsonw_number(&json, "uptime_s", (clock_mono_ms() - supervisor->started_ms) / MS_PER_S);
	write_gateway(supervisor, &json);
	write_loaded(supervisor, &json);
	jsonw_open_array(&json, "roles");
	for (size_t i = 0; i < supervisor->child_count; i++)
		write_child(supervisor, &supervisor->children[i], &json);
	jsonw_close_array(&json);
	jsonw_close(&json);
	if (!json.failed)
		text_add(out, "%s\n", json.at);
	jsonw_free(&json);
}

/* ---- for people ---- */

static void
write_uptime(const struct supervisor *supervisor, struct text *out)
{
	uint64_t s = (clock_mono_ms() - supervisor->started_ms) / MS_PER_S;

	text_add(out, "%llu h %02llu min %02llu s", (unsigned long long)(s / SECONDS_PER_HOUR),
	    (unsigned long long)(s % SECONDS_PER_HOUR / SECONDS_PER_MINUTE),
	    (unsigned long long)(s % SECONDS_PER_MINUTE));
}

static void
write_row(const struct supervisor *supervisor, const struct child *child, struct text *out)
{
	const struct board_worker *row = &supervisor->board->worker[child->index];
	char name[CHILD_NAME_MAX], beat[32] = "-";
	struct text text = text_in(beat, sizeof(beat));

	if (child->pid != 0 && status_beat(supervisor, child) != 0)
		text_add(&text, "%.1f s", (double)beat_age_ms(supervisor, child) / MS_PER_S);
	text_add(out, "  %-10s %7d %7s %7u", child_name(child, name), (int)child->pid, beat,
	    child->deaths);
	if (child->role == ROLE_WORKER)
		text_add(out, " %9llu %6llu %7llu %8llu %7llu %13llu %13llu",
		    (unsigned long long)atomic_load(&row->accepted),
		    (unsigned long long)atomic_load(&row->open),
		    (unsigned long long)atomic_load(&row->waiting),
		    (unsigned long long)atomic_load(&row->blocked),
		    (unsigned long long)(atomic_load(&row->unrecordable) +
					 atomic_load(&row->overload)),
		    (unsigned long long)atomic_load(&row->up),
		    (unsigned long long)atomic_load(&row->down));
	if (child->role == ROLE_SIGNER)
		text_add(out, "   %llu leaves made",
		    (unsigned long long)atomic_load(&supervisor->board->minted));
	if (child->role == ROLE_RECORDER)
		text_add(out, "   %llu events stored",
		    (unsigned long long)atomic_load(&supervisor->board->recorded));
	text_add(out, "\n");
}

static void
write_last_reload(const struct supervisor *supervisor, struct text *out)
{
	const struct outcome *last = reload_last(supervisor->reload);
	char date[CLOCK_TEXT_MAX];

	text_add(out, "configuration generation %llu, since %s\n",
	    (unsigned long long)supervisor->generation, clock_text(supervisor->loaded_us, date));
	if (last->result == OUTCOME_NONE || last->result == OUTCOME_RELOADED)
		return;
	text_add(out, "last reload %s, %s: ", outcome_name(last->result),
	    clock_text(last->wall_us, date));
	outcome_first(last, out);
	if (last->problems.errors > 1)
		text_add(out, " (and %zu more)", last->problems.errors - 1);
	text_add(out, "\n");
}

static void
write_changes(const struct board *board, struct text *out)
{
	uint64_t changes = atomic_load(&board->rules_changes);
	char date[CLOCK_TEXT_MAX];

	if (changes == 0)
		return;
	text_add(out,
	    "somebody changed the kernel's rules %llu times, last at %s: they were loaded anew\n",
	    (unsigned long long)changes, clock_text(atomic_load(&board->rules_changed_us), date));
}

static void
answer_text(const struct supervisor *supervisor, struct text *out)
{
	const struct config *config = supervisor->config;
	size_t before;

	text_add(out, "Borderlens " BORDERLENS_VERSION ", site ");
	text_add_untrusted(out, config->site, strlen(config->site));
	text_add(out, ", %s for ", state_name(supervisor));
	write_uptime(supervisor, out);
	text_add(out, "\n%s on port %u, cameras on",
	    config->gateway.mode == GATEWAY_TPROXY ? "tproxy" : "redirect",
	    (unsigned)config->gateway.listen_port);
	for (size_t i = 0; i < config->gateway.cameras_count; i++)
		text_add(out, "%s %s", i > 0 ? "," : "", config->gateway.cameras[i]);
	text_add(out, "%s\n", config->gateway.manage ? "" : " (rules are somebody else's)");
	write_changes(supervisor->board, out);
	write_last_reload(supervisor, out);
	text_add(out, "\n");
	text_add(out, "  %-10s %7s %7s %7s %9s %6s %7s %8s %7s %13s %13s\n", "role", "pid", "beat",
	    "deaths", "accepted", "open", "waiting", "blocked", "refused", "bytes up",
	    "bytes down");
	for (size_t i = 0; i < supervisor->child_count; i++)
		write_row(supervisor, &supervisor->children[i], out);
	text_add(out, "\n");
	before = out->used;
	status_problems(supervisor, out);
	if (out->used == before)
		text_add(out, "healthy\n");
}

static void
answer_health(const struct supervisor *supervisor, struct text *out)
{
	status_problems(supervisor, out);
	if (out->used == 0)
		text_add(out, "healthy\n");
}

/* ---- reloading ---- */

void
status_reloaded(const char *word, const struct outcome *outcome, struct text *out)
{
	struct jsonw json = {0};

	if (strcmp(word, "reload-json") != 0) {
		outcome_text(outcome, out);
		return;
	}
	jsonw_open(&json, NULL);
	outcome_json(outcome, &json);
	jsonw_close(&json);
	if (!json.failed)
		text_add(out, "%s\n", json.at);
	jsonw_free(&json);
}

static uint64_t
answer_reload(struct supervisor *supervisor, const char *word, struct text *out)
{
	const struct outcome ends = {.result = OUTCOME_FAILED,
	    .generation = supervisor->generation,
	    .why = "the appliance ends"};

	if (!supervisor->draining)
		return reload_ask(supervisor);
	status_reloaded(word, &ends, out);
	return 0;
}

uint64_t
status_answer(const char *word, struct text *out, void *supervisor)
{
	if (strcmp(word, "reload") == 0 || strcmp(word, "reload-json") == 0)
		return answer_reload(supervisor, word, out);
	if (strcmp(word, "status") == 0)
		answer_text(supervisor, out);
	else if (strcmp(word, "json") == 0)
		answer_json(supervisor, out);
	else if (strcmp(word, "health") == 0)
		answer_health(supervisor, out);
	else
		text_add(out, "the words are: status json health reload reload-json\n");
	return 0;
}
