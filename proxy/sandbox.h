/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SANDBOX_H
#define PROXY_SANDBOX_H

struct err;

enum role { ROLE_SUPERVISOR = 0, ROLE_SIGNER, ROLE_WORKER, ROLE_RECORDER, ROLE_COUNT };

const char *role_name(enum role role);

/*
 * Give up all that the role does not need: user and groups, every capability
 * and the bounding set, new privileges, core dumps, the file system but what
 * it works in (Landlock, landlock(7)), and the system calls it does not make
 * (seccomp, which kills on a breach).  Cannot be undone; files it needs must
 * be open.  writable: directories the role may change, NULL-ended, for the
 * recorder; NULL for none.
 *
 * Fails when the kernel offers a layer that could not be set; a kernel without
 * a layer (Landlock older than 5.13) is said in *missing ("" else) and is no
 * failure.
 */
int sandbox_enter(enum role role, const char *const *writable, const char **missing,
    struct err *err);

#endif
