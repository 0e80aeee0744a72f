/* SPDX-License-Identifier: MIT */
#include "config/setters_private.h"

#include "base/err.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- durations and numbers ---- */

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", UINT64_C(60) * 1000},
    {"h", UINT64_C(3600) * 1000},
    {"d", UINT64_C(86400) * 1000},
    {"w", UINT64_C(7) * 86400 * 1000},
    {"y", UINT64_C(365) * 86400 * 1000},
};
enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* Take a number of at most 9 digits, so that no product of it overflows. */
static bool
take_number(const char **text, uint64_t *out)
{
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 9)
		return false;
	*out = strtoull(*text, NULL, 10);
	*text += digits;
	return true;
}

static bool
parse_duration_ms(const char *text, uint64_t *out)
{
	uint64_t number;

	if (!take_number(&text, &number))
		return false;
	for (size_t i = 0; i < UNITS; i++) {
		if (strcmp(text, units[i].name) == 0) {
			*out = number * units[i].ms;
			return true;
		}
	}
	return false;
}

static void
duration_text(uint64_t ms, char out[OPTION_VALUE_MAX])
{
	size_t unit = UNITS - 3; /* days: nobody reads 3650d faster as 521w */

	while (unit > 0 && (ms == 0 || ms % units[unit].ms != 0))
		unit--;
	(void)snprintf(out, OPTION_VALUE_MAX, "%" PRIu64 "%s", ms / units[unit].ms,
	    units[unit].name);
}

const char *
option_value_text(const struct option *option, uint64_t value, char out[OPTION_VALUE_MAX])
{
	if (option->type == OPTION_MS)
		duration_text(value, out);
	else if (option->type == OPTION_S)
		duration_text(value * 1000, out);
	else if (option->type == OPTION_TLS)
		(void)snprintf(out, OPTION_VALUE_MAX, "\"1.%u\"", (unsigned)(value - 0x0301));
	else
		(void)snprintf(out, OPTION_VALUE_MAX, "%" PRIu64, value);
	return out;
}

static bool
refuse_range(const struct reader *reader, const struct yaml_node *node, const struct option *option,
    uint64_t value)
{
	char min[OPTION_VALUE_MAX], max[OPTION_VALUE_MAX];

	if (value >= option->min && value <= option->max)
		return false;
	reader_error(reader, node, "%s must be from %s to %s, not %.40s", option->path,
	    option_value_text(option, option->min, min),
	    option_value_text(option, option->max, max), node->text);
	return true;
}

static bool
read_number(const struct reader *reader, const struct option *option, const struct yaml_node *node,
    uint64_t *out)
{
	const char *text = reader_text(reader, node);
	const char *at = text;

	if (text == NULL)
		return false;
	if (!take_number(&at, out) || *at != '\0') {
		reader_error(reader, node, "%s must be a number, not '%.40s'", option->path, text);
		return false;
	}
	return !refuse_range(reader, node, option, *out);
}

static bool
set_port(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	uint16_t *port = field;
	uint64_t number;

	if (!read_number(&options->reader, option, node, &number))
		return false;
	*port = (uint16_t)number;
	return true;
}

static bool
set_number(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	uint32_t *out = field;
	uint64_t number;

	if (!read_number(&options->reader, option, node, &number))
		return false;
	*out = (uint32_t)number;
	return true;
}

static bool
set_count_auto(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	unsigned *out = field;

	if (node->kind == YAML_TEXT && strcmp(node->text, "auto") == 0) {
		*out = 0;
		return true;
	}
	return set_number(options, option, node, field);
}

static bool
set_ms(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	const char *text = reader_text(&options->reader, node);
	uint32_t *out = field;
	uint64_t ms;

	if (text == NULL)
		return false;
	if (!parse_duration_ms(text, &ms)) {
		reader_error(&options->reader, node,
		    "%s must be a duration such as 500ms, 10s or 5m, not '%.40s'", option->path,
		    text);
		return false;
	}
	if (refuse_range(&options->reader, node, option, ms))
		return false;
	*out = (uint32_t)ms;
	return true;
}

static bool
set_s(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	const char *text = reader_text(&options->reader, node);
	uint64_t *out = field;
	uint64_t ms;

	if (text == NULL)
		return false;
	if (strcmp(text, "forever") == 0) {
		*out = 0;
		return true;
	}
	if (!parse_duration_ms(text, &ms) || ms % 1000 != 0) {
		reader_error(&options->reader, node,
		    "%s must be a duration such as 12h, 90d or 1y, or forever, not '%.40s'",
		    option->path, text);
		return false;
	}
	if (refuse_range(&options->reader, node, option, ms / 1000))
		return false;
	*out = ms / 1000;
	return true;
}

/* ---- words ---- */

static bool
set_line(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	return reader_line(&options->reader, node, field, option->max + 1);
}

static bool
set_word(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	int word = reader_word(&options->reader, node, option->words, option->max);

	if (word < 0)
		return false;
	if ((uint64_t)word >= option->min) {
		reader_error(&options->reader, node,
		    "%s: %s is not available in this version; %s is", option->path,
		    option->words[word], option->words[0]);
		return false;
	}
	memcpy(field, &word, sizeof(word)); /* an enum, which has the size of an int */
	return true;
}

static bool
set_bool(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	(void)option;
	return reader_bool(&options->reader, node, field);
}

static bool
set_tls(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	static const char *const words[] = {"1.0", "1.1", "1.2", "1.3"};
	int word = reader_word(&options->reader, node, words, 4);
	uint16_t *out = field;

	if (word < 0 || refuse_range(&options->reader, node, option, 0x0301 + (uint64_t)word))
		return false;
	*out = (uint16_t)(0x0301 + word);
	return true;
}

static bool
set_ca(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	bool *automatic = field;

	(void)option;
	if (node->kind != YAML_TEXT || strcmp(node->text, "auto") != 0) {
		reader_error(&options->reader, node,
		    "tls.ca must be auto or {cert: FILE, key: FILE}");
		return false;
	}
	*automatic = true;
	return true;
}

static bool
set_listen(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	const char *text = reader_text(&options->reader, node);
	struct addr addr;
	struct err err;

	if (text == NULL)
		return false;
	if (addr_parse(&addr, text, 0, &err) != 0) {
		reader_error(&options->reader, node, "%s: %s", option->path, err.text);
		return false;
	}
	if (addr.port == 0) {
		reader_error(&options->reader, node, "%s needs a port, as in 127.0.0.1:8480",
		    option->path);
		return false;
	}
	(void)addr_text_port(&addr, field);
	return true;
}

/* Neither "any" (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2) nor a group
 * nor everybody. */
static bool
is_one_host(const struct addr *addr)
{
	static const uint8_t any[sizeof(addr->ip)] = {0};

	if (addr_is_v4(addr))
		return addr->ip[12] != 0 && addr->ip[12] < 224;
	return addr->ip[0] != 0xff && memcmp(addr->ip, any, sizeof(any)) != 0;
}

static bool
set_server(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	const char *text = reader_text(&options->reader, node);
	struct addr addr;
	struct err err;

	if (text == NULL)
		return false;
	if (addr_parse(&addr, text, (uint16_t)option->min, &err) != 0) {
		reader_error(&options->reader, node, "%s: %s", option->path, err.text);
		return false;
	}
	if (addr.port == 0) {
		reader_error(&options->reader, node, "%s: port 0 is none", option->path);
		return false;
	}
	if (!is_one_host(&addr)) {
		reader_error(&options->reader, node, "%s: '%s' is no host's address", option->path,
		    text);
		return false;
	}
	(void)addr_text_port(&addr, field);
	return true;
}

/* ---- lists ---- */

/* Set each element by `one`; elements are `size` bytes apart. */
static bool
set_list(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field, setter *one, size_t size)
{
	const struct yaml_node *element = NULL;
	size_t *count = (size_t *)(void *)((char *)options->config + option->count_at);
	bool good = node->kind != YAML_MAP;

	if (node->kind == YAML_LIST && (node->count < option->min || node->count > option->max)) {
		reader_error(&options->reader, node, "%s must have %u to %u elements, not %zu",
		    option->path, (unsigned)option->min, (unsigned)option->max, node->count);
		return false;
	}
	while ((element = reader_next(&options->reader, node, element)) != NULL) {
		if (one(options, option, element, (char *)field + *count * size))
			(*count)++;
		else
			good = false;
	}
	return good;
}

/* A name that the kernel would take (dev_valid_name in net/core/dev.c) and
 * that needs no quoting in a rule of nftables. */
static bool
set_interface(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	const char *text = reader_text(&options->reader, node);

	if (text == NULL)
		return false;
	if (strlen(text) > 15 || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
	    text[strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@")] != '\0') {
		reader_error(&options->reader, node, "%s: '%.40s' is no interface's name",
		    option->path, text);
		return false;
	}
	text_copy(field, 16, text);
	return true;
}

static bool
set_prefix(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	const char *text = reader_text(&options->reader, node);
	struct err err;

	if (text == NULL)
		return false;
	if (prefix_parse(field, text, &err) != 0) {
		reader_error(&options->reader, node, "%s: %s", option->path, err.text);
		return false;
	}
	return true;
}

/* "203.0.113.7:8883 mqtt.cloud.example" */
static bool
set_name(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	struct server_name *named = field;
	char line[ADDR_TEXT_MAX + sizeof(named->name)];
	struct err err;
	char *name;

	if (!reader_line(&options->reader, node, line, sizeof(line)))
		return false;
	name = strchr(line, ' ');
	if (name == NULL) {
		reader_error(&options->reader, node,
		    "%s: an address and a name are needed, as in \"203.0.113.7 cloud.example\"",
		    option->path);
		return false;
	}
	*name++ = '\0';
	if (addr_parse(&named->addr, line, 0, &err) != 0) {
		reader_error(&options->reader, node, "%s: %s", option->path, err.text);
		return false;
	}
	if (name[0] == '\0' || strlen(name) >= sizeof(named->name) ||
	    name[strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] != '\0') {
		reader_error(&options->reader, node, "%s: '%.40s' is no host's name", option->path,
		    name);
		return false;
	}
	text_copy(named->name, sizeof(named->name), name);
	return true;
}

static bool
set_names(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	return set_list(options, option, node, field, set_name, sizeof(struct server_name));
}

static bool
set_files(struct options_reader *options, const struct option *option, const struct yaml_node *node,
    void *field)
{
	return set_list(options, option, node, field, setter_file, CONFIG_PATH_MAX);
}

static bool
set_tables(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	return set_list(options, option, node, field, setter_table, CONFIG_PATH_MAX);
}

static bool
set_interfaces(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	return set_list(options, option, node, field, set_interface,
	    sizeof(options->config->gateway.cameras[0]));
}

static bool
set_prefixes(struct options_reader *options, const struct option *option,
    const struct yaml_node *node, void *field)
{
	return set_list(options, option, node, field, set_prefix, sizeof(struct prefix));
}

bool
setter_run(struct options_reader *options, const struct option *option,
    const struct yaml_node *node)
{
	static setter *const setters[OPTION_TYPES] = {
	    [OPTION_LINE] = set_line,
	    [OPTION_PATH] = setter_path,
	    [OPTION_FILE] = setter_file,
	    [OPTION_FILES] = set_files,
	    [OPTION_TABLE] = setter_table,
	    [OPTION_TABLES] = set_tables,
	    [OPTION_INTERFACES] = set_interfaces,
	    [OPTION_NAMES] = set_names,
	    [OPTION_PREFIXES] = set_prefixes,
	    [OPTION_WORD] = set_word,
	    [OPTION_BOOL] = set_bool,
	    [OPTION_PORT] = set_port,
	    [OPTION_NUMBER] = set_number,
	    [OPTION_COUNT_AUTO] = set_count_auto,
	    [OPTION_MS] = set_ms,
	    [OPTION_S] = set_s,
	    [OPTION_TLS] = set_tls,
	    [OPTION_CA] = set_ca,
	    [OPTION_STORE] = setter_store,
	    [OPTION_LISTEN] = set_listen,
	    [OPTION_SERVER] = set_server,
	    [OPTION_RULES] = setter_rules,
	    [OPTION_DEVICES] = setter_devices,
	    [OPTION_OVERRIDES] = setter_overrides,
	};

	return setters[option->type](options, option, node, (char *)options->config + option->at);
}
