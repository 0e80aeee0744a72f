/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"
#include "tests/support/hello_maker.h"

#include <stdio.h>
#include <string.h>

static void
ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_keep_session(peer);
	peer_finish(peer);
	peer_hear_end(peer);
}

/* ---- cameras of long ago ---- */

/* A camera that speaks up to this version, and signs as these say ("": as
 * OpenSSL likes). */
static void
open_old(struct flow *flow, const char *config, int version, const char *signatures)
{
	char list[64];

	flow_open(flow, &(struct flow_setup){.rsa = true, .config = config});
	flow_show(flow, pki_server(FLOW_NAME, &flow->root));
	SSL_CTX_set_security_level(flow->camera.ctx, 0);
	cr_assert_eq(SSL_CTX_set_min_proto_version(flow->camera.ctx, TLS1_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow->camera.ctx, version), 1);
	if (signatures[0] == '\0')
		return;
	(void)snprintf(list, sizeof(list), "%s", signatures);
	cr_assert_eq(SSL_CTX_set1_sigalgs_list(flow->camera.ctx, list), 1);
}

static void
speak_old(int version, const char *signatures)
{
	const struct facts *facts;
	struct flow flow;

	open_old(&flow, NULL, version, signatures);
	flow_run(&flow, ask, play_hear_out);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->end, END_DONE, "%s", facts->end_text);
	cr_expect_eq(facts->camera_tls.version, version);
	cr_expect_eq(flow.camera.version, version);
	cr_expect(facts->camera_tls.legacy, "it is recorded");
	cr_expect_eq(facts->server.version, TLS1_3_VERSION, "the other side is as it should be");
	cr_expect(facts->server.verified);
	cr_expect_eq(flow.server.received, 5);
	flow_close(&flow);
}

Test(speaks_with_cameras_as_they_are, of_tls_1_0)
{
	speak_old(TLS1_VERSION, "");
}

Test(speaks_with_cameras_as_they_are, of_tls_1_1)
{
	speak_old(TLS1_1_VERSION, "");
}

Test(speaks_with_cameras_as_they_are, that_know_no_digest_but_sha1)
{
	speak_old(TLS1_2_VERSION, "RSA+SHA1");
}

/* Elliptic curves were not in every library: without one, or a name for it, it is
 * the old way, or the server's key alone. */
Test(speaks_with_cameras_as_they_are, that_know_no_curve)
{
	static const char *const suites[] = {"DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-SHA",
	    "AES128-SHA"};

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){.rsa = true});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, TLS1_2_VERSION), 1);
		cr_assert_eq(SSL_CTX_set_cipher_list(flow.camera.ctx, suites[i]), 1);
		flow_run(&flow, ask, play_hear_out);
		cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
		cr_expect_str_eq(flow.closed.facts.camera_tls.cipher, suites[i]);
		cr_expect_eq(flow.closed.facts.server.version, TLS1_3_VERSION);
		flow_close(&flow);
	}
}

/* Small processors have one cipher, and that one by hardware (RFC 7925). */
Test(speaks_with_cameras_as_they_are, that_have_no_cipher_but_ccm)
{
	static const struct {
		int version;
		const char *suite;
	} rows[] = {
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-CCM8"},
	    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-CCM"},
	    {TLS1_2_VERSION, "AES128-CCM"},
	    {TLS1_3_VERSION, "TLS_AES_128_CCM_SHA256"},
	    {TLS1_3_VERSION, "TLS_AES_128_CCM_8_SHA256"},
	};

	const struct facts *facts;
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rsa = true});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	facts = &flow.closed.facts;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int (*set)(SSL_CTX *, const char *) = rows[i].version == TLS1_3_VERSION
							  ? SSL_CTX_set_ciphersuites
							  : SSL_CTX_set_cipher_list;

		cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, rows[i].version), 1);
		cr_assert_eq(set(flow.camera.ctx, rows[i].suite), 1);
		flow_run(&flow, play_ask, play_answer);
		cr_expect_eq(facts->end, END_DONE, "%s: %s", rows[i].suite, facts->end_text);
		cr_expect_str_eq(facts->camera_tls.cipher, rows[i].suite);
		cr_expect_not(facts->camera_tls.legacy);
	}
	flow_close(&flow);
}

/* One that was refused with a higher version, by whatever, says so with the lower
 * one (RFC 7507): whether that is good enough is its server's to say. */
Test(speaks_with_cameras_as_they_are, that_fell_back_to_what_the_server_has)
{
	static const int servers[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		bool same = servers[i] == TLS1_2_VERSION;
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, servers[i]), 1);
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, TLS1_2_VERSION), 1);
		(void)SSL_CTX_set_mode(flow.camera.ctx, SSL_MODE_SEND_FALLBACK_SCSV);
		flow_run(&flow, same ? ask : play_hope, same ? play_hear_out : play_be_left);
		cr_expect_eq(flow.closed.facts.end, same ? END_DONE : END_CAMERA_TLS, "%s",
		    flow.closed.facts.end_text);
		cr_expect_eq(flow.camera.alert, same ? 0 : 86, "inappropriate_fallback");
		flow_close(&flow);
	}
}

Test(speaks_with_cameras_as_they_are, that_resume_what_is_old)
{
	struct flow flow;

	open_old(&flow, NULL, TLS1_VERSION, "");
	flow_run(&flow, ask, play_hear_out);
	flow_run(&flow, ask, play_hear_out);
	cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
	cr_expect(flow.closed.facts.camera_tls.legacy);
	cr_expect(flow.closed.facts.camera_tls.resumed);
	flow_close(&flow);
}

Test(speaks_with_cameras_as_they_are, but_not_so_with_servers)
{
	struct flow flow;

	open_old(&flow, NULL, TLS1_VERSION, "");
	cr_assert_eq(SSL_CTX_set_min_proto_version(flow.server.ctx, TLS1_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.server.ctx, TLS1_1_VERSION), 1);
	flow_run(&flow, play_hope, play_hope);
	cr_expect_eq(flow.closed.facts.end, END_SERVER_TLS);
	cr_expect_eq(flow.camera.alert, 70, "protocol_version, as from the server");
	cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
	flow_close(&flow);
}

Test(speaks_with_cameras_as_they_are, unless_that_is_forbidden)
{
	static const char config[] = "  camera: {min: \"1.2\"}\n";
	static const struct {
		int version;
		const char *signatures, *said;
	} rows[] = {
	    {TLS1_VERSION, "",
		"the camera speaks TLS 1.0 at most; the lowest taken from it is TLS 1.2"},
	    {TLS1_1_VERSION, "",
		"the camera speaks TLS 1.1 at most; the lowest taken from it is TLS 1.2"},
	    {TLS1_2_VERSION, "RSA+SHA1", "handshake: "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow flow;

		open_old(&flow, config, rows[i].version, rows[i].signatures);
		flow_run(&flow, play_hope, play_be_left);
		cr_expect_eq(flow.closed.facts.end, END_CAMERA_TLS, "%s",
		    flow.closed.facts.end_text);
		cr_expect_eq(strncmp(flow.closed.facts.end_text, rows[i].said,
				 strlen(rows[i].said)),
		    0, "%s", flow.closed.facts.end_text);
		cr_expect_eq(flow.closed.facts.traffic.left_up, 0);
		flow_close(&flow);
	}
}

Test(speaks_with_cameras_as_they_are, and_calls_no_other_one_old)
{
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){0});
	flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
	cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, TLS1_2_VERSION), 1);
	flow_run(&flow, ask, play_hear_out);
	cr_expect_not(flow.closed.facts.camera_tls.legacy);
	cr_expect_not(flow.closed.facts.hello.early_data);
	cr_expect_not(flow.closed.facts.hello.post_quantum);
	flow_close(&flow);
}

/* ---- cameras with something new ---- */

/* A session of a server that the camera spoke with before the appliance was
 * there, which takes so many bytes of early data. */
static SSL_SESSION *
session_of_before(const struct flow *flow, uint32_t early_max)
{
	struct pki leaf = pki_server(FLOW_NAME, &flow->root);
	SSL_CTX *ctx = pki_server_ctx(&leaf, NULL);
	SSL_CTX *camera_ctx = SSL_CTX_new(TLS_client_method());
	SSL *camera = SSL_new(camera_ctx), *server = SSL_new(ctx);
	SSL_SESSION *session;
	char name[] = FLOW_NAME; /* OpenSSL's macro wants it so */
	char byte;

	cr_assert_eq(SSL_set_max_early_data(server, early_max), 1);
	cr_assert_eq(SSL_set_tlsext_host_name(camera, name), 1);
	cr_assert(pki_handshake(camera, server));
	(void)SSL_read(camera, &byte, 1);
	session = SSL_get1_session(camera);
	cr_assert_eq(SSL_SESSION_get_max_early_data(session), early_max);
	(void)SSL_set_shutdown(camera, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	(void)SSL_set_shutdown(server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(camera);
	SSL_free(server);
	SSL_CTX_free(camera_ctx);
	SSL_CTX_free(ctx);
	pki_free(&leaf);
	return session;
}

static uint8_t soon[60000];

static void
ask_early(struct peer *peer)
{
	peer_connect(peer);
	peer_say_early(peer, soon, peer->early);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
	peer_hear_end(peer);
}

/* What it says early could be said twice by somebody else: nobody takes it,
 * and the camera is told so. */
Test(speaks_with_cameras_as_they_are, and_takes_no_early_data)
{
	static const uint32_t sizes[] = {100, 16384, 60000};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		flow.camera.session = session_of_before(&flow, sizes[i]);
		flow.camera.early = sizes[i];
		flow_run(&flow, ask_early, play_hear_out);
		cr_expect(flow.closed.facts.hello.early_data);
		cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
		cr_expect_eq(flow.server.received, 5);
		cr_expect_eq(memcmp(flow.server.front, "hello", 5), 0);
		cr_expect_eq(flow.closed.facts.traffic.up, 5);
		flow_close(&flow);
	}
}

/* A hello with a key share of X25519MLKEM768, and of X25519 where `both`. */
static struct made
post_quantum_hello(bool both)
{
	static const uint8_t front[] = {
	    0, 0, 0, 20, 0, 18, 0, 0, 15, 'c', 'a', 'm', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e',
	    '.', 'c', 'o', 'm',                   /* server_name */
	    0, 43, 0, 3, 2, 3, 4,                 /* TLS 1.3 */
	    0, 13, 0, 6, 0, 4, 4, 3, 8, 4,        /* signatures */
	    0, 10, 0, 6, 0, 4, 0x11, 0xec, 0, 29, /* groups */
	};
	uint8_t shares[4 + 4 + 1216 + 4 + 32] = {0};
	struct made extensions = {0}, message, records;
	size_t size = 4 + 1216 + (both ? 36 : 0);

	memset(shares, 7, sizeof(shares));
	memcpy(shares + 2, (const uint8_t[]){0x11, 0xec, 1216 >> 8, 1216 & 255}, 4);
	memcpy(shares + 2 + 4 + 1216, (const uint8_t[]){0, 29, 0, 32}, 4);
	shares[0] = (uint8_t)(size >> 8);
	shares[1] = (uint8_t)size;
	made_add(&extensions, front, sizeof(front));
	made_add(&extensions, (const uint8_t[]){0, 51}, 2);
	made_add(&extensions, (const uint8_t[]){(uint8_t)((size + 2) >> 8), (uint8_t)(size + 2)},
	    2);
	made_add(&extensions, shares, size + 2);
	message = hello_message_with(extensions.at, extensions.size);
	records = hello_records(message, 16384);
	made_free(&extensions);
	made_free(&message);
	return records;
}

static struct made offered;

/* Say what was made, and hear the beginning of the answer. */
static void
offer(struct peer *peer)
{
	peer_connect(peer);
	peer_say(peer, offered.at, offered.size);
	peer_hear(peer, sizeof(peer->front));
	peer_reset(peer);
}

/* RFC 8446 section 4.1.3: what the random of a HelloRetryRequest begins with. */
static const uint8_t retry[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a};

Test(speaks_with_cameras_as_they_are, that_offer_what_no_quantum_computer_breaks)
{
	for (int both = 0; both <= 1; both++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		offered = post_quantum_hello(both == 1);
		flow_run(&flow, offer, play_be_left);
		cr_expect(flow.closed.facts.hello.post_quantum);
		cr_expect_eq(flow.camera.front[0], 22, "a handshake record, and no alert");
		cr_expect_eq(flow.camera.front[5], 2, "a ServerHello");
		cr_expect_eq(memcmp(flow.camera.front + 11, retry, sizeof(retry)) == 0, both == 0,
		    "asked for a classic share where it sent none");
		made_free(&offered);
		flow_close(&flow);
	}
}

/* What libraries of before 2010 begin with: RFC 5246 appendix E.2. */
Test(speaks_with_cameras_as_they_are, that_begin_in_the_form_of_ssl_2)
{
	static const uint8_t old[] = {0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 1,
	    0, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	struct pki_spec spec = pki_server_spec(FLOW_NAME);
	const struct facts *facts;
	struct flow flow;

	flow_open(&flow, &(struct flow_setup){.rsa = true});
	flow_show(&flow, pki_make(&spec, &flow.root));
	offered = (struct made){0};
	made_add(&offered, old, sizeof(old));
	flow_run(&flow, offer, play_be_left);
	facts = &flow.closed.facts;
	cr_expect_eq(facts->hello.kind, HELLO_TLS);
	cr_expect_eq(facts->server.version, TLS1_3_VERSION);
	cr_expect_eq(flow.camera.front[0], 22, "a handshake record, and no alert");
	cr_expect_eq(flow.camera.front[5], 2, "a ServerHello");
	cr_expect_eq(flow.camera.front[10], 1, "of TLS 1.0");
	cr_expect_eq(facts->traffic.left_up, 0, "it did not go by unopened");
	made_free(&offered);
	flow_close(&flow);
}

/* RFC 8446 section 4.2.1: one that says more than TLS 1.2 there, and has no
 * supported_versions, is one of TLS 1.2. */
Test(speaks_with_cameras_as_they_are, that_name_tls_1_3_where_it_is_not_named)
{
	static const uint16_t rows[] = {0x0304, 0x0401, 0xffff};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct made message = hello_message_with("", 0);
		struct flow flow;

		message.at[4] = (uint8_t)(rows[i] >> 8);
		message.at[5] = (uint8_t)rows[i];
		message.at[4 + HELLO_MADE_FIXED - 4] = 0;    /* the last suite: RSA alone, */
		message.at[4 + HELLO_MADE_FIXED - 3] = 0x2f; /* for it knows no curve */
		flow_open(&flow, &(struct flow_setup){.rsa = true});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		offered = hello_records(message, 16384);
		flow_run(&flow, offer, play_be_left);
		cr_expect_eq(flow.camera.front[5], 2, "a ServerHello");
		cr_expect_eq(flow.camera.front[10], 3, "of TLS 1.2");
		made_free(&message);
		made_free(&offered);
		flow_close(&flow);
	}
}
