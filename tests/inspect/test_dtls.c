/* SPDX-License-Identifier: MIT */
#include "inspect/dtls.h"
#include "inspect/hello.h"
#include "tests/support/hello_maker.h"

#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_HEADER = 13, FRAGMENT_HEADER = 12, MESSAGE_HEADER = 4, FIXED = 2 + 32 + 1 };

/* What OpenSSL sends first, in one datagram. */
static struct made
hello_of_dtls(const char *name, int mtu)
{
	SSL_CTX *ctx = SSL_CTX_new(DTLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *out = BIO_new(BIO_s_mem()), *in = BIO_new(BIO_s_mem());
	struct made made = {0};
	char *at, copy[256];
	long size;

	(void)snprintf(copy, sizeof(copy), "%s", name);
	SSL_set_bio(ssl, in, out);
	SSL_set_options(ssl, SSL_OP_NO_QUERY_MTU);
	cr_assert_eq(SSL_set_mtu(ssl, mtu), mtu);
	cr_assert_eq(SSL_set_tlsext_host_name(ssl, copy), 1);
	cr_assert_neq(SSL_connect(ssl), 1);
	size = BIO_get_mem_data(out, &at);
	made_add(&made, at, (size_t)size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return made;
}

/* A message of TLS as DTLS has it: with a cookie behind the session. */
static struct made
with_cookie(const struct made *message, const char *cookie)
{
	const uint8_t size = (uint8_t)strlen(cookie);
	struct made made = {0};

	made_add(&made, "\xfe\xfd", 2);
	made_add(&made, message->at + MESSAGE_HEADER + 2, FIXED - 2);
	made_add(&made, &size, 1);
	made_add(&made, cookie, size);
	made_add(&made, message->at + MESSAGE_HEADER + FIXED,
	    message->size - MESSAGE_HEADER - FIXED);
	return made;
}

static void
put_number(uint8_t *at, size_t value, size_t bytes)
{
	while (bytes-- > 0) {
		at[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

/* A record with one fragment of a body. */
static void
add_fragment(struct made *datagram, const struct made *body, unsigned sequence, size_t from,
    size_t to)
{
	uint8_t head[RECORD_HEADER + FRAGMENT_HEADER] = {22, 0xfe, 0xff};

	put_number(head + 11, FRAGMENT_HEADER + (to - from), 2);
	head[RECORD_HEADER] = 1;
	put_number(head + RECORD_HEADER + 1, body->size, 3);
	put_number(head + RECORD_HEADER + 4, sequence, 2);
	put_number(head + RECORD_HEADER + 6, from, 3);
	put_number(head + RECORD_HEADER + 9, to - from, 3);
	made_add(datagram, head, sizeof(head));
	made_add(datagram, body->at + from, to - from);
}

static enum dtls_result
add(struct dtls_reader *reader, const struct made *datagram, struct bytes *hello)
{
	return dtls_add(reader, (struct bytes){datagram->at, datagram->size}, hello);
}

static struct hello_facts
facts_of(struct bytes hello)
{
	struct hello_facts facts;

	hello_read_body(hello, HELLO_BY_DTLS, &facts);
	return facts;
}

Test(dtls, hello_of_openssl_is_read)
{
	static const int mtus[] = {1400, 256};

	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		struct made datagram = hello_of_dtls("kamera.example.net", mtus[i]);
		struct dtls_reader reader = {0};
		struct hello_facts facts;
		struct bytes hello;

		cr_assert_eq(add(&reader, &datagram, &hello), DTLS_HELLO);
		facts = facts_of(hello);
		cr_expect_eq(facts.kind, HELLO_TLS);
		cr_expect_str_eq(facts.protocol, "dtls");
		cr_expect_str_eq(facts.sni, "kamera.example.net");
		cr_expect_eq(facts.version_max, 0xfefd);
		cr_expect_eq(memcmp(facts.ja4, "dd2d", 4), 0, "%s", facts.ja4);
		dtls_clear(&reader);
		made_free(&datagram);
	}
}

Test(dtls, pieces_in_any_order_over_datagrams_are_one_hello)
{
	struct made message = hello_message("pieces.example.net", 900);
	struct made body = with_cookie(&message, "a cookie of the server's");
	size_t third = body.size / 3;
	struct made first = {0}, second = {0};
	struct dtls_reader reader = {0};
	struct bytes hello;

	add_fragment(&first, &body, 1, 2 * third, body.size);
	add_fragment(&first, &body, 1, 0, third + 10); /* they may overlap */
	add_fragment(&second, &body, 1, third, 2 * third);
	cr_expect_eq(add(&reader, &first, &hello), DTLS_MORE);
	cr_assert_eq(add(&reader, &second, &hello), DTLS_HELLO);
	cr_expect_str_eq(facts_of(hello).sni, "pieces.example.net");
	dtls_clear(&reader);
	made_free(&first);
	made_free(&second);
	made_free(&body);
	made_free(&message);
}

/* The server's request for a cookie overtook the second half of the first one. */
Test(dtls, next_hello_counts_when_the_first_was_not_whole)
{
	struct made message = hello_message("second.example.net", 0);
	struct made without = with_cookie(&message, ""), with = with_cookie(&message, "cookie");
	struct made first = {0}, second = {0};
	struct dtls_reader reader = {0};
	struct bytes hello;

	add_fragment(&first, &without, 0, 0, 50);
	add_fragment(&second, &with, 1, 0, with.size);
	cr_expect_eq(add(&reader, &first, &hello), DTLS_MORE);
	cr_assert_eq(add(&reader, &second, &hello), DTLS_HELLO);
	cr_expect_str_eq(facts_of(hello).sni, "second.example.net");
	dtls_clear(&reader);
	made_free(&first);
	made_free(&second);
	made_free(&with);
	made_free(&without);
	made_free(&message);
}

Test(dtls, versions_count_down)
{
	static const struct {
		const char *extension;
		size_t size;
		uint16_t max, min;
		const char *ja4;
	} rows[] = {
	    {"", 0, 0xfefd, 0xfeff, "dd2i"},
	    {"\0\x2b\0\5\4\xfe\xfc\xfe\xfd", 9, 0xfefc, 0xfefd, "dd3i"},
	    {"\0\x2b\0\7\6\x1a\x1a\xfe\xfd\xfe\xfc", 11, 0xfefc, 0xfefd, "dd3i"},
	    {"\0\x2b\0\3\2\xfe\xff", 7, 0xfeff, 0xfeff, "dd1i"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made message = hello_message_with(rows[i].extension, rows[i].size);
		struct made body = with_cookie(&message, "");
		struct hello_facts facts = facts_of((struct bytes){body.at, body.size});

		cr_expect_eq(facts.kind, HELLO_TLS, "row %zu", i);
		cr_expect_eq(facts.version_max, rows[i].max, "row %zu", i);
		cr_expect_eq(facts.version_min, rows[i].min, "row %zu", i);
		cr_expect_eq(memcmp(facts.ja4, rows[i].ja4, 4), 0, "%s", facts.ja4);
		made_free(&body);
		made_free(&message);
	}
}

Test(dtls, what_is_no_hello_is_told)
{
	static const struct {
		const char *datagram;
		size_t size;
		enum dtls_result result;
	} rows[] = {
	    {"\x17\xfe\xfd\0\1\0\0\0\0\0\5\0\2ab", 15, DTLS_OTHER},  /* application data */
	    {"\x16\xfe\xfd\0\1\0\0\0\0\0\5\0\2ab", 15, DTLS_OTHER},  /* encrypted handshake */
	    {"\x17\xfe\xfd\0\1\0\0\0\0\0\5\0\3ab", 15, DTLS_NOT},    /* beyond the datagram */
	    {"\x17\xfe\xfd\0\1\0\0\0\0\0\5\0\1ab", 15, DTLS_NOT},    /* short of it */
	    {"\x17\xfe\xfd\0\1\0\0\0\0\0\5\0\0", 13, DTLS_NOT},      /* empty */
	    {"\x17\x03\x03\0\1\0\0\0\0\0\5\0\2ab", 15, DTLS_NOT},    /* a version of TLS */
	    {"\x1b\xfe\xfd\0\1\0\0\0\0\0\5\0\2ab", 15, DTLS_NOT},    /* no type of record */
	    {"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\2ab", 15, DTLS_BROKEN}, /* no fragment */
	    {"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x0c\2\0\0\0\0\0\0\0\0\0\0\0", 25,
		DTLS_BROKEN}, /* a ServerHello */
	    {"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x0c\1\0\x40\1\0\0\0\0\0\0\0\0", 25,
		DTLS_BROKEN}, /* of more than 16 KiB */
	    {"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x0d\1\0\0\4\0\0\0\0\4\0\0\1a", 26,
		DTLS_BROKEN}, /* a piece beyond its end */
	    {"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x0d\1\0\0\4\0\0\0\0\3\0\0\1a", 26, DTLS_MORE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dtls_reader reader = {0};
		struct bytes hello;

		cr_expect_eq(dtls_add(&reader,
				 (struct bytes){(const uint8_t *)rows[i].datagram, rows[i].size},
				 &hello),
		    rows[i].result, "row %zu", i);
		dtls_clear(&reader);
	}
}

Test(dtls, datagram_cut_or_changed_anywhere_is_read_no_further)
{
	struct made datagram = hello_of_dtls("whole.example.net", 1400);

	for (size_t i = 0; i < datagram.size; i++) {
		struct dtls_reader reader = {0};
		struct bytes hello;
		uint8_t *exact = malloc(i == 0 ? 1 : i);

		cr_assert_not_null(exact);
		memcpy(exact, datagram.at, i);
		cr_expect_neq(dtls_add(&reader, (struct bytes){exact, i}, &hello), DTLS_HELLO);
		dtls_clear(&reader);
		free(exact);
		datagram.at[i] ^= 0xff;
		if (add(&reader, &datagram, &hello) == DTLS_HELLO)
			(void)facts_of(hello);
		dtls_clear(&reader);
		datagram.at[i] ^= 0xff;
	}
	made_free(&datagram);
}
