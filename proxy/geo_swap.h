/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GEO_SWAP_H
#define PROXY_GEO_SWAP_H

#include "config/config.h"

#include <stdbool.h>

struct err;

/*
 * A directory of databases that is replaced as a whole: the next one is filled
 * beside it (DIR.next), takes its place in one step (renameat2(2) with
 * RENAME_EXCHANGE), and what was there stays as DIR.last.  The directory's name
 * stays what the configuration says, and at no moment is there none.
 */
struct geo_swap {
	char dir[CONFIG_PATH_MAX]; /* without symbolic links */
	char next[CONFIG_PATH_MAX + 8], last[CONFIG_PATH_MAX + 8];
	int lock; /* the directory that dir lies in */
};

/*
 * Lock dir against another update, and make next: a directory with links to all
 * files of dir, each to be replaced by rename(2), never written to.  Refused:
 * a directory that holds other things than databases, which would be moved
 * along with it.  To be closed either way.
 */
int geo_swap_open(struct geo_swap *swap, const char *dir, struct err *err);

/* Put next in dir's place, and dir in that of last; both or none.  Who is killed
 * in between leaves it to the next geo_swap_open to keep what was there. */
int geo_swap_commit(struct geo_swap *swap, struct err *err);

/*
 * What took dir's place is untold, over restarts too, until geo_swap_told: a hidden
 * file in it says that nobody was asked yet to take it.
 */
bool geo_swap_is_untold(const struct geo_swap *swap);
void geo_swap_told(const struct geo_swap *swap);

/* Undo the commit: last is dir again. */
int geo_swap_undo(struct geo_swap *swap, struct err *err);

/* Removes next where it is still there. */
void geo_swap_close(struct geo_swap *swap);

#endif
