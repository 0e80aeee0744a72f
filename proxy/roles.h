/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ROLES_H
#define PROXY_ROLES_H

#include "certs/ca.h"
#include "config/config.h"
#include "geo/geo.h"
#include "proxy/gateway_state.h"
#include "proxy/sandbox.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * Starting a role: the supervisor fills a role_order, and the program starts
 * itself anew as `borderlens role NAME FD`, where FD is a sealed memfd with the
 * order.  A fresh execve gives each role its own address space layout.
 *
 * Descriptors in the order keep their numbers over the start; no other is
 * inherited, for all that the supervisor opens is close-on-exec.  -1: none.
 */
struct role_order {
	enum role role;
	unsigned index;   /* of a worker, from 0 */
	unsigned workers; /* how many there are */
	pid_t supervisor; /* whose death ends the role */
	int control, board;
	int budgets;                        /* worker */
	int listener, datagrams;            /* worker; datagrams -1: it takes none */
	int signer, broker;                 /* worker: its ends to them */
	int source;                         /* worker, checker */
	int country[GEO_COUNTRY_FILES_MAX]; /* worker, checker */
	int asn;                            /* worker, checker */
	int spool[CONFIG_WORKERS_MAX];      /* worker: [index]; recorder: all */
	int cert[CA_COUNT], key[CA_COUNT];  /* signer */
	int worker[CONFIG_WORKERS_MAX];     /* signer, broker: its ends to the workers */
	/* Broker: the rules, how they look once loaded, what they counted, and how
	 * often that is told. */
	struct gateway_plan plan;
	uint8_t print[GATEWAY_PRINT_BYTES];
	int drops;
	uint32_t anomalies_ms;
	uint64_t keep_flows_s, epoch;      /* recorder */
	uint64_t generation;               /* worker: of the configuration it starts with */
	char config_path[CONFIG_PATH_MAX]; /* worker, checker */
	char secret[CONFIG_PATH_MAX];      /* checker: what it shall not read */
	char run_dir[CONFIG_PATH_MAX], state_dir[CONFIG_PATH_MAX]; /* recorder */
	char eve[CONFIG_PATH_MAX];                                 /* recorder */
	char site[64];                                             /* recorder */
};

/* The word that `borderlens` takes to be a role; not for people. */
#define ROLE_COMMAND "role"

/* An order for role with every descriptor -1. */
void role_order_clear(struct role_order *order, enum role role);

/*
 * Start what order says, from the program behind exe (so that neither a
 * replaced nor a deleted file matters).  Returns the process, or -1.
 */
pid_t role_start(int exe, const struct role_order *order, struct err *err);

/* `borderlens role NAME FD`: be what the order behind FD says.  Logs. */
int role_main(int argc, char **argv);

#endif
