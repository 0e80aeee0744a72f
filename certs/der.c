/* SPDX-License-Identifier: MIT */
#include "certs/der.h"

#include <string.h>

static bool
take_length(struct bytes *in, size_t *length)
{
	uint8_t first, b;
	uint16_t w;
	uint32_t l;

	if (!bytes_u8(in, &first))
		return false;
	*length = first;
	if (first < 0x80)
		return true;
	/* The shortest form that holds the length is the only one in DER. */
	switch (first) {
	case 0x81:
		if (!bytes_u8(in, &b) || b < 0x80)
			return false;
		*length = b;
		return true;
	case 0x82:
		if (!bytes_u16(in, &w) || w < 0x100)
			return false;
		*length = w;
		return true;
	case 0x83:
		if (!bytes_u24(in, &l) || l < 0x10000)
			return false;
		*length = l;
		return true;
	default:
		return false;
	}
}

bool
der_take(struct bytes *in, uint8_t *tag, struct bytes *content)
{
	struct bytes rest = *in;
	size_t length;
	uint8_t first;

	if (!bytes_u8(&rest, &first) || !take_length(&rest, &length) ||
	    !bytes_take(&rest, length, content))
		return false;
	*tag = first;
	*in = rest;
	return true;
}

bool
der_expect(struct bytes *in, uint8_t tag, struct bytes *content)
{
	struct bytes rest = *in, body;
	uint8_t found;

	if (!der_take(&rest, &found, &body) || found != tag)
		return false;
	*in = rest;
	*content = body;
	return true;
}

struct der_out
der_out_in(uint8_t *at, size_t size)
{
	return (struct der_out){.at = at, .left = size, .size = size};
}

void
der_put(struct der_out *out, const void *bytes, size_t count)
{
	if (count > out->left) {
		out->full = true;
		return;
	}
	if (count == 0)
		return;
	out->left -= count;
	memcpy(out->at + out->left, bytes, count);
}

void
der_wrap(struct der_out *out, uint8_t tag, size_t end)
{
	size_t length = end - out->left;
	uint8_t head[5] = {tag};
	size_t used = 1;

	if (length < 0x80) {
		head[used++] = (uint8_t)length;
	} else if (length < 0x100) {
		head[used++] = 0x81;
		head[used++] = (uint8_t)length;
	} else if (length < 0x10000) {
		head[used++] = 0x82;
		head[used++] = (uint8_t)(length >> 8);
		head[used++] = (uint8_t)length;
	} else {
		head[used++] = 0x83;
		head[used++] = (uint8_t)(length >> 16);
		head[used++] = (uint8_t)(length >> 8);
		head[used++] = (uint8_t)length;
	}
	der_put(out, head, used);
}

struct bytes
der_written(const struct der_out *out)
{
	if (out->full)
		return (struct bytes){.at = out->at, .left = 0};
	return (struct bytes){.at = out->at + out->left, .left = out->size - out->left};
}
