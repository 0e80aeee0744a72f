/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_P2P_H
#define INSPECT_P2P_H

#include "base/bytes.h"
#include "base/facts.h"

#include <stdbool.h>

/*
 * The ways that camera vendors have through address translation, so that an
 * app finds a camera.  None is a standard; what is taken for one has a mark of
 * its own and a length that is the datagram's:
 *
 *   PPPP  0xF1, the kind of message, a length: "CS2", "iLnkP2P" and others;
 *         also the search for cameras in the simple cipher that some send it in
 *   PTCP  "PTCP" and a header of 24 bytes: Dahua
 *   DHP2P "DHGET", "DHPOST": Dahua's request to its servers, in HTTP's form
 *
 * Other ones (Kalay, for one) scramble all their bytes, and cannot be told from
 * what is not known.
 *
 * Fills proto and method ("PPPP 0x20", "PTCP", "DHGET"); leaves app alone when
 * it is none.
 *
 * Source: none from the vendors.  W. Palant, "An overview of the PPPP protocol
 * for IoT cameras" (2025); the dissectors pppp-dissector (M. Ihse Bursie; its list of
 * opcodes, from P. Marrapese's pppp.fdesc) and dh-p2p.lua (khoanguyen-3fc/dh-p2p).
 */
bool p2p_tell(struct bytes datagram, struct app_facts *app);

/* Whether it is one of PPPP that carries data (0xD0: a channel and a number, then
 * the data, of which a message may take several); data becomes what it carries. */
bool p2p_data(struct bytes datagram, struct bytes *data);

#endif
