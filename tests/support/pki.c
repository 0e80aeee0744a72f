/* SPDX-License-Identifier: MIT */
#include "tests/support/pki.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
need(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "pki: %s\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

EVP_PKEY *
pki_key(enum pki_key kind)
{
	EVP_PKEY *key = NULL;

	switch (kind) {
	case PKI_P256:
		key = EVP_EC_gen("P-256");
		break;
	case PKI_P384:
		key = EVP_EC_gen("P-384");
		break;
	case PKI_P192:
		key = EVP_EC_gen("P-192");
		break;
	case PKI_P224:
		key = EVP_EC_gen("P-224");
		break;
	case PKI_K256:
		key = EVP_EC_gen("secp256k1");
		break;
	case PKI_BRAINPOOL:
		key = EVP_EC_gen("brainpoolP256r1");
		break;
	case PKI_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case PKI_RSA2048:
		key = EVP_RSA_gen(2048);
		break;
	case PKI_RSA1024:
		key = EVP_RSA_gen(1024);
		break;
	case PKI_RSA2052:
		key = EVP_RSA_gen(2052);
		break;
	}
	need(key != NULL, "key");
	return key;
}

struct pki_spec
pki_root_spec(const char *name)
{
	return (struct pki_spec){
	    .common_name = name,
	    .basic = "critical,CA:TRUE",
	    .usage = "critical,keyCertSign,cRLSign",
	    .from_days = -10,
	    .to_days = 3650,
	    .version = X509_VERSION_3,
	    .digest = "SHA256",
	};
}

struct pki_spec
pki_issuer_spec(const char *name)
{
	struct pki_spec spec = pki_root_spec(name);

	spec.to_days = 1000;
	return spec;
}

/* One name at a time: it stands in a buffer of its own. */
struct pki_spec
pki_server_spec(const char *dns)
{
	static char names[300];
	struct pki_spec spec = {
	    .common_name = dns,
	    .organisation = "Example Cloud",
	    .names = names,
	    .basic = "critical,CA:FALSE",
	    .usage = "critical,digitalSignature",
	    .purpose = "serverAuth",
	    .from_days = -5,
	    .to_days = 90,
	    .version = X509_VERSION_3,
	    .digest = "SHA256",
	};

	(void)snprintf(names, sizeof(names), "DNS:%s", dns);
	return spec;
}

static void
add(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *extension;

	if (value == NULL)
		return;
	extension = X509V3_EXT_nconf_nid(NULL, ctx, nid, value);
	need(extension != NULL && X509_add_ext(cert, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

static void
add_extensions(X509 *cert, const struct pki_spec *spec, const struct pki *issuer)
{
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer != NULL ? issuer->cert : cert, cert, NULL, NULL, 0);
	if (!spec->no_key_ids) {
		add(cert, &ctx, NID_subject_key_identifier, "hash");
		if (issuer != NULL)
			add(cert, &ctx, NID_authority_key_identifier, "keyid");
	}
	add(cert, &ctx, NID_basic_constraints, spec->basic);
	add(cert, &ctx, NID_key_usage, spec->usage);
	add(cert, &ctx, NID_ext_key_usage, spec->purpose);
	add(cert, &ctx, NID_subject_alt_name, spec->names);
	add(cert, &ctx, NID_name_constraints, spec->constraints);
	if (spec->more_oid != NULL) {
		X509_EXTENSION *extension =
		    X509V3_EXT_nconf(NULL, &ctx, spec->more_oid, spec->more);

		need(extension != NULL && X509_add_ext(cert, extension, -1) == 1, spec->more);
		X509_EXTENSION_free(extension);
	}
}

static void
set_serial(X509 *cert, const struct pki_spec *spec)
{
	uint8_t random[16];
	ASN1_INTEGER *serial = X509_get_serialNumber(cert);
	const uint8_t *at = spec->serial != NULL ? spec->serial : random;
	size_t size = spec->serial != NULL ? spec->serial_size : sizeof(random);

	need(RAND_bytes(random, sizeof(random)) == 1, "random");
	random[0] = (uint8_t)((random[0] & 0x7f) | 0x40);
	need(ASN1_STRING_set(serial, at, (int)size) == 1, "serial");
	serial->type = spec->serial_negative ? V_ASN1_NEG_INTEGER : V_ASN1_INTEGER;
}

static void
set_name(X509_NAME *name, const char *field, const char *value)
{
	if (value != NULL)
		need(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
			 (const unsigned char *)value, -1, -1, 0) == 1,
		    value);
}

struct pki
pki_make(const struct pki_spec *spec, const struct pki *issuer)
{
	struct pki pki = {.cert = X509_new(),
	    .key = spec->same_key != NULL ? spec->same_key->key : pki_key(spec->key)};
	EVP_PKEY *signer = issuer != NULL ? issuer->key : pki.key;
	const EVP_MD *digest = EVP_get_digestbyname(spec->digest);
	X509_NAME *name;

	need(pki.cert != NULL && X509_set_version(pki.cert, spec->version) == 1, "new");
	need(spec->same_key == NULL || EVP_PKEY_up_ref(pki.key) == 1, "key");
	set_serial(pki.cert, spec);
	name = X509_get_subject_name(pki.cert);
	set_name(name, "CN", spec->common_name);
	set_name(name, "O", spec->organisation);
	need(X509_set_issuer_name(pki.cert,
		 issuer != NULL ? X509_get_subject_name(issuer->cert) : name) == 1,
	    "issuer");
	need(X509_time_adj_ex(X509_getm_notBefore(pki.cert), spec->from_days, 0, NULL) != NULL &&
		 X509_time_adj_ex(X509_getm_notAfter(pki.cert), spec->to_days, 0, NULL) != NULL,
	    "dates");
	need(X509_set_pubkey(pki.cert, pki.key) == 1, "public key");
	add_extensions(pki.cert, spec, issuer);
	if (EVP_PKEY_is_a(signer, "ED25519"))
		digest = NULL;
	need(X509_sign(pki.cert, signer, digest) > 0, "sign");
	return pki;
}

struct pki
pki_root(const char *name)
{
	struct pki_spec spec = pki_root_spec(name);

	return pki_make(&spec, NULL);
}

struct pki
pki_issuer(const char *name, const struct pki *issuer)
{
	struct pki_spec spec = pki_issuer_spec(name);

	return pki_make(&spec, issuer);
}

struct pki
pki_server(const char *dns, const struct pki *issuer)
{
	struct pki_spec spec = pki_server_spec(dns);

	return pki_make(&spec, issuer);
}

void
pki_free(struct pki *pki)
{
	X509_free(pki->cert);
	EVP_PKEY_free(pki->key);
	*pki = (struct pki){0};
}

X509_STORE *
pki_store(const struct pki *root)
{
	X509_STORE *store = X509_STORE_new();

	need(store != NULL && X509_STORE_add_cert(store, root->cert) == 1, "store");
	return store;
}

SSL_CTX *
pki_server_ctx(const struct pki *leaf, const struct pki *issuer)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	need(ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1, "context");
	SSL_CTX_set_security_level(ctx, 0);
	need(SSL_CTX_use_certificate(ctx, leaf->cert) == 1 &&
		 SSL_CTX_use_PrivateKey(ctx, leaf->key) == 1,
	    "leaf");
	if (issuer != NULL)
		need(SSL_CTX_add1_chain_cert(ctx, issuer->cert) == 1, "chain");
	return ctx;
}

static void
move_bytes(SSL *from, SSL *to)
{
	char bytes[4096];
	int count;

	while ((count = BIO_read(SSL_get_wbio(from), bytes, sizeof(bytes))) > 0)
		need(BIO_write(SSL_get_rbio(to), bytes, count) == count, "move bytes");
}

static bool
step(SSL *ssl)
{
	bool done = SSL_do_handshake(ssl) == 1;

	ERR_clear_error();
	return done;
}

bool
pki_handshake(SSL *connecting, SSL *server)
{
	bool connected = false, accepted = false;

	SSL_set_connect_state(connecting);
	SSL_set_accept_state(server);
	SSL_set_bio(connecting, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_bio(server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	BIO_set_mem_eof_return(SSL_get_rbio(connecting), -1);
	BIO_set_mem_eof_return(SSL_get_rbio(server), -1);
	/* More flights than any handshake has. */
	for (int flight = 0; flight < 8 && !(connected && accepted); flight++) {
		connected = step(connecting);
		move_bytes(connecting, server);
		accepted = step(server);
		move_bytes(server, connecting);
	}
	return connected && accepted;
}
