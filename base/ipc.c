/* SPDX-License-Identifier: MIT */
#include "base/ipc.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
	struct cmsghdr align;
};

int
ipc_pair(int ends[2], struct err *err)
{
	int size = 4 * IPC_MESSAGE_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return err_sys(err, "socketpair");
	/* A queue that holds some of the largest messages; the default may not
	 * hold one.  A refusal only makes it shorter. */
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

int
ipc_send_fds(int fd, const void *message, size_t size, const int *fds, size_t fd_count,
    struct err *err)
{
	struct iovec iov = {.iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;

	memcpy(&iov.iov_base, &message, sizeof(message)); /* sendmsg does not write to it */
	if (fd_count > IPC_FDS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d descriptors in a message",
		    IPC_FDS_MAX);
	if (fd_count > 0) {
		struct cmsghdr *cmsg;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
	}
	for (;;) {
		if (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return 1;
		if (errno == EAGAIN || errno == ENOBUFS)
			return 0;
		if (errno != EINTR)
			return err_sys(err, "send to another role");
	}
}

int
ipc_send(int fd, const void *message, size_t size, struct err *err)
{
	return ipc_send_fds(fd, message, size, NULL, 0, err);
}

/* Take the descriptors out of msg; those beyond room are closed at once. */
static size_t
take_fds(struct msghdr *msg, int *fds, size_t room)
{
	size_t taken = 0;

	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = CMSG_NXTHDR(msg, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (taken < room)
				fds[taken++] = fd;
			else
				(void)close(fd);
		}
	}
	return taken;
}

ssize_t
ipc_receive_fds(int fd, void *message, size_t size, int *fds, size_t *fd_count, struct err *err)
{
	struct iovec iov = {.iov_base = message, .iov_len = size};
	union control control;
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes)};
	ssize_t count;

	do
		count = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (count < 0 && errno == EINTR);
	if (count < 0) {
		*fd_count = 0;
		return errno == EAGAIN ? 0 : err_sys(err, "receive from another role");
	}
	*fd_count = take_fds(&msg, fds, *fd_count);
	if ((msg.msg_flags & MSG_TRUNC) != 0) {
		for (size_t i = 0; i < *fd_count; i++)
			(void)close(fds[i]);
		*fd_count = 0;
		return err_set(err, ERR_LIMIT, "a message of another role is longer than %zu bytes",
		    size);
	}
	return count;
}

ssize_t
ipc_receive(int fd, void *message, size_t size, struct err *err)
{
	size_t none = 0;
	int fds[1];

	return ipc_receive_fds(fd, message, size, fds, &none, err);
}
