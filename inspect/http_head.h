/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_HTTP_HEAD_H
#define INSPECT_HTTP_HEAD_H

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/lines.h"

#include <stdbool.h>
#include <stdint.h>

struct observation;

/*
 * The head of one HTTP/1 message, line by line: what it says of its framing and
 * of its body, and what of it is a fact of the connection.  All zero is a head of
 * which nothing was read.
 *
 * Each call returns false where two readers could understand two different
 * things (RFC 9112 sections 2.2, 5.1, 6.1, 6.3 and 11.2): what follows cannot be
 * framed then.
 */
enum http_upgrade { UPGRADE_NONE = 0, UPGRADE_WEBSOCKET, UPGRADE_H2C, UPGRADE_OTHER };

enum http_method { METHOD_OTHER = 0, METHOD_HEAD, METHOD_CONNECT };

struct http_head {
	enum http_method method; /* of a request */
	uint16_t status;         /* of an answer */
	bool old;                /* HTTP/1.0 */
	bool host, coded, measured, chunked;
	bool framing; /* the last field was one of framing */
	uint64_t length;
	enum http_upgrade upgrade;
	bool compressed, mqtt; /* of a WebSocket */
	bool rtsp;             /* its body is RTSP (inspect/rtsp_tunnel.c) */
	char name[64];         /* of what a request asks for: the last of its path */
	char type[160], encoding[24];
};

bool http_head_request(struct http_head *head, struct observation *seen, const struct line *line);
bool http_head_answer(struct http_head *head, struct observation *seen, const struct line *line);
bool http_head_field(struct http_head *head, struct observation *seen, const struct line *line);

/* Of a head, of the trailers, of the empty lines before. */
enum { HTTP_HEAD_MAX = 64 << 10 }; /* bytes */

/*
 * Take the next line of a head or around chunks, of HTTP or RTSP; its bytes count
 * as control and are added to *head_bytes, which the caller sets to 0 where a head
 * begins.  false: the line has not ended; or it is no text, or more than
 * HTTP_HEAD_MAX came, and seen is confused.
 */
bool http_head_line(struct observation *seen, enum direction direction, struct lines *lines,
    uint32_t *head_bytes, struct bytes *in, struct line *line);

/* The head is whole. */
bool http_head_done(const struct http_head *head);

/*
 * What a field of a request or an answer tells of the connection, whatever
 * carries it: HTTP/1, HTTP/2 and RTSP have the same ones.
 */
void http_head_note(struct observation *seen, bool request, struct bytes name, struct bytes value);

/* What the target of a request tells: the first one's host and path, and whether
 * there are secrets in it. */
void http_head_target(struct observation *seen, struct bytes target);

/* The host that a request is for: the first one is the connection's. */
void http_head_host(struct observation *seen, struct bytes host);

#endif
