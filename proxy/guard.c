/* SPDX-License-Identifier: MIT */
#include "proxy/guard.h"

#include "base/text.h"
#include "config/config.h"
#include "geo/ranges.h"
#include "proxy/own_addrs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
guard_block(struct verdict *verdict, enum verdict_stage stage, const char *rule, const char *fmt,
    ...)
{
	va_list ap;

	*verdict = (struct verdict){.result = RESULT_BLOCK, .stage = stage};
	text_copy(verdict->ruleset, sizeof(verdict->ruleset), "appliance");
	text_copy(verdict->ruleset_version, sizeof(verdict->ruleset_version), BORDERLENS_VERSION);
	text_copy(verdict->rule, sizeof(verdict->rule), rule);
	va_start(ap, fmt);
	(void)vsnprintf(verdict->why, sizeof(verdict->why), fmt, ap);
	va_end(ap);
}

static bool
is_allowed_private(const struct config *config, const struct addr *inner)
{
	for (size_t i = 0; i < config->gateway.allow_private_count; i++) {
		if (prefix_holds(&config->gateway.allow_private[i], inner->ip))
			return true;
	}
	return false;
}

bool
guard_refuses(const struct config *config, const struct own_addrs *own, const struct addr *dst,
    struct verdict *verdict)
{
	enum range range = range_of(dst);
	struct addr inner = *dst;

	(void)range_unwrap(dst, &inner);
	if (own != NULL && (own_addrs_has(own, dst) || own_addrs_has(own, &inner))) {
		guard_block(verdict, VERDICT_ADDRESS, "own-address",
		    "The appliance itself is no destination");
		return true;
	}
	if (range == RANGE_PUBLIC)
		return false;
	if (range == RANGE_PRIVATE && is_allowed_private(config, &inner))
		return false;
	guard_block(verdict, VERDICT_ADDRESS, range_name(range),
	    "Destinations in the %s range are refused", range_name(range));
	return true;
}
