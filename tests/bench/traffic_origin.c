/* SPDX-License-Identifier: MIT */
#include "tests/bench/traffic.h"

#include <endian.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	STACK = 256 << 10,
	HOURS = 3600,
};

static void *
serve(void *arg)
{
	SSL *ssl = arg;
	uint64_t want[2];
	int fd = SSL_get_fd(ssl);

	if (SSL_accept(ssl) == 1 && payload_read(ssl, want, sizeof(want)) &&
	    payload_take(ssl, be64toh(want[0]) & ~SLOW_BIT, (be64toh(want[0]) & SLOW_BIT) != 0) &&
	    payload_give(ssl, be64toh(want[1]))) {
		char rest[16];

		(void)SSL_read(ssl, rest, sizeof(rest)); /* until the camera closes */
		(void)SSL_shutdown(ssl);
	}
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

static _Noreturn void
accept_forever(int listener, SSL_CTX *ctx)
{
	pthread_attr_t attr;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK);
	for (;;) {
		int fd = accept(listener, NULL, NULL), one = 1;
		pthread_t thread;
		SSL *ssl;

		if (fd < 0)
			continue;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		ssl = SSL_new(ctx);
		if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
		    pthread_create(&thread, &attr, serve, ssl) != 0)
			die("a connection");
	}
}

/* ---- a certificate of its own for each name ---- */

struct authority {
	X509 *cert;
	EVP_PKEY *key, *leaf_key;
	pthread_mutex_t lock; /* of OpenSSL's objects above */
};

static bool
add_text(X509 *cert, const X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;
	bool added;

	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static X509 *
mint(struct authority *authority, const char *name)
{
	char names[NAME_MAX_BYTES + 8];
	X509 *cert = X509_new();
	X509_NAME *subject = X509_NAME_new();

	(void)snprintf(names, sizeof(names), "DNS:%s", name);
	if (cert == NULL || subject == NULL || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
		(uint64_t)time(NULL) << 20 | (uint64_t)random() % (1 << 20)) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(cert), -HOURS) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(cert), 24L * HOURS) == NULL ||
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name,
		-1, -1, 0) != 1 ||
	    X509_set_subject_name(cert, subject) != 1 ||
	    X509_set_issuer_name(cert, X509_get_subject_name(authority->cert)) != 1 ||
	    X509_set_pubkey(cert, authority->leaf_key) != 1 ||
	    !add_text(cert, authority->cert, NID_subject_alt_name, names) ||
	    !add_text(cert, authority->cert, NID_ext_key_usage, "serverAuth") ||
	    !add_text(cert, authority->cert, NID_key_usage, "critical,digitalSignature") ||
	    !add_text(cert, authority->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_text(cert, authority->cert, NID_authority_key_identifier, "keyid") ||
	    X509_sign(cert, authority->key, EVP_sha256()) == 0)
		die("a certificate");
	X509_NAME_free(subject);
	return cert;
}

static int
on_name(SSL *ssl, int *alert, void *arg)
{
	struct authority *authority = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *cert;
	int used;

	(void)alert;
	if (name == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	(void)pthread_mutex_lock(&authority->lock);
	cert = mint(authority, name);
	(void)pthread_mutex_unlock(&authority->lock);
	used = SSL_use_certificate(ssl, cert) == 1 &&
	       SSL_use_PrivateKey(ssl, authority->leaf_key) == 1;
	X509_free(cert);
	return used != 0 ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
mint_for_names(SSL_CTX *ctx)
{
	static struct authority authority = {.lock = PTHREAD_MUTEX_INITIALIZER};

	authority.cert = SSL_CTX_get0_certificate(ctx);
	authority.key = SSL_CTX_get0_privatekey(ctx);
	authority.leaf_key = EVP_EC_gen("P-256");
	if (authority.leaf_key == NULL)
		die("a key");
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, &authority);
}

_Noreturn void
origin_run(const struct sockaddr_in *addr, const char *chain, const char *key, const char *how)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die(chain);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (strcmp(how, "tickets") != 0) {
		(void)SSL_CTX_set_num_tickets(ctx, 0);
		(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	}
	if (strcmp(how, "mint") == 0)
		mint_for_names(ctx);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (listener < 0 || bind(listener, (const struct sockaddr *)addr, sizeof(*addr)) != 0 ||
	    listen(listener, BACKLOG) != 0)
		die("listen");
	accept_forever(listener, ctx);
}
