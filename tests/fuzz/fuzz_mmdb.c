/* SPDX-License-Identifier: MIT */
#include "base/memfd.h"
#include "geo/database.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
expect(bool held)
{
	if (!held)
		abort();
}

/* Some of every part of the address space; what is found must have its form. */
static void
ask_around(const struct database *database)
{
	for (unsigned i = 0; i < 64; i++) {
		struct database_answer answer;
		struct addr addr = {.ip = {[10] = 0xff, 0xff}};

		if (i % 2 == 0)
			memset(addr.ip + 12, (int)(i * 4), 4);
		else
			memset(addr.ip, (int)(i * 4), sizeof(addr.ip));
		database_ask(database, &addr, &answer);
		for (int field = 0; field < DATABASE_COUNTRY_FIELDS; field++) {
			const char *iso = answer.country[field];

			expect(iso[0] == '\0' || (iso[0] >= 'A' && iso[0] <= 'Z' && iso[1] >= 'A' &&
						     iso[1] <= 'Z' && iso[2] == '\0'));
		}
		expect(answer.bits <= 128);
		expect(memchr(answer.org, '\0', sizeof(answer.org)) != NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int fd = memfd_seal("fuzz", bytes, size, NULL);

	expect(fd >= 0);
	for (int kind = DATABASE_COUNTRY; kind <= DATABASE_ASN; kind++) {
		struct database *database =
		    database_open(fd, "fuzz", (enum database_kind)kind, NULL);

		if (database != NULL)
			ask_around(database);
		database_close(database);
	}
	(void)close(fd);
	return 0;
}
