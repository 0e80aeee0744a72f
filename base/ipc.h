/* SPDX-License-Identifier: MIT */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <stddef.h>
#include <sys/types.h>

struct err;

/*
 * Messages between roles: one SOCK_SEQPACKET datagram each, whole or not at
 * all, with up to IPC_FDS_MAX descriptors beside it (unix(7), SCM_RIGHTS).
 */
enum {
	IPC_MESSAGE_MAX =
	    65536, /* bytes; a certificate's names of 64 KiB do not fit, and are refused */
	IPC_FDS_MAX = 8,
};

/* Two connected ends, close-on-exec and non-blocking. */
int ipc_pair(int ends[2], struct err *err);

/* 1: sent; 0: the other end's queue is full, try when writable; -1: err. */
int ipc_send(int fd, const void *message, size_t size, struct err *err);
int ipc_send_fds(int fd, const void *message, size_t size, const int *fds, size_t fd_count,
    struct err *err);

/*
 * Take one message of at most size bytes.  Returns its length; 0 when there is
 * none now or the other end is gone; -1 on error, and for a message that does
 * not fit, which is dropped.
 *
 * ipc_receive_fds also hands over up to *fd_count descriptors, which are the
 * caller's to close; *fd_count becomes how many came.  ipc_receive takes none.
 */
ssize_t ipc_receive(int fd, void *message, size_t size, struct err *err);
ssize_t ipc_receive_fds(int fd, void *message, size_t size, int *fds, size_t *fd_count,
    struct err *err);

#endif
