/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_NTP_H
#define INSPECT_NTP_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A request for the time: to port 123, of 48 bytes and what may follow them
 * (extension fields, a signature), versions 1 to 4 and the modes of one who
 * asks.  Six bits are no structure to go by, so the port is needed.
 *
 * Fills proto, version and method ("client", "symmetric"); leaves app alone
 * when it is none.
 *
 * Source: RFC 5905 sections 7.3 and 7.5, RFC 7822; RFC 4330 (SNTP).
 */
bool ntp_tell(struct bytes datagram, uint16_t dst_port, struct app_facts *app);

#endif
