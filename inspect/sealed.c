/* SPDX-License-Identifier: MIT */
#include "inspect/sealed.h"

/* next_in is const then (zconf.h). */
#define ZLIB_CONST
#include <zlib.h>

enum {
	WINDOW_EITHER = 15 + 32, /* zlib.h, inflateInit2: a header of gzip or of zlib */
	WINDOW_BARE = -15,       /* ... none */
	METHOD_DEFLATE = 8,
	RECORD_MAX = 16384 + 2048, /* RFC 5246 section 6.2.3 */
};

static bool
is_gzip(struct bytes in)
{
	uint8_t method, flags;

	return bytes_match(&in, "\x1f\x8b", 2) && bytes_u8(&in, &method) &&
	       method == METHOD_DEFLATE && bytes_u8(&in, &flags) && flags < 0x20;
}

static bool
is_zlib(struct bytes in)
{
	uint16_t header;

	/* Deflate with a window of 32 KiB, no dictionary, and the check bits. */
	return bytes_u16(&in, &header) && header >> 8 == 0x78 && header % 31 == 0 &&
	       (header & 0x20) == 0;
}

static bool
is_tls(struct bytes in)
{
	uint8_t type, minor;
	uint16_t length;

	return bytes_u8(&in, &type) && type >= 20 && type <= 23 && bytes_match(&in, "\x03", 1) &&
	       bytes_u8(&in, &minor) && minor <= 4 && bytes_u16(&in, &length) && length > 0 &&
	       length <= RECORD_MAX;
}

enum told
sealed_tell(struct bytes in, struct payload_finding *out)
{
	static const struct {
		const char *magic;
		size_t bytes;
		const char *format;
	} kinds[] = {{"\x28\xb5\x2f\xfd", 4, "zstd"},
	    {"\xfd"
	     "7zXZ\0",
		6, "xz"},
	    {"BZh", 3, "bzip2"}, {"PK\x03\x04", 4, "zip"}, {"7z\xbc\xaf\x27\x1c", 6, "7z"},
	    {"-----BEGIN PGP MESSAGE", 22, "pgp"}};
	const char *format = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct bytes front = in;

		if (bytes_match(&front, kinds[i].magic, kinds[i].bytes))
			format = kinds[i].format;
	}
	if (is_gzip(in))
		format = "gzip";
	else if (is_zlib(in))
		format = "zlib";
	else if (is_tls(in))
		format = "tls";
	if (format == NULL)
		return TOLD_NO;
	finding_set(out, PAYLOAD_OPAQUE, CONFIDENCE_PROBABLE, format);
	return TOLD_MAYBE;
}

static size_t
inflate_front(struct bytes in, int window, uint8_t *out, size_t size, int *result)
{
	z_stream stream = {.next_in = in.at, .avail_in = (uInt)in.left};

	*result = inflateInit2(&stream, window);
	if (*result != Z_OK)
		return 0;
	stream.next_out = out;
	stream.avail_out = (uInt)size;
	*result = inflate(&stream, Z_SYNC_FLUSH);
	(void)inflateEnd(&stream);
	return size - stream.avail_out;
}

size_t
sealed_inflate(struct bytes in, uint8_t *out, size_t size, bool *ends)
{
	int result = Z_OK;
	size_t count = 0;

	if (is_gzip(in) || is_zlib(in))
		count = inflate_front(in, WINDOW_EITHER, out, size, &result);
	*ends = result == Z_STREAM_END;
	return count;
}

size_t
sealed_inflate_bare(struct bytes in, uint8_t *out, size_t size)
{
	int result;
	size_t count = inflate_front(in, WINDOW_BARE, out, size, &result);

	return result == Z_DATA_ERROR ? 0 : count;
}
