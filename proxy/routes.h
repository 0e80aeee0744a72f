/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ROUTES_H
#define PROXY_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/*
 * What TPROXY needs of routing: packets of the cameras that the rules marked
 * are delivered to this host, whatever their destination.  One rule an
 * interface and family (`from all fwmark MARK iif NAME lookup TABLE`), and in
 * that table one route (`local default dev lo`).
 *
 * And behind it, one that keeps a host which routes from routing any other
 * packet of a camera's (`from all iif NAME blackhole`): whoever takes the rules
 * of nftables away leaves this one.
 *
 * The interface stands in the rule so that it does not apply when the kernel
 * looks up the way back to a camera (rp_filter with src_valid_mark), which it
 * would answer with "that is me".
 * Source: Linux Documentation/networking/tproxy.rst; rtnetlink(7).
 */
enum {
	ROUTES_MARK = 0x626c,      /* "bl", in the lower half of the mark alone: the */
	ROUTES_MARK_MASK = 0xffff, /* upper is left to whoever else marks packets */
	ROUTES_TABLE = 25196,      /* 0x626c again */
	ROUTES_PRIORITY = 25196,   /* before main (32766), behind local (0) */
	ROUTES_PRIORITY_END,       /* of the one behind it */
};

/* Put rules and routes there for these interfaces, which need not exist yet, in
 * place of what an earlier start left.  deliver: what the rules marked is to be
 * delivered here.  Needs CAP_NET_ADMIN.  A host without IPv6 gets those of IPv4. */
int routes_set(const char names[][16], size_t count, bool deliver, struct err *err);

/* A descriptor, the caller's, that is readable when some routing rule or route
 * changes; -1 with an error. */
int routes_watch(struct err *err);

/* Read what it has; whether a rule of ours was taken away, or our table is another one. */
bool routes_are_lost(int fd);

/* Take them away; what is not there is no error. */
int routes_remove(struct err *err);

#endif
