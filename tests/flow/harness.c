/* SPDX-License-Identifier: MIT */
#include "tests/flow/harness.h"

#include "base/addr.h"
#include "base/err.h"
#include "certs/ca.h"
#include "proxy/board.h"
#include "proxy/worker_private.h"
#include "record/spool.h"
#include "tests/certs/lean_first.h"
#include "tests/flow/appliance.h"
#include "tests/flow/namespace.h"
#include "tests/support/scratch.h"

#include <dirent.h>
#include <openssl/pem.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LATE_S = 40 };

/* ---- the peers ---- */

static void
on_peer_finished(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;
	uint64_t count = 0;

	(void)what;
	if (read(fd, &count, sizeof(count)) == sizeof(count))
		flow->running -= (unsigned)count;
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct flow *flow = arg;

	(void)fd;
	(void)what;
	flow->is_late = true;
}

static SSL_CTX *
camera_ctx(const struct flow *flow)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	X509_STORE *store = pki_store(&flow->ca[CA_EC]);

	cr_assert_not_null(ctx);
	if (flow->setup.rsa)
		cr_assert_eq(X509_STORE_add_cert(store, flow->ca[CA_RSA].cert), 1);
	SSL_CTX_set_cert_store(ctx, store);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

static void
open_peers(struct flow *flow)
{
	struct event_base *base = flow->worker->base;

	flow->finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	cr_assert_eq(event_assign(&flow->peer_finished, base, flow->finished, EV_READ | EV_PERSIST,
			 on_peer_finished, flow),
	    0);
	cr_assert_eq(event_add(&flow->peer_finished, NULL), 0);
	cr_assert_eq(evtimer_assign(&flow->late, base, on_late, flow), 0);
	flow->camera.name = "camera";
	flow->camera.is_camera = true;
	flow->camera.sni = FLOW_NAME;
	flow->camera.listener = -1;
	flow->camera.ctx = camera_ctx(flow);
	flow->server.name = "server";
	flow->server.listener = flow->setup.dst == NULL || strcmp(flow->setup.dst, FLOW_NOBODY) != 0
				    ? appliance_listen(&flow->dst)
				    : -1;
	flow->camera.finished = flow->server.finished = flow->finished;
}

/* ---- life ---- */

static void
write_root(const struct flow *flow)
{
	char path[300];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/roots.pem", flow->dir);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	cr_assert_eq(PEM_write_X509(file, flow->root.cert), 1);
	(void)fclose(file);
}

static size_t
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	cr_assert_not_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

void
flow_open(struct flow *flow, const struct flow_setup *setup)
{
	memset(flow, 0, sizeof(*flow));
	flow->setup = *setup;
	cr_assert_eq(addr_parse(&flow->dst, setup->dst != NULL ? setup->dst : FLOW_DE, 0, NULL), 0);
	if (!namespace_enter())
		cr_skip("no network namespace can be made here: run the tests as root");
	(void)signal(SIGPIPE, SIG_IGN);
	scratch_dir(flow->dir, sizeof(flow->dir));
	flow->root = pki_root("Story Root");
	write_root(flow);
	appliance_open(flow);
	open_peers(flow);
	flow->fds = count_fds();
}

void
flow_show(struct flow *flow, struct pki leaf)
{
	SSL_CTX_free(flow->server.ctx);
	flow->server.ctx = pki_server_ctx(&leaf, NULL);
	pki_free(&leaf);
}

static bool
is_over(const struct flow *flow)
{
	const struct worker *worker = flow->worker;
	const struct board_worker *counters = worker->counters;
	uint64_t taken = atomic_load(&counters->accepted) + atomic_load(&counters->unrecordable) +
			 atomic_load(&counters->overload);

	return flow->running == 0 && taken >= flow->camera.connections && worker->open_count == 0 &&
	       TAILQ_EMPTY(&worker->closed);
}

static void
read_events(struct flow *flow)
{
	struct recorded event;
	struct err err = {0};
	int ret;

	while ((ret = spool_read(flow->reader, &event, &err)) == 1) {
		if (event.head.kind == EVENT_OPEN) {
			flow->opened = event;
			flow->opens++;
		} else if (event.head.kind == EVENT_CLOSE) {
			flow->closed = event;
			flow->closes++;
		}
	}
	cr_assert_eq(ret, 0, "%s", err.text);
}

void
flow_run(struct flow *flow, void (*camera)(struct peer *), void (*server)(struct peer *))
{
	const struct timeval late = {.tv_sec = LATE_S};

	flow->running = (camera != NULL ? 1U : 0U) + (server != NULL ? 1U : 0U);
	cr_assert_eq(evtimer_add(&flow->late, &late), 0);
	if (server != NULL)
		peer_start(&flow->server, server);
	if (camera != NULL)
		peer_start(&flow->camera, camera);
	while (!flow->is_late && !is_over(flow))
		(void)event_base_loop(flow->worker->base, EVLOOP_ONCE);
	cr_assert_not(flow->is_late, "the story does not end: %zu open, %s %s",
	    flow->worker->open_count, flow->camera.trouble, flow->server.trouble);
	(void)evtimer_del(&flow->late);
	if (server != NULL)
		peer_join(&flow->server);
	if (camera != NULL)
		peer_join(&flow->camera);
	read_events(flow);
}

bool
flow_reached_server(const struct flow *flow)
{
	struct pollfd waits = {.fd = flow->server.listener, .events = POLLIN};

	return poll(&waits, 1, 0) != 0;
}

static void
expect_nothing_left(const struct flow *flow)
{
	static struct spool_live live[SPOOL_LIVE_COUNT];

	cr_expect_str_eq(flow->camera.trouble, "");
	cr_expect_str_eq(flow->server.trouble, "");
	cr_expect_eq(atomic_load(&flow->worker->counters->open), 0);
	cr_expect_eq(spool_live_copy(flow->worker->spool, live), 0);
	cr_expect_eq(count_fds(), flow->fds);
	cr_expect_eq(flow->opened.facts.flow_id, flow->opens > 0 ? flow->closed.facts.flow_id : 0,
	    "the last open is the last close's");
}

void
flow_close(struct flow *flow)
{
	expect_nothing_left(flow);
	(void)event_del(&flow->peer_finished);
	peer_free(&flow->camera);
	peer_free(&flow->server);
	appliance_close(flow);
	pki_free(&flow->root);
	(void)close(flow->finished);
	scratch_remove(flow->dir);
}
