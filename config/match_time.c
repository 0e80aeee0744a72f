/* SPDX-License-Identifier: MIT */
/* The key `time`: when the connection was opened. */
#include "config/match_private.h"
#include "config/problems.h"

#include <string.h>

enum { DAY_MIN = 24 * 60, DAYS = 7, ALL_DAYS = 0x7f };

static const char *const day_names[DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static int
day_of(const char *text, size_t size)
{
	for (int i = 0; i < DAYS; i++) {
		if (size == 3 && memcmp(text, day_names[i], 3) == 0)
			return i;
	}
	return -1;
}

/* "fri", or "mon-fri"; "sat-mon" goes round. */
static void
read_days(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct time_window *time = into;
	const struct yaml_node *element = NULL;

	if (match_refuse_empty(reader, node))
		return;
	time->days = 0;
	while ((element = reader_next(reader, node, element)) != NULL) {
		size_t size = strcspn(element->text, "-");
		const char *end = element->text[size] == '-' ? element->text + size + 1 : NULL;
		int day = day_of(element->text, size);
		int last = end != NULL ? day_of(end, strlen(end)) : day;

		if (day < 0 || last < 0) {
			reader_error(reader, element,
			    "'%.40s' is no day: write mon, tue ... or mon-fri", element->text);
			continue;
		}
		for (; day != last; day = (day + 1) % DAYS)
			time->days |= 1U << day;
		time->days |= 1U << last;
	}
}

static bool
is_digit(char sign)
{
	return sign >= '0' && sign <= '9';
}

/* "22:30"; "24:00" is the day's end. -1: it is none. */
static int
minutes_of(const char *text)
{
	int minutes;

	if (strlen(text) != 5 || text[2] != ':' || !is_digit(text[0]) || !is_digit(text[1]) ||
	    !is_digit(text[3]) || !is_digit(text[4]) || text[3] > '5')
		return -1;
	minutes =
	    ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + (text[4] - '0');
	return minutes <= DAY_MIN ? minutes : -1;
}

static void
read_minutes(const struct reader *reader, const struct yaml_node *node, uint16_t *out)
{
	const char *text = reader_text(reader, node);
	int minutes;

	if (text == NULL)
		return;
	minutes = minutes_of(text);
	if (minutes < 0)
		reader_error(reader, node, "'%.40s' is no time of day: write \"22:30\"", text);
	else
		*out = (uint16_t)minutes;
}

static void
read_from(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct time_window *time = into;

	read_minutes(reader, node, &time->from_min);
}

static void
read_to(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct time_window *time = into;

	read_minutes(reader, node, &time->to_min);
}

/* site, UTC, or "+02:00".  A region's name would need its table of rules at
 * every worker, and the site's clock has one already. */
static void
read_zone(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct time_window *time = into;
	const char *text = reader_text(reader, node);
	int minutes;

	if (text == NULL || strcmp(text, "site") == 0)
		return;
	minutes = text[0] == '+' || text[0] == '-' ? minutes_of(text + 1) : -1;
	if (strcmp(text, "UTC") == 0)
		minutes = 0;
	if (minutes < 0 || minutes > 14 * 60) {
		reader_error(reader, node, "'%.40s' is no zone: write site, UTC or \"+02:00\"",
		    text);
		return;
	}
	time->site = false;
	time->offset_s = (text[0] == '-' ? -60 : 60) * minutes;
}

static const struct field time_fields[] = {
    {"days", false, read_days},
    {"from", false, read_from},
    {"to", false, read_to},
    {"tz", false, read_zone},
};

static bool
parse_time(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	struct time_window *time = &condition->value.time;
	size_t errors = reader->problems->errors;

	(void)set;
	*time = (struct time_window){.days = ALL_DAYS, .to_min = DAY_MIN, .site = true};
	reader_fields(reader, node, "time", time_fields,
	    sizeof(time_fields) / sizeof(time_fields[0]), time);
	if (reader->problems->errors != errors)
		return false;
	if (yaml_child(node, "days") == NULL && yaml_child(node, "from") == NULL &&
	    yaml_child(node, "to") == NULL)
		reader_error(reader, node, "time needs one of days, from and to");
	else if (time->from_min == time->to_min)
		reader_error(reader, node, "from and to are the same: the rule could never match");
	return reader->problems->errors == errors;
}

static bool
knows_time(const struct facts *facts)
{
	return facts->opened_wall_us != 0;
}

/* The minute of its week, Monday's first being 0. */
static unsigned
minute_of_week(const struct time_window *time, const struct facts *facts)
{
	enum { WEEK_MIN = DAYS * DAY_MIN, THURSDAY = 3 }; /* 1970-01-01 */
	int64_t seconds = (int64_t)(facts->opened_wall_us / 1000000) +
			  (time->site ? facts->utc_offset_s : time->offset_s);
	int64_t minutes = seconds / 60 - (seconds % 60 < 0 ? 1 : 0) + (int64_t)THURSDAY * DAY_MIN;

	return (unsigned)(((minutes % WEEK_MIN) + WEEK_MIN) % WEEK_MIN);
}

static bool
test_time(const struct condition *condition, const struct asked *asked)
{
	const struct time_window *time = &condition->value.time;
	unsigned minute = minute_of_week(time, asked->facts);
	unsigned today = minute / DAY_MIN, yesterday = (today + DAYS - 1) % DAYS;
	unsigned now = minute % DAY_MIN;
	bool over_night = time->to_min < time->from_min;

	if ((time->days & 1U << today) != 0 && now >= time->from_min &&
	    (over_night || now < time->to_min))
		return true;
	return over_night && (time->days & 1U << yesterday) != 0 && now < time->to_min;
}

static void
tell_time(const struct condition *condition, const struct facts *facts, struct text *out)
{
	unsigned minute = minute_of_week(&condition->value.time, facts);

	text_add(out, "%s %02u:%02u", day_names[minute / DAY_MIN], minute % DAY_MIN / 60,
	    minute % 60);
}

const struct match_key match_time = {
    .name = "time",
    .value = "{days: [mon-fri], from: \"22:00\", to: \"06:00\", tz: site}",
    .meaning = "it was opened then; the days are those that the window begins on",
    .stage = VERDICT_ADDRESS,
    .parse = parse_time,
    .known = knows_time,
    .at_lookup = knows_time,
    .test = test_time,
    .tell = tell_time,
};
