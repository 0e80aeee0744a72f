/* SPDX-License-Identifier: MIT */
#include "inspect/xml_scan.h"

#include <string.h>
#include <strings.h>

struct walk {
	struct bytes in;
	struct words_seen *seen;
	struct xml_seen *xml;
	struct bytes open; /* the name of the element that has just begun; empty: none */
	struct bytes text; /* behind it */
	bool first_seen, stream;
};

static bool
is_name_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '.' ||
	       byte == ':' || byte >= 0x80;
}

static bool
is_space(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static void
skip_space(struct bytes *in)
{
	while (in->left > 0 && is_space(in->at[0]))
		(void)bytes_skip(in, 1);
}

static struct bytes
take_name(struct bytes *in)
{
	struct bytes name = *in;

	while (in->left > 0 && is_name_byte(in->at[0]))
		(void)bytes_skip(in, 1);
	name.left -= in->left;
	return name;
}

/* Without its prefix. */
static struct bytes
local_part(struct bytes name)
{
	const uint8_t *colon = memchr(name.at, ':', name.left);

	if (colon != NULL)
		(void)bytes_skip(&name, (size_t)(colon - name.at) + 1);
	return name;
}

static bool
is_word(struct bytes name, const char *word)
{
	return name.left == strlen(word) &&
	       strncasecmp((const char *)name.at, word, name.left) == 0;
}

static bool
holds(struct bytes text, const char *word)
{
	return text.left > 0 && memmem(text.at, text.left, word, strlen(word)) != NULL;
}

/* ---- tags ---- */

/* One attribute of a tag; false where none follows. */
static bool
take_attribute(struct bytes *in, struct bytes *name, struct bytes *value)
{
	uint8_t quote;
	const uint8_t *end;

	skip_space(in);
	*name = take_name(in);
	skip_space(in);
	if (name->left == 0 || !bytes_match(in, "=", 1))
		return false;
	skip_space(in);
	if (!bytes_u8(in, &quote) || (quote != '"' && quote != '\''))
		return false;
	end = memchr(in->at, quote, in->left);
	return end != NULL && bytes_take(in, (size_t)(end - in->at), value) && bytes_skip(in, 1);
}

/* ONVIF's <SimpleItem Name="..." Value="..."/>, and what names a name space. */
static void
read_attributes(struct walk *walk, struct bytes tag)
{
	struct bytes name, value, item_name = {0}, item_value = {0};

	while (take_attribute(&tag, &name, &value)) {
		if (is_word(name, "Name"))
			item_name = value;
		if (is_word(name, "Value"))
			item_value = value;
		if (name.left >= 5 && memcmp(name.at, "xmlns", 5) == 0)
			walk->xml->onvif |= holds(value, "www.onvif.org/");
	}
	if (item_name.left > 0 && item_value.left > 0)
		words_note(walk->seen, item_name, WORDS_TEXT, item_value);
}

static void
read_first(struct walk *walk, struct bytes name, struct bytes tag)
{
	walk->first_seen = true;
	walk->xml->soap =
	    is_word(name, "Envelope") && (holds(tag, "schemas.xmlsoap.org/soap/envelope") ||
					     holds(tag, "www.w3.org/2003/05/soap-envelope"));
	walk->xml->html = is_word(name, "html");
	walk->stream = is_word(name, "MetadataStream");
}

/* What stood before this tag was the text of the element that is open, or it
 * held another one. */
static void
close_text(struct walk *walk, bool ends)
{
	if (walk->open.left > 0)
		words_note(walk->seen, walk->open, ends ? WORDS_TEXT : WORDS_MANY,
		    ends ? walk->text : (struct bytes){0});
	walk->open = (struct bytes){0};
}

static bool
read_tag(struct walk *walk, struct bytes tag)
{
	bool ends = bytes_match(&tag, "/", 1), alone;
	struct bytes name = take_name(&tag);

	if (name.left == 0)
		return false;
	name = local_part(name);
	close_text(walk, ends);
	if (ends)
		return true;
	alone = tag.left > 0 && tag.at[tag.left - 1] == '/';
	if (!walk->first_seen)
		read_first(walk, name, tag);
	walk->xml->metadata |= walk->stream && is_word(name, "Object");
	walk->xml->fault |= walk->xml->soap && is_word(name, "Fault");
	read_attributes(walk, tag);
	if (!alone)
		walk->open = name;
	return true;
}

/* ---- the rest of the grammar ---- */

/* Comments, declarations and instructions end with words of their own. */
static bool
skip_special(struct bytes *in, bool *cut)
{
	static const struct {
		const char *begin, *end;
	} kinds[] = {{"<!--", "-->"}, {"<?", "?>"}, {"<![CDATA[", "]]>"}, {"<!", ">"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const uint8_t *end;

		if (!bytes_match(in, kinds[i].begin, strlen(kinds[i].begin)))
			continue;
		end = memmem(in->at, in->left, kinds[i].end, strlen(kinds[i].end));
		*cut = end == NULL;
		return bytes_skip(in,
		    *cut ? in->left : (size_t)(end - in->at) + strlen(kinds[i].end));
	}
	return false;
}

/* One tag or instruction at the front; false where it is none. */
static bool
take_markup(struct walk *walk, bool *cut)
{
	struct bytes tag;
	const uint8_t *end;

	if (skip_special(&walk->in, cut))
		return true;
	if (!bytes_match(&walk->in, "<", 1))
		return false;
	end = memchr(walk->in.at, '>', walk->in.left);
	if (end == NULL) {
		*cut = true;
		return bytes_skip(&walk->in, walk->in.left);
	}
	return bytes_take(&walk->in, (size_t)(end - walk->in.at), &tag) &&
	       bytes_skip(&walk->in, 1) && read_tag(walk, tag);
}

enum scan
xml_scan(struct bytes in, struct words_seen *seen, struct xml_seen *xml)
{
	struct walk walk = {.in = in, .seen = seen, .xml = xml};
	bool cut = false;

	(void)bytes_match(&walk.in, "\xef\xbb\xbf", 3);
	skip_space(&walk.in);
	while (walk.in.left > 0) {
		const uint8_t *next;

		if (!take_markup(&walk, &cut))
			return SCAN_NO;
		next = walk.in.left > 0 ? memchr(walk.in.at, '<', walk.in.left) : NULL;
		if (next == NULL)
			break;
		(void)bytes_take(&walk.in, (size_t)(next - walk.in.at), &walk.text);
	}
	/* A text that goes on behind the end. */
	walk.text = walk.in;
	close_text(&walk, true);
	if (!walk.first_seen)
		return cut ? SCAN_CUT : SCAN_NO;
	return cut || walk.open.left > 0 ? SCAN_CUT : SCAN_WHOLE;
}
