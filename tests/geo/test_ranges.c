/* SPDX-License-Identifier: MIT */
#include "geo/ranges.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

struct row {
	char address[48];
	enum range range;
	char why[48];
};

ParameterizedTestParameters(ranges, every_block_has_its_range)
{
	static struct row rows[] = {
	    /* IANA IPv4 Special-Purpose Address Registry, first and last of each */
	    {"0.0.0.0", RANGE_UNSPECIFIED, "RFC 791"},
	    {"0.255.255.255", RANGE_UNSPECIFIED, "RFC 791"},
	    {"1.0.0.0", RANGE_PUBLIC, "behind 0/8"},
	    {"9.255.255.255", RANGE_PUBLIC, "before 10/8"},
	    {"10.0.0.0", RANGE_PRIVATE, "RFC 1918"},
	    {"10.255.255.255", RANGE_PRIVATE, "RFC 1918"},
	    {"11.0.0.0", RANGE_PUBLIC, "behind 10/8"},
	    {"100.63.255.255", RANGE_PUBLIC, "before 100.64/10"},
	    {"100.64.0.0", RANGE_PRIVATE, "RFC 6598"},
	    {"100.127.255.255", RANGE_PRIVATE, "RFC 6598"},
	    {"100.128.0.0", RANGE_PUBLIC, "behind 100.64/10"},
	    {"126.255.255.255", RANGE_PUBLIC, "before 127/8"},
	    {"127.0.0.0", RANGE_LOOPBACK, "RFC 1122"},
	    {"127.0.0.1", RANGE_LOOPBACK, "RFC 1122"},
	    {"127.255.255.255", RANGE_LOOPBACK, "RFC 1122"},
	    {"128.0.0.0", RANGE_PUBLIC, "behind 127/8"},
	    {"169.253.255.255", RANGE_PUBLIC, "before 169.254/16"},
	    {"169.254.0.0", RANGE_LINK_LOCAL, "RFC 3927"},
	    {"169.254.255.255", RANGE_LINK_LOCAL, "RFC 3927"},
	    {"169.255.0.0", RANGE_PUBLIC, "behind 169.254/16"},
	    {"172.15.255.255", RANGE_PUBLIC, "before 172.16/12"},
	    {"172.16.0.0", RANGE_PRIVATE, "RFC 1918"},
	    {"172.31.255.255", RANGE_PRIVATE, "RFC 1918"},
	    {"172.32.0.0", RANGE_PUBLIC, "behind 172.16/12"},
	    {"192.0.0.0", RANGE_RESERVED, "RFC 6890"},
	    {"192.0.0.8", RANGE_RESERVED, "RFC 7600: dummy address"},
	    {"192.0.0.9", RANGE_RESERVED, "RFC 7723: port control anycast"},
	    {"192.0.0.10", RANGE_RESERVED, "RFC 8155: TURN anycast"},
	    {"192.0.0.170", RANGE_RESERVED, "RFC 7050: NAT64 discovery"},
	    {"192.0.0.255", RANGE_RESERVED, "RFC 6890"},
	    {"192.0.1.0", RANGE_PUBLIC, "behind 192.0.0/24"},
	    {"192.0.2.1", RANGE_RESERVED, "RFC 5737"},
	    {"192.31.196.1", RANGE_PUBLIC, "RFC 7535: AS112, global"},
	    {"192.52.193.1", RANGE_PUBLIC, "RFC 7450: AMT, global"},
	    {"192.88.99.1", RANGE_RESERVED, "RFC 7526"},
	    {"192.88.100.0", RANGE_PUBLIC, "behind 192.88.99/24"},
	    {"192.167.255.255", RANGE_PUBLIC, "before 192.168/16"},
	    {"192.168.0.0", RANGE_PRIVATE, "RFC 1918"},
	    {"192.168.255.255", RANGE_PRIVATE, "RFC 1918"},
	    {"192.169.0.0", RANGE_PUBLIC, "behind 192.168/16"},
	    {"192.175.48.1", RANGE_PUBLIC, "RFC 7534: AS112, global"},
	    {"198.17.255.255", RANGE_PUBLIC, "before 198.18/15"},
	    {"198.18.0.0", RANGE_RESERVED, "RFC 2544"},
	    {"198.19.255.255", RANGE_RESERVED, "RFC 2544"},
	    {"198.20.0.0", RANGE_PUBLIC, "behind 198.18/15"},
	    {"198.51.100.1", RANGE_RESERVED, "RFC 5737"},
	    {"203.0.113.1", RANGE_RESERVED, "RFC 5737"},
	    {"223.255.255.255", RANGE_PUBLIC, "before multicast"},
	    {"224.0.0.0", RANGE_MULTICAST, "RFC 5771"},
	    {"239.255.255.250", RANGE_MULTICAST, "WS-Discovery"},
	    {"239.255.255.255", RANGE_MULTICAST, "RFC 5771"},
	    {"240.0.0.0", RANGE_RESERVED, "RFC 1112"},
	    {"255.255.255.254", RANGE_RESERVED, "RFC 1112"},
	    {"255.255.255.255", RANGE_BROADCAST, "RFC 8190"},
	    {"8.8.8.8", RANGE_PUBLIC, "an address like others"},
	    /* what clouds tell their hosts */
	    {"169.254.169.254", RANGE_METADATA, "most clouds"},
	    {"169.254.169.253", RANGE_METADATA, "AWS resolver"},
	    {"169.254.169.123", RANGE_METADATA, "AWS time"},
	    {"169.254.170.2", RANGE_METADATA, "AWS containers"},
	    {"169.254.170.23", RANGE_METADATA, "AWS pods"},
	    {"169.254.42.42", RANGE_METADATA, "Scaleway"},
	    {"169.254.0.23", RANGE_METADATA, "Tencent"},
	    {"100.100.100.200", RANGE_METADATA, "Alibaba"},
	    {"192.0.0.192", RANGE_METADATA, "Oracle"},
	    {"168.63.129.16", RANGE_METADATA, "Azure"},
	    {"168.63.129.17", RANGE_PUBLIC, "beside Azure's"},
	    {"fd00:ec2::254", RANGE_METADATA, "AWS"},
	    {"fd00:ec2::253", RANGE_METADATA, "AWS resolver"},
	    {"fd00:ec2::123", RANGE_METADATA, "AWS time"},
	    {"fd00:ec2::23", RANGE_METADATA, "AWS pods"},
	    {"fd20:ce::254", RANGE_METADATA, "Google"},
	    {"fd00:c1::a9fe:a9fe", RANGE_METADATA, "Oracle"},
	    {"fd00:42::42", RANGE_METADATA, "Scaleway"},
	    {"fd00:ec2::255", RANGE_PRIVATE, "beside AWS's"},
	    /* IANA IPv6 Special-Purpose Address Registry and address space */
	    {"::", RANGE_UNSPECIFIED, "RFC 4291"},
	    {"::1", RANGE_LOOPBACK, "RFC 4291"},
	    {"100::", RANGE_RESERVED, "RFC 6666: discard"},
	    {"100:0:0:1::1", RANGE_RESERVED, "RFC 9780: dummy"},
	    {"200::1", RANGE_RESERVED, "RFC 4048: never given out"},
	    {"1fff::1", RANGE_RESERVED, "before global unicast"},
	    {"2000::1", RANGE_PUBLIC, "RFC 4291"},
	    {"2001:1::1", RANGE_RESERVED, "RFC 7723"},
	    {"2001:1::2", RANGE_RESERVED, "RFC 8155"},
	    {"2001:1::3", RANGE_RESERVED, "RFC 9665"},
	    {"2001:2::1", RANGE_RESERVED, "RFC 5180: benchmarking"},
	    {"2001:3::1", RANGE_PUBLIC, "RFC 7450: AMT, global"},
	    {"2001:4:112::1", RANGE_PUBLIC, "RFC 7535: AS112, global"},
	    {"2001:4:113::1", RANGE_RESERVED, "beside AS112"},
	    {"2001:10::1", RANGE_RESERVED, "RFC 4843: ORCHID"},
	    {"2001:20::1", RANGE_RESERVED, "RFC 7343: ORCHIDv2"},
	    {"2001:30::1", RANGE_RESERVED, "RFC 9374: drones"},
	    {"2001:1ff:ffff::1", RANGE_RESERVED, "RFC 2928, last"},
	    {"2001:200::1", RANGE_PUBLIC, "behind RFC 2928"},
	    {"2001:db7:ffff::1", RANGE_PUBLIC, "before documentation"},
	    {"2001:db8::1", RANGE_RESERVED, "RFC 3849"},
	    {"2001:db9::1", RANGE_PUBLIC, "behind documentation"},
	    {"2620:4f:8000::1", RANGE_PUBLIC, "RFC 7534: AS112, global"},
	    {"2a00:1450::1", RANGE_PUBLIC, "an address like others"},
	    {"3fff::1", RANGE_RESERVED, "RFC 9637"},
	    {"3fff:fff::1", RANGE_RESERVED, "RFC 9637, last"},
	    {"3fff:1000::1", RANGE_PUBLIC, "behind RFC 9637"},
	    {"4000::1", RANGE_RESERVED, "behind global unicast"},
	    {"5f00::1", RANGE_RESERVED, "RFC 9602: segment routing"},
	    {"fbff::1", RANGE_RESERVED, "before unique local"},
	    {"fc00::1", RANGE_PRIVATE, "RFC 4193"},
	    {"fdff:ffff::1", RANGE_PRIVATE, "RFC 4193"},
	    {"fe00::1", RANGE_RESERVED, "behind unique local"},
	    {"fe80::1", RANGE_LINK_LOCAL, "RFC 4291"},
	    {"febf::1", RANGE_LINK_LOCAL, "RFC 4291"},
	    {"fec0::1", RANGE_PRIVATE, "RFC 3879"},
	    {"feff::1", RANGE_PRIVATE, "RFC 3879"},
	    {"ff02::1", RANGE_MULTICAST, "RFC 4291"},
	    /* an IPv4 address in another form is what it is */
	    {"::ffff:127.0.0.1", RANGE_LOOPBACK, "mapped"},
	    {"::ffff:8.8.8.8", RANGE_PUBLIC, "mapped"},
	    {"::ffff:0:127.0.0.1", RANGE_LOOPBACK, "translated"},
	    {"::ffff:0:8.8.8.8", RANGE_RESERVED, "translated: not a form for the net"},
	    {"::10.0.0.1", RANGE_PRIVATE, "compatible"},
	    {"::0.0.0.2", RANGE_UNSPECIFIED, "compatible"},
	    {"::8.8.8.8", RANGE_RESERVED, "compatible: withdrawn, RFC 4291"},
	    {"64:ff9b::169.254.169.254", RANGE_METADATA, "NAT64"},
	    {"64:ff9b::192.168.1.1", RANGE_PRIVATE, "NAT64"},
	    {"64:ff9b::8.8.8.8", RANGE_PUBLIC, "NAT64"},
	    {"64:ff9b:0:0:0:1:808:808", RANGE_RESERVED, "beside NAT64"},
	    {"64:ff9b:1::127.0.0.1", RANGE_LOOPBACK, "a site's NAT64, /96"},
	    {"64:ff9b:1::8.8.8.8", RANGE_PRIVATE, "a site's NAT64 is the site's"},
	    {"64:ff9b:1:7f00:0:100::", RANGE_LOOPBACK, "a site's NAT64, /48"},
	    {"64:ff9b:1:808:8:800::", RANGE_PRIVATE, "a site's NAT64, /48"},
	    {"2002:7f00:1::1", RANGE_LOOPBACK, "6to4"},
	    {"2002:a00:1::", RANGE_PRIVATE, "6to4"},
	    {"2002:a9fe:a9fe::1", RANGE_METADATA, "6to4"},
	    {"2002:808:808::1", RANGE_PUBLIC, "6to4"},
	    {"2001:0:808:808:0:0:80ff:fffe", RANGE_LOOPBACK, "Teredo: client inverted"},
	    {"2001::80ff:fffe", RANGE_LOOPBACK, "Teredo"},
	    {"2001::f7f7:f7f7", RANGE_PUBLIC, "Teredo"},
	};

	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct row *row, ranges, every_block_has_its_range)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, row->address, 443, NULL), 0);
	cr_expect_str_eq(range_name(range_of(&addr)), range_name(row->range), "%s (%s)",
	    row->address, row->why);
}

struct form {
	char address[48], inner[48];
};

ParameterizedTestParameters(ranges, every_form_is_unwrapped)
{
	static struct form rows[] = {
	    {"192.0.2.33", "192.0.2.33"},
	    {"::ffff:192.0.2.33", "192.0.2.33"},
	    {"::ffff:0:192.0.2.33", "192.0.2.33"},
	    {"::192.0.2.33", "192.0.2.33"},
	    {"64:ff9b::192.0.2.33", "192.0.2.33"},
	    {"64:ff9b:1::192.0.2.33", "192.0.2.33"},
	    {"64:ff9b:1:c000:2:2100::", "192.0.2.33"}, /* as RFC 6052 section 2.2 places it */
	    {"2002:c000:221::1", "192.0.2.33"},
	    {"2001::3fff:fdde", "192.0.2.33"},
	    {"::", ""},
	    {"::1", ""},
	    {"2001:db8::192.0.2.33", ""},
	    {"fe80::192.0.2.33", ""},
	};

	return cr_make_param_array(struct form, rows, sizeof(rows) / sizeof(rows[0]));
}

ParameterizedTest(struct form *row, ranges, every_form_is_unwrapped)
{
	struct addr addr, inner = {0};
	char text[ADDR_TEXT_MAX];

	cr_assert_eq(addr_parse(&addr, row->address, 443, NULL), 0);
	cr_assert_eq(range_unwrap(&addr, &inner), row->inner[0] != '\0', "%s", row->address);
	if (row->inner[0] == '\0')
		return;
	cr_expect_str_eq(addr_text(&inner, text), row->inner, "%s", row->address);
	cr_expect_eq(inner.port, 443);
}

Test(ranges, a_wrapped_address_is_never_better_than_what_it_wraps)
{
	static const char *const forms[] = {"::ffff:%s", "::ffff:0:%s", "::%s", "64:ff9b::%s",
	    "64:ff9b:1::%s"};
	static const char *const inner[] = {"0.0.0.0", "10.1.2.3", "100.64.1.1", "127.0.0.1",
	    "169.254.1.1", "169.254.169.254", "172.16.0.1", "192.0.2.1", "192.168.1.1",
	    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		for (size_t j = 0; j < sizeof(inner) / sizeof(inner[0]); j++) {
			char prefix[24], text[80];
			struct addr addr;

			(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)strlen(forms[i]) - 2,
			    forms[i]);
			(void)snprintf(text, sizeof(text), "%s%s", prefix, inner[j]);
			cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0, "%s", text);
			cr_expect_neq(range_of(&addr), RANGE_PUBLIC, "%s", text);
		}
	}
}
