/* SPDX-License-Identifier: MIT */
#include "proxy/udp_case.h"

#include "base/err.h"
#include "base/siphash.h"
#include "record/event.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { BUCKETS = 1 << 14 };

struct udp_case {
	struct udp_case *next; /* in its bucket */
	uint64_t hash;
	uint32_t refs;
	uint16_t size;  /* of frame */
	uint8_t detail; /* of the verdict: the frame has what DETAIL_META leaves out */
	uint8_t result, how;
	uint8_t frame[]; /* an event's */
};

struct udp_cases {
	struct siphash_key key;
	size_t count, bytes;
	struct udp_case *buckets[BUCKETS];
};

struct udp_cases *
udp_cases_new(struct err *err)
{
	struct udp_cases *cases = calloc(1, sizeof(*cases));

	if (cases == NULL)
		return (void)err_set(err, ERR_NOMEM, "no memory for the flows"), NULL;
	if (getrandom(&cases->key, sizeof(cases->key), 0) != (ssize_t)sizeof(cases->key)) {
		(void)err_sys(err, "getrandom");
		free(cases);
		return NULL;
	}
	return cases;
}

void
udp_cases_free(struct udp_cases *cases)
{
	assert(cases == NULL || cases->count == 0);
	free(cases);
}

/* What may differ between flows of one case. */
static void
strip(struct facts *facts)
{
	facts->flow_id = 0;
	facts->opened_wall_us = 0;
	facts->closed_wall_us = 0;
	facts->duration_us = 0;
	facts->camera.port = 0;
	facts->traffic = (struct traffic){0};
	facts->app.first_size = 0;
	memset(facts->app.first, 0, sizeof(facts->app.first));
	facts->end = END_NONE;
	facts->end_text[0] = '\0';
	facts->verdict.detail = DETAIL_FULL;
}

static size_t
pack(const struct facts *facts, uint8_t frame[EVENT_FRAME_MAX])
{
	const struct event_head head = {.kind = EVENT_OPEN};
	struct facts stripped = *facts;

	strip(&stripped);
	return event_encode(&head, &stripped, frame);
}

static bool
is_same(const struct udp_case *one, const struct facts *facts, const uint8_t *frame, size_t size)
{
	return one->size == size && one->detail == facts->verdict.detail &&
	       memcmp(one->frame, frame, size) == 0;
}

struct udp_case *
udp_case_take(struct udp_cases *cases, const struct facts *facts)
{
	uint8_t frame[EVENT_FRAME_MAX];
	size_t size = pack(facts, frame);
	uint64_t hash = siphash(&cases->key, frame, size);
	struct udp_case **bucket = &cases->buckets[hash % BUCKETS];
	struct udp_case *one = *bucket;

	while (one != NULL && !(one->hash == hash && is_same(one, facts, frame, size)))
		one = one->next;
	if (one == NULL) {
		if (cases->bytes + sizeof(*one) + size > UDP_CASES_BYTES_MAX)
			return NULL;
		one = malloc(sizeof(*one) + size);
		if (one == NULL)
			return NULL;
		*one = (struct udp_case){.next = *bucket,
		    .hash = hash,
		    .size = (uint16_t)size,
		    .detail = (uint8_t)facts->verdict.detail,
		    .result = (uint8_t)facts->verdict.result,
		    .how = (uint8_t)facts->verdict.how};
		memcpy(one->frame, frame, size);
		*bucket = one;
		cases->count++;
		cases->bytes += sizeof(*one) + size;
	}
	one->refs++;
	return one;
}

void
udp_case_give(struct udp_cases *cases, struct udp_case *one)
{
	struct udp_case **at;

	if (one == NULL || --one->refs > 0)
		return;
	at = &cases->buckets[one->hash % BUCKETS];
	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	cases->count--;
	cases->bytes -= sizeof(*one) + one->size;
	free(one);
}

void
udp_case_read(const struct udp_case *one, struct facts *facts)
{
	struct bytes in = {one->frame, one->size};
	struct recorded recorded;
	int got = event_decode(&in, &recorded, NULL);

	assert(got == 0); /* we wrote it */
	*facts = recorded.facts;
	facts->verdict.detail = (enum detail)one->detail;
}

bool
udp_case_is_blocked(const struct udp_case *one)
{
	return one->result == RESULT_BLOCK;
}

enum how
udp_case_how(const struct udp_case *one)
{
	return (enum how)one->how;
}

bool
udp_cases_are_full(const struct udp_cases *cases)
{
	return cases->bytes + sizeof(struct udp_case) + EVENT_FRAME_MAX > UDP_CASES_BYTES_MAX;
}

size_t
udp_cases_count(const struct udp_cases *cases)
{
	return cases->count;
}
