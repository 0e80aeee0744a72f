/* SPDX-License-Identifier: MIT */
#include "proxy/takeover.h"

#include "certs/key_block.h"
#include "certs/key_schedule.h"
#include "proxy/common_sessions.h"
#include "proxy/leg_private.h"
#include "proxy/records.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	BULK_BYTES = 64 << 10,
	/* From a server that says nothing; its tickets come within a round trip. */
	BULK_UNHEARD_BYTES = 2 << 20,
};

/* ---- what is known of it ---- */

static void
on_secret(void *arg, bool of_server, struct bytes secret)
{
	const struct leg *leg = arg;
	struct records *records = leg->records;
	bool ours = of_server == (SSL_is_server(leg->ssl) == 1);
	struct record_key *key = ours ? &records->out : &records->in;

	if (secret.left > sizeof(key->secret))
		return;
	memcpy(key->secret, secret.at, secret.left);
	/* It is told as it comes into use: records are counted from here on. */
	key->sequence = 0;
	if (ours)
		records->out_secret = (uint8_t)secret.left;
	else
		records->in_secret = (uint8_t)secret.left;
}

static _Thread_local struct key_watch watch;

void
takeover_watch(struct leg *leg)
{
	watch = (struct key_watch){on_secret, leg};
	key_schedule_watch(&watch);
}

void
takeover_watch_end(void)
{
	key_schedule_watch(NULL);
}

/* What of TLS 1.3 is protected looks like data (RFC 8446 section 5.2), and is counted
 * from its secret on; in TLS 1.2 all is, from a change of ciphers on. */
static void
count_record(struct leg *leg, bool sent, uint8_t type)
{
	struct records *records = leg->records;
	struct record_key *key = sent ? &records->out : &records->in;
	bool known = (sent ? records->out_secret : records->in_secret) > 0;

	if (type != SSL3_RT_CHANGE_CIPHER_SPEC)
		key->sequence++;
	else if (!known)
		key->sequence = 0;
	/* TLS 1.2 alone: somebody wants to negotiate anew, and OpenSSL does not. */
	if (!sent && type == SSL3_RT_HANDSHAKE && SSL_is_init_finished(leg->ssl))
		records->renewed = true;
}

void
takeover_note(struct leg *leg, bool sent, int type, const void *bytes, size_t size)
{
	struct records *records = leg->records;
	const uint8_t *at = bytes;

	if (size == 0)
		return;
	if (type == SSL3_RT_HEADER)
		count_record(leg, sent, at[0]);
	if (type == SSL3_RT_HANDSHAKE && at[0] == SSL3_MT_KEY_UPDATE)
		records->renewed = true;
	if (sent)
		return;
	if (type == SSL3_RT_INNER_CONTENT_TYPE)
		records->split = at[0] == SSL3_RT_HANDSHAKE;
	if (type == SSL3_RT_HANDSHAKE)
		records->split = false;
}

/* ---- when ---- */

bool
takeover_is_heard(const struct leg *leg)
{
	return SSL_is_server(leg->ssl) == 1 || leg->records->in.sequence > 0;
}

/* Of TLS 1.3; what those of TLS 1.2 are made of is in the session. */
static bool
has_secrets(const struct records *records, enum record_suite suite)
{
	size_t size = record_secret_size(suite);

	return record_suite_is_tls12(suite) ||
	       (records->in_secret == size && records->out_secret == size);
}

static bool
is_known(const struct records *records, const SSL *ssl, enum record_suite *suite)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

	return cipher != NULL && common_sessions_full_records(ssl) &&
	       record_suite_find(SSL_CIPHER_get_protocol_id(cipher), suite) &&
	       has_secrets(records, *suite) && !records->renewed;
}

bool
takeover_is_wanted(const struct leg *leg)
{
	const struct records *records = leg->records;
	uint64_t most = leg->payload > records->wrote ? leg->payload : records->wrote;
	enum record_suite suite;

	return most >= (takeover_is_heard(leg) ? BULK_BYTES : BULK_UNHEARD_BYTES) &&
	       !leg->end_queued && is_known(records, leg->ssl, &suite);
}

static bool
is_between_records(const struct leg *leg)
{
	const SSL *ssl = leg->ssl;

	return SSL_is_init_finished(ssl) && SSL_has_pending(ssl) == 0 && !leg->records->split &&
	       strcmp(SSL_rstate_string(ssl), "RH") == 0 && !SSL_want_write(ssl) &&
	       SSL_get_shutdown(ssl) == 0;
}

static bool
fill_block(struct key_block *block, const SSL *ssl)
{
	const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(ssl));
	const SSL_SESSION *session = SSL_get0_session(ssl);
	size_t size = sizeof(block->master);

	if (digest == NULL || session == NULL ||
	    SSL_SESSION_get_master_key(session, block->master, size) != size)
		return false;
	(void)snprintf(block->digest, sizeof(block->digest), "%s", EVP_MD_get0_name(digest));
	(void)SSL_get_client_random(ssl, block->client_random, sizeof(block->client_random));
	(void)SSL_get_server_random(ssl, block->server_random, sizeof(block->server_random));
	return true;
}

/* The master secret of TLS 1.2 becomes the secrets of both sides. */
static bool
split_master(struct records *records, const SSL *ssl, enum record_suite suite)
{
	bool accepts = SSL_is_server(ssl) == 1;
	struct key_block block;
	bool good =
	    fill_block(&block, ssl) &&
	    key_block_split(&block, suite, accepts ? records->in.secret : records->out.secret,
		accepts ? records->out.secret : records->in.secret);

	OPENSSL_cleanse(&block, sizeof(block));
	return good;
}

bool
takeover_try(struct leg *leg)
{
	struct records *records = leg->records;
	enum record_suite suite;

	if (leg->end != LEG_OPEN || leg->end_queued || !is_between_records(leg) ||
	    !is_known(records, leg->ssl, &suite) ||
	    (record_suite_is_tls12(suite) && !split_master(records, leg->ssl, suite)))
		return false;
	records->in.suite = records->out.suite = suite;
	records->out.seals = true;
	records->late.from_server = SSL_is_server(leg->ssl) == 0;
	records->late.tls12 = record_suite_is_tls12(suite);
	leg_free_ssl(leg);
	return true;
}
