/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"
#include "tests/support/quic_maker.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * bench_initials [COUNT]
 *
 * What telling a flow's first datagrams costs: microseconds of CPU per flow, the
 * median of rounds of COUNT (2,000 without it), for a hello of QUIC in one Initial
 * packet and in two, for one that cannot be opened, which costs all the tries
 * there are, and for a lookup.
 */
enum { ROUNDS = 5, BAD = 10 };

static double
cpu_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
tell(const struct made *datagrams, size_t count, uint16_t port)
{
	struct datagram_teller *teller = NULL;
	struct app_facts app = {0};
	struct hello_facts hello = {0};

	for (size_t i = 0; i < count; i++) {
		if (datagram_tell(&teller, (struct bytes){datagrams[i].at, datagrams[i].size}, port,
			&app, &hello) == DATAGRAM_DONE)
			break;
	}
	datagram_give_up(&teller, &app, &hello);
}

static void
measure(const char *what, const struct made *datagrams, size_t count, uint16_t port, unsigned flows)
{
	double rounds[ROUNDS];

	for (unsigned round = 0; round < ROUNDS; round++) {
		double from = cpu_us();

		for (unsigned i = 0; i < flows; i++)
			tell(datagrams, count, port);
		rounds[round] = (cpu_us() - from) / flows;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	printf("%-24s %7.2f us a flow\n", what, rounds[ROUNDS / 2]);
}

static struct made
make_initial(const struct made *message, size_t from, size_t to, uint32_t number)
{
	struct quic_initial initial = {.version = 1,
	    .id = "12345678",
	    .id_size = 8,
	    .number = number,
	    .size = 1250};
	struct made frames = {0}, packet;

	quic_add_crypto(&frames, from, message->at + from, to - from);
	packet = quic_seal(&initial, &frames);
	made_free(&frames);
	return packet;
}

int
main(int argc, char **argv)
{
	unsigned flows = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
	struct made small = hello_message("cloud.cameras.example", 200);
	struct made large = hello_message("cloud.cameras.example", 1600);
	struct made one = make_initial(&small, 0, small.size, 0), bad[BAD], query = {0};
	struct made two[2] = {make_initial(&large, 0, 1000, 0),
	    make_initial(&large, 1000, large.size, 1)};

	for (size_t i = 0; i < BAD; i++) {
		bad[i] = make_initial(&small, 0, small.size, 0);
		bad[i].at[bad[i].size - 1] ^= 1;
	}
	made_add(&query, "\x12\x34\1\0\0\1\0\0\0\0\0\0\3cam\7example\0\0\1\0\1", 29);
	measure("QUIC, one Initial", &one, 1, 443, flows);
	measure("QUIC, two Initials", two, 2, 443, flows);
	measure("QUIC, none opens", bad, BAD, 443, flows);
	measure("DNS", &query, 1, 53, flows);
	for (size_t i = 0; i < BAD; i++)
		made_free(&bad[i]);
	made_free(&two[0]);
	made_free(&two[1]);
	made_free(&one);
	made_free(&small);
	made_free(&large);
	made_free(&query);
	return 0;
}
