/* SPDX-License-Identifier: MIT */
#include "certs/dispatch.h"

void (*dispatch_find(const OSSL_DISPATCH *functions, int id))(void)
{
	for (; functions->function_id != 0; functions++) {
		if (functions->function_id == id)
			return functions->function;
	}
	return NULL;
}

bool
dispatch_replace(const OSSL_DISPATCH *theirs, const OSSL_DISPATCH *ours, OSSL_DISPATCH *out,
    size_t room)
{
	size_t count = 0;

	for (; count < room && theirs[count].function_id != 0; count++) {
		void (*own)(void) = dispatch_find(ours, theirs[count].function_id);

		out[count] = theirs[count];
		if (own != NULL)
			out[count].function = own;
	}
	out[count] = (OSSL_DISPATCH){0, NULL};
	return theirs[count].function_id == 0;
}
