/* SPDX-License-Identifier: MIT */
#include "proxy/sandbox_calls.h"

#include "base/err.h"
#include "proxy/sandbox_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

enum { LIST_END = -1000000 }; /* no system call, real or of libseccomp's own, has this number */

/* What the C library, its allocator and libcrypto need to run at all, and a
 * log line to be written. */
static const int common[] = {SCMP_SYS(brk), SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(close), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(fstat), SCMP_SYS(futex), SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getrandom), SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday), SCMP_SYS(getuid), SCMP_SYS(lseek), SCMP_SYS(madvise),
    SCMP_SYS(membarrier), SCMP_SYS(mremap), SCMP_SYS(munmap), SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
    SCMP_SYS(set_robust_list), SCMP_SYS(sigaltstack), SCMP_SYS(time), SCMP_SYS(write),
    SCMP_SYS(writev), LIST_END};

static const int of_signer[] = {SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_wait),
    SCMP_SYS(mlock), SCMP_SYS(munlock), LIST_END};

/* The clock is only looked at: setting it needs a capability. */
static const int of_worker[] = {SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime), SCMP_SYS(accept),
    SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(epoll_wait), SCMP_SYS(eventfd2),
    SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(pipe2),
    SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(setsockopt), SCMP_SYS(shutdown),
    SCMP_SYS(splice), SCMP_SYS(tee), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_gettime),
    SCMP_SYS(timerfd_settime), LIST_END};

/* SQLite's and the EVE file's; where they may go is Landlock's to say. */
static const int of_recorder[] = {SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(fallocate), SCMP_SYS(fchmod), SCMP_SYS(fdatasync), SCMP_SYS(flock), SCMP_SYS(fstatfs),
    SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(getcwd), SCMP_SYS(getdents64), SCMP_SYS(link),
    SCMP_SYS(linkat), SCMP_SYS(lstat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(msync),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx),
    SCMP_SYS(sysinfo), SCMP_SYS(umask), SCMP_SYS(uname), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
    SCMP_SYS(utimensat), LIST_END};

/* To make sockets for others, and to send from its own. */
static const int of_broker[] = {SCMP_SYS(bind), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), LIST_END};

/* Reading: a file's content goes into sealed memory, and to the supervisor. */
static const int of_checker[] = {SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(flock), SCMP_SYS(fstatfs), SCMP_SYS(ftruncate), SCMP_SYS(getcwd), SCMP_SYS(getdents64),
    SCMP_SYS(lstat), SCMP_SYS(memfd_create), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(sendfile), SCMP_SYS(stat), SCMP_SYS(statfs), SCMP_SYS(statx), SCMP_SYS(sysinfo),
    SCMP_SYS(uname), LIST_END};

static const int *const of_role[ROLE_COUNT] = {
    [ROLE_SIGNER] = of_signer,
    [ROLE_WORKER] = of_worker,
    [ROLE_RECORDER] = of_recorder,
    [ROLE_BROKER] = of_broker,
    [ROLE_CHECKER] = of_checker,
};

/* To read /proc/self and the sources of a report, and to stop its own threads. */
static const int of_sanitizer[] = {SCMP_SYS(clone), SCMP_SYS(close_range), SCMP_SYS(getdents),
    SCMP_SYS(getdents64), SCMP_SYS(ioctl), SCMP_SYS(kill), SCMP_SYS(mmap), SCMP_SYS(mprotect),
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(pipe2), SCMP_SYS(prctl), SCMP_SYS(prlimit64),
    SCMP_SYS(ptrace), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(stat), SCMP_SYS(wait4), LIST_END};

/* Nothing that any role does, and each a way to more than it has. */
static const int refused_to_all[] = {SCMP_SYS(acct), SCMP_SYS(add_key), SCMP_SYS(bpf),
    SCMP_SYS(chroot), SCMP_SYS(clock_settime), SCMP_SYS(delete_module), SCMP_SYS(finit_module),
    SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fsopen), SCMP_SYS(fspick),
    SCMP_SYS(init_module), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register),
    SCMP_SYS(io_uring_setup), SCMP_SYS(ioperm), SCMP_SYS(iopl), SCMP_SYS(kexec_file_load),
    SCMP_SYS(kexec_load), SCMP_SYS(keyctl), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(mount),
    SCMP_SYS(mount_setattr), SCMP_SYS(move_mount), SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at), SCMP_SYS(open_tree), SCMP_SYS(perf_event_open),
    SCMP_SYS(pidfd_getfd), SCMP_SYS(pivot_root), SCMP_SYS(process_madvise),
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(quotactl), SCMP_SYS(reboot),
    SCMP_SYS(request_key), SCMP_SYS(setdomainname), SCMP_SYS(sethostname), SCMP_SYS(setns),
    SCMP_SYS(settimeofday), SCMP_SYS(swapoff), SCMP_SYS(swapon), SCMP_SYS(syslog),
    SCMP_SYS(umount2), SCMP_SYS(unshare), SCMP_SYS(userfaultfd), SCMP_SYS(vhangup), LIST_END};

/* What this architecture does not have cannot be called either; a call that is
 * allowed without conditions already stays so. */
static int
checked(int rc)
{
	return rc == -EDOM || rc == -EEXIST ? 0 : rc;
}

static int
add_list(scmp_filter_ctx filter, uint32_t action, const int *list)
{
	for (; *list != LIST_END; list++) {
		int rc = checked(seccomp_rule_add(filter, action, *list, 0));

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
allow(scmp_filter_ctx filter, int call, unsigned count, const struct scmp_arg_cmp *conditions)
{
	return checked(seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count, conditions));
}

/* An argument of type int, whose upper half the kernel does not look at. */
static struct scmp_arg_cmp
int_is(unsigned arg, uint32_t mask, uint32_t value)
{
	return (struct scmp_arg_cmp){.arg = arg,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = mask,
	    .datum_b = value};
}

static int
allow_values(scmp_filter_ctx filter, int call, unsigned arg, const uint32_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct scmp_arg_cmp equal = int_is(arg, UINT32_MAX, values[i]);
		int rc = allow(filter, call, 1, &equal);

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* No memory becomes code. */
static int
allow_memory(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp not_code = int_is(2, PROT_EXEC, 0);
	int rc = allow(filter, SCMP_SYS(mmap), 1, &not_code);

	if (rc != 0)
		return rc;
	return allow(filter, SCMP_SYS(mprotect), 1, &not_code);
}

/* Only what cannot reach another process: abort(3) signals itself, limits may
 * be read. */
static int
allow_self(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp self = int_is(0, UINT32_MAX, (uint32_t)getpid());
	struct scmp_arg_cmp read_limit[] = {int_is(0, UINT32_MAX, 0),
	    {.arg = 2, .op = SCMP_CMP_EQ, .datum_a = 0}}; /* no new limits are given */
	int rc = allow(filter, SCMP_SYS(tgkill), 1, &self);

	if (rc != 0)
		return rc;
	return allow(filter, SCMP_SYS(prlimit64), 2, read_limit);
}

/* Of IPv4 and IPv6, whatever flags stand beside the type. */
static int
allow_sockets(scmp_filter_ctx filter, uint32_t type)
{
	static const uint32_t families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < 2; i++) {
		struct scmp_arg_cmp these[] = {int_is(0, UINT32_MAX, families[i]),
		    int_is(1, ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), type)};
		int rc = allow(filter, SCMP_SYS(socket), 2, these);

		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Opened for reading; anything else fails, and is no breach: SQLite tries to
 * write first, and reads then. */
static int
allow_reading(scmp_filter_ctx filter)
{
	static const uint32_t to_write[] = {O_WRONLY, O_RDWR, O_ACCMODE};
	static const int changes[] = {SCMP_SYS(fallocate), SCMP_SYS(fchmod), SCMP_SYS(fchown),
	    SCMP_SYS(unlink), SCMP_SYS(unlinkat), LIST_END};
	struct scmp_arg_cmp reads[] = {int_is(1, O_ACCMODE, O_RDONLY),
	    int_is(2, O_ACCMODE, O_RDONLY)};
	const uint32_t no = SCMP_ACT_ERRNO(EACCES);
	int rc = allow(filter, SCMP_SYS(open), 1, &reads[0]);

	if (rc == 0)
		rc = add_list(filter, no, changes);
	if (rc == 0)
		rc = allow(filter, SCMP_SYS(openat), 1, &reads[1]);
	for (size_t i = 0; i < 3 && rc == 0; i++) {
		struct scmp_arg_cmp writes[] = {int_is(1, O_ACCMODE, to_write[i]),
		    int_is(2, O_ACCMODE, to_write[i])};

		rc = checked(seccomp_rule_add_array(filter, no, SCMP_SYS(open), 1, &writes[0]));
		if (rc == 0)
			rc = checked(
			    seccomp_rule_add_array(filter, no, SCMP_SYS(openat), 1, &writes[1]));
	}
	return rc;
}

/* Of fcntl(2): what seals a memfd. */
static int
allow_sealing(scmp_filter_ctx filter)
{
	static const uint32_t seal[] = {F_ADD_SEALS};

	return allow_values(filter, SCMP_SYS(fcntl), 1, seal, 1);
}

/* A thread of the worker's own, and nothing else that clone(2) can make.  The
 * flags of clone3(2) lie in memory, which no filter sees: the C library takes
 * clone where it is not there. */
static int
allow_threads(scmp_filter_ctx filter)
{
	const uint32_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	const uint32_t space = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
			       CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
	struct scmp_arg_cmp flags = int_is(0, thread | space, thread);
	struct scmp_arg_cmp own[] = {int_is(0, UINT32_MAX, PRIO_PROCESS),
	    int_is(1, UINT32_MAX, 0)}; /* the thread itself; up is refused by the kernel */
	int rc = allow(filter, SCMP_SYS(clone), 1, &flags);

	if (rc == 0)
		rc = checked(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
	if (rc == 0)
		rc = allow(filter, SCMP_SYS(setpriority), 2, own);
	return rc;
}

static int
allow_by_argument(scmp_filter_ctx filter, enum role role)
{
	static const uint32_t controls[] = {TCGETS, FIONREAD, FIONBIO};
	static const uint32_t of_descriptor[] = {F_GETFD, F_SETFD, F_GETFL, F_SETFL,
	    F_DUPFD_CLOEXEC, F_GETPIPE_SZ, F_SETPIPE_SZ, F_SETLK, F_SETLKW, F_GETLK, F_OFD_SETLK,
	    F_OFD_GETLK, F_GET_SEALS};
	int rc = allow_memory(filter);

	if (rc == 0)
		rc = allow_self(filter);
	if (rc == 0)
		rc = allow_values(filter, SCMP_SYS(ioctl), 1, controls,
		    sizeof(controls) / sizeof(controls[0]));
	if (rc == 0)
		rc = allow_values(filter, SCMP_SYS(fcntl), 1, of_descriptor,
		    sizeof(of_descriptor) / sizeof(of_descriptor[0]));
	if (rc == 0 && role == ROLE_WORKER)
		rc = allow_sockets(filter, SOCK_STREAM);
	if (rc == 0 && (role == ROLE_WORKER || role == ROLE_BROKER))
		rc = allow_sockets(filter, SOCK_DGRAM);
	if (rc == 0 && role == ROLE_WORKER)
		rc = allow_threads(filter);
	if (rc == 0 && role == ROLE_CHECKER)
		rc = allow_reading(filter);
	if (rc == 0 && role == ROLE_CHECKER)
		rc = allow_sealing(filter);
	return rc;
}

static int
refuse(scmp_filter_ctx filter)
{
	static const int to_debug[] = {SCMP_SYS(ptrace), LIST_END};
	struct scmp_arg_cmp packets = int_is(0, UINT32_MAX, AF_PACKET);
	int rc = add_list(filter, SCMP_ACT_ERRNO(EPERM), refused_to_all);

	/* The broker's capabilities would let it see all that passes. */
	if (rc == 0)
		rc = checked(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket),
		    1, &packets));
	if (rc != 0 || SANDBOX_SANITIZED)
		return rc;
	return add_list(filter, SCMP_ACT_ERRNO(EPERM), to_debug);
}

static int
permit(scmp_filter_ctx filter, enum role role)
{
	int rc = add_list(filter, SCMP_ACT_ALLOW, common);

	if (rc == 0)
		rc = add_list(filter, SCMP_ACT_ALLOW, of_role[role]);
	if (rc == 0 && SANDBOX_SANITIZED)
		rc = add_list(filter, SCMP_ACT_ALLOW, of_sanitizer);
	return rc == 0 ? allow_by_argument(filter, role) : rc;
}

static int
fill(scmp_filter_ctx filter, enum role role)
{
	int rc;

	/* A tree of comparisons, not a row of them: a call costs the same
	 * wherever it stands in the tables. */
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* What kills is logged by the kernel anyhow.  A role's refused calls are
	 * none to be told of: the C library asks for clone3 first. */
	if (rc == 0 && role == ROLE_SUPERVISOR)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc != 0)
		return rc;
	return role == ROLE_SUPERVISOR ? refuse(filter) : permit(filter, role);
}

int
sandbox_calls_filter(enum role role, struct err *err)
{
	uint32_t kill = SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx filter;
	int rc;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &kill) != 0 && errno == ENOSYS)
		return 0;
	filter = seccomp_init(role == ROLE_SUPERVISOR ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	if (filter == NULL)
		return err_set(err, ERR_NOMEM, "seccomp: no memory");
	rc = fill(filter, role);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc == 0)
		return 1;
	errno = -rc;
	return err_sys(err, "seccomp");
}
