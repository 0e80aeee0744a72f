/* SPDX-License-Identifier: MIT */
#include "certs/record_key.h"

#include "certs/key_block.h"
#include "certs/key_schedule.h"
#include "tests/certs/lean_first.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <string.h>

enum { ROOM = RECORD_BYTES_MAX + 64 };

/* ---- RFC 8448 section 3 ---- */

static const uint8_t client_secret[] = {0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a,
    0xf8, 0x88, 0x9b, 0xce, 0x65, 0x52, 0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf, 0x00, 0x87, 0xf7, 0x92,
    0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5};
static const uint8_t server_secret[] = {0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47,
    0x11, 0x6b, 0x45, 0xa9, 0x50, 0x32, 0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb, 0x6b, 0x3a, 0x4b, 0x4f,
    0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43};
static const uint8_t client_data[] = {0x17, 0x03, 0x03, 0x00, 0x43, 0xa2, 0x3f, 0x70, 0x54, 0xb6,
    0x2c, 0x94, 0xd0, 0xaf, 0xfa, 0xfe, 0x82, 0x28, 0xba, 0x55, 0xcb, 0xef, 0xac, 0xea, 0x42, 0xf9,
    0x14, 0xaa, 0x66, 0xbc, 0xab, 0x3f, 0x2b, 0x98, 0x19, 0xa8, 0xa5, 0xb4, 0x6b, 0x39, 0x5b, 0xd5,
    0x4a, 0x9a, 0x20, 0x44, 0x1e, 0x2b, 0x62, 0x97, 0x4e, 0x1f, 0x5a, 0x62, 0x92, 0xa2, 0x97, 0x70,
    0x14, 0xbd, 0x1e, 0x3d, 0xea, 0xe6, 0x3a, 0xee, 0xbb, 0x21, 0x69, 0x49, 0x15, 0xe4};
static const uint8_t client_close[] = {0x17, 0x03, 0x03, 0x00, 0x13, 0xc9, 0x87, 0x27, 0x60, 0x65,
    0x56, 0x66, 0xb7, 0x4d, 0x7f, 0xf1, 0x15, 0x3e, 0xfd, 0x6d, 0xb6, 0xd0, 0xb0, 0xe3};
static const uint8_t server_close[] = {0x17, 0x03, 0x03, 0x00, 0x13, 0xb5, 0x8f, 0xd6, 0x71, 0x66,
    0xeb, 0xf5, 0x99, 0xd2, 0x47, 0x20, 0xcf, 0xbe, 0x7e, 0xfa, 0x7a, 0x88, 0x64, 0xa9};
static const uint8_t closing[] = {1, 0};
static const uint8_t wide_secret[RECORD_SECRET_MAX] =
    "of whatever, and as long as the longest of them";

static struct record_key
key_of(enum record_suite suite, const uint8_t *secret, bool seals)
{
	struct record_key key = {.suite = suite, .seals = seals};

	memcpy(key.secret, secret, record_secret_size(suite));
	return key;
}

Test(record_key, seals_and_opens_what_the_rfc_says)
{
	struct record_key seals = key_of(RECORD_AES_128_GCM, client_secret, true);
	struct record_key opens = key_of(RECORD_AES_128_GCM, client_secret, false);
	struct record_key server = key_of(RECORD_AES_128_GCM, server_secret, true);
	uint8_t payload[50], out[ROOM];
	struct opened opened;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)i;
	cr_assert(
	    record_key_seal(&seals, RECORD_DATA, (struct bytes){payload, sizeof(payload)}, out));
	cr_expect_arr_eq(out, client_data, sizeof(client_data));
	cr_assert(
	    record_key_seal(&seals, RECORD_ALERT, (struct bytes){closing, sizeof(closing)}, out));
	cr_expect_arr_eq(out, client_close, sizeof(client_close));
	server.sequence = 2; /* behind a ticket and its data */
	cr_assert(
	    record_key_seal(&server, RECORD_ALERT, (struct bytes){closing, sizeof(closing)}, out));
	cr_expect_arr_eq(out, server_close, sizeof(server_close));

	cr_assert_eq(record_key_open(&opens, (struct bytes){client_data, sizeof(client_data)}, out,
			 &opened),
	    RECORD_GOOD);
	cr_expect_eq(opened.type, RECORD_DATA);
	cr_assert_eq(opened.size, sizeof(payload));
	cr_expect_arr_eq(out, payload, sizeof(payload));
	record_key_rest(&opens);
	cr_assert_eq(record_key_open(&opens, (struct bytes){client_close, sizeof(client_close)},
			 out, &opened),
	    RECORD_GOOD, "after a rest too");
	cr_expect_eq(opened.type, RECORD_ALERT);
	cr_assert_eq(opened.size, sizeof(closing));
	cr_expect_arr_eq(out, closing, sizeof(closing));
	record_key_clear(&seals);
	record_key_clear(&opens);
	record_key_clear(&server);
}

/* ---- against OpenSSL ---- */

static const struct {
	const char *name;
	uint16_t number;
	enum record_suite suite;
} suites[] = {
    {"TLS_AES_128_GCM_SHA256", 0x1301, RECORD_AES_128_GCM},
    {"TLS_AES_256_GCM_SHA384", 0x1302, RECORD_AES_256_GCM},
    {"TLS_CHACHA20_POLY1305_SHA256", 0x1303, RECORD_CHACHA20_POLY1305},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", 0xc02b, RECORD_TLS12_AES_128_GCM},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", 0xc02c, RECORD_TLS12_AES_256_GCM},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", 0xcca9, RECORD_TLS12_CHACHA20_POLY1305},
};
enum { SUITES = sizeof(suites) / sizeof(suites[0]) };

/* A server of OpenSSL's that has shaken hands, and what the other side has. */
struct scene {
	struct pki root, leaf;
	SSL_CTX *ctx, *server_ctx;
	SSL *ssl, *server;
	uint8_t secret[2][RECORD_SECRET_MAX]; /* of the client, of the server */
	size_t told[2];
	struct record_key in, out; /* the client's */
};

static void
on_secret(void *arg, bool of_server, struct bytes secret)
{
	struct scene *scene = arg;

	cr_assert_leq(secret.left, RECORD_SECRET_MAX);
	memcpy(scene->secret[of_server], secret.at, secret.left);
	scene->told[of_server] = secret.left;
}

static void
choose_suite(struct scene *scene, const char *name, bool tls12)
{
	cr_assert_eq(SSL_CTX_set_num_tickets(scene->server_ctx, 0), 1);
	if (!tls12) {
		cr_assert_eq(SSL_CTX_set_ciphersuites(scene->server_ctx, name), 1);
		return;
	}
	cr_assert_eq(SSL_CTX_set_max_proto_version(scene->server_ctx, TLS1_2_VERSION), 1);
	cr_assert_eq(SSL_CTX_set_cipher_list(scene->server_ctx, name), 1);
}

/* As takeover.c does. */
static void
split_master(struct scene *scene, enum record_suite suite)
{
	const EVP_MD *digest = SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(scene->ssl));
	struct key_block block;

	(void)snprintf(block.digest, sizeof(block.digest), "%s", EVP_MD_get0_name(digest));
	cr_assert_eq(SSL_SESSION_get_master_key(SSL_get0_session(scene->ssl), block.master,
			 sizeof(block.master)),
	    sizeof(block.master));
	(void)SSL_get_client_random(scene->ssl, block.client_random, SSL3_RANDOM_SIZE);
	(void)SSL_get_server_random(scene->ssl, block.server_random, SSL3_RANDOM_SIZE);
	cr_assert(key_block_split(&block, suite, scene->secret[0], scene->secret[1]));
}

static void
open_scene(struct scene *scene, size_t number)
{
	const struct key_watch watch = {on_secret, scene};
	enum record_suite suite = suites[number].suite;
	bool tls12 = record_suite_is_tls12(suite);

	*scene = (struct scene){.root = pki_root("Root")};
	scene->leaf = pki_server("a.example", &scene->root);
	scene->server_ctx = pki_server_ctx(&scene->leaf, NULL);
	scene->ctx = SSL_CTX_new(TLS_client_method());
	choose_suite(scene, suites[number].name, tls12);
	scene->ssl = SSL_new(scene->ctx);
	scene->server = SSL_new(scene->server_ctx);
	SSL_set_connect_state(scene->ssl);
	SSL_set_accept_state(scene->server);
	key_schedule_watch(&watch);
	cr_assert(pki_handshake(scene->ssl, scene->server));
	key_schedule_watch(NULL);
	if (tls12)
		split_master(scene, suite);
	cr_assert_eq(scene->told[0], tls12 ? 0 : record_secret_size(suite));
	cr_assert_eq(scene->told[1], tls12 ? 0 : record_secret_size(suite));
	scene->out = key_of(suite, scene->secret[0], true);
	scene->in = key_of(suite, scene->secret[1], false);
	scene->in.sequence = scene->out.sequence = tls12 ? 1 : 0; /* behind Finished */
}

static void
close_scene(struct scene *scene)
{
	record_key_clear(&scene->in);
	record_key_clear(&scene->out);
	SSL_free(scene->ssl);
	SSL_free(scene->server);
	SSL_CTX_free(scene->ctx);
	SSL_CTX_free(scene->server_ctx);
	pki_free(&scene->leaf);
	pki_free(&scene->root);
}

static void
send_to_server(struct scene *scene, enum record_type type, const void *payload, size_t count)
{
	static uint8_t record[ROOM];
	int whole = (int)(count + record_seal_bytes(scene->out.suite));

	cr_assert(record_key_seal(&scene->out, type, (struct bytes){payload, count}, record));
	cr_assert_eq(BIO_write(SSL_get_rbio(scene->server), record, whole), whole);
}

/* One record of the server's, opened in its place: where what was in it stands. */
static const uint8_t *
take_from_server(struct scene *scene, struct opened *opened, uint8_t *record)
{
	BIO *bio = SSL_get_wbio(scene->server);
	enum record_suite suite = scene->in.suite;
	uint8_t *own = record + record_lead_bytes(suite);
	size_t size;

	cr_assert_eq(BIO_read(bio, record, RECORD_HEADER_BYTES), RECORD_HEADER_BYTES);
	cr_assert_eq(record_size(suite, (struct bytes){record, RECORD_HEADER_BYTES}, &size),
	    RECORD_GOOD);
	cr_assert_leq(size, RECORD_BYTES_MAX);
	cr_assert_eq(BIO_read(bio, record + RECORD_HEADER_BYTES, (int)size - RECORD_HEADER_BYTES),
	    (int)size - RECORD_HEADER_BYTES);
	cr_assert_eq(record_key_open(&scene->in, (struct bytes){record, size}, own, opened),
	    RECORD_GOOD);
	return own;
}

static void
exchange(struct scene *scene, size_t count)
{
	static uint8_t payload[RECORD_PAYLOAD_MAX], heard[RECORD_PAYLOAD_MAX], record[ROOM];
	const uint8_t *said;
	struct opened opened;

	for (size_t i = 0; i < count; i++)
		payload[i] = (uint8_t)(i * 31 + count);
	send_to_server(scene, RECORD_DATA, payload, count);
	cr_assert_eq(SSL_read(scene->server, heard, sizeof(heard)), (int)count);
	cr_expect_arr_eq(heard, payload, count);
	cr_assert_eq(SSL_write(scene->server, payload, (int)count), (int)count);
	said = take_from_server(scene, &opened, record);
	cr_expect_eq(opened.type, RECORD_DATA);
	cr_assert_eq(opened.size, count);
	cr_expect_arr_eq(said, payload, count);
}

Test(record_key, speaks_with_openssl_in_all_suites)
{
	static const size_t counts[] = {1, 2, 15, 16, 17, 255, 1024, 16383, 16384};

	for (size_t suite = 0; suite < SUITES; suite++) {
		enum record_suite found;
		struct scene scene;

		open_scene(&scene, suite);
		cr_assert(record_suite_find(suites[suite].number, &found));
		cr_expect_eq(found, suites[suite].suite);
		for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
			exchange(&scene, counts[i]);
		close_scene(&scene);
	}
}

Test(record_key, is_renewed_as_openssl_does)
{
	static const uint8_t update[] = {24, 0, 0, 1, 0};

	for (size_t suite = 0; suite < SUITES; suite++) {
		uint8_t record[ROOM];
		const uint8_t *said;
		struct opened opened;
		struct scene scene;

		open_scene(&scene, suite);
		exchange(&scene, 100);
		if (record_suite_is_tls12(suites[suite].suite)) {
			cr_expect_not(record_key_renew(&scene.out), "TLS 1.2 has none");
			close_scene(&scene);
			continue;
		}
		for (int i = 0; i < 3; i++) {
			send_to_server(&scene, RECORD_HANDSHAKE, update, sizeof(update));
			cr_assert(record_key_renew(&scene.out));
			cr_assert_eq(SSL_key_update(scene.server, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
			cr_assert_eq(SSL_do_handshake(scene.server), 1);
			said = take_from_server(&scene, &opened, record);
			cr_expect_eq(opened.type, RECORD_HANDSHAKE);
			cr_assert_eq(opened.size, sizeof(update));
			cr_expect_arr_eq(said, update, sizeof(update));
			cr_assert(record_key_renew(&scene.in));
			exchange(&scene, 100);
		}
		close_scene(&scene);
	}
}

/* ---- what a peer may do wrong ---- */

static struct record_key sealing, opening;

static void
open_keys(void)
{
	sealing = key_of(RECORD_AES_128_GCM, client_secret, true);
	opening = key_of(RECORD_AES_128_GCM, client_secret, false);
}

static void
close_keys(void)
{
	record_key_clear(&sealing);
	record_key_clear(&opening);
}

TestSuite(record_key_wrong, .init = open_keys, .fini = close_keys);

static enum record_alert
open_with(struct bytes record, struct opened *opened)
{
	static uint8_t out[ROOM];

	opening.sequence = 0;
	return record_key_open(&opening, record, out, opened);
}

Test(record_key_wrong, each_byte_counts)
{
	uint8_t record[sizeof(client_data)];
	struct opened opened;

	for (size_t i = 0; i < sizeof(record); i++) {
		for (int bit = 0; bit < 8; bit++) {
			memcpy(record, client_data, sizeof(record));
			record[i] ^= (uint8_t)(1 << bit);
			cr_expect_eq(open_with((struct bytes){record, sizeof(record)}, &opened),
			    RECORD_BAD_MAC, "byte %zu", i);
		}
	}
	cr_expect_eq(open_with((struct bytes){client_data, sizeof(client_data)}, &opened),
	    RECORD_GOOD, "itself is good");
	opening.sequence = 1;
	cr_expect_eq(record_key_open(&opening, (struct bytes){client_data, sizeof(client_data)},
			 record, &opened),
	    RECORD_BAD_MAC, "once");
}

Test(record_key_wrong, no_prefix_is_opened)
{
	struct opened opened;
	size_t size;

	for (size_t i = 0; i < sizeof(client_data); i++) {
		struct bytes prefix = {client_data, i};

		cr_expect_eq(record_size(RECORD_AES_128_GCM, prefix, &size), RECORD_GOOD);
		cr_expect_eq(size, i < RECORD_HEADER_BYTES ? 0 : sizeof(client_data));
		cr_expect_neq(open_with(prefix, &opened), RECORD_GOOD, "%zu", i);
	}
}

Test(record_key_wrong, headers)
{
	static const enum record_suite tls13 = RECORD_AES_128_GCM, tls12 = RECORD_TLS12_AES_128_GCM,
				       chacha = RECORD_TLS12_CHACHA20_POLY1305;
	static const struct {
		enum record_suite suite;
		uint8_t header[RECORD_HEADER_BYTES];
		enum record_alert alert;
		size_t size;
		char why[40];
	} rows[] = {
	    {tls13, {23, 3, 3, 0x41, 0x00}, RECORD_GOOD, RECORD_BYTES_MAX, "the longest"},
	    {tls13, {23, 3, 3, 0x41, 0x01}, RECORD_OVERFLOW, 0, "longer"},
	    {tls13, {23, 3, 3, 0xff, 0xff}, RECORD_OVERFLOW, 0, "much longer"},
	    {tls13, {23, 3, 3, 0, 17}, RECORD_GOOD, 22, "the shortest"},
	    {tls13, {23, 3, 3, 0, 16}, RECORD_BAD_MAC, 0, "no type"},
	    {tls13, {23, 3, 3, 0, 0}, RECORD_BAD_MAC, 0, "nothing"},
	    {tls13, {23, 0, 0, 0, 17}, RECORD_GOOD, 22, "the version says nothing"},
	    {tls13, {20, 3, 3, 0, 1}, RECORD_UNEXPECTED, 0, "change_cipher_spec"},
	    {tls13, {21, 3, 3, 0, 2}, RECORD_UNEXPECTED, 0, "an alert as it is"},
	    {tls13, {22, 3, 3, 0, 17}, RECORD_UNEXPECTED, 0, "a handshake as it is"},
	    {tls13, {'G', 'E', 'T', ' ', '/'}, RECORD_UNEXPECTED, 0, "no TLS"},
	    {tls12, {23, 3, 3, 0x40, 24}, RECORD_GOOD, 16384 + 29, "TLS 1.2, the longest"},
	    {tls12, {23, 3, 3, 0x40, 25}, RECORD_OVERFLOW, 0, "TLS 1.2, longer"},
	    {tls12, {23, 3, 3, 0, 24}, RECORD_GOOD, 29, "TLS 1.2, nothing in it"},
	    {tls12, {23, 3, 3, 0, 23}, RECORD_BAD_MAC, 0, "TLS 1.2, no nonce"},
	    {chacha, {23, 3, 3, 0x40, 16}, RECORD_GOOD, 16384 + 21, "no nonce, the longest"},
	    {chacha, {23, 3, 3, 0x40, 17}, RECORD_OVERFLOW, 0, "no nonce, longer"},
	    {chacha, {23, 3, 3, 0, 15}, RECORD_BAD_MAC, 0, "less than a tag"},
	    {tls12, {21, 3, 3, 0, 26}, RECORD_GOOD, 31, "TLS 1.2, an alert"},
	    {tls12, {22, 3, 3, 0, 28}, RECORD_GOOD, 33, "TLS 1.2, a handshake"},
	    {tls12, {20, 3, 3, 0, 25}, RECORD_UNEXPECTED, 0, "TLS 1.2, change_cipher_spec"},
	    {tls12, {24, 3, 3, 0, 28}, RECORD_UNEXPECTED, 0, "TLS 1.2, a heartbeat"},
	    {tls12, {23, 3, 1, 0, 24}, RECORD_VERSION, 0, "TLS 1.2, of 1.0"},
	    {chacha, {23, 3, 4, 0, 24}, RECORD_VERSION, 0, "TLS 1.2, of 1.3"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes header = {rows[i].header, RECORD_HEADER_BYTES};
		size_t size = 1;

		cr_expect_eq(record_size(rows[i].suite, header, &size), rows[i].alert, "%s",
		    rows[i].why);
		cr_expect_eq(size, rows[i].size, "%s", rows[i].why);
	}
}

/* All but the length, by which a record is measured; no prefix either. */
Test(record_key_wrong, each_byte_of_tls_1_2_counts)
{
	for (int suite = RECORD_TLS12_AES_128_GCM; suite <= RECORD_TLS12_CHACHA20_POLY1305;
	     suite++) {
		struct record_key seals = key_of((enum record_suite)suite, wide_secret, true);
		struct record_key opens = key_of((enum record_suite)suite, wide_secret, false);
		uint8_t record[ROOM], out[ROOM];
		size_t whole = sizeof(closing) + record_seal_bytes(seals.suite);
		struct opened opened;

		cr_assert(record_key_seal(&seals, RECORD_ALERT,
		    (struct bytes){closing, sizeof(closing)}, record));
		for (size_t i = 0; i < whole; i++) {
			opens.sequence = 0;
			cr_expect_neq(record_key_open(&opens, (struct bytes){record, i}, out,
					  &opened),
			    RECORD_GOOD, "%zu bytes", i);
			opens.sequence = 0;
			record[i] ^= 1;
			if (i != 3 && i != 4)
				cr_expect_eq(record_key_open(&opens, (struct bytes){record, whole},
						 out, &opened),
				    RECORD_BAD_MAC, "byte %zu", i);
			record[i] ^= 1;
		}
		cr_expect_eq(record_key_open(&opens, (struct bytes){record, whole}, out, &opened),
		    RECORD_BAD_MAC, "its number is not the second");
		opens.sequence = 0;
		cr_expect_eq(record_key_open(&opens, (struct bytes){record, whole}, out, &opened),
		    RECORD_GOOD);
		cr_expect_eq(opened.type, RECORD_ALERT);
		cr_expect_eq(opened.size, sizeof(closing));
		record_key_clear(&seals);
		record_key_clear(&opens);
	}
}

/* Seal what no sealer of ours would: inner, type and padding as they are.  The
 * last byte is the type that is asked for. */
static enum record_alert
open_inner(const uint8_t *inner, size_t size, struct opened *opened)
{
	static uint8_t record[ROOM + 512];

	cr_assert_leq(size - 1, RECORD_PAYLOAD_MAX);
	sealing.sequence = 0;
	cr_assert(
	    record_key_seal(&sealing, inner[size - 1], (struct bytes){inner, size - 1}, record));
	return open_with((struct bytes){record, size - 1 + RECORD_SEAL_BYTES}, opened);
}

Test(record_key_wrong, padding_is_left_out_and_a_type_must_be_there)
{
	static uint8_t inner[RECORD_PAYLOAD_MAX + 1];
	struct opened opened;

	cr_expect_eq(open_inner((const uint8_t[]){'a', 23, 0, 0, 0}, 5, &opened), RECORD_GOOD);
	cr_expect_eq(opened.type, RECORD_DATA);
	cr_expect_eq(opened.size, 1);
	cr_expect_eq(open_inner((const uint8_t[]){23}, 1, &opened), RECORD_GOOD);
	cr_expect_eq(opened.size, 0, "empty");
	cr_expect_eq(open_inner((const uint8_t[]){23, 0, 0}, 3, &opened), RECORD_GOOD);
	cr_expect_eq(opened.size, 0, "empty, but for padding");
	cr_expect_eq(open_inner((const uint8_t[]){0}, 1, &opened), RECORD_UNEXPECTED);
	cr_expect_eq(open_inner((const uint8_t[]){0, 0, 0, 0}, 4, &opened), RECORD_UNEXPECTED);
	cr_expect_eq(open_inner(inner, sizeof(inner), &opened), RECORD_UNEXPECTED);
	inner[0] = RECORD_DATA;
	cr_expect_eq(open_inner(inner, sizeof(inner), &opened), RECORD_GOOD);
	cr_expect_eq(opened.size, 0, "padding as long as a record");
}

Test(record_key_wrong, a_number_is_used_once)
{
	uint8_t out[ROOM];
	struct opened opened;

	sealing.sequence = UINT64_MAX;
	cr_expect_not(record_key_seal(&sealing, RECORD_DATA, (struct bytes){out, 0}, out));
	opening.sequence = UINT64_MAX;
	cr_expect_eq(record_key_open(&opening, (struct bytes){client_data, sizeof(client_data)},
			 out, &opened),
	    RECORD_INTERNAL);
}

Test(record_key_wrong, nothing_of_a_secret_is_left)
{
	static const struct record_key none;

	cr_assert_eq(open_with((struct bytes){client_data, sizeof(client_data)},
			 &(struct opened){0}),
	    RECORD_GOOD);
	record_key_clear(&opening);
	cr_expect_arr_eq((const uint8_t *)&opening, (const uint8_t *)&none, sizeof(none));
}

Test(record_key, has_what_one_key_seals)
{
	enum record_suite suite = RECORD_AES_256_GCM;

	cr_expect_not(record_suite_find(0x1304, &suite), "CCM is OpenSSL's");
	cr_expect_not(record_suite_find(0xc0ac, &suite), "that of TLS 1.2 too");
	cr_expect_not(record_suite_find(0xc023, &suite), "CBC");
	cr_expect_eq(suite, RECORD_AES_256_GCM);
}
