/* SPDX-License-Identifier: MIT */
#include "inspect/text_kinds.h"

#include "base/text.h"
#include "inspect/json_scan.h"
#include "inspect/xml_scan.h"

#include <string.h>

enum {
	COMMAND_MAX =
	    1024,       /* bytes: a call by its name is short, a status that repeats it is not */
	FORM_SURE = 24, /* bytes of a form: of random ones a quarter each would do */
	TEXT_MIN = 8,   /* bytes that are called text for nothing but being printable */
	LINES_SURE = 2,
	UTF8_MAX = 4,   /* bytes of a character */
	HIGH_SHARE = 3, /* bytes beyond ASCII that a text in another code has: one of so many */
};

/* Well-formed UTF-8, but for a character that is cut at either end. */
static bool
is_utf8(struct bytes in)
{
	for (int i = 0; i < UTF8_MAX - 1 && in.left > 0 && (in.at[0] & 0xc0) == 0x80; i++)
		(void)bytes_skip(&in, 1);
	while (in.left > 0) {
		size_t length = text_utf8(in.at, in.left);

		if (length == 0)
			return in.left < UTF8_MAX;
		(void)bytes_skip(&in, length);
	}
	return true;
}

bool
text_may_be(struct bytes in)
{
	size_t high = 0;

	while (in.left > 0 && in.at[in.left - 1] == 0)
		in.left--;
	for (size_t i = 0; i < in.left; i++) {
		uint8_t byte = in.at[i];

		if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f ||
		    byte == 0xff)
			return false;
		high += byte >= 0x80;
	}
	return in.left > 0 && (high <= in.left / HIGH_SHARE || is_utf8(in));
}

/* ---- requests ---- */

static bool
is_request_line(struct bytes in, const char *protocol)
{
	const uint8_t *end = memchr(in.at, '\n', in.left);
	struct bytes line = {in.at, end == NULL ? 0 : (size_t)(end - in.at)};
	const uint8_t *found = line.left > 0 ? memmem(line.at, line.left, protocol, 6) : NULL;
	size_t method = 0;

	if (found == NULL || found - line.at < 4)
		return false;
	while (method < line.left &&
	       ((line.at[method] >= 'A' && line.at[method] <= 'Z') || line.at[method] == '_'))
		method++;
	return method >= 3 && line.at[method] == ' ' && (size_t)(found - line.at) > method + 1;
}

static bool
is_status_line(struct bytes in, const char *protocol)
{
	struct bytes status;

	return bytes_match(&in, protocol + 1, 5) && bytes_skip(&in, 3) &&
	       bytes_match(&in, " ", 1) && bytes_take(&in, 3, &status) && status.at[0] >= '1' &&
	       status.at[0] <= '5' && status.at[1] >= '0' && status.at[1] <= '9';
}

static enum told
request_tell(struct bytes in, struct payload_finding *out)
{
	static const struct {
		const char *protocol, *format; /* with the space that stands before it */
	} kinds[] = {{" RTSP/", "rtsp"}, {" HTTP/", "http"}, {" SIP/2", "sip"}};
	struct bytes front = in;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (is_request_line(in, kinds[i].protocol) || is_status_line(in, kinds[i].protocol))
			return finding_identified(out, PAYLOAD_CONTROL, kinds[i].format);
	}
	if (bytes_match(&front, "v=0\r\no=", 7) || bytes_match(&front, "v=0\no=", 6))
		return finding_identified(out, PAYLOAD_CONTROL, "sdp");
	return TOLD_NO;
}

/* ---- what its names make of a text ---- */

/* A class that the names give, or PAYLOAD_UNKNOWN. */
static enum payload_class
class_of_words(const struct words_seen *seen, enum confidence *confidence)
{
	*confidence = CONFIDENCE_IDENTIFIED;
	if (seen->known > 0)
		return PAYLOAD_METADATA;
	if (seen->secrets > 0)
		return PAYLOAD_CREDENTIALS;
	*confidence = CONFIDENCE_PROBABLE;
	return seen->general > 0 ? PAYLOAD_METADATA : PAYLOAD_UNKNOWN;
}

static enum told
tell(struct payload_finding *out, const struct words_seen *seen, enum payload_class otherwise,
    enum confidence sure, const char *format)
{
	enum confidence confidence;
	enum payload_class class = class_of_words(seen, &confidence);

	if (class == PAYLOAD_UNKNOWN) {
		class = otherwise;
		confidence = sure;
	}
	finding_set(out, class, confidence, format);
	out->text = true;
	return TOLD_MAYBE;
}

static enum told
json_tell(struct bytes in, struct payload_finding *out, struct words_seen *seen)
{
	if (json_scan(in, seen) == SCAN_NO)
		return TOLD_NO;
	return tell(out, seen,
	    seen->commands > 0 && in.left <= COMMAND_MAX ? PAYLOAD_CONTROL : PAYLOAD_TELEMETRY,
	    seen->names > 0 ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE, "json");
}

static enum told
xml_tell(struct bytes in, struct payload_finding *out, struct words_seen *seen)
{
	struct xml_seen xml = {0};
	struct bytes front = in;
	bool sure;

	if (xml_scan(in, seen, &xml) == SCAN_NO)
		return TOLD_NO;
	sure = bytes_match(&front, "<?xml ", 6) || seen->names > 1;
	if (xml.metadata)
		seen->known++;
	if (xml.soap)
		return tell(out, seen, PAYLOAD_CONTROL, CONFIDENCE_IDENTIFIED,
		    xml.onvif ? "onvif" : "soap");
	return tell(out, seen, PAYLOAD_TELEMETRY,
	    sure ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE,
	    xml.html    ? "html"
	    : xml.onvif ? "onvif"
			: "xml");
}

/* ---- names and values ---- */

static bool
is_form_byte(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') ||
	       (byte != 0 && strchr("=&%+._-*[]~:/,@!$()", byte) != NULL);
}

/* A name as it stands before "=": no spaces, no more than a line has. */
static bool
take_pair(struct bytes line, const char *between, struct bytes *name, struct bytes *value)
{
	const uint8_t *at =
	    line.left > 0 ? memmem(line.at, line.left, between, strlen(between)) : NULL;

	if (at == NULL || at == line.at)
		return false;
	(void)bytes_take(&line, (size_t)(at - line.at), name);
	(void)bytes_skip(&line, strlen(between));
	*value = line;
	return memchr(name->at, ' ', name->left) == NULL;
}

/* Cut the front up to one of these bytes, which goes too. */
static struct bytes
take_until(struct bytes *in, const char *ends)
{
	struct bytes front = *in;
	uint8_t byte = 0;

	while (bytes_u8(in, &byte)) {
		if (byte != 0 && strchr(ends, byte) != NULL)
			break;
	}
	front.left -= in->left;
	if (front.left > 0 && byte != 0 && strchr(ends, byte) != NULL)
		front.left--;
	return front;
}

/* Parameters: names and values with "&" between, and nothing that a form would
 * have escaped. */
static enum told
form_tell(struct bytes in, struct payload_finding *out, struct words_seen *seen)
{
	struct bytes rest = in, name, value;

	for (size_t i = 0; i < in.left; i++) {
		if (!is_form_byte(in.at[i]))
			return TOLD_NO;
	}
	while (rest.left > 0) {
		if (!take_pair(take_until(&rest, "&"), "=", &name, &value))
			return TOLD_NO;
		words_note(seen, name, WORDS_TEXT, value);
	}
	return tell(out, seen, PAYLOAD_TELEMETRY,
	    in.left >= FORM_SURE && seen->names > 1 ? CONFIDENCE_IDENTIFIED : CONFIDENCE_PROBABLE,
	    "form");
}

/* Of "Events[0].TrafficCar.PlateNumber" what stands behind the last dot. */
static struct bytes
last_part(struct bytes name)
{
	const uint8_t *dot = memrchr(name.at, '.', name.left);

	if (dot != NULL)
		(void)bytes_skip(&name, (size_t)(dot - name.at) + 1);
	return name;
}

/* Lines of "name=value" or "name: value"; of Dahua's events several stand in a
 * line, and what follows "data=" is JSON. */
static enum told
lines_tell(struct bytes in, struct payload_finding *out, struct words_seen *seen)
{
	struct bytes rest = in, name, value;
	unsigned pairs = 0, others = 0;

	while (rest.left > 0) {
		struct bytes data = rest, line;

		if (bytes_match(&data, "data={", 6)) {
			pairs +=
			    json_scan((struct bytes){data.at - 1, data.left + 1}, seen) != SCAN_NO;
			break;
		}
		line = take_until(&rest, "\r\n;");
		if (take_pair(line, "=", &name, &value) || take_pair(line, ": ", &name, &value)) {
			words_note(seen, last_part(name), WORDS_TEXT, value);
			pairs++;
		} else {
			others += line.left > 0;
		}
	}
	if (pairs < LINES_SURE || others > pairs)
		return TOLD_NO;
	(void)tell(out, seen, PAYLOAD_TELEMETRY, CONFIDENCE_PROBABLE, "lines");
	/* A colon is in many a sentence. */
	if (out->class == PAYLOAD_CREDENTIALS)
		out->confidence = CONFIDENCE_PROBABLE;
	return TOLD_MAYBE;
}

static bool
is_private_key(struct bytes in)
{
	return bytes_match(&in, "-----BEGIN ", 11) &&
	       memmem(in.at, in.left < 32 ? in.left : 32, "PRIVATE KEY-----", 16) != NULL;
}

enum told
text_tell(struct bytes in, struct payload_finding *out, struct words_seen *seen)
{
	static enum told (*const kinds[])(struct bytes in, struct payload_finding * out,
	    struct words_seen * seen) = {json_tell, xml_tell, form_tell, lines_tell};

	*seen = (struct words_seen){0};
	while (in.left > 0 && in.at[in.left - 1] == 0)
		in.left--;
	if (!text_may_be(in))
		return TOLD_NO;
	if (request_tell(in, out) == TOLD) {
		out->text = true;
		return TOLD_MAYBE;
	}
	if (is_private_key(in)) {
		finding_set(out, PAYLOAD_CREDENTIALS, CONFIDENCE_IDENTIFIED, "pem");
		out->text = true;
		return TOLD_MAYBE;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		*seen = (struct words_seen){0};
		if (kinds[i](in, out, seen) != TOLD_NO)
			return TOLD_MAYBE;
	}
	*seen = (struct words_seen){0};
	if (in.left < TEXT_MIN)
		return TOLD_NO;
	finding_set(out, PAYLOAD_TELEMETRY, CONFIDENCE_PROBABLE, "text");
	out->text = true;
	return TOLD_MAYBE;
}
