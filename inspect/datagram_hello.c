/* SPDX-License-Identifier: MIT */
#include "inspect/datagram_hello.h"

#include "inspect/dtls.h"
#include "inspect/hash.h"
#include "inspect/hello_facts.h"
#include "inspect/quic.h"

#include <string.h>

enum {
	QUIC_LONG = 0xc0,  /* the first two bits of a long header, RFC 9000 section 17.2 */
	QUIC_SHORTEST = 7, /* first byte, version, and two ids without a byte */
	/* First bytes of records, RFC 7983 section 7. */
	DTLS_FIRST = 20,
	DTLS_LAST = 63,
};

uint64_t
datagram_hello_mark(const struct hello_facts *hello)
{
	struct {
		char sni[sizeof(hello->sni)], ja4[sizeof(hello->ja4)];
		uint8_t alpn[sizeof(hello->alpn)];
		bool ech;
	} judged;
	uint8_t digest[HASH_SHA256_BYTES];
	uint64_t mark;

	if (hello->kind != HELLO_TLS)
		return 0;
	memset(&judged, 0, sizeof(judged));
	memcpy(judged.sni, hello->sni, strnlen(hello->sni, sizeof(judged.sni)));
	memcpy(judged.ja4, hello->ja4, strnlen(hello->ja4, sizeof(judged.ja4)));
	memcpy(judged.alpn, hello->alpn, hello->alpn_size);
	judged.ech = hello->ech;
	/* Without it each hello is another one. */
	if (!hash_sha256((struct bytes){(const uint8_t *)&judged, sizeof(judged)}, digest))
		return 0;
	memcpy(&mark, digest, sizeof(mark));
	return mark;
}

static enum datagram_hello
compare(struct bytes body, enum hello_carrier carrier, uint64_t mark)
{
	struct hello_facts hello = {0};

	hello_read_body(body, carrier, &hello);
	return mark != 0 && datagram_hello_mark(&hello) == mark ? DATAGRAM_HELLO_SAME
								: DATAGRAM_HELLO_OTHER;
}

static enum datagram_hello
judge_quic(const struct quic_reader *reader, enum quic_result result, enum app_proto proto)
{
	switch (result) {
	case QUIC_OTHER:
		/* Of what nobody knows some datagram looks like it. */
		return proto == APP_QUIC ? DATAGRAM_HELLO_OTHER : DATAGRAM_HELLO_NONE;
	case QUIC_MORE:
	case QUIC_BROKEN:
		if (reader->has_keys)
			return result == QUIC_BROKEN || reader->crypto.count > 0
				   ? DATAGRAM_HELLO_OTHER
				   : DATAGRAM_HELLO_NONE;
		return reader->tries > 0 ? DATAGRAM_HELLO_SEALED : DATAGRAM_HELLO_NONE;
	case QUIC_HELLO:
	case QUIC_NOT:
		break;
	}
	return DATAGRAM_HELLO_NONE;
}

static enum datagram_hello
look_at_quic(struct bytes datagram, enum app_proto proto, uint64_t mark)
{
	struct bytes at = {datagram.at + 1, datagram.left - 1}, body;
	struct quic_reader reader = {0};
	enum quic_result result;
	enum datagram_hello told;
	uint32_t version;

	if (proto != APP_QUIC && !(bytes_u32(&at, &version) && quic_version_known(version)))
		return DATAGRAM_HELLO_NONE;
	result = quic_add(&reader, datagram, &body);
	told = result == QUIC_HELLO ? compare(body, HELLO_BY_QUIC, mark)
				    : judge_quic(&reader, result, proto);
	quic_clear(&reader);
	return told;
}

static enum datagram_hello
look_at_dtls(struct bytes datagram, uint64_t mark)
{
	struct dtls_reader reader = {0};
	enum datagram_hello told = DATAGRAM_HELLO_OTHER;
	struct bytes body;

	if (!dtls_has_hello(datagram))
		return DATAGRAM_HELLO_NONE;
	if (dtls_add(&reader, datagram, &body) == DTLS_HELLO)
		told = compare(body, HELLO_BY_DTLS, mark);
	dtls_clear(&reader);
	return told;
}

bool
datagram_hello_is_costly(struct bytes datagram)
{
	if (datagram.left < QUIC_SHORTEST)
		return false;
	if ((datagram.at[0] & QUIC_LONG) == QUIC_LONG)
		return quic_is_costly(datagram);
	return datagram.at[0] >= DTLS_FIRST && datagram.at[0] <= DTLS_LAST &&
	       dtls_has_hello(datagram);
}

enum datagram_hello
datagram_hello_look(struct bytes datagram, enum app_proto proto, uint64_t mark)
{
	if (datagram.left < QUIC_SHORTEST)
		return DATAGRAM_HELLO_NONE;
	if ((datagram.at[0] & QUIC_LONG) == QUIC_LONG)
		return look_at_quic(datagram, proto, mark);
	if (datagram.at[0] >= DTLS_FIRST && datagram.at[0] <= DTLS_LAST)
		return look_at_dtls(datagram, mark);
	return DATAGRAM_HELLO_NONE;
}
