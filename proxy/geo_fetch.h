/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GEO_FETCH_H
#define PROXY_GEO_FETCH_H

struct config;
struct err;
struct geo_swap;

/*
 * The programs that `geo update` runs.  What they say goes to stderr; a
 * terminal's interrupt reaches them too.
 */

/*
 * Bring the newest databases into swap->next, which holds links to those that
 * are there.  By geo/fetch where it made them all: the one that
 * $BORDERLENS_GEO_FETCH names, /usr/share/borderlens/geo/fetch, or that of the
 * tree that the program was built in.  Else by geoipupdate(1), with the account
 * in the file `account`.
 */
int geo_fetch(const struct config *config, const struct geo_swap *swap, const char *account,
    struct err *err);

/*
 * Have the running appliance take the new databases: "yes", "not running", or
 * "at its next start" where it cannot; a literal.  NULL with err when it refused
 * them.
 */
const char *geo_fetch_tell(const struct config *config, struct err *err);

#endif
