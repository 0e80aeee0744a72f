/* SPDX-License-Identifier: MIT */
/* What becomes of a lookup, by the name alone. */
#include "base/text.h"
#include "config/config.h"
#include "geo/geo.h"
#include "proxy/answer.h"
#include "proxy/explain_private.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_BYTES_MAX = 63 };

static const char *
way_of(const struct config *config)
{
	return config->dns_resolver[0] != '\0' ? config->dns_resolver : "the server that was asked";
}

/* Each label has 1 to 63 bytes (RFC 1035 section 2.3.4). */
static bool
has_labels(const char *name)
{
	do {
		size_t size = strcspn(name, ".");

		if (size == 0 || size > LABEL_BYTES_MAX)
			return false;
		name += size;
	} while (*name++ == '.');
	return true;
}

/* As the message of a lookup has it: in lower case, without a dot at its end. */
static bool
take_name(const char *name, char out[FACTS_NAME_MAX])
{
	size_t size = strlen(name);

	if (size > 0 && name[size - 1] == '.')
		size--;
	if (size == 0 || size >= FACTS_NAME_MAX)
		return false;
	memcpy(out, name, size);
	out[size] = '\0';
	if (!has_labels(out))
		return false;
	for (char *at = out; *at != '\0'; at++) {
		if (*at >= 'A' && *at <= 'Z')
			*at |= 'a' ^ 'A';
	}
	return true;
}

static void
write_head(const struct facts *facts, const struct config *config)
{
	char line[4 * FACTS_NAME_MAX];
	struct text text = text_in(line, sizeof(line));

	if (facts->device[0] != '\0')
		explain_write_device(facts, config);
	text_add_untrusted(&text, facts->looked_up, strlen(facts->looked_up));
	(void)printf("lookup of %s\n", line);
	explain_fact("vendor", facts->place.vendor[0] != '\0' ? facts->place.vendor : "unknown",
	    facts->place.vendor_basis);
}

static void
add_head(struct jsonw *json, const struct facts *facts)
{
	jsonw_open(json, NULL);
	jsonw_string(json, "lookup", facts->looked_up);
	jsonw_string(json, "device", facts->device);
	jsonw_string(json, "group", facts->group);
	jsonw_string(json, "vendor",
	    facts->place.vendor[0] != '\0' ? facts->place.vendor : "unknown");
	jsonw_open_array(json, "steps");
}

static int
add_verdict(struct jsonw *json, const struct verdict *verdict, const char *way, int code)
{
	bool refused = code == EXIT_BLOCKED;

	jsonw_close_array(json);
	jsonw_string(json, "verdict", refused ? "block" : "allow");
	if (refused) {
		jsonw_string(json, "ruleset", verdict->ruleset);
		jsonw_string(json, "ruleset_version", verdict->ruleset_version);
		jsonw_string(json, "rule", verdict->rule);
		jsonw_string(json, "why", verdict->why);
	} else {
		jsonw_string(json, "asks", way);
	}
	jsonw_number(json, "exit", (uint64_t)code);
	jsonw_close(json);
	return answer_print(json, code);
}

int
explain_lookup(const char *name, const struct config *config, const struct geo *geo,
    struct facts *facts, struct explain_talk *talk)
{
	const struct verdict *verdict = &facts->verdict;
	int code;

	if (!take_name(name, facts->looked_up))
		return -1;
	geo_vendor(geo, facts->looked_up, &facts->place);
	if (talk->is_json)
		add_head(&talk->json, facts);
	else
		write_head(facts, config);
	code = judge_lookup_explain(config->rules, facts, &facts->verdict, explain_step, talk)
		   ? EXIT_BLOCKED
		   : EXIT_ALLOWED;
	if (talk->is_json)
		code = add_verdict(&talk->json, verdict, way_of(config), code);
	else if (code == EXIT_BLOCKED)
		(void)printf("verdict: BLOCK (answered REFUSED, nothing is sent to a name server) "
			     "by %s/%s \"%s\"\n",
		    verdict->ruleset, verdict->rule, verdict->why);
	else
		(void)printf("verdict: allow; it goes to %s, and what it leads to is judged when "
			     "the camera connects\n",
		    way_of(config));
	return code;
}
