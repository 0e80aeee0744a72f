/* SPDX-License-Identifier: MIT */
#ifndef PROXY_NOTIFY_H
#define PROXY_NOTIFY_H

#include <stdint.h>

/*
 * What a service manager wants to know, where there is one that asks.
 * Source: sd_notify(3), sd_watchdog_enabled(3).
 */
struct notify {
	int fd;               /* -1: nobody asks */
	uint32_t watchdog_ms; /* how often it must hear of us; 0: it does not mind */
};

/* Reads NOTIFY_SOCKET and WATCHDOG_USEC, and takes them out of the environment:
 * they are meant for this process alone. */
void notify_open(struct notify *notify);

/* Say state, as "READY=1".  A manager that does not listen is not our trouble. */
void notify_say(const struct notify *notify, const char *state);

void notify_close(struct notify *notify); /* twice is harmless */

#endif
