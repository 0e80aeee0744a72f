/* SPDX-License-Identifier: MIT */
#include "record/crc32c.h"

#include <stdbool.h>
#include <string.h>
#ifdef __x86_64__
#include <nmmintrin.h>
#endif

enum { SLICES = 8 }; /* bytes taken at once; a table of 256 for each */

/* RFC 3720 section 12.1: the polynomial 0x1EDC6F41, bits reversed. */
static const uint32_t polynomial = 0x82F63B78;

static uint32_t tables[SLICES][256];

static void
make_tables(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
		tables[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int slice = 1; slice < SLICES; slice++) {
			uint32_t before = tables[slice - 1][i];

			tables[slice][i] = (before >> 8) ^ tables[0][before & 0xff];
		}
	}
}

static uint32_t
little_endian(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static uint32_t
by_tables(uint32_t crc, const uint8_t *at, size_t count)
{
	if (tables[0][1] == 0)
		make_tables();
	for (; count >= SLICES; count -= SLICES, at += SLICES) {
		uint32_t low = crc ^ little_endian(at);
		uint32_t high = little_endian(at + 4);

		crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^
		      tables[5][low >> 16 & 0xff] ^ tables[4][low >> 24] ^ tables[3][high & 0xff] ^
		      tables[2][high >> 8 & 0xff] ^ tables[1][high >> 16 & 0xff] ^
		      tables[0][high >> 24];
	}
	for (; count > 0; count--, at++)
		crc = (crc >> 8) ^ tables[0][(crc ^ *at) & 0xff];
	return crc;
}

/* ---- by the processor, which has this polynomial as an instruction ---- */

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *at, size_t count)
{
	unsigned long long wide = crc, part;

	for (; count >= sizeof(part); count -= sizeof(part), at += sizeof(part)) {
		memcpy(&part, at, sizeof(part));
		wide = _mm_crc32_u64(wide, part);
	}
	crc = (uint32_t)wide;
	for (; count > 0; count--, at++)
		crc = _mm_crc32_u8(crc, *at);
	return crc;
}

static bool
has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2") != 0;
}
#else
static uint32_t
by_instruction(uint32_t crc, const uint8_t *at, size_t count)
{
	return by_tables(crc, at, count);
}

static bool
has_instruction(void)
{
	return false;
}
#endif

uint32_t
crc32c(const void *bytes, size_t count)
{
	return ~(has_instruction() ? by_instruction(0xffffffff, bytes, count)
				   : by_tables(0xffffffff, bytes, count));
}

uint32_t
crc32c_by_tables(const void *bytes, size_t count)
{
	return ~by_tables(0xffffffff, bytes, count);
}
