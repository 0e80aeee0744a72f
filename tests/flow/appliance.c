/* SPDX-License-Identifier: MIT */
#include "tests/flow/appliance.h"

#include "base/addr.h"
#include "base/err.h"
#include "base/ipc.h"
#include "certs/signer.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "geo/geo.h"
#include "proxy/board.h"
#include "proxy/budget.h"
#include "proxy/census.h"
#include "proxy/conn_private.h"
#include "proxy/listener.h"
#include "proxy/load.h"
#include "proxy/minter.h"
#include "proxy/origdst.h"
#include "proxy/own_addrs.h"
#include "proxy/refusals.h"
#include "proxy/review.h"
#include "proxy/sessions.h"
#include "proxy/tickets.h"
#include "record/spool.h"
#include "tests/flow/harness.h"
#include "tests/support/mmdb_maker.h"
#include "tests/support/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char rules[] = "ruleset: flow\n"
			    "version: 1\n"
			    "title: Nothing to CN, and not to one name\n"
			    "unknown: allow\n"
			    "default: allow\n"
			    "rules:\n"
			    "  - id: cn\n"
			    "    match: {located: CN}\n"
			    "    then: block\n"
			    "    why: \"the server is in CN\"\n"
			    "  - id: name\n"
			    "    match: {sni: blocked.example}\n"
			    "    then: block\n"
			    "    why: \"nobody may speak with it\"\n"
			    "  - id: refused\n"
			    "    match: {any: [{sni: refused.example}, {port: 81}]}\n"
			    "    then: block\n"
			    "    how: refuse\n"
			    "    why: \"told in order\"\n"
			    "  - id: dropped\n"
			    "    match: {sni: dropped.example}\n"
			    "    then: block\n"
			    "    how: drop\n"
			    "    why: \"told nothing\"\n"
			    "  - id: watched\n"
			    "    match: {sni: watched.example}\n"
			    "    then: allow\n"
			    "    alert: medium\n"
			    "    why: \"look at it\"\n";

static const char *const countries[] = {
    "203.0.114.0/24 country.iso_code=DE registered_country.iso_code=DE",
    "115.236.0.0/16 country.iso_code=CN registered_country.iso_code=CN",
    "2a01:4f8::/32 country.iso_code=DE registered_country.iso_code=DE",
};

static const char *const networks[] = {
    "203.0.114.0/24 autonomous_system_number=64496",
    "115.236.0.0/16 autonomous_system_number=64497",
    "2a01:4f8::/32 autonomous_system_number=64496",
};

static const char operators[] = "asn,organisation,parent,control,confidence,source,as_of\n"
				"64496,Example Cloud,,DE,high,https://example.com,2026-06-01\n"
				"64497,Example Yun,,CN,high,https://example.com,2026-06-01\n";

/* ---- where the camera wanted to go ---- */

static struct addr story_dst; /* there is one story a process */

static int
get_story_dst(int fd, struct addr *dst, struct err *err)
{
	(void)fd;
	(void)err;
	*dst = story_dst;
	return 0;
}

/* ---- what the worker reads ---- */

static void
write_file(const struct flow *flow, const char *name, const char *text)
{
	scratch_file(flow->dir, name, text, strlen(text));
}

static void
write_database(const struct flow *flow, const char *name, const char *const *lines, size_t count)
{
	struct mmdb_bytes file = mmdb_make(NULL, lines, count);

	scratch_file(flow->dir, name, file.at, file.size);
	free(file.at);
}

void
appliance_write(const struct flow *flow, const char *rule_set)
{
	static const char least[] =
	    "site: story\nrules: rules.yaml\ngateway: {manage: false}\n"
	    "geo: {country: country.mmdb, asn: asn.mmdb, operators: operators.csv}\n"
	    "tls:\n  upstream: {ca: roots.pem";
	const char *upstream = flow->setup.upstream != NULL ? flow->setup.upstream : "";
	const char *more = flow->setup.config != NULL ? flow->setup.config : "";
	char text[2000];

	(void)snprintf(text, sizeof(text), "%s%s}\n%s", least, upstream, more);
	write_file(flow, "borderlens.yaml", text);
	write_file(flow, "rules.yaml", rule_set);
	write_file(flow, "operators.csv", operators);
	write_database(flow, "country.mmdb", countries, 3);
	write_database(flow, "asn.mmdb", networks, 3);
}

struct snapshot *
appliance_read(const struct flow *flow, uint64_t generation)
{
	struct problems problems = {0};
	struct snapshot_files files;
	struct snapshot *snapshot;
	struct loaded loaded;
	struct err err = {0};
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/borderlens.yaml", flow->dir);
	if (loaded_open(path, &loaded, &problems) == 0)
		loaded_check(&loaded, &problems);
	cr_assert_eq(problems.errors, 0, "%s", problems.count > 0 ? problems.list[0].text : "");
	files = (struct snapshot_files){.source = source_seal(loaded.source, &err),
	    .config_path = path,
	    .asn = loaded.asn};
	memcpy(files.country, loaded.country, sizeof(files.country));
	snapshot = snapshot_open(&files, generation, flow->worker->snapshot, &err);
	cr_assert_not_null(snapshot, "%s", err.text);
	(void)close(files.source);
	loaded_close(&loaded);
	problems_free(&problems);
	return snapshot;
}

static void
open_spool(struct flow *flow)
{
	uint64_t size = flow->setup.spool_bytes > 0 ? flow->setup.spool_bytes : SPOOL_SIZE_MIN;
	struct err err = {0};
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/spool", flow->dir);
	flow->spool_fd = spool_create(path, size, 0, 1, &err);
	cr_assert_geq(flow->spool_fd, 0, "%s", err.text);
	flow->worker->spool = spool_writer(flow->spool_fd, "story", &err);
	cr_assert_not_null(flow->worker->spool, "%s", err.text);
	flow->reader = spool_reader(flow->spool_fd, &err);
	cr_assert_not_null(flow->reader, "%s", err.text);
}

/* ---- the signer ---- */

static struct ca
authority(const struct pki *pki)
{
	(void)X509_up_ref(pki->cert);
	(void)EVP_PKEY_up_ref(pki->key);
	return (struct ca){.cert = pki->cert, .key = pki->key};
}

static void
do_nothing(void *arg)
{
	(void)arg;
}

static void
on_signer_asked(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t request[IPC_MESSAGE_MAX], answer[IPC_MESSAGE_MAX];
	struct flow *flow = arg;
	ssize_t count;

	(void)what;
	while ((count = ipc_receive(fd, request, sizeof(request), NULL)) > 0) {
		struct bytes bytes = {request, (size_t)count};
		size_t size;

		if (flow->asked++ < flow->setup.signer_dies)
			continue;
		size = signer_answer(flow->signer, bytes, answer);
		(void)ipc_send(fd, answer, size, NULL);
	}
}

static void
open_signer(struct flow *flow)
{
	struct pki_spec spec = pki_root_spec("Borderlens CA story");
	struct ca cas[CA_COUNT];
	struct err err = {0};

	spec.from_days = -30;
	flow->ca[CA_EC] = pki_make(&spec, NULL);
	spec.common_name = "Borderlens CA story RSA";
	spec.key = PKI_RSA2048;
	if (flow->setup.rsa)
		flow->ca[CA_RSA] = pki_make(&spec, NULL);
	cas[CA_EC] = authority(&flow->ca[CA_EC]);
	cas[CA_RSA] = authority(&flow->ca[flow->setup.rsa ? CA_RSA : CA_EC]);
	flow->signer = signer_new(cas, &err);
	cr_assert_not_null(flow->signer, "%s", err.text);
	/* Before a camera waits: it takes seconds where the machine is busy. */
	if (flow->setup.rsa)
		cr_assert_eq(signer_make_key(flow->signer, do_nothing, NULL, &err), 0, "%s",
		    err.text);
	cr_assert_eq(ipc_pair(flow->signer_ends, &err), 0, "%s", err.text);
	cr_assert_eq(event_assign(&flow->signer_asked, flow->worker->base, flow->signer_ends[1],
			 EV_READ | EV_PERSIST, on_signer_asked, flow),
	    0);
	cr_assert_eq(event_add(&flow->signer_asked, NULL), 0);
}

/* ---- the worker ---- */

int
appliance_listen(const struct addr *addr)
{
	const int on = 1;
	struct sockaddr_storage name;
	socklen_t size = addr_to_sockaddr(addr, &name);
	int fd = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	(void)setsockopt(fd, SOL_IP, IP_FREEBIND, &on, sizeof(on));
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, size), 0, "bind");
	cr_assert_eq(listen(fd, 64), 0);
	return fd;
}

static void
open_listener(struct flow *flow)
{
	static const struct origdst_method method = {"story", get_story_dst};
	socklen_t size = sizeof(flow->camera.at);
	struct err err = {0};
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, "127.0.0.1:0", 0, NULL), 0);
	flow->listener = appliance_listen(&addr);
	cr_assert_eq(evutil_make_socket_nonblocking(flow->listener), 0);
	cr_assert_eq(getsockname(flow->listener, (struct sockaddr *)&flow->camera.at, &size), 0);
	flow->worker->origdst = &method;
	flow->worker->listener = listener_new(flow->worker, flow->listener, &err);
	cr_assert_not_null(flow->worker->listener, "%s", err.text);
}

void
appliance_open(struct flow *flow)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	struct minter_setup minter;
	struct err err = {0};

	cr_assert_not_null(worker);
	story_dst = flow->dst;
	flow->worker = worker;
	TAILQ_INIT(&worker->open);
	TAILQ_INIT(&worker->closed);
	worker->base = worker_base();
	appliance_write(flow, flow->setup.rules != NULL ? flow->setup.rules : rules);
	worker->snapshot = appliance_read(flow, 1);
	worker->board = calloc(1, sizeof(*worker->board));
	cr_assert(worker->base != NULL && worker->board != NULL);
	worker->counters = &worker->board->worker[0];
	flow->budgets = budgets_memory(&err);
	worker->budgets = budgets_map(flow->budgets, &err);
	cr_assert_not_null(worker->budgets, "%s", err.text);
	open_spool(flow);
	open_signer(flow);
	minter = (struct minter_setup){.base = worker->base,
	    .signer = flow->signer_ends[0],
	    .board = worker->counters};
	worker->minter = minter_new(&minter, &err);
	cr_assert_not_null(worker->minter, "%s", err.text);
	worker->own = own_addrs_open(worker->base, &err);
	cr_assert_not_null(worker->own, "%s", err.text);
	worker->refusals = refusals_new();
	worker->census = census_new(worker->snapshot->config->limit.per_camera);
	worker->sessions = sessions_new();
	worker->tickets = tickets_new(&err);
	cr_assert(worker->sessions != NULL && worker->tickets != NULL);
	cr_assert_eq(backlog_open(&worker->backlog, worker, &err), 0);
	cr_assert_eq(turns_open(&worker->turns, worker, &err), 0);
	cr_assert_eq(quiet_open(worker, &err), 0);
	cr_assert_eq(gather_open(worker, &err), 0);
	cr_assert_eq(worker_reaps(worker), 0);
	cr_assert_eq(review_open(worker), 0);
	open_listener(flow);
}

void
appliance_close(struct flow *flow)
{
	struct worker *worker = flow->worker;

	(void)event_del(&flow->signer_asked);
	listener_free(worker->listener);
	cr_assert_eq(worker->backlog.count, 0);
	stalls_clear(&worker->stalls);
	minter_free(worker->minter);
	own_addrs_close(worker->own);
	refusals_free(worker->refusals);
	census_free(worker->census);
	turns_close(&worker->turns);
	gather_clear(worker);
	quiet_clear(worker);
	sessions_free(worker->sessions);
	tickets_free(worker->tickets);
	spool_close(worker->spool);
	snapshot_unref(worker->snapshot, NULL);
	pool_clear(&worker->pool);
	event_base_free(worker->base);
	free(worker->board);
	budgets_unmap(worker->budgets);
	(void)close(flow->budgets);
	free(worker);
	spool_close(flow->reader);
	signer_free(flow->signer);
	pki_free(&flow->ca[CA_EC]);
	pki_free(&flow->ca[CA_RSA]);
	(void)close(flow->spool_fd);
	(void)close(flow->listener);
	(void)close(flow->signer_ends[0]);
	(void)close(flow->signer_ends[1]);
}
