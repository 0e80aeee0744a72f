/* SPDX-License-Identifier: MIT */
#include "proxy/answer.h"

#include "base/jsonw.h"
#include "proxy/commands.h"

#include <stdio.h>

int
answer_print(struct jsonw *json, int code)
{
	if (json->failed) {
		(void)fputs("borderlens: no memory\n", stderr);
		code = EXIT_FAILED;
	} else {
		(void)puts(json->at);
	}
	jsonw_free(json);
	return code;
}
