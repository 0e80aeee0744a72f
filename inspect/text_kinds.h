/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_TEXT_KINDS_H
#define INSPECT_TEXT_KINDS_H

#include "base/bytes.h"
#include "inspect/finding.h"
#include "inspect/words.h"

/*
 * What text is: JSON, XML (SOAP, ONVIF, HTML), parameters of a form, lines of
 * names and values (as Dahua's events), requests of RTSP and HTTP, a private
 * key, or just text.  Its class follows from the names in it:
 *
 *	metadata     a name or an event that vendors' APIs use for faces or plates
 *	credentials  a name of a secret that comes with one
 *	control      SOAP, requests, short JSON that calls something by its name
 *	telemetry    the rest
 *
 * Identified where the grammar holds; text without any is probably telemetry.
 */
enum told text_tell(struct bytes in, struct payload_finding *out, struct words_seen *seen);

/* Whether these bytes may be text: no control characters but spaces and line
 * ends, no FF, beside zeros at the end; and UTF-8, or mostly ASCII: cameras send GB
 * 2312. */
bool text_may_be(struct bytes in);

#endif
