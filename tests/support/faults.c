/* SPDX-License-Identifier: MIT */
#include "tests/support/faults.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_S = 3600, DAY_S = 86400 };

static void
need(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "faults: %s\n", what);
	abort();
}

void
faults_pki_make(struct faults_pki *pki)
{
	struct pki_spec spec = pki_issuer_spec("Expired Issuer");

	pki->root = pki_root("Laboratory Root");
	pki->issuer = pki_issuer("Laboratory Issuer", &pki->root);
	pki->stranger = pki_root("Stranger");
	spec.to_days = -1;
	pki->old_issuer = pki_make(&spec, &pki->root);
	spec = pki_issuer_spec("Short Issuer");
	spec.basic = "critical,CA:TRUE,pathlen:0";
	pki->short_issuer = pki_make(&spec, &pki->root);
	spec = pki_issuer_spec("Narrow Issuer");
	spec.constraints = "critical,permitted;DNS:elsewhere.example";
	pki->narrow_issuer = pki_make(&spec, &pki->root);
	pki->list_issuer = pki_issuer("Listing Issuer", &pki->root);
	pki->stale_issuer = pki_issuer("Stale Issuer", &pki->root);
	pki->listed = pki_server(FAULTS_NAME, &pki->list_issuer);
}

void
faults_write_lists(const struct faults_pki *pki, const char *path)
{
	X509_CRL *fresh = pki_list(&pki->list_issuer, pki->listed.cert, -1, 7);
	X509_CRL *stale = pki_list(&pki->stale_issuer, NULL, -30, -1);
	FILE *file = fopen(path, "w");

	need(file != NULL && PEM_write_X509_CRL(file, fresh) == 1 &&
		 PEM_write_X509_CRL(file, stale) == 1 && fclose(file) == 0,
	    path);
	X509_CRL_free(fresh);
	X509_CRL_free(stale);
}

/* ---- contexts ---- */

/* Takes leaf over. */
static SSL_CTX *
show(struct pki leaf, const struct pki *issuer)
{
	SSL_CTX *ctx = pki_server_ctx(&leaf, issuer);

	pki_free(&leaf);
	return ctx;
}

static SSL_CTX *
show_spec(const struct pki_spec *spec, const struct faults_pki *pki)
{
	return show(pki_make(spec, &pki->issuer), &pki->issuer);
}

static struct pki_spec
good_spec(void)
{
	return pki_server_spec(FAULTS_NAME);
}

static SSL_CTX *
make_good(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	return show_spec(&spec, pki);
}

static SSL_CTX *
make_expired(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.to_days = -1;
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_long_expired(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.from_days = -4000;
	spec.to_days = -3000;
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_not_yet(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.from_days = 2;
	return show_spec(&spec, pki);
}

static SSL_CTX *
with_names(const struct faults_pki *pki, const char *names)
{
	struct pki_spec spec = good_spec();

	spec.common_name = "somebody";
	spec.names = names;
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_wrong_name(const struct faults_pki *pki)
{
	return with_names(pki, "DNS:other.cameras.example");
}

static SSL_CTX *
make_wide_wildcard(const struct faults_pki *pki)
{
	return with_names(pki, "DNS:*.example");
}

static SSL_CTX *
make_part_wildcard(const struct faults_pki *pki)
{
	return with_names(pki, "DNS:clo*.cameras.example");
}

static SSL_CTX *
make_inner_wildcard(const struct faults_pki *pki)
{
	return with_names(pki, "DNS:cloud.*.example");
}

static SSL_CTX *
make_address_as_name(const struct faults_pki *pki)
{
	return with_names(pki, "DNS:3.120.0.10");
}

static SSL_CTX *
make_cn_only(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.names = NULL;
	return show_spec(&spec, pki);
}

/* "cloud.cameras.example\0.other.example": one name to C, another to DER. */
static SSL_CTX *
make_nul_name(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.names = NULL;
	spec.more_oid = "2.5.29.17";
	spec.more = "DER:30268224"
		    "636c6f75642e63616d657261732e6578616d706c6500"
		    "2e6f746865722e6578616d706c65";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_self_signed(const struct faults_pki *pki)
{
	(void)pki;
	return show(pki_server(FAULTS_NAME, NULL), NULL);
}

static SSL_CTX *
make_unknown_ca(const struct faults_pki *pki)
{
	return show(pki_server(FAULTS_NAME, &pki->stranger), &pki->stranger);
}

static SSL_CTX *
make_missing_issuer(const struct faults_pki *pki)
{
	return show(pki_server(FAULTS_NAME, &pki->issuer), NULL);
}

static SSL_CTX *
make_old_issuer(const struct faults_pki *pki)
{
	return show(pki_server(FAULTS_NAME, &pki->old_issuer), &pki->old_issuer);
}

static SSL_CTX *
make_weak_rsa(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.key = PKI_RSA1024;
	return show_spec(&spec, pki);
}

/* A key that TLS 1.3 has no word for, and TLS 1.2 only for who asks for it. */
static SSL_CTX *
show_curve(enum pki_key key, const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();
	SSL_CTX *ctx;

	spec.key = key;
	ctx = show_spec(&spec, pki);
	(void)SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	return ctx;
}

static SSL_CTX *
make_weak_curve(const struct faults_pki *pki)
{
	return show_curve(PKI_P192, pki);
}

static SSL_CTX *
make_p224(const struct faults_pki *pki)
{
	return show_curve(PKI_P224, pki);
}

static SSL_CTX *
make_k256(const struct faults_pki *pki)
{
	return show_curve(PKI_K256, pki);
}

static SSL_CTX *
make_brainpool(const struct faults_pki *pki)
{
	return show_curve(PKI_BRAINPOOL, pki);
}

static SSL_CTX *
make_sha1(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.digest = "SHA1";
	return show_spec(&spec, pki);
}

/* There is no ECDSA with MD5. */
static SSL_CTX *
make_md5(const struct faults_pki *pki)
{
	struct pki_spec spec = pki_issuer_spec("RSA Issuer");
	struct pki issuer;
	SSL_CTX *ctx;

	spec.key = PKI_RSA2048;
	issuer = pki_make(&spec, &pki->root);
	spec = good_spec();
	spec.digest = "MD5";
	ctx = show(pki_make(&spec, &issuer), &issuer);
	pki_free(&issuer);
	return ctx;
}

static SSL_CTX *
make_for_clients(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.purpose = "clientAuth";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_key_agreement(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.usage = "critical,keyAgreement";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_for_code(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.purpose = "codeSigning,emailProtection";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_is_a_ca(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.basic = "critical,CA:TRUE";
	spec.usage = "critical,digitalSignature,keyCertSign";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_by_a_leaf(const struct faults_pki *pki)
{
	struct pki middle = pki_server("middle.example", &pki->root);
	SSL_CTX *ctx = show(pki_server(FAULTS_NAME, &middle), &middle);

	pki_free(&middle);
	return ctx;
}

static SSL_CTX *
make_path_length(const struct faults_pki *pki)
{
	struct pki below = pki_issuer("Below", &pki->short_issuer);
	SSL_CTX *ctx = show(pki_server(FAULTS_NAME, &below), &below);

	need(SSL_CTX_add1_chain_cert(ctx, pki->short_issuer.cert) == 1, "chain");
	pki_free(&below);
	return ctx;
}

static SSL_CTX *
make_name_constraints(const struct faults_pki *pki)
{
	return show(pki_server(FAULTS_NAME, &pki->narrow_issuer), &pki->narrow_issuer);
}

/* Two that sign each other, and no root. */
static SSL_CTX *
make_loop(const struct faults_pki *pki)
{
	struct pki one = pki_root("Loop One"), two = pki_issuer("Loop Two", &one);
	struct pki leaf = pki_server(FAULTS_NAME, &two);
	SSL_CTX *ctx;

	(void)pki;
	need(X509_set_issuer_name(one.cert, X509_get_subject_name(two.cert)) == 1 &&
		 X509_sign(one.cert, two.key, EVP_sha256()) > 0,
	    "loop");
	ctx = show(leaf, &two);
	need(SSL_CTX_add1_chain_cert(ctx, one.cert) == 1, "chain");
	pki_free(&one);
	pki_free(&two);
	return ctx;
}

/* The issuer as a stranger certified it goes first. */
static SSL_CTX *
make_cross_signed(const struct faults_pki *pki)
{
	struct pki_spec spec = pki_issuer_spec("Laboratory Issuer");
	struct pki strange;
	SSL_CTX *ctx;

	spec.same_key = &pki->issuer;
	strange = pki_make(&spec, &pki->stranger);
	ctx = show(pki_server(FAULTS_NAME, &pki->issuer), &strange);
	need(SSL_CTX_add1_chain_cert(ctx, pki->issuer.cert) == 1, "chain");
	pki_free(&strange);
	return ctx;
}

/* Issuers one below the other. */
static SSL_CTX *
make_deep(const struct faults_pki *pki)
{
	enum { DEEP = 9 };
	struct pki chain[DEEP + 1] = {pki->root};
	SSL_CTX *ctx;

	for (int i = 1; i <= DEEP; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "Deep %d", i);
		chain[i] = pki_issuer(name, &chain[i - 1]);
	}
	ctx = show(pki_server(FAULTS_NAME, &chain[DEEP]), &chain[DEEP]);
	for (int i = DEEP - 1; i > 0; i--)
		need(SSL_CTX_add1_chain_cert(ctx, chain[i].cert) == 1, "chain");
	for (int i = 1; i <= DEEP; i++)
		pki_free(&chain[i]);
	return ctx;
}

static SSL_CTX *
with_many(const struct faults_pki *pki, int bytes)
{
	SSL_CTX *ctx = make_good(pki);
	int one = i2d_X509(pki->stranger.cert, NULL);

	for (int sent = 0; sent < bytes; sent += one)
		need(SSL_CTX_add1_chain_cert(ctx, pki->stranger.cert) == 1, "chain");
	return ctx;
}

/* A good chain, and a hundred certificates that do not belong to it. */
static SSL_CTX *
make_hundred(const struct faults_pki *pki)
{
	return with_many(pki, 100 * i2d_X509(pki->stranger.cert, NULL));
}

static SSL_CTX *
make_huge_chain(const struct faults_pki *pki)
{
	return with_many(pki, 70000);
}

static SSL_CTX *
make_critical_extension(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.more_oid = "1.3.6.1.4.1.32473.1";
	spec.more = "critical,DER:0500";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_version_1(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.version = X509_VERSION_1;
	spec.names = spec.basic = spec.usage = spec.purpose = NULL;
	spec.no_key_ids = true;
	return show_spec(&spec, pki);
}

/* ---- keys that are not the certificate's ---- */

/* The certificate is changed when the context has taken it: OpenSSL would
 * refuse the pair. */
static SSL_CTX *
make_other_key(const struct faults_pki *pki)
{
	struct pki leaf = pki_server(FAULTS_NAME, &pki->issuer);
	EVP_PKEY *other = pki_key(PKI_P256);
	SSL_CTX *ctx = pki_server_ctx(&leaf, &pki->issuer);

	need(X509_set_pubkey(leaf.cert, other) == 1 &&
		 X509_sign(leaf.cert, pki->issuer.key, EVP_sha256()) > 0,
	    "other key");
	EVP_PKEY_free(other);
	pki_free(&leaf);
	return ctx;
}

static SSL_CTX *
make_other_key_12(const struct faults_pki *pki)
{
	SSL_CTX *ctx = make_other_key(pki);

	(void)SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	return ctx;
}

/* ---- revocation ---- */

struct stapled {
	unsigned char *at;
	size_t size;
};

/* OpenSSL takes the copy over. */
static int
on_status(SSL *ssl, void *arg)
{
	const struct stapled *stapled = arg;

	(void)SSL_set_tlsext_status_ocsp_resp(ssl, OPENSSL_memdup(stapled->at, stapled->size),
	    (long)stapled->size);
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
staple(const struct faults_pki *pki, int status, int from_s, int to_s)
{
	struct pki leaf = pki_server(FAULTS_NAME, &pki->issuer);
	const struct pki_staple about = {.leaf = &leaf,
	    .issuer = &pki->issuer,
	    .status = status,
	    .from_s = from_s,
	    .to_s = to_s};
	struct stapled *stapled = malloc(sizeof(*stapled)); /* as long as the program runs */
	SSL_CTX *ctx;

	need(stapled != NULL, "no memory");
	stapled->at = pki_staple(&about, &stapled->size);
	ctx = show(leaf, &pki->issuer);
	(void)SSL_CTX_set_tlsext_status_cb(ctx, on_status);
	(void)SSL_CTX_set_tlsext_status_arg(ctx, stapled);
	return ctx;
}

static SSL_CTX *
make_good_staple(const struct faults_pki *pki)
{
	return staple(pki, V_OCSP_CERTSTATUS_GOOD, -HOUR_S, DAY_S);
}

static SSL_CTX *
make_revoked_staple(const struct faults_pki *pki)
{
	return staple(pki, V_OCSP_CERTSTATUS_REVOKED, -HOUR_S, DAY_S);
}

static SSL_CTX *
make_old_staple(const struct faults_pki *pki)
{
	return staple(pki, V_OCSP_CERTSTATUS_GOOD, -9 * DAY_S, -2 * DAY_S);
}

static SSL_CTX *
make_must_staple(const struct faults_pki *pki)
{
	struct pki_spec spec = good_spec();

	spec.more_oid = "1.3.6.1.5.5.7.1.24";
	spec.more = "DER:3003020105";
	return show_spec(&spec, pki);
}

static SSL_CTX *
make_listed(const struct faults_pki *pki)
{
	return pki_server_ctx(&pki->listed, &pki->list_issuer);
}

static SSL_CTX *
make_stale_list(const struct faults_pki *pki)
{
	return show(pki_server(FAULTS_NAME, &pki->stale_issuer), &pki->stale_issuer);
}

/* ---- TLS that is too old or too weak ---- */

static SSL_CTX *
with_version(const struct faults_pki *pki, int version)
{
	SSL_CTX *ctx = make_good(pki);

	need(SSL_CTX_set_min_proto_version(ctx, version) == 1 &&
		 SSL_CTX_set_max_proto_version(ctx, version) == 1,
	    "version");
	return ctx;
}

static SSL_CTX *
make_tls10(const struct faults_pki *pki)
{
	return with_version(pki, TLS1_VERSION);
}

static SSL_CTX *
make_tls11(const struct faults_pki *pki)
{
	return with_version(pki, TLS1_1_VERSION);
}

static unsigned
on_psk(SSL *ssl, const char *identity, unsigned char *psk, unsigned size)
{
	(void)ssl;
	(void)identity;
	memset(psk, 'k', size < 16 ? size : 16);
	return 16;
}

static SSL_CTX *
make_psk_only(const struct faults_pki *pki)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	(void)pki;
	need(ctx != NULL && SSL_CTX_set_cipher_list(ctx, "PSK-AES128-GCM-SHA256") == 1 &&
		 SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1,
	    "psk");
	SSL_CTX_set_psk_server_callback(ctx, on_psk);
	return ctx;
}

/* A server of finite fields alone, with this group; takes it over. */
static SSL_CTX *
with_field(const struct faults_pki *pki, EVP_PKEY *group)
{
	struct pki_spec spec = good_spec();
	SSL_CTX *ctx;

	spec.key = PKI_RSA2048;
	spec.usage = "critical,digitalSignature,keyEncipherment";
	ctx = show_spec(&spec, pki);
	need(SSL_CTX_set0_tmp_dh_pkey(ctx, group) == 1 &&
		 SSL_CTX_set_cipher_list(ctx, "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0") == 1 &&
		 SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION) == 1,
	    "dh");
	return ctx;
}

static SSL_CTX *
make_small_dh(const struct faults_pki *pki)
{
	EVP_PKEY_CTX *of = EVP_PKEY_CTX_new_from_name(NULL, "DHX", NULL);
	EVP_PKEY *group = NULL;

	need(EVP_PKEY_paramgen_init(of) == 1 && EVP_PKEY_CTX_set_dh_rfc5114(of, 1) == 1 &&
		 EVP_PKEY_paramgen(of, &group) == 1,
	    "dh");
	EVP_PKEY_CTX_free(of);
	return with_field(pki, group);
}

static EVP_PKEY *
named_field(int nid)
{
	EVP_PKEY_CTX *of = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY *group = NULL;

	need(EVP_PKEY_paramgen_init(of) == 1 && EVP_PKEY_CTX_set_dh_nid(of, nid) == 1 &&
		 EVP_PKEY_paramgen(of, &group) == 1,
	    "dh");
	EVP_PKEY_CTX_free(of);
	return group;
}

static SSL_CTX *
make_good_dh(const struct faults_pki *pki)
{
	return with_field(pki, named_field(NID_ffdhe2048));
}

static SSL_CTX *
make_large_dh(const struct faults_pki *pki)
{
	return with_field(pki, named_field(NID_ffdhe8192));
}

static SSL_CTX *
make_large_dh_13(const struct faults_pki *pki)
{
	char groups[] = "ffdhe8192"; /* OpenSSL's macro wants it so */
	SSL_CTX *ctx = with_version(pki, TLS1_3_VERSION);

	need(SSL_CTX_set1_groups_list(ctx, groups) == 1, "groups");
	return ctx;
}

static SSL_CTX *
make_sha1_handshake(const struct faults_pki *pki)
{
	char signatures[] = "ECDSA+SHA1"; /* OpenSSL's macro wants it so */
	SSL_CTX *ctx = with_version(pki, TLS1_2_VERSION);

	need(SSL_CTX_set1_sigalgs_list(ctx, signatures) == 1, "sigalgs");
	return ctx;
}

static SSL_CTX *
make_tls12(const struct faults_pki *pki)
{
	return with_version(pki, TLS1_2_VERSION);
}

static SSL_CTX *
make_tls13(const struct faults_pki *pki)
{
	return with_version(pki, TLS1_3_VERSION);
}

/* ---- the table ---- */

enum { HELLO = 2, CERTIFICATE = 11, KEY_EXCHANGE = 12, HELLO_DONE = 14 };

static const uint8_t renegotiation_info[] = {0xff, 0x01, 0x00, 0x01, 0x00};
static const uint8_t with_alpn[] = {0xff, 0x01, 0x00, 0x01, 0x00, 0x00, 0x10, 0x00, 0x05, 0x00,
    0x03, 0x02, 'z', 'z'};
static const uint8_t raw_key[] = {0xff, 0x01, 0x00, 0x01, 0x00, 0x00, 0x14, 0x00, 0x01, 0x02};

/* What a hello of our own says beside its cipher. */
#define SAYS(cipher_id, list)                                                                      \
	.version = 0x0303, .cipher = (cipher_id), .extensions = (list),                            \
	.extensions_size = sizeof(list)

const struct fault faults[] = {
    {.name = "good", .make = make_good},
    {.name = "good-staple", .make = make_good_staple},
    {.name = "hundred-certificates", .make = make_hundred},
    {.name = "expired", .make = make_expired},
    {.name = "long-expired", .make = make_long_expired},
    {.name = "not-yet-valid", .make = make_not_yet},
    {.name = "wrong-name", .make = make_wrong_name},
    {.name = "wide-wildcard", .make = make_wide_wildcard},
    {.name = "part-wildcard", .make = make_part_wildcard},
    {.name = "inner-wildcard", .make = make_inner_wildcard},
    {.name = "address-as-name", .make = make_address_as_name},
    {.name = "cn-only", .make = make_cn_only},
    {.name = "nul-in-name", .make = make_nul_name},
    {.name = "self-signed", .make = make_self_signed},
    {.name = "unknown-ca", .make = make_unknown_ca},
    {.name = "missing-intermediate", .make = make_missing_issuer},
    {.name = "expired-issuer", .make = make_old_issuer},
    {.name = "rsa-1024", .make = make_weak_rsa},
    {.name = "p-192", .make = make_weak_curve},
    {.name = "p-224", .make = make_p224},
    {.name = "secp256k1", .make = make_k256},
    {.name = "brainpool", .make = make_brainpool},
    {.name = "sha1-signature", .make = make_sha1},
    {.name = "md5-signature", .make = make_md5},
    {.name = "for-clients", .make = make_for_clients},
    {.name = "for-code", .make = make_for_code},
    {.name = "key-may-not-sign", .make = make_key_agreement},
    {.name = "is-a-ca", .make = make_is_a_ca},
    {.name = "signed-by-a-leaf", .make = make_by_a_leaf},
    {.name = "path-length", .make = make_path_length},
    {.name = "name-constraints", .make = make_name_constraints},
    {.name = "loop", .make = make_loop},
    {.name = "cross-signed", .make = make_cross_signed},
    {.name = "too-deep", .make = make_deep},
    {.name = "critical-extension", .make = make_critical_extension},
    {.name = "version-1", .make = make_version_1},
    {.name = "revoked-staple", .make = make_revoked_staple},
    {.name = "old-staple", .make = make_old_staple},
    {.name = "must-staple", .make = make_must_staple},
    {.name = "revoked-by-list", .make = make_listed},
    {.name = "stale-list", .make = make_stale_list},
    {.name = "chain-over-64k", .make = make_huge_chain},
    {.name = "key-of-another", .make = make_other_key},
    {.name = "key-of-another-12", .make = make_other_key_12},
    {.name = "cut-hello", .make = make_tls12, .edit = EDIT_CUT, .message = HELLO},
    {.name = "cut-certificate", .make = make_tls12, .edit = EDIT_CUT, .message = CERTIFICATE},
    {.name = "cut-key-exchange", .make = make_tls12, .edit = EDIT_CUT, .message = KEY_EXCHANGE},
    {.name = "cut-hello-done", .make = make_tls12, .edit = EDIT_CUT, .message = HELLO_DONE},
    {.name = "cut-hello-13", .make = make_tls13, .edit = EDIT_CUT, .message = HELLO},
    {.name = "cut-extensions-13", .make = make_tls13, .edit = EDIT_CUT, .nth = 0},
    {.name = "cut-certificate-13", .make = make_tls13, .edit = EDIT_CUT, .nth = 1},
    {.name = "cut-verify-13", .make = make_tls13, .edit = EDIT_CUT, .nth = 2},
    {.name = "cut-finished-13", .make = make_tls13, .edit = EDIT_CUT, .nth = 3},
    {.name = "bad-finished-13", .make = make_tls13, .edit = EDIT_LAST_BYTE, .nth = 3},
    {.name = "bad-signature", .make = make_tls12, .edit = EDIT_LAST_BYTE, .message = KEY_EXCHANGE},
    {.name = "malformed-certificate",
	.make = make_tls12,
	.edit = EDIT_FIRST_CERT,
	.message = CERTIFICATE},
    {.name = "tls-1.0", .make = make_tls10},
    {.name = "tls-1.1", .make = make_tls11},
    {.name = "psk-only", .make = make_psk_only},
    {.name = "dh-1024", .make = make_small_dh},
    {.name = "dh-2048", .make = make_good_dh},
    {.name = "dh-8192", .make = make_large_dh},
    {.name = "dh-8192-13", .make = make_large_dh_13},
    {.name = "sha1-handshake", .make = make_sha1_handshake},
    {.name = "rc4", .hello = {SAYS(0x0005, renegotiation_info)}},
    {.name = "3des", .hello = {SAYS(0x000a, renegotiation_info)}},
    {.name = "export", .hello = {SAYS(0x0003, renegotiation_info)}},
    {.name = "null", .hello = {SAYS(0x0002, renegotiation_info)}},
    {.name = "anonymous", .hello = {SAYS(0x0034, renegotiation_info)}},
    {.name = "no-rfc5746", .hello = {.version = 0x0303, .cipher = 0xc02b}},
    {.name = "ssl-3", .hello = {.version = 0x0300, .cipher = 0x002f}},
    {.name = "compression", .hello = {SAYS(0xc02b, renegotiation_info), .compression = 1}},
    {.name = "downgraded", .hello = {SAYS(0xc02b, renegotiation_info), .downgrade = true}},
    {.name = "alpn-not-asked-for", .hello = {SAYS(0xc02b, with_alpn)}},
    {.name = "raw-public-key", .hello = {SAYS(0xc02b, raw_key)}},
};
const size_t faults_count = sizeof(faults) / sizeof(faults[0]);
