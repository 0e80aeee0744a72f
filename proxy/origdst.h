/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ORIGDST_H
#define PROXY_ORIGDST_H

#include "base/addr.h"
#include "config/config.h"

struct err;

/*
 * Where a camera wanted to go, for a socket that the kernel handed to us
 * instead.  A row a method.
 *
 * With TPROXY the socket's own name is the destination; with REDIRECT the
 * kernel keeps it beside the connection.
 * Source: Linux Documentation/networking/tproxy.rst; SO_ORIGINAL_DST
 * (linux/netfilter_ipv4.h) and IP6T_SO_ORIGINAL_DST.
 */
struct origdst_method {
	const char *name;
	int (*get)(int fd, struct addr *dst, struct err *err);
};

const struct origdst_method *origdst_method(enum gateway_mode mode);

#endif
