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
