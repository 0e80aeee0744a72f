/* SPDX-License-Identifier: MIT */
#include "certs/dispatch.h"

#include <stddef.h>

void (*dispatch_find(const OSSL_DISPATCH *functions, int id))(void)
{
	for (; functions->function_id != 0; functions++) {
		if (functions->function_id == id)
			return functions->function;
	}
	return NULL;
}
