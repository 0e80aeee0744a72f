/* SPDX-License-Identifier: MIT */
#include "config/judge.h"
#include "base/err.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * bench_judge [prepared] [FILE...]
 *
 * What a decision costs: 20 sets of 100 rules of all kinds, or the rule files
 * named, asked about many places, at the stage where everything is known.
 * Prints the median of batches, with and without preparing, and fails when a
 * decision allocated anything.  The places are few enough to stay in the
 * processor's cache, as a connection's own facts are when it is judged.
 *
 * Where others use the processor, count instructions instead:
 *
 *	valgrind --tool=callgrind --toggle-collect=judge bench_judge prepared
 */
enum { SETS = 20, RULES = 100, FACTS = 64, BATCH = 200, BATCHES = 501, TEXT_MAX = 32768 };

/* ---- allocations, by the linker's --wrap ---- */

/* The linker's names.  NOLINTBEGIN(cert-dcl51-cpp) */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
/* NOLINTEND(cert-dcl51-cpp) */

static unsigned allocations;

void *
__wrap_malloc(size_t size)
{
	allocations++;
	return __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	allocations++;
	return __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
	allocations++;
	return __real_realloc(old, size);
}

/* ---- rules and facts ---- */

static unsigned
pick(uint32_t *random, unsigned count)
{
	*random = *random * 1664525 + 1013904223;
	return (*random >> 16) % count;
}

static const char *const countries[] = {"DE", "FR", "US", "CN", "SG", "HK", "GB", "JP", "RU", "BR",
    "IN", "ZA", "AU", "NL", "PL", "CH"};
enum { COUNTRIES = sizeof(countries) / sizeof(countries[0]) };

/* A rule's match, of ten kinds. */
static void
write_match(char *out, size_t size, unsigned kind, uint32_t *random)
{
	const char *a = countries[pick(random, COUNTRIES)], *b = countries[pick(random, COUNTRIES)];
	unsigned n = pick(random, 200);

	switch (kind % 10) {
	case 0:
		(void)snprintf(out, size, "located: [%s, %s], port: %u", a, b, 8000 + n);
		break;
	case 1:
		(void)snprintf(out, size, "touches: %s, sni: v%u.example", a, n);
		break;
	case 2:
		(void)snprintf(out, size, "within: [%s, %s], device: cam-%u", a, b, n);
		break;
	case 3:
		(void)snprintf(out, size, "ip: 10.%u.0.0/16", n);
		break;
	case 4:
		(void)snprintf(out, size, "asn: [%u, AS%u]", n, n + 1000);
		break;
	case 5:
		(void)snprintf(out, size, "operator: %s, vendor: vendor-%u", a, n);
		break;
	case 6:
		(void)snprintf(out, size, "group: group-%u, port: [443, 80]", n);
		break;
	case 7:
		(void)snprintf(out, size, "registered: %s, not: {port: 443}", a);
		break;
	case 8:
		(void)snprintf(out, size, "any: [{port: 554}, {port: 8554}], located: %s", b);
		break;
	default:
		(void)snprintf(out, size, "unknown: operator, located: %s", a);
		break;
	}
}

static void
add_set(struct rules *rules, unsigned number, uint32_t *random)
{
	static char text[TEXT_MAX];
	static const char *const results[] = {"allow", "block", "observe"};
	struct problems problems = {0};
	size_t used = (size_t)snprintf(text, sizeof(text),
	    "ruleset: s%u\nversion: 1\ntitle: t\nunknown: {then: observe, why: u}\n"
	    "default: {then: allow, why: d}\nrules:\n",
	    number);

	for (unsigned i = 0; i < RULES; i++) {
		char match[160];

		write_match(match, sizeof(match), i + number, random);
		used += (size_t)snprintf(text + used, sizeof(text) - used,
		    "- {id: %u, match: {%s}, then: %s, why: w}\n", i, match, results[i % 3]);
	}
	if (rules_add(rules, "bench", (struct bytes){(const uint8_t *)text, used}, &problems) !=
	    0) {
		(void)fprintf(stderr, "bench_judge: %u:%u %s\n", problems.list[0].line,
		    problems.list[0].column, problems.list[0].text);
		exit(1);
	}
	problems_free(&problems);
}

/* A file as it is; ends the program when it is not good. */
static void
add_file(struct rules *rules, const char *path)
{
	struct source *source = source_from_disk();
	struct problems problems = {0};
	struct bytes text;
	struct err err = {0};

	if (source == NULL || source_read(source, path, &text, &err) != 0 ||
	    rules_add(rules, path, text, &problems) != 0) {
		(void)fprintf(stderr, "bench_judge: %s cannot be used %s\n", path, err.text);
		exit(1);
	}
	problems_free(&problems);
	source_free(source);
}

static void
fill_facts(struct facts *facts, uint32_t *random)
{
	*facts = (struct facts){.inspect = INSPECT_OPENED, .dst.port = 443, .opened_wall_us = 1};
	countries_add(&facts->place.located, countries[pick(random, COUNTRIES)]);
	countries_add(&facts->place.registered, countries[pick(random, COUNTRIES)]);
	countries_add(&facts->place.operator, countries[pick(random, COUNTRIES)]);
	facts->place.asn = 1 + pick(random, 4000);
	facts->dst.ip[10] = facts->dst.ip[11] = 0xff;
	facts->dst.ip[12] = 203;
	facts->dst.ip[13] = (uint8_t)pick(random, 256);
	facts->inner = facts->dst;
	(void)snprintf(facts->device, sizeof(facts->device), "cam-%u", pick(random, 400));
	(void)snprintf(facts->group, sizeof(facts->group), "group-%u", pick(random, 400));
	(void)snprintf(facts->place.vendor, sizeof(facts->place.vendor), "vendor-%u",
	    pick(random, 400));
	(void)snprintf(facts->hello.sni, sizeof(facts->hello.sni), "litedev.v%u.example",
	    pick(random, 400));
	facts->server.verified = true;
}

static int
by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The processor's time: what others do meanwhile does not count. */
static double
cpu_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static bool
measure(const char *what, const struct rules *rules, const struct facts *facts)
{
	static double batches[BATCHES];
	unsigned blocked = 0, next = 0, before = allocations;

	for (unsigned i = 0; i < BATCHES; i++) {
		double start_us = cpu_us();

		for (unsigned j = 0; j < BATCH; j++) {
			struct verdict verdict;

			judge(rules, VERDICT_CERTIFICATE, &facts[next++ % FACTS], &verdict);
			blocked += verdict.result == RESULT_BLOCK;
		}
		batches[i] = (cpu_us() - start_us) / BATCH;
	}
	qsort(batches, BATCHES, sizeof(batches[0]), by_size);
	(void)printf("%-12s median %7.3f us, 99 %% %7.3f us a decision, %u allocations "
		     "(%u of %u blocked)\n",
	    what, batches[BATCHES / 2], batches[BATCHES * 99 / 100], allocations - before, blocked,
	    (unsigned)BATCH * BATCHES);
	return allocations == before;
}

int
main(int argc, char **argv)
{
	bool prepared_only = argc > 1 && strcmp(argv[1], "prepared") == 0;
	struct rules *rules = rules_new();
	static struct facts facts[FACTS];
	uint32_t random = 1;
	bool frugal = true;
	double start_us;
	int files = prepared_only ? 2 : 1;

	if (rules == NULL)
		return 1;
	for (unsigned i = 0; i < SETS && files == argc; i++)
		add_set(rules, i, &random);
	for (int i = files; i < argc; i++)
		add_file(rules, argv[i]);
	for (unsigned i = 0; i < FACTS; i++)
		fill_facts(&facts[i], &random);
	if (!prepared_only)
		frugal = measure("every rule", rules, facts);
	start_us = cpu_us();
	rules_prepare(rules);
	(void)printf("%-12s %.1f ms\n", "prepare", (cpu_us() - start_us) / 1000);
	frugal = measure("prepared", rules, facts) && frugal;
	rules_free(rules);
	return frugal ? 0 : 1;
}
