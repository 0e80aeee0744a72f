/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "config/source.h"
#include "proxy/budget.h"
#include "proxy/dirs.h"
#include "proxy/gateway.h"
#include "proxy/intake.h"
#include "proxy/load.h"
#include "proxy/reload.h"
#include "proxy/rules_keeper.h"
#include "proxy/supervisor_private.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the process ---- */

/* What the caller left open is not for the roles; 0, 1 and 2 are surely open
 * from here on, so that no socket of ours is written to as if it were stderr. */
static int
tidy_descriptors(struct supervisor *supervisor, struct err *err)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return err_sys(err, "open /dev/null");
	supervisor->null = fd;
	(void)close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (dup2(fd, STDIN_FILENO) < 0)
		return err_sys(err, "dup2");
	supervisor->exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (supervisor->exe < 0)
		return err_sys(err, "open /proc/self/exe");
	return 0;
}

/* Roles inherit these: as many descriptors as we may have, and memory that the
 * signer may lock.  What is not allowed stays as it is. */
static void
raise_limits(void)
{
	const struct rlimit lock = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	(void)setrlimit(RLIMIT_MEMLOCK, &lock);
}

static int
take_signals(struct supervisor *supervisor, struct err *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	supervisor->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (supervisor->signals < 0 || sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_sys(err, "take signals");
	return 0;
}

static unsigned
count_workers(const struct config *config)
{
	cpu_set_t set;
	unsigned count = config->workers;

	/* The cores that we may run on, which a container may have fewer of. */
	if (count == 0 && sched_getaffinity(0, sizeof(set), &set) == 0)
		count = (unsigned)CPU_COUNT(&set);
	if (count == 0)
		count = 1;
	return count < CONFIG_WORKERS_MAX ? count : CONFIG_WORKERS_MAX;
}

/* ---- the CA ---- */

/* Made by a process that ends: its memory, which held the key, ends with it. */
static int
init_ca(const char *dir, const char *site, struct err *err)
{
	struct err child_err = {0};
	int ends[2], status;
	ssize_t count;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_sys(err, "pipe");
	pid = fork();
	if (pid == 0) {
		if (ca_init(dir, site, &child_err) == 0)
			_exit(0);
		count = write(ends[1], &child_err, sizeof(child_err));
		_exit(count == (ssize_t)sizeof(child_err) ? 1 : 2);
	}
	(void)close(ends[1]);
	count = pid > 0 ? read(ends[0], &child_err, sizeof(child_err)) : -1;
	(void)close(ends[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return err_sys(err, "make the CA");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (count == (ssize_t)sizeof(child_err))
		return err_set(err, child_err.kind, "%s", child_err.text);
	return err_set(err, ERR_SYS, "the process that makes the CA has died");
}

static int
open_file(const char *path, int *fd, struct err *err)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return *fd >= 0 ? 0 : err_sys(err, "open %s", path);
}

static int
open_ca(struct supervisor *supervisor, struct err *err)
{
	const struct config *config = supervisor->config;
	char dir[CONFIG_PATH_MAX], path[CONFIG_PATH_MAX + 16];

	if (!config->tls.ca_auto) {
		if (open_file(config->tls.ca_cert, &supervisor->cert[CA_EC], err) != 0)
			return -1;
		return open_file(config->tls.ca_key, &supervisor->key[CA_EC], err);
	}
	if (dirs_ca(config, dir, sizeof(dir)) == NULL)
		return err_set(err, ERR_LIMIT, "state_dir is too long");
	if (init_ca(dir, config->site, err) != 0)
		return -1;
	for (size_t i = 0; i < CA_COUNT; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_cert_names[i]);
		if (open_file(path, &supervisor->cert[i], err) != 0)
			return -1;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_key_names[i]);
		if (open_file(path, &supervisor->key[i], err) != 0)
			return -1;
	}
	return 0;
}

static void
tell_ca(const struct supervisor *supervisor)
{
	uint8_t hash[32];
	char hex[2 * sizeof(hash) + 1];
	unsigned size = 0;

	for (size_t i = 0; i < CA_COUNT; i++) {
		struct ca ca = {0};

		if (supervisor->cert[i] < 0 || ca_read(&ca, supervisor->cert[i], -1, NULL) != 0)
			continue;
		if (X509_digest(ca.cert, EVP_sha256(), hash, &size) == 1) {
			text_hex(hex, hash, sizeof(hash));
			log_info("CA %s: SHA-256 %s", i == CA_EC ? "for cameras" : "(RSA)", hex);
		}
		ca_clear(&ca);
	}
}

/* ---- the network ---- */

static bool
is_on(const char *setting)
{
	FILE *file = fopen(setting, "re");
	bool on = file != NULL && fgetc(file) == '1';

	if (file != NULL)
		(void)fclose(file);
	return on;
}

static void
warn_of_forwarding(void)
{
	if (!is_on("/proc/sys/net/ipv4/ip_forward") &&
	    !is_on("/proc/sys/net/ipv6/conf/all/forwarding"))
		return;
	log_warn("this host forwards packets (net.ipv4.ip_forward or its IPv6 sister is 1): what "
		 "comes from the cameras' interfaces is dropped by the rules, as long as they are "
		 "loaded");
}

/* Frames between the ports of a bridge then meet the rules as if they came to
 * the host: cameras cannot talk to each other, nor find each other. */
static void
warn_of_bridges(const struct config *config)
{
	char path[128];

	if (!is_on("/proc/sys/net/bridge/bridge-nf-call-iptables") &&
	    !is_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables"))
		return;
	for (size_t i = 0; i < config->gateway.cameras_count; i++) {
		(void)snprintf(path, sizeof(path), "/sys/class/net/%s/bridge",
		    config->gateway.cameras[i]);
		if (access(path, F_OK) == 0)
			log_warn("%s is a bridge whose frames this host filters as packets "
				 "(net.bridge.bridge-nf-call-iptables is 1): what cameras send to "
				 "each other is taken or dropped too",
			    config->gateway.cameras[i]);
	}
}

/* The rules name the ports: so they are bound before, and what came to them
 * until the workers take it was marked by the rules of before.  Where nobody
 * tells which port is whose, as with rules of somebody else's, there is none. */
static int
open_datagrams(struct supervisor *supervisor, struct err *err)
{
	const struct config *config = supervisor->config;
	struct gateway_plan *plan = &supervisor->plan;

	gateway_plan_of(config, plan);
	if (plan->mode != GATEWAY_TPROXY ||
	    (!config->gateway.manage && config->gateway.listen_udp_port == 0))
		return 0;
	if (intake_open_udp(config->gateway.listen_udp_port, config->gateway.manage,
		supervisor->workers, supervisor->datagrams, plan->udp_ports, err) != 0)
		return -1;
	plan->udp_count = supervisor->workers;
	return 0;
}

static int
open_network(struct supervisor *supervisor, struct err *err)
{
	const struct config *config = supervisor->config;

	/* First of all: what another appliance has is left as it is. */
	if (intake_is_free(config->gateway.listen_port, err) != 0 ||
	    open_datagrams(supervisor, err) != 0)
		return -1;
	if (config->gateway.manage) {
		supervisor->gateway = gateway_claim(err);
		supervisor->drops = supervisor->gateway < 0
					? -1
					: rules_keeper_load(&supervisor->plan, config->run_dir,
					      supervisor->print, err);
		if (supervisor->drops < 0)
			return -1;
		warn_of_forwarding();
		warn_of_bridges(config);
	}
	if (intake_open(config->gateway.listen_port, config->gateway.mode == GATEWAY_TPROXY,
		supervisor->workers, supervisor->listener, err) != 0)
		return -1;
	log_info("%s on port %u, %u worker%s%s",
	    config->gateway.mode == GATEWAY_TPROXY ? "tproxy" : "redirect",
	    (unsigned)config->gateway.listen_port, supervisor->workers,
	    supervisor->workers == 1 ? "" : "s",
	    config->gateway.manage ? ", rules loaded" : "; rules and routes are somebody else's");
	return 0;
}

/* ---- what the roles share ---- */

static int
hold(int *held, int fd, struct err *err)
{
	if (fd < 0)
		return 0;
	*held = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return *held >= 0 ? 0 : err_sys(err, "dup");
}

static int
hold_loaded(struct supervisor *supervisor, const struct loaded *loaded, struct err *err)
{
	struct snapshot_files *held = &supervisor->held;

	held->config_path = loaded->config->path;
	held->source = source_seal(loaded->source, err);
	if (held->source < 0 || hold(&held->asn, loaded->asn, err) != 0)
		return -1;
	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX; i++) {
		if (hold(&held->country[i], loaded->country[i], err) != 0)
			return -1;
	}
	supervisor->generation = 1;
	supervisor->loaded_us = clock_wall_us();
	supervisor->reload = reload_new();
	return supervisor->reload != NULL ? 0 : err_set(err, ERR_NOMEM, "no memory");
}

static int
open_budgets(struct supervisor *supervisor, struct err *err)
{
	char path[CONFIG_PATH_MAX + 16], aside[BUDGETS_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/budgets", supervisor->config->state_dir);
	supervisor->budgets_fd = budgets_open(path, aside, err);
	if (aside[0] != '\0')
		log_error("the counts of budgets cannot be used and begin anew; set aside as %s",
		    aside);
	return supervisor->budgets_fd >= 0 ? 0 : -1;
}

static int
open_shared(struct supervisor *supervisor, struct err *err)
{
	supervisor->board_fd = board_create(err);
	if (supervisor->board_fd < 0)
		return -1;
	supervisor->board = board_map(supervisor->board_fd, err);
	if (supervisor->board == NULL || open_budgets(supervisor, err) != 0)
		return -1;
	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (spools_open(supervisor, i, err) != 0 ||
		    ends_open(&supervisor->minting[i], err) != 0 ||
		    ends_open(&supervisor->brokering[i], err) != 0)
			return -1;
	}
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (ends_open(&supervisor->leash[i], err) != 0)
			return -1;
	}
	return 0;
}

static int
open_control(struct supervisor *supervisor, struct err *err)
{
	char path[CONFIG_PATH_MAX];

	if (control_path(supervisor->config->run_dir, path, sizeof(path)) == NULL)
		return err_set(err, ERR_LIMIT, "run_dir is too long");
	supervisor->control = control_open(path, status_answer, supervisor, err);
	return supervisor->control != NULL ? 0 : -1;
}

/* ---- all ---- */

static void
list_children(struct supervisor *supervisor)
{
	struct child *child = supervisor->children;

	(child++)->role = ROLE_SIGNER;
	(child++)->role = ROLE_RECORDER;
	(child++)->role = ROLE_BROKER;
	for (unsigned i = 0; i < supervisor->workers; i++, child++) {
		child->role = ROLE_WORKER;
		child->index = i;
	}
	supervisor->child_count = (size_t)(child - supervisor->children);
}

static void
clear(struct supervisor *supervisor)
{
	memset(supervisor, 0, sizeof(*supervisor));
	supervisor->exe = supervisor->null = supervisor->lock = supervisor->board_fd = -1;
	supervisor->budgets_fd = -1;
	supervisor->gateway = supervisor->drops = -1;
	supervisor->signals = supervisor->notify.fd = -1;
	snapshot_files_clear(&supervisor->held);
	for (size_t i = 0; i < CA_COUNT; i++)
		supervisor->cert[i] = supervisor->key[i] = -1;
	for (size_t i = 0; i < CONFIG_WORKERS_MAX; i++) {
		supervisor->listener[i] = supervisor->spool[i] = supervisor->datagrams[i] = -1;
		supervisor->minting[i] = supervisor->brokering[i] = (struct pair){-1, -1};
	}
	for (size_t i = 0; i < CHILDREN_MAX; i++)
		supervisor->leash[i] = (struct pair){-1, -1};
	supervisor->code = -1;
}

int
setup_all(struct supervisor *supervisor, const struct loaded *loaded, struct err *err)
{
	clear(supervisor);
	supervisor->config = loaded->config;
	supervisor->workers = count_workers(loaded->config);
	supervisor->epoch = clock_wall_us();
	supervisor->started_ms = clock_mono_ms();
	list_children(supervisor);
	if (tidy_descriptors(supervisor, err) != 0)
		return -1;
	raise_limits();
	notify_open(&supervisor->notify);
	if (dirs_make(loaded->config, err) != 0)
		return -1;
	supervisor->lock = dirs_lock(loaded->config->run_dir, err);
	if (supervisor->lock < 0 || open_ca(supervisor, err) != 0)
		return -1;
	tell_ca(supervisor);
	if (open_network(supervisor, err) != 0 || hold_loaded(supervisor, loaded, err) != 0 ||
	    open_shared(supervisor, err) != 0 || open_control(supervisor, err) != 0)
		return -1;
	return take_signals(supervisor, err);
}

static void
close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
		fds[i] = -1;
	}
}

static void
close_pairs(struct pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ends_close(&pairs[i]);
}

void
setup_clear(struct supervisor *supervisor)
{
	reload_free(supervisor->reload);
	snapshot_files_close(&supervisor->held);
	control_close(supervisor->control);
	notify_close(&supervisor->notify);
	close_pairs(supervisor->leash, CHILDREN_MAX);
	close_pairs(supervisor->minting, CONFIG_WORKERS_MAX);
	close_pairs(supervisor->brokering, CONFIG_WORKERS_MAX);
	close_all(supervisor->listener, CONFIG_WORKERS_MAX);
	close_all(supervisor->datagrams, CONFIG_WORKERS_MAX);
	close_all(supervisor->spool, CONFIG_WORKERS_MAX);
	close_all(supervisor->cert, CA_COUNT);
	close_all(supervisor->key, CA_COUNT);
	if (supervisor->board != NULL)
		(void)munmap(supervisor->board, sizeof(*supervisor->board));
	close_all(&supervisor->board_fd, 1);
	close_all(&supervisor->budgets_fd, 1);
	close_all(&supervisor->signals, 1);
	close_all(&supervisor->exe, 1);
	close_all(&supervisor->null, 1);
	close_all(&supervisor->gateway, 1);
	close_all(&supervisor->drops, 1);
	close_all(&supervisor->lock, 1);
}

/* ---- giving up ---- */

/* The directory of a file that may not be configured; NULL then. */
static const char *
parent_of(const char *path, char out[CONFIG_PATH_MAX])
{
	if (path == NULL || path[0] == '\0')
		return NULL;
	return dirs_parent(path, out, CONFIG_PATH_MAX);
}

int
setup_sandbox(const struct supervisor *supervisor, const char **missing, struct err *err)
{
	const struct config *config = supervisor->config;
	/* A checker reads what a new configuration names, wherever that is; what
	 * the supervisor may not, no role may. */
	static const char *const readable[] = {"/", NULL};
	char parent[CONFIG_PATH_MAX];
	const char *writable[4] = {config->state_dir, config->run_dir};
	const struct sandbox_reach reach = {.writable = writable,
	    .readable = readable,
	    .program = supervisor->exe};

	writable[2] = parent_of(config->record.eve, parent);
	return sandbox_supervise(&reach, missing, err);
}
