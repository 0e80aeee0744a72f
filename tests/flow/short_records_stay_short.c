/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

/* A camera with little memory wants no record longer than it can hold (RFC 6066
 * section 4): what a server pours comes in such, as before. */
enum { DOWN = (1 << 20) + 5 };

static void
hear_all(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_say(peer, "hello", 5);
	peer_hear(peer, DOWN);
	peer_finish(peer);
	peer_hear_end(peer);
}

static void
pour_all(struct peer *peer)
{
	peer_connect(peer);
	peer_handshake(peer);
	peer_hear(peer, 5);
	peer_pour(peer, DOWN);
	peer_hear_end(peer);
	peer_finish(peer);
}

Test(short_records_stay_short, for_a_camera_that_asks)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	for (size_t i = 0; i < 2; i++) {
		struct flow flow;

		flow_open(&flow, &(struct flow_setup){0});
		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
		cr_assert_eq(SSL_CTX_set_max_proto_version(flow.camera.ctx, versions[i]), 1);
		/* OpenSSL itself ends it over a longer one. */
		cr_assert_eq(SSL_CTX_set_tlsext_max_fragment_length(flow.camera.ctx,
				 TLSEXT_max_fragment_length_1024),
		    1);
		flow_run(&flow, hear_all, pour_all);
		cr_expect_eq(flow.closed.facts.end, END_DONE, "%s", flow.closed.facts.end_text);
		cr_expect(peer_has_pattern(&flow.camera, DOWN));
		flow_close(&flow);
	}
}
