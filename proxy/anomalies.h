/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ANOMALIES_H
#define PROXY_ANOMALIES_H

#include <stdbool.h>

struct broker_unseen;
struct worker;

/*
 * Records what the kernel's rules dropped of a camera, or what came while nobody
 * listened, as an EVENT_ANOMALY.  arg is the struct worker that tells for all:
 * for broker_hear.  false: the spool has no room for it now.
 */
bool anomalies_record(void *arg, const struct broker_unseen *unseen);

/* Record that counts of budgets were lost, where nobody did (proxy/budget.h); to be
 * called now and then. */
void anomalies_record_loss(struct worker *worker);

#endif
