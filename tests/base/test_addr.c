/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

static struct addr
parsed(const char *text)
{
	struct addr addr = {0};
	struct err err = {0};

	cr_assert_eq(addr_parse(&addr, text, 0, &err), 0, "%s", err.text);
	return addr;
}

Test(addr, reads_what_people_write)
{
	static const struct {
		const char *text, *ip, *with_port;
		uint16_t port;
	} rows[] = {
	    {"192.0.2.1", "192.0.2.1", "192.0.2.1:443", 443},
	    {"192.0.2.1:80", "192.0.2.1", "192.0.2.1:80", 80},
	    {"192.0.2.1:0", "192.0.2.1", "192.0.2.1:0", 0},
	    {"192.0.2.1:65535", "192.0.2.1", "192.0.2.1:65535", 65535},
	    {"[192.0.2.1]:80", "192.0.2.1", "192.0.2.1:80", 80},
	    {"2001:db8::1", "2001:db8::1", "[2001:db8::1]:443", 443},
	    {"2001:DB8:0:0::1", "2001:db8::1", "[2001:db8::1]:443", 443},
	    {"[2001:db8::1]", "2001:db8::1", "[2001:db8::1]:443", 443},
	    {"[2001:db8::1]:8443", "2001:db8::1", "[2001:db8::1]:8443", 8443},
	    {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1:443", 443},
	    {"::", "::", "[::]:443", 443},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[ADDR_TEXT_MAX];
		struct addr addr = {0};

		cr_assert_eq(addr_parse(&addr, rows[i].text, 443, NULL), 0, "%s", rows[i].text);
		cr_expect_eq(addr.port, rows[i].port, "%s", rows[i].text);
		cr_expect_str_eq(addr_text(&addr, out), rows[i].ip);
		cr_expect_str_eq(addr_text_port(&addr, out), rows[i].with_port);
	}
}

Test(addr, refuses_all_else_and_leaves_the_value_alone)
{
	static const char *const rows[] = {"", " 192.0.2.1", "192.0.2.1 ", "192.0.2", "192.0.2.256",
	    "192.0.2.1:", ":80", "192.0.2.1:65536", "192.0.2.1:-1", "192.0.2.1:+1", "192.0.2.1:8o",
	    "192.0.2.1:99999999999999999999", "010.0.0.1", "0x7f.0.0.1", "2130706433", "[::1",
	    "[::1]80", "[::1]:", "[]:80", "::1]", ":::", "fe80::1%lo", "example.com",
	    "1111:2222:3333:4444:5555:6666:7777:8888:9999",
	    "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr addr = {.port = 7}, before = addr;
		struct err err = {0};

		cr_expect_eq(addr_parse(&addr, rows[i], 443, &err), -1, "'%s'", rows[i]);
		cr_expect_eq(err.kind, ERR_INPUT);
		cr_expect_neq(err.text[0], '\0');
		cr_expect(addr_equal(&addr, &before), "'%s'", rows[i]);
	}
}

Test(addr, the_longest_text_fits)
{
	struct addr addr = parsed("[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
	char out[ADDR_TEXT_MAX];

	cr_expect_str_eq(addr_text_port(&addr, out),
	    "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

Test(addr, goes_to_the_kernel_and_back)
{
	static const char *const rows[] = {"192.0.2.1:443", "[2001:db8::1]:8443"};
	static const int families[] = {AF_INET, AF_INET6};
	static const socklen_t sizes[] = {sizeof(struct sockaddr_in), sizeof(struct sockaddr_in6)};

	for (size_t i = 0; i < 2; i++) {
		struct addr addr = parsed(rows[i]), back = {0};
		struct sockaddr_storage name;

		cr_expect_eq(addr_to_sockaddr(&addr, &name), sizes[i]);
		cr_expect_eq(name.ss_family, families[i]);
		cr_assert(addr_from_sockaddr(&back, &name));
		cr_expect(addr_equal(&addr, &back));
	}
}

Test(addr, v4_of_a_dual_stack_socket_is_v4)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(99)};
	struct sockaddr_storage name = {0};
	struct addr addr, same = parsed("192.0.2.9:99");

	cr_assert_eq(inet_pton(AF_INET6, "::ffff:192.0.2.9", &in6.sin6_addr), 1);
	memcpy(&name, &in6, sizeof(in6));
	cr_assert(addr_from_sockaddr(&addr, &name));
	cr_expect(addr_is_v4(&addr));
	cr_expect(addr_equal(&addr, &same));
}

Test(addr, of_another_family_is_none)
{
	struct sockaddr_storage name = {.ss_family = AF_UNIX};
	struct addr addr = {.port = 7};

	cr_expect_not(addr_from_sockaddr(&addr, &name));
	cr_expect_eq(addr.port, 7);
}

Test(addr, is_compared_with_and_without_its_port)
{
	struct addr one = parsed("192.0.2.1:1"), two = parsed("192.0.2.1:2");
	struct addr other = parsed("192.0.2.2:1");

	cr_expect(addr_equal(&one, &one));
	cr_expect_not(addr_equal(&one, &two));
	cr_expect(addr_same_host(&one, &two));
	cr_expect_not(addr_same_host(&one, &other));
}

Test(addr, only_mapped_is_v4)
{
	struct addr v4 = parsed("192.0.2.1"), compatible = parsed("::192.0.2.1");

	cr_expect(addr_is_v4(&v4));
	cr_expect_not(addr_is_v4(&compatible));
}

Test(prefix, holds_what_is_inside)
{
	static const struct {
		const char *block, *ip;
		bool inside;
	} rows[] = {
	    {"192.0.2.0/24", "192.0.2.0", true},
	    {"192.0.2.0/24", "192.0.2.255", true},
	    {"192.0.2.0/24", "192.0.3.0", false},
	    {"192.0.2.0/24", "2001:db8::", false},
	    {"192.0.2.7", "192.0.2.7", true},
	    {"192.0.2.7/32", "192.0.2.6", false},
	    {"192.0.2.128/25", "192.0.2.127", false},
	    {"192.0.2.128/25", "192.0.2.128", true},
	    {"10.64.0.0/10", "10.127.255.255", true},
	    {"10.64.0.0/10", "10.128.0.0", false},
	    {"0.0.0.0/0", "255.255.255.255", true},
	    {"0.0.0.0/0", "::1", false},
	    {"::/0", "192.0.2.1", true},
	    {"::/0", "ffff::", true},
	    {"::ffff:192.0.2.0/120", "192.0.2.3", true},
	    {"2001:db8::/33", "2001:db8:7fff::", true},
	    {"2001:db8::/33", "2001:db8:8000::", false},
	    {"2001:db8::1/128", "2001:db8::1", true},
	    {"2001:db8::1", "2001:db8::2", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr addr = parsed(rows[i].ip);
		struct prefix prefix;

		cr_assert_eq(prefix_parse(&prefix, rows[i].block, NULL), 0, "%s", rows[i].block);
		cr_expect_eq(prefix_holds(&prefix, addr.ip), rows[i].inside, "%s in %s", rows[i].ip,
		    rows[i].block);
	}
}

Test(prefix, every_length_is_a_border)
{
	for (unsigned bits = 1; bits <= 128; bits++) {
		struct prefix prefix = {.bits = (uint8_t)bits};
		uint8_t inside[16] = {0}, outside[16] = {0};

		/* The last bit of the prefix, and the first behind it. */
		outside[(bits - 1) / 8] = (uint8_t)(0x80U >> (bits - 1) % 8);
		if (bits < 128)
			inside[bits / 8] = (uint8_t)(0x80U >> bits % 8);
		cr_expect(prefix_holds(&prefix, inside), "%u", bits);
		cr_expect_not(prefix_holds(&prefix, outside), "%u", bits);
	}
}

Test(prefix, refuses_what_is_no_block)
{
	static const char *const rows[] = {"", "/", "/24", "192.0.2.0/", "192.0.2.0/33",
	    "192.0.2.0/-1", "192.0.2.0/2x", "192.0.2.1/24", "192.0.2.0/24/24", "2001:db8::/129",
	    "2001:db8::1/64", "192.0.2.0:80/24", "[::]/0", "0.0.0.1/0", "lan/8",
	    "0000000000000000000000000000000000000000000000000000000000000000"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix prefix = {.bits = 77};
		struct err err = {0};

		cr_expect_eq(prefix_parse(&prefix, rows[i], &err), -1, "'%s'", rows[i]);
		cr_expect_eq(err.kind, ERR_INPUT);
		cr_expect_eq(prefix.bits, 77, "'%s'", rows[i]);
	}
}
