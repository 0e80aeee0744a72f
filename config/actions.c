/* SPDX-License-Identifier: MIT */
/* What is done where a rule decides, or a set's own line. */
#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>

enum { AMOUNT_DIGITS_MAX = 5 };

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

/* ---- hold: checked; the payload is not looked at yet, so nothing waits for it ---- */

/* "64KB", "3s": a number and its unit, of which the larger is `times` the
 * smaller; told where it is none, or more than `most` of the smaller. */
struct amount {
	const char *larger, *smaller;
	unsigned long times, most;
	const char *wanted;
};

static void
check_amount(const struct reader *reader, const struct yaml_node *node, const struct amount *amount)
{
	const char *text = reader_text(reader, node);
	unsigned long count;
	size_t digits;

	if (text == NULL)
		return;
	digits = strspn(text, "0123456789");
	count = digits > 0 && digits <= AMOUNT_DIGITS_MAX ? strtoul(text, NULL, 10) : 0;
	if (strcmp(text + digits, amount->larger) == 0)
		count *= amount->times;
	else if (strcmp(text + digits, amount->smaller) != 0)
		count = 0;
	if (count == 0 || count > amount->most)
		reader_error(reader, node, "'%.40s' is %s", text, amount->wanted);
}

/* How much of the camera's first bytes wait for the class. */
static void
read_hold_bytes(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const struct amount amount = {"MB", "KB", 1024, 16UL * 1024,
	    "nothing to hold: write 64KB, at most 16MB"};

	(void)into;
	check_amount(reader, node, &amount);
}

/* For how long they wait. */
static void
read_hold_time(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const struct amount amount = {"s", "ms", 1000, 60UL * 1000,
	    "no time to hold: write 3s, at most 60s"};

	(void)into;
	check_amount(reader, node, &amount);
}

/* What becomes of it when the class is not known by then. */
static void
read_hold_unknown(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const char *const words[] = {"allow", "block", "observe"};

	(void)into;
	(void)reader_word(reader, node, words, 3);
}

static const struct field hold_fields[] = {
    {"bytes", true, read_hold_bytes},
    {"time", false, read_hold_time},
    {"unknown", false, read_hold_unknown},
};

/* "64KB", or {bytes: 64KB, time: 3s, unknown: block}. */
void
action_read_hold(const struct reader *reader, const struct yaml_node *node, void *into)
{
	if (node->kind == YAML_MAP)
		reader_fields(reader, node, "hold", hold_fields,
		    sizeof(hold_fields) / sizeof(hold_fields[0]), into);
	else
		read_hold_bytes(reader, node, into);
}
