/* SPDX-License-Identifier: MIT */
#include "proxy/common_sessions.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
	TAILQ_ENTRY(entry) age;
	uint8_t key[COMMON_KEY_BYTES];
	SSL_SESSION *session;   /* owned */
	STACK_OF(X509) * chain; /* owned; as it was sent */
};

TAILQ_HEAD(entry_list, entry);

enum { SIDES = 2, BLANKS = 8 }; /* TLS 1.3 has five suites */

struct common_sessions {
	struct entry_list ages; /* from the one that was used last */
	size_t count;
	SSL_CTX *settled[SIDES];    /* owned; NULL: not needed yet */
	SSL_SESSION *blank[BLANKS]; /* owned; one a suite; then NULL */
};

/* ---- entries ---- */

static void
free_entry(struct entry *entry)
{
	if (entry == NULL)
		return;
	SSL_SESSION_free(entry->session);
	sk_X509_pop_free(entry->chain, X509_free);
	free(entry);
}

static void
drop(struct common_sessions *common, struct entry *entry)
{
	TAILQ_REMOVE(&common->ages, entry, age);
	common->count--;
	free_entry(entry);
}

static struct entry *
find(const struct common_sessions *common, const uint8_t key[COMMON_KEY_BYTES])
{
	struct entry *entry = TAILQ_FIRST(&common->ages);

	while (entry != NULL && memcmp(entry->key, key, COMMON_KEY_BYTES) != 0)
		entry = TAILQ_NEXT(entry, age);
	return entry;
}

static bool
is_short(const STACK_OF(X509) * chain)
{
	int bytes = 0;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		int size = i2d_X509(sk_X509_value(chain, i), NULL);

		if (size < 0 || size > COMMON_CHAIN_MAX - bytes)
			return false;
		bytes += size;
	}
	return bytes > 0;
}

static void
leave(struct common_sessions *common, const uint8_t key[COMMON_KEY_BYTES], SSL *ssl)
{
	STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
	struct entry *entry;

	if (!is_short(chain))
		return;
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return;
	memcpy(entry->key, key, COMMON_KEY_BYTES);
	entry->session = SSL_get1_session(ssl);
	entry->chain = X509_chain_up_ref(chain);
	if (entry->session == NULL || entry->chain == NULL) {
		free_entry(entry);
		return;
	}
	TAILQ_INSERT_HEAD(&common->ages, entry, age);
	common->count++;
	if (common->count > COMMON_MAX)
		drop(common, TAILQ_LAST(&common->ages, entry_list));
}

/* ---- whether one fits ---- */

static bool
is_same_chain(const STACK_OF(X509) * one, const STACK_OF(X509) * other)
{
	if (sk_X509_num(one) != sk_X509_num(other))
		return false;
	for (int i = 0; i < sk_X509_num(one); i++) {
		if (X509_cmp(sk_X509_value(one, i), sk_X509_value(other, i)) != 0)
			return false;
	}
	return true;
}

static bool
fits(const struct entry *entry, const SSL *ssl)
{
	return SSL_SESSION_get0_cipher(entry->session) == SSL_get_current_cipher(ssl) &&
	       is_same_chain(entry->chain, SSL_get_peer_cert_chain(ssl));
}

/* ---- taking ---- */

/*
 * SSL_set_session gives an SSL the method of its context, where it has another,
 * and begins anew.  The methods of a context for all versions and of a connection
 * of TLS 1.3 are two; so the SSL is put under a context of its own method first.
 */
static bool
settle(struct common_sessions *common, SSL *ssl)
{
	const SSL_METHOD *method = SSL_get_ssl_method(ssl);
	SSL_CTX **settled = &common->settled[SSL_is_server(ssl)];

	if (*settled == NULL)
		*settled = SSL_CTX_new(method);
	return *settled != NULL && SSL_CTX_get_ssl_method(*settled) == method &&
	       SSL_set_SSL_CTX(ssl, *settled) == *settled;
}

static bool
take(struct common_sessions *common, SSL_SESSION *session, SSL *ssl)
{
	int shutdown = SSL_get_shutdown(ssl);
	bool taken;

	if (!settle(common, ssl))
		return false;
	/* The session of a connection that goes on would be taken for a bad one,
	 * and not be resumed by anybody. */
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
	taken = SSL_set_session(ssl, session) == 1;
	SSL_set_shutdown(ssl, shutdown);
	return taken;
}

static bool
is_ready(const SSL *ssl)
{
	return SSL_version(ssl) == TLS1_3_VERSION && SSL_is_init_finished(ssl);
}

/* Take entry's, or have it replaced by what ssl has. */
static bool
take_or_leave(struct common_sessions *common, struct entry *entry, const uint8_t *key, SSL *ssl)
{
	if (entry != NULL && fits(entry, ssl)) {
		TAILQ_REMOVE(&common->ages, entry, age);
		TAILQ_INSERT_HEAD(&common->ages, entry, age);
		return take(common, entry->session, ssl);
	}
	if (entry != NULL)
		drop(common, entry);
	leave(common, key, ssl);
	return false;
}

bool
common_sessions_take(struct common_sessions *common, const uint8_t key[COMMON_KEY_BYTES], SSL *ssl)
{
	struct entry *entry;
	bool taken;

	if (!is_ready(ssl) || SSL_get_verify_result(ssl) != X509_V_OK)
		return false;
	entry = find(common, key);
	taken = entry != NULL && entry->session == SSL_get0_session(ssl);
	if (!taken)
		taken = take_or_leave(common, entry, key, ssl);
	ERR_clear_error();
	return taken;
}

static SSL_SESSION *
make_blank(const SSL_CIPHER *suite)
{
	SSL_SESSION *blank = SSL_SESSION_new();

	if (blank == NULL || SSL_SESSION_set_protocol_version(blank, TLS1_3_VERSION) != 1 ||
	    SSL_SESSION_set_cipher(blank, suite) != 1) {
		SSL_SESSION_free(blank);
		return NULL;
	}
	return blank;
}

static SSL_SESSION *
find_blank(struct common_sessions *common, const SSL_CIPHER *suite)
{
	for (size_t i = 0; i < BLANKS; i++) {
		if (common->blank[i] == NULL)
			common->blank[i] = make_blank(suite);
		if (common->blank[i] == NULL || SSL_SESSION_get0_cipher(common->blank[i]) == suite)
			return common->blank[i];
	}
	return NULL;
}

bool
common_sessions_full_records(const SSL *ssl)
{
	const SSL_SESSION *session = SSL_get0_session(ssl);

	return session != NULL &&
	       SSL_SESSION_get_max_fragment_length(session) == TLSEXT_max_fragment_length_DISABLED;
}

bool
common_sessions_blank(struct common_sessions *common, SSL *ssl)
{
	SSL_SESSION *blank = is_ready(ssl) && common_sessions_full_records(ssl)
				 ? find_blank(common, SSL_get_current_cipher(ssl))
				 : NULL;
	bool taken = blank != NULL && take(common, blank, ssl);

	ERR_clear_error();
	return taken;
}

/* ---- life ---- */

struct common_sessions *
common_sessions_new(void)
{
	struct common_sessions *common = calloc(1, sizeof(*common));

	if (common != NULL)
		TAILQ_INIT(&common->ages);
	return common;
}

void
common_sessions_free(struct common_sessions *common)
{
	struct entry *entry, *next;

	if (common == NULL)
		return;
	for (entry = TAILQ_FIRST(&common->ages); entry != NULL; entry = next) {
		next = TAILQ_NEXT(entry, age);
		free_entry(entry);
	}
	for (size_t i = 0; i < SIDES; i++)
		SSL_CTX_free(common->settled[i]);
	for (size_t i = 0; i < BLANKS; i++)
		SSL_SESSION_free(common->blank[i]);
	free(common);
}

size_t
common_sessions_count(const struct common_sessions *common)
{
	return common->count;
}
