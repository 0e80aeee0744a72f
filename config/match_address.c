/* SPDX-License-Identifier: MIT */
/* The keys that are about the destination itself. */
#include "base/err.h"
#include "config/match_private.h"

#include <stdlib.h>
#include <string.h>

static bool
read_prefix(const struct reader *reader, const struct yaml_node *node, void *out)
{
	const char *text = reader_text(reader, node);
	struct err err;

	if (text == NULL)
		return false;
	if (prefix_parse(out, text, &err) == 0)
		return true;
	reader_error(reader, node, "%s", err.text);
	return false;
}

static bool
parse_ip(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	bool good = match_read_list(reader, node, read_prefix, sizeof(struct prefix), condition,
	    &condition->value.prefixes.count);

	(void)set;
	condition->value.prefixes.list = condition->owned;
	return good;
}

static bool
test_ip(const struct condition *condition, const struct asked *asked)
{
	for (size_t i = 0; i < condition->value.prefixes.count; i++) {
		const struct prefix *prefix = &condition->value.prefixes.list[i];

		/* No spelling of an address hides it from a rule. */
		if (prefix_holds(prefix, asked->facts->dst.ip) ||
		    prefix_holds(prefix, asked->facts->inner.ip))
			return true;
	}
	return false;
}

static void
tell_ip(const struct condition *condition, const struct facts *facts, struct text *out)
{
	char text[ADDR_TEXT_MAX];

	(void)condition;
	text_add(out, "%s", addr_text(&facts->dst, text));
}

/* Take a port from the front of text; 0 when there is none. */
static unsigned
take_port(const char **text)
{
	unsigned long port = 0;
	size_t digits = strspn(*text, "0123456789");

	if (digits == 0 || digits > 5)
		return 0;
	port = strtoul(*text, NULL, 10);
	*text += digits;
	return port <= UINT16_MAX ? (unsigned)port : 0;
}

static bool
read_ports(const struct reader *reader, const struct yaml_node *node, void *out)
{
	const char *text = reader_text(reader, node);
	const char *at = text;
	struct port_range *range = out;
	unsigned first, last;

	if (text == NULL)
		return false;
	first = last = take_port(&at);
	if (first != 0 && *at == '-') {
		at++;
		last = take_port(&at);
	}
	if (first == 0 || last < first || *at != '\0') {
		reader_error(reader, node,
		    "'%.40s' is no port: write 443 or \"8000-8100\" (1 to 65535)", text);
		return false;
	}
	*range = (struct port_range){(uint16_t)first, (uint16_t)last};
	return true;
}

static bool
parse_port(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	bool good = match_read_list(reader, node, read_ports, sizeof(struct port_range), condition,
	    &condition->value.ports.count);

	(void)set;
	condition->value.ports.list = condition->owned;
	return good;
}

static bool
test_port(const struct condition *condition, const struct asked *asked)
{
	uint16_t port = asked->facts->dst.port;

	for (size_t i = 0; i < condition->value.ports.count; i++) {
		const struct port_range *range = &condition->value.ports.list[i];

		if (port >= range->first && port <= range->last)
			return true;
	}
	return false;
}

static void
tell_port(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%u", facts->dst.port);
}

static const char *const transports[] = {"tcp", "udp"};

static bool
parse_proto(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	(void)set;
	return match_read_words(reader, node, transports, 2, &condition->value.words_set);
}

static bool
test_proto(const struct condition *condition, const struct asked *asked)
{
	return (condition->value.words_set & 1U << asked->facts->transport) != 0;
}

static void
tell_proto(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", transports[facts->transport]);
}

static bool
parse_asn(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	bool good;

	if (match_refuse_empty(reader, node))
		return false;
	good = sets_read_networks(reader, set, node, &condition->value.networks);
	condition->owned = condition->value.networks.list;
	return good;
}

static bool
test_asn(const struct condition *condition, const struct asked *asked)
{
	uint32_t asn = asked->facts->place.asn;

	return asn == 0 ? asked_doubts(asked) : network_set_has(&condition->value.networks, asn);
}

static void
tell_asn(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	if (facts->place.asn == 0)
		text_add(out, "unknown");
	else
		text_add(out, "AS%u", facts->place.asn);
}

const struct match_key match_ip = {
    .name = "ip",
    .value = "IP, IP/BITS",
    .meaning = "the destination lies in the block",
    .stage = VERDICT_ADDRESS,
    .parse = parse_ip,
    .test = test_ip,
    .tell = tell_ip,
};
const struct match_key match_port = {
    .name = "port",
    .value = "443, \"8000-8100\"",
    .meaning = "the destination's port",
    .stage = VERDICT_ADDRESS,
    .parse = parse_port,
    .test = test_port,
    .tell = tell_port,
};
const struct match_key match_proto = {
    .name = "proto",
    .value = "tcp, udp",
    .meaning = "the transport",
    .stage = VERDICT_ADDRESS,
    .parse = parse_proto,
    .test = test_proto,
    .tell = tell_proto,
};
const struct match_key match_asn = {
    .name = "asn",
    .value = "16509, AS16509, \"@set\"",
    .meaning = "the destination's network",
    .stage = VERDICT_ADDRESS,
    .parse = parse_asn,
    .test = test_asn,
    .tell = tell_asn,
};
