/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FLOW_HARNESS_H
#define TESTS_FLOW_HARNESS_H

#include "record/event.h"
#include "tests/flow/peer.h"
#include "tests/flow/plays.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct signer;
struct spool;
struct worker;

/*
 * A story: a camera, the data path as a worker runs it, and a server, in a
 * network namespace of the test's own.  The worker's loop, its spool, its rules,
 * its geo data and the signer are the real ones; what is ours is where a camera
 * wanted to go: flow->dst.
 *
 *	Test(noun, what_happens)
 *	{
 *		struct flow flow;
 *
 *		flow_open(&flow, &(struct flow_setup){0});
 *		flow_show(&flow, pki_server(FLOW_NAME, &flow.root));
 *		flow_run(&flow, play_camera, play_server);
 *		cr_expect_eq(flow.closed.facts.end, END_DONE);
 *		flow_close(&flow); // asserts that nothing is left
 *	}
 */
#define FLOW_NAME "cam.example.com"
#define FLOW_DE "203.0.114.10:443"     /* located in DE; the default */
#define FLOW_CN "115.236.0.1:443"      /* located in CN, which the rules block */
#define FLOW_DE6 "[2a01:4f8::10]:443"  /* located in DE */
#define FLOW_NOBODY "203.0.114.99:443" /* nobody listens there */

struct flow_setup {
	const char *config;   /* more lines of borderlens.yaml, behind "tls:"; NULL: none */
	const char *upstream; /* more keys of its tls.upstream: ", bad: mirror"; NULL: none */
	const char *rules;    /* the rule set; NULL: the one of appliance.c */
	const char *dst;      /* one of those above; NULL: FLOW_DE */
	bool rsa;             /* the appliance has an RSA CA too (slow to make) */
	unsigned signer_dies; /* so often the signer loses what it is asked */
	uint64_t spool_bytes; /* 0: SPOOL_SIZE_MIN */
};

struct flow {
	struct worker *worker;
	struct pki root;  /* the servers' */
	struct pki ca[2]; /* the appliance's, by CA_EC and CA_RSA */
	struct peer camera, server;
	struct recorded opened, closed; /* the last events */
	size_t opens, closes;           /* how many there were */

	struct flow_setup setup;
	struct addr dst; /* where the camera wants to go */
	char dir[256];
	struct spool *reader;
	struct signer *signer;
	struct event signer_asked, peer_finished, late;
	int spool_fd, listener, finished, budgets, signer_ends[2];
	size_t fds; /* open before the first connection */
	unsigned running, asked;
	bool is_late;
};

/* Skips the test, with a message, where no namespace can be made. */
void flow_open(struct flow *flow, const struct flow_setup *setup);

/* The server's certificate, signed by the root; takes it over. */
void flow_show(struct flow *flow, struct pki leaf);

/* Play until both have ended and every connection is recorded and freed.  A
 * play that is NULL: that side is not there (the server does listen). */
void flow_run(struct flow *flow, void (*camera)(struct peer *), void (*server)(struct peer *));

/* Whether a connection that nobody took waits at the server. */
bool flow_reached_server(const struct flow *flow);

/* Asserts that no connection, descriptor or live counter is left, and that
 * neither peer had trouble. */
void flow_close(struct flow *flow);

#endif
