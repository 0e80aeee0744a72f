/* SPDX-License-Identifier: MIT */
#include "record/spool_private.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	FRAME_UNITS_MAX = (EVENT_FRAME_MAX + SPOOL_UNIT - 1) / SPOOL_UNIT,
	SHORT_UNITS_MAX = (EVENT_SHORT_MAX + SPOOL_UNIT - 1) / SPOOL_UNIT,
	LOST_UNITS_MAX = 2, /* of an EVENT_LOST: the counters and a number */
	/* A sixteenth of the ring is for the ends of connections that never had
	 * an open event, of which many may be under way at once. */
	MARGIN_PART = 16,
	READ_BYTES = 64 << 10,
};

struct spool {
	int fd;                      /* borrowed */
	struct spool_header *header; /* mapped, with the counters behind it */
	struct spool_live *live;
	uint64_t units; /* of the ring */
	unsigned worker;
	uint64_t epoch;      /* what a writer stamps its events with */
	uint64_t first;      /* as header->first */
	uint64_t at;         /* the writer's head, the reader's cursor */
	uint64_t live_count; /* counters taken */
	uint64_t reserved;   /* units that are set aside for the ends of these */
	uint32_t *returned;  /* writer: owned; counters that were given back, */
	size_t returned_count;
	size_t fresh;   /* and the first that was never taken */
	bool *brief;    /* writer: owned; for each counter, whether it is a brief one */
	uint8_t *bytes; /* reader: owned; READ_BYTES read ahead, */
	size_t bytes_at, bytes_end;
	char site[64];
};

/* ---- positions ---- */

static uint64_t
position_after(const struct spool *spool, uint64_t position, uint64_t frame_units)
{
	uint64_t offset = spool_offset(position) + frame_units;

	if (offset >= spool->units)
		offset -= spool->units;
	return (spool_ordinal(position) + 1) << SPOOL_OFFSET_BITS | offset;
}

/* Units from one position up to a later one. */
static uint64_t
units_between(const struct spool *spool, uint64_t from, uint64_t to)
{
	if (from == to)
		return 0;
	if (spool_offset(to) > spool_offset(from))
		return spool_offset(to) - spool_offset(from);
	return spool->units - spool_offset(from) + spool_offset(to);
}

static uint64_t
units_for(size_t bytes)
{
	return (bytes + SPOOL_UNIT - 1) / SPOOL_UNIT;
}

/* ---- opening ---- */

static struct spool *
open_spool(int fd, struct err *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (spool == NULL)
		return (void)err_set(err, ERR_NOMEM, "spool: no memory"), NULL;
	spool->fd = fd;
	spool->header = spool_map_header(fd, err);
	if (spool->header == NULL) {
		free(spool);
		return NULL;
	}
	spool->live = (struct spool_live *)(void *)((uint8_t *)spool->header + SPOOL_LIVE_AT);
	spool->units = spool_file_units(spool->header->size);
	spool->worker = spool->header->worker;
	spool->epoch = atomic_load(&spool->header->epoch);
	spool->first = atomic_load(&spool->header->first);
	return spool;
}

void
spool_close(struct spool *spool)
{
	if (spool == NULL)
		return;
	(void)munmap(spool->header, SPOOL_RING_AT);
	free(spool->returned);
	free(spool->brief);
	free(spool->bytes);
	free(spool);
}

/* ---- the worker's side ---- */

static int
write_part(int fd, uint64_t offset, const uint8_t *bytes, size_t count, struct err *err)
{
	while (count > 0) {
		ssize_t done = pwrite(fd, bytes, count, (off_t)(SPOOL_RING_AT + offset));

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
	uint64_t offset = spool_offset(spool->at) * SPOOL_UNIT;
	uint64_t before_end = spool->units * SPOOL_UNIT - offset;

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

/*
 * The end of a connection takes what was set aside for it, which is enough for
 * its numbers and its verdict.  What was read of it is written too where there
 * is room beside what is set aside for the others.
 */
static size_t
encode_end(const struct spool *spool, const struct event_head *head, const struct facts *facts,
    uint64_t for_others, uint8_t frame[EVENT_FRAME_MAX])
{
	size_t count = event_encode(head, facts, frame);
	struct facts shorter;

	if (units_for(count) + for_others <= units_free(spool) ||
	    facts->verdict.detail != DETAIL_FULL)
		return count;
	shorter = *facts;
	shorter.verdict.detail = DETAIL_CUT;
	return event_encode(head, &shorter, frame);
}

static struct event_head
next_head(const struct spool *spool, enum event_kind kind)
{
	return (struct event_head){.kind = kind,
	    .worker = (uint16_t)spool->worker,
	    .epoch = spool->epoch,
	    .seq = spool_ordinal(spool->at) - spool->first + 1,
	    .wall_us = clock_wall_us()};
}

/* Append a frame; kept units stay free behind it. */
static int
append(struct spool *spool, const uint8_t *frame, size_t count, uint64_t kept, struct err *err)
{
	if (units_for(count) + kept > units_free(spool))
		return err_set(err, ERR_LIMIT, "the spool is full: the recorder does not read");
	if (write_frame(spool, frame, count, err) != 0)
		return -1;
	spool->at = position_after(spool, spool->at, units_for(count));
	atomic_store_explicit(&spool->header->head, spool->at, memory_order_release);
	return 0;
}

int
spool_write(struct spool *spool, enum event_kind kind, const struct facts *facts, struct err *err)
{
	const struct event_head head = next_head(spool, kind);
	uint64_t own = spool->reserved < SHORT_UNITS_MAX ? spool->reserved : SHORT_UNITS_MAX;
	uint8_t frame[EVENT_FRAME_MAX];
	size_t count;

	if (kind != EVENT_CLOSE && kind != EVENT_LOST) {
		count = event_encode(&head, facts, frame);
		return append(spool, frame, count, spool->reserved, err);
	}
	count = encode_end(spool, &head, facts, spool->reserved - own, frame);
	return append(spool, frame, count, 0, err);
}

int
spool_write_brief(struct spool *spool, const struct facts *facts, struct err *err)
{
	const struct event_head head = next_head(spool, EVENT_CLOSE);
	uint64_t for_others = spool->reserved - LOST_UNITS_MAX;
	uint8_t frame[EVENT_FRAME_MAX];
	size_t count = encode_end(spool, &head, facts, for_others, frame);

	return append(spool, frame, count, for_others, err);
}

bool
spool_has_room(const struct spool *spool)
{
	uint64_t need =
	    spool->reserved + FRAME_UNITS_MAX + SHORT_UNITS_MAX + spool->units / MARGIN_PART;

	return need <= units_free(spool);
}

static struct spool_live *
take_counter(struct spool *spool, uint64_t flow_id, bool brief)
{
	struct spool_live *live;

	assert(flow_id != 0);
	if (spool->live_count == SPOOL_LIVE_COUNT || !spool_has_room(spool))
		return NULL;
	if (spool->returned_count > 0)
		live = &spool->live[spool->returned[--spool->returned_count]];
	else
		live = &spool->live[spool->fresh++];
	spool->brief[live - spool->live] = brief;
	live->left_up = 0;
	live->left_down = 0;
	atomic_signal_fence(memory_order_release); /* a flow never has another's counters */
	live->flow_id = flow_id;
	spool->live_count++;
	spool->reserved += brief ? LOST_UNITS_MAX : SHORT_UNITS_MAX;
	return live;
}

struct spool_live *
spool_live_take(struct spool *spool, uint64_t flow_id)
{
	return take_counter(spool, flow_id, false);
}

struct spool_live *
spool_live_take_brief(struct spool *spool, uint64_t flow_id)
{
	return take_counter(spool, flow_id, true);
}

/* Whoever sees it free sees its connection's end written. */
static void
free_counter(struct spool_live *live)
{
	atomic_thread_fence(memory_order_release);
	live->flow_id = 0;
}

void
spool_live_drop(struct spool *spool, struct spool_live *live)
{
	if (live == NULL)
		return;
	assert(live >= spool->live && live < spool->live + SPOOL_LIVE_COUNT);
	assert(live->flow_id != 0 && spool->live_count > 0);
	free_counter(live);
	spool->returned[spool->returned_count++] = (uint32_t)(live - spool->live);
	spool->live_count--;
	spool->reserved -= spool->brief[live - spool->live] ? LOST_UNITS_MAX : SHORT_UNITS_MAX;
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
		free_counter(live);
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
	spool->brief = calloc(SPOOL_LIVE_COUNT, sizeof(*spool->brief));
	if (spool->returned == NULL || spool->brief == NULL) {
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
	return spool->worker;
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
	if (!spool_positions_fit(*head, spool->at, spool->units))
		return err_set(err, ERR_INPUT, "the spool's head is altered");
	return 0;
}

static int
read_part(int fd, uint64_t offset, uint8_t *bytes, size_t count, struct err *err)
{
	while (count > 0) {
		ssize_t done = pread(fd, bytes, count, (off_t)(SPOOL_RING_AT + offset));

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
	uint64_t offset = spool_offset(spool->at) * SPOOL_UNIT;
	uint64_t count = units_between(spool, spool->at, head) * SPOOL_UNIT;
	uint64_t before_end = spool->units * SPOOL_UNIT - offset;

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
	spool->bytes_at += units * SPOOL_UNIT;
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

	if (!spool_positions_fit(head, position, spool->units) ||
	    !spool_positions_fit(position, tail, spool->units))
		return err_set(err, ERR_INPUT, "this is no place in the spool");
	spool->at = position;
	spool->bytes_at = 0;
	spool->bytes_end = 0;
	return 0;
}

void
spool_consumed(struct spool *spool, uint64_t position)
{
	assert(spool_ordinal(position) <= spool_ordinal(spool->at));
	atomic_store_explicit(&spool->header->tail, position, memory_order_release);
}

uint64_t
spool_end(const struct spool *spool)
{
	uint64_t head;

	return read_head(spool, &head, NULL) == 0 ? head : spool->at;
}

uint64_t
spool_waiting(const struct spool *spool)
{
	return spool_ordinal(spool_end(spool)) - spool_ordinal(spool->at);
}

uint64_t
spool_skip(struct spool *spool)
{
	uint64_t head = atomic_load_explicit(&spool->header->head, memory_order_acquire);
	uint64_t passed = 0;

	if (spool_positions_fit(head, spool->at, spool->units))
		passed = spool_ordinal(head) - spool_ordinal(spool->at);
	if (spool_offset(head) < spool->units)
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
	atomic_thread_fence(memory_order_acquire); /* free_counter's */
	return false;
}
