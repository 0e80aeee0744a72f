/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SANDBOX_CALLS_H
#define PROXY_SANDBOX_CALLS_H

#include "proxy/sandbox.h"

/*
 * The system calls that a role may make, for sandbox.c only.  Two tables: what
 * all roles make and what each makes beside it; any other call ends the
 * process with SIGSYS and a line in the kernel's audit log.  The supervisor
 * has a list of what is refused instead, since its roles inherit it.
 *
 * 1: filtered; 0: this kernel has no seccomp filters; -1: it has, and refused.
 * Source: seccomp(2), seccomp_rule_add(3).
 */
int sandbox_calls_filter(enum role role, struct err *err);

#endif
