/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_OUTLET_H
#define PROXY_UDP_OUTLET_H

#include "base/addr.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct udp_message;
struct udp_outlets;

/*
 * The sockets that face the servers: one for each address and port of a camera,
 * whatever number of destinations it sends to from there.  So the camera has one
 * port on the appliance's address towards all of them, which is what ways
 * through address translation are found by (RFC 4787, REQ-1); and who may
 * answer through it is the flow table's to say, of address and port.
 */
struct udp_outlet {
	struct udp_outlet *next; /* in its bucket */
	struct addr camera;
	uint32_t flows; /* references */
	int fd;         /* of the camera's family, not connected, non-blocking */
	struct udp_message *leaving, **leaving_end; /* the caller's; NULL at first */
};

enum { UDP_OUTLETS_READY = 64 }; /* looked at at once */

/* ready is called, from the event loop, as long as there is something to be read:
 * take it with udp_outlets_wait. */
struct udp_outlets *udp_outlets_new(struct event_base *base, event_callback_fn ready, void *arg,
    struct err *err);
void udp_outlets_free(struct udp_outlets *outlets); /* accepts NULL; all were given back */

/* The camera's, with a reference; NULL with err.  At most `most` are open. */
struct udp_outlet *udp_outlet_take(struct udp_outlets *outlets, const struct addr *camera,
    size_t most, struct err *err);
void udp_outlet_give(struct udp_outlets *outlets, struct udp_outlet *outlet); /* accepts NULL */

/* What there is to be read; what is not read now comes again, behind the others. */
struct udp_outlet_ready {
	struct udp_outlet *outlet;
	bool failed; /* an error stands there: udp_outlet_error */
};
size_t udp_outlets_wait(struct udp_outlets *outlets,
    struct udp_outlet_ready ready[UDP_OUTLETS_READY]);

/*
 * Take one error that an ICMP message brought: true, and whom it is about;
 * false: there is no more.  refused: nobody listens at that port.
 * Source: ip(7), IP_RECVERR.
 */
bool udp_outlet_error(const struct udp_outlet *outlet, struct addr *dst, bool *refused);

size_t udp_outlets_count(const struct udp_outlets *outlets);

#endif
