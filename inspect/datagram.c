/* SPDX-License-Identifier: MIT */
#include "inspect/datagram.h"

#include "inspect/content.h"
#include "inspect/dns.h"
#include "inspect/dtls.h"
#include "inspect/encrypted_dns.h"
#include "inspect/hello_facts.h"
#include "inspect/ntp.h"
#include "inspect/p2p.h"
#include "inspect/quic.h"
#include "inspect/rtp.h"
#include "inspect/rtp_media.h"
#include "inspect/stun.h"

#include <stdlib.h>
#include <string.h>

enum { PORT_DNS = 53 };

struct rtp_reader {
	struct rtp_packet packets[DATAGRAM_TELL_MAX]; /* one a datagram so far */
	struct rtp_media media;
	bool sure; /* two of them follow each other */
};

/* What the datagrams so far seem to be, and what has to be known of them. */
struct datagram_teller {
	enum app_proto suspect; /* APP_QUIC, APP_DTLS or APP_RTP; APP_NONE: the first one */
	uint16_t dst_port;
	uint8_t datagrams;
	uint8_t first_size;
	uint8_t first[8]; /* of the flow */
	union {
		struct quic_reader quic;
		struct dtls_reader dtls;
		struct rtp_reader rtp;
	} is;
};

/* A worker is one thread; so is a test. */
static unsigned tellers;

/* ---- one look ---- */

/* Anything that is not a question to port 53 is not a lookup; elsewhere it has
 * to be one to its last byte, for there is nothing else to tell it by. */
static bool
tell_dns(struct bytes datagram, uint16_t dst_port, struct app_facts *app)
{
	struct dns_message message;

	if (!dns_read(datagram, &message) || message.answer)
		return false;
	if (dst_port != PORT_DNS &&
	    (!message.whole || message.asked.opcode != 0 || message.asked.name_odd ||
		message.asked.name[0] == '\0' || message.asked.class != 1))
		return false;
	app->proto = APP_DNS;
	app->confused = !message.whole;
	return true;
}

/* What one datagram tells, and needs no second one. */
static bool
tell_at_once(struct bytes datagram, uint16_t dst_port, struct app_facts *app)
{
	if (dst_port == PORT_DNS && tell_dns(datagram, dst_port, app))
		return true;
	if (ntp_tell(datagram, dst_port, app) || stun_tell(datagram, dst_port, app) ||
	    p2p_tell(datagram, app) || tell_dns(datagram, dst_port, app))
		return true;
	if (rtp_is_control(datagram)) {
		app->proto = APP_RTCP;
		return true;
	}
	return false;
}

static void
tell_hello(const struct datagram_teller *teller, struct bytes body, struct app_facts *app,
    struct hello_facts *hello)
{
	bool quic = teller->suspect == APP_QUIC;

	hello_read_body(body, quic ? HELLO_BY_QUIC : HELLO_BY_DTLS, hello);
	app->confused = hello->kind == HELLO_BROKEN;
	app->encrypted_dns = encrypted_dns_told(hello, teller->dst_port);
	if (!quic && hello->kind == HELLO_TLS)
		app->version = hello->version_max;
}

static enum datagram_result
look_at_quic(struct datagram_teller *teller, struct bytes datagram, struct app_facts *app,
    struct hello_facts *hello)
{
	struct bytes body;
	enum quic_result result = quic_add(&teller->is.quic, datagram, &body);

	/* Packets of the connection's later life may come between. */
	if (result == QUIC_NOT)
		return teller->suspect == APP_QUIC ? DATAGRAM_MORE : DATAGRAM_DONE;
	teller->suspect = app->proto = APP_QUIC;
	app->version = teller->is.quic.version;
	if (result == QUIC_MORE)
		return DATAGRAM_MORE;
	app->confused = result == QUIC_BROKEN;
	if (result == QUIC_HELLO)
		tell_hello(teller, body, app, hello);
	return DATAGRAM_DONE;
}

static enum datagram_result
look_at_dtls(struct datagram_teller *teller, struct bytes datagram, struct app_facts *app,
    struct hello_facts *hello)
{
	struct bytes body;
	enum dtls_result result = dtls_add(&teller->is.dtls, datagram, &body);

	if (result == DTLS_NOT)
		return teller->suspect == APP_DTLS ? DATAGRAM_MORE : DATAGRAM_DONE;
	teller->suspect = app->proto = APP_DTLS;
	app->version = teller->is.dtls.version;
	if (result == DTLS_MORE)
		return DATAGRAM_MORE;
	app->confused = result == DTLS_BROKEN;
	if (result == DTLS_HELLO)
		tell_hello(teller, body, app, hello);
	return DATAGRAM_DONE;
}

/* Whether a few more would tell that it is sound, which it seems to be. */
static bool
may_be_sound(struct rtp_reader *rtp, struct bytes datagram)
{
	struct bytes front = datagram;
	struct payload_finding finding = {0};

	if (front.left > RTP_MEDIA_LOOK)
		front.left = RTP_MEDIA_LOOK;
	return rtp_media_tell(&rtp->media, front, datagram.left, NULL, &finding) == TOLD &&
	       finding.class == PAYLOAD_AUDIO && finding.confidence == CONFIDENCE_PROBABLE;
}

static enum datagram_result
look_at_rtp(struct datagram_teller *teller, struct bytes datagram, struct app_facts *app)
{
	struct rtp_reader *rtp = &teller->is.rtp;
	size_t before = teller->datagrams - 1U;
	struct rtp_packet packet;
	bool sound;

	/* What goes with it (RTCP, STUN) is none. */
	if (!rtp_read(datagram, &packet)) {
		if (teller->suspect == APP_RTP)
			app->proto = rtp->sure ? APP_RTP : APP_UNKNOWN;
		return DATAGRAM_DONE;
	}
	if (teller->suspect != APP_RTP) /* others looked before, in the same room */
		*rtp = (struct rtp_reader){0};
	teller->suspect = app->proto = APP_RTP;
	sound = may_be_sound(rtp, datagram);
	/* Picture and sound may share the ports, each with its own numbers. */
	for (size_t i = 0; i < before && !rtp->sure; i++)
		rtp->sure = rtp_follows(&rtp->packets[i], &packet);
	packet.payload = (struct bytes){0};
	rtp->packets[before] = packet;
	return rtp->sure && !sound ? DATAGRAM_DONE : DATAGRAM_MORE;
}

/* The ranges of first bytes are those of RFC 9443; what has a longer mark was
 * looked for before. */
static enum datagram_result
look_at_first(struct datagram_teller *teller, struct bytes datagram, struct app_facts *app,
    struct hello_facts *hello)
{
	enum datagram_result result;

	if (tell_at_once(datagram, teller->dst_port, app))
		return DATAGRAM_DONE;
	result = look_at_quic(teller, datagram, app, hello);
	if (app->proto == APP_NONE)
		result = look_at_dtls(teller, datagram, app, hello);
	if (app->proto == APP_NONE)
		result = look_at_rtp(teller, datagram, app);
	return result;
}

static enum datagram_result
look(struct datagram_teller *teller, struct bytes datagram, struct app_facts *app,
    struct hello_facts *hello)
{
	teller->datagrams++;
	if (teller->suspect == APP_QUIC)
		return look_at_quic(teller, datagram, app, hello);
	if (teller->suspect == APP_DTLS)
		return look_at_dtls(teller, datagram, app, hello);
	if (teller->suspect == APP_RTP)
		return look_at_rtp(teller, datagram, app);
	return look_at_first(teller, datagram, app, hello);
}

/* ---- from one to the next ---- */

static void
clear(struct datagram_teller *teller)
{
	if (teller->suspect == APP_QUIC)
		quic_clear(&teller->is.quic);
	else if (teller->suspect == APP_DTLS)
		dtls_clear(&teller->is.dtls);
}

/* Nothing more is looked at. */
static void
settle(const struct datagram_teller *teller, enum datagram_result result, struct app_facts *app)
{
	/* One packet of RTP alone was none; a hello that never became whole is what
	 * no client sends. */
	if (result == DATAGRAM_MORE && app->proto == APP_RTP)
		app->proto = teller->is.rtp.sure ? APP_RTP : APP_UNKNOWN;
	else if (result == DATAGRAM_MORE)
		app->confused = true;
	if (app->proto == APP_NONE)
		app->proto = APP_UNKNOWN;
	if (app->proto == APP_UNKNOWN) {
		app->first_size = teller->first_size;
		memcpy(app->first, teller->first, sizeof(app->first));
	}
}

/* Take what is on the stack along to the next datagram. */
static struct datagram_teller *
keep(const struct datagram_teller *teller)
{
	struct datagram_teller *kept;

	if (tellers == DATAGRAM_TELLERS_MAX)
		return NULL;
	kept = malloc(sizeof(*kept));
	if (kept == NULL)
		return NULL;
	*kept = *teller;
	tellers++;
	return kept;
}

enum datagram_result
datagram_tell(struct datagram_teller **teller, struct bytes datagram, uint16_t dst_port,
    struct app_facts *app, struct hello_facts *hello)
{
	struct datagram_teller first = {.dst_port = dst_port}, *at = *teller;
	enum datagram_result result;

	if (at == NULL) {
		at = &first;
		at->first_size =
		    datagram.left < sizeof(at->first) ? (uint8_t)datagram.left : sizeof(at->first);
		if (at->first_size > 0)
			memcpy(at->first, datagram.at, at->first_size);
	}
	result = look(at, datagram, app, hello);
	if (result == DATAGRAM_MORE && at->datagrams < DATAGRAM_TELL_MAX) {
		if (*teller == NULL)
			*teller = keep(&first);
		if (*teller != NULL)
			return DATAGRAM_MORE;
	}
	settle(at, result, app);
	if (*teller == NULL)
		clear(&first);
	datagram_teller_free(teller);
	return DATAGRAM_DONE;
}

void
datagram_give_up(struct datagram_teller **teller, struct app_facts *app, struct hello_facts *hello)
{
	if (*teller == NULL)
		return;
	memset(hello, 0, sizeof(*hello));
	settle(*teller, DATAGRAM_MORE, app);
	datagram_teller_free(teller);
}

bool
datagram_is_footage(struct bytes datagram, struct payload_finding *finding)
{
	struct content_look first = {.in = datagram, .begins = true};

	(void)p2p_data(datagram, &first.in);
	(void)content_tell(&first, finding);
	return finding->class == PAYLOAD_VIDEO || finding->class == PAYLOAD_IMAGE ||
	       finding->class == PAYLOAD_AUDIO;
}

void
datagram_teller_free(struct datagram_teller **teller)
{
	if (*teller == NULL)
		return;
	clear(*teller);
	free(*teller);
	*teller = NULL;
	tellers--;
}
