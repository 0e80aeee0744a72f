/* SPDX-License-Identifier: MIT */
#include "record/columns.h"

#include "base/text.h"
#include "record/number.h"

#include <string.h>

/* ---- binding ---- */

static int
bind_copy(sqlite3_stmt *stmt, int parameter, const char *value)
{
	return sqlite3_bind_text(stmt, parameter, value, -1, SQLITE_TRANSIENT);
}

static int
bind_literal(sqlite3_stmt *stmt, int parameter, const char *value)
{
	return sqlite3_bind_text(stmt, parameter, value, -1, SQLITE_STATIC);
}

static int
bind_addr(sqlite3_stmt *stmt, int parameter, const uint8_t *at)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	memcpy(&addr, at, sizeof(addr));
	return bind_copy(stmt, parameter, addr_text(&addr, text));
}

static int
bind_countries(sqlite3_stmt *stmt, int parameter, const uint8_t *at)
{
	char text[COUNTRIES_TEXT_MAX];
	struct countries countries;

	memcpy(&countries, at, sizeof(countries));
	return bind_copy(stmt, parameter, countries_text(&countries, text));
}

int
column_bind(const struct column *column, sqlite3_stmt *stmt, int parameter,
    const struct facts *facts)
{
	const uint8_t *at = (const uint8_t *)facts + column->at;
	uint64_t number;

	if (column->bind != NULL)
		return column->bind(stmt, parameter, facts);
	switch (column->type) {
	case COLUMN_TEXT:
		return bind_literal(stmt, parameter, (const char *)at);
	case COLUMN_ADDR:
		return bind_addr(stmt, parameter, at);
	case COLUMN_COUNTRIES:
		return bind_countries(stmt, parameter, at);
	case COLUMN_NUMBER:
	case COLUMN_BOOL:
	case COLUMN_TIME:
	case COLUMN_WORD:
		break;
	}
	number = number_load(at, column->size);
	if (column->type == COLUMN_WORD)
		return bind_literal(stmt, parameter, column->word((size_t)number));
	if (column->type == COLUMN_TIME && number == 0)
		return sqlite3_bind_null(stmt, parameter);
	return sqlite3_bind_int64(stmt, parameter, (sqlite3_int64)number);
}

/* ---- what is no plain fact ---- */

static int
bind_mac(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	char text[MAC_TEXT_MAX];

	if (!mac_is_set(facts->mac))
		return bind_literal(stmt, parameter, "");
	return bind_copy(stmt, parameter, mac_text(facts->mac, text));
}

static int
bind_located(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	char text[COUNTRIES_TEXT_MAX];

	return bind_copy(stmt, parameter, located_text(&facts->place, text));
}

static int
bind_errors(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(facts->server.errors, names);
	char line[FACTS_DN_MAX];
	struct text text = text_in(line, sizeof(line));

	for (size_t i = 0; i < count; i++)
		text_add(&text, "%s%s", i > 0 ? " " : "", names[i]);
	return bind_copy(stmt, parameter, line);
}

static int
bind_sha256(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	static const uint8_t none[sizeof(facts->server.sha256)];
	char hex[2 * sizeof(none) + 1];

	if (memcmp(facts->server.sha256, none, sizeof(none)) == 0)
		return bind_literal(stmt, parameter, "");
	text_hex(hex, facts->server.sha256, sizeof(none));
	return bind_copy(stmt, parameter, hex);
}

static int
bind_server_tls(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	return bind_literal(stmt, parameter, tls_version_name(facts->server.version));
}

static int
bind_camera_tls(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	return bind_literal(stmt, parameter, tls_version_name(facts->camera_tls.version));
}

static int
bind_name_basis(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	return bind_literal(stmt, parameter, name_basis_name(facts));
}

static int
bind_first(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	char hex[2 * sizeof(facts->app.first) + 1] = "";

	if (facts->app.first_size > 0)
		text_hex(hex, facts->app.first, facts->app.first_size);
	return bind_copy(stmt, parameter, hex);
}

static int
bind_classes(sqlite3_stmt *stmt, int parameter, const struct facts *facts)
{
	const struct payload_facts *payload = &facts->payload;
	char line[PAYLOAD_COUNT * 64] = "";
	struct text text = text_in(line, sizeof(line));

	for (size_t i = 0; i < PAYLOAD_COUNT && payload->examined > 0; i++) {
		enum confidence sure;

		if (!payload_was_seen(payload, (enum payload_class)i, &sure))
			continue;
		text_add(&text, "%s%s %llu/%llu", text.used > 0 ? ", " : "",
		    payload_class_name((enum payload_class)i), (unsigned long long)payload->up[i],
		    (unsigned long long)payload->down[i]);
	}
	return bind_copy(stmt, parameter, line);
}

/* ---- the words of closed sets ---- */

static const char *
word_hello(size_t index)
{
	return index <= HELLO_BROKEN ? hello_kind_name((enum hello_kind)index) : NULL;
}

static const char *
word_inspect(size_t index)
{
	return index <= INSPECT_UNDECODABLE ? inspect_name((enum inspect)index) : NULL;
}

static const char *
word_verdict(size_t index)
{
	return index <= RESULT_BLOCK ? result_name((enum result)index) : NULL;
}

static const char *
word_verdict_stage(size_t index)
{
	return index <= VERDICT_PAYLOAD ? verdict_stage_name((enum verdict_stage)index) : NULL;
}

static const char *
word_flag(size_t index)
{
	return index <= SEVERITY_HIGH ? severity_name((enum severity)index) : NULL;
}

static const char *
word_end(size_t index)
{
	return index < END_COUNT ? end_name((enum end)index) : NULL;
}

static const char *
word_tls(size_t index)
{
	static const uint16_t versions[] = {0, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0xffff};

	return index < sizeof(versions) / sizeof(versions[0]) ? tls_version_name(versions[index])
							      : NULL;
}

static const char *
word_camera_verdict(size_t index)
{
	return index <= CAMERA_TLS_PROBABLE ? camera_verdict_name((enum camera_verdict)index)
					    : NULL;
}

static const char *
word_proto(size_t index)
{
	static const char *const names[] = {"tcp", "udp"};

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

static const char *
word_app(size_t index)
{
	return index < APP_COUNT ? app_proto_name((enum app_proto)index) : NULL;
}

static const char *
word_name_basis(size_t index)
{
	static const char *const names[] = {"none", "sni", "dns"};

	return index < sizeof(names) / sizeof(names[0]) ? names[index] : NULL;
}

static const char *
word_class(size_t index)
{
	return index < PAYLOAD_COUNT ? payload_class_name((enum payload_class)index) : NULL;
}

static const char *
word_confidence(size_t index)
{
	return index <= CONFIDENCE_IDENTIFIED ? confidence_name((enum confidence)index) : NULL;
}

static const char *
word_direction(size_t index)
{
	return index <= DIRECTION_DOWN ? direction_name((enum direction)index) : NULL;
}

/* ---- the table ---- */

#define IN_FACTS(member) offsetof(struct facts, member), sizeof(((struct facts *)NULL)->member)

#define FACT(name, type, member, help)                                                             \
	{                                                                                          \
		name, type, help, IN_FACTS(member), NULL, NULL, NULL                               \
	}
#define WORD(name, member, help, word)                                                             \
	{                                                                                          \
		name, COLUMN_WORD, help, IN_FACTS(member), NULL, word, NULL                        \
	}
#define DERIVED(name, type, help, bind)                                                            \
	{                                                                                          \
		name, type, help, 0, 0, bind, NULL, NULL                                           \
	}
#define DERIVED_WORD(name, help, bind, word, fill)                                                 \
	{                                                                                          \
		name, COLUMN_WORD, help, 0, 0, bind, word, fill                                    \
	}

const struct column columns[] = {
    FACT("flow_id", COLUMN_NUMBER, flow_id, "joins the lines and rows of one connection"),
    FACT("opened", COLUMN_TIME, opened_wall_us, "when the camera's connection was taken"),
    FACT("closed", COLUMN_TIME, closed_wall_us, "when it ended; empty while it is open"),
    FACT("duration_us", COLUMN_NUMBER, duration_us, "by the clock that does not jump"),
    FACT("device", COLUMN_TEXT, device, "the camera's name; its MAC or address where it has none"),
    FACT("camera", COLUMN_ADDR, camera, "the camera's address"),
    FACT("camera_port", COLUMN_NUMBER, camera.port, "the camera's port"),
    DERIVED("mac", COLUMN_TEXT, "the camera's MAC; empty where the kernel knows none", bind_mac),
    FACT("iface", COLUMN_TEXT, iface, "the interface it came in by"),
    FACT("dst", COLUMN_ADDR, dst, "the address the camera wanted"),
    FACT("port", COLUMN_NUMBER, dst.port, "the port the camera wanted"),
    FACT("sni", COLUMN_TEXT, hello.sni, "the server name the camera sent"),
    WORD("hello", hello.kind, "none, tls, not-tls or broken", word_hello),
    FACT("protocol", COLUMN_TEXT, hello.protocol, "what was spoken instead of TLS"),
    FACT("ja4", COLUMN_TEXT, hello.ja4, "fingerprint of the camera's hello"),
    DERIVED("located", COLUMN_COUNTRIES, "where the server is; or anycast, private, satellite",
	bind_located),
    FACT("registered", COLUMN_COUNTRIES, place.registered, "where its address is registered"),
    FACT("operator", COLUMN_COUNTRIES, place.operator, "who controls the network"),
    FACT("asn", COLUMN_NUMBER, place.asn, "the network's number; 0: unknown"),
    FACT("org", COLUMN_TEXT, place.org, "the network's name"),
    FACT("vendor", COLUMN_TEXT, place.vendor, "whose cloud, by the server name"),
    FACT("located_basis", COLUMN_TEXT, place.located_basis,
	"what says where it is: database and its date, or override"),
    FACT("registered_basis", COLUMN_TEXT, place.registered_basis,
	"what says where it is registered"),
    FACT("operator_basis", COLUMN_TEXT, place.operator_basis,
	"the table's line that says who controls the network"),
    FACT("vendor_basis", COLUMN_TEXT, place.vendor_basis,
	"the table's line that says whose cloud it is"),
    WORD("inspect", inspect, "opened, passthrough, refused, rejected, plain or undecodable",
	word_inspect),
    WORD("verdict", verdict.result, "observe, allow, limit or block", word_verdict),
    FACT("shadow", COLUMN_BOOL, verdict.shadow, "would have blocked, but the set only records"),
    WORD("verdict_stage", verdict.stage,
	"what was known when it fell: address, name, certificate ...", word_verdict_stage),
    WORD("flag", verdict.flag.severity, "info, medium or high, where a rule wants it looked at",
	word_flag),
    FACT("flag_ruleset", COLUMN_TEXT, verdict.flag.ruleset, "the rule set of that rule"),
    FACT("flag_rule", COLUMN_TEXT, verdict.flag.rule, "that rule"),
    FACT("ruleset", COLUMN_TEXT, verdict.ruleset, "the rule set that decided"),
    FACT("ruleset_version", COLUMN_TEXT, verdict.ruleset_version, "its version"),
    FACT("rule", COLUMN_TEXT, verdict.rule, "the rule that decided"),
    FACT("why", COLUMN_TEXT, verdict.why, "the reason, in one sentence"),
    FACT("up", COLUMN_NUMBER, traffic.up, "payload bytes from the camera"),
    FACT("down", COLUMN_NUMBER, traffic.down, "payload bytes from the server"),
    FACT("left_up", COLUMN_NUMBER, traffic.left_up, "payload bytes that left towards the server"),
    FACT("left_down", COLUMN_NUMBER, traffic.left_down,
	"payload bytes that left towards the camera"),
    WORD("end", end, "why it ended", word_end),
    FACT("end_text", COLUMN_TEXT, end_text, "what was seen at its end"),
    DERIVED_WORD("server_tls", "version with the server", bind_server_tls, word_tls, NULL),
    DERIVED_WORD("camera_tls", "version with the camera", bind_camera_tls, word_tls, NULL),
    WORD("camera_verdict", camera_tls.verdict, "ok, rejected or probable", word_camera_verdict),
    FACT("verified", COLUMN_BOOL, server.verified, "the server's certificate was found good"),
    DERIVED("errors", COLUMN_TEXT, "what is wrong with the server's certificate", bind_errors),
    FACT("subject", COLUMN_TEXT, server.subject, "of the server's certificate"),
    FACT("issuer", COLUMN_TEXT, server.issuer, "of the server's certificate"),
    DERIVED("sha256", COLUMN_TEXT, "of the server's certificate", bind_sha256),
    WORD("proto", transport, "tcp or udp", word_proto),
    WORD("app", app.proto,
	"what was spoken, inside of TLS where it was opened: http, rtsp, mqtt, quic ...", word_app),
    DERIVED_WORD("name_basis", "by what its name is known: sni, dns or none", bind_name_basis,
	word_name_basis, "CASE WHEN sni <> '' THEN 'sni' ELSE 'none' END"),
    FACT("looked_up", COLUMN_TEXT, looked_up,
	"the name that the camera looked up and was told this address for"),
    FACT("host", COLUMN_TEXT, app.host, "the host that was asked for: HTTP, RTSP"),
    FACT("method", COLUMN_TEXT, app.method, "of the first request"),
    FACT("path", COLUMN_TEXT, app.path, "of the first request, without its query"),
    FACT("agent", COLUMN_TEXT, app.agent, "user agent, or banner"),
    FACT("client", COLUMN_TEXT, app.client, "client id of MQTT; the name given to HELO"),
    FACT("topics", COLUMN_TEXT, app.topics, "of MQTT"),
    FACT("status", COLUMN_NUMBER, app.status, "of the first answer; 0: none"),
    FACT("requests", COLUMN_NUMBER, app.requests, "requests of the camera; of MQTT, PUBLISH"),
    DERIVED("first", COLUMN_TEXT, "of what is unknown, the first 8 bytes in hexadecimal",
	bind_first),
    FACT("starttls", COLUMN_BOOL, app.starttls, "its TLS began in the middle"),
    FACT("credentials", COLUMN_BOOL, app.credentials,
	"a password or a token went by; none is kept"),
    FACT("encrypted_dns", COLUMN_BOOL, app.encrypted_dns, "DNS over TLS or HTTPS"),
    FACT("host_mismatch", COLUMN_BOOL, app.host_mismatch,
	"the host asked for is not the server name"),
    FACT("opaque_inner", COLUMN_BOOL, app.opaque_inner, "carries what nobody looked into"),
    FACT("confused", COLUMN_BOOL, app.confused, "what came did not follow the protocol"),
    WORD("class", payload.class,
	"the gravest class of payload: video, image, telemetry, opaque ...", word_class),
    WORD("confidence", payload.confidence, "of the class: probable or identified", word_confidence),
    WORD("direction", payload.direction, "which way it went: up or down", word_direction),
    FACT("format", COLUMN_TEXT, payload.format, "what told the class: h264, jpeg ..."),
    FACT("high_entropy", COLUMN_BOOL, payload.high_entropy, "of opaque: compressed or encrypted"),
    DERIVED("classes", COLUMN_TEXT,
	"bytes of each class that was seen, up and down: video 900/0, control 100/200",
	bind_classes),
    FACT("examined", COLUMN_NUMBER, payload.examined, "payload bytes that were looked at"),
    FACT("held", COLUMN_NUMBER, payload.held, "bytes that waited for the class, at most at once"),
    FACT("packets_up", COLUMN_NUMBER, traffic.packets_up, "datagrams from the camera"),
    FACT("packets_down", COLUMN_NUMBER, traffic.packets_down, "datagrams from the server"),
    FACT("budget_rule", COLUMN_TEXT, budget.rule, "the rule whose budget it drew on, the fullest"),
    FACT("budget_used", COLUMN_NUMBER, budget.used,
	"bytes that had left under that budget in its period"),
    FACT("budget_up_over", COLUMN_NUMBER, budget.up_over, "bytes that may leave under it"),
};

const size_t column_count = sizeof(columns) / sizeof(columns[0]);

const struct column *
column_find(const char *name)
{
	for (size_t i = 0; i < column_count; i++) {
		if (strcmp(columns[i].name, name) == 0)
			return &columns[i];
	}
	return NULL;
}
