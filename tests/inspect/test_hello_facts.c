/* SPDX-License-Identifier: MIT */
/* What a hello's extensions say. */
#include "inspect/hello.h"
#include "tests/support/hello_maker.h"

#include <criterion/criterion.h>
#include <string.h>

/* Read a hello of these extensions; false when it is not well-formed. */
static bool
read_extensions(const void *bytes, size_t count, struct hello_facts *facts)
{
	struct made message = hello_message_with(bytes, count);
	bool good;

	*facts = (struct hello_facts){0};
	good =
	    hello_parse_body((struct bytes){message.at + 4, message.size - 4}, HELLO_BY_TCP, facts);
	made_free(&message);
	return good;
}

#define READ(literal, facts) read_extensions(literal, sizeof(literal) - 1, facts)

Test(hello_name, is_taken_as_it_was_sent)
{
	static const struct {
		const char *name;
		size_t size;
		const char *sni;
		bool odd;
	} rows[] = {
	    {"cam.example.com", 15, "cam.example.com", false},
	    {"CAM_1.Example-2.com", 19, "CAM_1.Example-2.com", false},
	    /* A rule on example.com is not evaded by a dot. */
	    {"cam.example.com.", 16, "cam.example.com", false},
	    {"cam.example.com..", 17, "cam.example.com", true},
	    {".", 1, "", false},
	    {"a\0b", 3, "a?b", true},
	    {"a\nb", 3, "a\nb", true},
	    {"sch\xc3\xb6n", 6, "sch\xc3\xb6n", true},
	    {"../../etc/passwd", 16, "../../etc/passwd", true},
	    {"\"},{", 4, "\"},{", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t size = (uint8_t)rows[i].size;
		const uint8_t head[] = {0, 0, 0, (uint8_t)(size + 5), 0, (uint8_t)(size + 3), 0, 0,
		    size};
		struct made extension = {0};
		struct hello_facts facts;

		made_add(&extension, head, sizeof(head));
		made_add(&extension, rows[i].name, rows[i].size);
		cr_assert(read_extensions(extension.at, extension.size, &facts));
		cr_expect(facts.sni_present);
		cr_expect_str_eq(facts.sni, rows[i].sni);
		cr_expect_eq(facts.sni_odd, rows[i].odd, "row %zu", i);
		made_free(&extension);
	}
}

Test(hello_name, of_255_bytes_is_the_longest)
{
	for (size_t size = 254; size <= 257; size++) {
		char name[300];
		struct made message;
		struct hello_facts facts = {0};

		memset(name, 'n', size);
		name[size] = '\0';
		message = hello_message(name, 0);
		cr_assert(hello_parse_body((struct bytes){message.at + 4, message.size - 4},
		    HELLO_BY_TCP, &facts));
		cr_expect(facts.sni_present);
		cr_expect_eq(strlen(facts.sni), size <= 255 ? size : 0);
		cr_expect_eq(facts.sni_odd, size > 255);
		made_free(&message);
	}
}

Test(hello_name, of_another_type_or_of_no_length_is_odd)
{
	struct hello_facts facts;

	cr_assert(READ("\0\0\0\x06\0\x04\x01\0\x01x", &facts));
	cr_expect(facts.sni_present && facts.sni_odd);
	cr_expect_str_eq(facts.sni, "");
	cr_assert(READ("\0\0\0\x05\0\x03\0\0\0", &facts));
	cr_expect(facts.sni_present && facts.sni_odd);
}

Test(hello_name, that_is_not_well_formed_breaks_the_hello)
{
	struct hello_facts facts;

	cr_expect_not(READ("\0\0\0\0", &facts), "no list");
	cr_expect_not(READ("\0\0\0\x02\0\0", &facts), "an empty list");
	cr_expect_not(READ("\0\0\0\x06\0\x04\0\0\x02x", &facts), "longer than its list");
	cr_expect_not(READ("\0\0\0\x06\0\x03\0\0\x01x", &facts), "longer than said");
	cr_expect_not(READ("\0\0\0\x07\0\x04\0\0\x01xy", &facts), "something behind the list");
	cr_expect_not(READ("\0\0\0\x07\0\x04\0\0\x01x", &facts), "shorter than said");
}

/* The first was judged, and a server that takes the last was reached. */
Test(hello_name, that_is_there_twice_breaks_the_hello)
{
	struct hello_facts facts;

	cr_assert(READ("\0\0\0\x06\0\x04\0\0\x01x", &facts));
	cr_expect_not(READ("\0\0\0\x06\0\x04\0\0\x01x"
			   "\0\0\0\x06\0\x04\0\0\x01y",
			  &facts),
	    "in two extensions");
	cr_expect_not(READ("\0\0\0\x0a\0\x08\0\0\x01x\0\0\x01y", &facts), "in one list");
}

Test(hello_alpn, keeps_whole_names_only)
{
	struct hello_facts facts;
	struct made list = {0}, extension = {0};

	cr_assert(READ("\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1", &facts));
	cr_expect_eq(facts.alpn_size, 12);
	cr_expect_eq(memcmp(facts.alpn, "\x02h2\x08http/1.1", 12), 0);
	/* 100 bytes fit, 50 more do not, and 3 behind them do. */
	made_add(&list, "\x63", 1);
	for (int i = 0; i < 99; i++)
		made_add(&list, "a", 1);
	made_add(&list, "\x31", 1);
	for (int i = 0; i < 49; i++)
		made_add(&list, "b", 1);
	made_add(&list, "\x02h2", 3);
	made_add(&extension, "\0\x10\0\x9b\0\x99", 6);
	made_add(&extension, list.at, list.size);
	cr_assert(read_extensions(extension.at, extension.size, &facts));
	cr_expect_eq(facts.alpn_size, 103);
	cr_expect_eq(memcmp(facts.alpn + 100, "\x02h2", 3), 0);
	made_free(&list);
	made_free(&extension);
}

Test(hello_alpn, that_is_not_well_formed_breaks_the_hello)
{
	struct hello_facts facts;

	cr_expect_not(READ("\0\x10\0\x03\0\x01\0", &facts), "an empty name");
	cr_expect_not(READ("\0\x10\0\x04\0\x02\x05h", &facts), "a name longer than the list");
	cr_expect_not(READ("\0\x10\0\x05\0\x02\x01hx", &facts), "something behind the list");
}

Test(hello_versions, are_the_highest_and_lowest_offered)
{
	static const struct {
		const char *bytes;
		size_t count;
		uint16_t max, min;
	} rows[] = {
	    {"", 0, 0x0303, 0x0301},
	    {"\0\x2b\0\x03\x02\x03\x04", 7, 0x0304, 0x0304},
	    {"\0\x2b\0\x05\x04\x03\x03\x03\x04", 9, 0x0304, 0x0303},
	    {"\0\x2b\0\x07\x06\x0a\x0a\x03\x04\x03\x01", 11, 0x0304, 0x0301},
	    {"\0\x2b\0\x07\x06\xfa\xfa\x03\x04\x03\x03", 11, 0x0304, 0x0303},
	    /* A draft's: a camera that has RSA before TLS 1.3 was taken for one of it. */
	    {"\0\x2b\0\x05\x04\x7f\x1c\x03\x03", 9, 0x0303, 0x0303},
	    {"\0\x2b\0\x05\x04\x03\x02\x7f\x1c", 9, 0x0302, 0x0302},
	    {"\0\x2b\0\x03\x02\x7f\x1c", 7, 0x7f1c, 0x7f1c},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts;

		cr_assert(read_extensions(rows[i].bytes, rows[i].count, &facts));
		cr_expect_eq(facts.version_max, rows[i].max, "row %zu", i);
		cr_expect_eq(facts.version_min, rows[i].min, "row %zu", i);
	}
}

/* RFC 8446 section 4.2.1: without supported_versions it is TLS 1.2 at most, and so
 * are suites, signatures and curves to be read. */
Test(hello_versions, of_later_than_tls_1_2_need_the_extension)
{
	static const uint16_t rows[] = {0x0304, 0x0305, 0x0401, 0x7f1c, 0xffff};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made message = hello_message_with("", 0);
		struct hello_facts facts = {0};

		message.at[4] = (uint8_t)(rows[i] >> 8);
		message.at[5] = (uint8_t)rows[i];
		cr_assert(hello_parse_body((struct bytes){message.at + 4, message.size - 4},
		    HELLO_BY_TCP, &facts));
		cr_expect_eq(facts.version_max, 0x0303, "row %zu", i);
		cr_expect_eq(facts.version_min, 0x0301, "row %zu", i);
		cr_expect(facts.sha1_only, "row %zu: nothing is said of signatures", i);
		made_free(&message);
	}
}

Test(hello_versions, that_are_none_break_the_hello)
{
	struct hello_facts facts;

	cr_expect_not(READ("\0\x2b\0\x01\0", &facts), "an empty list");
	cr_expect_not(READ("\0\x2b\0\x03\x02\x1a\x1a", &facts), "nothing but GREASE");
	cr_expect_not(READ("\0\x2b\0\x04\x03\x03\x04\x03", &facts), "an odd length");
}

#define TLS_1_3 "\0\x2b\0\x03\x02\x03\x04"
#define SIGNATURES_EC "\0\x0d\0\x04\0\x02\x04\x03"
#define SIGNATURES_RSA "\0\x0d\0\x04\0\x02\x08\x04"
#define GROUPS_P256 "\0\x0a\0\x04\0\x02\0\x17"
#define GROUPS_X25519 "\0\x0a\0\x04\0\x02\0\x1d"

Test(hello_leaf, is_of_the_kind_that_the_camera_can_take)
{
	static const struct {
		const char *bytes;
		size_t count;
		bool ecdsa;
	} rows[] = {
	    {TLS_1_3 SIGNATURES_EC, 15, true},
	    {TLS_1_3 SIGNATURES_EC GROUPS_X25519, 23, true}, /* groups are of the key exchange */
	    {TLS_1_3 SIGNATURES_RSA, 15, false}, {TLS_1_3, 7, false}, {SIGNATURES_EC, 8, true},
	    {SIGNATURES_EC GROUPS_P256, 16, true}, {SIGNATURES_EC GROUPS_X25519, 16, false},
	    {SIGNATURES_RSA GROUPS_P256, 16, false},
	    {"", 0, false}, /* RFC 5246 section 7.4.1.4.1: then SHA-1 only */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts;

		cr_assert(read_extensions(rows[i].bytes, rows[i].count, &facts), "row %zu", i);
		cr_expect_eq(facts.ecdsa, rows[i].ecdsa, "row %zu", i);
	}
}

Test(hello_extension, that_is_unknown_is_passed_over)
{
	struct hello_facts facts;

	cr_assert(READ("\x7a\x7a\0\0\xab\xcd\0\x03xyz\0\0\0\x06\0\x04\0\0\x01x", &facts));
	cr_expect_str_eq(facts.sni, "x");
	cr_expect_not(facts.ech);
	cr_assert(READ("\xfe\x0d\0\x01\0", &facts));
	cr_expect(facts.ech);
}

Test(hello_extension, that_is_longer_than_the_hello_breaks_it)
{
	struct hello_facts facts;

	cr_expect_not(READ("\xab", &facts));
	cr_expect_not(READ("\xab\xcd\0", &facts));
	cr_expect_not(READ("\xab\xcd\0\x02x", &facts));
	cr_expect_not(READ("\xab\xcd\xff\xff", &facts));
}

Test(hello_signatures, of_sha1_alone_are_told)
{
	static const struct {
		const char *extensions;
		size_t size;
		bool sha1_only;
	} rows[] = {
	    {"", 0, true}, /* RFC 5246 section 7.4.1.4.1: nothing said is SHA-1 */
	    {"\0\15\0\4\0\2\2\1", 8, true}, {"\0\15\0\10\0\6\1\1\2\1\2\3", 12, true},
	    {"\0\15\0\6\0\4\2\1\4\1", 10, false},
	    {"\0\15\0\6\0\4\2\1\x0a\x0a", 10, true}, /* GREASE is nothing */
	    {"\0\15\0\4\0\2\4\3", 8, false},
	    {"\0\53\0\3\2\3\4\0\15\0\4\0\2\2\1", 15, false}, /* TLS 1.3 has none of it */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts;

		cr_assert(read_extensions(rows[i].extensions, rows[i].size, &facts), "row %zu", i);
		cr_expect_eq(facts.sha1_only, rows[i].sha1_only, "row %zu", i);
	}
}

Test(hello_groups, with_ml_kem_are_told)
{
	static const struct {
		const char *extensions;
		size_t size;
		bool post_quantum;
	} rows[] = {
	    {"", 0, false},
	    {"\0\12\0\6\0\4\0\35\0\27", 10, false},
	    {"\0\12\0\6\0\4\x11\xec\0\35", 10, true},
	    {"\0\12\0\6\0\4\0\35\x11\xeb", 10, true},
	    {"\0\12\0\4\0\2\x11\xed", 8, true},
	    {"\0\12\0\4\0\2\x63\x99", 8, true},
	    {"\0\12\0\4\0\2\2\1", 8, true},
	    {"\0\12\0\4\0\2\x1a\x1a", 8, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts;

		cr_assert(read_extensions(rows[i].extensions, rows[i].size, &facts), "row %zu", i);
		cr_expect_eq(facts.post_quantum, rows[i].post_quantum, "row %zu", i);
		cr_expect_not(facts.early_data);
	}
}

Test(hello_groups, that_are_not_well_formed_break_the_hello)
{
	struct hello_facts facts;

	cr_expect_not(READ("\0\12\0\3\0\1\0", &facts));
	cr_expect_not(READ("\0\12\0\4\0\4\0\35", &facts));
	cr_expect_not(READ("\0\15\0\3\0\1\4", &facts));
	cr_expect_not(READ("\0\15\0\5\0\2\4\3\0", &facts));
}

Test(hello_early_data, is_told)
{
	struct hello_facts facts;

	cr_assert(READ("\0\52\0\0", &facts));
	cr_expect(facts.early_data);
}

/* ---- cameras that take no certificate ---- */

/* A hello of these three suites and extensions. */
static struct hello_facts
read_suites(const uint16_t suites[3], const void *extensions, size_t size)
{
	struct made message = hello_message_with(extensions, size);
	struct hello_facts facts = {0};

	for (size_t i = 0; i < 3; i++) {
		message.at[4 + 2 + 32 + 1 + 2 + 2 * i] = (uint8_t)(suites[i] >> 8);
		message.at[4 + 2 + 32 + 1 + 2 + 2 * i + 1] = (uint8_t)suites[i];
	}
	cr_assert(hello_parse_body((struct bytes){message.at + 4, message.size - 4}, HELLO_BY_TCP,
	    &facts));
	made_free(&message);
	return facts;
}

/* RFC 7507: it is no suite, and has no place among them. */
Test(hello_fallback, is_told_wherever_it_stands)
{
	for (size_t i = 0; i <= 3; i++) {
		struct made message = hello_message_with("", 0);
		struct hello_facts facts = {0};

		if (i < 3)
			memcpy(message.at + 4 + 2 + 32 + 1 + 2 + 2 * i, "\x56\0", 2);
		cr_assert(hello_parse_body((struct bytes){message.at + 4, message.size - 4},
		    HELLO_BY_TCP, &facts));
		cr_expect_eq(facts.fallback, i < 3, "place %zu", i);
		made_free(&message);
	}
}

Test(hello_certificate, none_is_taken_with_pre_shared_keys_or_raw_ones_alone)
{
	static const struct {
		uint16_t suites[3];
		const char *extensions;
		size_t size;
		bool none;
	} rows[] = {
	    {{0xc02b, 0xc02f, 0x00ff}, "", 0, false},
	    {{0x00a8, 0x00ae, 0x00ff}, "", 0, true},                 /* PSK, and RFC 5746's */
	    {{0x1a1a, 0xccac, 0xd001}, "", 0, true},                 /* GREASE */
	    {{0x00a8, 0xc02b, 0x00ff}, "", 0, false},                /* either */
	    {{0xc0a8, 0xc0a4, 0x008c}, "", 0, true},                 /* CCM */
	    {{0xc0ac, 0xc0a8, 0x008c}, "", 0, false},                /* ECDHE-ECDSA with CCM */
	    {{0xc02b, 0xc02f, 0x00ff}, "\0\24\0\2\1\2", 6, true},    /* raw keys, RFC 7250 */
	    {{0xc02b, 0xc02f, 0x00ff}, "\0\24\0\3\2\2\0", 7, false}, /* or X.509 */
	    /* TLS 1.3 with a key, and no signature that it would take */
	    {{0x1301, 0x1302, 0x1303}, "\0\53\0\3\2\3\4\0\51\0\0", 11, true},
	    {{0x1301, 0x1302, 0x1303}, "\0\53\0\3\2\3\4\0\15\0\4\0\2\4\3\0\51\0\0", 19, false},
	    /* Ed25519, P-384 and RSA-PSS with a key of its own: nothing that our keys do */
	    {{0x1301, 0x1302, 0x1303}, TLS_1_3 "\0\15\0\4\0\2\10\7", 15, true},
	    {{0x1301, 0x1302, 0x1303}, TLS_1_3 "\0\15\0\6\0\4\5\3\10\11", 17, true},
	    {{0x1301, 0x1302, 0x1303}, TLS_1_3 "\0\15\0\6\0\4\10\7\10\6", 17, false},
	    {{0x1301, 0x1302, 0x1303}, TLS_1_3 "\0\15\0\6\0\4\10\7\4\3", 17, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(read_suites(rows[i].suites, rows[i].extensions, rows[i].size)
				 .no_certificate,
		    rows[i].none, "row %zu", i);
}

/* RFC 8446 section 4.2.3: what RSA was signed by before TLS 1.3 it has no more. */
Test(hello_certificate, of_rsa_may_be_taken_in_tls_1_2_alone)
{
#define TLS_1_3_OR_1_2 "\0\x2b\0\x05\x04\x03\x04\x03\x03"
#define TLS_1_3_OR_1_1 "\0\x2b\0\x05\x04\x03\x04\x03\x02"
#define SIGNATURES(two) "\0\x0d\0\x06\0\x04" two
	enum { ALONE = 1, NONE = 2 };
	static const struct {
		uint16_t suites[3];
		const char *extensions;
		size_t size;
		int taken;
	} rows[] = {
	    {{0x1301, 0xc02b, 0xc02f}, TLS_1_3_OR_1_2 SIGNATURES("\4\1\5\1"), 19, ALONE},
	    {{0x1301, 0x0035, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\5\3\3\1"), 19, ALONE},
	    {{0x1301, 0xccaa, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\6\1\2\1"), 19, ALONE},
	    {{0x1301, 0xc02f, 0x00ff}, SIGNATURES("\4\1\5\1") TLS_1_3_OR_1_2, 19, ALONE},
	    {{0x1301, 0xc02f, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\4\1\10\4"), 19, 0},
	    {{0x1301, 0xc02f, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\4\1\4\3"), 19, 0},
	    {{0x1301, 0x1302, 0xc02f}, TLS_1_3 SIGNATURES("\4\1\5\1"), 17, NONE},
	    {{0x1301, 0x1302, 0xc02f}, TLS_1_3_OR_1_1 SIGNATURES("\4\1\5\1"), 19, NONE},
	    {{0x1301, 0xc02f, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\10\7\5\3"), 19, NONE},
	    {{0x1301, 0xc02f, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\2\1\1\1"), 19, NONE},
	    {{0x1301, 0xc02f, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\7\1\10\1"), 19, NONE},
	    {{0x1301, 0xc02b, 0x00a8}, TLS_1_3_OR_1_2 SIGNATURES("\4\1\5\1"), 19, NONE},
	    {{0x1301, 0xc09b, 0xc0a4}, TLS_1_3_OR_1_2 SIGNATURES("\4\1\5\1"), 19, NONE},
	    {{0x1301, 0xc02f, 0x00ff}, TLS_1_3_OR_1_2 SIGNATURES("\4\1\5\1") "\0\24\0\2\1\2", 25,
		NONE},
	    {{0xc02f, 0xc030, 0x00ff}, SIGNATURES("\4\1\5\1"), 10, 0}, /* it offers no TLS 1.3 */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hello_facts facts =
		    read_suites(rows[i].suites, rows[i].extensions, rows[i].size);

		cr_expect_eq(facts.only_before_13, rows[i].taken == ALONE, "row %zu", i);
		cr_expect_eq(facts.no_certificate, rows[i].taken == NONE, "row %zu", i);
	}
}

Test(hello_certificate, types_that_are_not_well_formed_break_the_hello)
{
	struct hello_facts facts;

	cr_expect_not(READ("\0\24\0\0", &facts));
	cr_expect_not(READ("\0\24\0\1\0", &facts));
	cr_expect_not(READ("\0\24\0\2\2\2", &facts));
	cr_expect_not(READ("\0\24\0\3\1\2\0", &facts));
}
