/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_MPEGPS_H
#define INSPECT_MPEGPS_H

#include "base/bytes.h"
#include "inspect/finding.h"

/*
 * MPEG program streams: a pack's header with its marker bits, and the start code
 * that must follow it.  Recorders of several makers keep and send footage so;
 * Hikvision's has 40 bytes more before it ("IMKH"), of which nothing is asked.
 *
 * Identified by one such pair anywhere in the bytes (4 bytes, 9 marker bits and
 * 3 bytes).  Nobody sends audio alone in it.
 *
 * Source: ISO/IEC 13818-1 section 2.5.3.4; ISO/IEC 11172-1 section 2.4.3.2.
 */
enum told mpegps_find(struct bytes in, struct payload_finding *out);

#endif
