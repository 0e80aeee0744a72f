/* SPDX-License-Identifier: MIT */
/* The stages on the server's side: TCP, then TLS and its certificate. */
#include "base/clock.h"
#include "certs/verify.h"
#include "proxy/client_certs.h"
#include "proxy/conn_private.h"
#include "proxy/guard.h"
#include "proxy/refusals.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ALERT_HANDSHAKE_FAILURE = 40 };

/* ---- TCP ---- */

static enum conn_state
start_connect(struct conn *conn)
{
	struct sockaddr_storage to;
	struct addr server;
	socklen_t size;
	const int on = 1;
	int fd;

	if (!conn_dns_server(conn, &server))
		return conn_close(conn, END_UNREACHABLE, "dns.resolver is no address");
	size = addr_to_sockaddr(&server, &to);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd < 0)
		return conn_close(conn, END_OVERLOAD, "no socket: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&to, size) != 0 && errno != EINPROGRESS) {
		int error = errno;

		(void)close(fd);
		return conn_close(conn, END_UNREACHABLE, "connect: %s", strerror(error));
	}
	if (leg_open(&conn->server, fd, conn->worker->base, conn_on_leg) != 0)
		return conn_close(conn, END_INTERNAL, "the server's socket cannot be watched");
	conn_set_deadline(conn, conn->snapshot->config->timeout.connect_ms);
	return CONN_CONNECT;
}

/* What a session with this server depends on. */
static struct session_peer
session_peer(const struct conn *conn)
{
	const struct facts *facts = conn->facts;

	return (struct session_peer){.dst = &facts->dst,
	    .name = tls_name(&facts->hello),
	    .alpn = hello_alpn(&conn->hello),
	    .trust_id = conn->snapshot->trust_id,
	    .policy_id = conn->snapshot->policy_id};
}

static enum conn_state
start_tls(struct conn *conn)
{
	struct facts *facts = conn->facts;
	const struct identity *identity =
	    client_certs_find(conn->snapshot->client_certs, facts->device);
	struct session_peer peer = session_peer(conn);
	uint16_t min =
	    tls_server_min(&facts->hello, config_server_min(conn->snapshot->config, facts->device));
	struct err err = {0};
	SSL *ssl = tls_to_server(&conn->snapshot->tls, &facts->hello, &facts->dst, min,
	    &facts->server, &err);

	peer.min = min;
	if (identity != NULL)
		peer.client_id = identity->sha256;
	if (ssl != NULL && tls_offer(ssl, peer.alpn, &err) != 0) {
		SSL_free(ssl);
		ssl = NULL;
	}
	if (ssl != NULL)
		session_offer(&conn->session, conn->worker->sessions, &peer, ssl, clock_mono_ms());
	if (ssl == NULL || leg_start_tls(&conn->server, ssl, &err) != 0)
		return conn_close(conn, END_INTERNAL, "%s", err.text);
	conn_set_deadline(conn, conn->snapshot->config->timeout.handshake_ms);
	return CONN_VERIFY;
}

/* What the camera said goes to the server as it came. */
static enum conn_state
start_undecrypted(struct conn *conn)
{
	conn->camera.replay = (struct bytes){conn->hello.raw, conn->hello.raw_used};
	return CONN_RELAY;
}

/* Whether the server is to shake hands: with us, or with the camera itself. */
static bool
begins_tls(const struct conn *conn)
{
	const struct facts *facts = conn->facts;

	return facts->inspect == INSPECT_OPENED ||
	       (facts->inspect == INSPECT_PASSTHROUGH && facts->hello.kind == HELLO_TLS);
}

/* Nobody waits for the server any more: neither it nor the others shall. */
static bool
is_in_vain(struct conn *conn)
{
	if (!begins_tls(conn) || !camera_is_gone(conn))
		return false;
	(void)conn_close(conn, END_CAMERA_TLS, "the camera closed before the server had answered");
	return true;
}

/* A connection that is to be opened costs us two handshakes.  One of TLS that passes
 * costs us little, and the server no less: the others there would bear it. */
static enum turn
take_turn(struct conn *conn)
{
	bool waited = conn->turn == TURN_WAITING;
	enum turn turn = TURN_TAKEN;

	if (begins_tls(conn))
		turn = turns_take(&conn->worker->turns, conn);
	if (turn == TURN_WAITING && !waited)
		conn_set_deadline(conn, conn->snapshot->config->timeout.handshake_ms);
	return turn;
}

enum conn_state
run_connect(struct conn *conn)
{
	struct leg *leg = &conn->server;
	int error = 0;
	socklen_t size = sizeof(error);

	if (is_in_vain(conn))
		return CONN_CLOSED;
	switch (take_turn(conn)) {
	case TURN_NONE:
		return conn_close(conn, END_OVERLOAD, "%s", turns_why(conn));
	case TURN_WAITING:
		return CONN_CONNECT;
	case TURN_TAKEN:
		break;
	}
	if (leg->fd < 0)
		return start_connect(conn);
	if (!leg->writable && !leg->readable)
		return CONN_CONNECT;
	if (getsockopt(leg->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
		return conn_close(conn, END_UNREACHABLE, "connect: %s", strerror(error));
	if (conn->facts->inspect == INSPECT_OPENED)
		return start_tls(conn);
	return start_undecrypted(conn);
}

/* ---- TLS ---- */

/* A server may choke on its own session; the camera, which never heard of that,
 * must not be the one to lose by it. */
static bool
asks_anew(struct conn *conn)
{
	if (!conn->session.offered || conn->asked_anew)
		return false;
	conn->asked_anew = true;
	session_forget(&conn->session);
	if (conn->starttls)
		return false; /* the next one will not offer it */
	leg_close(&conn->server, true);
	conn->server = (struct leg){.conn = conn, .pool = &conn->worker->pool, .fd = -1};
	return true;
}

/* What the server said is nothing that we go on with: no rule could have us. */
static enum conn_state
refuse_handshake(struct conn *conn, const struct err *err)
{
	guard_block(&conn->facts->verdict, VERDICT_CERTIFICATE, "server-tls",
	    "No handshake with the server comes about: %.100s", err->text);
	conn->facts->inspect = INSPECT_REFUSED;
	return conn_close(conn, END_SERVER_TLS, "%s", err->text);
}

static enum conn_state
handshake_failed(struct conn *conn, const struct err *err)
{
	struct leg *leg = &conn->server;

	if (asks_anew(conn))
		return CONN_CONNECT;
	conn->facts->server.alert = leg->alert;
	switch (leg_how_ended(leg)) {
	case LEG_RESET:
		return conn_close(conn, END_SERVER_TLS, "the server reset the connection: %s",
		    strerror(leg->error));
	case LEG_TRUNCATED:
	case LEG_CLOSED:
		return conn_close(conn, END_SERVER_TLS,
		    "the server closed the connection in the handshake");
	case LEG_FLOOD:
		return conn_close(conn, END_FLOOD, "the server sent messages of TLS without end");
	case LEG_OPEN:
	case LEG_ALERT:
		break;
	}
	conn->camera_alert = leg->alert != 0 ? leg->alert : ALERT_HANDSHAKE_FAILURE;
	if (leg->alert != 0)
		return conn_close(conn, END_SERVER_TLS,
		    "the server refused the handshake: alert %u (%s)", leg->alert,
		    SSL_alert_desc_string_long(leg->alert));
	return refuse_handshake(conn, err);
}

static enum conn_state
refuse_server(struct conn *conn)
{
	struct facts *facts = conn->facts;
	char text[FACTS_TEXT_MAX];

	verify_text(&facts->server, text, sizeof(text));
	guard_block(&facts->verdict, VERDICT_CERTIFICATE, "server-certificate",
	    "The server's certificate is not accepted: %.80s", text);
	facts->inspect = INSPECT_REFUSED;
	conn->camera_alert = verify_alert(&facts->server);
	return conn_close(conn, END_SERVER_CERT, "%s", text);
}

/* Whether a server with these flaws is refused as such.  A rule that looks at the TLS
 * with it has said more of it, and how it is to be done. */
static bool
is_refused_for_flaws(const struct conn *conn)
{
	const struct verdict *verdict = &conn->facts->verdict;

	return !(verdict->result == RESULT_BLOCK && verdict->by_tls) &&
	       decide_bad_server(conn->snapshot->config, verdict) == SERVERS_BLOCK;
}

static enum conn_state
refuse_by_rule(struct conn *conn)
{
	conn->facts->inspect = INSPECT_REFUSED;
	return conn_close(conn, END_REFUSED, "%s", conn->facts->verdict.why);
}

static enum conn_state
judge_certificate(struct conn *conn)
{
	struct facts *facts = conn->facts;

	decide_judge(conn, VERDICT_CERTIFICATE);
	if (verify_is_bad(&facts->server) && is_refused_for_flaws(conn))
		return refuse_server(conn);
	if (facts->verdict.result == RESULT_BLOCK)
		return refuse_by_rule(conn);
	if (verify_is_bad(&facts->server))
		facts->server.treatment = decide_bad_server(conn->snapshot->config,
					      &conn->facts->verdict) == SERVERS_ACCEPT
					      ? TREATED_ACCEPTED
					      : TREATED_MIRRORED;
	return CONN_MINT;
}

/* ---- what only the camera can do ---- */

static struct demand_place
demand_place(const struct conn *conn)
{
	return (struct demand_place){.dst = &conn->facts->dst,
	    .name = conn->facts->hello.sni,
	    .tls_id = conn->snapshot->tls_id};
}

/* Whether the server had to sign before it could ask.  With RSA key exchange it shows
 * that it has its key by its Finished alone (RFC 5246 section 7.4.9), and anybody may
 * have sent what came. */
static bool
has_shown_key(const SSL *ssl)
{
	const SSL_CIPHER *cipher = SSL_get_pending_cipher(ssl);

	return cipher != NULL && SSL_CIPHER_get_kx_nid(cipher) != NID_kx_rsa;
}

/* The next ones there need no handshake to find it out, but where something is held
 * against the server, or it may be somebody else: that is looked at each time. */
static void
note_certificate_wanted(struct conn *conn)
{
	const struct demand_place place = demand_place(conn);

	if (!verify_has_flaw(conn->facts->server.errors) && has_shown_key(conn->server.ssl))
		refusals_add_demand(conn->worker->refusals, &place, DEMAND_CERTIFICATE,
		    conn->facts->server.errors, clock_mono_ms());
}

/* Kept as refusals of our leaf are, of whatever camera it was. */
void
server_note_insistence(struct conn *conn)
{
	const struct demand_place place = demand_place(conn);

	if (!conn->server.renegotiates || leg_how_ended(&conn->server) == LEG_OPEN ||
	    conn->camera_left_first)
		return;
	refusals_add_demand(conn->worker->refusals, &place, DEMAND_RENEGOTIATION, 0,
	    clock_mono_ms());
}

bool
server_recall_demand(struct conn *conn)
{
	const struct refusals *refusals = conn->worker->refusals;
	struct server_facts *server = &conn->facts->server;
	const struct demand_place place = demand_place(conn);
	uint64_t now_ms = clock_mono_ms();

	if (refusals_has_demand(refusals, &place, DEMAND_RENEGOTIATION, NULL, now_ms))
		return true;
	if (client_certs_find(conn->snapshot->client_certs, conn->facts->device) != NULL ||
	    !refusals_has_demand(refusals, &place, DEMAND_CERTIFICATE, &server->errors, now_ms))
		return false;
	server->wants_client_cert = true;
	return true;
}

/* The server wants to know who the camera is, which only the camera can prove:
 * its own hello goes to a new connection, if the rules allow it unproven. */
static enum conn_state
fall_to_passthrough(struct conn *conn)
{
	struct facts *facts = conn->facts;

	/* Asking is no way around the check of its own certificate.  Where a bad
	 * one is mirrored, the camera that sees the server itself sees the best. */
	verify_result(conn->server.ssl, &facts->server);
	decide_judge(conn, VERDICT_CERTIFICATE);
	if (verify_has_flaw(facts->server.errors) && is_refused_for_flaws(conn))
		return refuse_server(conn);
	/* Nor around a rule on what was found, which may ask how it is carried. */
	if (verify_has_flaw(facts->server.errors) && facts->verdict.result == RESULT_BLOCK)
		return refuse_by_rule(conn);
	note_certificate_wanted(conn);
	leg_close(&conn->server, true);
	conn->server = (struct leg){.conn = conn, .pool = &conn->worker->pool, .fd = -1};
	conn->passthrough = true;
	facts->inspect = INSPECT_PASSTHROUGH;
	facts->server.verified = false;
	return decide_unproven(conn) ? CONN_CONNECT : refuse_by_rule(conn);
}

/*
 * Who the camera is is nothing for a server that is not good, nor for one that
 * the rules block: these are asked before it is told.  Only the end of the handshake
 * is to come.
 */
static enum conn_state
answer_server(struct conn *conn)
{
	struct server_facts *server = &conn->facts->server;
	const struct identity *identity =
	    client_certs_find(conn->snapshot->client_certs, conn->facts->device);
	struct err err = {0};

	if (server->errors != 0)
		identity = NULL;
	if (identity == NULL && !conn->starttls &&
	    conn->snapshot->config->tls.rejected == REJECTED_PASSTHROUGH)
		return fall_to_passthrough(conn);
	if (identity != NULL) {
		server->version = tls_version(conn->server.ssl);
		server->verified = true;
		decide_judge(conn, VERDICT_CERTIFICATE);
		if (conn->facts->verdict.result == RESULT_BLOCK)
			return refuse_by_rule(conn);
		server->verified = false;
	}
	if (tls_answer(conn->server.ssl, identity, &err) != 0)
		return conn_close(conn, END_INTERNAL, "%s", err.text);
	return CONN_VERIFY;
}

enum conn_state
run_verify(struct conn *conn)
{
	struct server_facts *server = &conn->facts->server;
	struct err err = {0};
	enum conn_state next;
	enum leg_io io;

	if (is_in_vain(conn))
		return CONN_CLOSED;
	io = leg_handshake(&conn->server, &err);
	if (tls_is_asked(conn->server.ssl)) {
		next = answer_server(conn);
		if (next != CONN_VERIFY)
			return next;
		io = leg_handshake(&conn->server, &err);
	}
	if (leg_flush(&conn->server) == LEG_ENDED || io == LEG_ENDED)
		return handshake_failed(conn, &err);
	if (io == LEG_WAIT)
		return CONN_VERIFY;
	server->resumed = SSL_session_reused(conn->server.ssl) == 1;
	if (server->resumed)
		server->staple = conn->session.staple;
	verify_result(conn->server.ssl, server);
	conn->session.staple = server->staple;
	next = judge_certificate(conn);
	if (next == CONN_MINT && !verify_is_bad(server))
		session_accept(&conn->session, conn->server.ssl, clock_mono_ms());
	return next;
}
