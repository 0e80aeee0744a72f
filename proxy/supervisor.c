/* SPDX-License-Identifier: MIT */
#include "proxy/supervisor.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "proxy/commands.h"
#include "proxy/load.h"
#include "proxy/reload.h"
#include "proxy/roles.h"
#include "proxy/supervisor_private.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TURN_MS = 200,
	START_TURN_MS = 10, /* until all have begun: nothing is served before */
	/* We were stopped, or the machine was: what did not beat meanwhile is
	 * given time to do so before it is called stuck. */
	GAP_MS = 1000,
	TRUST_AFTER_MS = 3000,
	DRAIN_MS = 11000,         /* the workers' own 10 s, and a little */
	STOP_LISTENING_MS = 1000, /* for the workers to see that they are to drain */
	STORE_MS = 15000,         /* for what the spools hold to be committed */
};

/* ---- starting ---- */

static struct pair *
leash_of(struct supervisor *supervisor, const struct child *child)
{
	return &supervisor->leash[child - supervisor->children];
}

static void
fill_worker(const struct supervisor *supervisor, struct role_order *order)
{
	unsigned index = order->index;

	order->listener = supervisor->listener[index];
	order->datagrams = supervisor->datagrams[index];
	order->signer = supervisor->minting[index].ours;
	order->broker = supervisor->brokering[index].ours;
	order->spool[index] = supervisor->spool[index];
	order->budgets = supervisor->budgets_fd;
	order->source = supervisor->held.source;
	memcpy(order->country, supervisor->held.country, sizeof(order->country));
	order->asn = supervisor->held.asn;
	order->generation = supervisor->generation;
	text_copy(order->config_path, sizeof(order->config_path), supervisor->config->path);
}

static void
fill_recorder(const struct supervisor *supervisor, struct role_order *order)
{
	const struct config *config = supervisor->config;

	memcpy(order->spool, supervisor->spool, sizeof(order->spool));
	text_copy(order->run_dir, sizeof(order->run_dir), config->run_dir);
	text_copy(order->state_dir, sizeof(order->state_dir), config->state_dir);
	text_copy(order->eve, sizeof(order->eve), config->record.eve);
	text_copy(order->site, sizeof(order->site), config->site);
	order->keep_flows_s = config->record.keep_flows_s;
	order->epoch = supervisor->epoch;
}

static void
fill_signer(const struct supervisor *supervisor, struct role_order *order)
{
	memcpy(order->cert, supervisor->cert, sizeof(order->cert));
	memcpy(order->key, supervisor->key, sizeof(order->key));
	for (unsigned i = 0; i < supervisor->workers; i++)
		order->worker[i] = supervisor->minting[i].theirs;
}

static void
fill_broker(const struct supervisor *supervisor, struct role_order *order)
{
	order->plan = supervisor->plan;
	memcpy(order->print, supervisor->print, sizeof(order->print));
	order->drops = supervisor->drops;
	order->anomalies_ms = supervisor->config->record.anomalies_ms;
	for (unsigned i = 0; i < supervisor->workers; i++)
		order->worker[i] = supervisor->brokering[i].theirs;
}

bool
supervisor_has_ended(struct child *child)
{
	if (child->pid == 0)
		return true;
	if (!child->shot)
		(void)kill(child->pid, SIGKILL);
	child->shot = true;
	return false;
}

/* A predecessor's last beat must not be taken for the successor's. */
static void
forget_beat(struct supervisor *supervisor, const struct child *child)
{
	struct board *board = supervisor->board;

	if (child->role == ROLE_WORKER) {
		atomic_store(&board->worker[child->index].beat_ms, 0);
		atomic_store(&board->worker[child->index].open, 0);
	} else if (child->role == ROLE_SIGNER) {
		atomic_store(&board->signer_beat_ms, 0);
	} else if (child->role == ROLE_BROKER) {
		atomic_store(&board->broker_beat_ms, 0);
	} else {
		atomic_store(&board->recorder_beat_ms, 0);
	}
}

static void
start(struct supervisor *supervisor, struct child *child, uint64_t now_ms)
{
	struct role_order order;
	struct err err = {0};
	char name[CHILD_NAME_MAX];
	pid_t pid;

	bool spools = child->role == ROLE_WORKER || child->role == ROLE_RECORDER;

	if (!ends_mend(supervisor) || (spools && !spools_mend(supervisor, now_ms)))
		return;
	if (ends_renew(supervisor, child, &err) != 0) {
		log_error("cannot start %s: %s", child_name(child, name), err.text);
		child->start_ms = now_ms + CHILD_PAUSE_MS;
		return;
	}
	role_order_clear(&order, child->role);
	order.index = child->index;
	order.workers = supervisor->workers;
	order.supervisor = getpid();
	order.board = supervisor->board_fd;
	order.control = leash_of(supervisor, child)->theirs;
	if (child->role == ROLE_WORKER)
		fill_worker(supervisor, &order);
	else if (child->role == ROLE_RECORDER)
		fill_recorder(supervisor, &order);
	else if (child->role == ROLE_BROKER)
		fill_broker(supervisor, &order);
	else
		fill_signer(supervisor, &order);
	forget_beat(supervisor, child);
	pid = role_start(supervisor->exe, &order, &err);
	child->start_ms = now_ms;
	if (pid > 0) {
		child->pid = pid;
		return;
	}
	log_error("cannot start %s: %s", child_name(child, name), err.text);
	child->start_ms += CHILD_PAUSE_MS;
}

/* ---- ending ---- */

static void
end_now(struct supervisor *supervisor, int code)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].pid > 0)
			(void)kill(supervisor->children[i].pid, SIGKILL);
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	supervisor->code = code;
}

static void
drain(struct supervisor *supervisor, uint64_t now_ms)
{
	if (supervisor->draining) {
		log_warn("told to end a second time: ending at once");
		end_now(supervisor, EXIT_FAILED);
		return;
	}
	log_info("told to end: taking nothing more, waiting for open connections");
	notify_say(&supervisor->notify, "STOPPING=1");
	reload_stop(supervisor);
	supervisor->draining = true;
	supervisor->deadline_ms = now_ms + DRAIN_MS;
	atomic_store(&supervisor->board->draining, 1);
	supervisor->deaf_ms = now_ms + STOP_LISTENING_MS;
}

/* The workers do not accept any more.  A listening socket that is shut down is
 * so for all that hold it: who waits in its queue is reset, and the rules drop
 * who comes now, and tries again while the appliance may be back.  The sockets
 * of datagrams end with their workers; from then on what comes is counted. */
static void
stop_listening(struct supervisor *supervisor)
{
	for (unsigned i = 0; i < supervisor->workers; i++) {
		if (supervisor->datagrams[i] >= 0)
			(void)close(supervisor->datagrams[i]);
		supervisor->datagrams[i] = -1;
		if (supervisor->listener[i] < 0)
			continue;
		(void)shutdown(supervisor->listener[i], SHUT_RDWR);
		(void)close(supervisor->listener[i]);
		supervisor->listener[i] = -1;
	}
}

static bool
are_running(const struct supervisor *supervisor, enum role role)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].role == role && supervisor->children[i].pid > 0)
			return true;
	}
	return false;
}

static void
kill_role(struct supervisor *supervisor, enum role role)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (supervisor->children[i].role == role && supervisor->children[i].pid > 0)
			(void)kill(supervisor->children[i].pid, SIGKILL);
	}
}

/* The recorder ends last: the workers write to their spools until they end.
 * It sees that the supervisor has let go of it, stores what is there, and
 * ends. */
static void
go_on_draining(struct supervisor *supervisor, uint64_t now_ms)
{
	bool late = now_ms >= supervisor->deadline_ms;

	if (now_ms >= supervisor->deaf_ms)
		stop_listening(supervisor);
	if (!supervisor->ending && late)
		kill_role(supervisor, ROLE_WORKER);
	if (!supervisor->ending && !are_running(supervisor, ROLE_WORKER)) {
		struct pair *leash = leash_of(supervisor, &supervisor->children[CHILD_RECORDER]);

		supervisor->ending = true;
		supervisor->deadline_ms = now_ms + STORE_MS;
		(void)close(leash->ours);
		leash->ours = -1;
		return;
	}
	if (!supervisor->ending || (are_running(supervisor, ROLE_RECORDER) && !late))
		return;
	if (late)
		log_warn("not all that was recorded is stored yet; it is kept in %s",
		    supervisor->config->run_dir);
	end_now(supervisor, EXIT_DONE);
	log_info("ended; the rules stay, and nothing of the cameras passes");
}

/* ---- watching ---- */

static void
tell_end(const struct supervisor *supervisor, const struct child *child, int status)
{
	char name[CHILD_NAME_MAX];
	const char *then = supervisor->draining ? "" : "; starting it again";

	(void)child_name(child, name);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error("%s (%d) made a system call that its sandbox forbids%s", name,
		    (int)child->pid, then);
	else if (WIFSIGNALED(status))
		log_warn("%s (%d) was killed by SIG%s%s", name, (int)child->pid,
		    sigabbrev_np(WTERMSIG(status)), then);
	else if (WEXITSTATUS(status) != 0 || !supervisor->draining)
		log_warn("%s (%d) ended with exit code %d%s", name, (int)child->pid,
		    WEXITSTATUS(status), then);
}

/* What a worker had taken and not begun was reset with it: nothing of it was
 * forwarded, and nothing of it recorded. */
static void
count_reset(struct supervisor *supervisor, const struct child *child)
{
	struct board_worker *row = &supervisor->board->worker[child->index];
	uint64_t waiting;

	if (child->role != ROLE_WORKER)
		return;
	waiting = atomic_exchange(&row->waiting, 0);
	if (waiting == 0)
		return;
	atomic_fetch_add(&row->overload, waiting);
	log_warn("%" PRIu64 " connections that waited to begin in worker %u were reset", waiting,
	    child->index);
}

static void
on_end(struct supervisor *supervisor, pid_t pid, int status, uint64_t now_ms)
{
	if (reload_reap(supervisor, pid, status))
		return;
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (child->pid != pid)
			continue;
		tell_end(supervisor, child, status);
		count_reset(supervisor, child);
		child_ended(child, now_ms);
		child->done = supervisor->draining && child->role != ROLE_SIGNER &&
			      (child->role == ROLE_WORKER || supervisor->ending);
		/* What cannot start will not start the next time either. */
		if (!supervisor->ready && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
			log_error("the appliance cannot start");
			end_now(supervisor, EXIT_FAILED);
		}
		return;
	}
}

static void
reap(struct supervisor *supervisor, uint64_t now_ms)
{
	pid_t pid;
	int status;

	while (supervisor->code < 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_end(supervisor, pid, status, now_ms);
}

static void
on_signals(struct supervisor *supervisor, uint64_t now_ms)
{
	struct signalfd_siginfo info;

	while (supervisor->code < 0 &&
	       read(supervisor->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			(void)reload_ask(supervisor);
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			drain(supervisor, now_ms);
	}
}

static void
watch(struct supervisor *supervisor, struct child *child, uint64_t now_ms)
{
	char name[CHILD_NAME_MAX];

	if (child->shot || !child_is_stuck(child, status_beat(supervisor, child), now_ms))
		return;
	log_error("%s (%d) is stuck; killing it", child_name(child, name), (int)child->pid);
	child->shot = true;
	(void)kill(child->pid, SIGKILL);
}

static void
tend_children(struct supervisor *supervisor, uint64_t now_ms)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		struct child *child = &supervisor->children[i];

		if (child->pid == 0 && !child->done && now_ms >= child->start_ms)
			start(supervisor, child, now_ms);
		else if (child->pid > 0 && now_ms >= supervisor->trusted_ms)
			watch(supervisor, child, now_ms);
	}
}

static void
note_ready(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->child_count; i++) {
		if (status_beat(supervisor, &supervisor->children[i]) == 0)
			return;
	}
	supervisor->ready = true;
	notify_say(&supervisor->notify, "READY=1");
	log_info("ready");
}

static void
notify_watchdog(struct supervisor *supervisor, uint64_t now_ms)
{
	if (supervisor->notify.watchdog_ms == 0 ||
	    now_ms - supervisor->notified_ms < supervisor->notify.watchdog_ms)
		return;
	supervisor->notified_ms = now_ms;
	notify_say(&supervisor->notify, "WATCHDOG=1");
}

/* ---- the loop ---- */

static uint64_t
wait_for_events(struct supervisor *supervisor)
{
	struct pollfd fds[CONTROL_POLL_MAX + RELOAD_POLL_MAX + 1];
	size_t count = control_poll(supervisor->control, fds);
	uint64_t now_ms;

	count += reload_poll(supervisor, fds + count);
	fds[count++] = (struct pollfd){supervisor->signals, POLLIN, 0};
	if (poll(fds, count, supervisor->ready ? TURN_MS : START_TURN_MS) < 0 && errno != EINTR)
		log_error("poll: %s", strerror(errno));
	now_ms = clock_mono_ms();
	if (now_ms - supervisor->turned_ms > GAP_MS)
		supervisor->trusted_ms = now_ms + TRUST_AFTER_MS;
	supervisor->turned_ms = now_ms;
	return now_ms;
}

static void
turn(struct supervisor *supervisor)
{
	uint64_t now_ms = wait_for_events(supervisor);

	on_signals(supervisor, now_ms);
	reap(supervisor, now_ms);
	if (supervisor->code >= 0)
		return;
	if (supervisor->draining)
		go_on_draining(supervisor, now_ms);
	if (supervisor->code >= 0)
		return;
	tend_children(supervisor, now_ms);
	if (!supervisor->ready)
		note_ready(supervisor);
	if (!supervisor->draining)
		reload_turn(supervisor, now_ms);
	notify_watchdog(supervisor, now_ms);
	control_turn(supervisor->control);
}

static int
serve(struct supervisor *supervisor)
{
	const char *missing = "";
	struct err err = {0};

	if (setup_sandbox(supervisor, &missing, &err) != 0) {
		log_error("the sandbox cannot be set up: %s", err.text);
		return EXIT_FAILED;
	}
	if (missing[0] != '\0')
		log_warn("this kernel has no %s", missing);
	supervisor->turned_ms = clock_mono_ms();
	tend_children(supervisor, supervisor->turned_ms);
	while (supervisor->code < 0)
		turn(supervisor);
	return supervisor->code;
}

int
supervisor_run(const struct loaded *loaded)
{
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
	struct err err = {0};
	int code = EXIT_FAILED;

	if (supervisor == NULL) {
		log_error("no memory");
		return EXIT_FAILED;
	}
	if (setup_all(supervisor, loaded, &err) == 0)
		code = serve(supervisor);
	else
		log_error("cannot start: %s", err.text);
	setup_clear(supervisor);
	free(supervisor);
	return code;
}
