/* SPDX-License-Identifier: MIT */
/*
 * TLS that begins in the middle of a conversation: STARTTLS of SMTP and IMAP, AUTH
 * TLS of FTP, STLS of POP3.
 *
 * The connection goes back to where a hello is gathered, and through the same
 * stages again; its server's side stands already.  What either side had said
 * behind its agreement was dropped by the observer: it was said in the clear by
 * whoever could, and would be taken for what was said inside (RFC 3207 section
 * 4.2, CVE-2011-0411).
 */
#include "proxy/conn_private.h"
#include "proxy/observe.h"

enum conn_state
starttls_begin(struct conn *conn)
{
	struct facts *facts = conn->facts;

	quiet_leave(conn);
	gather_leave(conn);
	observe_rest(conn);
	conn->camera.replay = (struct bytes){0};
	hello_clear(&conn->hello);
	conn->hello_done = false;
	facts->hello = (struct hello_facts){0};
	facts->app.starttls = true;
	facts->inspect = INSPECT_NONE;
	conn->starttls = conn->unheard = true;
	conn->clear = facts->traffic;
	conn->heard_ms = conn->relay_ms = 0;
	conn->quiet_ms = 0;
	peek_start(conn, conn->snapshot->config->timeout.hello_ms);
	return CONN_PEEK;
}
