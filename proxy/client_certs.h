/* SPDX-License-Identifier: MIT */
#ifndef PROXY_CLIENT_CERTS_H
#define PROXY_CLIENT_CERTS_H

#include "certs/identity.h"

struct devices;
struct err;
struct source;

/*
 * The certificates that devices.yaml gives to devices (`client_cert`): shown to
 * a server that asks who the camera is, in the camera's stead.  Read-only once
 * made; belongs to a snapshot.
 */
struct client_certs;

/* Reads the files from source, which has them since the configuration was read;
 * opens none.  NULL with err: no memory, or one is not good, and which. */
struct client_certs *client_certs_open(const struct devices *devices, struct source *source,
    struct err *err);
void client_certs_close(struct client_certs *certs); /* accepts NULL */

/* Of the device with that name, borrowed; NULL: it has none. */
const struct identity *client_certs_find(const struct client_certs *certs, const char *device);

#endif
