/* SPDX-License-Identifier: MIT */
#include "config/index.h"
#include "config/judge.h"
#include "config/rules.h"
#include "tests/config/memory.h"

#define HEAD "ruleset: r%u\nversion: 1\ntitle: t\nunknown: observe\ndefault: allow\n"

static unsigned
pick(uint32_t *random, unsigned count)
{
	*random = *random * 1664525 + 1013904223;
	return (*random >> 16) % count;
}

static const char *const conditions[] = {"located: [DE, FR]", "located: CN", "registered: \"@eea\"",
    "operator: [US, CN]", "within: \"@eea\"", "touches: CN", "touches: \"@eea-DE\"",
    "unknown: [operator, located]", "unknown: registered", "continent: EU", "continent: [AS, NA]",
    "port: 443", "port: [1-65535]", "port: [80, 440-450]", "port: 444-9999", "ip: 203.0.113.0/24",
    "ip: [\"2001:db8::/32\", 10.0.0.0/8]", "ip: 0.0.0.0/0", "ip: \"::/0\"", "ip: 203.0.113.9",
    "asn: 16509", "asn: [1, 2, AS3]", "device: lobby-3", "device: [gate, x]", "group: eu",
    "sni: example.com", "sni: [com, net]", "sni: a.EXAMPLE.com", "sni: ample.com", "vendor: v",
    "vendor: [V, W]", "sni_missing: true", "ech: true", "not: {port: 443}",
    "any: [{port: 443}, {located: DE}]", "any: [{port: [443, 80]}, {port: 8443, ech: true}]",
    "any: [{located: DE, sni: com}, {located: [CN, anycast], port: 443}]",
    "any: [{vendor: v}, {vendor: W}]", "any: [{any: [{port: 80}]}, {port: 443}]",
    "not: {sni: example.com}", "inspect: opened", "tls: {verified: true}", "class: video",
    "proto: tcp", "located: anycast", "located: [DE, satellite, unknown]", "registered: unknown",
    "operator: [US, unknown]", "not: {located: [anycast, private]}"};
enum { CONDITIONS = sizeof(conditions) / sizeof(conditions[0]) };

static bool
same_key(const char *a, const char *b)
{
	size_t size = strcspn(a, ":");

	return strcspn(b, ":") == size && memcmp(a, b, size) == 0;
}

static struct rules *
random_rules(uint32_t *random, unsigned sets, unsigned count)
{
	static const char *const results[] = {"allow", "block", "observe"};
	static char text[65536];
	struct rules *rules = rules_new();
	struct problems problems = {0};
	char all[2000];

	for (unsigned i = 0; i < sets; i++) {
		size_t used = (size_t)snprintf(text, sizeof(text),
		    HEAD "sets: {eea: [DE, FR, \"NO\"]}\nrules:\n", i);

		for (unsigned j = 0; j < count; j++) {
			const char *a = conditions[pick(random, CONDITIONS)];
			const char *b = conditions[pick(random, CONDITIONS)];
			bool two = pick(random, 3) > 0 && !same_key(a, b);

			used += (size_t)snprintf(text + used, sizeof(text) - used,
			    "- {id: %u, match: {%s%s%s}, then: %s, why: w}\n", j, a,
			    two ? ", " : "", two ? b : "", results[pick(random, 3)]);
		}
		cr_assert_eq(rules_add(rules, "f", text_of(text), &problems), 0, "%s",
		    told(&problems, all, sizeof(all)));
	}
	problems_free(&problems);
	return rules;
}

static void
random_countries(uint32_t *random, struct countries *countries)
{
	static const char *const some[] = {"DE", "FR", "NO", "US", "CN", "SG", "ZZ", "??"};

	for (unsigned i = pick(random, 3); i > 0; i--)
		countries_add(countries, some[pick(random, 8)]);
}

static struct facts
random_facts(uint32_t *random)
{
	static const char *const names[] = {"", "example.com", "a.Example.COM", "x.a.example.com.",
	    "badexample.com", "com", "net.", "."};
	static const char *const addresses[] = {"203.0.113.9:443", "10.1.2.3:80",
	    "[2001:db8::1]:8443", "198.51.100.1:444", "[64:ff9b::c633:6407]:65535"};
	struct facts facts = {.inspect = pick(random, 2) ? INSPECT_OPENED : INSPECT_PLAIN};

	random_countries(random, &facts.place.located);
	if (facts.place.located.count == 0)
		facts.place.kind = (enum place_kind)pick(random, PLACE_KIND_COUNT);
	random_countries(random, &facts.place.registered);
	random_countries(random, &facts.place.operator);
	cr_assert_eq(addr_parse(&facts.dst, addresses[pick(random, 5)], 0, NULL), 0);
	facts.inner = facts.dst;
	if (pick(random, 4) == 0)
		cr_assert_eq(addr_parse(&facts.inner, "203.0.113.9", 0, NULL), 0);
	facts.place.asn = pick(random, 2) ? pick(random, 5) : 16509;
	(void)snprintf(facts.device, sizeof(facts.device), "%s",
	    pick(random, 2) ? "lobby-3" : "gate");
	(void)snprintf(facts.group, sizeof(facts.group), "%s", pick(random, 2) ? "eu" : "");
	(void)snprintf(facts.hello.sni, sizeof(facts.hello.sni), "%s", names[pick(random, 8)]);
	(void)snprintf(facts.place.vendor, sizeof(facts.place.vendor), "%s",
	    pick(random, 2) ? "V" : "");
	facts.hello.ech = pick(random, 2) == 0;
	facts.server.verified = pick(random, 2) == 0;
	return facts;
}

/* Who is told hears of every rule. */
static void
ignore(const struct judge_step *step, void *arg)
{
	(void)step;
	(void)arg;
}

Test(index, decides_as_asking_every_rule_does)
{
	uint32_t random = 7;

	for (unsigned round = 0; round < 60; round++) {
		unsigned count = 1 + pick(&random, 140);
		struct rules *rules = random_rules(&random, 3, count);

		rules_prepare(rules);
		for (unsigned i = 0; i < 60; i++) {
			struct facts facts = random_facts(&random);

			for (enum verdict_stage stage = VERDICT_ADDRESS; stage <= VERDICT_PAYLOAD;
			     stage++) {
				struct verdict each, few;

				judge_explain(rules, stage, &facts, &each, ignore, NULL);
				judge(rules, stage, &facts, &few);
				cr_assert_eq(memcmp(&each, &few, sizeof(each)), 0,
				    "round %u facts %u: %s/%s, and %s/%s", round, i, each.ruleset,
				    each.rule, few.ruleset, few.rule);
			}
		}
		rules_free(rules);
	}
}
