/* SPDX-License-Identifier: MIT */
#include "proxy/tally.h"

#include "base/err.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tally *
tally_new(void)
{
	struct tally *tally = tally_read("/nowhere");

	cr_assert_not_null(tally);
	return tally;
}

static struct tally_count
count_of(uint8_t camera, enum anomaly kind, uint64_t packets)
{
	struct tally_count count = {.packets = packets, .bytes = packets * 100};

	count.key.ip[15] = camera;
	count.key.kind = (uint16_t)kind;
	memcpy(count.key.iface, "cam0", 4);
	return count;
}

static bool
find_row(struct tally *tally, uint8_t camera, enum anomaly kind, struct tally_row *row)
{
	size_t count;
	const struct tally_row *rows = tally_rows(tally, &count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].key.ip[15] == camera && rows[i].key.kind == kind) {
			*row = rows[i];
			return true;
		}
	}
	return false;
}

static struct tally_row
row_of(struct tally *tally, uint8_t camera, enum anomaly kind)
{
	struct tally_row row = {0};

	cr_assert(find_row(tally, camera, kind, &row), "%u", (unsigned)camera);
	return row;
}

static void
tell_all(struct tally *tally)
{
	size_t count;
	const struct tally_row *rows = tally_rows(tally, &count);

	for (size_t i = 0; i < count; i++) {
		const struct tally_count told = {rows[i].key, rows[i].owed_packets,
		    rows[i].owed_bytes};

		tally_pay(tally, &told, rows[i].until_us);
	}
}

Test(tally, owes_what_was_counted_and_not_told)
{
	struct tally *tally = tally_new();
	struct tally_count first[] = {count_of(9, ANOMALY_ICMP, 5), count_of(2, ANOMALY_GRE, 1)};
	struct tally_count then[] = {count_of(2, ANOMALY_GRE, 1), count_of(9, ANOMALY_ICMP, 12)};

	tally_merge(tally, first, 2, 1000);
	cr_expect_eq(row_of(tally, 9, ANOMALY_ICMP).owed_packets, 5);
	cr_expect_eq(row_of(tally, 9, ANOMALY_ICMP).since_us, 0, "nobody knows since when");
	cr_expect_eq(row_of(tally, 9, ANOMALY_ICMP).until_us, 1000);
	tell_all(tally);
	tally_merge(tally, then, 2, 2000);
	cr_expect_eq(row_of(tally, 9, ANOMALY_ICMP).owed_packets, 7);
	cr_expect_eq(row_of(tally, 9, ANOMALY_ICMP).owed_bytes, 700);
	cr_expect_eq(row_of(tally, 9, ANOMALY_ICMP).since_us, 1000);
	cr_expect_eq(row_of(tally, 2, ANOMALY_GRE).owed_packets, 0);
	free(tally);
}

Test(tally, adds_up_what_was_not_told_in_time)
{
	struct tally *tally = tally_new();
	struct tally_count count = count_of(1, ANOMALY_ESP, 3);

	tally_merge(tally, &count, 1, 1000);
	count = count_of(1, ANOMALY_ESP, 4);
	tally_merge(tally, &count, 1, 2000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 4);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).since_us, 0, "since the first of them");
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).until_us, 2000);
	free(tally);
}

Test(tally, keeps_what_the_kernel_forgot_until_it_is_told)
{
	struct tally *tally = tally_new();
	struct tally_row row;
	struct tally_count count = count_of(1, ANOMALY_ESP, 3);

	tally_merge(tally, &count, 1, 1000);
	tally_merge(tally, NULL, 0, 2000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 3);
	tell_all(tally);
	tally_merge(tally, NULL, 0, 3000);
	cr_expect_not(find_row(tally, 1, ANOMALY_ESP, &row));
	free(tally);
}

Test(tally, sees_that_a_counter_began_anew)
{
	struct tally *tally = tally_new();
	struct tally_count count = count_of(1, ANOMALY_ESP, 30);

	tally_merge(tally, &count, 1, 1000);
	tell_all(tally);
	count = count_of(1, ANOMALY_ESP, 2);
	tally_merge(tally, &count, 1, 2000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 2);
	tell_all(tally);
	tally_restart(tally);
	count = count_of(1, ANOMALY_ESP, 2);
	tally_merge(tally, &count, 1, 3000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 2, "as many again");
	free(tally);
}

Test(tally, is_paid_in_parts)
{
	struct tally *tally = tally_new();
	struct tally_count count = count_of(1, ANOMALY_ESP, 30);
	const struct tally_count told = count, stranger = count_of(2, ANOMALY_ESP, 1);

	tally_merge(tally, &count, 1, 1000);
	count = count_of(1, ANOMALY_ESP, 32);
	tally_merge(tally, &count, 1, 2000);
	tally_pay(tally, &told, 1000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 2);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).since_us, 1000);
	tally_pay(tally, &told, 1000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 0, "and not less");
	tally_pay(tally, &stranger, 1000);
	free(tally);
}

Test(tally, puts_rows_of_one_key_together)
{
	struct tally *tally = tally_new();
	struct tally_count counts[] = {count_of(1, ANOMALY_ESP, 3), count_of(2, ANOMALY_ESP, 5),
	    count_of(1, ANOMALY_ESP, 4)};
	size_t count;

	tally_merge(tally, counts, 3, 1000);
	(void)tally_rows(tally, &count);
	cr_expect_eq(count, 2);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ESP).owed_packets, 7);
	free(tally);
}

Test(tally, has_a_bound)
{
	static struct tally_count counts[TALLY_ROWS_MAX];
	struct tally *tally = tally_new();
	size_t count;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < TALLY_ROWS_MAX; i++) {
			counts[i] = count_of(1, ANOMALY_ESP, 1);
			counts[i].key.ip[0] = (uint8_t)round;
			counts[i].key.ip[1] = (uint8_t)(i >> 8);
			counts[i].key.ip[2] = (uint8_t)i;
		}
		tally_merge(tally, counts, TALLY_ROWS_MAX, 1000);
		(void)tally_rows(tally, &count);
		cr_expect_eq(count, TALLY_ROWS_MAX);
	}
	free(tally);
}

Test(tally, tells_a_gap_from_when_the_appliance_was_last_alive)
{
	struct tally *tally = tally_new();
	struct tally_count counts[] = {count_of(1, ANOMALY_GAP, 3), count_of(1, ANOMALY_ICMP, 3)};

	tally_merge(tally, NULL, 0, 1000);
	tally->alive_us = 1900;
	tally_merge(tally, counts, 2, 5000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_GAP).since_us, 1900);
	cr_expect_eq(row_of(tally, 1, ANOMALY_GAP).until_us, 5000);
	cr_expect_eq(row_of(tally, 1, ANOMALY_ICMP).since_us, 1000);
	free(tally);
}

/* ---- the file ---- */

Test(tally, outlives_the_appliance)
{
	char dir[256];
	struct tally *tally = tally_new(), *mapped, *again;
	struct tally_count count = count_of(7, ANOMALY_ICMP, 5);
	struct err err = {0};
	int fd;

	scratch_dir(dir, sizeof(dir));
	tally_merge(tally, &count, 1, 1000);
	fd = tally_write(tally, dir, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	mapped = tally_map(fd, &err);
	cr_assert_not_null(mapped, "%s", err.text);
	mapped->alive_us = 3000;
	tell_all(mapped);
	again = tally_read(dir);
	cr_expect_eq(again->alive_us, 3000);
	cr_expect_eq(row_of(again, 7, ANOMALY_ICMP).packets, 5);
	cr_expect_eq(row_of(again, 7, ANOMALY_ICMP).owed_packets, 0);
	(void)close(tally_write(again, dir, &err));
	mapped->alive_us = 4000;
	free(tally);
	tally = tally_read(dir);
	cr_expect_eq(tally->alive_us, 3000, "who has the old one does not change the new one");
	(void)munmap(mapped, sizeof(*mapped));
	(void)close(fd);
	free(tally);
	free(again);
	scratch_remove(dir);
}

static void
expect_unused(const char *dir, size_t offset, const void *bytes, size_t size)
{
	struct tally *tally = tally_new();
	struct tally_count counts[] = {count_of(1, ANOMALY_ICMP, 5), count_of(2, ANOMALY_ICMP, 5)};
	size_t count;
	int fd;

	tally_merge(tally, counts, 2, 1000);
	fd = tally_write(tally, dir, NULL);
	cr_assert_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	(void)close(fd);
	free(tally);
	tally = tally_read(dir);
	(void)tally_rows(tally, &count);
	cr_expect_eq(count, 0, "byte %zu", offset);
	free(tally);
}

Test(tally, takes_nothing_that_it_cannot_have_written)
{
	const size_t first =
	    offsetof(struct tally, rows) + sizeof(struct tally_row) * TALLY_ROWS_MAX;
	const uint32_t many = TALLY_ROWS_MAX + 1, two = 2;
	const uint16_t kind = ANOMALY_COUNT;
	char dir[256];
	struct tally_key last;
	size_t count;
	struct tally *tally;
	char path[600];

	scratch_dir(dir, sizeof(dir));
	memset(&last, 0xff, sizeof(last));
	expect_unused(dir, offsetof(struct tally, magic), "x", 1);
	expect_unused(dir, offsetof(struct tally, current), &two, sizeof(two));
	expect_unused(dir, offsetof(struct tally, count) + sizeof(many), &many, sizeof(many));
	expect_unused(dir, first + offsetof(struct tally_row, key.kind), &kind, sizeof(kind));
	expect_unused(dir, first + offsetof(struct tally_row, key.iface), "0123456789abcdef", 16);
	expect_unused(dir, first, &last, 16);
	(void)snprintf(path, sizeof(path), "%s/unseen", dir);
	cr_assert_eq(truncate(path, 100), 0);
	tally = tally_read(dir);
	(void)tally_rows(tally, &count);
	cr_expect_eq(count, 0);
	free(tally);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	tally = tally_read(dir);
	cr_expect_not_null(tally, "what is no file does not hold up the start");
	free(tally);
	scratch_remove(dir);
}
