/* SPDX-License-Identifier: MIT */
#ifndef PROXY_SUPERVISOR_H
#define PROXY_SUPERVISOR_H

struct loaded;

/*
 * The appliance: sets up what needs privileges, starts the roles and keeps
 * them running until it is told to end.
 *
 * In this order, so that nothing is ever open that should not be: directories
 * and the lock, the CA, the rules of the kernel, the listening sockets, the
 * spools, the roles, and last its own sandbox.  What the roles are connected
 * by (sockets, spools, pairs) belongs to the supervisor and outlives them: a
 * role that dies is replaced by one that goes on where it was.
 *
 * SIGTERM or SIGINT: the workers take nothing more and end when their
 * connections have, after 10 s at the latest; then what they recorded is
 * stored; a second signal ends at once.  The rules stay.
 *
 * Logs.  loaded stays the caller's.  Returns the process's exit code.
 */
int supervisor_run(const struct loaded *loaded);

#endif
