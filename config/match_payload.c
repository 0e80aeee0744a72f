/* SPDX-License-Identifier: MIT */
/* The keys that are about what is sent: its class, its direction, how much. */
#include "config/match_private.h"
#include "config/problems.h"

static const char *const confidences[] = {"probable", "identified"};
static const char *const directions[] = {"up", "down"};

static bool
parse_class(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const char *names[PAYLOAD_COUNT - 1];

	(void)set;
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++)
		names[class - 1] = payload_class_name(class);
	if (match_refuse_empty(reader, node))
		return false;
	return match_read_words(reader, node, names, PAYLOAD_COUNT - 1,
	    &condition->value.words_set);
}

/* How sure it is that a class was seen, in the directions that are asked for. */
static enum confidence
seen(const struct asked *asked, enum payload_class class)
{
	const struct payload_facts *payload = &asked->facts->payload;
	unsigned ways = asked->directions != 0 ? asked->directions : ~0U;
	uint8_t best = 0;

	if ((ways & 1U << DIRECTION_UP) != 0)
		best = payload->seen_up[class];
	if ((ways & 1U << DIRECTION_DOWN) != 0 && payload->seen_down[class] > best)
		best = payload->seen_down[class];
	if (payload->class == class && (ways & 1U << payload->direction) != 0 &&
	    payload->confidence > best)
		best = (uint8_t)payload->confidence;
	return (enum confidence)best;
}

static bool
knows_class(const struct facts *facts)
{
	return facts->payload.class != PAYLOAD_UNKNOWN;
}

/* By one class of these in a rule that blocks; else by all that were seen. */
static bool
test_class(const struct condition *condition, const struct asked *asked)
{
	bool any = false;

	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		bool listed = (condition->value.words_set & 1U << (class - 1)) != 0;
		enum confidence sure = seen(asked, class);

		if (sure == CONFIDENCE_NONE)
			continue;
		listed = listed && sure >= asked->confidence;
		if (listed && asked->strict)
			return true;
		if (!listed && !asked->strict)
			return false;
		any = any || listed;
	}
	return any;
}

static void
tell_class(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", payload_class_name(facts->payload.class));
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		if (class != facts->payload.class &&
		    (facts->payload.seen_up[class] != 0 || facts->payload.seen_down[class] != 0))
			text_add(out, ", %s", payload_class_name(class));
	}
}

static bool
parse_confidence(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition)
{
	int word = reader_word(reader, node, confidences, 2);

	(void)set;
	condition->value.words_set = word == 1 ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE;
	return word >= 0;
}

/* Beside a class it is about that class; alone, about any. */
static bool
test_confidence(const struct condition *condition, const struct asked *asked)
{
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		if (seen(asked, class) >= condition->value.words_set)
			return true;
	}
	return false;
}

static void
tell_confidence(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s",
	    facts->payload.confidence == CONFIDENCE_NONE
		? "none"
		: confidences[facts->payload.confidence - 1]);
}

static bool
parse_direction(const struct reader *reader, const struct ruleset *set,
    const struct yaml_node *node, struct condition *condition)
{
	(void)set;
	if (match_refuse_empty(reader, node))
		return false;
	return match_read_words(reader, node, directions, 2, &condition->value.words_set);
}

static bool
knows_direction(const struct facts *facts)
{
	return facts->payload.direction != DIRECTION_UNKNOWN;
}

static bool
test_direction(const struct condition *condition, const struct asked *asked)
{
	(void)condition;
	for (enum payload_class class = PAYLOAD_VIDEO; class < PAYLOAD_COUNT; class ++) {
		if (seen(asked, class) != CONFIDENCE_NONE)
			return true;
	}
	return false;
}

static void
tell_direction(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", directions[facts->payload.direction - 1]);
}

/* ---- bytes ---- */

/* How many, so that a count of them fits where it is kept (proxy/budget.h). */
static void
read_up_over(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const struct unit units[] = {{"B", 1}, {"KB", UINT64_C(1) << 10},
	    {"MB", UINT64_C(1) << 20}, {"GB", UINT64_C(1) << 30}, {"TB", UINT64_C(1) << 40}, {0}};
	static const struct amount amount = {units, UINT64_C(100) << 40,
	    "no amount: write 50MB (B, KB, MB, GB or TB, at most 100TB)"};
	struct condition *condition = into;

	(void)amount_read(reader, node, &amount, &condition->value.budget.up_over);
}

/* A week begins on a Monday; 1970-01-01 was a Thursday. */
static void
read_per(const struct reader *reader, const struct yaml_node *node, void *into)
{
	enum { MINUTE = 60, HOUR = 3600, DAY = 86400, WEEK = 7 * DAY };
	static const struct unit units[] = {{"m", MINUTE}, {"h", HOUR}, {"d", DAY}, {"w", WEEK},
	    {0}};
	static const struct amount amount = {units, UINT64_C(366) * DAY,
	    "no amount: write 1h (m, h, d or w, at most 366d)"};
	struct condition *condition = into;
	uint64_t per = 0;

	if (!amount_read(reader, node, &amount, &per))
		return;
	condition->value.budget.per_s = (uint32_t)per;
	condition->value.budget.shift_s = per % WEEK == 0 ? 3 * DAY : 0;
}

static void
read_by(const struct reader *reader, const struct yaml_node *node, void *into)
{
	static const char *const whose[] = {"device", "destination"};
	struct condition *condition = into;

	condition->value.budget.by_device = reader_word(reader, node, whose, 2) == 0;
}

static const struct field bytes_fields[] = {
    {"up_over", true, read_up_over},
    {"per", true, read_per},
    {"by", true, read_by},
};

static bool
parse_bytes(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	size_t errors = reader->problems->errors;

	(void)set;
	reader_fields(reader, node, "bytes", bytes_fields, 3, condition);
	return reader->problems->errors == errors;
}

static bool
knows_bytes(const struct facts *facts)
{
	return facts->budgeted;
}

static bool
test_bytes(const struct condition *condition, const struct asked *asked)
{
	return (asked->facts->budgets_over >> condition->value.budget.index & 1) != 0;
}

static void
tell_bytes(const struct condition *condition, const struct facts *facts, struct text *out)
{
	bool over = (facts->budgets_over >> condition->value.budget.index & 1) != 0;

	text_add(out, "%s", over ? "over" : "not over");
}

const struct match_key match_class = {
    .name = "class",
    .value = "video, image, audio, telemetry, firmware, control, opaque, metadata, credentials",
    .meaning = "of what is sent something is of this kind; in a rule that lets through, all",
    .stage = VERDICT_PAYLOAD,
    .by_message = true,
    .parse = parse_class,
    .known = knows_class,
    .test = test_class,
    .tell = tell_class,
};
const struct match_key match_confidence = {
    .name = "confidence",
    .value = "probable, identified",
    .meaning = "the kind is at least so sure",
    .stage = VERDICT_PAYLOAD,
    .by_message = true,
    .parse = parse_confidence,
    .known = knows_class,
    .test = test_confidence,
    .tell = tell_confidence,
};
const struct match_key match_direction = {
    .name = "direction",
    .value = "up, down",
    .meaning = "it goes this way; up: from the camera",
    .stage = VERDICT_PAYLOAD,
    .by_message = true,
    .parse = parse_direction,
    .known = knows_direction,
    .test = test_direction,
    .tell = tell_direction,
};
const struct match_key match_bytes = {
    .name = "bytes",
    .value = "{up_over: 50MB, per: 1h, by: device}",
    .meaning = "more than this was sent up, by this camera or to this destination",
    .stage = VERDICT_PAYLOAD,
    .parse = parse_bytes,
    .known = knows_bytes,
    .test = test_bytes,
    .tell = tell_bytes,
};
