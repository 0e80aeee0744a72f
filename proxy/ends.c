/* SPDX-License-Identifier: MIT */
/* The ends of sockets that roles hold, as the supervisor keeps them. */
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "proxy/intake.h"
#include "proxy/supervisor_private.h"

#include <poll.h>
#include <unistd.h>

enum {
	SIGNER = 0, /* its place and the first worker's among the children */
	WORKERS = 2,
};

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

static bool
mend(struct supervisor *supervisor, unsigned worker)
{
	bool asker_ended = supervisor_has_ended(&supervisor->children[WORKERS + worker]);
	bool signer_ended = supervisor_has_ended(&supervisor->children[SIGNER]);
	struct err err = {0};

	if (!asker_ended || !signer_ended)
		return false;
	ends_close(&supervisor->minting[worker]);
	if (ends_open(&supervisor->minting[worker], &err) != 0) {
		log_error("worker %u has no way to the signer: %s", worker, err.text);
		return false;
	}
	log_warn("worker %u had shut its way to the signer: it has another", worker);
	return true;
}

bool
ends_mend(struct supervisor *supervisor)
{
	bool good = true;

	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (is_shut(&supervisor->minting[i]) && !mend(supervisor, i))
			good = false;
	}
	return good;
}
