/* SPDX-License-Identifier: MIT */
#include "proxy/tls.h"

#include "base/err.h"
#include "base/text.h"
#include "certs/identity.h"
#include "certs/verify.h"
#include "config/config.h"
#include "proxy/leg.h"
#include "proxy/sessions.h"
#include "proxy/tickets.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

enum {
	ALERT_FATAL = 2,
	RECORD_ALERT = 21,
	READ_AHEAD_BYTES =
	    66 << 10, /* four full records of any suite a recv(2); given back when empty */
	/* 0-RTT data for a server that the camera spoke with before us: nobody can
	 * read it, and the camera says it again. */
	EARLY_DATA_SKIPPED_MAX = 256 << 10,
	SERVER_LEVEL = 2,
	DH_BITS_MAX = 4096,
};

/* Where an SSL finds what the server chose, for the ALPN callback. */
static int server_facts_index = -1;

/* ---- what OpenSSL tells us ---- */

static void
on_info(const SSL *ssl, int where, int value)
{
	struct leg *leg = SSL_get_app_data(ssl);

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == ALERT_FATAL &&
	    leg != NULL)
		leg->alert = (uint8_t)(value & 0xff);
	/* A handshake that was refused is no message to OpenSSL's eyes. */
	if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT &&
	    (value & 0xff) == SSL_AD_NO_RENEGOTIATION && leg != NULL) {
		leg->messages++;
		leg->renegotiates = true;
	}
}

/* A server that has shown who it is asks for a certificate: the handshake stands
 * still until tls_answer says which. */
static int
on_client_cert(SSL *ssl, void *arg)
{
	struct server_facts *server = SSL_get_ex_data(ssl, server_facts_index);

	(void)arg;
	server->wants_client_cert = true;
	verify_result(ssl, server);
	return -1;
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
    unsigned int in_size, void *arg)
{
	const struct server_facts *server = SSL_get_ex_data(ssl, server_facts_index);
	struct bytes list = {in, in_size}, name;
	uint8_t size;

	(void)arg;
	while (bytes_u8(&list, &size) && bytes_take(&list, size, &name)) {
		if (size == strlen(server->alpn) && memcmp(name.at, server->alpn, size) == 0) {
			*out = name.at;
			*out_size = size;
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_NOACK;
}

/* ---- contexts ---- */

struct suites {
	const char *of_1_3, *to_1_2;
};

/* AES-128 and SHA-256 first, as browsers have them: processors hash SHA-256 by
 * themselves and SHA-384 not, and a handshake hashes some two hundred times. */
#define FIRST_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define FIRST_1_2 "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"

/* All of OpenSSL's default. */
static const struct suites of_servers = {FIRST_1_3, FIRST_1_2 "ALL:!COMPLEMENTOFDEFAULT:!eNULL"};

/* And behind it what cameras of small processors may have alone (RFC 7925). */
static const struct suites of_cameras = {FIRST_1_3
    ":TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
    FIRST_1_2 "ALL:-COMPLEMENTOFDEFAULT:!eNULL:!aNULL:AESCCM"};

/* What OpenSSL takes by itself, but for the finite fields, which nobody needs in
 * TLS 1.3: one of 8192 bits takes 160 ms of the worker's, 3072 bits 10.  Not const:
 * OpenSSL's macro wants it so. */
static char groups[] = "X25519:P-256:X448:P-521:P-384";

static int (*level_allows)(const SSL *ssl, const SSL_CTX *ctx, int what, int bits, int id,
    void *other, void *more);

/* In TLS 1.2 a server brings a field of its own, and OpenSSL takes up to 10,000
 * bits.  What 4096 cost is bounded by certs/ephemeral_dh.h. */
/* NOLINTBEGIN(readability-function-size): OpenSSL wants it so */
static int
allows(const SSL *ssl, const SSL_CTX *ctx, int what, int bits, int id, void *other, void *more)
/* NOLINTEND(readability-function-size) */
{
	if (what == SSL_SECOP_TMP_DH && other != NULL && EVP_PKEY_get_bits(other) > DH_BITS_MAX)
		return 0;
	return level_allows(ssl, ctx, what, bits, id, other, more);
}

static SSL_CTX *
make_context(const SSL_METHOD *method, uint16_t min, const struct suites *suites, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL) {
		(void)err_tls(err, "SSL_CTX_new");
		return NULL;
	}
	if (SSL_CTX_set_min_proto_version(ctx, min) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, suites->of_1_3) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, suites->to_1_2) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1) {
		(void)err_tls(err, "TLS version 0x%04x, its suites or groups cannot be set", min);
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (level_allows == NULL)
		level_allows = SSL_CTX_get_security_callback(ctx);
	SSL_CTX_set_security_callback(ctx, allows);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* Its buffers are given back once a turn, by the leg. */
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
	SSL_CTX_set_info_callback(ctx, on_info);
	return ctx;
}

static int
make_server_context(struct tls *tls, const struct config *config, X509_STORE *store,
    struct err *err)
{
	tls->server = make_context(TLS_client_method(), config->tls.upstream_min, &of_servers, err);
	if (tls->server == NULL)
		return -1;
	/* 112 bits: no SHA-1, no RSA or DH below 2048, whatever the system's own
	 * setting is. */
	SSL_CTX_set_security_level(tls->server, SERVER_LEVEL);
	SSL_CTX_set_cert_cb(tls->server, on_client_cert, NULL);
	if (verify_setup(tls->server, store, err) != 0)
		return -1;
	return sessions_watch(tls->server, err);
}

static SSL_CTX *
make_camera_context(uint16_t min, const char *class, struct err *err)
{
	SSL_CTX *ctx = make_context(TLS_server_method(), min, &of_cameras, err);

	if (ctx == NULL)
		return NULL;
	if (tickets_watch(ctx, class, err) != 0) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	/* Ours of what it has; a camera that puts ChaCha20 first has no AES of its
	 * processor's. */
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_max_early_data(ctx, 0);
	(void)SSL_CTX_set_recv_max_early_data(ctx, EARLY_DATA_SKIPPED_MAX);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	/* For those that have nothing better: no curve, or none that they name. */
	(void)SSL_CTX_set_dh_auto(ctx, 1);
	return ctx;
}

/* Of either, what a connection may go down to is its own (tls_to_camera). */
static int
make_camera_contexts(struct tls *tls, struct err *err)
{
	tls->camera = make_camera_context(TLS1_2_VERSION, "new", err);
	tls->camera_legacy = make_camera_context(TLS1_VERSION, "legacy", err);
	if (tls->camera == NULL || tls->camera_legacy == NULL)
		return -1;
	/* SHA-1 in the handshake, as TLS 1.0 and 1.1 want it, is below level 1. */
	SSL_CTX_set_security_level(tls->camera_legacy, 0);
	return 0;
}

int
tls_open(struct tls *tls, const struct config *config, X509_STORE *store, struct err *err)
{
	*tls = (struct tls){.config = config};
	if (server_facts_index < 0)
		server_facts_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	if (server_facts_index < 0)
		return err_tls(err, "SSL_get_ex_new_index");
	if (make_server_context(tls, config, store, err) != 0 ||
	    make_camera_contexts(tls, err) != 0) {
		tls_close(tls);
		return -1;
	}
	return 0;
}

void
tls_close(struct tls *tls)
{
	SSL_CTX_free(tls->server);
	SSL_CTX_free(tls->camera);
	SSL_CTX_free(tls->camera_legacy);
	*tls = (struct tls){0};
}

void
tls_share(struct tls *tls, const struct tls *from, const struct config *config)
{
	SSL_CTX *const contexts[] = {from->server, from->camera, from->camera_legacy};

	for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
		if (contexts[i] != NULL)
			(void)SSL_CTX_up_ref(contexts[i]);
	}
	*tls = *from;
	tls->config = config; /* from's goes with its snapshot */
}

/* ---- connections ---- */

const char *
tls_name(const struct hello_facts *hello)
{
	struct addr literal;

	return addr_parse(&literal, hello->sni, 0, NULL) == 0 ? "" : hello->sni;
}

/* OpenSSL's macro takes what it copies as if it would write to it. */
static bool
ask_for(SSL *ssl, const char *name)
{
	char copy[FACTS_NAME_MAX];

	text_copy(copy, sizeof(copy), name);
	return SSL_set_tlsext_host_name(ssl, copy) == 1;
}

uint16_t
tls_server_min(const struct hello_facts *hello, uint16_t min)
{
	bool known = hello->version_min >= TLS1_VERSION && hello->version_min <= TLS1_3_VERSION;

	return known && hello->version_min > min ? hello->version_min : min;
}

/* TLS 1.0 and 1.1, where they are wished for, sign with SHA-1, and so have
 * nothing of the level; the certificates are still held to it. */
static bool
allow_versions(SSL *ssl, uint16_t min)
{
	if (min < TLS1_2_VERSION)
		SSL_set_security_level(ssl, 0);
	return SSL_set_min_proto_version(ssl, min) == 1;
}

SSL *
tls_to_server(const struct tls *tls, const struct hello_facts *hello, const struct addr *addr,
    uint16_t min, struct server_facts *server, struct err *err)
{
	const char *name = tls_name(hello);
	const char *expected = name[0] != '\0' ? name : config_server_name(tls->config, addr);
	SSL *ssl = SSL_new(tls->server);

	if (ssl == NULL || SSL_set_ex_data(ssl, server_facts_index, server) != 1) {
		(void)err_tls(err, "SSL_new");
		goto fail;
	}
	SSL_set_connect_state(ssl);
	if (!allow_versions(ssl, min)) {
		(void)err_tls(err, "TLS version 0x%04x cannot be set", min);
		goto fail;
	}
	if (name[0] != '\0' && !ask_for(ssl, name)) {
		(void)err_tls(err, "the server name cannot be sent");
		goto fail;
	}
	if (verify_expect(ssl, expected, addr, server, err) != 0)
		goto fail;
	return ssl;
fail:
	SSL_free(ssl);
	return NULL;
}

int
tls_offer(SSL *ssl, struct bytes alpn, struct err *err)
{
	if (alpn.left > 0 && SSL_set_alpn_protos(ssl, alpn.at, (unsigned)alpn.left) != 0)
		return err_tls(err, "the ALPN list cannot be sent");
	return 0;
}

bool
tls_is_asked(const SSL *ssl)
{
	return SSL_want_x509_lookup(ssl);
}

int
tls_answer(SSL *ssl, const struct identity *identity, struct err *err)
{
	struct server_facts *server = SSL_get_ex_data(ssl, server_facts_index);

	SSL_set_cert_cb(ssl, NULL, NULL);
	if (identity == NULL)
		return 0;
	if (SSL_use_certificate(ssl, identity->cert) != 1 ||
	    SSL_use_PrivateKey(ssl, identity->key) != 1 ||
	    SSL_set1_chain(ssl, identity->chain) != 1)
		return err_tls(err, "the device's certificate cannot be shown");
	server->client_cert = true;
	return 0;
}

bool
tls_is_legacy(const struct hello_facts *hello)
{
	return hello->version_max < TLS1_2_VERSION || hello->sha1_only;
}

uint16_t
tls_camera_max(const struct config *config, const struct hello_facts *hello, uint16_t min,
    const struct server_facts *server)
{
	uint16_t max = hello->only_before_13 ? TLS1_2_VERSION : 0;

	if ((config->tls.mirror_version || hello->fallback) && (max == 0 || server->version < max))
		max = server->version;
	return max != 0 && max < min ? min : max;
}

SSL *
tls_to_camera(const struct tls *tls, const struct hello_facts *hello, const struct tls_face *face,
    const struct server_facts *server, struct err *err)
{
	bool old = tls_is_legacy(hello) || (face->max != 0 && face->max < TLS1_2_VERSION);
	bool legacy = old && face->min < TLS1_2_VERSION;
	SSL *ssl = SSL_new(legacy ? tls->camera_legacy : tls->camera);
	uint16_t min = legacy || face->min > TLS1_2_VERSION ? face->min : TLS1_2_VERSION;
	void *facts;

	memcpy(&facts, &server, sizeof(facts)); /* only ever read through it */
	if (ssl == NULL || SSL_set_ex_data(ssl, server_facts_index, facts) != 1 ||
	    SSL_use_certificate(ssl, face->leaf) != 1 || SSL_use_PrivateKey(ssl, face->key) != 1 ||
	    SSL_set_min_proto_version(ssl, min) != 1 ||
	    SSL_set_max_proto_version(ssl, face->max) != 1) {
		(void)err_tls(err, "the leaf cannot be used");
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_accept_state(ssl);
	return ssl;
}

enum leaf_kind
tls_leaf_kind(const struct hello_facts *hello, uint16_t max)
{
	bool ecdsa = max != 0 && max < TLS1_3_VERSION ? hello->ecdsa_before_13 : hello->ecdsa;

	return ecdsa ? LEAF_EC : LEAF_RSA;
}

uint16_t
tls_version(const SSL *ssl)
{
	return (uint16_t)SSL_version(ssl);
}

void
tls_alert_record(uint8_t alert, uint8_t out[TLS_ALERT_BYTES])
{
	const uint8_t record[TLS_ALERT_BYTES] = {RECORD_ALERT, 3, 3, 0, 2, ALERT_FATAL, alert};

	memcpy(out, record, sizeof(record));
}
