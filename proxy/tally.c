/* SPDX-License-Identifier: MIT */
#include "proxy/tally.h"

#include "base/err.h"
#include "config/config.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x31796c6c61746c62) /* "bltally1" */

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct tally_key));
}

/* The kernel has one camera and kind more than once where others' marks differ. */
static size_t
sort(struct tally_count *counts, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(counts, count, sizeof(*counts), compare);
	for (size_t i = 1; i < count; i++) {
		if (compare(&counts[i], &counts[kept]) == 0) {
			counts[kept].packets += counts[i].packets;
			counts[kept].bytes += counts[i].bytes;
		} else {
			counts[++kept] = counts[i];
		}
	}
	return kept + 1;
}

/* What came while the appliance was not there came since it was last alive. */
static uint64_t
since(const struct tally *tally, uint16_t kind)
{
	return kind == ANOMALY_GAP && tally->alive_us > tally->read_us ? tally->alive_us
								       : tally->read_us;
}

/* A counter that is lower than it was has begun anew. */
static void
count_up(const struct tally *tally, struct tally_row *row, const struct tally_count *now,
    uint64_t now_us)
{
	bool anew = now->packets < row->packets || now->bytes < row->bytes;
	uint64_t packets = anew ? now->packets : now->packets - row->packets;

	if (packets > 0 && row->owed_packets == 0)
		row->since_us = since(tally, row->key.kind);
	if (packets > 0)
		row->until_us = now_us;
	row->owed_packets += packets;
	row->owed_bytes += anew ? now->bytes : now->bytes - row->bytes;
	row->packets = now->packets;
	row->bytes = now->bytes;
}

void
tally_merge(struct tally *tally, struct tally_count *counts, size_t count, uint64_t now_us)
{
	const struct tally_row *old = tally->rows[tally->current];
	size_t left = tally->count[tally->current], made = 0, i = 0, j = 0;
	struct tally_row *rows = tally->rows[1 - tally->current];

	count = sort(counts, count);
	while ((i < left || j < count) && made < TALLY_ROWS_MAX) {
		int order = i == left ? 1 : j == count ? -1 : compare(&old[i], &counts[j]);
		struct tally_row row = {0};

		if (order <= 0)
			row = old[i++];
		else
			row.key = counts[j].key;
		if (order < 0)
			row.packets = row.bytes = 0;
		else
			count_up(tally, &row, &counts[j++], now_us);
		if (order >= 0 || row.owed_packets > 0)
			rows[made++] = row;
	}
	tally->count[1 - tally->current] = (uint32_t)made;
	tally->current = 1 - tally->current;
	tally->read_us = now_us;
}

struct tally_row *
tally_rows(struct tally *tally, size_t *count)
{
	*count = tally->count[tally->current];
	return tally->rows[tally->current];
}

/* A worker may be told of one thing twice, and say so twice. */
static uint64_t
less(uint64_t owed, uint64_t told)
{
	return owed > told ? owed - told : 0;
}

void
tally_pay(struct tally *tally, const struct tally_count *told, uint64_t until_us)
{
	size_t count;
	struct tally_row *rows = tally_rows(tally, &count);
	struct tally_row *row = bsearch(told, rows, count, sizeof(*rows), compare);

	if (row == NULL)
		return;
	row->owed_packets = less(row->owed_packets, told->packets);
	row->owed_bytes = less(row->owed_bytes, told->bytes);
	row->since_us = until_us;
	row->asked_ms = 0;
}

void
tally_restart(struct tally *tally)
{
	size_t count;
	struct tally_row *rows = tally_rows(tally, &count);

	for (size_t i = 0; i < count; i++)
		rows[i].packets = rows[i].bytes = rows[i].asked_ms = 0;
}

/* ---- the file ---- */

static int
path_of(const char *run_dir, char out[CONFIG_PATH_MAX])
{
	int size = snprintf(out, CONFIG_PATH_MAX, "%s/unseen", run_dir);

	return size < CONFIG_PATH_MAX ? 0 : -1;
}

/* Another version wrote it, or a broker that was taken over. */
static bool
is_usable(const struct tally *tally)
{
	const struct tally_row *rows;

	if (tally->magic != MAGIC || tally->current > 1 ||
	    tally->count[tally->current] > TALLY_ROWS_MAX)
		return false;
	rows = tally->rows[tally->current];
	for (size_t i = 0; i < tally->count[tally->current]; i++) {
		if (rows[i].key.kind >= ANOMALY_COUNT ||
		    memchr(rows[i].key.iface, '\0', sizeof(rows[i].key.iface)) == NULL ||
		    (i > 0 && compare(&rows[i - 1], &rows[i]) >= 0))
			return false;
	}
	return true;
}

static bool
read_file(struct tally *tally, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t got = 0;
	ssize_t count = 1;

	if (fd < 0)
		return false;
	while (got < sizeof(*tally) && count > 0) {
		count = read(fd, (uint8_t *)tally + got, sizeof(*tally) - got);
		got += count > 0 ? (size_t)count : 0;
	}
	(void)close(fd);
	return got == sizeof(*tally);
}

struct tally *
tally_read(const char *run_dir)
{
	struct tally *tally = calloc(1, sizeof(*tally));
	char path[CONFIG_PATH_MAX];

	if (tally == NULL)
		return NULL;
	if (path_of(run_dir, path) == 0 && read_file(tally, path) && is_usable(tally))
		return tally;
	memset(tally, 0, sizeof(*tally));
	tally->magic = MAGIC;
	return tally;
}

static int
write_file(int fd, const struct tally *tally)
{
	size_t put = 0;

	while (put < sizeof(*tally)) {
		ssize_t count = write(fd, (const uint8_t *)tally + put, sizeof(*tally) - put);

		if (count <= 0)
			return -1;
		put += (size_t)count;
	}
	return 0;
}

/* A new file: who has mapped the old one does not see it change. */
int
tally_write(const struct tally *tally, const char *run_dir, struct err *err)
{
	char path[CONFIG_PATH_MAX];
	int fd;

	if (path_of(run_dir, path) != 0)
		return err_set(err, ERR_LIMIT, "run_dir is too long");
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return err_sys(err, "make %s", path);
	if (write_file(fd, tally) == 0)
		return fd;
	(void)err_sys(err, "write %s", path);
	(void)close(fd);
	return -1;
}

struct tally *
tally_map(int fd, struct err *err)
{
	void *at = mmap(NULL, sizeof(struct tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return (void)err_sys(err, "map the tally"), NULL;
	return at;
}
