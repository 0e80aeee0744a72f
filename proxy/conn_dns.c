/* SPDX-License-Identifier: MIT */
/* Connections that carry lookups: where they go, and what becomes of each. */
#include "inspect/payload.h"
#include "proxy/conn_private.h"
#include "proxy/dns_policy.h"
#include "proxy/dns_stream.h"

enum { PORT_DNS = 53 };

bool
conn_dns_redirect(struct conn *conn)
{
	struct facts *facts = conn->facts;
	const struct bytes first = {conn->hello.raw, conn->hello.raw_used};

	/* A camera that was silent is connected by now. */
	if (conn->server.fd >= 0 || facts->hello.kind != HELLO_NOT_TLS ||
	    !dns_stream_may_begin(first) ||
	    !dns_policy_redirects(conn->worker->dns, &facts->dst, &facts->verdict))
		return false;
	facts->inspect = INSPECT_PLAIN;
	conn->redirected = true;
	return true;
}

bool
conn_dns_server(const struct conn *conn, struct addr *out)
{
	*out = conn->facts->dst;
	return !conn->redirected || dns_policy_resolver(conn->worker->dns, out);
}

bool
conn_dns_open(struct conn *conn)
{
	if (conn->worker->dns == NULL || conn->facts->dst.port != PORT_DNS ||
	    conn->facts->inspect != INSPECT_PLAIN)
		return true;
	conn->dns = dns_stream_new(conn->worker->dns, conn->redirected);
	return conn->dns != NULL;
}

/* What is refused goes nowhere, so no observer sees that it is a lookup. */
static void
note_lookup(struct facts *facts)
{
	static const struct payload_finding control = {.class = PAYLOAD_CONTROL,
	    .confidence = CONFIDENCE_IDENTIFIED};

	if (facts->app.proto != APP_NONE)
		return;
	facts->app.proto = APP_DNS;
	payload_note(DIRECTION_UP, &control, 0, &facts->payload);
}

enum leg_io
conn_dns_piece(struct conn *conn, enum direction direction, size_t *count)
{
	uint8_t *scratch = conn->worker->scratch;
	struct bytes refusals;

	if (direction == DIRECTION_DOWN) {
		dns_stream_down(conn->dns, conn->facts, (struct bytes){scratch, *count});
		return LEG_DONE;
	}
	if (!dns_stream_up(conn->dns, conn->facts, scratch, count, &refusals)) {
		(void)conn_close(conn, END_REFUSED,
		    "what the camera sent to the name server is no lookup");
		return LEG_ENDED;
	}
	if (refusals.left == 0)
		return LEG_DONE;
	note_lookup(conn->facts);
	if (leg_is_broken(&conn->camera))
		return LEG_DONE;
	conn->facts->traffic.left_down += refusals.left;
	if (leg_write(&conn->camera, refusals.at, refusals.left) == LEG_DONE)
		return LEG_DONE;
	(void)conn_close(conn, END_OVERLOAD, "the camera does not take its answers");
	return LEG_ENDED;
}
