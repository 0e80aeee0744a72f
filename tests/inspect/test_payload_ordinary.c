/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "tests/inspect/meter.h"

#include <stdint.h>

/*
 * What cameras say all day of themselves tells nothing of people and holds no secret:
 * of ten thousand documents that are made of their words, with names that look like
 * graver ones among them, none is more than telemetry or control.
 */
enum { DOCUMENTS = 5000 /* of each grammar */, ROOM = 8192, DEPTH_MAX = 4 };

static const char *const words[] = {"device", "id", "uptime", "state", "temperature", "rssi",
    "firmware", "version", "channel", "bitrate", "resolution", "fps", "codec", "motion", "alarm",
    "zone", "battery", "time", "timezone", "ntp", "ip", "mac", "gateway", "netmask", "dns",
    "sdcard", "free", "total", "luminance", "ir_led", "day-night", "ptz", "preset", "pan", "tilt",
    "zoom",
    /* like others, and none of them */
    "interface", "surface", "typeface", "facet", "template", "plateau", "palette", "boilerplate",
    "passwordRequired", "password_length", "tokenExpires", "secretary", "keyframe", "keyboard",
    "compass", "bypass", "hotkey", "publicKeyBits", "faceDetectEnabled", "anprSupported",
    "numberOfFaces", "personCount", "people_in", "vehicle"};
static const char *const texts[] = {"ok", "idle", "1920x1080", "H.265", "192.168.1.64",
    "2026-11-22T13:00:00Z", "bc:ad:28:00:11:22", "main stream", "VMD", "videoloss", "DS-2CD2043G2",
    "V5.7.3 build 220112", "face to face", "license agreement", "keep the password safe",
    "a plate of food", "anpr off", "caf\xc3\xa9", ""};

static uint64_t seed = 88172645463325252ULL;

static unsigned
draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % below);
}

static const char *
word(void)
{
	return words[draw(sizeof(words) / sizeof(*words))];
}

static const char *
phrase(void)
{
	return texts[draw(sizeof(texts) / sizeof(*texts))];
}

static void
add_json(struct text *out, unsigned depth)
{
	unsigned count = 1 + draw(6);

	text_add(out, "{");
	for (unsigned i = 0; i < count; i++) {
		text_add(out, "%s\"%s\":", i > 0 ? "," : "", word());
		switch (draw(depth < DEPTH_MAX ? 6 : 4)) {
		case 0:
			text_add(out, "\"%s\"", phrase());
			break;
		case 1:
			text_add(out, "%s", draw(2) == 0 ? "true" : "null");
			break;
		case 2:
			text_add(out, "[%u,-%u.5]", draw(100), draw(100));
			break;
		case 3:
			text_add(out, "%u", draw(100000));
			break;
		default:
			add_json(out, depth + 1);
		}
	}
	text_add(out, "}");
}

static void
add_xml(struct text *out, unsigned depth)
{
	const char *name = word();

	text_add(out, "<%s", name);
	if (draw(3) == 0)
		text_add(out, " %s=\"%s\"", word(), phrase());
	text_add(out, ">");
	for (unsigned i = depth < DEPTH_MAX ? draw(5) : 0; i > 0; i--)
		add_xml(out, depth + 1);
	text_add(out, "%s</%s>\n", phrase(), name);
}

static void
expect_ordinary(void (*add)(struct text *out, unsigned depth), const char *begin)
{
	static char document[ROOM];

	for (unsigned i = 0; i < DOCUMENTS; i++) {
		struct text out = text_in(document, sizeof(document));
		struct payload_facts facts;

		text_add(&out, "%s", begin);
		add(&out, 0);
		facts = meter_message(document, out.used, SIZE_MAX, NULL);
		cr_assert(facts.class == PAYLOAD_TELEMETRY || facts.class == PAYLOAD_CONTROL,
		    "%s: %s", payload_class_name(facts.class), document);
	}
}

Test(payload_ordinary, json_is_telemetry)
{
	expect_ordinary(add_json, "");
}

Test(payload_ordinary, xml_is_telemetry)
{
	expect_ordinary(add_xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
}
