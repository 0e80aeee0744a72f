/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_NAMESPACE_H
#define TESTS_FLOW_NAMESPACE_H

#include <stdbool.h>

/*
 * Move this process into a network namespace of its own whose loopback answers
 * for public addresses, without being told as its own: 203.0.114.0/24,
 * 115.236.0.0/16 and 2a01:4f8::/32.  False where that is not allowed.  Call it
 * before the first thread.
 */
bool namespace_enter(void);

#endif
