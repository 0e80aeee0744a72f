/* SPDX-License-Identifier: MIT */
#include "proxy/recorder_role.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "proxy/board.h"
#include "proxy/dirs.h"
#include "proxy/sandbox.h"
#include "record/recorder.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	PLACE_MAX = 32,    /* "/proc/self/fd/" and a number */
	TURN_MS = 50,      /* between two looks at the spools */
	FINISH_TRIES = 20, /* RECORDER_RETRY_MS apart, when the end meets a full disk */
};

struct recorder_role {
	struct recorder *recorder;
	struct board *board;
	int control;
	uint64_t recorded_before;    /* by predecessors of this process */
	struct recorder_status told; /* what the log has of it */
};

/* ---- saying what changed, once a change ---- */

static void
tell_store(const struct recorder_status *now, const struct recorder_status *told)
{
	if (now->store_failing && !told->store_failing)
		log_error("nothing can be stored: %s; what happens is kept in the spools, and new "
			  "connections are refused when these are full",
		    now->store_error);
	if (!now->store_failing && told->store_failing)
		log_info("the store takes records again");
	if (now->store_replaced && !told->store_replaced)
		log_error("the store was damaged; it is set aside in the same directory, and a new "
			  "one is begun");
}

static void
tell_eve(const struct recorder_status *now, const struct recorder_status *told)
{
	if (now->eve_failing && !told->eve_failing)
		log_error("no EVE lines can be written: %s; they follow from the store when they "
			  "can",
		    now->eve_error);
	if (!now->eve_failing && told->eve_failing)
		log_info("EVE lines are written again");
}

static void
tell_spools(const struct recorder_status *now, const struct recorder_status *told)
{
	if (now->altered > told->altered)
		log_error("%llu events of a spool were not readable and are lost",
		    (unsigned long long)(now->altered - told->altered));
	if (now->doubled > told->doubled)
		log_warn("%llu events were in the store already",
		    (unsigned long long)(now->doubled - told->doubled));
	if (now->lost > told->lost)
		log_warn("%llu connections ended with their worker",
		    (unsigned long long)(now->lost - told->lost));
	if (now->spools_removed > told->spools_removed)
		log_info("%llu spools of an earlier run were stored and removed",
		    (unsigned long long)(now->spools_removed - told->spools_removed));
}

static void
tell(struct recorder_role *role)
{
	const struct recorder_status *now = recorder_status(role->recorder);

	tell_store(now, &role->told);
	tell_eve(now, &role->told);
	tell_spools(now, &role->told);
	role->told = *now;
	atomic_store(&role->board->recorder_full, now->store_failing ? 1 : 0);
	atomic_store(&role->board->recorded, role->recorded_before + now->recorded);
}

/* ---- the loop ---- */

static void
beat(struct recorder_role *role)
{
	atomic_store(&role->board->recorder_beat_ms, clock_mono_ms());
}

/* Wait for the next turn; false when the supervisor has let go of us. */
static bool
wait_turn(const struct recorder_role *role, int timeout_ms)
{
	struct pollfd control = {.fd = role->control, .events = POLLIN};
	char message[64];

	if (poll(&control, 1, timeout_ms) <= 0)
		return true;
	if ((control.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		return false;
	(void)ipc_receive(role->control, message, sizeof(message), NULL); /* none is known */
	return true;
}

static void
serve(struct recorder_role *role)
{
	int timeout_ms = 0;

	while (wait_turn(role, timeout_ms)) {
		recorder_turn(role->recorder, clock_mono_ms());
		tell(role);
		beat(role);
		timeout_ms = TURN_MS;
		if (recorder_waiting(role->recorder) >= RECORDER_BATCH &&
		    !recorder_status(role->recorder)->store_failing)
			timeout_ms = 0;
	}
}

/* Everything that is spooled is committed, or stays in the spools. */
static void
finish(struct recorder_role *role)
{
	for (int i = 0; i < FINISH_TRIES; i++) {
		int ret = recorder_finish(role->recorder);

		tell(role);
		beat(role);
		if (ret == 0)
			return;
		(void)poll(NULL, 0, RECORDER_RETRY_MS);
	}
	log_error("%llu events could not be stored; they are kept in the spools",
	    (unsigned long long)recorder_waiting(role->recorder));
}

/* ---- what is written to ---- */

/*
 * The recorder's directories may lie in one that is closed to its user, as
 * temporary directories are.  So each is opened while all can be, and reached
 * through its descriptor from then on: such a path starts in the directory
 * itself.  Source: proc(5), /proc/pid/fd.
 */
struct places {
	char state_dir[PLACE_MAX], run_dir[PLACE_MAX], eve_dir[PLACE_MAX];
	char eve[PATH_MAX];
	int eve_fd; /* -1: none */
};

static int
open_place(const char *path, char out[PLACE_MAX], struct err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "%s", path);
	(void)snprintf(out, PLACE_MAX, "/proc/self/fd/%d", fd);
	return 0;
}

static int
open_eve(const char *eve, struct places *places, struct err *err)
{
	const char *name = strrchr(eve, '/');
	char dir[PATH_MAX];

	if (dirs_parent(eve, dir, sizeof(dir)) == NULL ||
	    open_place(dir, places->eve_dir, err) != 0)
		return -1;
	(void)snprintf(places->eve, sizeof(places->eve), "%s/%s", places->eve_dir,
	    name != NULL ? name + 1 : eve);
	/* It may be missing yet: then the directory is the recorder's own. */
	places->eve_fd = open(places->eve, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return 0;
}

static int
open_places(const struct recorder_setup *setup, struct places *places, struct err *err)
{
	places->eve_fd = -1;
	if (open_place(setup->state_dir, places->state_dir, err) != 0)
		return -1;
	/* Somebody deleted it while we ran.  The workers' spools came as
	 * descriptors, and are lost with us unless they are read. */
	if (open_place(setup->run_dir, places->run_dir, err) != 0) {
		log_warn("no spools of earlier runs are looked for: %s", err->text);
		places->run_dir[0] = '\0';
	}
	return setup->eve[0] != '\0' ? open_eve(setup->eve, places, err) : 0;
}

static int
confine(const struct places *places)
{
	const char *writable[4] = {places->state_dir};
	const char *missing = "";
	struct err err = {0};
	size_t count = 1;

	if (places->run_dir[0] != '\0')
		writable[count++] = places->run_dir;
	if (places->eve_dir[0] != '\0')
		writable[count++] = places->eve_dir;
	if (sandbox_enter(ROLE_RECORDER, writable, &missing, &err) != 0) {
		log_error("cannot be confined: %s", err.text);
		return -1;
	}
	if (missing[0] != '\0')
		log_warn("not confined by %s: the kernel has none", missing);
	return 0;
}

int
recorder_run(const struct recorder_setup *setup)
{
	static struct places places;
	struct recorder_config config = {.state_dir = places.state_dir,
	    .run_dir = places.run_dir,
	    .eve = places.eve,
	    .site = setup->site,
	    .keep_flows_s = setup->keep_flows_s,
	    .epoch = setup->epoch};
	struct recorder_role role = {.control = setup->control};
	struct err err = {0};

	log_open("recorder", LOG_LEVEL_INFO);
	/* A Ctrl-C reaches all processes of a terminal: the supervisor says when
	 * to end.  A file at its limit is an error to tell, not to die of. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	role.board = board_map(setup->board, &err);
	if (role.board == NULL || open_places(setup, &places, &err) != 0) {
		log_error("cannot serve: %s", err.text);
		return 1;
	}
	if (places.run_dir[0] == '\0')
		config.run_dir = NULL;
	config.eve_fd = places.eve_fd;
	if (confine(&places) != 0)
		return 1;
	role.recorder = recorder_open(&config, setup->spool, setup->spool_count, &err);
	if (role.recorder == NULL) {
		log_error("cannot record: %s", err.text);
		return 1;
	}
	role.recorded_before = atomic_load(&role.board->recorded);
	serve(&role);
	finish(&role);
	recorder_close(role.recorder);
	return 0;
}
