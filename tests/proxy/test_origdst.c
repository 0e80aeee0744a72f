/* SPDX-License-Identifier: MIT */
#include "proxy/origdst.h"

#include "base/err.h"
#include "tests/flow/namespace.h"

#include <criterion/criterion.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <unistd.h>

enum { PORT = 8443 };

static int
listen_at(int family)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	cr_assert_geq(fd, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET)
		cr_assert_eq(bind(fd, (struct sockaddr *)&any4, sizeof(any4)), 0);
	else
		cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(listen(fd, 4), 0);
	return fd;
}

static int
connect_to(const char *text)
{
	struct sockaddr_storage name;
	struct addr addr;
	socklen_t size;
	int fd;

	cr_assert_eq(addr_parse(&addr, text, 0, NULL), 0);
	size = addr_to_sockaddr(&addr, &name);
	fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&name, size), 0, "connect to %s", text);
	return fd;
}

/* Connect, and ask the method where to. */
static void
expect_destination(enum gateway_mode mode, int family, const char *text)
{
	int listener = listen_at(family), camera = connect_to(text);
	int taken = accept(listener, NULL, NULL);
	struct err err = {0};
	char got[ADDR_TEXT_MAX];
	struct addr dst = {0};

	cr_assert_geq(taken, 0);
	cr_assert_eq(origdst_method(mode)->get(taken, &dst, &err), 0, "%s", err.text);
	cr_expect_str_eq(addr_text_port(&dst, got), text);
	(void)close(taken);
	(void)close(camera);
	(void)close(listener);
}

static void
enter(void)
{
	if (!namespace_enter())
		cr_skip("no network namespace can be made here: run the tests as root");
}

static void
redirect(void)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	int ret;

	cr_assert_not_null(nft);
	(void)nft_ctx_buffer_error(nft);
	ret = nft_run_cmd_from_buffer(nft,
	    "table inet story { chain out { type nat hook output priority -100; "
	    "tcp dport 443 redirect to :8443; }; }");
	nft_ctx_free(nft);
	if (ret != 0)
		cr_skip("no nat rule can be set here: the kernel may lack nf_nat");
}

Test(origdst, has_a_row_a_mode)
{
	cr_expect_str_eq(origdst_method(GATEWAY_TPROXY)->name, "tproxy");
	cr_expect_str_eq(origdst_method(GATEWAY_REDIRECT)->name, "redirect");
}

Test(origdst, with_tproxy_is_the_sockets_own_name)
{
	enter();
	expect_destination(GATEWAY_TPROXY, AF_INET, "203.0.114.7:8443");
	expect_destination(GATEWAY_TPROXY, AF_INET6, "203.0.114.7:8443");
	expect_destination(GATEWAY_TPROXY, AF_INET6, "[2a01:4f8::7]:8443");
}

Test(origdst, with_redirect_is_what_the_kernel_remembers)
{
	enter();
	redirect();
	expect_destination(GATEWAY_REDIRECT, AF_INET, "203.0.114.7:443");
	expect_destination(GATEWAY_REDIRECT, AF_INET6, "203.0.114.7:443");
	expect_destination(GATEWAY_REDIRECT, AF_INET6, "[2a01:4f8::7]:443");
}

Test(origdst, of_a_connection_that_was_not_redirected_is_an_error)
{
	struct err err = {0};
	struct addr dst = {.port = 7};
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	cr_expect_eq(origdst_method(GATEWAY_REDIRECT)->get(ends[0], &dst, &err), -1);
	cr_expect_eq(err.kind, ERR_SYS);
	cr_expect_eq(origdst_method(GATEWAY_TPROXY)->get(ends[0], &dst, &err), -1);
	cr_expect_eq(err.kind, ERR_INPUT, "neither IPv4 nor IPv6");
	cr_expect_eq(dst.port, 7);
	(void)close(ends[0]);
	(void)close(ends[1]);
}
