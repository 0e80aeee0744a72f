/* SPDX-License-Identifier: MIT */
/* Without databases: no place is known.  test_load.c has explain with them. */
#include "proxy/commands.h"

#include "config/oui.h"
#include "tests/proxy/recorded.h"
#include "tests/support/command.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

static const char rules[] =
    "ruleset: site\nversion: 1\ntitle: t\nunknown: {then: allow, why: open}\n"
    "default: {then: allow, why: open}\nrules:\n"
    "- {id: cut, match: {ip: 20.0.0.0/8}, then: block, how: drop, why: no such net}\n"
    "- {id: near, match: {group: eu, port: 8883}, then: allow, why: ours}\n"
    "- {id: video, match: {class: video}, then: block, why: footage}\n"
    "- {id: much, match: {port: 1883, bytes: {up_over: 2KB, per: 1d, by: device}}, then: limit, "
    "rate: 16KB/s, why: too much}\n"
    "- {id: bare, match: {sni_missing: true, port: 8443}, then: block, why: nameless}\n"
    "- {id: bad, match: {sni: bad.example}, then: block, why: bad name}\n";

static struct recorded_site site;
static struct ran ran;

static void
tear_down(void)
{
	recorded_site_remove(&site);
}

static void
set_up(void)
{
	recorded_site_make(&site, rules);
}

TestSuite(command_explain, .init = set_up, .fini = tear_down);

static void
explain(const char *const *words)
{
	const char *args[16] = {"explain", "-c", site.config, "--to"};
	size_t count = 4;

	for (; *words != NULL; words++)
		args[count++] = *words;
	command_run_in(command_explain, args, &ran);
}

static void
lookup(const char *const *words)
{
	const char *args[16] = {"explain", "-c", site.config, "--lookup"};
	size_t count = 4;

	for (; *words != NULL; words++)
		args[count++] = *words;
	command_run_in(command_explain, args, &ran);
}

#define LOOKUP(...) lookup((const char *const[]){__VA_ARGS__, NULL})
#define EXPLAIN(...) explain((const char *const[]){__VA_ARGS__, NULL})

Test(command_explain, ends_as_the_verdict_says)
{
	static const struct {
		const char *words[8];
		int code;
		const char *said;
	} rows[] = {
	    {{"1.2.3.4", "--sni", "good.example", "--class", "audio"}, 0,
		"verdict: allow by site/"},
	    {{"1.2.3.4", "--sni", "x.bad.example"}, 10,
		"BLOCK (reset, nothing is sent to the server) by site/bad \"bad name\""},
	    {{"1.2.3.4"}, 12, "verdict: cannot tell"},
	    {{"1.2.3.4:8443", "--sni", ""}, 10, "by site/bare \"nameless\""},
	    {{"1.2.3.4:443", "--sni", ""}, 12, "asks for what is sent; give it with --class"},
	    {{"1.2.3.4:443", "--sni", "", "--class", "unknown"}, 0, "verdict: allow"},
	    {{"1.2.3.4:1883", "--sni", "", "--class", "telemetry"}, 0, "verdict: allow"},
	    {{"1.2.3.4:1883", "--sni", "", "--class", "telemetry", "--bytes", "2048"}, 11,
		"limit to 16384 bytes a second by site/much \"too much\""},
	    {{"1.2.3.4:1883", "--sni", "", "--class", "telemetry", "--bytes", "2047"}, 0,
		"verdict: allow"},
	    {{"1.2.3.4:1883", "--sni", "", "--class", "telemetry", "--bytes", "2KB"}, 11, "limit"},
	    {{"1.2.3.4:1883", "--sni", "", "--class", "telemetry", "--bytes", "1TB"}, 11, "limit"},
	    {{"1.2.3.4:1883", "--sni", "", "--class", "telemetry", "--bytes", "2047B"}, 0,
		"verdict: allow"},
	    {{"1.2.3.4", "--sni", "good.example", "--class", "video"}, 10,
		"by site/video \"footage\""},
	    {{"1.2.3.4", "--sni", "good.example", "--class", "audio"}, 0, "verdict: allow"},
	    {{"1.2.3.4", "--class", "video"}, 12, "give it with --sni (--sni \"\": it sends none)"},
	    {{"1.2.3.4:8883", "--device", "lobby-3"}, 0, "verdict: allow by site/near \"ours\""},
	    {{"[::ffff:1.2.3.4]:8883", "--device", "lobby-3"}, 0, "by site/near"},
	    {{"20.0.0.1", "--device", "lobby-3"}, 10,
		"verdict: BLOCK (drop, nothing is sent to the server) by site/cut"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		explain(rows[i].words);
		cr_expect_eq(ran.code, rows[i].code, "row %zu: %d %s", i, ran.code, ran.err);
		cr_expect_not_null(strstr(ran.out, rows[i].said), "row %zu: %s", i, ran.out);
	}
}

Test(command_explain, wants_no_name_where_no_rule_asks_for_one)
{
	static const struct {
		const char *words[4];
		int code;
		const char *said;
	} rows[] = {
	    {{"1.2.3.4"}, 12, "asks for what is sent; give it with --class"},
	    {{"1.2.3.4", "--class", "video"}, 10, "by site/video"},
	    {{"1.2.3.4", "--class", "audio"}, 0, "verdict: allow"},
	    {{"20.0.0.1"}, 10, "nothing is sent to the server"},
	};

	recorded_site_remove(&site);
	recorded_site_make(&site,
	    "ruleset: site\nversion: 1\ntitle: t\nunknown: {then: allow, why: open}\n"
	    "default: {then: allow, why: open}\nrules:\n"
	    "- {id: cut, match: {ip: 20.0.0.0/8}, then: block, why: no such net}\n"
	    "- {id: video, match: {class: video}, then: block, why: footage}\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		explain(rows[i].words);
		cr_expect_eq(ran.code, rows[i].code, "row %zu: %d %s", i, ran.code, ran.err);
		cr_expect_not_null(strstr(ran.out, rows[i].said), "row %zu: %s", i, ran.out);
	}
}

Test(command_explain, tells_each_rule_with_its_reason)
{
	EXPLAIN("1.2.3.4:8443", "--device", "lobby-3", "--sni", "good.example", "--class", "audio");
	cr_expect_str_eq(ran.out,
	    "lobby-3  group eu\n"
	    "1.2.3.4:8443\n"
	    "  located     unknown  \n"
	    "  registered  unknown  \n"
	    "  operator    unknown  \n"
	    "  class       audio    (taken as seen)\n"
	    "  name        good.example (taken as proven by the server's certificate)\n"
	    "  vendor      unknown  \n"
	    "rule set site v1 (enforce)\n"
	    "  cut            no     ip(20.0.0.0/8): 1.2.3.4 does not match\n"
	    "  near           no     port(8883): 8443 does not match\n"
	    "  video          no     class(video): audio does not match\n"
	    "  much           no     port(1883): 8443 does not match\n"
	    "  bare           no     sni_missing(true): false does not match\n"
	    "  bad            no     sni(bad.example): good.example does not match\n"
	    "  = allow by unknown: open\n"
	    "verdict: allow by site/unknown \"open\"\n",
	    "%s", ran.out);
}

Test(command_explain, writes_one_document)
{
	static const char *const parts[] = {"\"to\":\"1.2.3.4:443\"", "\"sni\":\"bad.example\"",
	    "\"basis\":{\"country\":", "\"located\":\"unknown\"",
	    "\"steps\":[{\"ruleset\":\"site\"", "\"rule\":\"bad\",\"matched\":true",
	    "\"verdict\":\"block\"", "\"how\":\"reset\"", "\"stage\":\"name\"", "\"exit\":10"};

	EXPLAIN("1.2.3.4", "--sni", "bad.example", "--json");
	cr_expect_eq(ran.code, 10);
	cr_expect_eq(strchr(ran.out, '\n'), ran.out + strlen(ran.out) - 1);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		cr_expect_not_null(strstr(ran.out, parts[i]), "%s: %s", parts[i], ran.out);
}

Test(command_explain, a_name_is_shown_escaped)
{
	EXPLAIN("1.2.3.4", "--sni", "a\033[31m\nb.example");
	cr_expect_null(strchr(ran.out, '\033'));
	cr_expect_not_null(strstr(ran.out, "a\\x1b[31m\\x0ab.example"), "%s", ran.out);
}

Test(command_explain, refuses_what_cannot_be)
{
	static const char *const rows[][4] = {
	    {"nonsense"},
	    {"1.2.3.4:99999"},
	    {""},
	    {"1.2.3.4", "--class", "vidio"},
	    {"1.2.3.4", "--bytes", "1kb"},
	    {"1.2.3.4", "--bytes", "KB"},
	    {"1.2.3.4", "--bytes", "-1"},
	    {"1.2.3.4", "--bytes", "99999999999999999TB"},
	    {"1.2.3.4", "--sni",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		explain(rows[i]);
		cr_expect_eq(ran.code, EXIT_USAGE, "row %zu", i);
		cr_expect_str_empty(ran.out);
		cr_expect_not_null(strstr(ran.err, "borderlens explain: --"), "%s", ran.err);
	}
}

Test(command_explain, tells_who_made_a_camera_that_is_known_by_its_card)
{
	EXPLAIN("1.2.3.4", "--sni", "", "--device", "gate");
	if (access(OUI_FILE, R_OK) == 0)
		cr_expect(strncmp(ran.out, "gate  maker Hangzhou Hikvision", 30) == 0, "%s",
		    ran.out);
	else
		cr_expect(strncmp(ran.out, "gate\n", 5) == 0, "%s", ran.out);
	EXPLAIN("1.2.3.4", "--sni", "", "--device", "x\033[31m");
	cr_expect(strncmp(ran.out, "x\\x1b[31m\n", 10) == 0, "%s", ran.out);
}

Test(command_explain, warns_of_a_device_that_is_not_configured)
{
	EXPLAIN("1.2.3.4", "--sni", "good.example", "--device", "loby-3", "--class", "audio");
	cr_expect_eq(ran.code, EXIT_DONE);
	cr_expect_not_null(strstr(ran.err, "no camera is called 'loby-3', in devices.yaml"), "%s",
	    ran.err);
}

Test(command_explain, knows_a_camera_by_its_mac_and_its_address)
{
	static const struct {
		const char *device, *is;
		bool warned;
	} rows[] = {
	    {"44:19:b6:12:34:56", "gate", false},
	    {"44-19-B6-12-34-56", "gate", false},
	    {"10.0.0.4", "lobby-3", false},
	    {"02:19:b6:12:34:57", "02:19:b6:12:34:57", false},
	    {"02-19-B6-12-34-57", "02:19:b6:12:34:57", false},
	    {"10.0.0.99", "10.0.0.99", true},
	    {"nobody", "nobody", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t size = strlen(rows[i].is);

		EXPLAIN("1.2.3.4", "--sni", "", "--device", rows[i].device);
		cr_expect(strncmp(ran.out, rows[i].is, size) == 0 &&
			      (ran.out[size] == ' ' || ran.out[size] == '\n'),
		    "%s: %s", rows[i].device, ran.out);
		cr_expect_eq(ran.err[0] != '\0', rows[i].warned, "%s: %s", rows[i].device, ran.err);
	}
}

Test(command_explain, knows_a_camera_by_where_its_card_was_last_seen)
{
	static const uint8_t mac[MAC_BYTES] = {0x44, 0x19, 0xb6, 0x12, 0x34, 0x56};
	static const uint8_t other[MAC_BYTES] = {0x02, 0x19, 0xb6, 0x12, 0x34, 0x57};
	struct facts facts;

	recorded_facts("gate", "DE", 7, &facts);
	cr_assert_eq(addr_parse(&facts.camera, "10.0.0.99", 4711, NULL), 0);
	memcpy(facts.mac, mac, MAC_BYTES);
	recorded_open(&site);
	recorded_add(&site, &facts);
	memcpy(facts.mac, other, MAC_BYTES);
	cr_assert_eq(addr_parse(&facts.camera, "10.0.0.98", 4711, NULL), 0);
	facts.flow_id++;
	recorded_add(&site, &facts);
	recorded_close(&site);
	EXPLAIN("1.2.3.4", "--sni", "", "--device", "10.0.0.99");
	cr_expect(strncmp(ran.out, "gate", 4) == 0, "%s", ran.out);
	cr_expect_str_empty(ran.err);
	EXPLAIN("1.2.3.4", "--sni", "", "--device", "10.0.0.98");
	cr_expect(strncmp(ran.out, "02:19:b6:12:34:57", 17) == 0, "%s", ran.out);
	cr_expect_str_empty(ran.err);
	EXPLAIN("1.2.3.4", "--sni", "", "--device", "10.0.0.97");
	cr_expect_not_null(strstr(ran.err, "no camera is called '10.0.0.97'"), "%s", ran.err);
}

static const char names[] =
    "ruleset: site\nversion: 1\ntitle: t\nunknown: {then: block, why: no place}\n"
    "default: {then: block, why: not listed}\nrules:\n"
    "- {id: cut, match: {ip: 20.0.0.0/8}, then: block, how: drop, why: no such net}\n"
    "- {id: mine, match: {group: eu, sni: bad.example}, then: block, why: not there}\n"
    "- {id: near, match: {port: 8883}, then: allow, why: ours}\n"
    "- {id: bad, match: {sni: bad.example}, then: block, why: bad name}\n";

Test(command_explain, of_a_lookup_tells_which_rule_refuses_it)
{
	recorded_site_remove(&site);
	recorded_site_make(&site, names);
	LOOKUP("X.Bad.Example.", "--device", "lobby-3");
	cr_expect_eq(ran.code, 10);
	cr_expect_str_eq(ran.out,
	    "lobby-3  group eu\n"
	    "lookup of x.bad.example\n"
	    "  vendor      unknown  \n"
	    "rule set site v1 (enforce)\n"
	    "  cut            later  ip(20.0.0.0/8): not known of a lookup\n"
	    "  mine           YES    group(eu): eu; sni(bad.example): x.bad.example (looked up)\n"
	    "  = block by mine: not there\n"
	    "verdict: BLOCK (answered REFUSED, nothing is sent to a name server) by site/mine \"not "
	    "there\"\n",
	    "%s", ran.out);
	/* Another camera's may yet lead to what is let through. */
	LOOKUP("x.bad.example");
	cr_expect_eq(ran.code, 0);
	cr_expect_not_null(strstr(ran.out,
			       "  = observe by none: rule near may let through what it leads to\n"),
	    "%s", ran.out);
	cr_expect_not_null(strstr(ran.out,
			       "verdict: allow; it goes to the server that was asked, and"),
	    "%s", ran.out);
	LOOKUP("good.example", "--device", "lobby-3");
	cr_expect_eq(ran.code, 0);
}

Test(command_explain, of_a_lookup_writes_one_document)
{
	static const char *const parts[] = {"{\"lookup\":\"bad.example\"", "\"group\":\"eu\"",
	    "\"vendor\":\"unknown\"", "\"steps\":[{\"ruleset\":\"site\"",
	    "\"rule\":\"mine\",\"matched\":true", "\"verdict\":\"block\"", "\"why\":\"not there\"",
	    "\"exit\":10}"};

	recorded_site_remove(&site);
	recorded_site_make(&site, names);
	LOOKUP("bad.example", "--device", "lobby-3", "--json");
	cr_expect_eq(ran.code, 10);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		cr_expect_not_null(strstr(ran.out, parts[i]), "%s: %s", parts[i], ran.out);
	LOOKUP("good.example", "--json");
	cr_expect_eq(ran.code, 0);
	cr_expect_not_null(strstr(ran.out, "\"asks\":\"the server that was asked\""), "%s",
	    ran.out);
}

Test(command_explain, of_a_lookup_refuses_what_does_not_go_together)
{
	static const char *const rows[][4] = {{"a.example", "--to", "1.2.3.4"},
	    {"a.example", "--sni", "b.example"}, {"a.example", "--class", "video"},
	    {"a.example", "--bytes", "1"}, {""}, {"."}, {"a..example"}, {".example"},
	    {"0123456789012345678901234567890123456789012345678901234567890123.example"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		lookup(rows[i]);
		cr_expect_eq(ran.code, EXIT_USAGE, "row %zu", i);
		cr_expect_str_empty(ran.out);
		cr_expect_not_null(strstr(ran.err, "borderlens explain: --lookup"), "%s", ran.err);
	}
}
