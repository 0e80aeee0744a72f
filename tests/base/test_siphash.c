/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

#include <criterion/criterion.h>

/* Source: the authors' vectors (https://github.com/veorq/SipHash, vectors.h):
 * key 00 01 .. 0f, message 00 01 .. of each length; the eight bytes as a number. */
Test(siphash, is_the_authors)
{
	const struct siphash_key key = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
	static const struct {
		size_t size;
		uint64_t hash;
	} rows[] = {
	    {0, 0x726fdb47dd0e0e31U},
	    {1, 0x74f839c593dc67fdU},
	    {7, 0xab0200f58b01d137U},
	    {8, 0x93f5f5799a932462U},
	    {15, 0xa129ca6149be45e5U},
	    {63, 0x958a324ceb064572U},
	};
	uint8_t message[64];

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(siphash(&key, message, rows[i].size), rows[i].hash, "of %zu bytes",
		    rows[i].size);
}

Test(siphash, another_key_is_another_hash)
{
	const struct siphash_key one = {1, 2}, other = {1, 3};

	cr_expect_neq(siphash(&one, "camera", 6), siphash(&other, "camera", 6));
}
