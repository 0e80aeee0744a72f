/* SPDX-License-Identifier: MIT */
#include "proxy/origdst.h"

#include "base/err.h"

#include <linux/netfilter_ipv4.h>

enum { IP6_ORIGINAL_DST = 80 }; /* linux/netfilter_ipv6/ip6_tables.h, which clashes with netinet */

static int
get_tproxy(int fd, struct addr *dst, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	if (getsockname(fd, (struct sockaddr *)&name, &size) != 0)
		return err_sys(err, "getsockname");
	if (!addr_from_sockaddr(dst, &name))
		return err_set(err, ERR_INPUT, "a connection that is neither IPv4 nor IPv6");
	return 0;
}

static int
get_redirect(int fd, struct addr *dst, struct err *err)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	/* A dual-stack socket answers for the family of its packets only. */
	if (getsockopt(fd, IPPROTO_IP, SO_ORIGINAL_DST, &name, &size) != 0) {
		size = sizeof(name);
		if (getsockopt(fd, IPPROTO_IPV6, IP6_ORIGINAL_DST, &name, &size) != 0)
			return err_sys(err, "SO_ORIGINAL_DST");
	}
	if (!addr_from_sockaddr(dst, &name))
		return err_set(err, ERR_INPUT, "a connection that is neither IPv4 nor IPv6");
	return 0;
}

const struct origdst_method *
origdst_method(enum gateway_mode mode)
{
	static const struct origdst_method methods[] = {
	    [GATEWAY_TPROXY] = {"tproxy", get_tproxy},
	    [GATEWAY_REDIRECT] = {"redirect", get_redirect},
	};

	return &methods[mode];
}
