/* SPDX-License-Identifier: MIT */
#include "proxy/roles.h"

#include "base/err.h"
#include "base/log.h"
#include "base/memfd.h"
#include "proxy/broker_role.h"
#include "proxy/checker_role.h"
#include "proxy/commands.h"
#include "proxy/recorder_role.h"
#include "proxy/signer_role.h"
#include "proxy/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	EXIT_NOT_STARTED = 127, /* as a shell says it */
	FDS_MAX = 16 + 2 * CONFIG_WORKERS_MAX,
};

void
role_order_clear(struct role_order *order, enum role role)
{
	memset(order, 0, sizeof(*order));
	order->role = role;
	order->control = order->board = order->listener = order->signer = order->source = -1;
	order->budgets = -1;
	order->asn = order->datagrams = order->broker = order->drops = -1;
	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX; i++)
		order->country[i] = -1;
	for (size_t i = 0; i < CONFIG_WORKERS_MAX; i++)
		order->spool[i] = order->worker[i] = -1;
	for (size_t i = 0; i < CA_COUNT; i++)
		order->cert[i] = order->key[i] = -1;
}

/* ---- the supervisor's side ---- */

static size_t
collect(int *to, size_t count, const int *from, size_t from_count)
{
	for (size_t i = 0; i < from_count; i++) {
		if (from[i] >= 0)
			to[count++] = from[i];
	}
	return count;
}

static size_t
order_fds(const struct role_order *order, int fds[FDS_MAX])
{
	const int single[] = {order->control, order->board, order->budgets, order->listener,
	    order->datagrams, order->signer, order->broker, order->source, order->asn,
	    order->drops};
	size_t count = collect(fds, 0, single, sizeof(single) / sizeof(single[0]));

	count = collect(fds, count, order->country, GEO_COUNTRY_FILES_MAX);
	count = collect(fds, count, order->spool, CONFIG_WORKERS_MAX);
	count = collect(fds, count, order->worker, CONFIG_WORKERS_MAX);
	count = collect(fds, count, order->cert, CA_COUNT);
	return collect(fds, count, order->key, CA_COUNT);
}

static void __attribute__((noreturn))
become_role(int exe, int order_fd, const struct role_order *order)
{
	int fds[FDS_MAX];
	size_t count = order_fds(order, fds);
	char number[16], program[] = "borderlens", word[] = ROLE_COMMAND, name[16];
	char *argv[] = {program, word, name, number, NULL};
	sigset_t none;

	(void)snprintf(name, sizeof(name), "%s", role_name(order->role));
	(void)snprintf(number, sizeof(number), "%d", order_fd);
	fds[count++] = order_fd;
	for (size_t i = 0; i < count; i++) {
		if (fcntl(fds[i], F_SETFD, 0) != 0)
			_exit(EXIT_NOT_STARTED);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)fexecve(exe, argv, environ);
	_exit(EXIT_NOT_STARTED);
}

pid_t
role_start(int exe, const struct role_order *order, struct err *err)
{
	int fd = memfd_seal("order", order, sizeof(*order), err);
	pid_t pid;

	if (fd < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		become_role(exe, fd, order);
	if (pid < 0)
		(void)err_sys(err, "fork");
	(void)close(fd);
	return pid;
}

/* ---- the role's side ---- */

static int
be_signer(const struct role_order *order)
{
	struct signer_setup setup = {.worker_count = order->workers,
	    .control = order->control,
	    .board = order->board};

	memcpy(setup.cert, order->cert, sizeof(setup.cert));
	memcpy(setup.key, order->key, sizeof(setup.key));
	memcpy(setup.worker, order->worker, sizeof(setup.worker));
	return signer_run(&setup);
}

static int
be_worker(const struct role_order *order)
{
	struct worker_setup setup = {
	    .index = order->index,
	    .listener = order->listener,
	    .datagrams = order->datagrams,
	    .source = order->source,
	    .config_path = order->config_path,
	    .generation = order->generation,
	    .asn = order->asn,
	    .spool = order->spool[order->index],
	    .signer = order->signer,
	    .broker = order->broker,
	    .control = order->control,
	    .board = order->board,
	    .budgets = order->budgets,
	};

	memcpy(setup.country, order->country, sizeof(setup.country));
	return worker_run(&setup);
}

static int
be_recorder(const struct role_order *order)
{
	struct recorder_setup setup = {
	    .spool_count = order->workers,
	    .run_dir = order->run_dir,
	    .state_dir = order->state_dir,
	    .eve = order->eve,
	    .keep_flows_s = order->keep_flows_s,
	    .site = order->site,
	    .epoch = order->epoch,
	    .control = order->control,
	    .board = order->board,
	};

	memcpy(setup.spool, order->spool, sizeof(setup.spool));
	return recorder_run(&setup);
}

static int
be_broker(const struct role_order *order)
{
	struct broker_setup setup = {.plan = &order->plan,
	    .worker_count = order->workers,
	    .control = order->control,
	    .board = order->board,
	    .drops = order->drops,
	    .print = order->print,
	    .anomalies_ms = order->anomalies_ms};

	memcpy(setup.worker, order->worker, sizeof(setup.worker));
	return broker_run(&setup);
}

static int
be_checker(const struct role_order *order)
{
	struct checker_setup setup = {
	    .running = {.source = order->source,
		.config_path = order->config_path,
		.asn = order->asn},
	    .secret = order->secret,
	    .control = order->control,
	};

	memcpy(setup.running.country, order->country, sizeof(setup.running.country));
	return checker_run(&setup);
}

/* The order lives as long as the process: the setups borrow its strings. */
static const struct role_order *
read_order(const char *number, struct err *err)
{
	const uint8_t *at;
	size_t count;
	char *end;
	long fd = strtol(number, &end, 10);
	const struct role_order *order;

	if (*end != '\0' || fd <= STDERR_FILENO || fd > INT32_MAX) {
		(void)err_set(err, ERR_INPUT, "roles are started by the supervisor alone");
		return NULL;
	}
	if (memfd_map((int)fd, &at, &count, err) != 0)
		return NULL;
	(void)close((int)fd);
	if (count != sizeof(*order)) {
		(void)err_set(err, ERR_INPUT, "the order is of another version");
		return NULL;
	}
	order = (const struct role_order *)(const void *)at;
	return order;
}

/* So that ps and top tell the roles from each other. */
static void
set_name(const struct role_order *order)
{
	char name[16];

	if (order->role == ROLE_WORKER)
		(void)snprintf(name, sizeof(name), "bl-worker-%u", order->index);
	else
		(void)snprintf(name, sizeof(name), "bl-%s", role_name(order->role));
	(void)prctl(PR_SET_NAME, name);
}

/* A terminal and a service manager signal all processes of a group; what that
 * means for the roles the supervisor says. */
static void
leave_signals(void)
{
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
role_main(int argc, char **argv)
{
	struct err err = {0};
	const struct role_order *order = argc == 3 ? read_order(argv[2], &err) : NULL;

	if (order == NULL) {
		log_error("cannot start a role: %s", argc == 3 ? err.text : "no order");
		return EXIT_USAGE;
	}
	/* The supervisor may have ended before it could be followed. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != order->supervisor)
		return EXIT_FAILED;
	set_name(order);
	leave_signals();
	if (order->role == ROLE_SIGNER)
		return be_signer(order);
	if (order->role == ROLE_WORKER)
		return be_worker(order);
	if (order->role == ROLE_RECORDER)
		return be_recorder(order);
	if (order->role == ROLE_BROKER)
		return be_broker(order);
	if (order->role == ROLE_CHECKER)
		return be_checker(order);
	log_error("cannot start a role: there is no role %d", (int)order->role);
	return EXIT_USAGE;
}
