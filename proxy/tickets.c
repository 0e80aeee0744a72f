/* SPDX-License-Identifier: MIT */
#include "proxy/tickets.h"

#include "base/clock.h"
#include "base/err.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_NAME_BYTES = 16, /* of OpenSSL's callback */
	SEAL_BYTES = 32,     /* AES-256 */
	MAC_BYTES = 32,
	/* The one in use, and those that tickets may still be sealed with. */
	KEYS = 1 + TICKET_LIFETIME_S * 1000 / TICKET_KEY_AGE_MS,
	ID_BYTES = 32,
};

struct key {
	uint8_t name[KEY_NAME_BYTES];
	uint8_t seal[SEAL_BYTES];
	uint8_t mac[MAC_BYTES];
	uint64_t made_ms; /* 0: none yet */
};

struct tickets {
	struct key keys[KEYS]; /* the newest first */
	EVP_CIPHER *cipher;    /* owned, as is the next */
	EVP_MD *sha256;
};

/* ---- keys ---- */

static bool
make_key(struct key *key, uint64_t now_ms)
{
	key->made_ms = now_ms;
	return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
	       RAND_priv_bytes(key->seal, sizeof(key->seal)) == 1 &&
	       RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

/* The key to seal with; NULL: no random numbers. */
static const struct key *
current_key(struct tickets *tickets, uint64_t now_ms)
{
	struct key next;

	if (now_ms - tickets->keys[0].made_ms < TICKET_KEY_AGE_MS)
		return &tickets->keys[0];
	if (!make_key(&next, now_ms))
		return NULL;
	memmove(&tickets->keys[1], &tickets->keys[0], (KEYS - 1) * sizeof(next));
	tickets->keys[0] = next;
	OPENSSL_cleanse(&next, sizeof(next));
	return &tickets->keys[0];
}

static const struct key *
named_key(const struct tickets *tickets, const uint8_t *name, uint64_t now_ms)
{
	const uint64_t age_max_ms = TICKET_KEY_AGE_MS + TICKET_LIFETIME_S * UINT64_C(1000);

	for (size_t i = 0; i < KEYS; i++) {
		const struct key *key = &tickets->keys[i];

		if (key->made_ms != 0 && now_ms - key->made_ms < age_max_ms &&
		    CRYPTO_memcmp(key->name, name, KEY_NAME_BYTES) == 0)
			return key;
	}
	return NULL;
}

/* ---- what OpenSSL asks ---- */

/* Where OpenSSL keeps what is ours; one number a process, drawn once. */
static int
binding_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static bool
set_mac(EVP_MAC_CTX *mac, const struct key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_init(mac, key->mac, sizeof(key->mac), params) == 1;
}

enum { KEY_ERROR = -1, KEY_NONE = 0, KEY_USED = 1 };

static int
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
on_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
    int seal)
{
	const struct ticket_binding *binding = SSL_get_ex_data(ssl, binding_index());
	struct tickets *tickets = binding != NULL ? binding->tickets : NULL;
	uint64_t now_ms = clock_mono_ms();
	const struct key *key;

	if (tickets == NULL)
		return seal != 0 ? KEY_ERROR : KEY_NONE;
	key = seal != 0 ? current_key(tickets, now_ms) : named_key(tickets, name, now_ms);
	if (key == NULL)
		return seal != 0 ? KEY_ERROR : KEY_NONE;
	if (seal != 0) {
		memcpy(name, key->name, sizeof(key->name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1)
			return KEY_ERROR;
	}
	if (EVP_CipherInit_ex(cipher, tickets->cipher, NULL, key->seal, iv, seal) != 1 ||
	    !set_mac(mac, key))
		return KEY_ERROR;
	return KEY_USED;
}

static int
on_seal(SSL *ssl, void *arg)
{
	const struct ticket_binding *binding = SSL_get_ex_data(ssl, binding_index());

	(void)arg;
	if (binding == NULL)
		return 0;
	return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), binding->bytes,
	    sizeof(binding->bytes));
}

/* Whether what a ticket was given for is what it is shown for. */
static bool
is_for(SSL *ssl, SSL_SESSION *session)
{
	const struct ticket_binding *binding = SSL_get_ex_data(ssl, binding_index());
	void *given = NULL;
	size_t size = 0;

	return binding != NULL && SSL_SESSION_get0_ticket_appdata(session, &given, &size) == 1 &&
	       given != NULL && size == sizeof(binding->bytes) &&
	       CRYPTO_memcmp(given, binding->bytes, size) == 0;
}

static SSL_TICKET_RETURN
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
on_open(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_size,
    SSL_TICKET_STATUS status, void *arg)
{
	(void)name;
	(void)name_size;
	(void)arg;
	if ((status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) ||
	    !is_for(ssl, session))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	/* One of TLS 1.3 is shown once, so there must be another. */
	return SSL_version(ssl) >= TLS1_3_VERSION ? SSL_TICKET_RETURN_USE_RENEW
						  : SSL_TICKET_RETURN_USE;
}

/* ---- what a connection does ---- */

int
tickets_watch(SSL_CTX *ctx, const char *class, struct err *err)
{
	if (binding_index() < 0 ||
	    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)class,
		(unsigned)strlen(class)) != 1 ||
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_key) != 1 ||
	    SSL_CTX_set_session_ticket_cb(ctx, on_seal, on_open, NULL) != 1)
		return err_tls(err, "tickets for cameras cannot be set up");
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_timeout(ctx, TICKET_LIFETIME_S);
	return 0;
}

/* Each part has a fixed size or its terminator behind it: no two uses give the
 * same bytes. */
static bool
digest_use(const struct tickets *tickets, const struct ticket_use *use, EVP_MD_CTX *ctx,
    uint8_t out[EVP_MAX_MD_SIZE])
{
	uint8_t leaf[EVP_MAX_MD_SIZE];

	return X509_digest(use->leaf, tickets->sha256, leaf, NULL) == 1 &&
	       EVP_DigestInit_ex(ctx, tickets->sha256, NULL) == 1 &&
	       EVP_DigestUpdate(ctx, leaf, TICKET_BINDING_BYTES) == 1 &&
	       EVP_DigestUpdate(ctx, &use->errors, sizeof(use->errors)) == 1 &&
	       EVP_DigestUpdate(ctx, use->dst->ip, sizeof(use->dst->ip)) == 1 &&
	       EVP_DigestUpdate(ctx, &use->dst->port, sizeof(use->dst->port)) == 1 &&
	       EVP_DigestUpdate(ctx, use->trust_id, ID_BYTES) == 1 &&
	       EVP_DigestUpdate(ctx, use->policy_id, ID_BYTES) == 1 &&
	       EVP_DigestUpdate(ctx, use->name, strlen(use->name) + 1) == 1 &&
	       EVP_DigestUpdate(ctx, use->alpn, strlen(use->alpn) + 1) == 1 &&
	       EVP_DigestFinal_ex(ctx, out, NULL) == 1;
}

int
tickets_bind(struct tickets *tickets, const struct ticket_use *use, SSL *ssl,
    struct ticket_binding *binding, struct err *err)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ret = -1;

	if (ctx == NULL || !digest_use(tickets, use, ctx, digest) ||
	    SSL_set_ex_data(ssl, binding_index(), binding) != 1) {
		(void)err_tls(err, "a ticket cannot be bound");
		goto out;
	}
	binding->tickets = tickets;
	memcpy(binding->bytes, digest, sizeof(binding->bytes));
	ret = 0;
out:
	EVP_MD_CTX_free(ctx);
	return ret;
}

/* ---- life ---- */

struct tickets *
tickets_new(struct err *err)
{
	struct tickets *tickets = calloc(1, sizeof(*tickets));

	if (tickets == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	tickets->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (tickets->cipher == NULL || tickets->sha256 == NULL ||
	    !make_key(&tickets->keys[0], clock_mono_ms())) {
		(void)err_tls(err, "tickets: no keys");
		tickets_free(tickets);
		return NULL;
	}
	return tickets;
}

void
tickets_free(struct tickets *tickets)
{
	if (tickets == NULL)
		return;
	EVP_CIPHER_free(tickets->cipher);
	EVP_MD_free(tickets->sha256);
	OPENSSL_cleanse(tickets, sizeof(*tickets));
	free(tickets);
}
