/* SPDX-License-Identifier: MIT */
#include "record/number.h"

#include <assert.h>
#include <string.h>

uint64_t
number_load(const uint8_t *at, size_t size)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (size) {
	case sizeof(uint8_t):
		return *at;
	case sizeof(two):
		memcpy(&two, at, sizeof(two));
		return two;
	case sizeof(four):
		memcpy(&four, at, sizeof(four));
		return four;
	default:
		assert(size == sizeof(eight));
		memcpy(&eight, at, sizeof(eight));
		return eight;
	}
}

bool
number_store(uint8_t *at, size_t size, uint64_t value)
{
	uint8_t one = (uint8_t)value;
	uint16_t two = (uint16_t)value;
	uint32_t four = (uint32_t)value;

	switch (size) {
	case 1:
		memcpy(at, &one, sizeof(one));
		return one == value;
	case 2:
		memcpy(at, &two, sizeof(two));
		return two == value;
	case 4:
		memcpy(at, &four, sizeof(four));
		return four == value;
	default:
		assert(size == sizeof(value));
		memcpy(at, &value, sizeof(value));
		return true;
	}
}
