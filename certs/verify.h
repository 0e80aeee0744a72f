/* SPDX-License-Identifier: MIT */
#ifndef CERTS_VERIFY_H
#define CERTS_VERIFY_H

#include "base/addr.h"
#include "base/bytes.h"
#include "base/facts.h"
#include "certs/mint.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

struct err;

/*
 * A trust store with every root of a PEM file parsed: pem is the file's bytes,
 * name what errors call it.  The caller's to X509_STORE_free; NULL with err
 * when no root could be read.
 */
X509_STORE *verify_store(struct bytes pem, const char *name, struct err *err);

/*
 * Whether a file of roots holds one that verify_store leaves out, and which (its
 * common name): interception software's whose private key is public, or an
 * appliance's such as this one, whose leaves must not pass for a server's.
 */
enum { VERIFY_ROOT_MAX = 65 };
bool verify_distrusts(struct bytes pem, char out[VERIFY_ROOT_MAX]);

/* The system's bundle of roots: $SSL_CERT_FILE, OpenSSL's own default, or the
 * place of Debian, Red Hat or Alpine, whichever is there first; NULL: none. */
const char *verify_system_roots(void);

/*
 * Add to the store the lists of revoked certificates (CRLs) of a file, whose
 * bytes these are: PEM, one or more, or one in DER; name is the file's for
 * errors.  From then on every certificate of a path is looked for in the list
 * of its issuer, where there is one; one that is out of date is
 * CERT_CRL_EXPIRED, one under its name that somebody else signed, or that says
 * what is not understood here, CERT_BAD_CRL.  *next_s: when the first of them should have been
 * replaced (seconds since 1970; INT64_MAX: none says).  0, or -1 with err when a list cannot be
 * read or none is there.
 */
int verify_add_lists(X509_STORE *store, struct bytes bytes, const char *name, int64_t *next_s,
    struct err *err);

/*
 * Set the SSL_CTX of the servers' side to verify as we do, and no handshake
 * ended by it: all that is wrong is collected for verify_result, so a policy
 * can decide.  What is checked (RFC 5280, RFC 9525):
 *
 *	a path of at most 6 issuers to a certificate in the store (which need
 *	not be self-signed), whichever of those that cross-signed an issuer it
 *	leads through, signatures and keys of 112 bits or more (so no
 *	SHA-1, no RSA below 2048), every certificate's dates, constraints, key
 *	usage and critical extensions; of the leaf: version 3, a serial number
 *	as RFC 5280 has it, serverAuth where it restricts its use, a key usage
 *	that allows what its key does in the handshake (digitalSignature, or
 *	keyEncipherment where RSA exchanges the keys), not a CA's, and a
 *	subjectAltName for the server asked for.  The common name is never read.
 *
 * A flaw that is no lie does not count (key identifiers missing, a CA's
 * basicConstraints not critical): private CAs have many.  Revocation is known
 * from the lists in the store (verify_add_lists) and from what the server
 * staples, which it is asked for; nobody else is asked.  A chain that was sent in more than 64 KiB
 *ends the handshake.
 *
 * A chain that was found good is remembered for at most five minutes by the
 * digest of all its certificates (certs/chain_cache.h), so the next connection
 * to that server costs no signature.  store is counted up; ctx keeps what it
 * needs until it is freed.
 */
int verify_setup(SSL_CTX *ctx, X509_STORE *store, struct err *err);

/*
 * Say before a handshake whom the server must be: name, or, where the camera
 * sent none (""), the address itself; a name that is an address in words is
 * taken as that address.  A certificate that does not speak for the address
 * where there is no name is CERT_NAME_UNCHECKED.  facts must outlive ssl's handshake and
 * verify_result; its errors are cleared here, and those of the chain collected there.
 */
int verify_expect(SSL *ssl, const char *name, const struct addr *addr, struct server_facts *facts,
    struct err *err);

/*
 * After the handshake, or after it failed: fill facts with the certificate
 * (names, dates, fingerprints), what else is wrong with the leaf itself, and
 * `verified`; and where the handshake is done, what it agreed on
 * (handshake_done, version, cipher, alpn).
 *
 * On a resumed session the server sent no chain: the one that it sent when the
 * session began is looked at as if it had been sent now.
 */
void verify_result(SSL *ssl, struct server_facts *facts);

/*
 * What a handshake at at_s (seconds since 1970) would find wrong with this
 * chain, a set of enum cert_error: sent holds the leaf first, then whatever
 * else the server sent.  Remembers nothing.
 */
uint32_t verify_chain(X509_STORE *store, STACK_OF(X509) * sent, const char *name,
    const struct addr *addr, int64_t at_s);

/* A sentence for a person: "expired 2026-05-01; issued by an unknown CA".
 * What does not fit is cut; "" when nothing is wrong. */
void verify_text(const struct server_facts *facts, char *out, size_t size);

/*
 * Whether there is anything against speaking with this server.  That nobody said
 * which name it must have is not: the leaf that the camera is shown has the
 * names of its certificate, so a camera that knows better still looks itself.
 * It is no verified one either.
 */
bool verify_is_bad(const struct server_facts *facts);

/* Whether these errors of enum cert_error have one that is held against a server:
 * that nobody says its name is none, nor that another proxy opens it too. */
bool verify_has_flaw(uint32_t errors);

/*
 * Whose leaf shows a camera of this server what `treatment` says.  A mirrored
 * one is under our CA only where nothing but what the leaf copies is wrong (its
 * own dates, its names): all else is seen by an authority that nobody trusts.
 */
enum leaf_trust verify_leaf_trust(const struct server_facts *facts);

/* The TLS alert (RFC 8446 section 6.2) that says the same to a camera; 42
 * (bad_certificate) where none says it better. */
uint8_t verify_alert(const struct server_facts *facts);

#endif
