/* SPDX-License-Identifier: MIT */
#include "certs/verify.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "certs/certificate.h"
#include "certs/chain_cache.h"
#include "certs/names.h"
#include "certs/path.h"
#include "certs/staple.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CERT_LIST_MAX = 65536, /* bytes of a chain; 3-6 KiB is what servers send */
	US_PER_S = 1000000,
};

/* What the servers' SSL_CTX carries; freed with it. */
struct verifier {
	struct chain_cache *cache; /* owned */
	EVP_MD *sha256;            /* owned */
};

/* What one SSL carries; freed with it. */
struct expect {
	struct server_facts *facts; /* borrowed */
	struct addr addr;
	bool is_nameless; /* nobody said a name, and none was given for the address */
	bool examined;    /* the server sent a chain in this handshake: */
	uint8_t chain_sha256[CHAIN_DIGEST_BYTES];
	bool needs_staple;
	uint32_t key_usage;                        /* what the leaf's key may do, KU_* of OpenSSL */
	uint8_t staple_sha256[CHAIN_DIGEST_BYTES]; /* one that is good, up to staple_to */
	int64_t staple_to;
	char name[];
};

static void
free_verifier(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long arg, void *more)
{
	struct verifier *verifier = ptr;

	(void)parent;
	(void)data;
	(void)index;
	(void)arg;
	(void)more;
	if (verifier == NULL)
		return;
	chain_cache_free(verifier->cache);
	EVP_MD_free(verifier->sha256);
	free(verifier);
}

static void
free_expect(void *parent, void *ptr, CRYPTO_EX_DATA *data, int index, long arg, void *more)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)arg;
	(void)more;
	free(ptr);
}

/* Where OpenSSL keeps what is ours; one number a process, drawn once. */
static int
verifier_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_verifier);
	return index;
}

static int
expect_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_expect);
	return index;
}

static int64_t
now_s(void)
{
	return (int64_t)(clock_wall_us() / US_PER_S);
}

/* The digest of a chain is one over the digests of its certificates, so that
 * no two chains give the same bytes. */
static int
digest_chain(const EVP_MD *md, STACK_OF(X509) * sent, uint8_t leaf[CHAIN_DIGEST_BYTES],
    uint8_t all[CHAIN_DIGEST_BYTES])
{
	uint8_t one[EVP_MAX_MD_SIZE], sum[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ret = -1;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, md, NULL) != 1)
		goto out;
	for (int i = 0; i < sk_X509_num(sent); i++) {
		if (X509_digest(sk_X509_value(sent, i), md, one, NULL) != 1 ||
		    EVP_DigestUpdate(ctx, one, CHAIN_DIGEST_BYTES) != 1)
			goto out;
		if (i == 0)
			memcpy(leaf, one, CHAIN_DIGEST_BYTES);
	}
	if (EVP_DigestFinal_ex(ctx, sum, NULL) != 1)
		goto out;
	memcpy(all, sum, CHAIN_DIGEST_BYTES);
	ret = 0;
out:
	EVP_MD_CTX_free(ctx);
	return ret;
}

/* The description alone; what the connection found out stays. */
static void
copy_leaf(struct server_facts *to, const struct server_facts *from)
{
	memcpy(to->subject, from->subject, sizeof(to->subject));
	memcpy(to->issuer, from->issuer, sizeof(to->issuer));
	memcpy(to->serial, from->serial, sizeof(to->serial));
	memcpy(to->sha1, from->sha1, sizeof(to->sha1));
	memcpy(to->sha256, from->sha256, sizeof(to->sha256));
	to->not_before = from->not_before;
	to->not_after = from->not_after;
}

static void
take_chain(struct expect *expect, const struct chain *chain)
{
	copy_leaf(expect->facts, &chain->leaf);
	memcpy(expect->chain_sha256, chain->sha256, sizeof(expect->chain_sha256));
	memcpy(expect->staple_sha256, chain->staple_sha256, sizeof(expect->staple_sha256));
	expect->staple_to = chain->staple_to;
	expect->needs_staple = chain->needs_staple;
	expect->key_usage = chain->key_usage;
}

/* Whether these certificates were found good a moment ago; what they are is
 * then taken over.  Else the digests are what is known of them. */
static bool
recall(const struct verifier *verifier, struct expect *expect, const struct chain *chain)
{
	const struct chain *known = chain_cache_get(verifier->cache, chain->sha256, now_s());

	if (known != NULL)
		take_chain(expect, known);
	return known != NULL;
}

/* Look at a chain that is not known: ctx is set up for it. */
static uint32_t
examine(struct verifier *verifier, X509_STORE_CTX *ctx, struct expect *expect, struct chain *chain,
    const uint8_t leaf[CHAIN_DIGEST_BYTES])
{
	X509 *cert = X509_STORE_CTX_get0_cert(ctx);
	uint32_t errors = path_errors(ctx, now_s(), &chain->from, &chain->to);

	certificate_describe(cert, leaf, &chain->leaf);
	chain->needs_staple = staple_is_required(cert);
	chain->key_usage = path_key_usage(ctx, errors);
	if (errors == 0)
		chain_cache_put(verifier->cache, chain, now_s());
	take_chain(expect, chain);
	return errors;
}

static uint32_t
recall_or_examine(struct verifier *verifier, X509_STORE_CTX *ctx, struct expect *expect)
{
	struct chain chain = {0};
	uint8_t leaf[CHAIN_DIGEST_BYTES];

	if (digest_chain(verifier->sha256, X509_STORE_CTX_get0_untrusted(ctx), leaf,
		chain.sha256) != 0)
		return CERT_OTHER;
	if (recall(verifier, expect, &chain))
		return 0;
	return examine(verifier, ctx, expect, &chain, leaf);
}

/* OpenSSL's question whether the chain is good: always yes, since the answer
 * is in the facts. */
static int
on_chain(X509_STORE_CTX *ctx, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct expect *expect = SSL_get_ex_data(ssl, expect_index());
	uint32_t errors;

	if (expect == NULL)
		return 0; /* nobody said whom to expect, so nobody would look */
	errors = recall_or_examine(arg, ctx, expect);
	expect->facts->errors |= errors;
	expect->examined = true;
	/* Kept in the session too: one that began badly resumes badly. */
	X509_STORE_CTX_set_error(ctx,
	    errors == 0 ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
	return 1;
}

int
verify_setup(SSL_CTX *ctx, X509_STORE *store, struct err *err)
{
	struct verifier *verifier = calloc(1, sizeof(*verifier));

	if (verifier == NULL)
		return err_set(err, ERR_NOMEM, "verify: no memory");
	verifier->cache = chain_cache_new();
	verifier->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (verifier->cache == NULL || verifier->sha256 == NULL || expect_index() < 0 ||
	    SSL_CTX_set_ex_data(ctx, verifier_index(), verifier) != 1) {
		free_verifier(NULL, verifier, NULL, 0, 0, NULL);
		return err_tls(err, "verify: no memory");
	}
	SSL_CTX_set1_cert_store(ctx, store);
	path_params(SSL_CTX_get0_param(ctx));
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_chain, verifier);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
	(void)SSL_CTX_set_tlsext_status_type(ctx, TLSEXT_STATUSTYPE_ocsp);
	return 0;
}

int
verify_expect(SSL *ssl, const char *name, const struct addr *addr, struct server_facts *facts,
    struct err *err)
{
	bool is_nameless = name[0] == '\0';
	struct addr literal;
	struct expect *expect;

	/* Some cameras send an address where a name belongs (RFC 6066 section 3
	 * forbids it); a certificate speaks for it as for an address. */
	if (name[0] != '\0' && addr_parse(&literal, name, 0, NULL) == 0 && literal.port == 0) {
		addr = &literal;
		name = "";
	}
	expect = calloc(1, sizeof(*expect) + strlen(name) + 1);
	if (expect == NULL)
		return err_set(err, ERR_NOMEM, "verify: no memory");
	expect->facts = facts;
	expect->addr = *addr;
	expect->is_nameless = is_nameless;
	expect->key_usage = UINT32_MAX;
	memcpy(expect->name, name, strlen(name) + 1);
	free(SSL_get_ex_data(ssl, expect_index()));
	if (SSL_set_ex_data(ssl, expect_index(), expect) != 1) {
		free(expect);
		return err_tls(err, "verify: no memory");
	}
	facts->errors = 0;
	facts->staple = STAPLE_NONE;
	facts->verified = false;
	return 0;
}

/* What can change between two handshakes with one chain. */
static uint32_t
leaf_errors(X509 *leaf, const char *name, const struct addr *addr, int64_t at_s)
{
	int64_t not_before, not_after;
	struct bytes names;
	uint32_t errors = 0;

	if (!certificate_dates(leaf, &not_before, &not_after))
		errors |= CERT_MALFORMED;
	else
		errors |= path_date_errors(not_before, not_after, at_s);
	if (!certificate_names(leaf, &names))
		return errors | CERT_MALFORMED;
	return errors | (san_matches(names, name, addr) ? 0U : (uint32_t)CERT_NAME_MISMATCH);
}

/* The chain that the server showed when the session began, which nobody sent in
 * this handshake: it is looked at as if it had been. */
static uint32_t
examine_resumed(SSL *ssl, struct expect *expect)
{
	SSL_CTX *ssl_ctx = SSL_get_SSL_CTX(ssl);
	struct verifier *verifier = SSL_CTX_get_ex_data(ssl_ctx, verifier_index());
	STACK_OF(X509) *sent = SSL_get_peer_cert_chain(ssl);
	struct chain chain = {0};
	uint8_t leaf[CHAIN_DIGEST_BYTES];
	X509_STORE_CTX *ctx = NULL;
	uint32_t errors = CERT_OTHER;

	if (SSL_get_verify_result(ssl) != X509_V_OK || sk_X509_num(sent) < 1 ||
	    digest_chain(verifier->sha256, sent, leaf, chain.sha256) != 0)
		return CERT_OTHER;
	if (recall(verifier, expect, &chain))
		return 0;
	ctx = X509_STORE_CTX_new();
	if (ctx != NULL && X509_STORE_CTX_init(ctx, SSL_CTX_get_cert_store(ssl_ctx),
			       sk_X509_value(sent, 0), sent) == 1) {
		X509_STORE_CTX_set_default(ctx, "ssl_server");
		path_params(X509_STORE_CTX_get0_param(ctx));
		errors = examine(verifier, ctx, expect, &chain, leaf);
	}
	X509_STORE_CTX_free(ctx);
	return errors;
}

/* ---- the staple ---- */

/* Who signed the leaf, with a reference of the caller's own; NULL: not to be
 * found, or not what it says. */
static X509 *
find_issuer(SSL *ssl, X509 *leaf)
{
	STACK_OF(X509) *path = SSL_get0_verified_chain(ssl), *sent = SSL_get_peer_cert_chain(ssl);
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *found = NULL;

	/* A path that ends with the leaf has nobody else who could tell of it. */
	if (sk_X509_num(path) > 0)
		found = sk_X509_value(path, sk_X509_num(path) > 1 ? 1 : 0);
	for (int i = 0; i < sk_X509_num(sent) && found == NULL; i++) {
		if (X509_check_issued(sk_X509_value(sent, i), leaf) == X509_V_OK)
			found = sk_X509_value(sent, i);
	}
	if (found != NULL)
		(void)X509_up_ref(found);
	else if (ctx != NULL && X509_STORE_CTX_init(ctx,
				    SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), leaf, NULL) == 1)
		(void)X509_STORE_CTX_get1_issuer(&found, ctx, leaf);
	if (found != NULL && X509_verify(leaf, X509_get0_pubkey(found)) != 1) {
		X509_free(found);
		found = NULL;
	}
	X509_STORE_CTX_free(ctx);
	return found;
}

/* A response takes as long to check as a chain: one that was found good is
 * remembered with the chain. */
static uint32_t
examine_staple(SSL *ssl, const struct expect *expect, X509 *leaf, struct server_facts *facts)
{
	struct verifier *verifier = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), verifier_index());
	uint8_t digest[EVP_MAX_MD_SIZE];
	const uint8_t *response = NULL;
	long size = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
	int64_t until;
	X509 *issuer;

	facts->staple = STAPLE_NONE;
	if (response == NULL || size <= 0)
		return staple_errors(STAPLE_NONE, expect->needs_staple);
	if (EVP_Digest(response, (size_t)size, digest, NULL, verifier->sha256, NULL) != 1)
		return CERT_OTHER;
	facts->staple = STAPLE_GOOD;
	if (now_s() <= expect->staple_to &&
	    memcmp(digest, expect->staple_sha256, sizeof(expect->staple_sha256)) == 0)
		return 0;
	facts->staple = STAPLE_INVALID;
	issuer = find_issuer(ssl, leaf);
	if (issuer != NULL)
		facts->staple = staple_read((struct bytes){.at = response, .left = (size_t)size},
		    leaf, issuer, now_s(), &until);
	if (facts->staple == STAPLE_GOOD)
		chain_cache_staple(verifier->cache, expect->chain_sha256, digest, until);
	X509_free(issuer);
	ERR_clear_error(); /* of looking for an issuer that is not there */
	return staple_errors(facts->staple, expect->needs_staple);
}

/* A key signs the handshake, or with the suites of RSA's own key exchange has
 * the secret encrypted to it: its certificate must allow what is done (RFC 8446
 * section 4.4.2.2, RFC 5246 section 7.4.2). */
static uint32_t
usage_errors(const SSL *ssl, uint32_t key_usage)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	uint32_t needed = KU_DIGITAL_SIGNATURE;

	if (cipher == NULL) /* the handshake has not come to its keys yet */
		cipher = SSL_get_pending_cipher(ssl);
	if (cipher != NULL && SSL_CIPHER_get_kx_nid(cipher) == NID_kx_rsa)
		needed = KU_KEY_ENCIPHERMENT;
	return (key_usage & needed) != 0 ? 0 : (uint32_t)CERT_WRONG_PURPOSE;
}

static void
fill_agreed(SSL *ssl, struct server_facts *facts)
{
	const unsigned char *alpn;
	unsigned count;

	facts->handshake_done = true;
	facts->version = (uint16_t)SSL_version(ssl);
	text_copy(facts->cipher, sizeof(facts->cipher), SSL_get_cipher_name(ssl));
	SSL_get0_alpn_selected(ssl, &alpn, &count);
	if (count >= sizeof(facts->alpn))
		count = 0;
	if (count > 0)
		memcpy(facts->alpn, alpn, count);
	facts->alpn[count] = '\0';
}

void
verify_result(SSL *ssl, struct server_facts *facts)
{
	struct expect *expect = SSL_get_ex_data(ssl, expect_index());
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	if (SSL_is_init_finished(ssl))
		fill_agreed(ssl, facts);
	facts->verified = false;
	if (leaf == NULL || expect == NULL)
		return;
	if (!expect->examined)
		facts->errors |= examine_resumed(ssl, expect);
	else
		facts->errors |= examine_staple(ssl, expect, leaf, facts);
	facts->errors |= usage_errors(ssl, expect->key_usage);
	facts->errors |= leaf_errors(leaf, expect->name, &expect->addr, now_s());
	if (expect->is_nameless && (facts->errors & CERT_NAME_MISMATCH) != 0)
		facts->errors =
		    (facts->errors & ~(uint32_t)CERT_NAME_MISMATCH) | CERT_NAME_UNCHECKED;
	facts->verified = facts->handshake_done && facts->errors == 0;
}

uint32_t
verify_chain(X509_STORE *store, STACK_OF(X509) * sent, const char *name, const struct addr *addr,
    int64_t at_s)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509 *leaf = sk_X509_value(sent, 0);
	uint32_t errors = CERT_OTHER;
	int64_t from, to;

	if (ctx == NULL || X509_STORE_CTX_init(ctx, store, leaf, sent) != 1)
		goto out;
	X509_STORE_CTX_set_default(ctx, "ssl_server");
	path_params(X509_STORE_CTX_get0_param(ctx));
	X509_STORE_CTX_set_time(ctx, 0, (time_t)at_s);
	errors = path_errors(ctx, at_s, &from, &to) | leaf_errors(leaf, name, addr, at_s);
out:
	X509_STORE_CTX_free(ctx);
	return errors;
}
