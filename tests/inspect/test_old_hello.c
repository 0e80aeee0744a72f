/* SPDX-License-Identifier: MIT */
#include "inspect/hello.h"
#include "inspect/old_hello.h"

#include <criterion/criterion.h>
#include <string.h>

/* TLS 1.0 with AES128-SHA, AES256-SHA, RFC 5746's, and two suites of SSL 2. */
static const uint8_t hello[] = {0x80, 9 + 15 + 16, 1, 3, 1, 0, 15, 0, 0, 0, 16, /* lengths */
    0, 0, 0x2f, 1, 0, 0x80, 0, 0, 0x35, 7, 0, 0xc0, 0, 0, 0xff,                 /* suites */
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

Test(old_hello, is_told_as_what_it_says_in_the_new_form)
{
	struct hello_facts facts;

	memset(&facts, 0xee, sizeof(facts));
	cr_assert_eq(old_hello_look((struct bytes){hello, sizeof(hello)}), OLD_HELLO_WHOLE);
	old_hello_read((struct bytes){hello, sizeof(hello)}, &facts);
	cr_expect_eq(facts.kind, HELLO_TLS);
	cr_expect_str_eq(facts.protocol, "tls");
	cr_expect_eq(facts.version_max, 0x0301);
	cr_expect_eq(facts.version_min, 0x0301);
	cr_expect_not(facts.sni_present);
	cr_expect_eq(facts.alpn_size, 0);
	cr_expect(facts.sha1_only);
	cr_expect_not(facts.ecdsa);
	cr_expect_not(facts.no_certificate);
	cr_expect_not(facts.fallback);
	cr_expect_str_eq(facts.ja3, "93794b6c513c5bfeb949030a7f13ca10");
	cr_expect_str_eq(facts.ja4, "t10i030000_03e80547d04c_000000000000");
}

Test(old_hello, is_awaited_whole)
{
	for (size_t size = 1; size < sizeof(hello); size++) {
		struct hello_facts facts;

		cr_expect_eq(old_hello_look((struct bytes){hello, size}), OLD_HELLO_MORE, "%zu",
		    size);
		old_hello_read((struct bytes){hello, size}, &facts);
		cr_expect_eq(facts.kind, HELLO_BROKEN, "%zu", size);
	}
	cr_expect_eq(old_hello_look((struct bytes){NULL, 0}), OLD_HELLO_NO);
}

Test(old_hello, is_none_where_a_length_is_not_its_own)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *why;
	} rows[] = {
	    {0, 0x82, "longer than any"},
	    {0, 0x00, "with padding, which only what is encrypted has"},
	    {1, 9 + 15 + 15, "shorter than what is in it"},
	    {1, 9 + 15 + 17, "longer"},
	    {2, 2, "another message"},
	    {3, 0, "SSL 2 alone"},
	    {3, 4, "nothing that there is"},
	    {6, 14, "suites of three bytes each"},
	    {6, 0, "no suites"},
	    {8, 16, "a session of SSL 2"},
	    {10, 15, "a challenge of 15 bytes"},
	    {10, 33, "of 33"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t changed[sizeof(hello)];

		memcpy(changed, hello, sizeof(hello));
		changed[rows[i].at] = rows[i].byte;
		cr_expect_eq(old_hello_look((struct bytes){changed, sizeof(changed)}), OLD_HELLO_NO,
		    "%s", rows[i].why);
	}
}

Test(old_hello, with_any_byte_changed_is_one_or_is_none)
{
	for (size_t at = 0; at < sizeof(hello); at++) {
		for (unsigned int bit = 0; bit < 8; bit++) {
			uint8_t changed[sizeof(hello)];
			struct hello_facts facts;
			enum old_hello is;

			memcpy(changed, hello, sizeof(hello));
			changed[at] ^= (uint8_t)(1U << bit);
			is = old_hello_look((struct bytes){changed, sizeof(changed)});
			cr_expect(is == OLD_HELLO_WHOLE || at <= 10, "byte %zu", at);
			old_hello_read((struct bytes){changed, sizeof(changed)}, &facts);
			cr_expect_eq(facts.kind == HELLO_TLS, is == OLD_HELLO_WHOLE, "byte %zu",
			    at);
		}
	}
}

/* As long as one can be: the suites of all that fit are taken in. */
Test(old_hello, may_have_as_many_suites_as_fit)
{
	enum { COUNT = (0x1ff - 9 - 16) / 3, SIZE = 9 + COUNT * 3 + 16 };
	uint8_t longest[2 + SIZE] = {0x80 | SIZE >> 8, SIZE & 255, 1, 3, 3, COUNT * 3 >> 8,
	    COUNT * 3 & 255, 0, 0, 0, 16};
	struct hello_facts facts;

	for (size_t i = 0; i < COUNT; i++)
		longest[11 + 3 * i + 2] = (uint8_t)(i + 1);
	longest[11 + 3 * (COUNT - 1) + 1] = 0x56; /* the last one: RFC 7507 */
	longest[11 + 3 * (COUNT - 1) + 2] = 0;
	cr_assert_eq(old_hello_look((struct bytes){longest, sizeof(longest)}), OLD_HELLO_WHOLE);
	old_hello_read((struct bytes){longest, sizeof(longest)}, &facts);
	cr_expect_eq(facts.kind, HELLO_TLS);
	cr_expect_eq(facts.version_max, 0x0303);
	cr_expect(facts.fallback);
}

Test(old_hello, is_gathered_from_any_split)
{
	for (size_t cut = 1; cut < sizeof(hello); cut++) {
		struct hello_reader reader = {0};
		struct hello_facts facts;
		size_t room;

		memcpy(hello_room(&reader, &room), hello, cut);
		cr_expect_eq(hello_add(&reader, cut, &facts), HELLO_MORE, "cut %zu", cut);
		memcpy(hello_room(&reader, &room), hello + cut, sizeof(hello) - cut);
		cr_expect_eq(hello_add(&reader, sizeof(hello) - cut, &facts), HELLO_READY);
		cr_expect_eq(facts.kind, HELLO_TLS, "cut %zu", cut);
		cr_expect_eq(reader.raw_used, sizeof(hello), "as it came, to be replayed");
		cr_expect_eq(hello_alpn(&reader).left, 0);
		hello_clear(&reader);
	}
}
