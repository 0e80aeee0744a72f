/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SANDBOX_H
#define PROXY_SANDBOX_H

#include <sys/types.h>

struct err;

enum role {
	ROLE_SUPERVISOR = 0,
	ROLE_SIGNER,
	ROLE_WORKER,
	ROLE_RECORDER,
	ROLE_BROKER,
	ROLE_CHECKER, /* reads a configuration and ends */
	ROLE_COUNT
};

const char *role_name(enum role role);

/*
 * Who a role runs as.  The user "borderlens-NAME" of /etc/passwd where there is
 * one, else fixed numbers that no distribution hands out (signer 64301, worker
 * 64302, recorder 64303, broker 64304, the group with the same number): nobody need make
 * users for a container.  Where the program was not started as root nothing
 * can be changed, and every role is who started it.
 */
struct sandbox_user {
	uid_t uid;
	gid_t gid;
};

struct sandbox_user sandbox_user(enum role role);

/*
 * Give up all that the role does not need: user and groups, every capability
 * (the broker keeps three of the network's) and the bounding set, new
 * privileges, core dumps, the file system but what it works in (Landlock,
 * landlock(7)), and the system calls it does not make (seccomp, which kills on a
 * breach).  Cannot be undone; files it needs must be open.  writable: directories
 * the role may change, NULL-ended, for the recorder; NULL for none.  From then on
 * the role dies with its parent.
 *
 * Fails when the kernel offers a layer that could not be set; a kernel without
 * a layer (Landlock older than 5.13) is said in *missing ("" else) and is no
 * failure.
 */
int sandbox_enter(enum role role, const char *const *writable, const char **missing,
    struct err *err);

/*
 * The same for the checker, which stays root (where the program was started as
 * such) so that it finds what the administrator may read: it may read every
 * file but those beneath secret (a directory or a file; the CA's key), change
 * none, reach no network, start nothing, and takes so much memory and
 * processor time and no more.
 */
int sandbox_check(const char *secret, const char **missing, struct err *err);

/*
 * The same for the supervisor, once all is set up.  What it gives up its roles
 * cannot have either, so it keeps what they need before they enter their own:
 * to change users, to signal them, to start the program behind `program`, to
 * read the system's libraries and what stands beneath `readable`, to change
 * what stands beneath `writable`.  Both are NULL-ended; what is not there is
 * left out.  Its list of system calls is of what is refused (with EPERM).
 */
struct sandbox_reach {
	const char *const *writable, *const *readable;
	const char *secret; /* the checker's; NULL: none */
	int program;
};

int sandbox_supervise(const struct sandbox_reach *reach, const char **missing, struct err *err);

#endif
