/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_PKI_H
#define TESTS_SUPPORT_PKI_H

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Keys and certificates made while a test runs, good or with any flaw.  All
 * abort the test on failure.
 *
 *	struct pki root = pki_root("Test Root");
 *	struct pki_spec spec = pki_server_spec("a.example");
 *	struct pki server;
 *
 *	spec.to_days = -1; // has expired
 *	server = pki_make(&spec, &root);
 */
struct pki {
	X509 *cert;    /* owned */
	EVP_PKEY *key; /* owned */
};

enum pki_key {
	PKI_P256 = 0,
	PKI_P384,
	PKI_P192, /* too weak */
	PKI_P224,
	PKI_K256,      /* secp256k1 */
	PKI_BRAINPOOL, /* brainpoolP256r1 */
	PKI_ED25519,
	PKI_RSA2048,
	PKI_RSA1024, /* too weak */
	PKI_RSA2052, /* of an odd length */
};

/* Extensions are in the words of x509v3_config(5); NULL: not there. */
struct pki_spec {
	const char *common_name;  /* NULL: the subject is empty */
	const char *organisation; /* NULL: none */
	const char *names;        /* subjectAltName: "DNS:a.example,IP:192.0.2.1" */
	const char *basic;        /* basicConstraints */
	const char *usage;        /* keyUsage */
	const char *purpose;      /* extendedKeyUsage */
	const char *constraints;  /* nameConstraints */
	const char *more_oid;     /* one more, by its number ... */
	const char *more;         /* ... with this value: "DER:0500", "critical,DER:..." */
	bool no_key_ids;          /* neither subjectKeyIdentifier nor authorityKeyIdentifier */
	int from_days, to_days;   /* validity, counted from now */
	int version;              /* as on the wire: 2 is version 3 */
	enum pki_key key;
	const struct pki *same_key; /* certified once more: its key, and not a new one */
	const char *digest;         /* of the signature: "SHA256"; not used by Ed25519 */
	const uint8_t *serial;      /* NULL: random */
	size_t serial_size;         /* content bytes, big endian */
	bool serial_negative;
};

/* The specs of good ones. */
struct pki_spec pki_root_spec(const char *name);
struct pki_spec pki_issuer_spec(const char *name); /* an intermediate */
struct pki_spec pki_server_spec(const char *dns);

/* Make one, signed by issuer, or by itself where issuer is NULL. */
struct pki pki_make(const struct pki_spec *spec, const struct pki *issuer);

struct pki pki_root(const char *name);
struct pki pki_issuer(const char *name, const struct pki *issuer);
struct pki pki_server(const char *dns, const struct pki *issuer);
void pki_free(struct pki *pki);

EVP_PKEY *pki_key(enum pki_key kind);

/* What an OCSP responder says of leaf, to be stapled. */
struct pki_staple {
	const struct pki *leaf;
	const struct pki *issuer;
	const struct pki *responder; /* who signs; NULL: the issuer */
	int status;                  /* V_OCSP_CERTSTATUS_GOOD ... */
	int from_s, to_s;            /* counted from now; to_s 0: does not say */
	bool sha256;                 /* the certificate is named by SHA-256 */
};

/* The response in DER; the caller's to OPENSSL_free. */
unsigned char *pki_staple(const struct pki_staple *staple, size_t *size);

/* issuer's list of revoked certificates, with one in it (NULL: none); the
 * caller's to X509_CRL_free. */
X509_CRL *pki_list(const struct pki *issuer, const X509 *revoked, int from_days, int to_days);

/* A store that trusts root; the caller's to X509_STORE_free. */
X509_STORE *pki_store(const struct pki *root);

/* A server's context that shows leaf and, where it is not NULL, one issuer;
 * TLS 1.2 and 1.3, at security level 0 so that flaws can be shown.  The
 * caller's to SSL_CTX_free. */
SSL_CTX *pki_server_ctx(const struct pki *leaf, const struct pki *issuer);

/* Run a handshake between two SSLs in memory, as far as it goes.  True when
 * both are done. */
bool pki_handshake(SSL *connecting, SSL *server);

#endif
