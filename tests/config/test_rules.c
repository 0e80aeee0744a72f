/* SPDX-License-Identifier: MIT */
#include "config/rules.h"

#include "base/err.h"
#include "base/text.h"
#include "tests/config/memory.h"

#include <stdlib.h>

#define HEAD "ruleset: r\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n"
#define RULE(match) HEAD "rules:\n- {id: 1, then: block, why: w, match: {" match "}}\n"

static struct rules *
load(const char *text, struct problems *problems)
{
	struct rules *rules = rules_new();

	cr_assert_not_null(rules);
	if (rules_add(rules, "/r.yaml", text_of(text), problems) == 0)
		return rules;
	rules_free(rules);
	return NULL;
}

Test(rules, say_of_themselves_what_the_file_says)
{
	static const char text[] =
	    "ruleset: eu.x-1\nversion: \"2026.2\"\ntitle: \"A title\"\njurisdiction: EU\n"
	    "references: [\"Art. 44\", x]\nreviewed: 2024-02-29\nexpires: 2027-05-01\n"
	    "mode: shadow\nunknown: {then: observe, why: u}\ndefault: allow\n"
	    "sets: {a: [DE, NO], b: \"@a + CH-DE\", c: []}\n"
	    "rules:\n- {id: x, match: {within: \"@b\"}, then: observe, why: w}\n";
	struct problems problems = {0};
	struct rules *rules = load(text, &problems);
	struct ruleset_about about;
	char all[2000];

	cr_assert_not_null(rules, "%s", told(&problems, all, sizeof(all)));
	cr_expect_eq(problems.count, 0);
	cr_assert_eq(rules_count(rules), 1);
	about = rules_about(rules, 0);
	cr_expect_str_eq(about.file, "/r.yaml");
	cr_expect_str_eq(about.id, "eu.x-1");
	cr_expect_str_eq(about.version, "2026.2");
	cr_expect_str_eq(about.title, "A title");
	cr_expect_str_eq(about.jurisdiction, "EU");
	cr_expect_str_eq(about.reviewed, "2024-02-29");
	cr_expect_str_eq(about.expires, "2027-05-01");
	cr_expect_str_eq(about.mode, "shadow");
	cr_expect_eq(about.rules, 1);
	cr_expect_eq(rules_count(NULL), 0);
	rules_free(rules);
	rules_free(NULL);
}

Test(rules, tell_which_keys_they_ask_for_at_any_depth)
{
	struct problems problems = {0};
	struct rules *rules =
	    load(RULE("port: 443, not: {any: [{time: {from: \"22:00\"}}, {class: video}]}"),
		&problems);

	cr_assert_not_null(rules);
	cr_expect(rules_ask_for(rules, "port"));
	cr_expect(rules_ask_for(rules, "not"));
	cr_expect(rules_ask_for(rules, "time"));
	cr_expect(rules_ask_for(rules, "class"));
	cr_expect_not(rules_ask_for(rules, "direction"));
	cr_expect_not(rules_ask_for(NULL, "port"));
	rules_free(rules);
	problems_free(&problems);
}

Test(rules, are_known_by_the_hash_of_their_bytes)
{
	/* SHA-256 of HEAD, by sha256sum(1). */
	static const uint8_t expected[4] = {0x0a, 0xe1, 0xdd, 0x56};
	struct problems problems = {0};
	struct rules *rules = load(HEAD, &problems), *other = load(HEAD "\n", &problems);

	cr_assert(rules != NULL && other != NULL);
	cr_expect_arr_eq(rules_about(rules, 0).sha256, expected, sizeof(expected));
	cr_expect_arr_neq(rules_about(other, 0).sha256, expected, sizeof(expected));
	rules_free(rules);
	rules_free(other);
}

Test(rules, what_is_wrong_is_told_with_its_place)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *words;
	} rows[] = {
	    {"", 1, 1, "the file is empty"},
	    {"- a\n", 1, 1, "a rule set must be a mapping"},
	    {"version: 1\n", 1, 1, "a rule set needs 'ruleset'"},
	    {"ruleset: r\n", 1, 1, "a rule set needs 'version'"},
	    {"ruleset: r\n", 1, 1, "a rule set needs 'title'"},
	    {"ruleset: r\n", 1, 1, "a rule set needs 'unknown'"},
	    {"ruleset: r\n", 1, 1, "a rule set needs 'default'"},
	    {"ruleset: a b\n", 1, 10, "letters, digits, '.', '_' and '-' only"},
	    {"ruleset: appliance\n", 1, 10, "'appliance' is what no rule may change"},
	    {"ruleset: 0123456789012345678901234567890123456789012345678\n", 1, 10,
		"ruleset is longer than 47 bytes"},
	    {HEAD "jurisdiciton: x\n", 6, 1, "did you mean 'jurisdiction'?"},
	    {HEAD "ruleset: s\n", 6, 1, "'ruleset' is here twice (first on line 1)"},
	    {HEAD "reviewed: 2026-13-01\n", 6, 11, "'2026-13-01' is no date"},
	    {HEAD "reviewed: 2026-02-29\n", 6, 11, "is no date"},
	    {HEAD "reviewed: 2026-04-31\n", 6, 11, "is no date"},
	    {HEAD "reviewed: 2100-02-29\n", 6, 11, "is no date"},
	    {HEAD "reviewed: 2026-00-01\n", 6, 11, "is no date"},
	    {HEAD "reviewed: 26-01-01\n", 6, 11, "is no date"},
	    {HEAD "reviewed: 01.02.2026\n", 6, 11, "is no date"},
	    {HEAD "reviewed: 2026-1--01\n", 6, 11, "is no date"},
	    {HEAD "expires: tomorrow\n", 6, 10, "expires: 'tomorrow' is no date"},
	    {HEAD "reviewed: 2026-11-22\nexpires: 2026-11-21\n", 7, 10, "before it was reviewed"},
	    {HEAD "mode: enforced\n", 6, 7, "did you mean 'enforce'?"},
	    {HEAD "references: {a: b}\n", 6, 13, "references must be a list"},
	    {HEAD "retention: 10y\n", 6, 1, "'retention' is not available in this version"},
	    {"unknown: blok\n", 1, 10, "did you mean 'block'?"},
	    {"unknown: limit\n", 1, 10, "'limit' needs a budget: write a rule"},
	    {"unknown: {then: block}\n", 1, 10, "unknown needs 'why'"},
	    {"default: {why: x}\n", 1, 10, "default needs 'then'"},
	    {"default: {then: block, why: x, id: 3}\n", 1, 32, "unknown key 'id'"},
	    {HEAD "sets: [DE]\n", 6, 7, "sets must be a mapping"},
	    {HEAD "sets: {a-b: [DE]}\n", 6, 8, "may not hold '-'"},
	    {HEAD "sets: {a b: [DE]}\n", 6, 8, "letters, digits"},
	    {HEAD "sets: {a: [DE, false]}\n", 6, 16, "did a tool rewrite NO (Norway)?"},
	    {HEAD "sets: {a: [DE, no]}\n", 6, 16, "did a tool rewrite NO (Norway)?"},
	    {HEAD "sets: {a: [UK]}\n", 6, 12, "the United Kingdom is GB"},
	    {HEAD "sets: {a: [EL]}\n", 6, 12, "Greece is GR"},
	    {HEAD "sets: {a: [de]}\n", 6, 12, "capitals"},
	    {HEAD "sets: {a: [QQ]}\n", 6, 12, "'QQ' is no country"},
	    {HEAD "sets: {a: [\"\"]}\n", 6, 12, "must be text, and is empty"},
	    {HEAD "sets: {a: [[DE]]}\n", 6, 12, "must be text, and is a list"},
	    {HEAD "sets: {a: {b: DE}}\n", 6, 11, "a must be a list"},
	    {HEAD "sets: {a: \"@a\"}\n", 6, 11, "no set @a is defined above"},
	    {HEAD "sets: {a: \"@b\", b: \"@a\"}\n", 6, 11, "no set @b is defined above"},
	    {HEAD "sets: {eea: [DE], b: \"@eaa\"}\n", 6, 22, "did you mean '@eea'?"},
	    {HEAD "sets: {a: \"DE FR\"}\n", 6, 11, "is not countries"},
	    {HEAD "sets: {a: \"DE++FR\"}\n", 6, 11, "is not countries"},
	    {HEAD "sets: {a: \"DE+\"}\n", 6, 11, "is not countries"},
	    {HEAD "rules: {id: 1}\n", 6, 8, "rules must be a list"},
	    {HEAD "rules: [1]\n", 6, 9, "a rule must be a mapping"},
	    {HEAD "rules: [{match: {}, then: block, why: w}]\n", 6, 9, "a rule needs 'id'"},
	    {HEAD "rules: [{id: 1, then: block, why: w}]\n", 6, 9, "a rule needs 'match'"},
	    {HEAD "rules: [{id: 1, match: {}, why: w}]\n", 6, 9, "a rule needs 'then'"},
	    {HEAD "rules: [{id: 1, match: {}, then: block}]\n", 6, 9, "a rule needs 'why'"},
	    {HEAD "rules: [{id: 1, match: {}, then: drop, why: w}]\n", 6, 34,
		"then must be allow, block, observe or limit"},
	    {HEAD "rules: [{id: 1, match: {}, then: limit, why: w}]\n", 6, 34,
		"'limit' needs a budget"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, rate: 1KB/s, why: w}]\n", 6, 41,
		"here nothing is limited"},
	    {HEAD "rules: [{id: 1, match: {bytes: {up_over: 1B, per: 1d, by: device}}, then: "
		  "limit, rate: 1KB, why: w}]\n",
		6, 88, "'1KB' is no rate: write 16KB/s"},
	    {HEAD "rules: [{id: 1, match: {bytes: {up_over: 101TB, per: 1d, by: device}}, then: "
		  "block, why: w}]\n",
		6, 42, "at most 100TB"},
	    {HEAD "rules: [{id: 1, match: {bytes: {up_over: 1B, per: 367d, by: device}}, then: "
		  "block, why: w}]\n",
		6, 51, "at most 366d"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, why: \"\"}]\n", 6, 46,
		"why must be text"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, why: \"a\\nb\"}]\n", 6, 46, "one line"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, why: "
		  "01234567890123456789012345678901234567890123456789012345678901234567890123456789"
		  "01234567890123456789012345678901234567890}]\n",
		6, 46, "why is longer than 120 bytes"},
	    {HEAD "rules: [{id: default, match: {}, then: block, why: w}]\n", 6, 14,
		"'default' is what the set's own line is called"},
	    {HEAD "rules: [{id: unknown, match: {}, then: block, why: w}]\n", 6, 14,
		"'unknown' is what the set's own line"},
	    {HEAD "rules:\n- {id: 1, match: {port: 1}, then: block, why: w}\n"
		  "- {id: 1, match: {port: 2}, then: block, why: w}\n",
		8, 8, "rule '1' is here twice (first on line 7)"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, wy: w}]\n", 6, 41,
		"did you mean 'why'?"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, hold: 64, why: w}]\n", 6, 47,
		"'64' is nothing to hold"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, hold: 17MB, why: w}]\n", 6, 47,
		"at most 16MB"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, log: all, why: w}]\n", 6, 46,
		"log must be full, meta or count"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, how: sinkhole, why: w}]\n", 6, 46,
		"how must be reset, refuse or drop"},
	    {HEAD "rules: [{id: 1, match: {}, then: allow, how: drop, why: w}]\n", 6, 41,
		"here nothing is blocked"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, alert: low, why: w}]\n", 6, 48,
		"alert must be info, medium or high"},
	    {HEAD "rules: [{id: 1, match: {}, then: allow, servers: any, why: w}]\n", 6, 50,
		"servers must be accept, mirror or block"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, servers: accept, why: w}]\n", 6, 41,
		"this rule blocks all of them"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, hold: {time: 3s}, why: w}]\n", 6, 47,
		"hold needs 'bytes'"},
	    {HEAD
		"rules: [{id: 1, match: {}, then: block, hold: {bytes: 1KB, time: 2m}, why: w}]\n",
		6, 66, "'2m' is no time to hold"},
	    {HEAD "rules: [{id: 1, match: {}, then: block, hold: {bytes: 1KB, unknown: no}, "
		  "why: w}]\n",
		6, 69, "unknown must be allow, block or observe"},
	    {"default: {then: observe, why: x, how: reset}\n", 1, 34, "here nothing is blocked"},
	    {"default: {then: block, why: x, hold: 1KB}\n", 1, 32, "unknown key 'hold'"},
	    {HEAD "rules: [{id: 1, match: all, then: block, why: w}]\n", 6, 24,
		"match must be a mapping"},
	    {RULE("locatd: DE"), 7, 40, "did you mean 'located'?"},
	    {RULE("class: vidoe"), 7, 47, "did you mean 'video'?"},
	    {RULE("class: unknown"), 7, 47, "class must be video, image"},
	    {RULE("bytes: {over: 5MB, per: 1h, by: device}"), 7, 48, "did you mean 'up_over'?"},
	    {RULE("class: []"), 7, 47, "class is an empty list"},
	    {RULE("confidence: sure"), 7, 52, "must be probable or identified"},
	    {RULE("direction: out"), 7, 51, "must be up or down"},
	    {RULE("bytes: 5MB"), 7, 47, "bytes must be a mapping"},
	    {RULE("bytes: {up_over: 5MB, per: 1h}"), 7, 47, "bytes needs 'by'"},
	    {RULE("bytes: {up_over: 5, per: 1h, by: device}"), 7, 57, "'5' is no amount"},
	    {RULE("bytes: {up_over: 0MB, per: 1h, by: device}"), 7, 57, "'0MB' is no amount"},
	    {RULE("bytes: {up_over: 5MB, per: 1y, by: device}"), 7, 67, "'1y' is no amount"},
	    {RULE("bytes: {up_over: 5MB, per: 1h, by: site}"), 7, 75,
		"must be device or destination"},
	    {RULE("asn: Amazon"), 7, 45, "'Amazon' is no network: write AS16509"},
	    {RULE("asn: AS0"), 7, 45, "is no network"},
	    {RULE("asn: AS4294967296"), 7, 45, "is no network"},
	    {RULE("asn: AS1 AS2"), 7, 45, "is not networks"},
	    {RULE("asn: \"@clouds\""), 7, 45, "no set @clouds is defined above"},
	    {RULE("asn: []"), 7, 45, "asn is an empty list"},
	    {HEAD "sets: {a: [AS1, DE]}\n", 6, 17, "'DE' is no network"},
	    {HEAD "sets: {a: [DE, AS16509]}\n", 6, 16,
		"'AS16509' in a country list: it is a network"},
	    {HEAD "sets: {a: [DE], b: [AS1, \"@a\"]}\n", 6, 26, "@a holds countries, not networks"},
	    {HEAD
		"sets: {a: [AS1]}\nrules: [{id: 1, match: {within: \"@a\"}, then: block, why: w}]\n",
		7, 33, "@a holds networks, not countries"},
	    {HEAD "sets: {a: [Axis, Bosch]}\nrules: [{id: 1, match: {within: \"@a\"}, then: "
		  "block, why: w}]\n",
		7, 33, "@a holds names, not countries"},
	    {HEAD "sets: {a: [DE]}\nrules: [{id: 1, match: {vendor: \"@a\"}, then: block, why: "
		  "w}]\n",
		7, 33, "@a holds countries, not names"},
	    {HEAD "sets: {a: [Axis], b: [Bosch, \"@c\"]}\n", 6, 30, "no set @c is defined above"},
	    {HEAD "sets: {a: [\"*.example.com\"]}\nrules: [{id: 1, match: {sni: \"@a\"}, then: "
		  "block, why: w}]\n",
		7, 30, "write the suffix alone"},
	    {RULE("vendor: [X, \"@a\"]"), 7, 52, "no set @a is defined above"},
	    {RULE("continent: Europe"), 7, 51, "is no continent"},
	    {RULE("continent: []"), 7, 51, "continent is an empty list"},
	    {RULE("proto: tpc"), 7, 47, "proto must be tcp or udp"},
	    {RULE("ech: yes"), 7, 45, "must be true or false"},
	    {RULE("ja4: t13d1516h2"), 7, 45, "is no JA4 fingerprint"},
	    {RULE("ja4: t13d1516h2_8daaf6152771_b186095e22bX"), 7, 45, "is no JA4 fingerprint"},
	    {RULE("tls: {}"), 7, 45, "tls needs one of"},
	    {RULE("tls: {min: 1.4}"), 7, 51, "must be 1.0, 1.1, 1.2 or 1.3"},
	    {RULE("tls: {min: \"1.3\", max: \"1.2\"}"), 7, 63, "max is below min"},
	    {RULE("tls: {errors: [expird]}"), 7, 55, "did you mean 'expired'?"},
	    {RULE("tls: {errors: []}"), 7, 54, "errors is an empty list"},
	    {RULE("tls: {verifed: true}"), 7, 46, "did you mean 'verified'?"},
	    {RULE("inspect: open"), 7, 49, "did you mean 'opened'?"},
	    {RULE("time: {}"), 7, 46, "time needs one of days, from and to"},
	    {RULE("time: {tz: UTC}"), 7, 46, "time needs one of days, from and to"},
	    {RULE("time: {from: 25:00}"), 7, 53, "is no time of day"},
	    {RULE("time: {from: 9:00}"), 7, 53, "is no time of day"},
	    {RULE("time: {from: \"10:60\"}"), 7, 53, "is no time of day"},
	    {RULE("time: {from: \"10:00\", to: \"10:00\"}"), 7, 46, "could never match"},
	    {RULE("time: {days: [monday]}"), 7, 54, "is no day"},
	    {RULE("time: {days: [mon-]}"), 7, 54, "is no day"},
	    {RULE("time: {days: mon, tz: Europe/Berlin}"), 7, 62, "is no zone"},
	    {RULE("time: {days: mon, tz: \"+15:00\"}"), 7, 62, "is no zone"},
	    {RULE("not: x"), 7, 45, "not must be a mapping of conditions"},
	    {RULE("not: []"), 7, 45, "not is an empty list"},
	    {RULE("not: {}"), 7, 45, "an empty mapping matches everything"},
	    {RULE("not: {port: 1, proto: tcp}"), 7, 45, "not takes one key"},
	    {RULE("any: [{port: 0}, {prot: 1}]"), 7, 58, "did you mean"},
	    {RULE("any: [{not: {located: UK}}]"), 7, 62, "the United Kingdom is GB"},
	    {RULE("any: [x]"), 7, 46, "match must be a mapping"},
	    {RULE("located: [DE, XX]"), 7, 54, "'XX' is no country"},
	    {RULE("located: anycats"), 7, 49, "'anycats' is no country"},
	    {RULE("registered: anycast"), 7, 52, "'anycast' is no country"},
	    {RULE("within: anycast"), 7, 48, "'anycast' is no country"},
	    {RULE("located: []"), 7, 49, "located is an empty list: the rule could never match"},
	    {RULE("within: \"@eea\""), 7, 48, "no set @eea is defined above"},
	    {RULE("unknown: place"), 7, 49, "must be located, registered or operator"},
	    {RULE("ip: 10.0.0"), 7, 44, "is not an address block"},
	    {RULE("ip: [10.0.0.0/33]"), 7, 45, "is not a prefix length"},
	    {RULE("ip: 10.0.0.1/8"), 7, 44, "bits set behind"},
	    {RULE("port: 0"), 7, 46, "'0' is no port"},
	    {RULE("port: 65536"), 7, 46, "is no port"},
	    {RULE("port: 90-80"), 7, 46, "is no port"},
	    {RULE("port: 80-"), 7, 46, "is no port"},
	    {RULE("port: [443, https]"), 7, 52, "'https' is no port"},
	    {RULE("sni: \"*.example\""), 7, 45, "write the suffix alone"},
	    {RULE("sni: a..example"), 7, 45, "is no host name"},
	    {RULE("sni: \".\""), 7, 45, "is no host name"},
	    {RULE("sni: b\xc3\xbc.example"), 7, 45, "is no host name"},
	    {RULE("sni: []"), 7, 45, "sni is an empty list"},
	    {RULE("sni_missing: yes"), 7, 53, "must be true or false"},
	    {RULE("vendor: {a: b}"), 7, 48, "vendor must be a list"},
	    {RULE("device: [a, \"\"]"), 7, 52, "must be text, and is empty"},
	    {RULE("port: 1, port: 2"), 7, 49, "'port' is here twice"},
	    {HEAD "rules: &a []\n", 6, 8, "anchors are not taken"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		struct rules *rules = load(rows[i].text, &problems);
		char all[4000];

		cr_expect_null(rules, "row %zu was taken", i);
		cr_expect(has_error(&problems, rows[i].line, rows[i].column, rows[i].words),
		    "row %zu wants %u:%u %s, and was told\n%s", i, rows[i].line, rows[i].column,
		    rows[i].words, told(&problems, all, sizeof(all)));
		rules_free(rules);
		problems_free(&problems);
	}
}

Test(rules, what_is_odd_is_a_warning)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *words;
	} rows[] = {
	    {HEAD "rules:\n- {id: 1, match: {}, then: block, why: w}\n"
		  "- {id: 2, match: {port: 1}, then: allow, why: w}\n",
		8, "rule '2' is never reached: '1' on line 7 matches everything"},
	    {HEAD "rules:\n- {id: 1, match: {port: [1, 2]}, then: allow, why: w}\n"
		  "- {id: 2, match: {located: DE, port: [1, 2]}, then: observe, why: w}\n",
		8, "rule '2' is never reached: '1' on line 7 matches all that it does"},
	    {HEAD "rules:\n- {id: 1, match: {not: {port: 1}}, then: block, why: w}\n"
		  "- {id: 2, match: {port: 2}, then: allow, why: w}\n"
		  "- {id: 3, match: {not: {port: 1}}, then: block, why: w}\n",
		9, "rule '3' is never reached: '1' on line 7 matches all"},
	    {HEAD "rules:\n- {id: 1, match: {inspect: [plain, rejected]}, then: block, why: w}\n",
		7, "'rejected' is known when a connection has ended"},
	    {HEAD "rules:\n- {id: 1, match: {port: 1}, then: block, hold: 64KB, why: w}\n", 7,
		"rule '1' holds nothing: its match asks for nothing that is sent"},
	    {HEAD "mode: observe\nrules:\n- {id: 1, match: {port: 1}, then: block, why: w}\n", 8,
		"says block, but the set only observes"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		struct rules *rules = load(rows[i].text, &problems);

		cr_assert_not_null(rules);
		cr_assert_eq(problems.count, 1, "row %zu: %zu", i, problems.count);
		cr_expect(problems.list[0].warning);
		cr_expect_eq(problems.list[0].line, rows[i].line);
		cr_expect_not_null(strstr(problems.list[0].text, rows[i].words), "%s",
		    problems.list[0].text);
		rules_free(rules);
		problems_free(&problems);
	}
}

Test(rules, a_rule_that_is_reached_in_doubt_is_no_warning)
{
	static const char *const texts[] = {
	    /* Of a fact of two countries only the block holds. */
	    HEAD "rules:\n- {id: 1, match: {located: DE}, then: allow, why: w}\n"
		 "- {id: 2, match: {located: DE}, then: block, why: w}\n",
	    HEAD "rules:\n- {id: 1, match: {port: 1, located: DE}, then: allow, why: w}\n"
		 "- {id: 2, match: {port: 1}, then: allow, why: w}\n",
	    HEAD "rules:\n- {id: 1, match: {port: [1, 2]}, then: allow, why: w}\n"
		 "- {id: 2, match: {port: [1, 3]}, then: allow, why: w}\n",
	    HEAD "rules:\n- {id: 1, match: {port: 1}, then: block, hold: none, why: w}\n"
		 "- {id: 2, match: {any: [{class: video}]}, then: block, hold: 1KB, why: w}\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct problems problems = {0};
		struct rules *rules = load(texts[i], &problems);

		cr_assert_not_null(rules);
		cr_expect_eq(problems.count, 0, "%zu: %s", i,
		    problems.count > 0 ? problems.list[0].text : "");
		rules_free(rules);
		problems_free(&problems);
	}
}

static void
note_name(const struct rules_name *name, void *arg)
{
	struct text *out = arg;

	text_add(out, "%s %u:%u %s\n", name->file, name->line, name->column, name->name);
}

Test(rules, a_set_of_names_stands_for_its_names)
{
	struct problems problems = {0};
	struct rules *rules = load(HEAD
	    "sets: {a: [Axis, Hanwha Vision], b: [\"@a\", TP-Link], c: Bosch}\n"
	    "rules: [{id: 1, match: {vendor: [\"@b\", X, \"@c\"]}, then: allow, why: w}]\n",
	    &problems);
	char out[256];
	struct text text = text_in(out, sizeof(out));

	cr_assert_not_null(rules);
	rules_names(rules, "vendor", note_name, &text);
	cr_expect_str_eq(out,
	    "/r.yaml 7:33 Axis\n/r.yaml 7:33 Hanwha Vision\n/r.yaml 7:33 TP-Link\n"
	    "/r.yaml 7:33 X\n/r.yaml 7:33 Bosch\n",
	    "%s", out);
	rules_free(rules);
	problems_free(&problems);
}

Test(rules, names_are_told_with_their_place)
{
	struct problems problems = {0};
	struct rules *rules =
	    load(HEAD "rules:\n- {id: 1, match: {vendor: [Axis, X]}, then: allow, why: w}\n"
		      "- {id: 2, match: {any: [{group: g}, {not: {vendor: Y}}]}, then: block, "
		      "why: w}\n",
		&problems);
	char out[256];
	struct text text = text_in(out, sizeof(out));

	cr_assert_not_null(rules);
	rules_names(rules, "vendor", note_name, &text);
	cr_expect_str_eq(out, "/r.yaml 7:27 Axis\n/r.yaml 7:27 X\n/r.yaml 8:52 Y\n", "%s", out);
	text = text_in(out, sizeof(out));
	rules_names(rules, "group", note_name, &text);
	cr_expect_str_eq(out, "/r.yaml 8:33 g\n", "%s", out);
	rules_free(rules);
	problems_free(&problems);
}

Test(rules, no_two_sets_have_one_name_and_no_more_than_64_are_taken)
{
	struct problems problems = {0};
	struct rules *rules = rules_new();
	char text[256];

	for (unsigned i = 0; i < 64; i++) {
		(void)snprintf(text, sizeof(text),
		    "ruleset: r%u\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n", i);
		cr_assert_eq(rules_add(rules, "f", text_of(text), &problems), 0);
	}
	cr_expect_eq(rules_add(rules, "f", text_of(HEAD), &problems), -1);
	cr_expect_eq(rules_count(rules), 64);
	rules_free(rules);
	problems_free(&problems);

	rules = rules_new();
	cr_assert_eq(rules_add(rules, "first", text_of(HEAD), &problems), 0);
	cr_expect_eq(rules_add(rules, "second", text_of(HEAD), &problems), -1);
	cr_expect(has_error(&problems, 1, 10, "rule set 'r' is loaded already, from first"));
	rules_free(rules);
	problems_free(&problems);
}

static const char whole[] = HEAD
    "sets: {a: [DE, \"NO\"], b: \"@a+CH-DE\"}\n"
    "rules:\n"
    "- {id: 1, match: {within: \"@b\", port: [443, 80-90]}, then: allow, why: w}\n"
    "- {id: 2, match: {sni: [.a.example, b], vendor: X, ip: [10.0.0.0/8]}, then: block, "
    "why: w}\n"
    "- {id: 3, match: {unknown: [operator], sni_missing: true}, then: observe, why: w}\n"
    "- {id: 4, match: {any: [{asn: [1, AS2]}, {not: {continent: EU}}], class: video}, "
    "then: block, hold: {bytes: 1KB, time: 3s, unknown: block}, how: drop, log: meta, alert: high, "
    "why: w}\n"
    "- {id: 5, match: {time: {days: mon-fri, from: \"22:00\", tz: \"+01:00\"}, "
    "tls: {min: \"1.2\", errors: weak}}, then: block, why: w}\n";

Test(rules, tell_what_countries_an_expression_means)
{
	static const char one[] = "ruleset: one\nversion: 1\ntitle: t\nunknown: block\n"
				  "default: block\nsets: {near: [AT, DE], far: [CN], n: AS16509}\n";
	static const char two[] = "ruleset: two\nversion: 1\ntitle: t\nunknown: block\n"
				  "default: block\nsets: {near: [DE, AT], far: [US], own: [CH]}\n";
	static const struct {
		const char *text, *countries, *why;
	} rows[] = {
	    {"@near", "/AT/DE/", ""},
	    {"@near+SG", "/AT/DE/SG/", ""},
	    {"@near-AT", "/DE/", ""},
	    {"@near-@near", "/", ""},
	    {"@own + FR", "/CH/FR/", ""},
	    {"DE", "/DE/", ""},
	    {"@far", NULL, "not the same in rule sets 'one' and 'two'"},
	    {"@naer", NULL, "did you mean '@near'"},
	    {"@n", NULL, "@n"},
	    {"@", NULL, "@"},
	    {"", NULL, ""},
	    {"de", NULL, "de"},
	};
	struct problems problems = {0};
	struct rules *rules = load(one, &problems);
	char out[800];
	struct err err = {0};

	cr_assert_not_null(rules);
	cr_assert_eq(rules_add(rules, "/s.yaml", text_of(two), &problems), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = rules_countries(rules, rows[i].text, out, sizeof(out), &err);

		cr_expect_eq(ret, rows[i].countries != NULL ? 0 : -1, "'%s'", rows[i].text);
		if (ret == 0)
			cr_expect_str_eq(out, rows[i].countries, "'%s'", rows[i].text);
		else
			cr_expect_not_null(strstr(err.text, rows[i].why), "'%s': %s", rows[i].text,
			    err.text);
	}
	cr_expect_eq(rules_countries(rules, "@near", out, 6, &err), -1, "it does not fit");
	rules_free(rules);
	rules = rules_new();
	cr_expect_eq(rules_countries(rules, "@near", out, sizeof(out), &err), -1);
	cr_expect_not_null(strstr(err.text, "no rule set"), "%s", err.text);
	rules_free(rules);
}

Test(rules, every_prefix_and_every_changed_byte_is_read_or_refused)
{
	char copy[sizeof(whole)];

	for (size_t cut = 0; cut < sizeof(whole); cut++) {
		struct problems problems = {0};
		struct rules *rules;

		memcpy(copy, whole, cut);
		copy[cut == sizeof(whole) ? cut - 1 : cut] = '\0';
		rules = load(copy, &problems);
		cr_expect((rules == NULL) == (problems.errors > 0), "cut at %zu", cut);
		rules_free(rules);
		problems_free(&problems);
	}
	for (size_t i = 0; i + 1 < sizeof(whole); i++) {
		for (int byte = 1; byte < 256; byte += 17) {
			struct problems problems = {0};
			struct rules *rules;

			memcpy(copy, whole, sizeof(whole));
			copy[i] = (char)byte;
			rules = load(copy, &problems);
			cr_expect((rules == NULL) == (problems.errors > 0));
			rules_free(rules);
			problems_free(&problems);
		}
	}
}

Test(rules, ten_thousand_are_taken_and_one_more_is_not)
{
	enum { LINE = 64, MOST = 10000 };
	static const char head[] = HEAD "rules:\n";
	char *text = malloc(sizeof(head) + (size_t)(MOST + 1) * LINE);
	struct problems problems = {0};
	struct rules *rules;
	size_t used = sizeof(head) - 1, at_most = 0;

	cr_assert_not_null(text);
	memcpy(text, head, sizeof(head));
	for (unsigned i = 0; i <= MOST; i++) {
		at_most = used;
		used += (size_t)sprintf(text + used,
		    "- {id: %u, match: {port: 1}, then: block, why: w}\n", i);
	}
	cr_expect_null(load(text, &problems));
	cr_expect(has_error(&problems, 7, 1, "at most 10000 rules"));
	problems_free(&problems);
	text[at_most] = '\0';
	rules = load(text, &problems);
	cr_assert_not_null(rules);
	cr_expect_eq(rules_about(rules, 0).rules, MOST);
	rules_free(rules);
	problems_free(&problems);
	free(text);
}
