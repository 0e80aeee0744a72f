/* SPDX-License-Identifier: MIT */
#include "proxy/records.h"

#include "tests/certs/lean_first.h"
#include "tests/proxy/leg_site.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct leg_site site;
static struct leg *const leg = &site.pair.leg;

static void
begin(void)
{
	leg_site_open(&site);
}

static void
end(void)
{
	leg_site_close(&site);
}

TestSuite(records, .init = begin, .fini = end);

/* ---- payload ---- */

Test(records, payload_is_taken_in_any_pieces)
{
	size_t count;

	leg_site_fall_silent(&site, true);
	for (size_t i = 0; i < LEG_SITE_FULL; i++)
		site.buffer[i] = (uint8_t)(i * 13);
	for (size_t size = 1; size < LEG_SITE_FULL; size = size * 5 + 1) {
		size_t used = 0;

		cr_assert_eq(SSL_write(site.peer, site.buffer, LEG_SITE_FULL), LEG_SITE_FULL);
		leg_pair_look(&site.pair);
		for (; used < LEG_SITE_FULL; used += count) {
			size_t room = LEG_SITE_FULL - used < size ? LEG_SITE_FULL - used : size;

			cr_assert_eq(leg_read(leg, site.heard + used, room, &count), LEG_DONE);
			cr_assert(count > 0 && count <= room);
		}
		cr_expect_arr_eq(site.heard, site.buffer, LEG_SITE_FULL);
	}
	leg_site_hang_up(&site);
}

/* What asks the socket less often wants to know. */
Test(records, what_was_received_already_is_told)
{
	static const uint8_t wrong[] = "no record at all";
	size_t count;

	leg_site_fall_silent(&site, true);
	cr_expect_not(leg_holds_payload(leg));
	for (int i = 0; i < 2; i++)
		cr_assert_eq(SSL_write(site.peer, site.buffer, 100), 100);
	leg_pair_look(&site.pair);
	cr_assert_eq(leg_read(leg, site.heard, 10, &count), LEG_DONE);
	cr_expect(leg_holds_payload(leg), "90 bytes of the first");
	cr_assert_eq(leg_read(leg, site.heard, 90, &count), LEG_DONE);
	cr_expect(leg_holds_payload(leg), "all of the second");
	cr_assert_eq(leg_read(leg, site.heard, 100, &count), LEG_DONE);
	cr_expect_not(leg_holds_payload(leg));
	leg->readable = true;
	cr_assert_eq(send(site.pair.other, "\x17\x03\x03\0\x40", 5, 0), 5);
	leg_site_hear(&site, 0);
	cr_expect_not(leg_holds_payload(leg), "a piece");
	cr_assert_eq(send(site.pair.other, wrong, sizeof(wrong), 0), (ssize_t)sizeof(wrong));
	leg_site_hang_up(&site);
}

/* Of a record whose rest takes its time no more is held than came. */
Test(records, a_piece_of_a_record_may_wait)
{
	uint8_t record[4096 + RECORD_SEAL_BYTES];
	int ends[2];

	leg_site_fall_silent(&site, true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(site.peer, ends[0]), 1);
	for (size_t cut = 1; cut < sizeof(record); cut = cut * 3 + 1) {
		memset(site.buffer, (int)cut, 4096);
		cr_assert_eq(SSL_write(site.peer, site.buffer, 4096), 4096);
		cr_assert_eq(recv(ends[1], record, sizeof(record), 0), (ssize_t)sizeof(record));
		cr_assert_eq(send(site.pair.other, record, cut, 0), (ssize_t)cut);
		leg_site_hear(&site, 0);
		cr_expect_leq(leg->records->packed, sizeof(record));
		leg_rest(leg);
		leg_rest(leg);
		cr_expect_eq(leg->records->packed, cut);
		cr_expect_eq(leg->records->end, cut);
		if (cut % 2 == 0)
			leg_site_hear(&site, 0);
		cr_assert_eq(send(site.pair.other, record + cut, sizeof(record) - cut, 0),
		    (ssize_t)(sizeof(record) - cut));
		leg_site_hear(&site, 4096);
		cr_expect_arr_eq(site.heard, site.buffer, 4096);
		cr_expect_null(leg->records->at);
	}
	cr_assert_eq(send(site.pair.other, record, 7, 0), 7);
	leg_site_hear(&site, 0);
	leg_rest(leg); /* and is closed so */
	(void)close(ends[0]);
	(void)close(ends[1]);
	leg_site_hang_up(&site);
}

/* Of a camera that is slow each turn brings a piece: it holds one record. */
Test(records, a_peer_that_trickles_holds_no_bulk_buffer)
{
	uint8_t wire[LEG_SITE_FULL + RECORD_SEAL_BYTES];
	int ends[2];

	leg_site_fall_silent(&site, true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(site.peer, ends[0]), 1);
	for (size_t step = 1; step < sizeof(wire); step = step * 11 + 1) {
		pool_clear(&site.pair.pool);
		memset(site.buffer, (int)step, sizeof(site.buffer));
		cr_assert_eq(SSL_write(site.peer, site.buffer, LEG_SITE_FULL), LEG_SITE_FULL);
		cr_assert_eq(recv(ends[1], wire, sizeof(wire), 0), (ssize_t)sizeof(wire));
		for (size_t at = 0; at < sizeof(wire); at += step) {
			size_t left = sizeof(wire) - at, size = left < step ? left : step;

			cr_assert_eq(send(site.pair.other, wire + at, size, 0), (ssize_t)size);
			leg_site_hear(&site, size < left ? 0 : LEG_SITE_FULL);
			cr_assert_eq(site.pair.pool.spares, 1, "what was taken is given back");
			cr_assert_leq(leg->records->packed, sizeof(wire));
		}
		cr_expect_arr_eq(site.heard, site.buffer, LEG_SITE_FULL);
		leg_site_hear(&site, 0);
		cr_expect_null(leg->records->at);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	leg_site_hang_up(&site);
}

/* A piece of a record behind whole ones says nothing of how the rest comes. */
Test(records, a_fast_peer_keeps_its_bulk_buffer)
{
	uint8_t wire[3 * (1000 + RECORD_SEAL_BYTES)];
	const size_t cut = sizeof(wire) - 500;
	int ends[2];

	leg_site_fall_silent(&site, true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(site.peer, ends[0]), 1);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(SSL_write(site.peer, site.buffer, 1000), 1000);
	cr_assert_eq(recv(ends[1], wire, sizeof(wire), 0), (ssize_t)sizeof(wire));
	cr_assert_eq(send(site.pair.other, wire, cut, 0), (ssize_t)cut);
	leg_site_hear(&site, 2000);
	cr_expect_eq(leg->records->packed, 0);
	cr_expect_eq(site.pair.pool.spares, 0, "it is held yet");
	cr_assert_eq(send(site.pair.other, wire + cut, 500, 0), 500);
	leg_site_hear(&site, 1000);
	cr_expect_null(leg->records->at);
	cr_expect_eq(site.pair.pool.spares, 1);
	(void)close(ends[0]);
	(void)close(ends[1]);
	leg_site_hang_up(&site);
}

/* Records of these sizes, of which the last bytes come behind a rest: what stood
 * there unread then is opened in turn, with a rest behind each. */
static void
expect_after_rest(const size_t sizes[4], size_t missing)
{
	static uint8_t wire[4 * (LEG_SITE_FULL + RECORD_SEAL_BYTES)];
	size_t count, size = 0;
	int ends[2];

	leg_site_fall_silent(&site, true);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cr_assert_eq(SSL_set_fd(site.peer, ends[0]), 1);
	for (int i = 0; i < 4; i++) {
		memset(site.buffer, 'a' + i, sizeof(site.buffer));
		cr_assert_eq(SSL_write(site.peer, site.buffer, (int)sizes[i]), (int)sizes[i]);
		size += (size_t)recv(ends[1], wire + size, sizeof(wire) - size, 0);
	}
	cr_assert_eq(send(site.pair.other, wire, size - missing, 0), (ssize_t)(size - missing));
	for (int i = 0; i < 4; i++) {
		leg_pair_look(&site.pair);
		cr_assert_eq(leg_read(leg, site.heard, sizes[i], &count), LEG_DONE, "%d", i);
		cr_assert_eq(count, sizes[i]);
		cr_expect(site.heard[0] == 'a' + i && site.heard[count - 1] == 'a' + i);
		leg_rest(leg);
		if (i == 0 && missing > 0)
			cr_assert_eq(send(site.pair.other, wire + size - missing, missing, 0),
			    (ssize_t)missing);
	}
	(void)close(ends[0]);
	(void)close(ends[1]);
	leg_site_hang_up(&site);
}

Test(records, what_stands_there_as_it_rests_is_opened_later)
{
	static const struct {
		size_t sizes[4], missing;
	} rows[] = {
	    {{LEG_SITE_FULL, LEG_SITE_FULL, LEG_SITE_FULL, LEG_SITE_FULL}, 0},
	    {{LEG_SITE_FULL, LEG_SITE_FULL, LEG_SITE_FULL, LEG_SITE_FULL}, 100},
	    {{4000, 4000, 4000, 4000}, 3000},
	    /* What stands there is as long as the record that has a piece. */
	    {{100, 189, 189 - RECORD_SEAL_BYTES, LEG_SITE_FULL}, 400},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_after_rest(rows[i].sizes, rows[i].missing);
}

/* ---- keys are renewed ---- */

Test(records, key_updates_are_answered_once)
{
	for (int accepts = 0; accepts < 2; accepts++) {
		leg_site_fall_silent(&site, accepts == 1);
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(SSL_key_update(site.peer, SSL_KEY_UPDATE_REQUESTED), 1);
			cr_assert_eq(SSL_do_handshake(site.peer), 1);
			leg_site_hear(&site, 0);
		}
		cr_expect_eq(leg_waiting(leg), 0, "with the next payload");
		leg_site_leg_says(&site, "one", 3);
		leg_site_leg_says(&site, "two", 3);
		cr_expect_eq(site.peer_updates, 1);
		leg_site_exchange(&site);
		cr_assert_eq(SSL_key_update(site.peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		leg_site_exchange(&site);
		cr_expect_eq(site.peer_updates, 1);
		leg_site_hang_up(&site);
	}
}

/* Java's TLS asks for our next key by each record that it reads beyond its limit, until
 * it hears one (`jdk.tls.keyLimits`): all that is on its way then. */
Test(records, a_peer_that_is_sent_much_may_ask_for_keys_as_often)
{
	enum { TIMES = 200 };

	for (int taken = 0; taken < 2; taken++) {
		leg_site_shake_hands(&site, true);
		if (taken == 0) { /* so it stays with OpenSSL */
			cr_assert_eq(SSL_key_update(site.peer, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
			leg_site_peer_says(&site, "a", 1);
		}
		for (int i = 0; i < TIMES; i++)
			leg_site_leg_says(&site, site.buffer, sizeof(site.buffer));
		cr_expect_eq(leg->ssl == NULL, taken == 1);
		for (int i = 0; i < TIMES; i++) {
			cr_assert_eq(SSL_key_update(site.peer, SSL_KEY_UPDATE_REQUESTED), 1);
			cr_assert_eq(SSL_do_handshake(site.peer), 1);
			if (i % 20 == 0)
				leg_site_hear(&site, 0);
		}
		leg_site_hear(&site, 0);
		cr_expect_eq(leg->end, LEG_OPEN, "%d: %d", taken, (int)leg->end);
		leg_site_exchange(&site);
		leg_site_hang_up(&site);
	}
}

Test(records, a_key_is_renewed_before_it_is_worn_out)
{
	static const uint8_t key_update[] = {24, 0, 0, 1, 0};
	static uint8_t wire[4 * RECORD_BYTES_MAX], out[RECORD_BYTES_MAX];
	struct record_key key;
	struct opened opened;
	struct bytes in, record;
	size_t size;

	leg_site_fall_silent(&site, true);
	leg_site_leg_says(&site, "tickets stand before it", 23);
	leg->records->out.sequence = RECORD_KEY_RECORDS_MAX - 1;
	key = leg_site_mirror(&leg->records->out);
	cr_assert_eq(leg_write(leg, (const uint8_t *)"one", 3), LEG_DONE);
	cr_assert_eq(leg_write(leg, (const uint8_t *)"two", 3), LEG_DONE);
	cr_assert_eq(leg_flush(leg), LEG_DONE);
	in = (struct bytes){wire, (size_t)recv(site.pair.other, wire, sizeof(wire), 0)};
	for (int i = 0; i < 3; i++) {
		static const char *const said[] = {"one", (const char *)key_update, "two"};
		size_t expected = i == 1 ? sizeof(key_update) : 3;

		cr_assert_eq(record_size(RECORD_AES_128_GCM, in, &size), RECORD_GOOD);
		cr_assert(bytes_take(&in, size, &record));
		cr_assert_eq(record_key_open(&key, record, out, &opened), RECORD_GOOD, "%d", i);
		cr_expect_eq(opened.type, i == 1 ? RECORD_HANDSHAKE : RECORD_DATA);
		cr_assert_eq(opened.size, expected);
		cr_expect_eq(memcmp(out, said[i], expected), 0);
		if (i == 1)
			cr_assert(record_key_renew(&key));
	}
	cr_expect_eq(in.left, 0);
	cr_expect_eq(leg->records->out.sequence, 1);
	record_key_clear(&key);
	leg_site_hang_up(&site);
}

/* ---- tickets ---- */

Test(records, a_ticket_that_comes_later_is_passed_over)
{
	uint32_t before;

	leg_site_fall_silent(&site, false);
	before = leg->messages;
	cr_assert_eq(SSL_new_session_ticket(site.peer), 1);
	leg_site_peer_says(&site, "behind it", 9);
	cr_expect_eq(leg->messages, before + 1);
	leg_site_exchange(&site);
	leg_site_hang_up(&site);
}

/* ---- ends ---- */

Test(records, a_close_notify_is_a_close)
{
	leg_site_fall_silent(&site, true);
	cr_assert_eq(SSL_write(site.peer, "bye", 3), 3);
	(void)SSL_shutdown(site.peer);
	(void)shutdown(site.pair.other, SHUT_WR);
	leg_site_hear(&site, 3);
	leg_site_end_as(&site, LEG_CLOSED);
	leg_site_leg_says(&site, "yes", 3);
	leg_site_hang_up(&site);
}

Test(records, a_fin_alone_is_a_truncation)
{
	leg_site_fall_silent(&site, true);
	cr_assert_eq(SSL_write(site.peer, "by", 2), 2);
	(void)shutdown(site.pair.other, SHUT_WR);
	leg_site_hear(&site, 2);
	leg_site_end_as(&site, LEG_TRUNCATED);
	leg_site_hang_up(&site);
}

Test(records, an_orderly_end_is_a_close_notify)
{
	leg_site_fall_silent(&site, false);
	leg_end_direction(leg, true);
	cr_expect_eq(leg_flush(leg), LEG_DONE);
	cr_expect_leq(SSL_read(site.peer, site.buffer, sizeof(site.buffer)), 0);
	cr_expect_eq(SSL_get_shutdown(site.peer) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	leg_site_hang_up(&site);
}

Test(records, an_alert_is_told)
{
	static const uint8_t alert[] = {2, 48};
	uint8_t record[sizeof(alert) + RECORD_SEAL_BYTES];
	struct record_key key;

	leg_site_fall_silent(&site, true);
	key = leg_site_mirror(&leg->records->in);
	cr_assert(
	    record_key_seal(&key, RECORD_ALERT, (struct bytes){alert, sizeof(alert)}, record));
	cr_assert_eq(send(site.pair.other, record, sizeof(record), 0), (ssize_t)sizeof(record));
	leg_site_end_as(&site, LEG_ALERT);
	cr_expect_eq(leg->alert, 48);
	record_key_clear(&key);
	leg_site_hang_up(&site);
}
