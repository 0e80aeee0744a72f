/* SPDX-License-Identifier: MIT */
#include "inspect/row.h"

#include "inspect/content.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK = 1536, /* bytes: of MPEG-TS seven packets are whole in it wherever it begins */
	KEPT = 512,  /* of them for the next look: what lies across is in one of both */
	VAIN = 8,    /* looks that found nothing, before they become seldom */
	SELDOM = 8,
};

struct row {
	size_t used;
	unsigned spared, vain;          /* looks */
	struct payload_finding footage; /* of class PAYLOAD_UNKNOWN: they are none */
	uint8_t bytes[LOOK];
};

/* What is needed of these for the next look. */
static void
keep(struct row *row)
{
	memmove(row->bytes, row->bytes + row->used - KEPT, KEPT);
	row->used = KEPT;
}

static void
look(struct row *row)
{
	const struct content_look middle = {.in = {row->bytes, row->used}};
	struct payload_finding finding;

	(void)content_tell(&middle, &finding);
	if (finding.confidence != CONFIDENCE_IDENTIFIED ||
	    (finding.class != PAYLOAD_VIDEO && finding.class != PAYLOAD_AUDIO &&
		finding.class != PAYLOAD_IMAGE))
		finding = (struct payload_finding){0};
	row->footage = finding;
	row->spared = 0;
	if (finding.class != PAYLOAD_UNKNOWN)
		row->vain = 0;
	else if (row->vain < VAIN)
		row->vain++;
}

bool
row_add(struct row **row, struct bytes message, bool seldom, struct payload_finding *finding)
{
	struct row *at = *row;

	assert(message.left <= ROW_MESSAGE_MAX);
	if (at == NULL)
		at = *row = calloc(1, sizeof(*at));
	if (at == NULL)
		return false;
	while (message.left > 0) {
		size_t room = LOOK - at->used;
		struct bytes part;

		(void)bytes_take(&message, message.left < room ? message.left : room, &part);
		memcpy(at->bytes + at->used, part.at, part.left);
		at->used += part.left;
		if (at->used < LOOK)
			continue;
		if (!seldom || at->vain < VAIN || ++at->spared == SELDOM)
			look(at);
		keep(at);
	}
	if (at->footage.class == PAYLOAD_UNKNOWN)
		return false;
	*finding = at->footage;
	return true;
}

void
row_clear(struct row **row)
{
	free(*row);
	*row = NULL;
}
