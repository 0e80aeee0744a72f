/* SPDX-License-Identifier: MIT */
#ifndef PROXY_FTP_LINKS_H
#define PROXY_FTP_LINKS_H

#include "record/community.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Where servers of FTP told cameras to bring their files (RFC 959, PASV; RFC 2428,
 * EPSV), so that a connection there is known as what it is.  It is judged as any
 * other: what a server says opens nothing.
 *
 * A worker's own, as cameras are.  The FTP_LINKS_MAX last ones, each for FTP_LINK_MS
 * and one connection.
 */
enum { FTP_LINKS_MAX = 256, FTP_LINK_MS = 60000 };

struct ftp_links;

struct ftp_links *ftp_links_new(void);        /* NULL: no memory */
void ftp_links_free(struct ftp_links *links); /* accepts NULL */

/* The camera was told dst, in the connection of this community id. */
void ftp_links_expect(struct ftp_links *links, const struct addr *camera, const struct addr *dst,
    const char *control, uint64_t now_ms);

/* Whether the camera was told dst; then, once, control is the connection that it
 * was told in. */
bool ftp_links_take(struct ftp_links *links, const struct addr *camera, const struct addr *dst,
    uint64_t now_ms, char control[COMMUNITY_ID_MAX]);

#endif
