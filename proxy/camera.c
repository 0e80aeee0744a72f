/* SPDX-License-Identifier: MIT */
/* The stages on the camera's side: a leaf, then TLS with it. */
#include "base/clock.h"
#include "base/text.h"
#include "certs/verify.h"
#include "proxy/conn_private.h"
#include "proxy/refusals.h"

#include <string.h>
#include <sys/socket.h>

enum { ALERT_INTERNAL = 80 };

static uint16_t
lowest(const struct conn *conn)
{
	return config_camera_min(conn->snapshot->config, conn->facts->device);
}

static uint16_t
highest(const struct conn *conn)
{
	return tls_camera_max(conn->snapshot->config, &conn->facts->hello, lowest(conn),
	    &conn->facts->server);
}

enum conn_state
run_mint(struct conn *conn)
{
	struct facts *facts = conn->facts;
	struct mint_wanted wanted;
	struct err err = {0};

	if (conn->mint.order != NULL)
		return CONN_MINT;
	conn->leaf_kind = leaf_kind_of(tls_leaf_kind(&facts->hello, highest(conn)),
	    verify_leaf_trust(&facts->server));
	wanted = (struct mint_wanted){.kind = conn->leaf_kind,
	    .server = SSL_get0_peer_certificate(conn->server.ssl),
	    .server_sha256 = facts->server.sha256};
	if (minter_leaf(conn->worker->minter, &wanted, &conn->mint, &conn->minted, &err) == 0) {
		session_share(&conn->session, conn->server.ssl);
		return CONN_ACCEPT;
	}
	if (conn->mint.order != NULL)
		return CONN_MINT;
	conn->camera_alert = ALERT_INTERNAL;
	return conn_close(conn, END_MINT, "no leaf: %s", err.text);
}

/* A FIN was told by the kernel as such; a reset is told as something to read. */
bool
camera_is_gone(const struct conn *conn)
{
	const struct leg *leg = &conn->camera;
	int error = 0;
	socklen_t size = sizeof(error);

	if (leg->fin_coming || !leg->readable)
		return leg->fin_coming;
	return getsockopt(leg->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
}

/* What a ticket of this camera's is good for. */
static int
bind_tickets(struct conn *conn, SSL *ssl, struct err *err)
{
	const struct facts *facts = conn->facts;
	const struct ticket_use use = {.dst = &facts->dst,
	    .name = facts->hello.sni,
	    .alpn = facts->server.alpn,
	    .leaf = conn->minted.leaf,
	    .errors = facts->server.errors,
	    .trust_id = conn->snapshot->trust_id,
	    .policy_id = conn->snapshot->policy_id};

	return tickets_bind(conn->worker->tickets, &use, ssl, &conn->ticket, err);
}

static bool
start_accept(struct conn *conn)
{
	struct facts *facts = conn->facts;
	struct tls_face face = {.leaf = conn->minted.leaf,
	    .key = conn->minted.key,
	    .min = lowest(conn),
	    .max = highest(conn)};
	struct err err = {0};
	SSL *ssl;

	/* It went while the server was asked: no word about our leaf. */
	if (camera_is_gone(conn)) {
		(void)conn_close(conn, END_CAMERA_TLS,
		    "the camera closed before the server had answered");
		return false;
	}
	ssl = tls_to_camera(&conn->snapshot->tls, &facts->hello, &face, &facts->server, &err);
	if (ssl != NULL && bind_tickets(conn, ssl, &err) != 0) {
		SSL_free(ssl);
		ssl = NULL;
	}
	if (ssl == NULL || leg_start_tls(&conn->camera, ssl, &err) != 0) {
		(void)conn_close(conn, END_INTERNAL, "%s", err.text);
		return false;
	}
	conn->camera.replay = (struct bytes){conn->hello.raw, conn->hello.raw_used};
	conn_set_deadline(conn, conn->snapshot->config->timeout.handshake_ms);
	return true;
}

/* ---- refusals ---- */

void
camera_note_trust(struct conn *conn)
{
	struct facts *facts = conn->facts;

	facts->camera_tls.verdict = CAMERA_TLS_OK;
	refusals_clear(conn->worker->refusals, &facts->camera, &facts->dst, facts->hello.sni);
}

static enum refusal
judge_refusal(const struct conn *conn)
{
	const struct leg *camera = &conn->camera;
	enum leg_end end = leg_how_ended(camera);
	uint64_t now_ms = clock_mono_ms();
	struct refusal_signs signs = {
	    .alert = camera->alert,
	    .closed = end == LEG_CLOSED || end == LEG_TRUNCATED || end == LEG_RESET,
	    .first = conn->state == CONN_ACCEPT || conn->camera_left_first,
	    .handshake_done = conn->state == CONN_RELAY,
	    .payload = conn->facts->traffic.up > conn->clear.up,
	    .answered = conn->heard_ms != 0,
	    .silent_ms = now_ms - conn->relay_ms,
	    .answered_ms = now_ms - conn->heard_ms,
	};

	return refusals_judge(&signs);
}

void
camera_note_refusal(struct conn *conn)
{
	struct facts *facts = conn->facts;
	enum refusal refusal = judge_refusal(conn);

	facts->camera_tls.alert = conn->camera.alert;
	if (refusal == REFUSAL_NONE)
		return;
	facts->camera_tls.verdict =
	    refusal == REFUSAL_CERTAIN ? CAMERA_TLS_REJECTED : CAMERA_TLS_PROBABLE;
	facts->inspect = INSPECT_REJECTED;
	/* What it refused is the server, whose flaw it was shown: it is right. */
	if (facts->server.treatment == TREATED_MIRRORED)
		return;
	refusals_add(conn->worker->refusals, &facts->camera, &facts->dst, facts->hello.sni, refusal,
	    clock_mono_ms());
}

void
camera_recall_refusal(struct conn *conn)
{
	struct facts *facts = conn->facts;
	enum refusal refusal = refusals_known(conn->worker->refusals, &facts->camera, &facts->dst,
	    facts->hello.sni, clock_mono_ms());

	if (refusal == REFUSAL_NONE)
		return;
	conn->passthrough = true;
	facts->camera_tls.verdict =
	    refusal == REFUSAL_CERTAIN ? CAMERA_TLS_REJECTED : CAMERA_TLS_PROBABLE;
}

void
camera_confirm_refusal(struct conn *conn, bool works)
{
	struct facts *facts = conn->facts;

	if (works)
		facts->camera_tls.verdict = CAMERA_TLS_REJECTED;
	refusals_confirm(conn->worker->refusals, &facts->camera, &facts->dst, facts->hello.sni,
	    works, clock_mono_ms());
}

static void
note_negotiated(struct conn *conn)
{
	struct camera_facts *facts = &conn->facts->camera_tls;
	const SSL *ssl = conn->camera.ssl;

	if (SSL_get_current_cipher(ssl) == NULL)
		return; /* it did not come so far */
	facts->version = tls_version(ssl);
	facts->resumed = SSL_session_reused(ssl) == 1;
	facts->legacy = tls_is_legacy(&conn->facts->hello) || facts->version < TLS1_2_VERSION;
	text_copy(facts->cipher, sizeof(facts->cipher), SSL_get_cipher_name(ssl));
}

static enum conn_state
accept_failed(struct conn *conn, const struct err *err)
{
	struct leg *leg = &conn->camera;

	note_negotiated(conn);
	if (leg->end == LEG_FLOOD)
		return conn_close(conn, END_FLOOD, "the camera sent messages of TLS without end");
	camera_note_refusal(conn);
	if (conn->facts->inspect == INSPECT_REJECTED &&
	    conn->facts->server.treatment == TREATED_MIRRORED)
		return conn_close(conn, END_REJECTED,
		    "the camera refused the server's certificate, which is not good");
	if (conn->facts->inspect == INSPECT_REJECTED && leg->alert != 0)
		return conn_close(conn, END_REJECTED,
		    "the camera refused the certificate: alert %u (%s)", leg->alert,
		    SSL_alert_desc_string_long(leg->alert));
	if (conn->facts->inspect == INSPECT_REJECTED)
		return conn_close(conn, END_REJECTED,
		    "the camera closed when it saw the certificate");
	if (leg->alert != 0)
		return conn_close(conn, END_CAMERA_TLS,
		    "the camera refused the handshake: alert %u (%s)", leg->alert,
		    SSL_alert_desc_string_long(leg->alert));
	if (conn->facts->hello.version_max < lowest(conn))
		return conn_close(conn, END_CAMERA_TLS,
		    "the camera speaks %s at most; the lowest taken from it is %s",
		    tls_version_name(conn->facts->hello.version_max),
		    tls_version_name(lowest(conn)));
	return conn_close(conn, END_CAMERA_TLS, "%s", err->text);
}

/* ---- the stage ---- */

enum conn_state
run_accept(struct conn *conn)
{
	struct err err = {0};
	enum leg_io io;

	if (conn->camera.ssl == NULL && !start_accept(conn))
		return CONN_CLOSED;
	io = leg_handshake(&conn->camera, &err);
	if (io == LEG_DONE)
		leg_keep_ticket(&conn->camera);
	if (leg_flush(&conn->camera) == LEG_ENDED || io == LEG_ENDED)
		return accept_failed(conn, &err);
	if (io == LEG_WAIT)
		return CONN_ACCEPT;
	note_negotiated(conn);
	sessions_settle_camera(conn->worker->sessions, conn->camera.ssl);
	return CONN_RELAY;
}
