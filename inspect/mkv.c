/* SPDX-License-Identifier: MIT */
#include "inspect/mkv.h"

#include <string.h>

/* RFC 8794 section 11.2 and RFC 9559 section 5.1, with their length markers. */
enum {
	ID_EBML = 0x1a45dfa3,
	ID_DOCTYPE = 0x4282,
	ID_SEGMENT = 0x18538067,
	ID_TRACKS = 0x1654ae6b,
	ID_TRACK_ENTRY = 0xae,
	ID_TRACK_TYPE = 0x83,
	ID_CLUSTER = 0x1f43b675,
	ID_TIMESTAMP = 0xe7,
	ID_SIMPLE_BLOCK = 0xa3,
	ID_BLOCK_GROUP = 0xa0,
	ID_POSITION = 0xa7,
	ID_PREV_SIZE = 0xab,
	TRACK_VIDEO = 1,
	TRACK_AUDIO = 2,
	ELEMENTS_MAX = 64, /* that are looked at in one window */
};

struct element {
	uint32_t id;
	struct bytes body; /* what of it is there */
	bool whole;
};

/* A number whose first byte tells its length by its leading zeros; the marker
 * stays in it where `marked` (RFC 8794 section 4). */
static bool
take_number(struct bytes *in, unsigned length_max, bool marked, uint64_t *out, bool *unknown)
{
	struct bytes rest = *in;
	uint8_t byte;
	unsigned length = 1;
	uint64_t value, ones;

	if (!bytes_u8(&rest, &byte))
		return false;
	while (length <= length_max && (byte >> (8 - length) & 1) == 0)
		length++;
	if (length > length_max)
		return false;
	value = marked ? byte : byte & (0xffU >> length);
	for (unsigned i = 1; i < length; i++) {
		if (!bytes_u8(&rest, &byte))
			return false;
		value = value << 8 | byte;
	}
	ones = (1ULL << (7 * length)) - 1;
	*unknown = !marked && value == ones;
	*out = value;
	*in = rest;
	return true;
}

static bool
take_element(struct bytes *in, struct element *element)
{
	struct bytes rest = *in;
	uint64_t id, size;
	bool unknown;

	if (!take_number(&rest, 4, true, &id, &unknown) ||
	    !take_number(&rest, 8, false, &size, &unknown))
		return false;
	element->id = (uint32_t)id;
	element->body = rest;
	element->whole = !unknown && size <= rest.left;
	if (element->whole)
		(void)bytes_take(&rest, (size_t)size, &element->body);
	else
		rest = (struct bytes){rest.at + rest.left, 0};
	*in = rest;
	return true;
}

static bool
names_doctype(struct bytes header)
{
	struct element element;

	while (take_element(&header, &element)) {
		struct bytes name = element.body;

		if (element.id == ID_DOCTYPE && element.whole)
			return bytes_match(&name, "matroska", 8) || bytes_match(&name, "webm", 4);
	}
	return false;
}

/* Whether the tracks are all there, and audio alone.  What holds other elements
 * is opened where it stands. */
static bool
is_audio_alone(struct bytes segment)
{
	struct element element;
	const uint8_t *tracks_end = NULL;
	unsigned audio = 0, others = 0;

	for (int i = 0; i < ELEMENTS_MAX && take_element(&segment, &element); i++) {
		const uint8_t *end = segment.at + segment.left;

		if (element.id == ID_TRACKS && !element.whole)
			return false;
		if (element.id == ID_TRACKS)
			tracks_end = element.body.at + element.body.left;
		if (element.id == ID_TRACKS || element.id == ID_TRACK_ENTRY)
			segment = (struct bytes){element.body.at, (size_t)(end - element.body.at)};
		if (element.id == ID_TRACK_TYPE && element.whole && element.body.left == 1) {
			audio += element.body.at[0] == TRACK_AUDIO;
			others += element.body.at[0] != TRACK_AUDIO;
		}
		if (tracks_end != NULL && segment.at >= tracks_end)
			break;
	}
	return tracks_end != NULL && audio > 0 && others == 0;
}

enum told
mkv_tell(struct bytes in, struct payload_finding *out)
{
	struct element header, segment;

	if (!take_element(&in, &header) || header.id != ID_EBML || !header.whole ||
	    !names_doctype(header.body))
		return TOLD_NO;
	if (!take_element(&in, &segment) || segment.id != ID_SEGMENT) {
		finding_set(out, PAYLOAD_VIDEO, CONFIDENCE_PROBABLE, "mkv");
		return TOLD_MAYBE;
	}
	if (is_audio_alone(segment.body))
		return finding_identified(out, PAYLOAD_AUDIO, "mkv");
	finding_set(out, PAYLOAD_VIDEO, CONFIDENCE_IDENTIFIED, "mkv");
	return TOLD_MAYBE;
}

/* A cluster's time comes first, then blocks, or two numbers about it. */
static bool
is_cluster(struct bytes in)
{
	struct element cluster, time, next;

	if (!take_element(&in, &cluster) || cluster.id != ID_CLUSTER ||
	    !take_element(&cluster.body, &time) || time.id != ID_TIMESTAMP || !time.whole ||
	    time.body.left == 0 || time.body.left > 8)
		return false;
	return take_element(&cluster.body, &next) &&
	       (next.id == ID_SIMPLE_BLOCK || next.id == ID_BLOCK_GROUP || next.id == ID_POSITION ||
		   next.id == ID_PREV_SIZE);
}

enum told
mkv_find(struct bytes in, struct payload_finding *out)
{
	static const uint8_t id[] = {0x1f, 0x43, 0xb6, 0x75};

	while (bytes_seek(&in, id, sizeof(id))) {
		if (is_cluster(in))
			return finding_identified(out, PAYLOAD_VIDEO, "mkv");
		(void)bytes_skip(&in, sizeof(id));
	}
	return TOLD_NO;
}
