/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { US_PER_MS = 1000 };

/* ---- where it goes, and how it is secured ---- */

static void
add_place(struct jsonw *json, const struct place *place)
{
	jsonw_open(json, "place");
	located_json(place, json, "located");
	countries_json(&place->registered, json, "registered");
	countries_json(&place->operator, json, "operator");
	jsonw_number(json, "asn", place->asn);
	jsonw_string(json, "org", place->org[0] != '\0' ? place->org : "unknown");
	jsonw_string(json, "vendor", place->vendor[0] != '\0' ? place->vendor : "unknown");
	jsonw_open(json, "basis");
	eve_add_text(json, "country", place->located_basis);
	eve_add_text(json, "registered", place->registered_basis);
	eve_add_text(json, "operator", place->operator_basis);
	eve_add_text(json, "vendor", place->vendor_basis);
	jsonw_close(json);
	jsonw_close(json);
}

static void
add_server(struct jsonw *json, const struct server_facts *server)
{
	const char *names[CERT_ERRORS_MAX];
	size_t count = cert_error_names(server->errors, names);

	jsonw_open(json, "server");
	jsonw_bool(json, "verified", server->verified);
	jsonw_open_array(json, "errors");
	for (size_t i = 0; i < count; i++)
		jsonw_string(json, NULL, names[i]);
	jsonw_close_array(json);
	eve_add_text(json, "version", tls_version_name(server->version));
	eve_add_text(json, "cipher", server->cipher);
	eve_add_hash(json, "sha256", server->sha256);
	if (server->alert != 0)
		jsonw_number(json, "alert", server->alert);
	if (server->wants_client_cert)
		jsonw_bool(json, "wants_client_cert", true);
	if (server->client_cert)
		jsonw_bool(json, "client_cert", true);
	eve_add_text(json, "ocsp", staple_name(server->staple));
	eve_add_text(json, "treated", treatment_name(server->treatment));
	jsonw_close(json);
}

static void
add_camera_tls(struct jsonw *json, const struct camera_facts *camera)
{
	if (camera->verdict == CAMERA_TLS_NONE && camera->version == 0 && camera->alert == 0)
		return;
	jsonw_open(json, "camera_tls");
	eve_add_text(json, "version", tls_version_name(camera->version));
	eve_add_text(json, "verdict", camera_verdict_name(camera->verdict));
	eve_add_text(json, "cipher", camera->cipher);
	if (camera->resumed)
		jsonw_bool(json, "resumed", true);
	if (camera->legacy)
		jsonw_bool(json, "legacy", true);
	if (camera->alert != 0)
		jsonw_number(json, "alert", camera->alert);
	jsonw_close(json);
}

/* ---- what was said ---- */

static void
add_flag(struct jsonw *json, const char *key, bool flag)
{
	if (flag)
		jsonw_bool(json, key, true);
}

static void
add_topics(struct jsonw *json, const char *topics)
{
	char topic[sizeof(((struct app_facts *)NULL)->topics)];

	if (topics[0] == '\0')
		return;
	jsonw_open_array(json, "topics");
	while (*topics != '\0') {
		size_t count = strcspn(topics, ",");

		(void)snprintf(topic, sizeof(topic), "%.*s", (int)count, topics);
		jsonw_string(json, NULL, topic);
		topics += count + (topics[count] != '\0' ? 1 : 0);
	}
	jsonw_close_array(json);
}

/* What Suricata has no words for; of HTTP, MQTT and SMTP it has. */
static void
add_words(struct jsonw *json, const struct app_facts *app)
{
	if (app->proto != APP_MQTT && app->proto != APP_SMTP)
		eve_add_text(json, "client", app->client);
	if (eve_is_http(app->proto))
		return;
	eve_add_text(json, "method", app->method);
	eve_add_text(json, "host", app->host);
	eve_add_text(json, "path", app->path);
	eve_add_text(json, "agent", app->agent);
	if (app->status != 0)
		jsonw_number(json, "status", app->status);
}

static void
add_app(struct jsonw *json, const struct app_facts *app)
{
	if (app->proto == APP_NONE && !app->encrypted_dns)
		return;
	jsonw_open(json, "app");
	eve_add_text(json, "proto", app_proto_name(app->proto));
	add_words(json, app);
	add_topics(json, app->topics);
	if (app->requests != 0)
		jsonw_number(json, "requests", app->requests);
	if (app->first_size > 0) {
		char first[2 * sizeof(app->first) + 1];

		text_hex(first, app->first, app->first_size);
		jsonw_string(json, "first", first);
	}
	add_flag(json, "soap", app->soap);
	add_flag(json, "starttls", app->starttls);
	add_flag(json, "credentials", app->credentials);
	add_flag(json, "encrypted_dns", app->encrypted_dns);
	add_flag(json, "host_mismatch", app->host_mismatch);
	add_flag(json, "active_data", app->active_data);
	add_flag(json, "opaque_inner", app->opaque_inner);
	add_flag(json, "confused", app->confused);
	jsonw_close(json);
}

/* ---- what was sent ---- */

static void
add_classes(struct jsonw *json, const struct payload_facts *payload)
{
	jsonw_open(json, "classes");
	for (size_t i = 0; i < PAYLOAD_COUNT; i++) {
		enum confidence sure;

		if (!payload_was_seen(payload, (enum payload_class)i, &sure))
			continue;
		jsonw_open(json, payload_class_name((enum payload_class)i));
		eve_add_text(json, "confidence", confidence_name(sure));
		jsonw_number(json, "up", payload->up[i]);
		jsonw_number(json, "down", payload->down[i]);
		jsonw_close(json);
	}
	jsonw_close(json);
}

static void
add_payload(struct jsonw *json, const struct facts *facts)
{
	const struct payload_facts *payload = &facts->payload;

	jsonw_open(json, "payload");
	jsonw_string(json, "class", payload_class_name(payload->class));
	eve_add_text(json, "confidence", confidence_name(payload->confidence));
	eve_add_text(json, "direction", direction_name(payload->direction));
	eve_add_text(json, "format", payload->format);
	add_flag(json, "high_entropy", payload->high_entropy);
	jsonw_number(json, "up", facts->traffic.up);
	jsonw_number(json, "down", facts->traffic.down);
	jsonw_number(json, "held", payload->held);
	if (payload->examined != 0) {
		jsonw_number(json, "examined", payload->examined);
		add_classes(json, payload);
	}
	jsonw_close(json);
}

static void
add_budget(struct jsonw *json, const struct budget_facts *budget)
{
	if (budget->rule[0] == '\0')
		return;
	jsonw_open(json, "budget");
	jsonw_string(json, "ruleset", budget->ruleset);
	jsonw_string(json, "rule", budget->rule);
	jsonw_string(json, "by", budget->by_device ? "device" : "destination");
	jsonw_number(json, "used", budget->used);
	jsonw_number(json, "up_over", budget->up_over);
	jsonw_number(json, "per_s", budget->per_s);
	jsonw_close(json);
}

/* ---- all of it ---- */

void
eve_add_ours(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	bool closed = head->kind != EVENT_OPEN;

	jsonw_open(json, "borderlens");
	jsonw_string(json, "stage", closed ? "close" : "open");
	jsonw_string(json, "device", facts->device);
	jsonw_string(json, "site", site);
	add_place(json, &facts->place);
	jsonw_string(json, "name_basis", name_basis_name(facts));
	eve_add_text(json, "looked_up", facts->looked_up);
	eve_add_verdict(json, facts);
	if (closed)
		add_server(json, &facts->server);
	add_camera_tls(json, &facts->camera_tls);
	add_flag(json, "ech", facts->hello.ech);
	add_flag(json, "early_data", facts->hello.early_data);
	add_flag(json, "no_certificate", facts->hello.no_certificate);
	add_flag(json, "post_quantum", facts->hello.post_quantum);
	add_app(json, &facts->app);
	if (closed) {
		add_payload(json, facts);
		eve_add_pair(json, "left", facts->traffic.left_up, facts->traffic.left_down);
		add_budget(json, &facts->budget);
		jsonw_string(json, "end", end_name(facts->end));
		eve_add_text(json, "end_text", facts->end_text);
		jsonw_number(json, "duration_ms", facts->duration_us / US_PER_MS);
	}
	eve_add_seq(json, head);
	jsonw_close(json);
}
