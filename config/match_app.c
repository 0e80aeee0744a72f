/* SPDX-License-Identifier: MIT */
/* The keys that are about the protocol that is spoken, by whoever looks at what is
 * sent: inside TLS where that was opened. */
#include "config/match_private.h"

#include <string.h>

static bool
knows_app(const struct facts *facts)
{
	return facts->app.proto != APP_NONE;
}

static bool
parse_app(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const char *names[APP_COUNT - 1];

	(void)set;
	for (enum app_proto proto = APP_UNKNOWN; proto < APP_COUNT; proto++)
		names[proto - 1] = app_proto_name(proto);
	if (match_refuse_empty(reader, node))
		return false;
	return match_read_words(reader, node, names, APP_COUNT - 1, &condition->value.words_set);
}
_Static_assert(APP_COUNT <= 33, "a bit for each protocol");

static bool
test_app(const struct condition *condition, const struct asked *asked)
{
	return (condition->value.words_set & 1U << (asked->facts->app.proto - 1)) != 0;
}

static void
tell_app(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", app_proto_name(facts->app.proto));
}

static bool
test_opaque_inner(const struct condition *condition, const struct asked *asked)
{
	return asked->facts->app.opaque_inner == condition->value.wanted;
}

static void
tell_opaque_inner(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", facts->app.opaque_inner ? "true" : "false");
}

/* Where no name was sent, or no host was told, there is nothing to compare. */
static bool
knows_host(const struct facts *facts)
{
	return facts->app.host[0] != '\0' && facts->hello.sni[0] != '\0';
}

static bool
test_host_mismatch(const struct condition *condition, const struct asked *asked)
{
	return asked->facts->app.host_mismatch == condition->value.wanted;
}

static void
tell_host_mismatch(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "asks ");
	text_add_untrusted(out, facts->hello.sni, strlen(facts->hello.sni));
	text_add(out, " for ");
	text_add_untrusted(out, facts->app.host, strlen(facts->app.host));
}

const struct match_key match_app = {
    .name = "app",
    .value = "http, mqtt, unknown",
    .meaning = "this protocol is spoken, inside TLS where that is opened",
    .stage = VERDICT_PAYLOAD,
    .parse = parse_app,
    .known = knows_app,
    .test = test_app,
    .tell = tell_app,
};
const struct match_key match_opaque_inner = {
    .name = "opaque_inner",
    .value = "true",
    .meaning = "it carries what cannot be looked into: TLS inside, CONNECT, a tunnel",
    .stage = VERDICT_PAYLOAD,
    .parse = match_parse_wanted,
    .known = knows_app,
    .test = test_opaque_inner,
    .tell = tell_opaque_inner,
};
const struct match_key match_host_mismatch = {
    .name = "host_mismatch",
    .value = "true",
    .meaning = "the host that is asked for is another than the server name of the hello",
    .stage = VERDICT_PAYLOAD,
    .parse = match_parse_wanted,
    .known = knows_host,
    .test = test_host_mismatch,
    .tell = tell_host_mismatch,
};
