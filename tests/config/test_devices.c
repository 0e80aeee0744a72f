/* SPDX-License-Identifier: MIT */
#include "config/config.h"
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

	return devices_find(devices, &camera, (const uint8_t[MAC_BYTES]){0});
}

/* Who is at this address with this MAC; "" nobody. */
static const char *
who(const struct devices *devices, const char *ip, const char *mac_as_text)
{
	struct addr camera = addr(ip);
	uint8_t mac[MAC_BYTES] = {0};
	const struct device *found;

	if (mac_as_text[0] != '\0')
		cr_assert(mac_parse(mac_as_text, mac, sizeof(mac)));
	found = devices_find(devices, &camera, mac);
	return found != NULL ? found->name : "";
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

static const char by_all[] = "devices:\n"
			     "  - {name: card, mac: \"44:19:b6:00:00:01\"}\n"
			     "  - {name: bound, mac: \"44:19:b6:00:00:02\", ip: 10.0.0.2}\n"
			     "  - {name: place, ip: 10.0.0.3}\n"
			     "  - {name: made, ip: 10.0.0.4, oui: \"a4:14:37\"}\n"
			     "  - {name: maker, oui: \"08:ed:ed\"}\n";

static const char learned[] = "08:ed:ed:00:00:09 shed\n"
			      "10.0.0.77 far\n"
			      "44:19:b6:00:00:01 other\n";

Test(devices, the_strongest_evidence_names_a_camera)
{
	static const struct {
		const char *ip, *mac, *name;
	} rows[] = {
	    {"10.0.0.1", "44:19:b6:00:00:01", "card"},
	    {"10.0.0.3", "44:19:b6:00:00:01", "card"}, /* a mac before an ip */
	    {"10.0.0.1", "", ""},
	    {"10.0.0.2", "44:19:b6:00:00:02", "bound"},
	    {"10.0.0.9", "44:19:b6:00:00:02", "bound"}, /* it has moved */
	    {"10.0.0.2", "", "bound"},
	    {"10.0.0.2", "02:00:00:00:00:02", ""}, /* somebody else at its address */
	    {"10.0.0.3", "02:00:00:00:00:03", "place"},
	    {"10.0.0.3", "", "place"},
	    {"10.0.0.4", "a4:14:37:00:00:04", "made"},
	    {"10.0.0.4", "02:00:00:00:00:04", ""},
	    {"10.0.0.4", "08:ed:ed:00:00:04", "maker"},
	    {"10.0.0.4", "", "made"},
	    {"10.0.0.5", "a4:14:37:00:00:04", ""}, /* its oui only confirms */
	    {"10.0.0.5", "08:ed:ed:00:00:05", "maker"},
	    {"10.0.0.6", "08:ed:ed:00:00:09", "shed"}, /* a learned name before an oui */
	    {"10.0.0.3", "08:ed:ed:00:00:09", "place"},
	    {"10.0.0.77", "", "far"},
	    {"10.0.0.77", "02:00:00:00:00:77", ""},
	};
	struct problems problems = {0};
	struct devices *devices = devices_read("f", text_of(by_all), &problems);

	cr_assert_not_null(devices);
	cr_assert_eq(devices_learn(&devices, "store", text_of(learned), &problems), 0);
	cr_expect_eq(problems.count, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(who(devices, rows[i].ip, rows[i].mac), rows[i].name, "%s %s is %s",
		    rows[i].ip, rows[i].mac, who(devices, rows[i].ip, rows[i].mac));
	cr_expect_eq(devices_count(devices), 5);
	cr_expect_eq(devices_named(devices, "shed")->line, 0);
	cr_expect_eq(devices_named(devices, "made")->line, 5);
	cr_expect_str_eq(devices_file(devices), "f");
	devices_free(devices);
}

Test(devices, who_is_not_where_devices_yaml_says_is_told)
{
	static const struct {
		const char *ip, *mac;
		enum device_place place;
		const char *whose;
	} rows[] = {
	    {"10.0.0.2", "44:19:b6:00:00:02", DEVICE_FITS, ""},
	    {"10.0.0.9", "44:19:b6:00:00:02", DEVICE_OTHER_IP, "bound"},
	    {"fd00::9", "44:19:b6:00:00:02", DEVICE_FITS, ""}, /* nothing is said of IPv6 */
	    {"169.254.3.4", "44:19:b6:00:00:02", DEVICE_FITS, ""},
	    {"10.0.0.2", "02:00:00:00:00:02", DEVICE_OTHER_MAC, "bound"},
	    {"10.0.0.2", "", DEVICE_FITS, ""},
	    {"10.0.0.9", "44:19:b6:00:00:01", DEVICE_FITS, ""}, /* no ip is said */
	    {"10.0.0.3", "02:00:00:00:00:03", DEVICE_FITS, ""}, /* no mac is said */
	    {"10.0.0.4", "02:00:00:00:00:04", DEVICE_OTHER_MAC, "made"},
	    {"10.0.0.8", "08:ed:ed:00:00:05", DEVICE_FITS, ""},
	};
	struct problems problems = {0};
	struct devices *devices = devices_read("f", text_of(by_all), &problems);

	cr_assert_not_null(devices);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr camera = addr(rows[i].ip);
		const struct device *whose = NULL;
		uint8_t mac[MAC_BYTES] = {0};

		(void)mac_parse(rows[i].mac, mac, sizeof(mac));
		cr_expect_eq(devices_check(devices, &camera, mac, &whose), rows[i].place, "%zu", i);
		cr_expect_str_eq(whose != NULL ? whose->name : "", rows[i].whose);
		cr_expect_eq(devices_check(NULL, &camera, mac, &whose), DEVICE_FITS);
	}
	devices_free(devices);
}

Test(devices, learned_names_are_taken_whole_or_not_at_all)
{
	static const char *const wrong[] = {"x\n", "44:19:b6:00:00:01\n", "44:19:b6:00:00:01 a b\n",
	    "44:19:b6:00:00:01  a\n", "10.0.0.4:80 a\n", "10.0.0.400 a\n", "\n", " a\n",
	    "10.0.0.4 a", "10.0.0.4 \033[31m\n",
	    "10.0.0.4 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "10.0.0.4 10.0.0.5\n",
	    "10.0.0.4 44-19-b6-00-00-01\n"};
	struct devices *devices = NULL;
	struct problems problems = {0};

	cr_assert_eq(devices_learn(&devices, "store", text_of(learned), &problems), 0);
	cr_expect_str_eq(who(devices, "10.0.0.1", "44:19:b6:00:00:01"), "other");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		cr_expect_eq(devices_learn(&devices, "store", text_of(wrong[i]), &problems), -1,
		    "%zu", i);
		cr_expect_str_eq(who(devices, "10.0.0.1", "44:19:b6:00:00:01"), "");
	}
	cr_expect_eq(devices_learn(&devices, "store", text_of(""), &problems), 0);
	cr_expect_eq(problems.errors, sizeof(wrong) / sizeof(wrong[0]));
	cr_expect_eq(devices_count(devices), 0);
	devices_free(devices);
	problems_free(&problems);
}

Test(devices, a_learned_name_that_the_file_gives_to_another_is_left_out)
{
	struct problems problems = {0};
	struct devices *devices = devices_read("f", text_of(by_all), &problems);

	cr_assert_eq(devices_learn(&devices, "store",
			 text_of("44:19:b6:00:00:01 card\n08:ed:ed:00:00:09 place\n"
				 "08:ed:ed:00:00:08 twin\n08:ed:ed:00:00:07 twin\n"),
			 &problems),
	    0);
	cr_expect_eq(problems.errors, 0);
	cr_assert_eq(problems.count, 1);
	cr_expect(problems.list[0].warning);
	cr_expect_not_null(strstr(problems.list[0].text, "'place' is another camera's"));
	cr_expect_str_eq(who(devices, "10.0.0.6", "08:ed:ed:00:00:09"), "maker");
	cr_expect_not_null(devices_named(devices, "twin"));
	devices_free(devices);
	problems_free(&problems);
}

Test(devices, an_unnamed_camera_is_called_by_its_mac_or_address)
{
	char out[FACTS_LABEL_MAX];
	struct addr camera = addr("fd00:1234:5678:9abc:def0:1234:5678:9abc");
	uint8_t mac[MAC_BYTES] = {0};

	cr_expect_str_eq(device_default_name(&camera, mac, out),
	    "fd00:1234:5678:9abc:def0:1234:5678:9abc");
	mac[5] = 1;
	cr_expect_str_eq(device_default_name(&camera, mac, out), "00:00:00:00:00:01");
	cr_expect(device_name_is_good("lobby-3"));
	cr_expect_not(device_name_is_good(""));
	cr_expect_not(device_name_is_good("a b"));
	cr_expect_not(device_name_is_good("00-00-00-00-00-01"));
	cr_expect_not(device_name_is_good("10.0.0.1"));
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
	    {"devices: [{name: a, ip: 10.0.0.4, tls_min: \"1.4\"}]\n", 1, 44,
		"tls_min must be 1.0, 1.1, 1.2 or 1.3, not '1.4'"},
	    {"groups: {a: {tls_min: \"2\"}}\ndevices: []\n", 1, 23,
		"tls_min must be 1.0, 1.1, 1.2 or 1.3, not '2'"},
	    {"groups: {a: {tls: \"1.2\"}}\ndevices: []\n", 1, 14, "unknown key 'tls'"},
	    {"groups: [yard]\ndevices: []\n", 1, 9,
		"groups must be a mapping by name, of at most 100000 groups"},
	    {"devices: [{name: a, ip: 10.0.0.4, client_cert: a.pem}]\n", 1, 48,
		"client_cert must be a mapping"},
	    {"devices: [{name: a, ip: 10.0.0.4, client_cert: {cert: a.pem}}]\n", 1, 48,
		"client_cert needs 'key'"},
	    {"devices: [{name: a, ip: 10.0.0.4, client_cert: {cert: a, key: b, pin: c}}]\n", 1, 66,
		"unknown key 'pin'"},
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
	    {"devices:\n- {name: a, mac: \"44:19:b6:00:00:01\"}\n"
	     "- {name: b, mac: \"44-19-B6-00-00-01\"}\n",
		3, 1, "MAC 44:19:b6:00:00:01 belongs to 'a' (line 2) and to 'b'"},
	    {"devices:\n- {name: a, oui: \"44:19:b6\"}\n- {name: b, oui: \"44:19:b6\"}\n", 3, 1,
		"OUI 44:19:b6 belongs to 'a' (line 2) and to 'b'"},
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

Test(devices, a_client_certificate_is_found_beside_the_file)
{
	static const char text[] =
	    "devices:\n"
	    "- {name: a, ip: 10.0.0.4, client_cert: {cert: a.pem, key: /k/a.key}}\n"
	    "- {name: b, ip: 10.0.0.5}\n";
	struct problems problems = {0};
	struct devices *devices = devices_read("/etc/x/devices.yaml", text_of(text), &problems);
	const struct device *device;

	cr_assert_not_null(devices);
	device = devices_named(devices, "a");
	cr_expect_str_eq(device->client_cert, "/etc/x/a.pem");
	cr_expect_str_eq(device->client_key, "/k/a.key");
	cr_expect_null(devices_named(devices, "b")->client_cert);
	devices_free(devices);
	problems_free(&problems);
}

Test(devices, a_group_says_what_its_devices_do_not)
{
	static const char text[] =
	    "groups:\n"
	    "  yard: {tls_min: \"1.0\", upstream_tls_min: \"1.1\"}\n"
	    "  hall: {upstream_tls_min: \"1.3\"}\n"
	    "  attic: {tls_min: \"1.0\"}\n"
	    "devices:\n"
	    "- {name: old, ip: 10.0.0.4, group: yard}\n"
	    "- {name: new, ip: 10.0.0.5, group: yard, tls_min: \"1.3\"}\n"
	    "- {name: inside, ip: 10.0.0.6, group: hall, upstream_tls_min: \"1.0\"}\n"
	    "- {name: other, ip: 10.0.0.7, group: nowhere}\n";
	static const struct {
		const char *name;
		uint16_t camera, server;
	} rows[] = {{"old", 0x0301, 0x0302}, {"new", 0x0304, 0x0302}, {"inside", 0x0303, 0x0301},
	    {"other", 0x0303, 0x0304}, {"10.0.0.9", 0x0303, 0x0304}};
	struct problems problems = {0};
	struct devices *devices = devices_read("devices.yaml", text_of(text), &problems);
	struct config config = {.devices = devices,
	    .tls = {.camera_min = 0x0303, .upstream_min = 0x0304}};

	cr_assert_not_null(devices);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(config_camera_min(&config, rows[i].name), rows[i].camera, "%s",
		    rows[i].name);
		cr_expect_eq(config_server_min(&config, rows[i].name), rows[i].server, "%s",
		    rows[i].name);
	}
	cr_assert_eq(problems.count, 1);
	cr_expect_eq(problems.list[0].line, 4);
	cr_expect_eq(problems.list[0].column, 3);
	cr_expect_str_eq(problems.list[0].text, "no device is in group 'attic'");
	devices_free(devices);
	problems_free(&problems);
}

Test(devices, a_group_whose_name_is_wrong_is_told_once)
{
	struct problems problems = {0};

	cr_expect_null(devices_read("devices.yaml",
	    text_of("devices: []\ngroups:\n  \"a yard\": {tls_min: \"1.0\"}\n"), &problems));
	cr_assert_eq(problems.count, 1);
	cr_expect_eq(problems.list[0].line, 3);
	problems_free(&problems);
}

Test(devices, a_lowest_tls_version_goes_before_that_of_all)
{
	static const char text[] = "devices:\n"
				   "- {name: old, ip: 10.0.0.4, tls_min: \"1.0\"}\n"
				   "- {name: new, ip: 10.0.0.5, tls_min: \"1.3\"}\n"
				   "- {name: other, ip: 10.0.0.6}\n";
	struct problems problems = {0};
	struct devices *devices = devices_read("devices.yaml", text_of(text), &problems);
	struct config config = {.devices = devices, .tls.camera_min = 0x0303};

	cr_expect_eq(config_camera_min(&config, "old"), 0x0301);
	cr_expect_eq(config_camera_min(&config, "new"), 0x0304);
	cr_expect_eq(config_camera_min(&config, "other"), 0x0303);
	cr_expect_eq(config_camera_min(&config, "10.0.0.7"), 0x0303);
	config.devices = NULL;
	cr_expect_eq(config_camera_min(&config, "old"), 0x0303);
	devices_free(devices);
	problems_free(&problems);
}
