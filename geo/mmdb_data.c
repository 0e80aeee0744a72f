/* SPDX-License-Identifier: MIT */
#include "geo/mmdb_data.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>

enum value_type { /* numbers of the format */
	VALUE_POINTER = 1,
	VALUE_STRING = 2,
	VALUE_DOUBLE = 3,
	VALUE_BYTES = 4,
	VALUE_UINT16 = 5,
	VALUE_UINT32 = 6,
	VALUE_MAP = 7,
	VALUE_INT32 = 8,
	VALUE_UINT64 = 9,
	VALUE_UINT128 = 10,
	VALUE_ARRAY = 11,
	VALUE_BOOL = 14,
	VALUE_FLOAT = 15,
};

enum { EXTENDED_BASE = 7 }; /* an extended type is this and the byte that follows */

enum { STATE_UNSEEN = 0, STATE_BUSY = 255 }; /* anything between: 1 + the value's height */

/* A value's head: its type, and its size in bytes, entries, or (of a pointer)
 * where it points. */
struct value {
	unsigned type;
	uint32_t size;
};

/* A container that is being read, or the target of a pointer (one value). */
struct frame {
	struct bytes rest;
	uint32_t left; /* values still to come */
	bool map;      /* values alternate: key, value */
	bool target;   /* at `offset`; settles when read */
	uint32_t offset;
	uint8_t height;
};

/* Each pointer followed and each container is one frame. */
enum { FRAMES_MAX = 2 * MMDB_DEPTH_MAX };

struct reading {
	struct mmdb_data *data;
	struct frame frames[FRAMES_MAX];
	size_t depth;
	uint32_t values;
};

int
mmdb_data_open(struct mmdb_data *data, struct bytes section, struct err *err)
{
	if (section.left == 0 || section.left > UINT32_MAX)
		return err_set(err, ERR_INPUT, "a data section of %zu bytes", section.left);
	data->section = section;
	/* Each value once for itself, and room for records that share a tail. */
	data->budget = 4 * (uint64_t)section.left + MMDB_RECORD_VALUES_MAX;
	data->state = calloc(section.left, 1);
	if (data->state == NULL)
		return err_set(err, ERR_NOMEM, "no memory for %zu bytes", section.left);
	return 0;
}

void
mmdb_data_close(struct mmdb_data *data)
{
	free(data->state);
	data->state = NULL;
}

static bool
read_number(struct bytes *in, unsigned size, uint32_t *out)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < size; i++) {
		uint8_t byte;

		if (!bytes_u8(in, &byte))
			return false;
		value = value << 8 | byte;
	}
	*out = value;
	return true;
}

/* Each longer form begins where the shorter one ends, but the longest. */
static uint32_t
pointer_base(unsigned form)
{
	if (form == 1)
		return 2048;
	return form == 2 ? 526336 : 0;
}

static bool
read_pointer(struct bytes *in, uint8_t control, struct value *value)
{
	unsigned form = control >> 3 & 3U;
	uint32_t high = 0, low;

	if (!read_number(in, form + 1, &low))
		return false;
	/* The longest form is a whole 32 bit number and leaves the control byte's bits unused. */
	if (form < 3)
		high = (control & 7U) << 8 * (form + 1);
	value->type = VALUE_POINTER;
	value->size = high + low + pointer_base(form);
	return true;
}

static bool
read_head(struct bytes *in, struct value *value)
{
	static const uint32_t base[] = {29, 285, 65821};
	uint8_t control, extended;
	uint32_t more;

	if (!bytes_u8(in, &control))
		return false;
	value->type = control >> 5;
	if (value->type == VALUE_POINTER)
		return read_pointer(in, control, value);
	if (value->type == 0) {
		if (!bytes_u8(in, &extended))
			return false;
		value->type = (unsigned)extended + EXTENDED_BASE;
	}
	value->size = control & 0x1fU;
	if (value->size >= 29) {
		unsigned extra = value->size - 28;

		if (!read_number(in, extra, &more))
			return false;
		value->size = base[extra - 1] + more;
	}
	return true;
}

/* Step over the payload of a value that holds no others. */
static int
skip_scalar(struct bytes *in, const struct value *value, struct err *err)
{
	static const struct {
		uint8_t type, min, max; /* sizes allowed */
	} sized[] = {
	    {VALUE_DOUBLE, 8, 8},
	    {VALUE_UINT16, 0, 2},
	    {VALUE_UINT32, 0, 4},
	    {VALUE_INT32, 0, 4},
	    {VALUE_UINT64, 0, 8},
	    {VALUE_UINT128, 0, 16},
	    {VALUE_FLOAT, 4, 4},
	};
	struct bytes payload;

	if (value->type == VALUE_BOOL) {
		if (value->size > 1)
			return err_set(err, ERR_INPUT, "a boolean of %u", value->size);
		return 0;
	}
	if (value->type != VALUE_STRING && value->type != VALUE_BYTES) {
		size_t i = 0, count = sizeof(sized) / sizeof(sized[0]);

		while (i < count && sized[i].type != value->type)
			i++;
		if (i == count)
			return err_set(err, ERR_INPUT, "a value of unknown type %u", value->type);
		if (value->size < sized[i].min || value->size > sized[i].max)
			return err_set(err, ERR_INPUT, "a number of type %u and %u bytes",
			    value->type, value->size);
	}
	if (!bytes_take(in, value->size, &payload))
		return err_set(err, ERR_INPUT, "a value of %u bytes leaves its section",
		    value->size);
	return 0;
}

static int
push(struct reading *reading, const struct frame *frame, struct err *err)
{
	if (reading->depth == FRAMES_MAX)
		return err_set(err, ERR_INPUT, "values are nested too deep");
	reading->frames[reading->depth++] = *frame;
	return 0;
}

static int
push_target(struct reading *reading, uint32_t offset, struct err *err)
{
	struct bytes rest = reading->data->section, before;
	struct frame frame = {.left = 1, .target = true, .offset = offset};

	if (offset >= rest.left || !bytes_take(&rest, offset, &before))
		return err_set(err, ERR_INPUT, "a pointer to %u leaves its section", offset);
	frame.rest = rest;
	reading->data->state[offset] = STATE_BUSY;
	return push(reading, &frame, err);
}

static int
push_container(struct reading *reading, const struct value *value, struct err *err)
{
	const struct frame *parent = &reading->frames[reading->depth - 1];
	bool map = value->type == VALUE_MAP;
	struct frame frame = {.rest = parent->rest, .map = map};

	/* Each entry takes a byte at least, so a count beyond the bytes is a lie. */
	if (value->size > parent->rest.left / (map ? 2 : 1))
		return err_set(err, ERR_INPUT, "a container of %u entries leaves its section",
		    value->size);
	frame.left = map ? 2 * value->size : value->size;
	return push(reading, &frame, err);
}

static void
raise_height(struct frame *frame, uint8_t child)
{
	if (frame->height <= child)
		frame->height = (uint8_t)(child + 1);
}

static void
pop(struct reading *reading)
{
	struct frame *done = &reading->frames[--reading->depth];
	struct frame *parent = reading->depth == 0 ? NULL : &reading->frames[reading->depth - 1];

	if (done->target)
		reading->data->state[done->offset] = (uint8_t)(done->height + 1);
	if (parent == NULL)
		return;
	raise_height(parent, done->height);
	if (!done->target)
		parent->rest = done->rest;
}

static int
follow(struct reading *reading, uint32_t offset, bool key, struct err *err)
{
	struct frame *top = &reading->frames[reading->depth - 1];
	struct bytes at = reading->data->section, before;
	struct value value;
	uint8_t state;

	if (top->target)
		return err_set(err, ERR_INPUT, "a pointer to a pointer");
	if (offset >= at.left || !bytes_take(&at, offset, &before) || !read_head(&at, &value))
		return err_set(err, ERR_INPUT, "a pointer to %u leaves its section", offset);
	if (key && value.type != VALUE_STRING)
		return err_set(err, ERR_INPUT, "a map's key is no string");
	state = reading->data->state[offset];
	if (state == STATE_BUSY)
		return err_set(err, ERR_INPUT, "pointers in a ring");
	if (state == STATE_UNSEEN)
		return push_target(reading, offset, err);
	if (reading->depth + state > FRAMES_MAX)
		return err_set(err, ERR_INPUT, "values are nested too deep");
	raise_height(top, (uint8_t)(state - 1));
	return 0;
}

/* Read the next value of the innermost frame. */
static int
step(struct reading *reading, struct err *err)
{
	struct frame *top = &reading->frames[reading->depth - 1];
	bool key = top->map && top->left % 2 == 0;
	struct value value;

	top->left--;
	if (reading->data->budget == 0 || reading->values == MMDB_RECORD_VALUES_MAX)
		return err_set(err, ERR_INPUT, "a record of too many values");
	reading->data->budget--;
	reading->values++;
	if (!read_head(&top->rest, &value))
		return err_set(err, ERR_INPUT, "a value leaves its section");
	if (value.type == VALUE_POINTER)
		return follow(reading, value.size, key, err);
	if (key && value.type != VALUE_STRING)
		return err_set(err, ERR_INPUT, "a map's key is no string");
	if (value.type == VALUE_MAP || value.type == VALUE_ARRAY)
		return push_container(reading, &value, err);
	return skip_scalar(&top->rest, &value, err);
}

int
mmdb_data_check(struct mmdb_data *data, uint32_t offset, struct err *err)
{
	struct reading reading;

	if (offset < data->section.left && data->state[offset] != STATE_UNSEEN)
		return 0;
	reading.data = data;
	reading.depth = 0;
	reading.values = 0;
	if (push_target(&reading, offset, err) != 0)
		return -1;
	while (reading.depth > 0) {
		if (reading.frames[reading.depth - 1].left == 0)
			pop(&reading);
		else if (step(&reading, err) != 0)
			return -1;
	}
	return 0;
}
