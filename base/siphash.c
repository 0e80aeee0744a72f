/* SPDX-License-Identifier: MIT */
#include "base/siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static void
mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

/* Up to eight bytes, the first of them lowest. */
static uint64_t
word(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static void
take(struct state *s, uint64_t value)
{
	s->v3 ^= value;
	mix(s, 2);
	s->v0 ^= value;
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t size)
{
	const uint8_t *at = data;
	size_t left = size;
	struct state s = {.v0 = key->k0 ^ 0x736f6d6570736575U,
	    .v1 = key->k1 ^ 0x646f72616e646f6dU,
	    .v2 = key->k0 ^ 0x6c7967656e657261U,
	    .v3 = key->k1 ^ 0x7465646279746573U};

	for (; left >= 8; left -= 8, at += 8)
		take(&s, word(at, 8));
	take(&s, word(at, left) | (uint64_t)size << 56);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
