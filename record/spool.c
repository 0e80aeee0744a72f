/* SPDX-License-Identifier: MIT */
#include "record/spool.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	VERSION = 1,
	UNIT = 64,        /* bytes; a frame starts at a multiple of it */
	OFFSET_BITS = 24, /* of a position: the place in the ring in units; 1 GiB */
	FRAME_UNITS_MAX = (EVENT_FRAME_MAX + UNIT - 1) / UNIT,
	LIVE_AT = PAGE,
	LIVE_BYTES = SPOOL_LIVE_COUNT * sizeof(struct spool_live),
	RING_AT = LIVE_AT + LIVE_BYTES,
	/* A sixteenth of the ring is for the ends of connections that never had
	 * an open event, of which many may be under way at once. */
	MARGIN_PART = 16,
	READ_BYTES = 64 << 10,
};

static const uint64_t magic = 0x626f726465726c73;
static const uint64_t offset_mask = (1U << OFFSET_BITS) - 1;

/*
 * A position says in one word where in the ring (low bits) and how many events
 * were written before (high bits).  So one store publishes an event together
 * with its number: no instant at which a writer is killed can make a number
 * appear twice or not at all.
 */
struct header {
	uint64_t magic;
	uint32_t version;
	uint32_t worker;
	uint64_t size; /* of the file */
	uint8_t id[SPOOL_ID_BYTES];
	_Atomic uint64_t epoch;
	_Atomic uint64_t first; /* events written before the epoch began */
	_Atomic uint64_t head;  /* the writer's */
	/* The reader's, in a cache line that the writer does not write to. */
	_Alignas(UNIT) _Atomic uint64_t tail;
	char site[64];
};

struct spool {
	int fd;                /* borrowed */
	struct header *header; /* mapped, with the counters behind it */
	struct spool_live *live;
	uint64_t units;      /* of the ring */
	uint64_t epoch;      /* what a writer stamps its events with */
	uint64_t first;      /* as header->first */
	uint64_t at;         /* the writer's head, the reader's cursor */
	uint64_t live_count; /* counters taken */
	uint16_t *returned;  /* writer: owned; counters that were given back, */
	size_t returned_count;
	size_t fresh;   /* and the first that was never taken */
	uint8_t *bytes; /* reader: owned; READ_BYTES read ahead, */
	size_t bytes_at, bytes_end;
	char site[64];
};

/* ---- positions ---- */

static uint64_t
ordinal_of(uint64_t position)
{
	return position >> OFFSET_BITS;
}

static uint64_t
offset_of(uint64_t position)
{
	return position & offset_mask;
}

static uint64_t
position_after(const struct spool *spool, uint64_t position, uint64_t frame_units)
{
	uint64_t offset = offset_of(position) + frame_units;

	if (offset >= spool->units)
		offset -= spool->units;
	return (ordinal_of(position) + 1) << OFFSET_BITS | offset;
}

/* Units from one position up to a later one. */
static uint64_t
units_between(const struct spool *spool, uint64_t from, uint64_t to)
{
	if (from == to)
		return 0;
	if (offset_of(to) > offset_of(from))
		return offset_of(to) - offset_of(from);
	return spool->units - offset_of(from) + offset_of(to);
}

static uint64_t
units_for(size_t bytes)
{
	return (bytes + UNIT - 1) / UNIT;
}

/* ---- the file ---- */

static uint64_t
file_units(uint64_t size)
{
	return (size - RING_AT) / UNIT;
}

/* Whether the two positions can be: both in the ring, head not before tail. */
static bool
positions_fit(uint64_t head, uint64_t tail, uint64_t units)
{
	return offset_of(head) < units && offset_of(tail) < units &&
	       ordinal_of(head) >= ordinal_of(tail) &&
	       ordinal_of(head) - ordinal_of(tail) <= units &&
	       (ordinal_of(head) != ordinal_of(tail) || head == tail);
}

static bool
header_fits(const struct header *header, uint64_t size)
{
	return header->magic == magic && header->version == VERSION && header->size == size &&
	       size >= SPOOL_SIZE_MIN && size <= SPOOL_SIZE_MAX && size % PAGE == 0 &&
	       header->worker <= EVENT_WORKER_MAX &&
	       memchr(header->site, '\0', sizeof(header->site)) != NULL &&
	       positions_fit(atomic_load(&header->head), atomic_load(&header->tail),
		   file_units(size));
}

static struct header *
map_header(int fd, struct err *err)
{
	struct header *header;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return (void)err_sys(err, "spool"), NULL;
	if (!S_ISREG(st.st_mode) || st.st_size < SPOOL_SIZE_MIN)
		return (void)err_set(err, ERR_INPUT, "this is no spool"), NULL;
	header = mmap(NULL, RING_AT, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED)
		return (void)err_sys(err, "spool: map"), NULL;
	if (!header_fits(header, (uint64_t)st.st_size)) {
		(void)munmap(header, RING_AT);
		return (void)err_set(err, ERR_INPUT, "this is no spool of version %d", VERSION),
		       NULL;
	}
	return header;
}

static int
write_header(int fd, const struct header *header, struct err *err)
{
	ssize_t count = pwrite(fd, header, sizeof(*header), 0);

	if (count < 0)
		return err_sys(err, "spool: write");
	if ((size_t)count != sizeof(*header))
		return err_set(err, ERR_SYS, "spool: its head was not written whole");
	return 0;
}

/* Make the file under a name of its own first: one that is half made is never
 * taken for a spool. */
static int
make_file(const char *path, uint64_t size, unsigned worker, uint64_t epoch, struct err *err)
{
	struct header header = {.magic = magic, .version = VERSION, .worker = worker, .size = size};
	char new_path[PATH_MAX];
	int fd, ret = -1, error;

	atomic_init(&header.epoch, epoch);
	if (getrandom(header.id, sizeof(header.id), 0) != (ssize_t)sizeof(header.id))
		return err_sys(err, "getrandom");
	if ((size_t)snprintf(new_path, sizeof(new_path), "%s.new", path) >= sizeof(new_path))
		return err_set(err, ERR_LIMIT, "a spool's path is too long");
	if (unlink(new_path) != 0 && errno != ENOENT)
		return err_sys(err, "%s", new_path);
	fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, "%s", new_path);
	error = posix_fallocate(fd, 0, (off_t)size);
	if (error != 0) {
		errno = error;
		(void)err_sys(err, "%s: cannot have %llu bytes", new_path,
		    (unsigned long long)size);
		goto out;
	}
	if (write_header(fd, &header, err) != 0)
		goto out;
	if (rename(new_path, path) != 0) {
		(void)err_sys(err, "%s", path);
		goto out;
	}
	ret = fd;
	fd = -1;
out:
	if (fd >= 0) {
		(void)unlink(new_path);
		(void)close(fd);
	}
	return ret;
}

/* Take the file that is there for a new run.  false: it is not what is asked. */
static bool
keep_file(int fd, uint64_t size, unsigned worker, uint64_t epoch)
{
	struct header *header = map_header(fd, NULL);
	bool keep;

	if (header == NULL)
		return false;
	keep = header->size == size && header->worker == worker;
	if (keep && atomic_load(&header->epoch) != epoch) {
		/* Cut short between the two, the next start does both again. */
		atomic_store(&header->first, ordinal_of(atomic_load(&header->head)));
		atomic_store(&header->epoch, epoch);
	}
	(void)munmap(header, RING_AT);
	return keep;
}

static int
move_aside(const char *path, uint64_t epoch, struct err *err)
{
	char old_path[PATH_MAX];

	if ((size_t)snprintf(old_path, sizeof(old_path), "%s.%llu", path,
		(unsigned long long)epoch) >= sizeof(old_path))
		return err_set(err, ERR_LIMIT, "a spool's path is too long");
	if (rename(path, old_path) != 0)
		return err_sys(err, "%s", old_path);
	return 0;
}

int
spool_create(const char *path, uint64_t size, unsigned worker, uint64_t epoch, struct err *err)
{
	int fd;

	size = (size + PAGE - 1) / PAGE * PAGE;
	if (size < SPOOL_SIZE_MIN || size > SPOOL_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "a spool has from %d to %d bytes", SPOOL_SIZE_MIN,
		    SPOOL_SIZE_MAX);
	assert(worker < EVENT_WORKER_MAX);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return make_file(path, size, worker, epoch, err);
	if (fd < 0)
		return err_sys(err, "%s", path);
	if (keep_file(fd, size, worker, epoch))
		return fd;
	(void)close(fd);
	if (move_aside(path, epoch, err) != 0)
		return -1;
	return make_file(path, size, worker, epoch, err);
}

static struct spool *
open_spool(int fd, struct err *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL)
		return (void)err_set(err, ERR_NOMEM, "spool: no memory"), NULL;
	spool->fd = fd;
	spool->header = map_header(fd, err);
	if (spool->header == NULL) {
		free(spool);
		return NULL;
	}
	spool->live = (struct spool_live *)(void *)((uint8_t *)spool->header + LIVE_AT);
	spool->units = file_units(spool->header->size);
	spool->epoch = atomic_load(&spool->header->epoch);
	spool->first = atomic_load(&spool->header->first);
	return spool;
}

void
spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	(void)munmap(spool->header, RING_AT);
	free(spool->returned);
	free(spool->bytes);
	free(spool);
}

/* ---- the worker's side ---- */

static int
write_part(int fd, uint64_t offset, const uint8_t *bytes, size_t count, struct err *err)
{
	while (count > 0) {
		ssize_t done = pwrite(fd, bytes, count, (off_t)(RING_AT + offset));

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_sys(err, "spool: write");
		bytes += done;
		offset += (uint64_t)done;
		count -= (size_t)done;
	}
	return 0;
}

static int
write_frame(const struct spool *spool, const uint8_t *bytes, size_t count, struct err *err)
{
	uint64_t offset = offset_of(spool->at) * UNIT;
	uint64_t before_end = spool->units * UNIT - offset;

	if (count <= before_end)
		return write_part(spool->fd, offset, bytes, count, err);
	if (write_part(spool->fd, offset, bytes, before_end, err) != 0)
		return -1;
	return write_part(spool->fd, 0, bytes + before_end, count - before_end, err);
}

static uint64_t
units_free(const struct spool *spool)
{
	uint64_t tail = atomic_load_explicit(&spool->header->tail, memory_order_acquire);

	return spool->units - units_between(spool, tail, spool->at);
}

static uint64_t
units_reserved(const struct spool *spool)
{
	return spool->live_count * FRAME_UNITS_MAX;
}

int
spool_write(struct spool *spool, enum event_kind kind, const struct facts *facts, struct err *err)
{
	struct event_head head = {.kind = kind,
	    .worker = (uint16_t)spool->header->worker,
	    .epoch = spool->epoch,
	    .seq = ordinal_of(spool->at) - spool->first + 1,
	    .wall_us = clock_wall_us()};
	bool set_aside = kind == EVENT_CLOSE || kind == EVENT_LOST;
	uint8_t frame[EVENT_FRAME_MAX];
	size_t count = event_encode(&head, facts, frame);
	uint64_t room = units_free(spool);
	uint64_t need = units_for(count) + (set_aside ? 0 : units_reserved(spool));

	if (need > room)
		return err_set(err, ERR_LIMIT, "the spool is full: the recorder does not read");
	if (write_frame(spool, frame, count, err) != 0)
		return -1;
	spool->at = position_after(spool, spool->at, units_for(count));
	atomic_store_explicit(&spool->header->head, spool->at, memory_order_release);
	return 0;
}

bool
spool_has_room(const struct spool *spool)
{
	uint64_t need =
	    units_reserved(spool) + (uint64_t)FRAME_UNITS_MAX * 2 + spool->units / MARGIN_PART;

	return need <= units_free(spool);
}

struct spool_live *
spool_live_take(struct spool *spool, uint64_t flow_id)
{
	struct spool_live *live;

	assert(flow_id != 0);
	if (spool->live_count == SPOOL_LIVE_COUNT || !spool_has_room(spool))
		return NULL;
	if (spool->returned_count > 0)
		live = &spool->live[spool->returned[--spool->returned_count]];
	else
		live = &spool->live[spool->fresh++];
	live->left_up = 0;
	live->left_down = 0;
	atomic_signal_fence(memory_order_release); /* a flow never has another's counters */
	live->flow_id = flow_id;
	spool->live_count++;
	return live;
}

void
spool_live_drop(struct spool *spool, struct spool_live *live)
{
	if (live == NULL)
		return;
	assert(live >= spool->live && live < spool->live + SPOOL_LIVE_COUNT);
	assert(live->flow_id != 0 && spool->live_count > 0);
	live->flow_id = 0;
	spool->returned[spool->returned_count++] = (uint16_t)(live - spool->live);
	spool->live_count--;
}

/* Tell of the connections that died with the writer before. */
static int
write_lost(struct spool *spool, struct err *err)
{
	for (size_t i = 0; i < SPOOL_LIVE_COUNT; i++) {
		struct spool_live *live = &spool->live[i];
		struct facts facts = {.flow_id = live->flow_id, .end = END_LOST};

		if (live->flow_id == 0)
			continue;
		facts.closed_wall_us = clock_wall_us();
		facts.traffic.left_up = live->left_up;
		facts.traffic.left_down = live->left_down;
		if (spool_write(spool, EVENT_LOST, &facts, err) != 0)
			return -1;
		live->flow_id = 0;
	}
	return 0;
}

struct spool *
spool_writer(int fd, const char *site, struct err *err)
{
	struct spool *spool = open_spool(fd, err);

	if (spool == NULL)
		return NULL;
	spool->returned = calloc(SPOOL_LIVE_COUNT, sizeof(*spool->returned));
	if (spool->returned == NULL) {
		(void)err_set(err, ERR_NOMEM, "spool: no memory");
		goto fail;
	}
	spool->at = atomic_load(&spool->header->head);
	text_copy(spool->header->site, sizeof(spool->header->site), site);
	if (write_lost(spool, err) != 0)
		goto fail;
	return spool;
fail:
	spool_close(spool);
	return NULL;
}

/* ---- the recorder's side ---- */

struct spool *
spool_reader(int fd, struct err *err)
{
	struct spool *spool = open_spool(fd, err);

	if (spool == NULL)
		return NULL;
	spool->bytes = malloc(READ_BYTES);
	if (spool->bytes == NULL) {
		(void)err_set(err, ERR_NOMEM, "spool: no memory");
		spool_close(spool);
		return NULL;
	}
	spool->at = atomic_load(&spool->header->tail);
	return spool;
}

const uint8_t *
spool_id(const struct spool *spool)
{
	return spool->header->id;
}

unsigned
spool_worker(const struct spool *spool)
{
	return spool->header->worker;
}

const char *
spool_site(struct spool *spool)
{
	/* The worker can write there at any time, a terminator away too. */
	text_copy(spool->site, sizeof(spool->site), spool->header->site);
	return spool->site;
}

/* The worker can write to its header: what stands there is taken as it is
 * only where it can be true. */
static int
read_head(const struct spool *spool, uint64_t *head, struct err *err)
{
	*head = atomic_load_explicit(&spool->header->head, memory_order_acquire);
	if (!positions_fit(*head, spool->at, spool->units))
		return err_set(err, ERR_INPUT, "the spool's head is altered");
	return 0;
}

static int
read_part(int fd, uint64_t offset, uint8_t *bytes, size_t count, struct err *err)
{
	while (count > 0) {
		ssize_t done = pread(fd, bytes, count, (off_t)(RING_AT + offset));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_sys(err, "spool: read");
		if (done == 0)
			return err_set(err, ERR_INPUT, "the spool is shorter than it was");
		bytes += done;
		offset += (uint64_t)done;
		count -= (size_t)done;
	}
	return 0;
}

/* Read ahead from the cursor, up to head. */
static int
read_ahead(struct spool *spool, uint64_t head, struct err *err)
{
	uint64_t offset = offset_of(spool->at) * UNIT;
	uint64_t count = units_between(spool, spool->at, head) * UNIT;
	uint64_t before_end = spool->units * UNIT - offset;

	spool->bytes_at = 0;
	spool->bytes_end = 0;
	if (count > READ_BYTES)
		count = READ_BYTES;
	if (count <= before_end) {
		if (read_part(spool->fd, offset, spool->bytes, count, err) != 0)
			return -1;
	} else if (read_part(spool->fd, offset, spool->bytes, before_end, err) != 0 ||
		   read_part(spool->fd, 0, spool->bytes + before_end, count - before_end, err) !=
		       0) {
		return -1;
	}
	spool->bytes_end = count;
	return 0;
}

int
spool_read(struct spool *spool, struct recorded *out, struct err *err)
{
	struct bytes in;
	uint64_t head, units;
	size_t before;

	if (read_head(spool, &head, err) != 0)
		return -1;
	if (head == spool->at)
		return 0;
	if (spool->bytes_end - spool->bytes_at < EVENT_FRAME_MAX &&
	    read_ahead(spool, head, err) != 0)
		return -1;
	before = spool->bytes_end - spool->bytes_at;
	in = (struct bytes){.at = spool->bytes + spool->bytes_at, .left = before};
	if (event_decode(&in, out, err) != 0)
		return -1;
	units = units_for(before - in.left);
	if (units > units_between(spool, spool->at, head))
		return err_set(err, ERR_INPUT, "an event reaches beyond the spool's head");
	spool->bytes_at += units * UNIT;
	spool->at = position_after(spool, spool->at, units);
	return 1;
}

uint64_t
spool_position(const struct spool *spool)
{
	return spool->at;
}

int
spool_seek(struct spool *spool, uint64_t position, struct err *err)
{
	uint64_t head = atomic_load_explicit(&spool->header->head, memory_order_acquire);
	uint64_t tail = atomic_load_explicit(&spool->header->tail, memory_order_acquire);

	if (!positions_fit(head, position, spool->units) ||
	    !positions_fit(position, tail, spool->units))
		return err_set(err, ERR_INPUT, "this is no place in the spool");
	spool->at = position;
	spool->bytes_at = 0;
	spool->bytes_end = 0;
	return 0;
}

void
spool_consumed(struct spool *spool, uint64_t position)
{
	assert(ordinal_of(position) <= ordinal_of(spool->at));
	atomic_store_explicit(&spool->header->tail, position, memory_order_release);
}

uint64_t
spool_waiting(const struct spool *spool)
{
	uint64_t head;

	if (read_head(spool, &head, NULL) != 0)
		return 0;
	return ordinal_of(head) - ordinal_of(spool->at);
}

uint64_t
spool_skip(struct spool *spool)
{
	uint64_t head = atomic_load_explicit(&spool->header->head, memory_order_acquire);
	uint64_t passed = 0;

	if (positions_fit(head, spool->at, spool->units))
		passed = ordinal_of(head) - ordinal_of(spool->at);
	if (offset_of(head) < spool->units)
		spool->at = head;
	spool->bytes_at = 0;
	spool->bytes_end = 0;
	return passed;
}

size_t
spool_live_copy(const struct spool *spool, struct spool_live *out)
{
	size_t count = 0;

	for (size_t i = 0; i < SPOOL_LIVE_COUNT; i++) {
		if (spool->live[i].flow_id != 0)
			out[count++] = spool->live[i];
	}
	return count;
}

bool
spool_holds(const struct spool *spool, uint64_t flow_id)
{
	for (size_t i = 0; i < SPOOL_LIVE_COUNT; i++) {
		if (spool->live[i].flow_id == flow_id)
			return true;
	}
	return false;
}
