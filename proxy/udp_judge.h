/* SPDX-License-Identifier: MIT */
#ifndef PROXY_UDP_JUDGE_H
#define PROXY_UDP_JUDGE_H

#include "base/facts.h"

#include <stdbool.h>

struct worker;

/*
 * Judge a flow of UDP of which facts have camera, dst, opened_wall_us, and what
 * its first datagrams are (app, hello), by the worker's present rules: by its
 * address, by its name, and as what cannot be opened, before anything is sent.
 * Fills in who the camera is, the place, how it is inspected, and the verdict.
 *
 * What is encrypted and did not show its hello whole is refused, as it would be
 * over TCP; what is not known is judged by its address, as INSPECT_UNDECODABLE.
 * QUIC that the rules let through becomes what the configuration says.
 */
void udp_judge(struct worker *worker, struct facts *facts);

/* Whether the box itself answers: the flow asks for the time, and the configuration
 * says so.  Such a flow is not judged by where dst is, for nothing goes there. */
bool udp_judge_answers_time(const struct worker *worker, const struct facts *facts);

/* Judge one that was let through under earlier rules; true: these block it, and
 * facts say so. */
bool udp_judge_again(struct worker *worker, struct facts *facts);

#endif
