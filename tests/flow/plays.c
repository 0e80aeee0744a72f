/* SPDX-License-Identifier: MIT */
#include "tests/flow/plays.h"

void
play_ask(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "secret", 6);
	peer_hear(peer, 2);
	peer_finish(peer);
	peer_hear_end(peer);
}

void
play_answer(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 6);
	peer_say(peer, "ok", 2);
	peer_hear_end(peer);
	peer_finish(peer);
}

void
play_hello(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_finish(peer);
	peer_hear_end(peer);
}

void
play_hear_out(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
	peer_finish(peer);
}

void
play_be_left(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
}

void
play_hope(struct peer *peer)
{
	peer_connect(peer);
	peer_expect_no_handshake(peer);
}

void
play_pour(struct peer *peer, uint64_t count)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_pour(peer, count);
	peer_finish(peer);
	peer_hear_end(peer);
}

void
play_hear_slowly(struct peer *peer, uint64_t count)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_slowly(peer, count);
	peer_hear_end(peer);
	peer_finish(peer);
}

void
play_pour_back(struct peer *peer, uint64_t count)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear_end(peer);
	peer_pour(peer, count);
	peer_finish(peer);
}

void
play_mail(struct peer *peer)
{
	peer_connect(peer);
	peer_hear(peer, 9);
	peer_say(peer, "EHLO cam\r\n", 10);
	peer_hear(peer, 9 + 14);
	peer_say(peer, "STARTTLS\r\n", 10);
	peer_hear(peer, 9 + 14 + 8);
	peer_handshake(peer);
	peer_say(peer, "EHLO cam\r\n", 10);
	peer_hear(peer, 9 + 14 + 8 + 8);
	peer_finish(peer);
	peer_hear_end(peer);
}

void
play_offer_tls(struct peer *peer)
{
	peer_say(peer, "220 you\r\n", 9);
	peer_hear(peer, 10);
	peer_say(peer, "250 STARTTLS\r\n", 14);
	peer_hear(peer, 10 + 10);
}
