/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_PRIVATE_H
#define PROXY_UDP_PRIVATE_H

/* For the files of the relay, which the parts below name. */

#include "inspect/datagram.h"
#include "proxy/udp_batch.h"
#include "proxy/udp_case.h"
#include "proxy/udp_outlet.h"
#include "proxy/udp_relay.h"
#include "proxy/udp_reply.h"
#include "proxy/udp_send.h"
#include "proxy/udp_table.h"
#include "proxy/worker_private.h"

enum { UDP_WAITING_BYTES_MAX = 8 << 20 }; /* of all flows that are not told yet */

/* ---- udp_card.c: who the camera is, where the kernel does not know yet ---- */

/*
 * A datagram can come before the kernel knows the card at its camera's address.
 * Where rules ask who the camera is, what it sends waits then, UDP_CARD_MS at most,
 * while the kernel is asked to look (broker_find_card); who does not answer is judged
 * as what is known, its address.  What finds no room to wait is dropped.
 */
enum {
	UDP_CARDS_MAX = 64,      /* addresses that are looked for, or were in vain */
	UDP_CARD_FLOWS_MAX = 32, /* of one address, that wait */
	UDP_CARD_MS = 1000,
	UDP_CARD_AGAIN_MS = 60000, /* an address that was looked for in vain is again */
};

struct udp_card {
	struct addr camera;
	uint32_t ifindex;
	uint64_t asked_ms; /* 0: free */
	unsigned flows;    /* that wait, or waited */
	bool found;
};

struct udp_cards {
	struct event turn;
	struct udp_card list[UDP_CARDS_MAX];
	size_t used;    /* no place from here on was ever taken */
	uint64_t under; /* generation of the rules that */
	bool matter;    /* is of: they ask who a camera is */
};

enum udp_card_state {
	UDP_CARD_SURE = 0, /* it is known, or does not matter, or cannot be known */
	UDP_CARD_AWAITED,
	UDP_CARD_CROWDED, /* too many wait */
};

struct udp_relay {
	struct worker *worker; /* borrowed */
	int fd;                /* where cameras' datagrams come; borrowed */
	struct event event;
	struct event rest; /* when some of what was taken is left for another turn */
	struct event tick;
	struct broker *broker; /* borrowed; NULL: none */
	struct udp_table *table;
	struct udp_cases *cases;
	struct udp_batch *taken; /* what cameras sent */
	struct udp_message *taken_at;
	size_t taken_left;       /* from taken_at on */
	struct udp_batch *batch; /* what servers answered */
	struct udp_outlets *outlets;
	struct udp_replies *replies;
	size_t sockets_max;   /* of each kind; the process's descriptors allow no more */
	size_t waiting_bytes; /* in flows that are not told yet */
	uint64_t now_ms;      /* clock_mono_ms of this turn */
	size_t review_at;     /* bucket of the table that is looked at next */
	size_t leaving_count; /* of leaving: by what this batch's datagrams leave */
	struct udp_outlet *leaving[UDP_BATCH];
	uint64_t blocks_second; /* in which blocks flows were recorded as they were blocked */
	unsigned blocks;
	bool stopped;
	struct udp_cards cards;
	struct facts facts; /* of the flow that is looked at; too large for a stack */
};

int udp_cards_open(struct udp_relay *relay);   /* -1: no memory */
void udp_cards_close(struct udp_relay *relay); /* twice is once */

/* Whether flow's camera is known; if not, it is looked for from now on. */
enum udp_card_state udp_card_look(struct udp_relay *relay, const struct udp_flow *flow);

/* flow is told (relay->facts has app and hello) by this datagram, and its camera
 * is not known: it waits, or is gone. */
void udp_card_wait(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* ---- udp_tell.c: what a flow's first datagrams are ---- */

/* A flow's first datagrams, until it is known what they are. */
struct udp_waiting {
	struct datagram_teller *teller; /* owned */
	bool told;                      /* app and hello are all that there is */
	struct app_facts app;
	struct hello_facts hello;
	size_t count;
	struct bytes datagrams[DATAGRAM_TELL_MAX]; /* owned */
};

/*
 * Look at a datagram of flow, which is UDP_TELLING.  True: it is told, and
 * relay->facts has app and hello.  False: it waits with those before it, or is
 * lost where there is no room for that.
 */
bool udp_tell(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* What is told waits all the same, for who its camera is; false: there is no room. */
bool udp_tell_keep(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* Enough waited: relay->facts has app and hello, as far as they are known. */
void udp_tell_give_up(struct udp_relay *relay, struct udp_flow *flow);

/* Forget what waits. */
void udp_tell_forget(struct udp_relay *relay, struct udp_flow *flow);

/* ---- udp_flow.c: a flow's life ---- */

/* A camera's datagram of no flow that is there; NULL: there is no room. */
struct udp_flow *udp_flow_begin(struct udp_relay *relay, const struct udp_message *message);

/* What its camera sends from now on, this datagram first, is of something else:
 * it ends, and another flow begins that keeps its socket.  None of its datagrams
 * may be on their way.  NULL: there is no room, or it does so too often and stays as it
 * is; the datagram is dropped and told of as what there is no room for. */
struct udp_flow *udp_flow_turn(struct udp_relay *relay, struct udp_flow *flow,
    const struct udp_message *message);

/* A datagram of flow is not looked at, as its camera has had its share: it is dropped,
 * and told of as what there is no room for.  A flow that it would have begun is gone. */
void udp_flow_drop_hello(struct udp_relay *relay, struct udp_flow *flow,
    const struct udp_message *message);

/* It is told (relay->facts has app and hello): judge it.  What waited is sent
 * where it may be.  False: there was no room for it, and it is gone. */
bool udp_flow_decide(struct udp_relay *relay, struct udp_flow *flow);

/* The socket that its answers go by; NULL: none can be had. */
struct udp_reply *udp_flow_reply(struct udp_relay *relay, struct udp_flow *flow);

/* Its server, or who stands in for it, answers. */
void udp_flow_note_answer(struct udp_relay *relay, struct udp_flow *flow, size_t size);

/* The one way to end: what it holds is given back, and its end recorded, if need
 * be later.  flow is the table's no more. */
void udp_flow_end(struct udp_relay *relay, struct udp_flow *flow, enum end end);

/* Record the end of one that is UDP_ENDED, and forget it; false: the spool has no
 * room now. */
bool udp_flow_record(struct udp_relay *relay, struct udp_flow *flow);

/* Tell its camera that nobody is there, as its rule wants it, and not too often. */
void udp_flow_refuse(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* The rules are others: does it go on? */
void udp_flow_review(struct udp_relay *relay, struct udp_flow *flow);

/* An answer is about to go to its camera: the counters that outlive us say so
 * before it does. */
void udp_flow_add_leaving_down(const struct udp_flow *flow, const struct udp_message *message);

/* Make the counters that outlive us what has left: when nothing of that way is
 * about to. */
void udp_flow_note_left_up(const struct udp_flow *flow);
void udp_flow_note_left_down(const struct udp_flow *flow);

/* All that is known of flow, which is judged, in relay->facts. */
struct facts *udp_flow_gather(struct udp_relay *relay, const struct udp_flow *flow);

/* Whether a camera's datagram of flow, which is not blocked, is to be sent on; else
 * it is done with: answered here, or not to be sent. */
bool udp_flow_leaves(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* Of what class a flow of RTP, or of what nobody knows, is by the datagrams that
 * wait, into relay->facts. */
void udp_tell_class(struct udp_relay *relay, const struct udp_flow *flow);

/* Whether a datagram of so many bytes may leave by the budgets that rules name; if
 * so it is counted.  A flow that they block is UDP_BLOCKED then. */
bool udp_budget_lets(struct udp_relay *relay, struct udp_flow *flow, size_t size);

/* Before a flow is removed. */
void udp_budget_tell(const struct udp_relay *relay, const struct udp_flow *flow,
    struct facts *facts);
void udp_budget_drop(struct udp_flow *flow);

/* Answer flow's camera from here, as if from where it sent to. */
void udp_flow_answer(struct udp_relay *relay, struct udp_flow *flow, struct bytes answer);

/* ---- udp_excess.c: what there was no room for ---- */

/* Write down what was dropped, where it is due or relay stopped. */
void udp_excess_tell(struct udp_relay *relay);

/* ---- udp_ntp.c: what asks for the time, where the box answers ---- */

void udp_ntp_up(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* ---- udp_dns.c: what becomes of lookups ---- */

/* Whether a flow's datagrams are to be looked at as lookups. */
bool udp_dns_speaks(const struct facts *facts);

/* Whether a camera's datagram of such a flow is to be sent on; else it is done
 * with. */
bool udp_dns_up(struct udp_relay *relay, struct udp_flow *flow, struct bytes datagram);

/* What the camera asks of a server that is blocked is worth its record. */
void udp_dns_note(struct udp_relay *relay, const struct udp_flow *flow, struct bytes datagram);

/* Whether a server's is: from port 53 it has to answer what was asked. */
bool udp_dns_down(struct udp_relay *relay, const struct udp_flow *flow, struct bytes datagram);

/* The configured resolver's answer; arg is the relay.  See dns_policy_deliver. */
void udp_dns_deliver(void *arg, const struct addr *camera, const struct addr *dst,
    struct bytes answer);

#endif
