/* SPDX-License-Identifier: MIT */
#include "inspect/firmware.h"

#include <string.h>
#include <zlib.h>

enum {
	ELF32_HEADER = 52,
	ELF64_HEADER = 64,
	ELF_MACHINE_AT = 18,
	UIMAGE_HEADER = 64,
	UIMAGE_CRC_AT = 4,
	UBI_HEADER = 64,
	UBIFS_CRC_FROM = 8, /* the CRC is of what follows it */
	UBIFS_NODE_MAX = 4096,
	JFFS2_HEADER = 12,
	FDT_HEADER = 40,
	FDT_VERSION = 17,
	TAR_HEADER = 512,
	TAR_SUM_AT = 148,
	TAR_SUM_BYTES = 8,
	CPIO_DIGITS = 13 * 8, /* thirteen numbers of eight hex digits */
	HIKVISION_KEY = 16,
	HIKVISION_HEADER = 16,
	HIKVISION_FILES_MAX = 256,
};

/* ---- programs ---- */

static bool
elf_half(struct bytes *in, bool little, uint16_t *out)
{
	return little ? bytes_le16(in, out) : bytes_u16(in, out);
}

static bool
is_elf(struct bytes in)
{
	struct bytes sizes = in;
	uint8_t wide, order, version;
	uint16_t type, header;

	if (!bytes_match(&in,
		"\x7f"
		"ELF",
		4) ||
	    !bytes_u8(&in, &wide) || !bytes_u8(&in, &order) || !bytes_u8(&in, &version) ||
	    wide < 1 || wide > 2 || order < 1 || order > 2 || version != 1)
		return false;
	if (!bytes_skip(&in, 9) || !elf_half(&in, order == 1, &type))
		return false;
	/* e_ehsize stands 12 bytes before the header's end. */
	return bytes_skip(&sizes, (wide == 1 ? ELF32_HEADER : ELF64_HEADER) - 12U) &&
	       elf_half(&sizes, order == 1, &header) &&
	       header == (wide == 1 ? ELF32_HEADER : ELF64_HEADER) && type >= 1 && type <= 4;
}

static bool
is_script(struct bytes in)
{
	static const char *const paths[] = {"#!/bin/", "#!/usr/bin/", "#!/sbin/", "#! /bin/",
	    "#! /usr/bin/", "#!/usr/local/bin/", "#!/system/bin/"};
	struct bytes mark = in;

	if (!bytes_match(&mark, "#!", 2))
		return false;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct bytes front = in;

		if (bytes_match(&front, paths[i], strlen(paths[i])))
			return true;
	}
	return false;
}

/* ---- images ---- */

static uint32_t
crc_of(struct bytes in)
{
	return (uint32_t)crc32(0, in.at, (uInt)in.left);
}

/* The CRC of the header with the CRC's own place as 0. */
static bool
is_uimage(struct bytes in)
{
	uint8_t header[UIMAGE_HEADER];
	struct bytes front;
	uint32_t crc;

	if (!bytes_take(&in, UIMAGE_HEADER, &front))
		return false;
	memcpy(header, front.at, sizeof(header));
	memset(header + UIMAGE_CRC_AT, 0, 4);
	return bytes_match(&front, "\x27\x05\x19\x56", 4) && bytes_u32(&front, &crc) &&
	       crc == crc_of((struct bytes){header, sizeof(header)});
}

/* A device tree, in which U-Boot's newer images come; its version is 17, which
 * is compatible with 16. */
static bool
is_fit(struct bytes in)
{
	uint32_t size, structs, strings, reserved, version, compatible;

	if (!bytes_match(&in, "\xd0\x0d\xfe\xed", 4) || !bytes_u32(&in, &size) ||
	    !bytes_u32(&in, &structs) || !bytes_u32(&in, &strings) || !bytes_u32(&in, &reserved) ||
	    !bytes_u32(&in, &version) || !bytes_u32(&in, &compatible))
		return false;
	return version == FDT_VERSION && compatible == 16 && structs >= FDT_HEADER &&
	       structs < size && strings >= FDT_HEADER && strings <= size && reserved >= FDT_HEADER;
}

static bool
is_squashfs(struct bytes in)
{
	uint32_t block;
	uint16_t logarithm, major, minor;

	if (!bytes_match(&in, "hsqs", 4) || !bytes_skip(&in, 8) || !bytes_le32(&in, &block) ||
	    !bytes_skip(&in, 6) || !bytes_le16(&in, &logarithm) || !bytes_skip(&in, 4) ||
	    !bytes_le16(&in, &major) || !bytes_le16(&in, &minor))
		return false;
	return major == 4 && minor == 0 && logarithm >= 12 && logarithm <= 20 &&
	       block == 1U << logarithm;
}

/* Linux begins its CRCs with all ones and leaves out the last inversion. */
static bool
is_ubi(struct bytes in)
{
	struct bytes header = in, covered;
	uint32_t crc;

	return bytes_match(&in, "UBI#\x01", 5) && bytes_take(&header, UBI_HEADER - 4, &covered) &&
	       bytes_u32(&header, &crc) && crc == (uint32_t)~crc_of(covered);
}

static bool
is_ubifs(struct bytes in)
{
	struct bytes node = in, covered;
	uint32_t crc, length;

	return bytes_match(&in, "\x31\x18\x10\x06", 4) && bytes_le32(&in, &crc) &&
	       bytes_skip(&in, 8) && bytes_le32(&in, &length) && length > UBIFS_CRC_FROM &&
	       length <= UBIFS_NODE_MAX && bytes_skip(&node, UBIFS_CRC_FROM) &&
	       bytes_take(&node, length - UBIFS_CRC_FROM, &covered) &&
	       crc == (uint32_t)~crc_of(covered);
}

static bool
is_jffs2(struct bytes in)
{
	struct bytes node = in, covered;
	uint32_t crc;

	if (!bytes_match(&in, "\x85\x19", 2) || !bytes_skip(&in, 6) || !bytes_le32(&in, &crc) ||
	    !bytes_take(&node, JFFS2_HEADER - 4, &covered))
		return false;
	/* This one begins with 0, and has no inversion at all. */
	return crc == (uint32_t)~crc32(0xffffffff, covered.at, (uInt)covered.left);
}

static bool
is_cramfs(struct bytes in)
{
	return bytes_match(&in, "\x45\x3d\xcd\x28", 4) && bytes_skip(&in, 12) &&
	       bytes_match(&in, "Compressed ROMFS", 16);
}

static bool
is_android(struct bytes in)
{
	struct bytes sparse = in;
	uint16_t major, file, chunk;

	if (bytes_match(&in, "ANDROID!", 8))
		return true;
	return bytes_match(&sparse, "\x3a\xff\x26\xed", 4) && bytes_le16(&sparse, &major) &&
	       major == 1 && bytes_skip(&sparse, 2) && bytes_le16(&sparse, &file) && file == 28 &&
	       bytes_le16(&sparse, &chunk) && chunk == 12;
}

static bool
is_trx(struct bytes in)
{
	uint32_t length;
	uint16_t flags, version;

	return bytes_match(&in, "HDR0", 4) && bytes_le32(&in, &length) && length >= 28 &&
	       bytes_skip(&in, 4) && bytes_le16(&in, &flags) && bytes_le16(&in, &version) &&
	       (version == 1 || version == 2);
}

/* ---- archives ---- */

static bool
is_cpio(struct bytes in)
{
	struct bytes digits;

	if (!(bytes_match(&in, "070701", 6) || bytes_match(&in, "070702", 6)) ||
	    !bytes_take(&in, CPIO_DIGITS, &digits))
		return false;
	for (size_t i = 0; i < digits.left; i++) {
		if (strchr("0123456789abcdefABCDEF", digits.at[i]) == NULL || digits.at[i] == 0)
			return false;
	}
	return true;
}

/* The header's checksum is of its bytes, its own place taken as spaces. */
static bool
is_tar(struct bytes in)
{
	struct bytes header, magic, digits;
	unsigned long sum = (unsigned long)' ' * TAR_SUM_BYTES, said = 0;

	if (!bytes_take(&in, TAR_HEADER, &header))
		return false;
	magic = digits = header;
	if (!bytes_skip(&magic, 257) || !bytes_match(&magic, "ustar", 5))
		return false;
	(void)bytes_skip(&digits, TAR_SUM_AT);
	for (int i = 0; i < TAR_SUM_BYTES; i++) {
		uint8_t digit = 0;

		(void)bytes_u8(&digits, &digit);
		if (digit >= '0' && digit <= '7')
			said = said * 8 + (digit - (unsigned)'0');
		sum -= digit;
	}
	for (size_t i = 0; i < header.left; i++)
		sum += header.at[i];
	return sum == said;
}

/* ---- makers ---- */

/* digicap.dav: its header is covered by 16 bytes that move on by one a row,
 * published many times (hiktools and others). */
static bool
is_hikvision(struct bytes in)
{
	static const uint8_t key[HIKVISION_KEY] = {0xba, 0xcd, 0xbc, 0xfe, 0xd6, 0xca, 0xdd, 0xd3,
	    0xba, 0xb9, 0xa3, 0xab, 0xbf, 0xcb, 0xb5, 0xbe};
	uint8_t clear[HIKVISION_HEADER];
	struct bytes front, header = {clear, sizeof(clear)}, magic = in;
	uint32_t checksum, length, files;

	/* Before anything else, for nearly all bytes end here: "KH". */
	if (!bytes_skip(&magic, 2) || !bytes_match(&magic, "\xf7\xb6", 2) ||
	    !bytes_take(&in, sizeof(clear), &front))
		return false;
	for (size_t i = 0; i < sizeof(clear); i++)
		clear[i] = front.at[i] ^ key[i];
	if (!bytes_match(&header, "SWKH", 4) && !bytes_match(&header, "02KH", 4) &&
	    !bytes_match(&header, "03KH", 4))
		return false;
	return bytes_le32(&header, &checksum) && bytes_le32(&header, &length) && length >= 64 &&
	       length <= 1 << 16 && bytes_le32(&header, &files) && files <= HIKVISION_FILES_MAX;
}

/* A zip's local file header with its two letters changed (APPNOTE section 4.3.7). */
static bool
is_dahua(struct bytes in)
{
	uint16_t version, flags, method;

	return bytes_match(&in, "DH\x03\x04", 4) && bytes_le16(&in, &version) &&
	       (version & 0xff) <= 63 && bytes_le16(&in, &flags) && bytes_le16(&in, &method) &&
	       (method == 0 || method == 8);
}

enum told
firmware_tell(struct bytes in, struct payload_finding *out)
{
	static const struct {
		bool (*is)(struct bytes in);
		const char *format;
	} kinds[] = {{is_elf, "elf"}, {is_script, "script"}, {is_uimage, "uimage"}, {is_fit, "fit"},
	    {is_squashfs, "squashfs"}, {is_ubi, "ubi"}, {is_ubifs, "ubifs"}, {is_jffs2, "jffs2"},
	    {is_cramfs, "cramfs"}, {is_android, "android"}, {is_trx, "trx"},
	    {is_hikvision, "hikvision"}, {is_dahua, "dahua"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].is(in))
			return finding_identified(out, PAYLOAD_FIRMWARE, kinds[i].format);
	}
	if (!is_cpio(in) && !is_tar(in))
		return TOLD_NO;
	/* Archives hold anything; what is inside is looked at by who called. */
	finding_set(out, PAYLOAD_FIRMWARE, CONFIDENCE_PROBABLE, is_tar(in) ? "tar" : "cpio");
	return TOLD_MAYBE;
}

bool
firmware_open_tar(struct bytes *in)
{
	return is_tar(*in) && bytes_skip(in, TAR_HEADER);
}
