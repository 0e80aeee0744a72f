/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"
#include "base/err.h"
#include "base/memfd.h"
#include "config/overrides.h"
#include "config/problems.h"
#include "geo/cache.h"
#include "geo/ranges.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/*
 * bench_geo DATA TABLES
 *
 * What a look-up costs, in processor time: DATA is a directory of geo/fetch, TABLES holds
 * operators.csv, vendors.csv and kinds.csv.  The look-ups go before
 * OVERRIDES overrides too, and the loading of these is told.
 */
enum { LOOKUPS = 400000, SERVERS = 100, FILE_MAX = 1 << 30, OVERRIDES = 100000, ROUNDS = 5 };

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

/* The processor's time that this process took: what a busy machine does not
 * change. */
static uint64_t
cpu_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* An overrides.yaml: a statement for each block, or one of all blocks. */
static struct bytes
write_overrides(bool each)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (to == NULL)
		exit(1);
	(void)fprintf(to, "overrides:\n%s", each ? "" : "- prefix:\n");
	for (unsigned i = 0; i < OVERRIDES; i++) {
		(void)fprintf(to, each ? "- prefix: %u.%u.%u.0/24\n" : "  - %u.%u.%u.0/24\n",
		    20 + (i >> 16), i >> 8 & 255, i & 255);
		if (each)
			(void)fprintf(to,
			    "  located: DE\n  operator: CN\n  who: jane\n  when: 2026-11-20\n"
			    "  why: ticket %u\n",
			    i);
	}
	if (!each)
		(void)fprintf(to,
		    "  located: DE\n  who: jane\n  when: 2026-11-20\n  why: ticket\n");
	(void)fclose(to);
	return (struct bytes){.at = (const uint8_t *)text, .left = size};
}

static int
by_size(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Load the overrides a few times; the last ones are kept. */
static struct overrides *
load_overrides(bool each)
{
	struct bytes text = write_overrides(each);
	struct overrides *overrides = NULL;
	uint64_t took_us[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		struct problems problems = {0};
		uint64_t start_us = cpu_us();

		overrides_free(overrides);
		overrides = overrides_read("overrides.yaml", text, &problems);
		took_us[i] = cpu_us() - start_us;
		if (overrides == NULL) {
			(void)fprintf(stderr, "bench_geo: %s\n", problems.list[0].text);
			exit(1);
		}
	}
	qsort(took_us, ROUNDS, sizeof(took_us[0]), by_size);
	(void)printf("%d overrides of %s %8.1f ms (%zu bytes; the slowest of %d: %.1f)\n",
	    OVERRIDES, each ? "a block each" : "one list    ", (double)took_us[ROUNDS / 2] / 1000,
	    text.left, ROUNDS, (double)took_us[ROUNDS - 1] / 1000);
	free((void *)(uintptr_t)text.at);
	return overrides;
}

static struct geo *
open_geo(const char *data, const char *tables, const struct overrides *overrides)
{
	struct geo_files files = {
	    .country = {{.fd = seal_file(data, "dbip-country.mmdb"), .name = "dbip-country"},
		{.fd = seal_file(data, "geo-whois-asn-country.mmdb"), .name = "geo-whois"}},
	    .country_count = 2,
	    .asn = {.fd = seal_file(data, "asn.mmdb"), .name = "asn"},
	    .operators = map_table(tables, "operators.csv"),
	    .vendors = map_table(tables, "vendors.csv"),
	    .kinds = map_table(tables, "kinds.csv"),
	    .overrides = overrides,
	};
	uint64_t start_us = cpu_us();
	struct err err = {0};
	struct geo *geo = geo_open(&files, NULL, NULL, &err);

	if (geo == NULL) {
		(void)fprintf(stderr, "bench_geo: %s\n", err.text);
		exit(1);
	}
	(void)printf("open and check  %8.1f ms\n", (double)(cpu_us() - start_us) / 1000);
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
	(void)printf("%-15s %8.3f us\n", what, (double)(cpu_us() - start_us) / LOOKUPS);
}

int
main(int argc, char **argv)
{
	struct geo_cache *cache = geo_cache_open(NULL);
	struct overrides *overrides;
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
	overrides_free(load_overrides(false));
	overrides = load_overrides(true);
	geo = open_geo(argv[1], argv[2], overrides);
	start_us = cpu_us();
	for (unsigned i = 0; i < LOOKUPS; i++) {
		struct addr addr = random_addr(&random);

		geo_locate(geo, &addr, &place);
		sum += place.located.count;
	}
	report("locate, random", start_us);
	for (unsigned i = 0; i < SERVERS; i++)
		servers[i] = random_addr(&random);
	start_us = cpu_us();
	for (unsigned i = 0; i < LOOKUPS; i++)
		sum += geo_cache_locate(cache, geo, &servers[i % SERVERS])->located.count;
	report("locate, cached", start_us);
	start_us = cpu_us();
	for (unsigned i = 0; i < LOOKUPS; i++)
		sum += (unsigned)range_of(&servers[i % SERVERS]);
	report("range", start_us);
	start_us = cpu_us();
	for (unsigned i = 0; i < LOOKUPS; i++)
		geo_vendor(geo, "litedev.eu-central-1.hik-connect.com", &place);
	report("vendor", start_us);
	(void)printf("(%u)\n", sum + (unsigned)place.vendor[0]);
	geo_close(geo);
	overrides_free(overrides);
	geo_cache_close(cache);
	return 0;
}
