/* SPDX-License-Identifier: MIT */
#include "base/mac.h"

#include <criterion/criterion.h>
#include <string.h>

Test(mac, texts_are_read_or_refused)
{
	static const struct {
		const char *text;
		size_t count;
		bool good;
	} rows[] = {
	    {"44:19:b6:12:34:56", 6, true},
	    {"44-19-B6-12-34-56", 6, true},
	    {"44:19-b6", 3, true},
	    {"ff:ff:ff:ff:ff:ff", 6, true},
	    {"00:00:00:00:00:00", 6, false},
	    {"00:00:00", 3, false},
	    {"44:19:b6:12:34", 6, false},
	    {"44:19:b6:12:34:56:", 6, false},
	    {"44:19:b6:12:34:5g", 6, false},
	    {"44:19:b6:12:34:5", 6, false},
	    {"4419b6123456", 6, false},
	    {"44.19.b6.12.34.56", 6, false},
	    {"", 6, false},
	    {"44:19:b6:12:34:56", 3, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[MAC_BYTES];

		cr_expect_eq(mac_parse(rows[i].text, out, rows[i].count), rows[i].good, "%s",
		    rows[i].text);
	}
}

Test(mac, is_written_as_it_is_read)
{
	uint8_t mac[MAC_BYTES];
	char text[MAC_TEXT_MAX];

	cr_assert(mac_parse("0A-fe-00-00-00-01", mac, MAC_BYTES));
	cr_expect_str_eq(mac_text(mac, text), "0a:fe:00:00:00:01");
}

Test(mac, kinds_are_told_apart)
{
	static const struct {
		uint8_t mac[MAC_BYTES];
		bool set, host, local;
	} rows[] = {
	    {{0}, false, false, false},
	    {{0x44, 0x19, 0xb6, 0, 0, 1}, true, true, false},
	    {{0x01, 0x00, 0x5e, 0, 0, 1}, true, false, false},
	    {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true, false, true},
	    {{0x02, 0, 0, 0, 0, 1}, true, true, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(mac_is_set(rows[i].mac), rows[i].set, "%zu", i);
		cr_expect_eq(mac_is_host(rows[i].mac), rows[i].host, "%zu", i);
		cr_expect_eq(mac_is_local(rows[i].mac), rows[i].local, "%zu", i);
	}
}
