/* SPDX-License-Identifier: MIT */
#include "proxy/sandbox.h"

#include "base/err.h"
#include "proxy/sandbox_calls.h"
#include "proxy/sandbox_files.h"
#include "proxy/sandbox_private.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	UID_FIRST = 64300, /* Debian keeps 60000 to 64999 for what is set aside by hand */
	CHECK_CPU_S_MAX = 60,
	ARENAS_MAX = 8,
	/* Together nearly what an arena's heap holds, 64 MiB, as what it keeps grew with
	 * what was freed before (M_TRIM_THRESHOLD); each less than is mapped by itself
	 * (M_MMAP_THRESHOLD).  Of each one page is touched. */
	PIECES = 672,
	PIECE_BYTES = 96 << 10,
	SORTED_BYTES = 4096,
};
#define CHECK_BYTES_MAX ((rlim_t)8 << 30)

static const char *const role_names[ROLE_COUNT] = {
    [ROLE_SUPERVISOR] = "supervisor",
    [ROLE_SIGNER] = "signer",
    [ROLE_WORKER] = "worker",
    [ROLE_RECORDER] = "recorder",
    [ROLE_BROKER] = "broker",
    [ROLE_CHECKER] = "checker",
};

const char *
role_name(enum role role)
{
	return role_names[role];
}

/* ---- users ---- */

/* The file alone is asked: a directory service has no say in who holds the
 * keys, and must not be waited for when a role is started again. */
static bool
find_user(const char *name, struct sandbox_user *user)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry;
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && (entry = fgetpwent(file)) != NULL) {
		if (strcmp(entry->pw_name, name) != 0 || entry->pw_uid == 0)
			continue;
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
		found = true;
	}
	(void)fclose(file);
	return found;
}

struct sandbox_user
sandbox_user(enum role role)
{
	struct sandbox_user user = {geteuid(), getegid()};
	char name[32];

	if (role == ROLE_SUPERVISOR || role == ROLE_CHECKER || user.uid != 0)
		return user;
	(void)snprintf(name, sizeof(name), "borderlens-%s", role_names[role]);
	if (!find_user(name, &user)) {
		user.uid = UID_FIRST + (uid_t)role;
		user.gid = UID_FIRST + (gid_t)role;
	}
	return user;
}

static int
become(struct sandbox_user user, struct err *err)
{
	if (geteuid() != 0)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(user.gid, user.gid, user.gid) != 0)
		return err_sys(err, "change to group %u (needs CAP_SETGID)", (unsigned)user.gid);
	if (setresuid(user.uid, user.uid, user.uid) != 0)
		return err_sys(err, "change to user %u (needs CAP_SETUID)", (unsigned)user.uid);
	return 0;
}

/* ---- capabilities ---- */

static bool
is_kept(int cap, const int *kept)
{
	for (; *kept >= 0; kept++) {
		if (*kept == cap)
			return true;
	}
	return false;
}

/* Without CAP_SETPCAP the bounding set cannot be made smaller; it gives
 * nothing then either, as no-new-privileges is set and roles are not root. */
static int
limit_bounding_set(const int *kept, struct err *err)
{
	/* Up to the last one that the kernel knows, not that a header knew. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (is_kept(cap, kept))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap) != 0 && errno != EPERM)
			return err_sys(err, "drop a capability of the bounding set");
	}
	return 0;
}

/* Keep these, as far as they are there, and no other. */
static int
limit_capabilities(const int *kept, struct err *err)
{
	int held[CAP_LAST_CAP + 1];
	size_t count = 0;

	for (const int *cap = kept; *cap >= 0; cap++) {
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned)*cap) == 1)
			held[count++] = *cap;
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < count; i++)
		(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)held[i]);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return err_sys(err, "drop capabilities");
	return 0;
}

/* ---- the rest ---- */

/* Memory is shown to nobody: neither in a core dump nor to a debugger. */
static int
hide_memory(struct err *err)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_sys(err, "setrlimit");
	if (prctl(PR_SET_DUMPABLE, SANDBOX_SANITIZED, 0, 0, 0) != 0)
		return err_sys(err, "prctl(PR_SET_DUMPABLE)");
	return 0;
}

static int
restrict_self(enum role role, const struct sandbox_reach *reach, const char **missing,
    struct err *err)
{
	int files, calls;

	*missing = "";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_sys(err, "prctl(PR_SET_NO_NEW_PRIVS)");
	if (hide_memory(err) != 0)
		return -1;
	files = sandbox_files_restrict(role, reach, err);
	if (files < 0)
		return -1;
	calls = sandbox_calls_filter(role, err);
	if (calls < 0)
		return -1;
	if (files == 0 && calls == 0)
		*missing = "Landlock and no seccomp";
	else if (files == 0)
		*missing = "Landlock";
	else if (calls == 0)
		*missing = "seccomp";
	return 0;
}

/* The first time that glibc gives memory of a thread's arena back it reads
 * /proc/sys/vm/overcommit_memory. */
static void *
shrink_arena(void *arg)
{
	void *volatile pieces[PIECES];

	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = malloc(PIECE_BYTES);
	for (size_t i = 0; i < PIECES; i++)
		free(pieces[i]);
	return arg;
}

static int
compare_bytes(const void *a, const void *b)
{
	return *(const uint8_t *)a - *(const uint8_t *)b;
}

/* What the C library would open or ask when it is first needed: its time zone,
 * which is UTC in all that we write; how many processors there are, by which it
 * bounds the allocator's arenas where threads come and go; how a thread's arena
 * is to shrink; and how much memory there is, by which qsort(3) of more than a
 * kilobyte chooses its way. */
static void
read_ahead(void)
{
	uint8_t many[SORTED_BYTES] = {0};
	pthread_t thread;

	qsort(many, sizeof(many), 1, compare_bytes);
	(void)mallopt(M_ARENA_MAX, ARENAS_MAX);
	if (pthread_create(&thread, NULL, shrink_arena, NULL) == 0)
		(void)pthread_join(thread, NULL);
	(void)setenv("TZ", "UTC0", 1);
	tzset();
}

/* To be who a camera sent to, at any port, on the cameras' interfaces alone; and
 * to see the kernel's rules. */
static const int of_broker[] = {CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, -1};

int
sandbox_enter(enum role role, const char *const *writable, const char **missing, struct err *err)
{
	static const int none[] = {-1};
	const int *kept = role == ROLE_BROKER ? of_broker : none;
	struct sandbox_reach reach = {.writable = writable, .program = -1};
	pid_t parent = getppid();

	read_ahead();
	if (capng_get_caps_process() != 0)
		return err_sys(err, "read the capabilities");
	/* Else a change of user would take them all (capabilities(7)). */
	if (kept != none && prctl(PR_SET_KEEPCAPS, 1) != 0)
		return err_sys(err, "prctl(PR_SET_KEEPCAPS)");
	if (limit_bounding_set(kept, err) != 0 || become(sandbox_user(role), err) != 0 ||
	    limit_capabilities(kept, err) != 0)
		return -1;
	/* A change of user undoes it (prctl(2)), so it comes after; the parent
	 * may have ended before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return err_sys(err, "prctl(PR_SET_PDEATHSIG)");
	if (getppid() != parent)
		return err_set(err, ERR_SYS, "the parent process has ended");
	return restrict_self(role, &reach, missing, err);
}

/* Much more than any configuration takes, and less than would hurt: the largest
 * database that is sold is checked in 3 s. */
static int
limit_use(struct err *err)
{
	const struct rlimit memory = {CHECK_BYTES_MAX, CHECK_BYTES_MAX};
	const struct rlimit time = {CHECK_CPU_S_MAX, CHECK_CPU_S_MAX};

	/* The address sanitizer maps terabytes. */
	if (!SANDBOX_SANITIZED && setrlimit(RLIMIT_AS, &memory) != 0)
		return err_sys(err, "setrlimit");
	return setrlimit(RLIMIT_CPU, &time) == 0 ? 0 : err_sys(err, "setrlimit");
}

int
sandbox_check(const char *secret, const char **missing, struct err *err)
{
	static const int kept[] = {CAP_DAC_READ_SEARCH, -1};
	const struct sandbox_reach reach = {.secret = secret, .program = -1};
	pid_t parent = getppid();

	read_ahead();
	if (capng_get_caps_process() != 0)
		return err_sys(err, "read the capabilities");
	if (limit_bounding_set(kept, err) != 0 || limit_capabilities(kept, err) != 0 ||
	    limit_use(err) != 0)
		return -1;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return err_sys(err, "prctl(PR_SET_PDEATHSIG)");
	if (getppid() != parent)
		return err_set(err, ERR_SYS, "the parent process has ended");
	return restrict_self(ROLE_CHECKER, &reach, missing, err);
}

int
sandbox_supervise(const struct sandbox_reach *reach, const char **missing, struct err *err)
{
	/* To let roles become who they are and shrink their own bounding set,
	 * to signal them, to let the signer lock its memory, the checker read
	 * what the administrator may, and the broker have what it keeps. */
	static const int kept[] = {CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_IPC_LOCK,
	    CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, -1};

	if (capng_get_caps_process() != 0)
		return err_sys(err, "read the capabilities");
	if (limit_bounding_set(kept, err) != 0 || limit_capabilities(kept, err) != 0)
		return -1;
	return restrict_self(ROLE_SUPERVISOR, reach, missing, err);
}
