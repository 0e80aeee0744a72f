/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CERTS_LEAN_FIRST_H
#define TESTS_CERTS_LEAN_FIRST_H

#include "base/err.h"
#include "certs/lean.h"

#include <stdio.h>
#include <stdlib.h>

/* For a suite to include, once a program: the lean provider is opened before anything
 * else of OpenSSL's is used, as a worker does (certs/lean.h). */
static __attribute__((constructor)) void
open_lean_first(void)
{
	struct err err = {0};

	if (lean_open(&err) == 0)
		return;
	(void)fprintf(stderr, "%s\n", err.text);
	abort();
}

#endif
