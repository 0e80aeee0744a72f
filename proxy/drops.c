/* SPDX-License-Identifier: MIT */
#include "proxy/drops.h"

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

#define MAGIC UINT64_C(0x3173706f72646c62) /* "bldrops1" */

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct drops_key));
}

/* The kernel has one camera and kind more than once where others' marks differ. */
static size_t
sort(struct drops_count *counts, size_t count)
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
since(const struct drops *drops, uint16_t kind)
{
	return kind == ANOMALY_GAP && drops->alive_us > drops->read_us ? drops->alive_us
								       : drops->read_us;
}

/* A counter that is lower than it was has begun anew. */
static void
count_up(const struct drops *drops, struct drops_row *row, const struct drops_count *now,
    uint64_t now_us)
{
	bool anew = now->packets < row->packets || now->bytes < row->bytes;
	uint64_t packets = anew ? now->packets : now->packets - row->packets;

	if (packets > 0 && row->owed_packets == 0)
		row->since_us = since(drops, row->key.kind);
	if (packets > 0)
		row->until_us = now_us;
	row->owed_packets += packets;
	row->owed_bytes += anew ? now->bytes : now->bytes - row->bytes;
	row->packets = now->packets;
	row->bytes = now->bytes;
}

void
drops_merge(struct drops *drops, struct drops_count *counts, size_t count, uint64_t now_us)
{
	const struct drops_row *old = drops->rows[drops->current];
	size_t left = drops->count[drops->current], made = 0, i = 0, j = 0;
	struct drops_row *rows = drops->rows[1 - drops->current];

	count = sort(counts, count);
	while ((i < left || j < count) && made < DROPS_ROWS_MAX) {
		int order = i == left ? 1 : j == count ? -1 : compare(&old[i], &counts[j]);
		struct drops_row row = {0};

		if (order <= 0)
			row = old[i++];
		else
			row.key = counts[j].key;
		if (order < 0)
			row.packets = row.bytes = 0;
		else
			count_up(drops, &row, &counts[j++], now_us);
		if (order >= 0 || row.owed_packets > 0)
			rows[made++] = row;
	}
	drops->count[1 - drops->current] = (uint32_t)made;
	drops->current = 1 - drops->current;
	drops->read_us = now_us;
}

struct drops_row *
drops_rows(struct drops *drops, size_t *count)
{
	*count = drops->count[drops->current];
	return drops->rows[drops->current];
}

/* A worker may be told of one thing twice, and say so twice. */
static uint64_t
less(uint64_t owed, uint64_t told)
{
	return owed > told ? owed - told : 0;
}

void
drops_pay(struct drops *drops, const struct drops_count *told, uint64_t until_us)
{
	size_t count;
	struct drops_row *rows = drops_rows(drops, &count);
	struct drops_row *row = bsearch(told, rows, count, sizeof(*rows), compare);

	if (row == NULL)
		return;
	row->owed_packets = less(row->owed_packets, told->packets);
	row->owed_bytes = less(row->owed_bytes, told->bytes);
	row->since_us = until_us;
	row->asked_ms = 0;
}

void
drops_restart(struct drops *drops)
{
	size_t count;
	struct drops_row *rows = drops_rows(drops, &count);

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
is_usable(const struct drops *drops)
{
	const struct drops_row *rows;

	if (drops->magic != MAGIC || drops->current > 1 ||
	    drops->count[drops->current] > DROPS_ROWS_MAX)
		return false;
	rows = drops->rows[drops->current];
	for (size_t i = 0; i < drops->count[drops->current]; i++) {
		if (rows[i].key.kind >= ANOMALY_COUNT ||
		    memchr(rows[i].key.iface, '\0', sizeof(rows[i].key.iface)) == NULL ||
		    (i > 0 && compare(&rows[i - 1], &rows[i]) >= 0))
			return false;
	}
	return true;
}

static bool
read_file(struct drops *drops, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	size_t got = 0;
	ssize_t count = 1;

	if (fd < 0)
		return false;
	while (got < sizeof(*drops) && count > 0) {
		count = read(fd, (uint8_t *)drops + got, sizeof(*drops) - got);
		got += count > 0 ? (size_t)count : 0;
	}
	(void)close(fd);
	return got == sizeof(*drops);
}

struct drops *
drops_read(const char *run_dir)
{
	struct drops *drops = calloc(1, sizeof(*drops));
	char path[CONFIG_PATH_MAX];

	if (drops == NULL)
		return NULL;
	if (path_of(run_dir, path) == 0 && read_file(drops, path) && is_usable(drops))
		return drops;
	memset(drops, 0, sizeof(*drops));
	drops->magic = MAGIC;
	return drops;
}

static int
write_file(int fd, const struct drops *drops)
{
	size_t put = 0;

	while (put < sizeof(*drops)) {
		ssize_t count = write(fd, (const uint8_t *)drops + put, sizeof(*drops) - put);

		if (count <= 0)
			return -1;
		put += (size_t)count;
	}
	return 0;
}

/* A new file: who has mapped the old one does not see it change. */
int
drops_write(const struct drops *drops, const char *run_dir, struct err *err)
{
	char path[CONFIG_PATH_MAX];
	int fd;

	if (path_of(run_dir, path) != 0)
		return err_set(err, ERR_LIMIT, "run_dir is too long");
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd < 0)
		return err_sys(err, "make %s", path);
	if (write_file(fd, drops) == 0)
		return fd;
	(void)err_sys(err, "write %s", path);
	(void)close(fd);
	return -1;
}

struct drops *
drops_map(int fd, struct err *err)
{
	void *at = mmap(NULL, sizeof(struct drops), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return (void)err_sys(err, "map the drops"), NULL;
	return at;
}
