/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DNS_CAMERAS_H
#define PROXY_DNS_CAMERAS_H

#include "base/facts.h"
#include "inspect/dns.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

struct err;

/*
 * What a worker knows of cameras' lookups: which answers each awaits, and which
 * names it was told which addresses for.  Knows no socket and no clock.
 *
 * All is bounded, for each camera and in all: within a camera the oldest makes
 * way; where there are too many cameras, or too much of them all, the camera
 * that asked longest ago is forgotten.
 */
enum {
	DNS_CAMERAS_MAX = 4096,
	DNS_NAMES_MAX = 32768,
	DNS_NAMES_PER_CAMERA = 256,
	DNS_AWAITED_MAX = 4096,
	DNS_AWAITED_PER_CAMERA = 64,
	/* Cameras keep using an address for longer than they may, and a name that is
	 * about another server by then is a claim like any other. */
	DNS_NAME_MIN_S = 600,
	DNS_NAME_MAX_S = 86400,
};

struct dns_cameras;

struct dns_cameras *dns_cameras_new(struct err *err); /* NULL: no memory, or no random key */
void dns_cameras_free(struct dns_cameras *cameras);   /* accepts NULL */

/* ---- names ---- */

/* This camera was told that the name has this address. */
void dns_cameras_learn(struct dns_cameras *cameras, const struct addr *camera, const uint8_t ip[16],
    const char *name, uint32_t ttl_s, uint64_t now_ms);

/* The name that it was last told dst's address for; "" none.  Valid until the next
 * call. */
const char *dns_cameras_name(struct dns_cameras *cameras, const struct addr *camera,
    const struct addr *dst, uint64_t now_ms);

/* ---- queries ---- */

/* A query that an answer is awaited to. */
struct dns_awaited {
	TAILQ_ENTRY(dns_awaited) entry;     /* of its camera's, the oldest first */
	LIST_ENTRY(dns_awaited) sent_entry; /* of those that went to the resolver */
	struct dns_camera *owner;
	struct addr camera, dst;
	enum transport transport;
	uint64_t flow_id;
	uint64_t since_ms;
	bool sent; /* to the configured resolver, with the number sent_id */
	uint16_t sent_id;
	struct dns_question asked;
};

/* Whom a query is of. */
struct dns_way {
	struct addr camera, dst; /* with their ports */
	enum transport transport;
	uint64_t flow_id;
};

/* Await an answer to it.  One that is asked again is the same one, and *again says
 * so.  NULL: no memory. */
struct dns_awaited *dns_cameras_await(struct dns_cameras *cameras, const struct dns_way *way,
    const struct dns_question *asked, uint64_t now_ms, bool *again);

/* The query that the answer is to: of this way, not older than DNS_AWAITED_MS
 * (proxy/dns_policy.h), and not sent elsewhere; NULL: none. */
struct dns_awaited *dns_cameras_answered(struct dns_cameras *cameras, const struct dns_way *way,
    const struct dns_message *answer, uint64_t now_ms);

/* Note that it went to the resolver under this number; and the one that went so
 * and that the answer is to. */
void dns_cameras_sent(struct dns_cameras *cameras, struct dns_awaited *awaited, uint16_t sent_id);
struct dns_awaited *dns_cameras_resolved(struct dns_cameras *cameras,
    const struct dns_message *answer, uint64_t now_ms);

/* Its answer came. */
void dns_cameras_drop(struct dns_cameras *cameras, struct dns_awaited *awaited);

/* ---- the record ---- */

/*
 * Whether one more lookup of this camera is to be recorded, at most
 * DNS_RECORDED_PER_MIN a minute; then *left_out is how many were not since the
 * last one that was.
 */
bool dns_cameras_record(struct dns_cameras *cameras, const struct addr *camera, uint64_t now_ms,
    uint32_t *left_out);

/*
 * Call tell for each camera that had lookups left out and that no lookup's event will
 * tell of: whose minute is over, that was forgotten (camera NULL, of all of these
 * together), or all of them where nothing more comes (now_ms UINT64_MAX).  They are told
 * then, unless tell returns false: it has no room for more now.
 */
typedef bool dns_cameras_tell(void *arg, const struct addr *camera, uint32_t count);
void dns_cameras_tell_left_out(struct dns_cameras *cameras, uint64_t now_ms, dns_cameras_tell *tell,
    void *arg);

struct dns_counts {
	size_t cameras, names, awaited;
};
struct dns_counts dns_cameras_counts(const struct dns_cameras *cameras);

#endif
