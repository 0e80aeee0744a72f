/* SPDX-License-Identifier: MIT */
#include "tests/inspect/meter.h"

#include <criterion/parameterized.h>
#include <zlib.h>

/* Formats that ffmpeg does not write, each with the fewest bytes that tell it. */
struct row {
	char why[40];
	enum payload_class class;
	enum confidence confidence;
	char format[16];
	size_t size;
	uint8_t bytes[600];
};

#define SURE CONFIDENCE_IDENTIFIED
#define MAYBE CONFIDENCE_PROBABLE
#define ROW(why, class, sure, format, literal)                                                     \
	{                                                                                          \
		why, class, sure, format, sizeof(literal) - 1, literal                             \
	}

static struct row rows[] = {
    ROW("ELF, 32 bits, little", PAYLOAD_FIRMWARE, SURE, "elf",
	"\x7f"
	"ELF\1\1\1\0\0\0\0\0\0\0\0\0\2\0\x28\0\1\0\0\0\0\0\0\0\x34\0\0\0\0\0\0\0\0\0\0\0\x34\0"),
    ROW("ELF, 64 bits, big", PAYLOAD_FIRMWARE, SURE, "elf",
	"\x7f"
	"ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\x2b\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0\0\0\0\0\0\0\0\0\x40"),
    ROW("a flattened device tree", PAYLOAD_FIRMWARE, SURE, "fit",
	"\xd0\x0d\xfe\xed\0\0\x10\0\0\0\0\x38\0\0\x0f\0\0\0\0\x28\0\0\0\x11\0\0\0\x10\0\0\0\0"),
    ROW("squashfs", PAYLOAD_FIRMWARE, SURE, "squashfs",
	"hsqs\x10\0\0\0\0\0\0\0\0\0\2\0\1\0\0\0\4\0\x11\0\0\0\1\0\4\0\0\0"),
    ROW("cramfs", PAYLOAD_FIRMWARE, SURE, "cramfs",
	"\x45\x3d\xcd\x28\0\0\1\0\0\0\0\0\0\0\0\0Compressed ROMFS"),
    ROW("Android's sparse image", PAYLOAD_FIRMWARE, SURE, "android",
	"\x3a\xff\x26\xed\1\0\0\0\x1c\0\x0c\0\0\x10\0\0"),
    ROW("Android's boot image", PAYLOAD_FIRMWARE, SURE, "android", "ANDROID!\0\0\1\0"),
    ROW("TRX", PAYLOAD_FIRMWARE, SURE, "trx", "HDR0\0\0\x10\0\1\2\3\4\0\0\1\0"),
    ROW("Dahua's update", PAYLOAD_FIRMWARE, SURE, "dahua", "DH\3\4\x14\0\0\0\x08\0\1\2\3\4"),
    ROW("Hikvision's update", PAYLOAD_FIRMWARE, SURE, "hikvision",
	"\xe9\x9a\xf7\xb6\xd7\xca\xdd\xd3\x2a\xb9\xa3\xab\xbd\xcb\xb5\xbe\0\0"),
    ROW("an archive of cpio", PAYLOAD_FIRMWARE, MAYBE, "cpio",
	"0707010000000100008"
	"1A400000000000000000000000160000000000000010000000800000001"
	"0000000000000000000000020000"
	"0000a\0\0"),
    ROW("a frame of Dahua's", PAYLOAD_VIDEO, SURE, "dhav",
	"DHAV\xfd\0\1\0\7\0\0\0\x40\1\0\0\x1e\xa5\xec\x66\1\2\0\0"),
    ROW("Dahua's sound alone", PAYLOAD_AUDIO, SURE, "dhav",
	"DHAV\xf0\0\1\0\7\0\0\0\x40\1\0\0\x1e\xa5\xec\x66\1\2\0\0"),
    ROW("Dahua's sound before its picture", PAYLOAD_VIDEO, SURE, "dhav",
	"DHAV\xf0\0\1\0\7\0\0\0\x20\0\0\0\x1e\xa5\xec\x66\1\2\0\0dhav\x20\0\0\0"
	"DHAV\xfc\0\1\0\x08\0\0\0\x40\1\0\0\x1e\xa5\xec\x66\1\2\0\0"),
    ROW("Hikvision's recording", PAYLOAD_VIDEO, SURE, "mpegps",
	"IMKH\1\1\0\0\2\0\1\0\x22\x71\1\x90\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	"\0\0\1\xba\x44\0\4\0\4\1\0\0\3\xf8\0\0\1\xbc"),
    ROW("a program stream of MPEG-1", PAYLOAD_VIDEO, SURE, "mpegps",
	"\0\0\1\xba\x21\0\1\0\1\x80\0\1\0\0\1\xbb"),
    ROW("a picture of HEIF", PAYLOAD_IMAGE, SURE, "heif",
	"\0\0\0\x18"
	"ftypheic\0\0\0\0mif1heic\0\0\0\x10"
	"meta\0\0\0\0\0\0\0\0"),
    ROW("a fragment of MP4", PAYLOAD_VIDEO, MAYBE, "mp4",
	"\0\0\0\x20moof\0\0\0\x10mfhd\0\0\0\0\0\0\0\1\0\0\0\x08traf"),
    ROW("a fragment behind a header", PAYLOAD_VIDEO, MAYBE, "mp4",
	"\1\2\3\4\5\0\0\0\x20moof\0\0\0\x10mfhd\0\0\0\0\0\0\0\1\0\0\0\x08traf"),
    ROW("H.264 behind a header", PAYLOAD_VIDEO, SURE, "h264",
	"\x55\xaa\1\2\3\4\0\0\1\x67\x42\xc0\x1e\xda\2\x80\xbf\xe5\x84\0\0\0\1\x68\xce\x3c\x80"),
    ROW("an SPS somewhere, and no PPS", PAYLOAD_OPAQUE, MAYBE, "",
	"\x55\xaa\1\2\3\4\0\0\1\x67\x42\xc0\x1e\xda\2\x80\xbf\xe5\x84\0\0\0\1\x41\xce\x3c\x80"),
    ROW("a JPEG behind a header", PAYLOAD_IMAGE, SURE, "jpeg",
	"\1\2\3\4\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"),
    ROW("a JPEG without JFIF or Exif", PAYLOAD_IMAGE, SURE, "jpeg",
	"\xff\xd8\xff\xdb\0\4\1\2\xff\xc0\0\5\1\2\3\xff\xc4\0\2\xff\xda\0\2"),
    ROW("a JPEG that is cut early", PAYLOAD_IMAGE, MAYBE, "jpeg", "\xff\xd8\xff\xdb\0\x43\1\2"),
    ROW("a TIFF", PAYLOAD_IMAGE, SURE, "tiff",
	"II*\0\x08\0\0\0\3\0\0\1\3\0\1\0\0\0\1\0\0\0\1\1\3\0\1\0\0\0\1\0\0\0\2\1\3\0\1\0\0\0\1\0\0\0"),
    ROW("a TIFF whose directory is far", PAYLOAD_IMAGE, MAYBE, "tiff", "MM\0*\0\0\x10\0"),
    ROW("JPEG 2000", PAYLOAD_IMAGE, SURE, "jpeg2000",
	"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14"
	"ftyp"),
    ROW("AMR", PAYLOAD_AUDIO, SURE, "amr", "#!AMR\n\x3c\x48"),
    ROW("a tag of ID3", PAYLOAD_AUDIO, SURE, "mpeg-audio", "ID3\4\0\0\0\0\0\x0a\0\0"),
    ROW("two frames of ADTS", PAYLOAD_OPAQUE, MAYBE, "",
	"\xff\xf1\x50\x80\1\x1f\xfc\0\xff\xf1\x50\x80\1\x1f\xfc\0"),
    ROW("three frames of ADTS", PAYLOAD_AUDIO, SURE, "aac",
	"\xff\xf1\x50\x80\1\x1f\xfc\0\xff\xf1\x50\x80\1\x1f\xfc\0\xff\xf1\x50\x80\1\x1f\xfc"),
    ROW("a record of TLS", PAYLOAD_OPAQUE, MAYBE, "tls", "\x16\3\1\2\0\1\0\1\xfc\3\3"),
    ROW("zstd", PAYLOAD_OPAQUE, MAYBE, "zstd", "\x28\xb5\x2f\xfd\4\0"),
    ROW("a zip", PAYLOAD_OPAQUE, MAYBE, "zip", "PK\3\4\x14\0\0\0\x08\0"),
    ROW("what ends in the middle of gzip", PAYLOAD_OPAQUE, MAYBE, "gzip",
	"\x1f\x8b\x08\0\0\0\0\0\0\3"),
    ROW("a cluster of Matroska", PAYLOAD_VIDEO, SURE, "mkv",
	"\5\5\5\x1f\x43\xb6\x75\x42\0\xe7\x81\x09\xa3\x84\x81\0\0\0"),
    ROW("nothing", PAYLOAD_OPAQUE, MAYBE, "", "\1\2\3\4\5\6\7\x08"),
};

ParameterizedTestParameters(payload_formats, are_told_by_their_fewest_bytes)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_formats, are_told_by_their_fewest_bytes)
{
	static const size_t pieces[] = {SIZE_MAX, 1, 65};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct payload_facts facts = meter_message(row->bytes, row->size, pieces[i], NULL);

		cr_expect_eq(facts.class, row->class, "%s: %s", row->why,
		    payload_class_name(facts.class));
		cr_expect_eq(facts.confidence, row->confidence, "%s: %s", row->why,
		    confidence_name(facts.confidence));
		cr_expect_str_eq(facts.format, row->format, "%s: '%s'", row->why, facts.format);
	}
}

/* No prefix and no byte that is changed does harm, and what is identified while
 * it comes remains that. */
ParameterizedTestParameters(payload_formats, may_be_broken)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_formats, may_be_broken)
{
	bool known = false;

	for (size_t i = 0; i <= row->size; i++) {
		struct payload_facts facts = meter_message(row->bytes, i, SIZE_MAX, NULL);

		cr_expect(!known || facts.confidence == CONFIDENCE_IDENTIFIED,
		    "%s: %zu bytes said less than %zu", row->why, i, i - 1);
		known = facts.confidence == CONFIDENCE_IDENTIFIED;
	}
	for (size_t i = 0; i < row->size; i++) {
		uint8_t changed[sizeof(row->bytes)];

		memcpy(changed, row->bytes, row->size);
		for (unsigned bit = 0; bit < 8; bit++) {
			changed[i] = (uint8_t)(row->bytes[i] ^ 1U << bit);
			(void)meter_message(changed, row->size, SIZE_MAX, NULL);
		}
		changed[i] = 0xff;
		(void)meter_message(changed, row->size, SIZE_MAX, NULL);
	}
}

/* ---- those with checksums ---- */

static void
put_u32(uint8_t *out, uint32_t value, bool little)
{
	for (unsigned i = 0; i < 4; i++)
		out[little ? i : 3 - i] = (uint8_t)(value >> 8 * i);
}

static void
expect_checked(uint8_t *bytes, size_t size, size_t covered, const char *format)
{
	struct payload_facts facts = meter_message(bytes, size, SIZE_MAX, NULL);

	cr_expect_eq(facts.class, PAYLOAD_FIRMWARE, "%s", format);
	cr_expect_str_eq(facts.format, format);
	bytes[covered] ^= 1;
	facts = meter_message(bytes, size, SIZE_MAX, NULL);
	cr_expect_neq(facts.class, PAYLOAD_FIRMWARE, "%s: its sum is of all of its header", format);
}

Test(payload_formats, images_with_sums)
{
	uint8_t uimage[64] = {0x27, 0x05, 0x19, 0x56, [32] = 'L', 'i', 'n'};
	uint8_t ubi[64] = {'U', 'B', 'I', '#', 1};
	uint8_t ubifs[64] = {0x31, 0x18, 0x10, 0x06, [16] = 64};
	uint8_t jffs2[12] = {0x85, 0x19, 0x03, 0x20, 0x0c};

	put_u32(uimage + 4, (uint32_t)crc32(0, uimage, 64), false);
	expect_checked(uimage, sizeof(uimage), 40, "uimage");
	put_u32(ubi + 60, (uint32_t)~crc32(0, ubi, 60), false);
	expect_checked(ubi, sizeof(ubi), 20, "ubi");
	put_u32(ubifs + 4, (uint32_t)~crc32(0, ubifs + 8, 56), true);
	expect_checked(ubifs, sizeof(ubifs), 30, "ubifs");
	put_u32(jffs2 + 8, (uint32_t)~crc32(0xffffffff, jffs2, 8), true);
	expect_checked(jffs2, sizeof(jffs2), 5, "jffs2");
}

/* What an archive holds first says more than that it is one. */
Test(payload_formats, an_archive_is_what_it_holds)
{
	static const char jpeg[] = "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1";
	uint8_t tar[1024] = "a.bin";
	unsigned sum = 0;
	struct payload_facts facts;

	memcpy(tar + 257, "ustar", 6);
	memset(tar + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += tar[i];
	tar[148] = '0';
	for (unsigned i = 0; i < 5; i++)
		tar[149 + i] = (uint8_t)('0' + (sum >> 3 * (4 - i) & 7));
	tar[154] = 0;
	memset(tar + 512, 0x81, 512);
	facts = meter_message(tar, sizeof(tar), SIZE_MAX, NULL);
	cr_expect_eq(facts.class, PAYLOAD_FIRMWARE, "%s", payload_class_name(facts.class));
	cr_expect_eq(facts.confidence, CONFIDENCE_PROBABLE);
	memcpy(tar + 512, jpeg, sizeof(jpeg) - 1);
	facts = meter_message(tar, sizeof(tar), SIZE_MAX, NULL);
	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
}

/* A bomb costs no more than other gzip: what comes out is bounded. */
Test(payload_formats, a_bomb_is_opened_a_little)
{
	static uint8_t zeros[1 << 22], small[1 << 16], smaller[1 << 16];
	uLongf used = sizeof(small), inner = sizeof(smaller);
	struct payload_facts facts;

	memset(zeros, ' ', sizeof(zeros));
	cr_assert_eq(compress(small, &used, zeros, sizeof(zeros)), Z_OK);
	cr_assert_eq(compress(smaller, &inner, small, used), Z_OK);
	facts = meter_message(small, used, SIZE_MAX, NULL);
	cr_expect_eq(facts.class, PAYLOAD_TELEMETRY, "%s", facts.format);
	facts = meter_message(smaller, inner, SIZE_MAX, NULL);
	cr_expect_eq(facts.up[PAYLOAD_UNKNOWN], 0);
}
