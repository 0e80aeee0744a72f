/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- TLS ---- */

static void
add_alpns(struct jsonw *json, const struct hello_facts *hello)
{
	struct bytes in = {hello->alpn, hello->alpn_size};
	struct bytes name;
	uint8_t size;

	if (hello->alpn_size == 0)
		return;
	jsonw_open_array(json, "client_alpns");
	while (bytes_u8(&in, &size) && bytes_take(&in, size, &name))
		jsonw_bytes(json, NULL, name.at, name.left);
	jsonw_close_array(json);
}

/* Suricata writes the dates of a certificate without a zone: UTC. */
static void
add_date(struct jsonw *json, const char *key, int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm = {0};
	char date[CLOCK_TEXT_MAX];

	if (gmtime_r(&when, &tm) != NULL &&
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
		jsonw_string(json, key, date);
}

static void
add_certificate(struct jsonw *json, const struct server_facts *server)
{
	if (server->subject[0] == '\0' && server->serial[0] == '\0')
		return;
	jsonw_string(json, "subject", server->subject);
	jsonw_string(json, "issuerdn", server->issuer);
	jsonw_string(json, "serial", server->serial);
	eve_add_text(json, "fingerprint", server->sha1);
	add_date(json, "notbefore", server->not_before);
	add_date(json, "notafter", server->not_after);
}

/* Of DTLS, which passes through, what the camera's hello says. */
static const char *
version_of(const struct facts *facts)
{
	if (facts->app.proto != APP_DTLS)
		return tls_version_name(facts->server.version);
	switch (facts->app.version) {
	case 0xfeff:
		return "DTLS 1.0";
	case 0xfefd:
		return "DTLS 1.2";
	case 0xfefc:
		return "DTLS 1.3";
	default:
		return "";
	}
}

static void
add_ja3(struct jsonw *json, const struct hello_facts *hello)
{
	if (hello->ja3[0] == '\0')
		return;
	jsonw_open(json, "ja3");
	jsonw_string(json, "hash", hello->ja3);
	jsonw_close(json);
}

static void
add_tls(struct jsonw *json, const struct facts *facts)
{
	jsonw_open(json, "tls");
	add_certificate(json, &facts->server);
	if (facts->hello.sni_present)
		jsonw_string(json, "sni", facts->hello.sni);
	eve_add_text(json, "version", version_of(facts));
	if (facts->server.resumed)
		jsonw_bool(json, "session_resumed", true);
	add_alpns(json, &facts->hello);
	if (facts->server.alpn[0] != '\0') {
		jsonw_open_array(json, "server_alpns");
		jsonw_string(json, NULL, facts->server.alpn);
		jsonw_close_array(json);
	}
	add_ja3(json, &facts->hello);
	eve_add_text(json, "ja4", facts->hello.ja4);
	jsonw_close(json);
}

/* ---- QUIC ---- */

/* "1" and "2" (RFC 9000, RFC 9369); a draft is its number, as Suricata has it. */
static void
add_quic_version(struct jsonw *json, uint32_t version)
{
	char text[16];

	if (version == 0)
		return;
	if (version == 0x6b3343cf)
		version = 2;
	(void)snprintf(text, sizeof(text), "%x", (unsigned)version);
	jsonw_string(json, "version", text);
}

static void
add_quic(struct jsonw *json, const struct facts *facts)
{
	jsonw_open(json, "quic");
	add_quic_version(json, facts->app.version);
	if (facts->hello.sni_present)
		jsonw_string(json, "sni", facts->hello.sni);
	add_ja3(json, &facts->hello);
	eve_add_text(json, "ja4", facts->hello.ja4);
	jsonw_close(json);
}

/* ---- other protocols, where Suricata has words for them ---- */

static void
add_http(struct jsonw *json, const struct app_facts *app)
{
	jsonw_open(json, "http");
	eve_add_text(json, "hostname", app->host);
	eve_add_text(json, "url", app->path);
	eve_add_text(json, "http_user_agent", app->agent);
	eve_add_text(json, "http_method", app->method);
	if (app->proto == APP_HTTP2)
		jsonw_string(json, "version", "2");
	if (app->status != 0)
		jsonw_number(json, "status", app->status);
	jsonw_close(json);
}

static void
add_mqtt(struct jsonw *json, const struct app_facts *app)
{
	jsonw_open(json, "mqtt");
	if (app->client[0] != '\0') {
		jsonw_open(json, "connect");
		jsonw_string(json, "client_id", app->client);
		jsonw_close(json);
	}
	if (app->topics[0] != '\0') {
		char topic[sizeof(app->topics)];

		(void)snprintf(topic, sizeof(topic), "%.*s", (int)strcspn(app->topics, ","),
		    app->topics);
		jsonw_open(json, "publish");
		jsonw_string(json, "topic", topic);
		jsonw_close(json);
	}
	jsonw_close(json);
}

static void
add_smtp(struct jsonw *json, const struct app_facts *app)
{
	jsonw_open(json, "smtp");
	eve_add_text(json, "helo", app->client);
	jsonw_close(json);
}

bool
eve_is_http(enum app_proto proto)
{
	return proto == APP_HTTP || proto == APP_HTTP2 || proto == APP_WEBSOCKET;
}

void
eve_add_said(struct jsonw *json, const struct facts *facts)
{
	if (facts->app.proto == APP_QUIC)
		add_quic(json, facts);
	else if (facts->hello.kind == HELLO_TLS)
		add_tls(json, facts);
	if (eve_is_http(facts->app.proto))
		add_http(json, &facts->app);
	else if (facts->app.proto == APP_MQTT)
		add_mqtt(json, &facts->app);
	else if (facts->app.proto == APP_SMTP)
		add_smtp(json, &facts->app);
}

const char *
eve_app_proto(const struct facts *facts)
{
	enum app_proto proto = facts->app.proto;

	if (facts->hello.kind == HELLO_TLS && proto != APP_QUIC && proto != APP_DTLS)
		return "tls";
	if (proto > APP_UNKNOWN)
		return app_proto_name(proto);
	return facts->hello.protocol[0] != '\0' ? facts->hello.protocol : "failed";
}
