/* SPDX-License-Identifier: MIT */
/* The ends of sockets that roles hold, as the supervisor keeps them. */
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "proxy/intake.h"
#include "proxy/supervisor_private.h"

#include <poll.h>
#include <unistd.h>

int
ends_open(struct pair *pair, struct err *err)
{
	int ends[2];

	if (ipc_pair(ends, err) != 0)
		return -1;
	pair->ours = ends[0];
	pair->theirs = ends[1];
	return 0;
}

void
ends_close(struct pair *pair)
{
	if (pair->ours >= 0)
		(void)close(pair->ours);
	if (pair->theirs >= 0)
		(void)close(pair->theirs);
	*pair = (struct pair){-1, -1};
}

int
ends_renew(struct supervisor *supervisor, const struct child *child, struct err *err)
{
	struct pair *leash = &supervisor->leash[child - supervisor->children];

	if (child->role == ROLE_WORKER &&
	    intake_listen(supervisor->listener[child->index], err) != 0)
		return -1;
	ends_close(leash);
	return ends_open(leash, err);
}

static bool
is_shut(const struct pair *pair)
{
	struct pollfd fds[] = {{pair->ours, POLLRDHUP, 0}, {pair->theirs, POLLRDHUP, 0}};

	return poll(fds, 2, 0) > 0;
}

/* The pairs of workers with one other role. */
struct ends {
	struct pair *pairs;
	size_t other; /* its place among the children */
};

static bool
mend(struct supervisor *supervisor, const struct ends *ends, unsigned worker)
{
	const char *other = role_name(supervisor->children[ends->other].role);
	bool asker_ended = supervisor_has_ended(&supervisor->children[CHILD_WORKERS + worker]);
	bool other_ended = supervisor_has_ended(&supervisor->children[ends->other]);
	struct err err = {0};

	if (!asker_ended || !other_ended)
		return false;
	ends_close(&ends->pairs[worker]);
	if (ends_open(&ends->pairs[worker], &err) != 0) {
		log_error("worker %u has no way to the %s: %s", worker, other, err.text);
		return false;
	}
	log_warn("worker %u had shut its way to the %s: it has another", worker, other);
	return true;
}

bool
ends_mend(struct supervisor *supervisor)
{
	const struct ends all[] = {{supervisor->minting, CHILD_SIGNER},
	    {supervisor->brokering, CHILD_BROKER}};
	bool good = true;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (unsigned worker = 0; worker < supervisor->workers; worker++) {
			if (is_shut(&all[i].pairs[worker]) && !mend(supervisor, &all[i], worker))
				good = false;
		}
	}
	return good;
}
