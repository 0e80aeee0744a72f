/* SPDX-License-Identifier: MIT */
#include "config/devices.h"

#include "tests/config/memory.h"

static struct addr
addr(const char *text)
{
	struct addr out;

	cr_assert_eq(addr_parse(&out, text, 0, NULL), 0);
	return out;
}

static const struct device *
find(const struct devices *devices, const char *text)
{
	struct addr camera = addr(text);

	return devices_find(devices, &camera);
}

static const char by_list[] = "devices:\n"
			      "  - {name: lobby-3, group: eu, ip: [10.0.0.4, \"2001:db8::4\"],\n"
			      "     mac: 44-19-B6-12-34-56}\n"
			      "  - {name: gate, ip: 10.0.0.5, oui: \"44:19:b6\"}\n";

Test(devices, are_found_by_each_address_and_by_name)
{
	struct problems problems = {0};
	struct devices *devices = devices_read("f", text_of(by_list), &problems);

	cr_assert_not_null(devices);
	cr_expect_eq(problems.count, 0);
	cr_expect_eq(devices_count(devices), 2);
	cr_assert_not_null(find(devices, "10.0.0.4"));
	cr_expect_str_eq(find(devices, "10.0.0.4")->name, "lobby-3");
	cr_expect_str_eq(find(devices, "10.0.0.4")->group, "eu");
	cr_expect_eq(find(devices, "10.0.0.4")->mac[2], 0xb6);
	cr_expect_str_eq(find(devices, "2001:db8::4")->name, "lobby-3");
	cr_expect_str_eq(find(devices, "10.0.0.5:1234")->name, "gate");
	cr_expect_eq(find(devices, "10.0.0.5")->oui[1], 0x19);
	cr_expect_null(find(devices, "10.0.0.6"));
	cr_expect_str_eq(devices_named(devices, "gate")->name, "gate");
	cr_expect_null(devices_named(devices, "gat"));
	devices_free(devices);
}

Test(devices, may_be_a_mapping_by_name)
{
	struct problems problems = {0};
	struct devices *devices = devices_read("f",
	    text_of("devices:\n  lobby: {ip: 10.0.0.4}\n  gate: {ip: 10.0.0.5, group: g}\n"),
	    &problems);

	cr_assert_not_null(devices);
	cr_expect_str_eq(find(devices, "10.0.0.5")->name, "gate");
	devices_free(devices);
}

Test(devices, none_at_all_is_fine)
{
	struct problems problems = {0};
	struct devices *devices = devices_read("f", text_of("devices: []\n"), &problems);

	cr_assert_not_null(devices);
	cr_expect_null(find(devices, "10.0.0.5"));
	cr_expect_null(devices_named(devices, "x"));
	devices_free(devices);
	cr_expect_null(find(NULL, "10.0.0.5"));
	cr_expect_null(devices_named(NULL, "x"));
	cr_expect_eq(devices_count(NULL), 0);
	devices_free(NULL);
}

Test(devices, one_without_an_address_is_odd_but_usable)
{
	struct problems problems = {0};
	struct devices *devices = devices_read("f",
	    text_of("devices: [{name: a, mac: \"44:19:b6:12:34:56\"}]\n"), &problems);

	cr_assert_not_null(devices);
	cr_assert_eq(problems.count, 1);
	cr_expect(problems.list[0].warning);
	cr_expect_eq(problems.list[0].column, 11);
	devices_free(devices);
	problems_free(&problems);
}

Test(devices, what_is_wrong_is_told_with_its_place)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *words;
	} rows[] = {
	    {"[a]\n", 1, 1, "the file must be a mapping"},
	    {"devces: []\n", 1, 1, "unknown key 'devces': did you mean 'devices'?"},
	    {"devices: lobby\n", 1, 10, "devices must be a list"},
	    {"devices: [lobby]\n", 1, 11, "a device must be a mapping"},
	    {"devices: [{ip: 10.0.0.4}]\n", 1, 11, "a device needs 'name'"},
	    {"devices: [{name: a}]\n", 1, 11, "device 'a' needs 'ip', 'mac' or 'oui'"},
	    {"devices: [{name: a b, ip: 10.0.0.4}]\n", 1, 18, "letters, digits"},
	    {"devices: [{name: [a], ip: 10.0.0.4}]\n", 1, 18, "name must be text, and is a list"},
	    {"devices: [{name: a, ip: 10.0.0.256}]\n", 1, 25, "'10.0.0.256' is not an IP address"},
	    {"devices: [{name: a, ip: \"10.0.0.4:80\"}]\n", 1, 25, "is not an IP address"},
	    {"devices: [{name: a, ip: [10.0.0.4, x]}]\n", 1, 36, "'x' is not an IP address"},
	    {"devices: [{name: a, mac: \"44:19:b6\"}]\n", 1, 26, "is no MAC"},
	    {"devices: [{name: a, mac: \"44:19:b6:12:34:5g\"}]\n", 1, 26, "is no MAC"},
	    {"devices: [{name: a, mac: \"00:00:00:00:00:00\"}]\n", 1, 26, "is no MAC"},
	    {"devices: [{name: a, oui: \"44:19\"}]\n", 1, 26, "is no OUI"},
	    {"devices: [{name: a, ip: 10.0.0.4, grup: x}]\n", 1, 35, "did you mean 'group'?"},
	    {"devices:\n- {name: a, ip: 10.0.0.4}\n- {name: a, ip: 10.0.0.5}\n", 3, 1,
		"device 'a' is here twice (first on line 2)"},
	    {"devices:\n- {name: a, ip: 10.0.0.4}\n- {name: b, ip: \"::ffff:10.0.0.4\"}\n", 3, 1,
		"address 10.0.0.4 belongs to 'a' (line 2) and to 'b'"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		char all[2000];

		cr_expect_null(devices_read("f", text_of(rows[i].text), &problems));
		cr_expect(has_error(&problems, rows[i].line, rows[i].column, rows[i].words),
		    "row %zu wants %u:%u %s, and was told\n%s", i, rows[i].line, rows[i].column,
		    rows[i].words, told(&problems, all, sizeof(all)));
		problems_free(&problems);
	}
}

Test(devices, every_prefix_is_read_or_refused)
{
	for (size_t cut = 0; cut < sizeof(by_list) - 1; cut++) {
		struct problems problems = {0};
		struct devices *devices =
		    devices_read("f", (struct bytes){(const uint8_t *)by_list, cut}, &problems);

		cr_expect((devices == NULL) == (problems.errors > 0));
		devices_free(devices);
		problems_free(&problems);
	}
}
