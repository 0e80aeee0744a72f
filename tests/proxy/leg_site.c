/* SPDX-License-Identifier: MIT */
#include "tests/proxy/leg_site.h"

#include "base/err.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

/* ---- life ---- */

void
leg_site_open(struct leg_site *site)
{
	*site = (struct leg_site){.root = pki_root("Root")};
	site->leaf = pki_server("a.example", &site->root);
	site->server_ctx = pki_server_ctx(&site->leaf, NULL);
	site->ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_options(site->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_options(site->server_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
}

void
leg_site_close(struct leg_site *site)
{
	SSL_SESSION_free(site->session);
	SSL_CTX_free(site->ctx);
	SSL_CTX_free(site->server_ctx);
	pki_free(&site->leaf);
	pki_free(&site->root);
}

static void
/* NOLINTNEXTLINE(readability-function-size): the parameters are OpenSSL's */
on_message(int write, int version, int type, const void *bytes, size_t size, SSL *ssl, void *arg)
{
	struct leg_site *site = arg;
	const uint8_t *at = bytes;

	(void)version;
	(void)ssl;
	if (write == 0 && type == SSL3_RT_HANDSHAKE && size > 0 && at[0] == SSL3_MT_KEY_UPDATE)
		site->peer_updates++;
}

/* As a worker's legs are. */
static void
set_up(SSL *ssl)
{
	(void)SSL_set_mode(ssl,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_set_read_ahead(ssl, 1);
	SSL_set_default_read_buffer_len(ssl, 66 << 10);
}

/* Both ends hold whatever is sent here. */
static void
make_room(const struct leg_pair *pair)
{
	const int bytes = 8 << 20;

	(void)setsockopt(pair->other, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(pair->leg.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void
leg_site_connect(struct leg_site *site, bool accepts)
{
	SSL *ssl = SSL_new(accepts ? site->server_ctx : site->ctx);
	struct err err = {0};

	leg_pair_open(&site->pair);
	make_room(&site->pair);
	site->peer = SSL_new(accepts ? site->ctx : site->server_ctx);
	(accepts ? SSL_set_accept_state : SSL_set_connect_state)(ssl);
	(accepts ? SSL_set_connect_state : SSL_set_accept_state)(site->peer);
	set_up(ssl);
	cr_assert_eq(leg_start_tls(&site->pair.leg, ssl, &err), 0, "%s", err.text);
	SSL_set_msg_callback(site->peer, on_message);
	SSL_set_msg_callback_arg(site->peer, site);
	cr_assert_eq(SSL_set_fd(site->peer, site->pair.other), 1);
	site->peer_updates = 0;
}

/* Before its handshake, for which it is too early. */
static void
say_early(struct leg_site *site)
{
	size_t count;

	cr_assert_eq(SSL_set_session(site->peer, site->session), 1);
	cr_assert_eq(SSL_write_early_data(site->peer, "early", 5, &count), 1);
	cr_assert_eq(SSL_write_early_data(site->peer, "more", 4, &count), 1);
}

void
leg_site_handshake(struct leg_site *site)
{
	struct leg *leg = &site->pair.leg;
	bool done = false, peer_done = false;
	struct err err = {0};

	if (site->session != NULL)
		say_early(site);
	for (int turn = 0; turn < 20 && !(done && peer_done); turn++) {
		leg_pair_look(&site->pair);
		done = done || leg_handshake(leg, &err) == LEG_DONE;
		(void)leg_flush(leg);
		peer_done = peer_done || SSL_do_handshake(site->peer) == 1;
	}
	cr_assert(done && peer_done, "%s", err.text);
	leg_pair_look(&site->pair);
}

void
leg_site_shake_hands(struct leg_site *site, bool accepts)
{
	leg_site_connect(site, accepts);
	leg_site_handshake(site);
}

void
leg_site_fall_silent(struct leg_site *site, bool accepts)
{
	leg_site_shake_hands(site, accepts);
	leg_site_peer_says(site, "a", 1);
	leg_rest(&site->pair.leg);
	cr_assert_null(site->pair.leg.ssl, "it is taken over");
	cr_assert_not(leg_is_plain(&site->pair.leg));
}

void
leg_site_hang_up(struct leg_site *site)
{
	SSL_free(site->peer);
	site->peer = NULL;
	leg_pair_close(&site->pair);
}

/* ---- what is said ---- */

void
leg_site_hear(struct leg_site *site, size_t expected)
{
	size_t count, used = 0;
	enum leg_io io = LEG_DONE;

	leg_pair_look(&site->pair);
	while (io == LEG_DONE && used <= expected) {
		io = leg_read(&site->pair.leg, site->heard + used,
		    sizeof(site->heard) - used < 1 ? 1 : sizeof(site->heard) - used, &count);
		used += count;
		if (used == sizeof(site->heard))
			break;
	}
	cr_assert_eq(used, expected, "%zu and not %zu", used, expected);
}

void
leg_site_peer_says(struct leg_site *site, const void *bytes, size_t count)
{
	cr_assert_eq(SSL_write(site->peer, bytes, (int)count), (int)count);
	memset(site->heard, 0, sizeof(site->heard));
	leg_site_hear(site, count);
	cr_expect_arr_eq(site->heard, (const uint8_t *)bytes, count);
}

void
leg_site_leg_says(struct leg_site *site, const void *bytes, size_t count)
{
	int got, used = 0;

	cr_assert_eq(leg_write(&site->pair.leg, bytes, count), LEG_DONE);
	cr_assert_eq(leg_flush(&site->pair.leg), LEG_DONE);
	while ((got = SSL_read(site->peer, site->heard + used,
		    (int)(sizeof(site->heard) - (size_t)used))) > 0)
		used += got;
	ERR_clear_error();
	cr_assert_eq((size_t)used, count);
	cr_expect_arr_eq(site->heard, (const uint8_t *)bytes, count);
}

void
leg_site_exchange(struct leg_site *site)
{
	static const size_t counts[] = {1, 100, 4000, LEG_SITE_FULL};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (size_t at = 0; at < counts[i]; at++)
			site->buffer[at] = (uint8_t)(at * 7 + i);
		leg_site_peer_says(site, site->buffer, counts[i]);
		leg_site_leg_says(site, site->buffer, counts[i]);
	}
}

void
leg_site_carry_much(struct leg_site *site)
{
	for (int accepts = 0; accepts < 2; accepts++) {
		leg_site_shake_hands(site, accepts == 1);
		for (int i = 0; i < 40; i++)
			leg_site_exchange(site);
		cr_expect_null(site->pair.leg.ssl);
		cr_expect_eq(site->pair.leg.payload, 40 * (1 + 100 + 4000 + LEG_SITE_FULL));
		leg_site_hang_up(site);
	}
}

void
leg_site_end_as(struct leg_site *site, enum leg_end end)
{
	size_t count;

	leg_pair_look(&site->pair);
	while (leg_read(&site->pair.leg, site->heard, sizeof(site->heard), &count) == LEG_DONE)
		leg_pair_look(&site->pair);
	cr_expect_eq(site->pair.leg.end, end, "%d", (int)site->pair.leg.end);
}

struct record_key
leg_site_mirror(const struct record_key *key)
{
	struct record_key copy = *key;

	copy.ctx = NULL;
	copy.seals = !key->seals;
	return copy;
}

void
leg_site_peer_sends(struct leg_site *site, uint8_t type, const void *bytes, size_t size)
{
	static uint8_t record[RECORD_BYTES_MAX];
	struct record_key key = leg_site_mirror(&site->pair.leg.records->in);
	size_t whole = size + record_seal_bytes(key.suite);

	if (type == 0) {
		cr_assert_eq(send(site->pair.other, bytes, size, 0), (ssize_t)size);
		return;
	}
	cr_assert(
	    record_key_seal(&key, (enum record_type)type, (struct bytes){bytes, size}, record));
	cr_assert_eq(send(site->pair.other, record, whole, 0), (ssize_t)whole);
	record_key_clear(&key);
}
