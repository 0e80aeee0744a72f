/* SPDX-License-Identifier: MIT */
#include "inspect/hello.h"

#include <assert.h>
#include <string.h>

/* Read data in pieces of at most `piece` bytes. */
static enum hello_result
read_in_pieces(const uint8_t *data, size_t size, size_t piece, struct hello_facts *facts)
{
	struct hello_reader reader = {0};
	enum hello_result result = HELLO_MORE;

	memset(facts, 0, sizeof(*facts));
	for (size_t at = 0; at < size && result == HELLO_MORE;) {
		size_t count = size - at < piece ? size - at : piece, room;
		uint8_t *to = hello_room(&reader, &room);

		if (to == NULL)
			break;
		if (count > room)
			count = room;
		memcpy(to, data + at, count);
		at += count;
		result = hello_add(&reader, count, facts);
	}
	assert(reader.raw_used <= HELLO_RAW_MAX);
	if (result == HELLO_READY && facts->kind == HELLO_TLS)
		assert(hello_alpn(&reader).left >= facts->alpn_size);
	hello_clear(&reader);
	return result;
}

static void
check_facts(const struct hello_facts *facts)
{
	assert(memchr(facts->sni, '\0', sizeof(facts->sni)) != NULL);
	assert(facts->alpn_size <= FACTS_ALPN_MAX);
	for (size_t at = 0; at < facts->alpn_size; at += 1U + facts->alpn[at])
		assert(facts->alpn[at] > 0 && at + 1 + facts->alpn[at] <= facts->alpn_size);
	assert(facts->sni[0] == '\0' || facts->sni_present);
	assert(facts->kind != HELLO_TLS || facts->version_min <= facts->version_max ||
	       facts->version_max < 0x0301);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* However it is split, a hello is the same hello. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hello_facts whole, pieces;
	enum hello_result result = read_in_pieces(data, size, SIZE_MAX, &whole);

	check_facts(&whole);
	if (result == HELLO_READY && whole.kind == HELLO_TLS) {
		assert(read_in_pieces(data, size, 1 + size % 13, &pieces) == HELLO_READY);
		assert(pieces.kind == HELLO_TLS && strcmp(pieces.sni, whole.sni) == 0);
		assert(strcmp(pieces.ja4, whole.ja4) == 0);
	}
	return 0;
}
