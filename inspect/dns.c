/* SPDX-License-Identifier: MIT */
#include "inspect/dns.h"

#include "base/addr.h"
#include "base/text.h"

#include <string.h>

enum {
	LABEL_MAX = 63,
	NAME_WIRE_MAX = 255, /* RFC 1035 section 2.3.4 */
	POINTER = 0xc0,
	POINTERS_MAX = 32, /* each goes back, so they end; a name needs few */
	FLAG_QR = 0x8000,
	FLAG_TC = 0x0200,
	FLAG_RD = 0x0100,
	FLAG_RA = 0x0080,
	OPCODE_BITS = 0x7800,
	OPCODE_SHIFT = 11,
	CLASS_IN = 1,
	PARAM_IPV4HINT = 4, /* RFC 9460 section 14.3.2 */
	PARAM_ECH = 5,      /* RFC 9848 */
	PARAM_IPV6HINT = 6,
	OPTION_ERROR = 15,
	OPTION_BYTES = 6,   /* code, length, an extended error */
	ERROR_BLOCKED = 15, /* RFC 8914 section 4.16 */
	UDP_SIZE = 1232,    /* what an answer of ours says that it would take */
};

/* ---- names ---- */

struct name {
	char text[FACTS_NAME_MAX];
	bool odd;
	bool compressed;
};

static bool
is_host_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
	       byte == '_';
}

/* A label's bytes may be any: a dot inside one would make two names one. */
static void
add_label(struct name *name, size_t *used, struct bytes label)
{
	uint8_t byte;

	if (*used > 0)
		name->text[(*used)++] = '.';
	while (bytes_u8(&label, &byte)) {
		if (byte >= 'A' && byte <= 'Z')
			byte = (uint8_t)(byte + ('a' - 'A'));
		if (!is_host_byte(byte)) {
			name->odd = true;
			byte = '?';
		}
		name->text[(*used)++] = (char)byte;
	}
}

/* Go on reading where a pointer shows.  It shows back, so there is an end. */
static bool
follow(struct bytes message, uint8_t high, uint8_t low, struct bytes *at)
{
	size_t target = (size_t)(high & ~POINTER) << 8 | low;
	size_t here = message.left - at->left - 2;
	struct bytes skipped;

	if (target >= here || !bytes_take(&message, target, &skipped))
		return false;
	*at = message;
	return true;
}

/* Where a name is read. */
struct walk {
	struct bytes at;
	struct bytes behind; /* the first pointer; else not set */
	unsigned pointers;
	size_t used, wire; /* of the text, of the bytes that it stands for */
};

static bool
take_pointer(struct bytes message, uint8_t high, struct walk *walk)
{
	uint8_t low;

	if (!bytes_u8(&walk->at, &low))
		return false;
	if (walk->pointers == 0)
		walk->behind = walk->at;
	return ++walk->pointers <= POINTERS_MAX && follow(message, high, low, &walk->at);
}

static bool
take_label(struct walk *walk, uint8_t size, struct name *name)
{
	struct bytes label;

	walk->wire += 1U + size;
	/* The root's byte comes behind. */
	if (size > LABEL_MAX || walk->wire + 1 > NAME_WIRE_MAX ||
	    !bytes_take(&walk->at, size, &label))
		return false;
	add_label(name, &walk->used, label);
	return true;
}

/* Read the name at the front of *in, which is the rest of message. */
static bool
read_name(struct bytes message, struct bytes *in, struct name *name)
{
	struct walk walk = {.at = *in};
	uint8_t size;

	*name = (struct name){0};
	while (bytes_u8(&walk.at, &size)) {
		if (size == 0) {
			name->compressed = walk.pointers > 0;
			*in = walk.pointers > 0 ? walk.behind : walk.at;
			return true;
		}
		if (size >= POINTER ? !take_pointer(message, size, &walk)
				    : !take_label(&walk, size, name))
			return false;
	}
	return false;
}

/* ---- records ---- */

struct record {
	char owner[FACTS_NAME_MAX];
	uint16_t type;
	uint32_t ttl_s;
	struct bytes data;
};

static bool
read_record(struct bytes message, struct bytes *in, struct record *record)
{
	struct name owner;
	uint16_t class;

	if (!read_name(message, in, &owner) || !bytes_u16(in, &record->type) ||
	    !bytes_u16(in, &class) || !bytes_u32(in, &record->ttl_s) ||
	    !bytes_vec16(in, &record->data))
		return false;
	memcpy(record->owner, owner.text, sizeof(record->owner));
	/* OPT has sizes and flags where others have a class and a time. */
	if (class != CLASS_IN && record->type != DNS_OPT)
		record->type = 0;
	return true;
}

static void
add_answer(struct dns_message *out, const char *answer)
{
	size_t used = strlen(out->answers), size = strlen(answer);

	if (used + 1 + size >= sizeof(out->answers))
		return;
	if (used > 0)
		out->answers[used++] = ',';
	memcpy(out->answers + used, answer, size + 1);
}

static void
add_address(struct dns_message *out, const struct record *record, uint32_t ttl_s)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct dns_address *to = &out->addresses[out->address_count];
	struct addr addr = {0};
	char text[ADDR_TEXT_MAX];

	if (out->address_count == DNS_ADDRESSES_MAX)
		return;
	if (record->type == DNS_A && record->data.left == 4) {
		memcpy(addr.ip, mapped, sizeof(mapped));
		memcpy(addr.ip + sizeof(mapped), record->data.at, 4);
	} else if (record->type == DNS_AAAA && record->data.left == sizeof(addr.ip)) {
		memcpy(addr.ip, record->data.at, sizeof(addr.ip));
	} else {
		return;
	}
	memcpy(to->ip, addr.ip, sizeof(to->ip));
	to->ttl_s = record->ttl_s < ttl_s ? record->ttl_s : ttl_s;
	out->address_count++;
	add_answer(out, addr_text(&addr, text));
}

/* Addresses of one size in a row, as records of their own would tell them. */
static void
add_hints(struct dns_message *out, const struct record *service, uint16_t type, struct bytes hints,
    uint32_t ttl_s)
{
	struct record record = {.type = type, .ttl_s = service->ttl_s};

	while (bytes_take(&hints, type == DNS_A ? 4 : 16, &record.data))
		add_address(out, &record, ttl_s);
}

/* What a service's parameters say of the name that was asked: its addresses, and
 * whether there are keys for encrypted hellos.  The target is never compressed (RFC
 * 9460 section 2.2). */
static void
take_service(struct dns_message *out, const struct record *record, uint32_t ttl_s)
{
	struct bytes data = record->data, value;
	struct name target;
	uint16_t priority, key;

	if (!bytes_u16(&data, &priority) || !read_name(record->data, &data, &target))
		return;
	while (bytes_u16(&data, &key) && bytes_vec16(&data, &value)) {
		if (key == PARAM_ECH)
			out->ech = true;
		else if (key == PARAM_IPV4HINT)
			add_hints(out, record, DNS_A, value, ttl_s);
		else if (key == PARAM_IPV6HINT)
			add_hints(out, record, DNS_AAAA, value, ttl_s);
	}
}

/* The records of an answer, and where the way of names has come to. */
struct chain {
	struct bytes message;
	struct bytes at; /* the first record */
	unsigned count;  /* of records that are looked at */
	char name[FACTS_NAME_MAX];
	uint32_t ttl_s;
};

/* Go one CNAME further, and say whether there was one. */
static bool
follow_cname(struct chain *chain, struct dns_message *out)
{
	struct bytes in = chain->at;

	for (unsigned i = 0; i < chain->count; i++) {
		struct record record;
		struct name target;
		struct bytes data;

		if (!read_record(chain->message, &in, &record))
			return false;
		if (record.type != DNS_CNAME || strcmp(record.owner, chain->name) != 0)
			continue;
		data = (struct bytes){record.data.at,
		    (size_t)(chain->message.at + chain->message.left - record.data.at)};
		if (!read_name(chain->message, &data, &target))
			return false;
		memcpy(chain->name, target.text, sizeof(chain->name));
		if (record.ttl_s < chain->ttl_s)
			chain->ttl_s = record.ttl_s;
		add_answer(out, chain->name);
		return true;
	}
	return false;
}

static void
take_answers(struct bytes message, struct bytes in, unsigned count, struct dns_message *out)
{
	struct chain chain = {.message = message, .at = in, .ttl_s = UINT32_MAX};
	unsigned links = 0;

	chain.count = count < DNS_RECORDS_MAX ? count : DNS_RECORDS_MAX;
	memcpy(chain.name, out->asked.name, sizeof(chain.name));
	while (links < DNS_LINKS_MAX && follow_cname(&chain, out))
		links++;
	for (unsigned i = 0; i < chain.count; i++) {
		struct record record;

		if (!read_record(message, &in, &record))
			return;
		if (strcmp(record.owner, chain.name) != 0)
			continue;
		add_address(out, &record, chain.ttl_s);
		if (record.type == DNS_HTTPS || record.type == DNS_SVCB)
			take_service(out, &record, chain.ttl_s);
	}
}

/* Pass over a name and do not go where it points to. */
static bool
skip_name(struct bytes *in)
{
	struct bytes label;
	uint8_t size, low;

	while (bytes_u8(in, &size)) {
		if (size == 0)
			return true;
		if (size >= POINTER)
			return bytes_u8(in, &low);
		if (size > LABEL_MAX || !bytes_take(in, size, &label))
			return false;
	}
	return false;
}

/* Walk all records to the message's end. */
static bool
skip_records(struct bytes in, unsigned count, struct dns_message *out)
{
	for (unsigned i = 0; i < count; i++) {
		struct bytes class_and_ttl, data;
		uint16_t type;

		if (!skip_name(&in) || !bytes_u16(&in, &type) ||
		    !bytes_take(&in, 6, &class_and_ttl) || !bytes_vec16(&in, &data))
			return false;
		out->edns = out->edns || type == DNS_OPT;
	}
	return in.left == 0;
}

/* ---- messages ---- */

bool
dns_read(struct bytes message, struct dns_message *out)
{
	struct bytes in = message, question;
	uint16_t flags, questions, answers, authorities, additional;
	struct name name;

	memset(out, 0, sizeof(*out));
	if (!bytes_u16(&in, &out->asked.id) || !bytes_u16(&in, &flags) ||
	    !bytes_u16(&in, &questions) || !bytes_u16(&in, &answers) ||
	    !bytes_u16(&in, &authorities) || !bytes_u16(&in, &additional) || questions == 0)
		return false;
	out->answer = (flags & FLAG_QR) != 0;
	out->truncated = (flags & FLAG_TC) != 0;
	out->recursion = (flags & FLAG_RD) != 0;
	out->rcode = flags & 15;
	out->asked.opcode = (uint8_t)((flags & OPCODE_BITS) >> OPCODE_SHIFT);
	question = in;
	if (!read_name(message, &in, &name) || !bytes_u16(&in, &out->asked.type) ||
	    !bytes_u16(&in, &out->asked.class))
		return false;
	question.left -= in.left;
	if (!name.compressed)
		out->question = question;
	memcpy(out->asked.name, name.text, sizeof(out->asked.name));
	out->asked.name_odd = name.odd;
	if (questions != 1)
		return true;
	out->whole = skip_records(in, 0U + answers + authorities + additional, out);
	if (out->answer)
		take_answers(message, in, answers, out);
	return true;
}

bool
dns_same_question(const struct dns_question *asked, const struct dns_question *answered)
{
	return asked->id == answered->id && asked->opcode == answered->opcode &&
	       asked->type == answered->type && asked->class == answered->class &&
	       strcmp(asked->name, answered->name) == 0;
}

/* ---- a refusal ---- */

static void
put_u16(uint8_t **at, unsigned value)
{
	*(*at)++ = (uint8_t)(value >> 8);
	*(*at)++ = (uint8_t)value;
}

/* An OPT record answers an OPT record only, RFC 6891 section 6.1.1. */
static void
put_reason(uint8_t **at)
{
	*(*at)++ = 0; /* the root's name */
	put_u16(at, DNS_OPT);
	put_u16(at, UDP_SIZE);
	put_u16(at, 0); /* no extended code, version 0 */
	put_u16(at, 0);
	put_u16(at, OPTION_BYTES);
	put_u16(at, OPTION_ERROR);
	put_u16(at, 2);
	put_u16(at, ERROR_BLOCKED);
}

size_t
dns_refuse(const struct dns_message *query, uint8_t out[DNS_REFUSAL_MAX])
{
	uint8_t *at = out;

	if (query->question.left == 0)
		return 0;
	put_u16(&at, query->asked.id);
	put_u16(&at, FLAG_QR | (unsigned)query->asked.opcode << OPCODE_SHIFT |
			 (query->recursion ? FLAG_RD : 0U) | FLAG_RA | DNS_REFUSED);
	put_u16(&at, 1);
	put_u16(&at, 0);
	put_u16(&at, 0);
	put_u16(&at, query->edns ? 1 : 0);
	memcpy(at, query->question.at, query->question.left);
	at += query->question.left;
	if (query->edns)
		put_reason(&at);
	return (size_t)(at - out);
}

const char *
dns_type_text(uint16_t type, char out[DNS_TYPE_TEXT_MAX])
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {{DNS_A, "A"}, {2, "NS"}, {DNS_CNAME, "CNAME"}, {6, "SOA"}, {12, "PTR"},
	    {15, "MX"}, {16, "TXT"}, {DNS_AAAA, "AAAA"}, {33, "SRV"}, {35, "NAPTR"}, {43, "DS"},
	    {46, "RRSIG"}, {48, "DNSKEY"}, {DNS_SVCB, "SVCB"}, {DNS_HTTPS, "HTTPS"}, {255, "ANY"},
	    {257, "CAA"}};
	struct text text = text_in(out, DNS_TYPE_TEXT_MAX);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].type == type) {
			text_add(&text, "%s", names[i].name);
			return out;
		}
	}
	text_add(&text, "TYPE%u", type);
	return out;
}
