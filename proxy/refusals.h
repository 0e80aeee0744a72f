/* SPDX-License-Identifier: MIT */
#ifndef PROXY_REFUSALS_H
#define PROXY_REFUSALS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which camera refused our leaf at which place (destination, port, name).  In
 * memory and bounded: when a row of the table is full, its oldest goes.  What
 * was learned is forgotten after REFUSALS_AGE_MS, so a camera that was given
 * our CA is opened again.
 *
 * A refusal that was said (an alert) counts at once.  One that only looks like
 * it counts when it was seen twice with no trust between; the passthrough that
 * follows is the check on it: it works, and the refusal is as good as said, or
 * the camera goes as silently as before, and it was not about our leaf.
 */
struct refusals;

enum {
	REFUSALS_AGE_MS = 24 * 3600 * 1000,
	/* Who passes for a certificate's sake sees the server alone: it is to be looked at
	 * by us as often as one whose session is resumed (proxy/sessions.h). */
	DEMANDS_CERTIFICATE_AGE_MS = 3600 * 1000,
	/* A camera that closes later than this without a word was idle. */
	REFUSAL_SILENT_MS = 10 * 1000,
	/* Where the server speaks first: this long after its first bytes. */
	REFUSAL_ANSWERED_MS = 2 * 1000,
};

/* How sure a refusal is. */
enum refusal {
	REFUSAL_NONE = 0,
	REFUSAL_PROBABLE, /* closed where a refusal looks like that */
	REFUSAL_CERTAIN,  /* said so by an alert, or confirmed by a passthrough that works */
};

/* What was seen of a camera that was shown our leaf. */
struct refusal_signs {
	uint8_t alert;        /* its fatal alert, 0: none */
	bool closed;          /* it ended without one: FIN, close_notify or reset */
	bool first;           /* ... before the server did */
	bool handshake_done;  /* on our side: its Finished came */
	bool payload;         /* it sent payload */
	bool answered;        /* it was sent payload */
	uint64_t silent_ms;   /* from the end of the handshake to its end */
	uint64_t answered_ms; /* from the first payload it was sent to its end */
};

/*
 * Whether that was a refusal of our leaf.  Clients do it in three ways: an
 * alert (in the handshake, or behind it where they check late), a close in the
 * handshake, and a handshake that completes and is closed before any payload.
 */
enum refusal refusals_judge(const struct refusal_signs *signs);

struct refusals *refusals_new(void); /* NULL: no memory */
void refusals_free(struct refusals *refusals);

void refusals_add(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, enum refusal refusal, uint64_t now_ms);

/* The camera took our leaf there: forget a refusal that was only probable. */
void refusals_clear(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name);

/* What a connection of camera to that place that was passed through has shown:
 * it works, or the camera did there what had looked like a refusal. */
void refusals_confirm(struct refusals *refusals, const struct addr *camera, const struct addr *dst,
    const char *name, bool works, uint64_t now_ms);

/* How sure it is that the next connection of camera to that place would be
 * refused; REFUSAL_NONE: not sure enough to pass it through. */
enum refusal refusals_known(const struct refusals *refusals, const struct addr *camera,
    const struct addr *dst, const char *name, uint64_t now_ms);

/*
 * What a server wants that only the camera itself can do.  It was found out by a
 * handshake that came to nothing, and is kept as refusals are, so that the next
 * connections there need none: whatever camera's, as a server asks before it knows
 * whose it is.
 */
enum demand {
	DEMAND_RENEGOTIATION = 1, /* RFC 5246 section 7.4.1.1: it goes when it is told no */
	DEMAND_CERTIFICATE,       /* the camera's own: it asked, and there was none to show */
};

/* Of whom; all borrowed. */
struct demand_place {
	const struct addr *dst;
	const char *name;      /* as the camera sent it; "" none */
	const uint8_t *tls_id; /* 32 bytes: the trust store and settings under which it was
				* found so (snapshot.h); under others nothing is known */
};

/* errors: what else was found of its certificate, of enum cert_error. */
void refusals_add_demand(struct refusals *refusals, const struct demand_place *place,
    enum demand demand, uint32_t errors, uint64_t now_ms);

/* Whether the server there is known to want that, for REFUSALS_AGE_MS, a certificate
 * for DEMANDS_CERTIFICATE_AGE_MS; then *errors (may be NULL) is what was added. */
bool refusals_has_demand(const struct refusals *refusals, const struct demand_place *place,
    enum demand demand, uint32_t *errors, uint64_t now_ms);

#endif
