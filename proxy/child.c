/* SPDX-License-Identifier: MIT */
#include "proxy/child.h"

#include <stdio.h>

static const uint64_t stuck_after_ms[ROLE_COUNT] = {
    [ROLE_SIGNER] = 5000,
    [ROLE_WORKER] = 5000,
    [ROLE_RECORDER] = 15000,
    [ROLE_BROKER] = 5000,
};

void
child_ended(struct child *child, uint64_t now_ms)
{
	uint64_t *slot = &child->died_ms[child->deaths % CHILD_DEATHS];
	uint64_t oldest_ms;

	*slot = now_ms;
	child->deaths++;
	oldest_ms = child->died_ms[child->deaths % CHILD_DEATHS];
	child->pid = 0;
	child->shot = false;
	child->start_ms = now_ms;
	if (oldest_ms != 0 && now_ms - oldest_ms < CHILD_DEATHS_WITHIN_MS)
		child->start_ms += CHILD_PAUSE_MS;
}

bool
child_is_stuck(const struct child *child, uint64_t beat_ms, uint64_t now_ms)
{
	if (beat_ms == 0)
		return now_ms - child->start_ms > CHILD_FIRST_BEAT_MS;
	/* It may have beaten after our reading of the clock. */
	return now_ms > beat_ms && now_ms - beat_ms > stuck_after_ms[child->role];
}

const char *
child_name(const struct child *child, char out[CHILD_NAME_MAX])
{
	if (child->role == ROLE_WORKER)
		(void)snprintf(out, CHILD_NAME_MAX, "worker %u", child->index);
	else
		(void)snprintf(out, CHILD_NAME_MAX, "%s", role_name(child->role));
	return out;
}
