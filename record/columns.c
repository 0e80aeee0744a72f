/* SPDX-License-Identifier: MIT */
#include "record/columns.h"

#include "base/text.h"

#include <string.h>

#define BIND(name)                                                                                 \
	static int bind_##name(sqlite3_stmt *stmt, int parameter, const struct facts *facts)

static int
bind_number(sqlite3_stmt *stmt, int parameter, uint64_t value)
{
	return sqlite3_bind_int64(stmt, parameter, (sqlite3_int64)value);
}

static int
bind_text(sqlite3_stmt *stmt, int parameter, const char *value)
{
	return sqlite3_bind_text(stmt, parameter, value, -1, SQLITE_STATIC);
}

static int
bind_copy(sqlite3_stmt *stmt, int parameter, const char *value)
{
	return sqlite3_bind_text(stmt, parameter, value, -1, SQLITE_TRANSIENT);
}

static int
bind_time(sqlite3_stmt *stmt, int parameter, uint64_t wall_us)
{
	return wall_us != 0 ? bind_number(stmt, parameter, wall_us)
			    : sqlite3_bind_null(stmt, parameter);
}

static int
bind_addr(sqlite3_stmt *stmt, int parameter, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	return bind_copy(stmt, parameter, addr_text(addr, text));
}

static int
bind_countries(sqlite3_stmt *stmt, int parameter, const struct countries *countries)
{
	char text[COUNTRIES_TEXT_MAX];

	return bind_copy(stmt, parameter, countries_text(countries, text));
}

static int
bind_errors(sqlite3_stmt *stmt, int parameter, uint32_t errors)
{
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(errors, names);
	char line[FACTS_DN_MAX];
	struct text text = text_in(line, sizeof(line));

	for (size_t i = 0; i < count; i++)
		text_add(&text, "%s%s", i > 0 ? " " : "", names[i]);
	return bind_copy(stmt, parameter, line);
}

static int
bind_hash(sqlite3_stmt *stmt, int parameter, const uint8_t hash[32])
{
	static const uint8_t none[32];
	char hex[65];

	if (memcmp(hash, none, sizeof(none)) == 0)
		return bind_text(stmt, parameter, "");
	text_hex(hex, hash, 32);
	return bind_copy(stmt, parameter, hex);
}

BIND(f_flow_id)
{
	return bind_number(stmt, parameter, facts->flow_id);
}

BIND(f_opened)
{
	return bind_time(stmt, parameter, facts->opened_wall_us);
}

BIND(f_closed)
{
	return bind_time(stmt, parameter, facts->closed_wall_us);
}

BIND(f_duration_us)
{
	return bind_number(stmt, parameter, facts->duration_us);
}

BIND(f_device)
{
	return bind_text(stmt, parameter, facts->device);
}

BIND(f_camera)
{
	return bind_addr(stmt, parameter, &facts->camera);
}

BIND(f_camera_port)
{
	return bind_number(stmt, parameter, facts->camera.port);
}

BIND(f_mac)
{
	char text[MAC_TEXT_MAX];

	if (!mac_is_set(facts->mac))
		return bind_text(stmt, parameter, "");
	return bind_copy(stmt, parameter, mac_text(facts->mac, text));
}

BIND(f_iface)
{
	return bind_text(stmt, parameter, facts->iface);
}

BIND(f_dst)
{
	return bind_addr(stmt, parameter, &facts->dst);
}

BIND(f_port)
{
	return bind_number(stmt, parameter, facts->dst.port);
}

BIND(f_sni)
{
	return bind_text(stmt, parameter, facts->hello.sni);
}

BIND(f_hello)
{
	return bind_text(stmt, parameter, hello_kind_name(facts->hello.kind));
}

BIND(f_protocol)
{
	return bind_text(stmt, parameter, facts->hello.protocol);
}

BIND(f_ja4)
{
	return bind_text(stmt, parameter, facts->hello.ja4);
}

BIND(f_located)
{
	char text[COUNTRIES_TEXT_MAX];

	return bind_copy(stmt, parameter, located_text(&facts->place, text));
}

BIND(f_registered)
{
	return bind_countries(stmt, parameter, &facts->place.registered);
}

BIND(f_operator)
{
	return bind_countries(stmt, parameter, &facts->place.operator);
}

BIND(f_asn)
{
	return bind_number(stmt, parameter, facts->place.asn);
}

BIND(f_org)
{
	return bind_text(stmt, parameter, facts->place.org);
}

BIND(f_vendor)
{
	return bind_text(stmt, parameter, facts->place.vendor);
}

BIND(f_located_basis)
{
	return bind_text(stmt, parameter, facts->place.located_basis);
}

BIND(f_registered_basis)
{
	return bind_text(stmt, parameter, facts->place.registered_basis);
}

BIND(f_operator_basis)
{
	return bind_text(stmt, parameter, facts->place.operator_basis);
}

BIND(f_vendor_basis)
{
	return bind_text(stmt, parameter, facts->place.vendor_basis);
}

BIND(f_inspect)
{
	return bind_text(stmt, parameter, inspect_name(facts->inspect));
}

BIND(f_verdict)
{
	return bind_text(stmt, parameter, result_name(facts->verdict.result));
}

BIND(f_shadow)
{
	return bind_number(stmt, parameter, facts->verdict.shadow ? 1 : 0);
}

BIND(f_verdict_stage)
{
	return bind_text(stmt, parameter, verdict_stage_name(facts->verdict.stage));
}

BIND(f_flag)
{
	return bind_text(stmt, parameter, severity_name(facts->verdict.flag.severity));
}

BIND(f_flag_ruleset)
{
	return bind_text(stmt, parameter, facts->verdict.flag.ruleset);
}

BIND(f_flag_rule)
{
	return bind_text(stmt, parameter, facts->verdict.flag.rule);
}

BIND(f_ruleset)
{
	return bind_text(stmt, parameter, facts->verdict.ruleset);
}

BIND(f_ruleset_version)
{
	return bind_text(stmt, parameter, facts->verdict.ruleset_version);
}

BIND(f_rule)
{
	return bind_text(stmt, parameter, facts->verdict.rule);
}

BIND(f_why)
{
	return bind_text(stmt, parameter, facts->verdict.why);
}

BIND(f_up)
{
	return bind_number(stmt, parameter, facts->traffic.up);
}

BIND(f_down)
{
	return bind_number(stmt, parameter, facts->traffic.down);
}

BIND(f_left_up)
{
	return bind_number(stmt, parameter, facts->traffic.left_up);
}

BIND(f_left_down)
{
	return bind_number(stmt, parameter, facts->traffic.left_down);
}

BIND(f_end)
{
	return bind_text(stmt, parameter, end_name(facts->end));
}

BIND(f_end_text)
{
	return bind_text(stmt, parameter, facts->end_text);
}

BIND(f_server_tls)
{
	return bind_text(stmt, parameter, tls_version_name(facts->server.version));
}

BIND(f_camera_tls)
{
	return bind_text(stmt, parameter, tls_version_name(facts->camera_tls.version));
}

BIND(f_camera_verdict)
{
	return bind_text(stmt, parameter, camera_verdict_name(facts->camera_tls.verdict));
}

BIND(f_verified)
{
	return bind_number(stmt, parameter, facts->server.verified ? 1 : 0);
}

BIND(f_errors)
{
	return bind_errors(stmt, parameter, facts->server.errors);
}

BIND(f_subject)
{
	return bind_text(stmt, parameter, facts->server.subject);
}

BIND(f_issuer)
{
	return bind_text(stmt, parameter, facts->server.issuer);
}

BIND(f_sha256)
{
	return bind_hash(stmt, parameter, facts->server.sha256);
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

const struct column columns[] = {
    {"flow_id", COLUMN_NUMBER, "joins the lines and rows of one connection", bind_f_flow_id, NULL},
    {"opened", COLUMN_TIME, "when the camera's connection was taken", bind_f_opened, NULL},
    {"closed", COLUMN_TIME, "when it ended; empty while it is open", bind_f_closed, NULL},
    {"duration_us", COLUMN_NUMBER, "by the clock that does not jump", bind_f_duration_us, NULL},
    {"device", COLUMN_TEXT, "the camera's name; its MAC or address where it has none",
	bind_f_device, NULL},
    {"camera", COLUMN_ADDR, "the camera's address", bind_f_camera, NULL},
    {"camera_port", COLUMN_NUMBER, "the camera's port", bind_f_camera_port, NULL},
    {"mac", COLUMN_TEXT, "the camera's MAC; empty where the kernel knows none", bind_f_mac, NULL},
    {"iface", COLUMN_TEXT, "the interface it came in by", bind_f_iface, NULL},
    {"dst", COLUMN_ADDR, "the address the camera wanted", bind_f_dst, NULL},
    {"port", COLUMN_NUMBER, "the port the camera wanted", bind_f_port, NULL},
    {"sni", COLUMN_TEXT, "the server name the camera sent", bind_f_sni, NULL},
    {"hello", COLUMN_WORD, "none, tls, not-tls or broken", bind_f_hello, word_hello},
    {"protocol", COLUMN_TEXT, "what was spoken instead of TLS", bind_f_protocol, NULL},
    {"ja4", COLUMN_TEXT, "fingerprint of the camera's hello", bind_f_ja4, NULL},
    {"located", COLUMN_COUNTRIES, "where the server is; or anycast, private, satellite",
	bind_f_located, NULL},
    {"registered", COLUMN_COUNTRIES, "where its address is registered", bind_f_registered, NULL},
    {"operator", COLUMN_COUNTRIES, "who controls the network", bind_f_operator, NULL},
    {"asn", COLUMN_NUMBER, "the network's number; 0: unknown", bind_f_asn, NULL},
    {"org", COLUMN_TEXT, "the network's name", bind_f_org, NULL},
    {"vendor", COLUMN_TEXT, "whose cloud, by the server name", bind_f_vendor, NULL},
    {"located_basis", COLUMN_TEXT, "what says where it is: database and its date, or override",
	bind_f_located_basis, NULL},
    {"registered_basis", COLUMN_TEXT, "what says where it is registered", bind_f_registered_basis,
	NULL},
    {"operator_basis", COLUMN_TEXT, "the table's line that says who controls the network",
	bind_f_operator_basis, NULL},
    {"vendor_basis", COLUMN_TEXT, "the table's line that says whose cloud it is",
	bind_f_vendor_basis, NULL},
    {"inspect", COLUMN_WORD, "opened, passthrough, refused, rejected, plain or undecodable",
	bind_f_inspect, word_inspect},
    {"verdict", COLUMN_WORD, "observe, allow, limit or block", bind_f_verdict, word_verdict},
    {"shadow", COLUMN_BOOL, "would have blocked, but the set only records", bind_f_shadow, NULL},
    {"verdict_stage", COLUMN_WORD, "what was known when it fell: address, name, certificate ...",
	bind_f_verdict_stage, word_verdict_stage},
    {"flag", COLUMN_WORD, "info, medium or high, where a rule wants it looked at", bind_f_flag,
	word_flag},
    {"flag_ruleset", COLUMN_TEXT, "the rule set of that rule", bind_f_flag_ruleset, NULL},
    {"flag_rule", COLUMN_TEXT, "that rule", bind_f_flag_rule, NULL},
    {"ruleset", COLUMN_TEXT, "the rule set that decided", bind_f_ruleset, NULL},
    {"ruleset_version", COLUMN_TEXT, "its version", bind_f_ruleset_version, NULL},
    {"rule", COLUMN_TEXT, "the rule that decided", bind_f_rule, NULL},
    {"why", COLUMN_TEXT, "the reason, in one sentence", bind_f_why, NULL},
    {"up", COLUMN_NUMBER, "payload bytes from the camera", bind_f_up, NULL},
    {"down", COLUMN_NUMBER, "payload bytes from the server", bind_f_down, NULL},
    {"left_up", COLUMN_NUMBER, "payload bytes that left towards the server", bind_f_left_up, NULL},
    {"left_down", COLUMN_NUMBER, "payload bytes that left towards the camera", bind_f_left_down,
	NULL},
    {"end", COLUMN_WORD, "why it ended", bind_f_end, word_end},
    {"end_text", COLUMN_TEXT, "what was seen at its end", bind_f_end_text, NULL},
    {"server_tls", COLUMN_WORD, "version with the server", bind_f_server_tls, word_tls},
    {"camera_tls", COLUMN_WORD, "version with the camera", bind_f_camera_tls, word_tls},
    {"camera_verdict", COLUMN_WORD, "ok, rejected or probable", bind_f_camera_verdict,
	word_camera_verdict},
    {"verified", COLUMN_BOOL, "the server's certificate was found good", bind_f_verified, NULL},
    {"errors", COLUMN_TEXT, "what is wrong with the server's certificate", bind_f_errors, NULL},
    {"subject", COLUMN_TEXT, "of the server's certificate", bind_f_subject, NULL},
    {"issuer", COLUMN_TEXT, "of the server's certificate", bind_f_issuer, NULL},
    {"sha256", COLUMN_TEXT, "of the server's certificate", bind_f_sha256, NULL},
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
