/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_DATAGRAM_H
#define INSPECT_DATAGRAM_H

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/payload.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What a camera says in datagrams, from the first ones of a flow: DNS, NTP,
 * STUN and TURN, DTLS, QUIC, RTP and RTCP, a camera vendor's own way through
 * address translation, or nothing that is known here.
 *
 * The structure decides, and a port only helps where a structure is too small
 * to tell (DNS, NTP).  Most is told by one datagram, without any memory.  Where
 * it takes more of them (a hello of QUIC or DTLS that spans datagrams, RTP,
 * which shows in two packets only, and in five of them that it is sound) a teller is
 * kept from one to the next.
 *
 * Only what the camera sent is given, in the order it came.
 *
 * Source: RFC 7983 and RFC 9443 for the first byte; the rest in the headers of
 * the protocols (dns.h, ntp.h, stun.h, rtp.h, dtls.h, quic.h, p2p.h).
 */
enum {
	DATAGRAM_TELL_MAX = 8,       /* datagrams that are looked at, at most */
	DATAGRAM_TELL_MS = 2000,     /* for the caller: how long to wait for the next of them */
	DATAGRAM_TELLERS_MAX = 1024, /* that exist at once in this process */
	DATAGRAM_HELLO_MAX = 16384,  /* bytes of a hello that are put together */
};

/* Opaque; at most 20 KiB, and gone as soon as it is told. */
struct datagram_teller;

enum datagram_result {
	DATAGRAM_DONE = 0, /* told: app says what, hello is filled where it has one */
	DATAGRAM_MORE,     /* wait for the next one; app->proto says what it seems to be */
};

/*
 * Look at the next datagram.  *teller is NULL at the first one of a flow; it is
 * owned by the caller between calls, and NULL again after DATAGRAM_DONE.
 * app and hello are the flow's, all zero at first, the same ones each time.
 *
 * What is filled at DATAGRAM_DONE:
 *   app->proto    what it is; APP_UNKNOWN with app->first where nothing is known
 *   app->version  of QUIC and DTLS
 *   app->confused it began like proto and went on as proto does not
 *   app->encrypted_dns  it is DNS over QUIC, DTLS or HTTP/3, by port, ALPN or name
 *   hello         of QUIC and DTLS: kind is HELLO_TLS with name, ALPN and prints
 *                 (JA4 with "q" or "d"), HELLO_BROKEN where the hello is none, or
 *                 HELLO_NONE where it was not seen whole; protocol is "quic" or
 *                 "dtls"
 * Never fails: without memory, and when DATAGRAM_TELLERS_MAX are at work, it
 * says what one datagram can say, and hello is HELLO_NONE.
 */
enum datagram_result datagram_tell(struct datagram_teller **teller, struct bytes datagram,
    uint16_t dst_port, struct app_facts *app, struct hello_facts *hello);

/* No more will come, or not in time: app and hello become what DATAGRAM_DONE
 * leaves.  *teller may be NULL (then nothing changes) and is NULL afterwards. */
void datagram_give_up(struct datagram_teller **teller, struct app_facts *app,
    struct hello_facts *hello);

/*
 * Whether a datagram of APP_UNKNOWN or APP_P2P is footage as it stands, in no
 * protocol but UDP itself, or as the data of one of PPPP: MPEG-TS, Annex B and
 * what else inspect/content.h tells to be video, image or audio.  finding is filled where it is; of
 * other classes nothing is said, as one datagram tells nothing of the next.
 */
bool datagram_is_footage(struct bytes datagram, struct payload_finding *finding);

/* The flow ended, and nobody asks any more.  *teller may be NULL. */
void datagram_teller_free(struct datagram_teller **teller);

#endif
