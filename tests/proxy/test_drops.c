/* SPDX-License-Identifier: MIT */
#include "proxy/drops.h"

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

static struct drops *
drops_new(void)
{
	struct drops *drops = drops_read("/nowhere");

	cr_assert_not_null(drops);
	return drops;
}

static struct drops_count
count_of(uint8_t camera, enum anomaly kind, uint64_t packets)
{
	struct drops_count count = {.packets = packets, .bytes = packets * 100};

	count.key.ip[15] = camera;
	count.key.kind = (uint16_t)kind;
	memcpy(count.key.iface, "cam0", 4);
	return count;
}

static bool
find_row(struct drops *drops, uint8_t camera, enum anomaly kind, struct drops_row *row)
{
	size_t count;
	const struct drops_row *rows = drops_rows(drops, &count);

	for (size_t i = 0; i < count; i++) {
		if (rows[i].key.ip[15] == camera && rows[i].key.kind == kind) {
			*row = rows[i];
			return true;
		}
	}
	return false;
}

static struct drops_row
row_of(struct drops *drops, uint8_t camera, enum anomaly kind)
{
	struct drops_row row = {0};

	cr_assert(find_row(drops, camera, kind, &row), "%u", (unsigned)camera);
	return row;
}

static void
tell_all(struct drops *drops)
{
	size_t count;
	const struct drops_row *rows = drops_rows(drops, &count);

	for (size_t i = 0; i < count; i++) {
		const struct drops_count told = {rows[i].key, rows[i].owed_packets,
		    rows[i].owed_bytes};

		drops_pay(drops, &told, rows[i].until_us);
	}
}

Test(drops, owes_what_was_counted_and_not_told)
{
	struct drops *drops = drops_new();
	struct drops_count first[] = {count_of(9, ANOMALY_ICMP, 5), count_of(2, ANOMALY_GRE, 1)};
	struct drops_count then[] = {count_of(2, ANOMALY_GRE, 1), count_of(9, ANOMALY_ICMP, 12)};

	drops_merge(drops, first, 2, 1000);
	cr_expect_eq(row_of(drops, 9, ANOMALY_ICMP).owed_packets, 5);
	cr_expect_eq(row_of(drops, 9, ANOMALY_ICMP).since_us, 0, "nobody knows since when");
	cr_expect_eq(row_of(drops, 9, ANOMALY_ICMP).until_us, 1000);
	tell_all(drops);
	drops_merge(drops, then, 2, 2000);
	cr_expect_eq(row_of(drops, 9, ANOMALY_ICMP).owed_packets, 7);
	cr_expect_eq(row_of(drops, 9, ANOMALY_ICMP).owed_bytes, 700);
	cr_expect_eq(row_of(drops, 9, ANOMALY_ICMP).since_us, 1000);
	cr_expect_eq(row_of(drops, 2, ANOMALY_GRE).owed_packets, 0);
	free(drops);
}

Test(drops, adds_up_what_was_not_told_in_time)
{
	struct drops *drops = drops_new();
	struct drops_count count = count_of(1, ANOMALY_ESP, 3);

	drops_merge(drops, &count, 1, 1000);
	count = count_of(1, ANOMALY_ESP, 4);
	drops_merge(drops, &count, 1, 2000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 4);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).since_us, 0, "since the first of them");
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).until_us, 2000);
	free(drops);
}

Test(drops, keeps_what_the_kernel_forgot_until_it_is_told)
{
	struct drops *drops = drops_new();
	struct drops_row row;
	struct drops_count count = count_of(1, ANOMALY_ESP, 3);

	drops_merge(drops, &count, 1, 1000);
	drops_merge(drops, NULL, 0, 2000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 3);
	tell_all(drops);
	drops_merge(drops, NULL, 0, 3000);
	cr_expect_not(find_row(drops, 1, ANOMALY_ESP, &row));
	free(drops);
}

Test(drops, sees_that_a_counter_began_anew)
{
	struct drops *drops = drops_new();
	struct drops_count count = count_of(1, ANOMALY_ESP, 30);

	drops_merge(drops, &count, 1, 1000);
	tell_all(drops);
	count = count_of(1, ANOMALY_ESP, 2);
	drops_merge(drops, &count, 1, 2000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 2);
	tell_all(drops);
	drops_restart(drops);
	count = count_of(1, ANOMALY_ESP, 2);
	drops_merge(drops, &count, 1, 3000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 2, "as many again");
	free(drops);
}

Test(drops, is_paid_in_parts)
{
	struct drops *drops = drops_new();
	struct drops_count count = count_of(1, ANOMALY_ESP, 30);
	const struct drops_count told = count, stranger = count_of(2, ANOMALY_ESP, 1);

	drops_merge(drops, &count, 1, 1000);
	count = count_of(1, ANOMALY_ESP, 32);
	drops_merge(drops, &count, 1, 2000);
	drops_pay(drops, &told, 1000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 2);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).since_us, 1000);
	drops_pay(drops, &told, 1000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 0, "and not less");
	drops_pay(drops, &stranger, 1000);
	free(drops);
}

Test(drops, puts_rows_of_one_key_together)
{
	struct drops *drops = drops_new();
	struct drops_count counts[] = {count_of(1, ANOMALY_ESP, 3), count_of(2, ANOMALY_ESP, 5),
	    count_of(1, ANOMALY_ESP, 4)};
	size_t count;

	drops_merge(drops, counts, 3, 1000);
	(void)drops_rows(drops, &count);
	cr_expect_eq(count, 2);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ESP).owed_packets, 7);
	free(drops);
}

Test(drops, puts_any_order_in_order)
{
	static struct drops_count counts[500];
	struct drops *drops = drops_new();
	uint32_t random = 1;
	size_t count;

	for (size_t size = 0; size < 500; size += 1 + size / 8) {
		const struct drops_row *rows;

		for (size_t i = 0; i < size; i++) {
			random = random * 1664525 + 1013904223;
			counts[i] = count_of(1, ANOMALY_ESP, 1);
			counts[i].key.ip[0] = (uint8_t)(random >> 24);
			counts[i].key.ip[1] = (uint8_t)i;
			counts[i].key.ip[2] = (uint8_t)(i >> 8);
		}
		memset(drops->count, 0, sizeof(drops->count));
		drops_merge(drops, counts, size, 1000);
		rows = drops_rows(drops, &count);
		cr_assert_eq(count, size);
		for (size_t i = 1; i < count; i++)
			cr_assert_lt(memcmp(&rows[i - 1], &rows[i], sizeof(rows[i].key)), 0);
	}
	free(drops);
}

Test(drops, has_a_bound)
{
	static struct drops_count counts[DROPS_ROWS_MAX];
	struct drops *drops = drops_new();
	size_t count;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < DROPS_ROWS_MAX; i++) {
			counts[i] = count_of(1, ANOMALY_ESP, 1);
			counts[i].key.ip[0] = (uint8_t)round;
			counts[i].key.ip[1] = (uint8_t)(i >> 8);
			counts[i].key.ip[2] = (uint8_t)i;
		}
		drops_merge(drops, counts, DROPS_ROWS_MAX, 1000);
		(void)drops_rows(drops, &count);
		cr_expect_eq(count, DROPS_ROWS_MAX);
	}
	free(drops);
}

Test(drops, tells_a_gap_from_when_the_appliance_was_last_alive)
{
	struct drops *drops = drops_new();
	struct drops_count counts[] = {count_of(1, ANOMALY_GAP, 3), count_of(1, ANOMALY_ICMP, 3)};

	drops_merge(drops, NULL, 0, 1000);
	drops->alive_us = 1900;
	drops_merge(drops, counts, 2, 5000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_GAP).since_us, 1900);
	cr_expect_eq(row_of(drops, 1, ANOMALY_GAP).until_us, 5000);
	cr_expect_eq(row_of(drops, 1, ANOMALY_ICMP).since_us, 1000);
	free(drops);
}

/* ---- the file ---- */

Test(drops, outlives_the_appliance)
{
	char dir[256];
	struct drops *drops = drops_new(), *mapped, *again;
	struct drops_count count = count_of(7, ANOMALY_ICMP, 5);
	struct err err = {0};
	int fd;

	scratch_dir(dir, sizeof(dir));
	drops_merge(drops, &count, 1, 1000);
	fd = drops_write(drops, dir, &err);
	cr_assert_geq(fd, 0, "%s", err.text);
	mapped = drops_map(fd, &err);
	cr_assert_not_null(mapped, "%s", err.text);
	mapped->alive_us = 3000;
	tell_all(mapped);
	again = drops_read(dir);
	cr_expect_eq(again->alive_us, 3000);
	cr_expect_eq(row_of(again, 7, ANOMALY_ICMP).packets, 5);
	cr_expect_eq(row_of(again, 7, ANOMALY_ICMP).owed_packets, 0);
	(void)close(drops_write(again, dir, &err));
	mapped->alive_us = 4000;
	free(drops);
	drops = drops_read(dir);
	cr_expect_eq(drops->alive_us, 3000, "who has the old one does not change the new one");
	(void)munmap(mapped, sizeof(*mapped));
	(void)close(fd);
	free(drops);
	free(again);
	scratch_remove(dir);
}

static void
expect_unused(const char *dir, size_t offset, const void *bytes, size_t size)
{
	struct drops *drops = drops_new();
	struct drops_count counts[] = {count_of(1, ANOMALY_ICMP, 5), count_of(2, ANOMALY_ICMP, 5)};
	size_t count;
	int fd;

	drops_merge(drops, counts, 2, 1000);
	fd = drops_write(drops, dir, NULL);
	cr_assert_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
	(void)close(fd);
	free(drops);
	drops = drops_read(dir);
	(void)drops_rows(drops, &count);
	cr_expect_eq(count, 0, "byte %zu", offset);
	free(drops);
}

Test(drops, takes_nothing_that_it_cannot_have_written)
{
	const size_t first =
	    offsetof(struct drops, rows) + sizeof(struct drops_row) * DROPS_ROWS_MAX;
	const uint32_t many = DROPS_ROWS_MAX + 1, two = 2;
	const uint16_t kind = ANOMALY_COUNT;
	char dir[256];
	struct drops_key last;
	size_t count;
	struct drops *drops;
	char path[600];

	scratch_dir(dir, sizeof(dir));
	memset(&last, 0xff, sizeof(last));
	expect_unused(dir, offsetof(struct drops, magic), "x", 1);
	expect_unused(dir, offsetof(struct drops, current), &two, sizeof(two));
	expect_unused(dir, offsetof(struct drops, count) + sizeof(many), &many, sizeof(many));
	expect_unused(dir, first + offsetof(struct drops_row, key.kind), &kind, sizeof(kind));
	expect_unused(dir, first + offsetof(struct drops_row, key.iface), "0123456789abcdef", 16);
	expect_unused(dir, first, &last, 16);
	(void)snprintf(path, sizeof(path), "%s/unseen", dir);
	cr_assert_eq(truncate(path, 100), 0);
	drops = drops_read(dir);
	(void)drops_rows(drops, &count);
	cr_expect_eq(count, 0);
	free(drops);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0600), 0);
	drops = drops_read(dir);
	cr_expect_not_null(drops, "what is no file does not hold up the start");
	free(drops);
	scratch_remove(dir);
}
