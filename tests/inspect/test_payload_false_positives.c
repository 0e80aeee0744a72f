/* SPDX-License-Identifier: MIT */
#include "inspect/content.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/*
 * What is random, encrypted or compressed is never identified as anything: each
 * block of 4 KiB is looked at as a message's beginning, and each of its quarters
 * as a sample.
 *
 * FALSE_POSITIVES_MIB: how much of each kind (16 without it, 64 MiB in all).
 * FALSE_POSITIVES_FILES: files of compressed data to look at besides, with
 * spaces between (their own first block is left out: it says what it is).
 */
enum { BLOCK = PAYLOAD_WINDOW, MIB = 1 << 20 };

struct tally {
	uint64_t blocks, begun, identified, probable, high;
};

static size_t
mebibytes(void)
{
	const char *text = getenv("FALSE_POSITIVES_MIB");

	return text == NULL ? 16 : strtoul(text, NULL, 10);
}

static void
look(const uint8_t *bytes, size_t size, bool begins, struct tally *tally)
{
	struct content_look look = {.in = {bytes, size}, .begins = begins};
	struct payload_finding finding;

	(void)content_tell(&look, &finding);
	tally->blocks++;
	tally->begun += begins;
	tally->high += finding.high_entropy;
	tally->probable += finding.class != PAYLOAD_OPAQUE;
	if (finding.confidence != CONFIDENCE_IDENTIFIED)
		return;
	tally->identified++;
	fprintf(stderr, "identified: %s %s\n", payload_class_name(finding.class), finding.format);
}

static void
look_everywhere(const uint8_t *bytes, size_t size, struct tally *tally)
{
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		look(bytes + at, BLOCK, true, tally);
		for (size_t i = 0; i < BLOCK; i += PAYLOAD_SAMPLE)
			look(bytes + at + i, PAYLOAD_SAMPLE, false, tally);
	}
}

static void
expect_none(const char *what, const struct tally *tally)
{
	fprintf(stderr, "%s: %llu looks, %llu identified, %llu probable, %llu of high entropy\n",
	    what, (unsigned long long)tally->blocks, (unsigned long long)tally->identified,
	    (unsigned long long)tally->probable, (unsigned long long)tally->high);
	cr_expect_eq(tally->identified, 0, "%s", what);
	cr_expect_leq(tally->probable * 100000, tally->blocks, "%s: hardly ever probable", what);
	cr_expect_geq(tally->high * 100, tally->begun * 99, "%s: as good as random", what);
}

/* A stream of AES in counter mode: what nobody can tell from random bytes. */
static EVP_CIPHER_CTX *
open_stream(uint8_t key_byte)
{
	uint8_t key[16] = {key_byte}, nonce[16] = {0};
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

	cr_assert_not_null(cipher);
	cr_assert_eq(EVP_EncryptInit_ex(cipher, EVP_aes_128_ctr(), NULL, key, nonce), 1);
	return cipher;
}

static void
next_stream(EVP_CIPHER_CTX *cipher, uint8_t *out)
{
	static const uint8_t zeros[MIB];
	int used;

	cr_assert_eq(EVP_EncryptUpdate(cipher, out, &used, zeros, MIB), 1);
}

Test(payload_false_positives, of_what_is_encrypted, .timeout = 3600)
{
	EVP_CIPHER_CTX *cipher = open_stream(1);
	uint8_t *bytes = malloc(MIB);
	struct tally tally = {0};

	cr_assert_not_null(bytes);
	for (size_t i = 0; i < 2 * mebibytes(); i++) {
		next_stream(cipher, bytes);
		look_everywhere(bytes, MIB, &tally);
	}
	expect_none("encrypted", &tally);
	EVP_CIPHER_CTX_free(cipher);
	free(bytes);
}

/* Words of few kinds, so that the compressor has much to do. */
static void
write_text(uint8_t *out, EVP_CIPHER_CTX *cipher)
{
	static const char *const words[] = {"camera ", "record ", "{\"at\":", "street ", "\r\n",
	    "0.25,", "boundary", "</a><b>", "face ", "of ", "JFIF ", "ftyp", "and ", "stream\n",
	    "value=", "0x7f "};
	uint8_t *random = malloc(MIB);
	size_t used = 0;

	cr_assert_not_null(random);
	next_stream(cipher, random);
	for (size_t i = 0; used + 16 < MIB; i++) {
		const char *word = words[random[i % MIB] % 16];

		memcpy(out + used, word, strlen(word));
		used += strlen(word);
	}
	memset(out + used, ' ', MIB - used);
	free(random);
}

/* Compress text without end, and look at all but the beginning. */
static void
look_at_compressed(int window_bits, int level, const char *what)
{
	EVP_CIPHER_CTX *cipher = open_stream((uint8_t)window_bits);
	uint8_t *in = malloc(MIB), *out = malloc(MIB);
	struct tally tally = {0};
	z_stream stream = {0};
	size_t looked = 0;

	cr_assert(in != NULL && out != NULL);
	cr_assert_eq(deflateInit2(&stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY),
	    Z_OK);
	stream.next_out = out;
	stream.avail_out = MIB;
	while (looked < mebibytes()) {
		if (stream.avail_in == 0) {
			write_text(in, cipher);
			stream.next_in = in;
			stream.avail_in = MIB;
		}
		cr_assert_eq(deflate(&stream, Z_NO_FLUSH), Z_OK);
		if (stream.avail_out > 0)
			continue;
		look_everywhere(looked == 0 ? out + BLOCK : out, looked == 0 ? MIB - BLOCK : MIB,
		    &tally);
		looked++;
		stream.next_out = out;
		stream.avail_out = MIB;
	}
	(void)deflateEnd(&stream);
	expect_none(what, &tally);
	EVP_CIPHER_CTX_free(cipher);
	free(in);
	free(out);
}

Test(payload_false_positives, of_gzip, .timeout = 3600)
{
	look_at_compressed(15 + 16, 6, "gzip");
}

Test(payload_false_positives, of_zlib_in_haste, .timeout = 3600)
{
	look_at_compressed(15, 1, "zlib");
}

Test(payload_false_positives, of_files, .timeout = 3600)
{
	char list[4096], *rest = list;
	const char *files = getenv("FALSE_POSITIVES_FILES");
	uint8_t *bytes = malloc(MIB);

	cr_assert_not_null(bytes);
	(void)snprintf(list, sizeof(list), "%s", files == NULL ? "" : files);
	for (char *name; (name = strsep(&rest, " ")) != NULL;) {
		FILE *file = *name == '\0' ? NULL : fopen(name, "rb");
		struct tally tally = {0};
		size_t got, first = BLOCK;

		if (file == NULL)
			continue;
		for (; (got = fread(bytes, 1, MIB, file)) > 0; first = 0)
			look_everywhere(bytes + first, got > first ? got - first : 0, &tally);
		(void)fclose(file);
		expect_none(name, &tally);
	}
	free(bytes);
}
