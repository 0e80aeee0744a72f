/* SPDX-License-Identifier: MIT */
#include "proxy/takeover.h"

#include "certs/key_schedule.h"
#include "proxy/common_sessions.h"
#include "proxy/leg_private.h"
#include "proxy/records.h"

#include <openssl/ssl.h>
#include <stdint.h>
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

void
takeover_note(struct leg *leg, bool sent, int type, const void *bytes, size_t size)
{
	struct records *records = leg->records;
	const uint8_t *at = bytes;

	if (size == 0)
		return;
	/* All that is protected looks like data (RFC 8446 section 5.2). */
	if (type == SSL3_RT_HEADER && at[0] == SSL3_RT_APPLICATION_DATA)
		(sent ? &records->out : &records->in)->sequence++;
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

static bool
is_known(const struct records *records, const SSL *ssl, enum record_suite *suite)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

	return SSL_version(ssl) == TLS1_3_VERSION && cipher != NULL &&
	       common_sessions_full_records(ssl) &&
	       record_suite_find(SSL_CIPHER_get_protocol_id(cipher), suite) &&
	       records->in_secret == record_secret_size(*suite) &&
	       records->out_secret == record_secret_size(*suite) && !records->renewed;
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

bool
takeover_try(struct leg *leg)
{
	struct records *records = leg->records;
	enum record_suite suite;

	if (leg->end != LEG_OPEN || leg->end_queued || !is_between_records(leg) ||
	    !is_known(records, leg->ssl, &suite))
		return false;
	records->in.suite = records->out.suite = suite;
	records->out.seals = true;
	records->late.from_server = SSL_is_server(leg->ssl) == 0;
	leg_free_ssl(leg);
	return true;
}
