/* SPDX-License-Identifier: MIT */
/* The keys that are about how the connection is served: what is known last. */
#include "config/match_private.h"
#include "config/problems.h"

/* ---- tls ---- */

static void
read_version(const struct reader *reader, const struct yaml_node *node, uint16_t *out)
{
	static const char *const versions[] = {"1.0", "1.1", "1.2", "1.3"};
	int version = reader_word(reader, node, versions, 4);

	if (version >= 0)
		*out = (uint16_t)(0x0301 + version);
}

static void
read_min(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct tls_wanted *wanted = into;

	read_version(reader, node, &wanted->min);
}

static void
read_max(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct tls_wanted *wanted = into;

	read_version(reader, node, &wanted->max);
	if (wanted->max != 0 && wanted->max < wanted->min)
		reader_error(reader, node, "max is below min: the rule could never match");
}

static void
read_verified(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct tls_wanted *wanted = into;

	wanted->asks_verified = reader_bool(reader, node, &wanted->verified);
}

static void
read_errors(const struct reader *reader, const struct yaml_node *node, void *into)
{
	struct tls_wanted *wanted = into;
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(UINT32_MAX, names);

	if (!match_refuse_empty(reader, node))
		(void)match_read_words(reader, node, names, count, &wanted->errors);
}

static const struct field tls_fields[] = {
    {"min", false, read_min},
    {"max", false, read_max},
    {"verified", false, read_verified},
    {"errors", false, read_errors},
};

static bool
parse_tls(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	size_t errors = reader->problems->errors;

	(void)set;
	if (node->kind == YAML_MAP && node->count == 0)
		reader_error(reader, node, "tls needs one of min, max, verified and errors");
	reader_fields(reader, node, "tls", tls_fields, sizeof(tls_fields) / sizeof(tls_fields[0]),
	    &condition->value.tls);
	return reader->problems->errors == errors;
}

/* What is forwarded undecrypted has no TLS of ours that could be looked at. */
static bool
knows_tls(const struct facts *facts)
{
	return facts->server.handshake_done || facts->server.verified || facts->server.errors != 0;
}

static bool
test_tls(const struct condition *condition, const struct asked *asked)
{
	const struct tls_wanted *wanted = &condition->value.tls;
	const struct server_facts *server = &asked->facts->server;

	if (wanted->min != 0 && server->version < wanted->min)
		return false;
	if (wanted->max != 0 && (server->version == 0 || server->version > wanted->max))
		return false;
	if (wanted->asks_verified && wanted->verified != server->verified)
		return false;
	return wanted->errors == 0 || (wanted->errors & server->errors) != 0;
}

static void
tell_tls(const struct condition *condition, const struct facts *facts, struct text *out)
{
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(facts->server.errors, names);

	(void)condition;
	text_add(out, "%s, %s", tls_version_name(facts->server.version),
	    facts->server.verified ? "verified" : "not verified");
	for (size_t i = 0; i < count; i++)
		text_add(out, "%s%s", i == 0 ? ": " : ", ", names[i]);
}

/* ---- inspect ---- */

/* How a connection ended is no fact that a rule could wait for. */
static void
warn_of_ends(const struct reader *reader, const struct yaml_node *node, uint32_t values)
{
	static const enum inspect ends[] = {INSPECT_REFUSED, INSPECT_REJECTED, INSPECT_UNDECODABLE};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if ((values & 1U << ends[i]) != 0)
			reader_warning(reader, node,
			    "'%s' is known when a connection has ended: a rule is asked before",
			    inspect_name(ends[i]));
	}
}

static bool
parse_inspect(const struct reader *reader, const struct ruleset *set, const struct yaml_node *node,
    struct condition *condition)
{
	const char *names[INSPECT_UNDECODABLE + 1];

	(void)set;
	if (match_refuse_empty(reader, node))
		return false;
	for (enum inspect value = INSPECT_NONE; value <= INSPECT_UNDECODABLE; value++)
		names[value] = inspect_name(value);
	/* The first is no value that is written. */
	if (!match_read_words(reader, node, names + 1, INSPECT_UNDECODABLE,
		&condition->value.words_set))
		return false;
	condition->value.words_set <<= 1;
	warn_of_ends(reader, node, condition->value.words_set);
	return true;
}

static bool
test_inspect(const struct condition *condition, const struct asked *asked)
{
	return (condition->value.words_set & 1U << asked->facts->inspect) != 0;
}

static void
tell_inspect(const struct condition *condition, const struct facts *facts, struct text *out)
{
	(void)condition;
	text_add(out, "%s", inspect_name(facts->inspect));
}

const struct match_key match_tls = {
    .name = "tls",
    .value = "{min, max: \"1.2\", verified: false, errors: [expired]}",
    .meaning = "the TLS with the server is so: version, certificate, any of the errors",
    .stage = VERDICT_CERTIFICATE,
    .parse = parse_tls,
    .known = knows_tls,
    .test = test_tls,
    .tell = tell_tls,
};
const struct match_key match_inspect = {
    .name = "inspect",
    .value = "opened, passthrough, plain",
    .meaning = "how it is about to be forwarded",
    .stage = VERDICT_CERTIFICATE,
    .parse = parse_inspect,
    .test = test_inspect,
    .tell = tell_inspect,
};
