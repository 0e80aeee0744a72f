/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DNS_POLICY_H
#define PROXY_DNS_POLICY_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

struct dns_policy;
struct err;
struct worker;

/*
 * What becomes of cameras' lookups, over UDP and TCP alike:
 *
 *	query    judged by its name: one that a rule would block, wherever the
 *	         name leads to, is answered REFUSED and goes nowhere; else it is
 *	         recorded and goes to the server that was asked, or to the
 *	         configured resolver in its stead
 *	answer   has to fit a query that is awaited, in number and question, from
 *	         the server that was asked; it is recorded, and the addresses in it
 *	         have a name for this camera from then on.  Another one is dropped
 *
 * A camera is recorded with at most DNS_RECORDED_PER_MIN lookups a minute, and
 * how many more there were with the next one that is, or as an EVENT_ANOMALY
 * where none comes.
 */
enum {
	DNS_AWAITED_MS = 10000,
	DNS_RECORDED_PER_MIN = 240,
};

/* An answer of the configured resolver: to be sent to the camera as from dst,
 * whom it asked.  Called from the event loop. */
typedef void dns_policy_deliver(void *arg, const struct addr *camera, const struct addr *dst,
    struct bytes answer);

/* The worker's, which has snapshot, spool and base; borrowed. */
struct dns_policy *dns_policy_new(struct worker *worker, struct err *err);
void dns_policy_free(struct dns_policy *policy); /* accepts NULL */

/* Whom answers of the configured resolver to queries over UDP go to. */
void dns_policy_deliver_to(struct dns_policy *policy, dns_policy_deliver *deliver, void *arg);

/* To be called now and then: records of which cameras lookups were left out that no
 * later one told of.  What is left is told by dns_policy_free.  policy may be NULL. */
void dns_policy_turn(struct dns_policy *policy);

enum dns_fate {
	DNS_PASS = 0, /* to be sent to the server as it is */
	DNS_TAKEN,    /* it is on its way to the configured resolver */
	DNS_ANSWERED, /* not to be sent; *answer is to be sent to the camera */
	DNS_DROPPED,  /* not to be sent: it cannot be recorded, or there is no room for it */
	DNS_UNREAD,   /* no query; of a flow that speaks DNS not to be sent either: it may be
		       * one to whom it is for */
};

/*
 * A camera's message of a flow that speaks DNS, or that goes to port 53.  flow has who it is of and
 * where it goes (flow_id, camera, dst, transport, mac, iface, device, group), and its open event is
 * in the spool. answer is inside policy until the next call.
 */
enum dns_fate dns_policy_query(struct dns_policy *policy, const struct facts *flow,
    struct bytes message, struct bytes *answer);

/* Record what the camera asks in a flow that is blocked: none of it goes anywhere. */
void dns_policy_note(struct dns_policy *policy, const struct facts *flow, struct bytes message);

/* The server's message of such a flow; false: it answers nothing that is awaited,
 * or cannot be recorded. */
bool dns_policy_answer(struct dns_policy *policy, const struct facts *flow, struct bytes message);

/*
 * Whether lookups to dst go to the configured resolver: then the flow itself is
 * not judged by where dst is, for nothing goes there; verdict, unless it is NULL,
 * says so.  policy may be NULL: they do not.
 */
bool dns_policy_redirects(const struct dns_policy *policy, const struct addr *dst,
    struct verdict *verdict);

/* That resolver; false: none is configured. */
bool dns_policy_resolver(const struct dns_policy *policy, struct addr *out);

/* The name that this camera looked up and was told the address for, "" where there
 * is none: facts->looked_up of facts->camera and facts->dst.  policy may be NULL. */
void dns_policy_name(struct dns_policy *policy, struct facts *facts);

#endif
