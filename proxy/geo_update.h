/* SPDX-License-Identifier: MIT */
#ifndef PROXY_GEO_UPDATE_H
#define PROXY_GEO_UPDATE_H

#include <stdbool.h>

/*
 * `borderlens geo update`: brings newer databases into the directory that the
 * configuration names, checks them whole, puts them in place in one step, and
 * asks the running appliance to take them.
 *
 * Which: the default data by geo/fetch where that made the directory (it left
 * .NAME.version beside each database), else by geoipupdate(1) with the account
 * in `account`.  Whatever fails, the databases that were there stay; when the
 * appliance does not take the new ones, they are put back.
 */
struct geo_update {
	const char *config;
	const char *account; /* geoipupdate's configuration */
	bool json;
};

#define GEO_UPDATE_ACCOUNT "/etc/GeoIP.conf"

/* Returns the exit code: 0 updated, or nothing newer; 1 failed; 78. */
int geo_update(const struct geo_update *update);

#endif
