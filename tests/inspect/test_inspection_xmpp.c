/* SPDX-License-Identifier: MIT */
/* XMPP: streams, stanzas, STARTTLS. */
#include "tests/inspect/talk.h"

#define DECLARED "<?xml version='1.0'?>"
#define STREAM                                                                                     \
	DECLARED                                                                                   \
	"<stream:stream xmlns='jabber:client' "                                                    \
	"xmlns:stream='http://etherx.jabber.org/streams' to='push.example' version='1.0'>"
#define STARTTLS "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'"
#define PROCEED "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define FEATURES "<stream:features>" STARTTLS "><required/></starttls></stream:features>"

static const struct said whole[] = {UP(STREAM), DOWN(STREAM FEATURES), UP(STARTTLS "/>"),
    DOWN(PROCEED), TLS, UP(STREAM), DOWN(STREAM "<stream:features/>"),
    UP("<auth mechanism='PLAIN'>AGNhbQBodW50ZXIy</auth>"), DOWN("<success/>"),
    UP(DECLARED
	"<stream:stream to='push.example'> "
	"<message to='a@b'><body q=\"a>b\">{\"motion\":true,\"uptime\":12}</body></message>\n"
	"<presence/></stream:stream>"),
    {0}};

Test(xmpp, is_followed_into_its_tls)
{
	struct heard heard = hear_all(whole);

	cr_expect_eq(heard.app.proto, APP_XMPP);
	cr_expect(heard.asked_for_tls);
	cr_expect(heard.app.starttls);
	cr_expect_str_eq(heard.app.host, "push.example");
	cr_expect_str_eq(heard.app.method, "starttls");
	cr_expect_eq(heard.app.requests, 4);
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_gt(heard.payload.up[PAYLOAD_CONTROL],
	    3 * (sizeof(STREAM) - sizeof(DECLARED)) / 2);
	cr_expect_gt(heard.payload.up[PAYLOAD_TELEMETRY], 0);
	hear_broken(whole);
}

Test(xmpp, asks_for_tls_in_either_form_and_may_be_refused)
{
	struct heard heard =
	    hear_all(TALK(UP(STREAM STARTTLS "></starttls>"), DOWN(STREAM PROCEED), TLS));

	cr_expect(heard.asked_for_tls);
	cr_expect_not(heard.app.confused);
	heard = hear_all(TALK(UP(STREAM STARTTLS "/>"), DOWN(STREAM "<failure/></stream:stream>"),
	    TLS, UP("<presence/>")));
	cr_expect_not(heard.asked_for_tls);
	cr_expect_not(heard.app.starttls);
	cr_expect_not(heard.app.confused);
	heard = hear_all(TALK(UP(STREAM), DOWN(STREAM PROCEED), TLS));
	cr_expect_not(heard.asked_for_tls, "nobody asked");
}

Test(xmpp, instructions_inside_of_a_stanza_are_none_of_it)
{
	struct heard heard =
	    hear_all(TALK(UP(STREAM "<message><?x?><body/></message><presence/>")));

	cr_expect(heard.app.confused);
	cr_expect_eq(heard.app.requests, 1);
	heard = hear_all(TALK(UP(STREAM "<message><body/></message>" DECLARED "<presence/>")));
	cr_expect_not(heard.app.confused);
	cr_expect_eq(heard.app.requests, 2);
}

Test(xmpp, what_is_said_behind_the_agreement_is_dropped)
{
	struct heard heard =
	    hear_all(TALK(UP(STREAM STARTTLS "/><presence/>"), DOWN(STREAM PROCEED "<iq/>"), TLS));

	cr_expect(heard.asked_for_tls);
	cr_expect(heard.app.confused);
	cr_expect_eq(heard.forwarded[0], sizeof(STREAM STARTTLS "/>") - 1);
	cr_expect_eq(heard.forwarded[1], sizeof(STREAM PROCEED) - 1);
}

Test(xmpp, that_breaks_its_rules_is_not_followed)
{
	static char tag[2048] = "<message a='";
	const struct said rows[] = {UP("words<presence/>"), UP("<!-- a comment -->"),
	    UP("<presence><![CDATA[x]]></presence>"), UP("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1"),
	    UP("</stream:stream><presence/>"), {DIRECTION_UP, tag, sizeof(tag)}};

	memset(tag + 12, 'x', sizeof(tag) - 12);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct heard heard = hear_all(TALK(UP(STREAM), rows[i]));

		cr_expect_eq(heard.app.proto, APP_XMPP);
		cr_expect(heard.app.confused, "row %zu", i);
	}
	cr_expect_eq(hear_all(TALK(UP(STREAM), rows[3])).payload.class, PAYLOAD_IMAGE);
}

Test(xmpp, is_no_other_xml)
{
	cr_expect_eq(hear_all(TALK(UP(DECLARED "<EventNotificationAlert/>"))).app.proto,
	    APP_UNKNOWN);
	cr_expect_eq(hear_all(TALK(UP("<streams>"))).app.proto, APP_UNKNOWN);
	cr_expect_eq(hear_all(TALK(UP("<stream:stream to='a'>"))).app.proto, APP_XMPP);
}
