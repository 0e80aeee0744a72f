/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SNAPSHOT_H
#define PROXY_SNAPSHOT_H

#include "geo/geo.h"
#include "proxy/aside.h"
#include "proxy/tls.h"

#include <stdint.h>

struct config;
struct err;
struct geo_cache;
struct client_certs;

/*
 * All that a connection is judged and carried by, as it was read at one moment:
 * the configuration with its rules and devices, the databases, the TLS
 * contexts with the trust store.  Read-only but for the cache of places.
 *
 * A worker has one that is current, and each connection holds the one that was
 * so when it was taken, until it is freed.  Counted without a lock: one thread
 * only takes and gives references.
 */
enum { SNAPSHOT_ID_BYTES = 32 };

struct snapshot {
	unsigned refs;
	uint64_t generation; /* 1: what the appliance started with; one more each reload */
	struct config *config;
	struct geo *geo;
	struct geo_cache *places;
	struct tls tls;
	struct client_certs *client_certs;
	struct aside_job shedding, freeing;
	/*
	 * Whom servers may be certified by: SHA-256 of the trust store's bytes
	 * and those of the lists of revoked certificates.
	 * What was found of a server's certificate holds as long as it is the
	 * same, over any number of reloads, and no longer.
	 */
	uint8_t trust_id[SNAPSHOT_ID_BYTES];
	/*
	 * By what connections are judged: SHA-256 over the rule sets (their own
	 * SHA-256, in order) and the keys of tls.  A session that was agreed on
	 * under another policy must not stand in for a handshake under this one.
	 */
	uint8_t policy_id[SNAPSHOT_ID_BYTES];
	/* What the TLS contexts are made from: trust_id and the keys of tls. */
	uint8_t tls_id[SNAPSHOT_ID_BYTES];
};

/* What it is made from.  Descriptors stay the caller's. */
struct snapshot_files {
	int source; /* the sealed configuration (config/source.h), with LOADED_ROOTS */
	const char *config_path;
	int country[GEO_COUNTRY_FILES_MAX], asn; /* sealed databases in the config's order; -1 */
};

void snapshot_files_clear(struct snapshot_files *files); /* there are none */
void snapshot_files_close(struct snapshot_files *files); /* close and clear; config_path stays */

/*
 * Opens no file.  With one reference, the caller's; NULL with err.  May be called
 * in another thread than old, whose TLS contexts it goes on with where these
 * would be made from the same, is used in; old may be NULL.
 */
struct snapshot *snapshot_open(const struct snapshot_files *files, uint64_t generation,
    const struct snapshot *old, struct err *err);

struct snapshot *snapshot_ref(struct snapshot *snapshot); /* returns it */

/* The last one frees, which takes its time: aside, or at once where that is
 * NULL.  Accepts NULL. */
void snapshot_unref(struct snapshot *snapshot, struct aside *aside);

/*
 * As snapshot_unref, of one that is current no more: gives back the databases
 * too, which are most of its memory, while connections still run under the
 * rest.  Nobody may locate by it from then on.
 */
void snapshot_retire(struct snapshot *snapshot, struct aside *aside);

#endif
