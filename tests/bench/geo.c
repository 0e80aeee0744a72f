/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/memfd.h"
#include "geo/cache.h"
#include "geo/ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * bench_geo DATA TABLES
 *
 * What a look-up costs: DATA is a directory of geo/fetch, TABLES holds
 * operators.csv and vendors.csv.
 */
enum { LOOKUPS = 400000, SERVERS = 100, FILE_MAX = 1 << 30 };

static int
seal_file(const char *dir, const char *name)
{
	struct err err = {0};
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = memfd_copy_file(path, FILE_MAX, &err);
	if (fd < 0) {
		(void)fprintf(stderr, "bench_geo: %s\n", err.text);
		exit(1);
	}
	return fd;
}

static struct bytes
map_table(const char *dir, const char *name)
{
	struct bytes bytes = {0};
	int fd = seal_file(dir, name);

	if (memfd_map(fd, &bytes.at, &bytes.left, NULL) != 0)
		exit(1);
	(void)close(fd);
	return bytes;
}

static struct geo *
open_geo(const char *data, const char *tables)
{
	struct geo_files files = {
	    .country = {{.fd = seal_file(data, "dbip-country.mmdb"), .name = "dbip-country"},
		{.fd = seal_file(data, "geo-whois-asn-country.mmdb"), .name = "geo-whois"}},
	    .country_count = 2,
	    .asn = {.fd = seal_file(data, "asn.mmdb"), .name = "asn"},
	    .operators = map_table(tables, "operators.csv"),
	    .vendors = map_table(tables, "vendors.csv"),
	};
	uint64_t start_us = clock_mono_us();
	struct err err = {0};
	struct geo *geo = geo_open(&files, NULL, NULL, &err);

	if (geo == NULL) {
		(void)fprintf(stderr, "bench_geo: %s\n", err.text);
		exit(1);
	}
	(void)printf("open and check  %8.1f ms\n", (double)(clock_mono_us() - start_us) / 1000);
	return geo;
}

static struct addr
random_addr(uint32_t *random)
{
	struct addr addr = {.ip = {[10] = 0xff, 0xff}};

	for (int i = 12; i < 16; i++) {
		*random = *random * 1664525 + 1013904223;
		addr.ip[i] = (uint8_t)(*random >> 24);
	}
	return addr;
}

static void
report(const char *what, uint64_t start_us)
{
	(void)printf("%-15s %8.3f us\n", what, (double)(clock_mono_us() - start_us) / LOOKUPS);
}

int
main(int argc, char **argv)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct addr servers[SERVERS];
	struct place place;
	struct geo *geo;
	uint64_t start_us;
	uint32_t random = 1;
	unsigned sum = 0;

	if (argc != 3 || cache == NULL) {
		(void)fprintf(stderr, "usage: bench_geo DATA TABLES\n");
		return 2;
	}
	geo = open_geo(argv[1], argv[2]);
	start_us = clock_mono_us();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct addr addr = random_addr(&random);

		geo_locate(geo, &addr, &place);
		sum += place.located.count;
	}
	report("locate, random", start_us);
	for (unsigned i = 0; i < SERVERS; i++)
		servers[i] = random_addr(&random);
	start_us = clock_mono_us();
	for (unsigned i = 0; i < LOOKUPS; i++)
		sum += geo_cache_locate(cache, geo, &servers[i % SERVERS])->located.count;
	report("locate, cached", start_us);
	start_us = clock_mono_us();
	for (unsigned i = 0; i < LOOKUPS; i++)
		sum += (unsigned)range_of(&servers[i % SERVERS]);
	report("range", start_us);
	start_us = clock_mono_us();
	for (unsigned i = 0; i < LOOKUPS; i++)
		geo_vendor(geo, "litedev.eu-central-1.hik-connect.com", &place);
	report("vendor", start_us);
	(void)printf("(%u)\n", sum + (unsigned)place.vendor[0]);
	geo_close(geo);
	geo_cache_close(cache);
	return 0;
}
