/* SPDX-License-Identifier: MIT */
/* What is done where a rule decides, or a set's own line. */
#include "config/match_private.h"

#include <string.h>

void
action_read_then(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const char *const words[] = {"allow", "block", "observe", "limit"};
	static const enum result results[] = {RESULT_ALLOW, RESULT_BLOCK, RESULT_OBSERVE,
	    RESULT_LIMIT};
	const struct draft *draft = into;
	int word;

	if (draft->rule == NULL && node->kind == YAML_TEXT && strcmp(node->text, "limit") == 0) {
		reader_error(reader, node,
		    "'limit' needs a budget: write a rule with 'bytes' in its match");
		return;
	}
	word = reader_word(reader, node, words, draft->rule != NULL ? 4 : 3);
	if (word < 0)
		return;
	draft->action->result = results[word];
	if (draft->action->result == RESULT_LIMIT &&
	    !group_asks_for(&draft->rule->match, &match_bytes))
		reader_error(reader, node, "'limit' needs a budget: 'bytes' in the rule's match");
}

void
action_read_why(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;

	(void)reader_line(reader, node, draft->action->why, sizeof(draft->action->why));
}

void
action_read_how(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;
	const char *words[] = {how_name(HOW_RESET), how_name(HOW_REFUSE), how_name(HOW_DROP)};
	int word = reader_word(reader, node, words, 3);

	if (word < 0)
		return;
	if (draft->action->result != RESULT_BLOCK)
		reader_error(reader, node->key,
		    "'how' says how a block is done: here nothing is blocked");
	draft->action->how = (enum how)word;
}

void
action_read_log(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;
	const char *words[] = {detail_name(DETAIL_FULL), detail_name(DETAIL_META),
	    detail_name(DETAIL_COUNT)};
	int word = reader_word(reader, node, words, 3);

	if (word >= 0)
		draft->action->detail = (enum detail)word;
}

void
action_read_alert(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;
	const char *words[] = {severity_name(SEVERITY_INFO), severity_name(SEVERITY_MEDIUM),
	    severity_name(SEVERITY_HIGH)};
	int word = reader_word(reader, node, words, 3);

	if (word >= 0)
		draft->action->severity = SEVERITY_INFO + (enum severity)word;
}

/* What becomes of a server whose certificate is not good. */
void
action_read_servers(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const char *const words[] = {"accept", "mirror", "block"};
	const struct draft *draft = into;
	int word = reader_word(reader, node, words, 3);

	if (word < 0)
		return;
	if (draft->action->result == RESULT_BLOCK)
		reader_error(reader, node->key,
		    "'servers' says what becomes of a bad server: this rule blocks all of them");
	draft->action->servers = SERVERS_ACCEPT + (enum servers)word;
}

/* How fast a limit lets it go on. */
void
action_read_rate(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const struct unit units[] = {{"B/s", 1}, {"KB/s", 1 << 10}, {"MB/s", 1 << 20}, {0}};
	static const struct amount amount = {units, UINT64_C(1) << 30,
	    "no rate: write 16KB/s (B/s, KB/s or MB/s, at most 1024MB/s)"};
	const struct draft *draft = into;
	uint64_t rate = 0;

	if (draft->action->result != RESULT_LIMIT)
		reader_error(reader, node->key,
		    "'rate' says how fast a limit lets it go on: here nothing is limited");
	if (amount_read(reader, node, &amount, &rate))
		draft->action->rate = (uint32_t)rate;
}

/* ---- hold ---- */

/* How much of the camera's first bytes wait for what is sent to be known. */
static void
read_hold_bytes(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const struct unit units[] = {{"KB", 1 << 10}, {"MB", 1 << 20}, {0}};
	static const struct amount amount = {units, HOLD_BYTES_MAX,
	    "nothing to hold: write 64KB, at most 16MB, or none"};
	const struct draft *draft = into;
	uint64_t bytes = 0;

	if (amount_read(reader, node, &amount, &bytes))
		draft->action->hold_bytes = (uint32_t)bytes;
}

/* For how long they wait. */
static void
read_hold_time(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const struct unit units[] = {{"ms", 1}, {"s", 1000}, {0}};
	static const struct amount amount = {units, 60UL * 1000,
	    "no time to hold: write 3s, at most 60s"};
	const struct draft *draft = into;
	uint64_t time = 0;

	if (amount_read(reader, node, &amount, &time))
		draft->action->hold_ms = (uint32_t)time;
}

/* What becomes of it when the class is not known by then. */
static void
read_hold_unknown(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const char *const words[] = {"allow", "block", "observe"};
	static const enum result results[] = {RESULT_ALLOW, RESULT_BLOCK, RESULT_OBSERVE};
	const struct draft *draft = into;
	int word = reader_word(reader, node, words, 3);

	if (word < 0)
		return;
	draft->action->hold_decides = true;
	draft->action->hold_unknown = results[word];
}

static const struct field hold_fields[] = {
    {"bytes", true, read_hold_bytes},
    {"time", false, read_hold_time},
    {"unknown", false, read_hold_unknown},
};

/* "64KB", "none", or {bytes: 64KB, time: 3s, unknown: block}. */
void
action_read_hold(const struct reader *reader, const struct yaml_node *node, void *into)
{
	const struct draft *draft = into;

	draft->action->hold_written = true;
	draft->action->hold_ms = HOLD_MS;
	if (node->kind == YAML_MAP)
		reader_fields(reader, node, "hold", hold_fields,
		    sizeof(hold_fields) / sizeof(hold_fields[0]), into);
	else if (node->kind != YAML_TEXT || strcmp(node->text, "none") != 0)
		read_hold_bytes(reader, node, into);
}
