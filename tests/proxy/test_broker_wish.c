/* SPDX-License-Identifier: MIT */
#include "proxy/broker_wish.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

struct row {
	char dst[48], camera[48];
	uint32_t wish;
	uint16_t size, head_size;
	char why[48]; /* "": it is granted */
};

static struct broker_request
wish_of(const struct row *row)
{
	struct broker_request wish;

	memset(&wish, 0, sizeof(wish));
	wish.wish = row->wish;
	wish.iface = 2;
	wish.size = row->size;
	wish.head_size = row->head_size;
	cr_assert_eq(addr_parse(&wish.dst, row->dst, 0, NULL), 0);
	cr_assert_eq(addr_parse(&wish.camera, row->camera, 0, NULL), 0);
	return wish;
}

ParameterizedTestParameters(broker_wish, what_a_camera_cannot_cause_is_refused)
{
	static struct row rows[] = {
	    {"198.51.101.7:443", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, ""},
	    {"10.0.0.9:53", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, ""},
	    {"[2a05:d014::10]:443", "[fd77::10]:5000", BROKER_SOCKET, 0, 0, ""},
	    {"198.51.101.7:0", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "port 0"},
	    {"192.0.2.53:53", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, ""},
	    {"192.0.2.53:123", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, ""},
	    {"192.0.2.53:80", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"127.0.0.1:53", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"127.0.0.1:443", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"0.0.0.0:443", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"224.0.0.1:443", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"255.255.255.255:443", "192.168.77.10:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"[::1]:443", "[fd77::10]:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"[ff02::1]:443", "[fd77::10]:5000", BROKER_SOCKET, 0, 0, "range"},
	    {"198.51.101.7:443", "192.168.77.10:5000", BROKER_UNREACHABLE, 1200, 128, ""},
	    {"[2a05:d014::10]:443", "[fd77::10]:5000", BROKER_UNREACHABLE, 0, 0, ""},
	    {"198.51.101.7:443", "192.168.77.10:5000", BROKER_UNREACHABLE, 1200, 129, "bytes"},
	    {"198.51.101.7:443", "192.168.77.10:5000", BROKER_UNREACHABLE, 1200, 65535, "bytes"},
	    {"198.51.101.7:443", "192.168.77.10:5000", BROKER_UNREACHABLE, 10, 11, "bytes"},
	    {"198.51.101.7:443", "192.168.77.10:5000", BROKER_UNREACHABLE, 65508, 10, "bytes"},
	    {"198.51.101.7:443", "[fd77::10]:5000", BROKER_UNREACHABLE, 10, 10, "families"},
	    {"198.51.101.7:443", "127.0.0.1:5000", BROKER_UNREACHABLE, 10, 10, "no camera"},
	    {"198.51.101.7:443", "224.0.0.1:5000", BROKER_UNREACHABLE, 10, 10, "no camera"},
	    {"198.51.101.7:443", "255.255.255.255:9", BROKER_UNREACHABLE, 10, 10, "no camera"},
	    {"198.51.101.7:443", "0.0.0.0:5000", BROKER_UNREACHABLE, 10, 10, "no camera"},
	    {"127.0.0.1:443", "192.168.77.10:5000", BROKER_UNREACHABLE, 10, 10, "range"},
	    {"0.0.0.0:0", "192.168.77.10:5000", BROKER_CARD, 0, 0, ""},
	    {"0.0.0.0:0", "[fe80::10]:5000", BROKER_CARD, 0, 0, ""},
	    {"0.0.0.0:0", "127.0.0.1:5000", BROKER_CARD, 0, 0, "no camera"},
	    {"0.0.0.0:0", "[ff02::1]:5000", BROKER_CARD, 0, 0, "no camera"},
	    {"0.0.0.0:0", "0.0.0.0:0", BROKER_CARD, 0, 0, "no camera"},
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, broker_wish, what_a_camera_cannot_cause_is_refused)
{
	const struct broker_request wish = wish_of(row);
	struct err err = {0};
	int got = broker_wish_check(&wish, &err);

	cr_expect_eq(got, row->why[0] == '\0' ? 0 : -1, "%s from %s", row->dst, row->camera);
	cr_expect_not_null(strstr(err.text, row->why), "%s: %s", row->dst, err.text);
}

Test(broker_wish, a_message_of_another_size_or_wish_is_none)
{
	struct broker_request wish, got;
	uint8_t bytes[sizeof(wish) + 8];

	memset(&wish, 0, sizeof(wish));
	memset(bytes, 0, sizeof(bytes));
	for (uint32_t kind = 0; kind < 260; kind++) {
		bool known = kind >= BROKER_SOCKET && kind <= BROKER_CARD;

		wish.wish = kind;
		memcpy(bytes, &wish, sizeof(wish));
		cr_expect_eq(broker_wish_read((struct bytes){bytes, sizeof(wish)}, &got, NULL),
		    known ? 0 : -1, "%u", (unsigned)kind);
	}
	wish.wish = BROKER_SOCKET;
	memcpy(bytes, &wish, sizeof(wish));
	for (size_t size = 0; size <= sizeof(bytes); size++)
		cr_expect_eq(broker_wish_read((struct bytes){bytes, size}, &got, NULL) == 0,
		    size == sizeof(wish), "%zu", size);
}
