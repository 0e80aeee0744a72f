/* SPDX-License-Identifier: MIT */
#include "inspect/dns.h"

#include "base/addr.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_MAX = 4096 };

/* A message that is put together by hand. */
struct writer {
	uint8_t at[MESSAGE_MAX];
	size_t used;
};

static void
put(struct writer *writer, const void *bytes, size_t count)
{
	cr_assert_leq(writer->used + count, sizeof(writer->at));
	memcpy(writer->at + writer->used, bytes, count);
	writer->used += count;
}

static void
put_u16(struct writer *writer, unsigned value)
{
	put(writer, (const uint8_t[]){(uint8_t)(value >> 8), (uint8_t)value}, 2);
}

static void
put_name(struct writer *writer, const char *name)
{
	while (name[0] != '\0') {
		size_t size = strcspn(name, ".");

		put(writer, (const uint8_t[]){(uint8_t)size}, 1);
		put(writer, name, size);
		name += size + (name[size] == '.');
	}
	put(writer, "", 1);
}

static struct writer
begin(unsigned id, unsigned flags, unsigned answers, unsigned additional)
{
	struct writer writer = {.used = 0};

	put_u16(&writer, id);
	put_u16(&writer, flags);
	put_u16(&writer, 1);
	put_u16(&writer, answers);
	put_u16(&writer, 0);
	put_u16(&writer, additional);
	return writer;
}

static void
put_question(struct writer *writer, const char *name, unsigned type)
{
	put_name(writer, name);
	put_u16(writer, type);
	put_u16(writer, 1);
}

/* A record but for its data, which is so many bytes. */
static void
put_record(struct writer *writer, const char *owner, unsigned type, unsigned ttl_s, size_t size)
{
	put_name(writer, owner);
	put_u16(writer, type);
	put_u16(writer, 1);
	put_u16(writer, 0);
	put_u16(writer, ttl_s);
	put_u16(writer, (unsigned)size);
}

static void
put_cname(struct writer *writer, const char *owner, const char *target, unsigned ttl_s)
{
	put_record(writer, owner, DNS_CNAME, ttl_s, strlen(target) + 2);
	put_name(writer, target);
}

static void
put_a(struct writer *writer, const char *owner, const char *ip, unsigned ttl_s)
{
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, ip, 0, NULL), 0);
	put_record(writer, owner, addr_is_v4(&addr) ? DNS_A : DNS_AAAA, ttl_s,
	    addr_is_v4(&addr) ? 4 : 16);
	put(writer, addr.ip + (addr_is_v4(&addr) ? 12 : 0), addr_is_v4(&addr) ? 4 : 16);
}

/* Read from memory that ends where the message does. */
static bool
read_exactly(const uint8_t *at, size_t size, struct dns_message *out)
{
	uint8_t *exact = malloc(size == 0 ? 1 : size);
	bool good;

	cr_assert_not_null(exact);
	memcpy(exact, at, size);
	good = dns_read((struct bytes){exact, size}, out);
	out->question = (struct bytes){0}; /* it is gone */
	free(exact);
	return good;
}

static struct dns_message
read_whole(const struct writer *writer)
{
	struct dns_message message;

	cr_assert(dns_read((struct bytes){writer->at, writer->used}, &message));
	return message;
}

/* ---- queries ---- */

Test(dns, query_is_read)
{
	struct writer writer = begin(0x1234, 0x0100, 0, 0);
	struct dns_message message;

	put_question(&writer, "Cam-3.Vendor.EXAMPLE", DNS_AAAA);
	message = read_whole(&writer);
	cr_expect(message.whole && message.recursion && !message.answer && !message.edns);
	cr_expect_eq(message.asked.id, 0x1234);
	cr_expect_eq(message.asked.type, DNS_AAAA);
	cr_expect_eq(message.asked.class, 1);
	cr_expect_not(message.asked.name_odd);
	cr_expect_str_eq(message.asked.name, "cam-3.vendor.example");
	cr_expect_eq(message.question.left, writer.used - DNS_HEADER_BYTES);
}

Test(dns, names_have_one_way_to_be_written)
{
	static const struct {
		const char *wire;
		size_t size;
		const char *name; /* NULL: none */
		bool odd;
	} rows[] = {
	    {"\1a\1b\0", 5, "a.b", false}, {"\0", 1, "", false},
	    {"\3a.b\0", 5, "a?b", true}, /* a dot inside of a label */
	    {"\4a\0b\x80\0", 6, "a?b?", true},
	    {"\1a\x40", 3, NULL, false},     /* a label of 64 bytes */
	    {"\1a\xc0\x0c", 4, NULL, false}, /* to itself */
	    {"\1a\xc0\x0e", 4, NULL, false}, /* to the pointer */
	    {"\1a\xff\xff", 4, NULL, false}, /* beyond the message */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct writer writer = begin(1, 0x0100, 0, 0);
		struct dns_message message;

		put(&writer, rows[i].wire, rows[i].size);
		put_u16(&writer, DNS_A);
		put_u16(&writer, 1);
		cr_assert_eq(read_exactly(writer.at, writer.used, &message), rows[i].name != NULL,
		    "row %zu", i);
		if (rows[i].name == NULL)
			continue;
		cr_expect_str_eq(message.asked.name, rows[i].name);
		cr_expect_eq(message.asked.name_odd, rows[i].odd, "row %zu", i);
	}
}

Test(dns, name_of_255_bytes_is_the_longest)
{
	for (size_t last = 60; last <= 63; last++) {
		struct writer writer = begin(1, 0, 0, 0);
		struct dns_message message;
		char label[64];

		memset(label, 'x', sizeof(label));
		for (unsigned i = 0; i < 4; i++) {
			size_t size = i < 3 ? 63 : last;

			put(&writer, (const uint8_t[]){(uint8_t)size}, 1);
			put(&writer, label, size);
		}
		put(&writer, "", 1);
		put_u16(&writer, DNS_A);
		put_u16(&writer, 1);
		cr_expect_eq(read_exactly(writer.at, writer.used, &message), last <= 61, "%zu",
		    last);
	}
}

/* Many pointers, each to the one before, are no way to make us read long. */
Test(dns, chain_of_pointers_ends)
{
	struct writer writer = begin(1, 0x8000, 1, 0);
	struct dns_message message;

	put_question(&writer, "a.b", DNS_A);
	for (unsigned i = 0; i < 200; i++)
		put_u16(&writer, 0xc000U | (i == 0 ? 12U : (unsigned)writer.used - 2));
	cr_expect(read_exactly(writer.at, writer.used, &message));
	cr_expect_not(message.whole);
	cr_expect_eq(message.address_count, 0);
}

/* ---- answers ---- */

Test(dns, answer_is_followed_over_its_cnames)
{
	struct writer writer = begin(7, 0x8180, 5, 0);
	struct dns_message message;

	put_question(&writer, "cam.vendor.example", DNS_A);
	put_a(&writer, "edge.cdn.example", "3.120.0.10", 30);
	put_cname(&writer, "CAM.vendor.example", "x.cdn.example", 300);
	put_a(&writer, "other.example", "3.120.0.99", 300);
	put_cname(&writer, "x.cdn.example", "edge.cdn.example", 60);
	put_a(&writer, "edge.cdn.example", "2001:db8::1", 300);
	message = read_whole(&writer);
	cr_expect(message.whole && message.answer);
	cr_assert_eq(message.address_count, 2);
	cr_expect_eq(message.addresses[0].ttl_s, 30);
	cr_expect_eq(message.addresses[1].ttl_s, 60);
	cr_expect_eq(memcmp(message.addresses[0].ip + 12, "\3\x78\0\x0a", 4), 0);
	cr_expect_str_eq(message.answers, "x.cdn.example,edge.cdn.example,3.120.0.10,2001:db8::1");
}

Test(dns, ring_of_cnames_ends)
{
	struct writer writer = begin(7, 0x8180, 3, 0);
	struct dns_message message;

	put_question(&writer, "a.example", DNS_A);
	put_cname(&writer, "a.example", "b.example", 60);
	put_cname(&writer, "b.example", "a.example", 60);
	put_a(&writer, "c.example", "3.120.0.10", 60);
	message = read_whole(&writer);
	cr_expect_eq(message.address_count, 0);
}

Test(dns, more_than_can_be_taken_in_is_left)
{
	struct writer writer = begin(7, 0x8180, 100, 0);
	struct dns_message message;

	put_question(&writer, "a.example", DNS_A);
	for (unsigned i = 0; i < 100; i++)
		put_a(&writer, "a.example", "3.120.0.10", i);
	message = read_whole(&writer);
	cr_expect(message.whole);
	cr_expect_eq(message.address_count, DNS_ADDRESSES_MAX);
	cr_expect_lt(strlen(message.answers), sizeof(message.answers));
	cr_expect_eq(strlen(message.answers) % strlen("3.120.0.10,"), strlen("3.120.0.10"));
}

/* priority 1, target ".", "alpn" (1) of 2 bytes, and "ech" (5) of 3. */
Test(dns, keys_for_encrypted_hellos_are_seen)
{
	static const uint8_t with[] = "\0\1\0\0\1\0\2\1h\0\5\0\3abc";
	static const struct {
		size_t size;
		bool ech;
	} rows[] = {{sizeof(with) - 1, true}, {9, false}, {sizeof(with) - 2, false}, {2, false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct writer writer = begin(7, 0x8180, 1, 0);

		put_question(&writer, "a.example", DNS_HTTPS);
		put_record(&writer, "a.example", DNS_HTTPS, 60, rows[i].size);
		put(&writer, with, rows[i].size);
		cr_expect_eq(read_whole(&writer).ech, rows[i].ech, "row %zu", i);
	}
}

/* "ipv4hint" (4) of two addresses, "ipv6hint" (6) of one; each prefix of them is read
 * as far as it goes. */
Test(dns, hints_of_services_are_addresses_of_the_name)
{
	static const uint8_t data[] = "\0\1\0\0\4\0\10\3\170\0\12\3\170\0\13"
				      "\0\6\0\20\52\5\320\24\0\0\0\0\0\0\0\0\0\0\0\20";
	struct dns_message message;

	for (size_t size = 0; size < sizeof(data); size++) {
		struct writer writer = begin(7, 0x8180, 2, 0);
		size_t want = size < 15 ? 0 : size < 35 ? 2 : 3;

		put_question(&writer, "a.example", DNS_HTTPS);
		put_record(&writer, "a.example", DNS_HTTPS, 60, size);
		put(&writer, data, size);
		put_record(&writer, "other.example", DNS_HTTPS, 60, 0);
		message = read_whole(&writer);
		cr_expect(message.whole);
		cr_expect_eq(message.address_count, want, "%zu: %u", size,
		    (unsigned)message.address_count);
	}
	cr_expect_str_eq(message.answers, "3.120.0.10,3.120.0.11,2a05:d014::10");
	cr_expect_eq(message.addresses[2].ttl_s, 60);
}

Test(dns, same_question_is_the_same_in_all)
{
	static const struct {
		unsigned id, type;
		const char *name;
		bool same;
	} rows[] = {{7, DNS_A, "a.example", true}, {7, DNS_A, "A.eXample", true},
	    {8, DNS_A, "a.example", false}, {7, DNS_AAAA, "a.example", false},
	    {7, DNS_A, "b.example", false}, {7, DNS_A, "a.example.net", false}};
	struct writer query = begin(7, 0x0100, 0, 0);
	struct dns_message asked;

	put_question(&query, "a.example", DNS_A);
	asked = read_whole(&query);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct writer writer = begin(rows[i].id, 0x8180, 0, 0);
		struct dns_message message;

		put_question(&writer, rows[i].name, rows[i].type);
		message = read_whole(&writer);
		cr_expect_eq(dns_same_question(&asked.asked, &message.asked), rows[i].same,
		    "row %zu", i);
	}
}

/* ---- a refusal ---- */

Test(dns, refusal_answers_what_was_asked)
{
	for (unsigned edns = 0; edns <= 1; edns++) {
		struct writer writer = begin(0xabcd, 0x0100, 0, edns);
		uint8_t out[DNS_REFUSAL_MAX];
		struct dns_message query, answer;
		size_t size;

		put_question(&writer, "Tracker.example", DNS_HTTPS);
		if (edns != 0)
			put(&writer, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
		query = read_whole(&writer);
		size = dns_refuse(&query, out);
		cr_assert(read_exactly(out, size, &answer));
		cr_expect(answer.whole && answer.answer && answer.recursion);
		cr_expect_eq(answer.rcode, DNS_REFUSED);
		cr_expect_eq(answer.edns, edns != 0);
		cr_expect(dns_same_question(&query.asked, &answer.asked));
		/* As it was asked, upper case and all: some compare that. */
		cr_expect_eq(memcmp(out + DNS_HEADER_BYTES, writer.at + DNS_HEADER_BYTES,
				 query.question.left),
		    0);
	}
}

Test(dns, refusal_of_the_longest_name_has_room)
{
	struct writer writer = begin(1, 0x0100, 0, 1);
	uint8_t out[DNS_REFUSAL_MAX];
	struct dns_message query;
	char name[254];

	for (size_t i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 64 == 63 ? '.' : 'x';
	name[sizeof(name) - 1] = '\0';
	put_question(&writer, name, DNS_A);
	put(&writer, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
	query = read_whole(&writer);
	cr_expect_eq(dns_refuse(&query, out), DNS_REFUSAL_MAX);
}

Test(dns, types_have_names)
{
	char out[DNS_TYPE_TEXT_MAX];

	cr_expect_str_eq(dns_type_text(DNS_AAAA, out), "AAAA");
	cr_expect_str_eq(dns_type_text(65535, out), "TYPE65535");
}

/* ---- bad input ---- */

Test(dns, message_cut_or_changed_anywhere_is_read_no_further)
{
	struct writer writer = begin(7, 0x8180, 3, 1);
	struct dns_message message;

	put_question(&writer, "cam.vendor.example", DNS_A);
	put_cname(&writer, "cam.vendor.example", "x.cdn.example", 300);
	put(&writer, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\3\x78\0\x0a", 16);
	put_a(&writer, "x.cdn.example", "3.120.0.10", 30);
	put(&writer, "\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
	cr_assert(read_whole(&writer).whole);
	for (size_t i = 0; i < writer.used; i++) {
		(void)read_exactly(writer.at, i, &message);
		cr_expect(!message.whole, "cut at %zu", i);
		for (unsigned bit = 0; bit < 8; bit++) {
			writer.at[i] ^= (uint8_t)(1U << bit);
			(void)read_exactly(writer.at, writer.used, &message);
			cr_expect_leq(message.address_count, 2);
			writer.at[i] ^= (uint8_t)(1U << bit);
		}
	}
}
