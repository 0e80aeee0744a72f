/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_STUN_H
#define INSPECT_STUN_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * STUN, and TURN, which is STUN with more methods and with channels.
 *
 * A message has its magic cookie, a length that is the datagram's, and
 * attributes that chain to its end.  The older form without a cookie is taken
 * on STUN's ports only.  A channel's datagram has a number of the channels'
 * range and the length of what it carries.
 *
 * Fills proto, method ("Binding", "Allocate" ...) and agent (SOFTWARE); leaves
 * app alone when it is none.
 *
 * Source: RFC 8489 sections 5 and 14; RFC 8656 sections 12 and 18; RFC 3489
 * section 11 (without a cookie).
 */
bool stun_tell(struct bytes datagram, uint16_t dst_port, struct app_facts *app);

#endif
