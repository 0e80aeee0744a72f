/* SPDX-License-Identifier: MIT */
#include "proxy/ftp_links.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct ftp_links *links;
static char control[COMMUNITY_ID_MAX];

static struct addr
addr_of(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0);
	return addr;
}

static void
expect(const char *camera, const char *dst, const char *id, uint64_t now_ms)
{
	struct addr from = addr_of(camera), to = addr_of(dst);

	ftp_links_expect(links, &from, &to, id, now_ms);
}

static bool
take(const char *camera, const char *dst, uint64_t now_ms)
{
	struct addr from = addr_of(camera), to = addr_of(dst);

	return ftp_links_take(links, &from, &to, now_ms, control);
}

static void
open_links(void)
{
	links = ftp_links_new();
	cr_assert_not_null(links);
}

static void
close_links(void)
{
	ftp_links_free(links);
}

TestSuite(ftp_links, .init = open_links, .fini = close_links);

Test(ftp_links, is_of_one_camera_and_place_and_connection)
{
	expect("10.0.0.4:1000", "192.0.2.1:5000", "1:abc", 1000);
	cr_expect_not(take("10.0.0.5:2000", "192.0.2.1:5000", 1001), "another camera");
	cr_expect_not(take("10.0.0.4:2000", "192.0.2.1:5001", 1001), "another port");
	cr_expect_not(take("10.0.0.4:2000", "192.0.2.2:5000", 1001), "another server");
	cr_expect(take("10.0.0.4:2000", "192.0.2.1:5000", 1001), "by whichever port");
	cr_expect_str_eq(control, "1:abc");
	cr_expect_not(take("10.0.0.4:2000", "192.0.2.1:5000", 1001), "once");
}

Test(ftp_links, is_over_in_a_minute)
{
	expect("10.0.0.4:1000", "192.0.2.1:5000", "1:abc", 1000);
	expect("10.0.0.4:1000", "192.0.2.1:5001", "1:abc", 1500);
	cr_expect_not(take("10.0.0.4:2000", "192.0.2.1:5000", 1000 + FTP_LINK_MS));
	cr_expect(take("10.0.0.4:2000", "192.0.2.1:5001", 1000 + FTP_LINK_MS));
	cr_expect_not(take("10.0.0.4:2000", "192.0.2.1:5001", 1500 + FTP_LINK_MS));
}

Test(ftp_links, are_so_many_and_the_oldest_makes_way)
{
	char dst[32];

	for (unsigned i = 0; i <= FTP_LINKS_MAX; i++) {
		(void)snprintf(dst, sizeof(dst), "192.0.2.1:%u", 5000 + i);
		expect("10.0.0.4:1000", dst, "1:abc", 1000);
	}
	cr_expect_not(take("10.0.0.4:2000", "192.0.2.1:5000", 1000));
	cr_expect(take("10.0.0.4:2000", "192.0.2.1:5001", 1000));
}
