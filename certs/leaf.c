/* SPDX-License-Identifier: MIT */
#include "certs/leaf.h"

#include "base/err.h"
#include "certs/certificate.h"
#include "certs/der.h"
#include "certs/leaf_key.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SERIAL_BYTES = 16,
	DIGEST_BYTES = 32,
	KEY_ID_MAX = 64, /* of a configured CA, which may have any */
	TBS_MAX = 65536,
	SIGNATURE_MAX = 1024,     /* RSA-8192 */
	UTC_TIME_YEAR_MAX = 2049, /* RFC 5280 section 4.1.2.5 */
};

/* Extensions that are the same in every leaf, whole. */
static const uint8_t not_a_ca[] = {0x30, 0x0c, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04,
    0x02, 0x30, 0x00};
static const uint8_t usage_ec[] = {0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04,
    0x04, 0x03, 0x02, 0x07, 0x80};
static const uint8_t usage_rsa[] = {0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff,
    0x04, 0x04, 0x03, 0x02, 0x05, 0xa0};
static const uint8_t server_auth[] = {0x30, 0x13, 0x06, 0x03, 0x55, 0x1d, 0x25, 0x04, 0x0c, 0x30,
    0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};

/* Object identifiers and flags, whole. */
static const uint8_t oid_subject_key_id[] = {0x06, 0x03, 0x55, 0x1d, 0x0e};
static const uint8_t oid_authority_key_id[] = {0x06, 0x03, 0x55, 0x1d, 0x23};
static const uint8_t oid_subject_alt_name[] = {0x06, 0x03, 0x55, 0x1d, 0x11};
static const uint8_t critical[] = {0x01, 0x01, 0xff};
static const uint8_t version_3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
static const uint8_t empty_name[] = {0x30, 0x00};

/* RFC 5758 section 3.2 and RFC 4055 section 5. */
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
    0x03, 0x02};
static const uint8_t rsa_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
    0x01, 0x01, 0x0b, 0x05, 0x00};

struct leaf_issuer {
	X509 *cert;           /* owned */
	EVP_PKEY_CTX *sign;   /* owned; ready to sign digests with the CA's key */
	EVP_MAC_CTX *serial;  /* owned; keyed with a secret made of the CA's key */
	const EVP_MD *sha256; /* borrowed */
	struct bytes name;    /* DER, inside cert */
	struct bytes algorithm;
	uint8_t key_id[KEY_ID_MAX];
	size_t key_id_size;
	int64_t not_before, not_after;
	uint8_t tbs[TBS_MAX];
};

static struct bytes
whole(const uint8_t *at, size_t count)
{
	return (struct bytes){.at = at, .left = count};
}

static void
put(struct der_out *out, struct bytes bytes)
{
	der_put(out, bytes.at, bytes.left);
}

/* A leaf names its issuer's key as the issuer itself does, or, where that has
 * no identifier, as we would. */
static int
set_key_id(struct leaf_issuer *issuer)
{
	const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(issuer->cert);
	unsigned char *spki = NULL;
	int size;
	bool good;

	if (own != NULL && ASN1_STRING_length(own) > 0 && ASN1_STRING_length(own) <= KEY_ID_MAX) {
		issuer->key_id_size = (size_t)ASN1_STRING_length(own);
		memcpy(issuer->key_id, ASN1_STRING_get0_data(own), issuer->key_id_size);
		return 0;
	}
	size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer->cert), &spki);
	good = size > 0 && leaf_key_id(whole(spki, (size_t)size), issuer->sha256, issuer->key_id);
	OPENSSL_free(spki);
	issuer->key_id_size = LEAF_KEY_ID_BYTES;
	return good ? 0 : -1;
}

/* Serials come from a secret that only the CA's key gives, so nobody can tell
 * one beforehand, and a restarted signer still gives the same ones. */
static int
set_serial_key(struct leaf_issuer *issuer, EVP_PKEY *key)
{
	static const char label[] = "borderlens leaf serial";
	char digest_name[] = "SHA256";
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name,
				   0),
	    OSSL_PARAM_construct_end()};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	uint8_t secret[EVP_MAX_MD_SIZE];
	int size = i2d_PrivateKey(key, &der), ret = -1;

	if (mac == NULL || md == NULL || size <= 0)
		goto out;
	if (EVP_DigestInit_ex(md, issuer->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(md, label, sizeof(label)) != 1 ||
	    EVP_DigestUpdate(md, der, (size_t)size) != 1 ||
	    EVP_DigestFinal_ex(md, secret, NULL) != 1)
		goto out;
	issuer->serial = EVP_MAC_CTX_new(mac);
	if (issuer->serial != NULL &&
	    EVP_MAC_init(issuer->serial, secret, DIGEST_BYTES, params) == 1)
		ret = 0;
out:
	OPENSSL_cleanse(secret, sizeof(secret));
	if (der != NULL)
		OPENSSL_clear_free(der, (size_t)size);
	EVP_MD_CTX_free(md);
	EVP_MAC_free(mac);
	return ret;
}

static int
set_signing_key(struct leaf_issuer *issuer, EVP_PKEY *key)
{
	if (EVP_PKEY_is_a(key, "EC"))
		issuer->algorithm = whole(ecdsa_sha256, sizeof(ecdsa_sha256));
	else
		issuer->algorithm = whole(rsa_sha256, sizeof(rsa_sha256));
	issuer->sign = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	if (issuer->sign == NULL || EVP_PKEY_sign_init(issuer->sign) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(issuer->sign, issuer->sha256) != 1)
		return -1;
	return 0;
}

struct leaf_issuer *
leaf_issuer_new(const struct ca *ca, const EVP_MD *sha256, struct err *err)
{
	struct leaf_issuer *issuer = calloc(1, sizeof(*issuer));
	const unsigned char *name = NULL;
	size_t name_size = 0;

	if (issuer == NULL) {
		(void)err_set(err, ERR_NOMEM, "signer: no memory");
		return NULL;
	}
	issuer->sha256 = sha256;
	issuer->cert = ca->cert;
	(void)X509_up_ref(issuer->cert);
	if (X509_NAME_get0_der(X509_get_subject_name(issuer->cert), &name, &name_size) != 1 ||
	    !certificate_dates(issuer->cert, &issuer->not_before, &issuer->not_after) ||
	    set_key_id(issuer) != 0 || set_serial_key(issuer, ca->key) != 0 ||
	    set_signing_key(issuer, ca->key) != 0) {
		(void)err_tls(err, "the CA cannot be used to sign");
		leaf_issuer_free(issuer);
		return NULL;
	}
	issuer->name = whole(name, name_size);
	return issuer;
}

void
leaf_issuer_free(struct leaf_issuer *issuer)
{
	if (issuer == NULL)
		return;
	EVP_PKEY_CTX_free(issuer->sign);
	EVP_MAC_CTX_free(issuer->serial);
	X509_free(issuer->cert);
	free(issuer);
}

static void
put_time(struct der_out *out, int64_t seconds)
{
	time_t at = (time_t)seconds;
	struct tm tm;
	char text[32];
	size_t end = out->left, count;
	bool utc;

	(void)gmtime_r(&at, &tm); /* within the CA's dates, so in range */
	utc = tm.tm_year + 1900 <= UTC_TIME_YEAR_MAX;
	count = strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	/* UTCTime leaves the century out. */
	der_put(out, utc ? text + 2 : text, utc ? count - 2 : count);
	der_wrap(out, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, end);
}

static void
put_key_ids(struct der_out *out, const struct leaf_issuer *issuer,
    const uint8_t own[LEAF_KEY_ID_BYTES])
{
	enum { KEY_IDENTIFIER = 0x80 }; /* [0] IMPLICIT, RFC 5280 section 4.2.1.1 */
	size_t end = out->left;

	der_put(out, issuer->key_id, issuer->key_id_size);
	der_wrap(out, KEY_IDENTIFIER, end);
	der_wrap(out, DER_SEQUENCE, end);
	der_wrap(out, DER_OCTET_STRING, end);
	der_put(out, oid_authority_key_id, sizeof(oid_authority_key_id));
	der_wrap(out, DER_SEQUENCE, end);

	end = out->left;
	der_put(out, own, LEAF_KEY_ID_BYTES);
	der_wrap(out, DER_OCTET_STRING, end);
	der_wrap(out, DER_OCTET_STRING, end);
	der_put(out, oid_subject_key_id, sizeof(oid_subject_key_id));
	der_wrap(out, DER_SEQUENCE, end);
}

static void
put_names(struct der_out *out, const struct leaf *leaf)
{
	size_t end = out->left;

	if (leaf->names.left == 0)
		return;
	put(out, leaf->names);
	der_wrap(out, DER_SEQUENCE, end);
	der_wrap(out, DER_OCTET_STRING, end);
	/* RFC 5280 section 4.2.1.6: critical where the subject is empty. */
	if (leaf->subject.left == sizeof(empty_name) &&
	    memcmp(leaf->subject.at, empty_name, sizeof(empty_name)) == 0)
		der_put(out, critical, sizeof(critical));
	der_put(out, oid_subject_alt_name, sizeof(oid_subject_alt_name));
	der_wrap(out, DER_SEQUENCE, end);
}

static void
put_extensions(struct der_out *out, const struct leaf_issuer *issuer, const struct leaf *leaf)
{
	size_t end = out->left;

	put_key_ids(out, issuer, leaf->key->id);
	put_names(out, leaf);
	der_put(out, server_auth, sizeof(server_auth));
	if (leaf->key->rsa)
		der_put(out, usage_rsa, sizeof(usage_rsa));
	else
		der_put(out, usage_ec, sizeof(usage_ec));
	der_put(out, not_a_ca, sizeof(not_a_ca));
	der_wrap(out, DER_SEQUENCE, end);
	der_wrap(out, DER_CONTEXT_3, end);
}

static int
put_serial(struct der_out *out, struct leaf_issuer *issuer, const struct leaf *leaf)
{
	uint8_t mac[EVP_MAX_MD_SIZE];
	size_t count = 0, end = out->left;

	/* The leaf's key with it: two certificates of one issuer never have one serial.
	 * A MAC key of NULL: the same one again. */
	if (EVP_MAC_init(issuer->serial, NULL, 0, NULL) != 1 ||
	    EVP_MAC_update(issuer->serial, leaf->key->spki, leaf->key->spki_size) != 1 ||
	    EVP_MAC_update(issuer->serial, leaf->inputs.at, leaf->inputs.left) != 1 ||
	    EVP_MAC_final(issuer->serial, mac, &count, sizeof(mac)) != 1)
		return -1;
	/* Positive, and of 16 bytes whatever came out. */
	mac[0] = (uint8_t)((mac[0] & 0x7f) | 0x40);
	der_put(out, mac, SERIAL_BYTES);
	der_wrap(out, DER_INTEGER, end);
	return 0;
}

bool
leaf_issuer_covers(const struct leaf_issuer *issuer, const struct leaf *leaf)
{
	return leaf->not_before <= issuer->not_after && leaf->not_after >= issuer->not_before;
}

/* Write the TBSCertificate into issuer->tbs, from its end to its front. */
static int
write_tbs(struct leaf_issuer *issuer, const struct leaf *leaf, struct bytes *tbs, struct err *err)
{
	struct der_out out = der_out_in(issuer->tbs, sizeof(issuer->tbs));
	int64_t from = leaf->not_before, to = leaf->not_after;
	size_t end = out.left, dates;

	if (from < issuer->not_before)
		from = issuer->not_before;
	if (to > issuer->not_after)
		to = issuer->not_after;
	if (from > to)
		return err_set(err, ERR_INPUT, "the dates lie outside the CA's");
	put_extensions(&out, issuer, leaf);
	der_put(&out, leaf->key->spki, leaf->key->spki_size);
	put(&out, leaf->subject);
	dates = out.left;
	put_time(&out, to);
	put_time(&out, from);
	der_wrap(&out, DER_SEQUENCE, dates);
	put(&out, issuer->name);
	put(&out, issuer->algorithm);
	if (put_serial(&out, issuer, leaf) != 0)
		return err_tls(err, "HMAC");
	der_put(&out, version_3, sizeof(version_3));
	der_wrap(&out, DER_SEQUENCE, end);
	if (out.full)
		return err_set(err, ERR_LIMIT, "the names are too long for a leaf");
	*tbs = der_written(&out);
	return 0;
}

size_t
leaf_issue(struct leaf_issuer *issuer, const struct leaf *leaf, uint8_t *out, size_t size,
    struct err *err)
{
	struct der_out cert = der_out_in(out, size);
	struct bytes tbs = {0}, written;
	/* A BIT STRING begins with the number of its unused bits: none. */
	uint8_t digest[EVP_MAX_MD_SIZE], signature[1 + SIGNATURE_MAX] = {0};
	size_t signature_size = SIGNATURE_MAX, end = cert.left;

	if (write_tbs(issuer, leaf, &tbs, err) != 0)
		return 0;
	if (EVP_Digest(tbs.at, tbs.left, digest, NULL, issuer->sha256, NULL) != 1 ||
	    EVP_PKEY_sign(issuer->sign, signature + 1, &signature_size, digest, DIGEST_BYTES) !=
		1) {
		(void)err_tls(err, "the CA cannot sign");
		return 0;
	}
	der_put(&cert, signature, 1 + signature_size);
	der_wrap(&cert, DER_BIT_STRING, end);
	put(&cert, issuer->algorithm);
	put(&cert, tbs);
	der_wrap(&cert, DER_SEQUENCE, end);
	if (cert.full) {
		(void)err_set(err, ERR_LIMIT, "the names are too long for a leaf");
		return 0;
	}
	written = der_written(&cert);
	memmove(out, written.at, written.left);
	return written.left;
}
