/* SPDX-License-Identifier: MIT */
#include "tests/inspect/meter.h"

#include <criterion/parameterized.h>
#include <stdio.h>

/* What a text is, by its grammar and the names in it. */
struct row {
	char why[48];
	enum payload_class class;
	enum confidence confidence;
	char format[16];
	char text[520];
};

#define SURE CONFIDENCE_IDENTIFIED
#define MAYBE CONFIDENCE_PROBABLE

static struct row rows[] = {
    {"a status", PAYLOAD_TELEMETRY, SURE, "json",
	"{\"id\":\"cam7\",\"uptime\":12,\"rssi\":-60.5e0,\"ok\":true,\"err\":null}"},
    {"a list of numbers", PAYLOAD_TELEMETRY, MAYBE, "json", "[1, 2, 3.5]"},
    {"several, one a line", PAYLOAD_TELEMETRY, SURE, "json", "{\"a\":1}\n{\"a\":2}\n"},
    {"with a zero behind it", PAYLOAD_TELEMETRY, SURE, "json", "{\"abc\":[{},[]]}\0"},
    {"a call", PAYLOAD_CONTROL, SURE, "json", "{\"method\":\"ptz.move\",\"params\":{\"x\":1}}"},
    {"Dahua's plates", PAYLOAD_METADATA, SURE, "json",
	"{\"Code\":\"TrafficJunction\",\"Action\":\"Pulse\",\"Data\":{\"TrafficCar\":"
	"{\"PlateNumber\":\"AB123CD\"}}}"},
    {"Dahua's faces", PAYLOAD_METADATA, SURE, "json",
	"{\"Events\":[{\"Code\":\"FaceDetection\",\"Index\":0}]}"},
    {"Hikvision's faces", PAYLOAD_METADATA, SURE, "json",
	"{\"ipAddress\":\"10.0.0.3\",\"eventType\":\"faceCapture\",\"faceCapture\":"
	"[{\"faces\":[{\"faceId\":1,\"faceRect\":{\"height\":0.3,\"width\":0.2}}]}]}"},
    {"Uniview's plates", PAYLOAD_METADATA, SURE, "json",
	"{\"StructureInfo\":{\"ObjInfo\":{\"VehicleInfoList\":[{\"PlateAttr\":{\"PlateNo\":\"X 1\"}}]}}}"},
    {"Frigate's plates", PAYLOAD_METADATA, SURE, "json",
	"{\"type\":\"lpr\",\"id\":\"1.5-x\",\"recognized_license_plate\":\"AB 12\",\"score\":0.9}"},
    {"a face as numbers", PAYLOAD_METADATA, SURE, "json",
	"{\"person\":17,\"faceDescriptor\":[0.12,-0.4,0.33]}"},
    {"Reolink's alarm by faces", PAYLOAD_METADATA, MAYBE, "json",
	"[{\"cmd\":\"GetAiState\",\"value\":{\"channel\":0,\"face\":{\"alarm_state\":1,\"support\":1}}}]"},
    {"a switch for faces", PAYLOAD_TELEMETRY, SURE, "json",
	"{\"faceRecognition\":false,\"licensePlate\":0,\"faceFeature\":null}"},
    {"a face, by a common name", PAYLOAD_METADATA, MAYBE, "json",
	"{\"faces\":[{\"x\":1}],\"time\":5}"},
    {"a password", PAYLOAD_CREDENTIALS, SURE, "json", "{\"user\":\"a\",\"Pass_Word\":\"hunter2\"}"},
    {"a password of stars", PAYLOAD_TELEMETRY, SURE, "json", "{\"password\":\"******\",\"x\":1}"},
    {"an empty token", PAYLOAD_TELEMETRY, SURE, "json", "{\"token\":\"\",\"expires\":3600}"},
    {"a plate and a token", PAYLOAD_METADATA, SURE, "json",
	"{\"token\":\"abcdef\",\"plateNumber\":\"AB 12\"}"},
    {"broken JSON", PAYLOAD_TELEMETRY, MAYBE, "text", "{\"a\":1]} and so on"},
    {"ONVIF's call", PAYLOAD_CONTROL, SURE, "onvif",
	"<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "
	"xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\"><s:Body><tds:GetHostname/>"
	"</s:Body></s:Envelope>"},
    {"other SOAP", PAYLOAD_CONTROL, SURE, "soap",
	"<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><a>1</a>"
	"</e:Body></e:Envelope>"},
    {"a password of WS-Security", PAYLOAD_CREDENTIALS, SURE, "soap",
	"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header><o:Password "
	"Type=\"x\">c2VjcmV0</o:Password></s:Header></s:Envelope>"},
    {"ONVIF's plates", PAYLOAD_METADATA, SURE, "onvif",
	"<tt:MetadataStream xmlns:tt=\"http://www.onvif.org/ver10/schema\"><tt:VideoAnalytics>"
	"<tt:Frame UtcTime=\"x\"><tt:Object ObjectId=\"15\"><tt:Appearance><tt:LicensePlateInfo>"
	"<tt:PlateNumber Likelihood=\"0.9\">AB 12</tt:PlateNumber></tt:LicensePlateInfo>"},
    {"ONVIF's people", PAYLOAD_METADATA, SURE, "onvif",
	"<?xml version=\"1.0\"?><tt:MetadataStream xmlns:tt=\"http://www.onvif.org/ver10/schema\">"
	"<tt:VideoAnalytics><tt:Frame><tt:Object ObjectId=\"3\"/></tt:Frame></tt:VideoAnalytics>"},
    {"ONVIF's motion", PAYLOAD_TELEMETRY, SURE, "onvif",
	"<?xml version=\"1.0\"?><tt:MetadataStream xmlns:tt=\"http://www.onvif.org/ver10/schema\">"
	"<tt:Event><tt:Message><tt:SimpleItem Name=\"IsMotion\" Value=\"true\"/></tt:Message>"},
    {"a plate as ONVIF's event", PAYLOAD_METADATA, SURE, "onvif",
	"<?xml version=\"1.0\"?><tt:Message xmlns:tt=\"http://www.onvif.org/ver10/schema\"><tt:Data>"
	"<tt:SimpleItem Name=\"PlateNumber\" Value=\"AB 12\"/></tt:Data></tt:Message>"},
    {"Hikvision's plates", PAYLOAD_METADATA, SURE, "xml",
	"<EventNotificationAlert version=\"2.0\" xmlns=\"http://www.isapi.org/ver20/XMLSchema\">"
	"<ipAddress>10.0.0.3</ipAddress><eventType>ANPR</eventType><ANPR><licensePlate>AB12"
	"</licensePlate></ANPR></EventNotificationAlert>"},
    {"Hikvision's motion", PAYLOAD_TELEMETRY, SURE, "xml",
	"<EventNotificationAlert version=\"1.0\"><eventType>VMD</eventType><eventState>active"
	"</eventState></EventNotificationAlert>"},
    {"a page", PAYLOAD_TELEMETRY, SURE, "html",
	"<!DOCTYPE html><html><head><title>Camera</title></head><body>ok</body></html>"},
    {"a form", PAYLOAD_TELEMETRY, SURE, "form", "device=cam7&state=ok&uptime=1200&x=%20"},
    {"a short form", PAYLOAD_TELEMETRY, MAYBE, "form", "a=1&b=2"},
    {"a form that logs in", PAYLOAD_CREDENTIALS, SURE, "form", "username=admin&password=12345"},
    {"Dahua's event", PAYLOAD_METADATA, SURE, "lines",
	"Code=TrafficJunction;action=Pulse;index=0;data={\"TrafficCar\":{\"PlateNumber\":\"AB\"}}"},
    {"Dahua's motion", PAYLOAD_TELEMETRY, MAYBE, "lines",
	"Code=VideoMotion;action=Start;index=0;data={\"Id\":[0]}"},
    {"Dahua's table", PAYLOAD_METADATA, SURE, "lines",
	"Events[0].Code=TrafficJunction\r\nEvents[0].Index=0\r\n"},
    {"Dahua's plates in a table", PAYLOAD_METADATA, SURE, "lines",
	"Events[0].TrafficCar.PlateNumber=AB12\r\nEvents[0].Index=0\r\n"},
    {"a list of names and their secrets", PAYLOAD_CREDENTIALS, MAYBE, "lines",
	"user: admin\npassword: hunter2\n"},
    {"a configuration", PAYLOAD_TELEMETRY, MAYBE, "lines", "table.Name=cam\r\ntable.Fps=25\r\n"},
    {"a request of RTSP", PAYLOAD_CONTROL, SURE, "rtsp",
	"DESCRIBE rtsp://10.0.0.2/1 RTSP/1.0\r\nCSeq: 2\r\n\r\n"},
    {"an answer of HTTP", PAYLOAD_CONTROL, SURE, "http", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"},
    {"a request of HTTP", PAYLOAD_CONTROL, SURE, "http", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"},
    {"a description", PAYLOAD_CONTROL, SURE, "sdp", "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=x\r\n"},
    {"a private key", PAYLOAD_CREDENTIALS, SURE, "pem",
	"-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n"},
    {"words", PAYLOAD_TELEMETRY, MAYBE, "text", "The door was opened at noon."},
    {"Chinese", PAYLOAD_TELEMETRY, MAYBE, "text",
	"\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87"},
    {"a script", PAYLOAD_FIRMWARE, SURE, "script", "#!/bin/sh\nwget http://10.0.0.9/x\n"},
    {"a word", PAYLOAD_OPAQUE, MAYBE, "", "ping"},
    {"a signal tone of G.711", PAYLOAD_OPAQUE, MAYBE, "",
	"\xd5\xd5\x55\xd5\x95\xd5\x54\xd5\xd5\xd5\xd5\x95\x54\xd5\xd5\xd5\xd5\xd5\x55\xd5"},
};

ParameterizedTestParameters(payload_text, is_what_it_says)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_text, is_what_it_says)
{
	static const size_t pieces[] = {SIZE_MAX, 1, 7, 64};

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct payload_facts facts =
		    meter_message(row->text, strlen(row->text), pieces[i], NULL);

		cr_expect_eq(facts.class, row->class, "%s: %s", row->why,
		    payload_class_name(facts.class));
		cr_expect_eq(facts.confidence, row->confidence, "%s: %s", row->why,
		    confidence_name(facts.confidence));
		cr_expect_str_eq(facts.format, row->format, "%s: '%s'", row->why, facts.format);
	}
}

/* Whatever is cut off or changed, it is read without harm, and counted. */
ParameterizedTestParameters(payload_text, may_be_broken)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_text, may_be_broken)
{
	size_t size = strlen(row->text);

	for (size_t i = 0; i < size; i++) {
		char changed[sizeof(row->text)];

		memcpy(changed, row->text, size);
		(void)meter_message(changed, i, SIZE_MAX, NULL);
		changed[i] ^= 0x20;
		(void)meter_message(changed, size, SIZE_MAX, NULL);
		changed[i] = (char)0x80;
		(void)meter_message(changed, size, SIZE_MAX, NULL);
	}
}

/* A picture in a text is a picture; one of which nothing is known leaves the text
 * what it is, unless it is most of it. */
Test(payload_text, what_strings_hold_counts)
{
	static const char picture[] =
	    "{\"a\":\"x\",\"img\":\"data:image/jpeg;base64,"
	    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkS"
	    "Ew8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL\"}";
	static const char escaped[] =
	    "{\"img\":\"\\/9j\\/4AAQSkZJRgABAQAAAQABAAD\\/2wBDAAgGBgcGBQgH"
	    "BwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwg\\r\\nJC4nICIsIxwc\"}";
	static const char element[] =
	    "<a><name>x</name><pic>/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkS"
	    "</pic></a>";
	struct payload_facts facts = meter_message(picture, sizeof(picture) - 1, 50, NULL);

	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
	cr_expect_str_eq(facts.format, "jpeg");
	facts = meter_message(escaped, sizeof(escaped) - 1, SIZE_MAX, NULL);
	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
	facts = meter_message(element, sizeof(element) - 1, SIZE_MAX, NULL);
	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
}

static size_t
write_blob(char *out, size_t characters)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint64_t x = 88172645463325252ULL;
	size_t used = (size_t)sprintf(out, "{\"id\":1,\"blob\":\"");

	for (size_t i = 0; i < characters; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		out[used++] = alphabet[x >> 32 & 63];
	}
	return used + (size_t)sprintf(out + used, "\"}");
}

Test(payload_text, a_text_that_is_most_of_all_a_secret_is_opaque)
{
	char text[4096];
	struct payload_facts facts = meter_message(text, write_blob(text, 2048), 1000, NULL);

	cr_expect_eq(facts.class, PAYLOAD_OPAQUE);
	cr_expect(facts.high_entropy);
	facts = meter_message(text, write_blob(text, 200), 1000, NULL);
	cr_expect_eq(facts.class, PAYLOAD_TELEMETRY, "an identifier is none");
}
