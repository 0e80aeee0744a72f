/* SPDX-License-Identifier: MIT */
#include "geo/attribution.h"

#include <stddef.h>
#include <string.h>

struct row {
	const char *word; /* in the name, the type or the description, whatever its case */
	const char *attribution;
};

/* The first row that fits counts. */
static const struct row rows[] = {
    {"GeoLite2",
	"This product includes GeoLite2 data created by MaxMind, available from https://www.maxmind.com"},
    {"GeoIP2", "GeoIP2 data created by MaxMind, available from https://www.maxmind.com"},
    {"geo-whois-asn-country",
	"Registration data by the Number Resource Organization (https://www.nro.net), CC BY 4.0"},
    {"RouteViews",
	"Networks by RouteViews (https://www.routeviews.org), DB-IP (https://db-ip.com) and NRO (https://www.nro.net), CC BY 4.0"},
    {"dbip", "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0"},
    {"DB-IP", "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0"},
};

const char *
attribution_of(const char *name, const char *type, const char *description)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcasestr(name, rows[i].word) != NULL ||
		    strcasestr(type, rows[i].word) != NULL ||
		    strcasestr(description, rows[i].word) != NULL)
			return rows[i].attribution;
	}
	return "";
}
