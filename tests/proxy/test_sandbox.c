/* SPDX-License-Identifier: MIT */
#include "proxy/sandbox.h"

#include "base/err.h"
#include "proxy/sandbox_private.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_LAYER = 98, NO_SANDBOX = 99, ALLOWED = 0, DENIED = 1, OTHERWISE = 2 };

/* What a probe does once confined: returns 0 when it was let. */
typedef int probe(const char *dir);

static int
let(long ret)
{
	if (ret >= 0)
		return ALLOWED;
	return errno == EPERM || errno == EACCES ? DENIED : OTHERWISE;
}

static int
opens_a_file(const char *dir)
{
	(void)dir;
	return let(open("/etc/passwd", O_RDONLY));
}

static int
executes(const char *dir)
{
	char program[] = "/bin/true";
	char *argv[] = {program, NULL};

	(void)dir;
	return let(execv(program, argv));
}

static int
forks(const char *dir)
{
	pid_t pid;

	(void)dir;
	pid = fork();
	if (pid == 0)
		_exit(0);
	return let(pid);
}

static int
reads_another(const char *dir)
{
	char byte;
	struct iovec local = {&byte, 1}, remote = {&byte, 1};

	(void)dir;
	return let(process_vm_readv(getppid(), &local, 1, &remote, 1, 0));
}

static int
signals_another(const char *dir)
{
	(void)dir;
	return let(kill(getppid(), SIGCONT));
}

static int
makes_code(const char *dir)
{
	(void)dir;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		       MAP_FAILED
		   ? DENIED
		   : ALLOWED;
}

static int
becomes_root(const char *dir)
{
	(void)dir;
	return let(setresuid(0, 0, 0));
}

static int
looks_at_the_clock(const char *dir)
{
	struct timex state = {0};

	(void)dir;
	return let(adjtimex(&state));
}

static int
sets_the_clock(const char *dir)
{
	struct timex state = {.modes = ADJ_STATUS, .status = STA_UNSYNC};

	(void)dir;
	return let(adjtimex(&state));
}

static int
opens_tcp(const char *dir)
{
	(void)dir;
	return let(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) |
	       let(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static int
opens_udp(const char *dir)
{
	(void)dir;
	return let(socket(AF_INET, SOCK_DGRAM, 0));
}

/* From an address that is nobody's here, and a low port. */
static int
answers_as_another(const char *dir)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(53)};
	const int on = 1;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)dir;
	at.sin_addr.s_addr = htonl(0xcb007107); /* 203.0.113.7 */
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)) != 0)
		return let(-1);
	return let(bind(fd, (struct sockaddr *)&at, sizeof(at)));
}

static int
opens_raw(const char *dir)
{
	(void)dir;
	return let(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
opens_netlink(const char *dir)
{
	(void)dir;
	return let(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int
opens_unix(const char *dir)
{
	(void)dir;
	return let(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int
connects(const char *dir)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(1)};

	(void)dir;
	return let(connect(STDIN_FILENO, (struct sockaddr *)&at, sizeof(at)));
}

static int
injects_into_terminal(const char *dir)
{
	char byte = 'x';

	(void)dir;
	return let(ioctl(STDIN_FILENO, TIOCSTI, &byte));
}

static int
writes_inside(const char *dir)
{
	char path[512], other[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/new", dir);
	(void)snprintf(other, sizeof(other), "%s/old", dir);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || write(fd, "x", 1) != 1 || fdatasync(fd) != 0 || ftruncate(fd, 0) != 0)
		return let(-1);
	return let(rename(path, other)) | let(unlink(other));
}

static int
writes_outside(const char *dir)
{
	(void)dir;
	return let(open("/tmp/borderlens-test-outside", O_RDWR | O_CREAT, 0600));
}

static int
makes_a_device(const char *dir)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/device", dir);
	return let(mknod(path, S_IFCHR | 0600, 0));
}

static int
mounts(const char *dir)
{
	return let(mount("none", dir, "tmpfs", 0, NULL));
}

static int
makes_a_namespace(const char *dir)
{
	(void)dir;
	return let(unshare(CLONE_NEWUSER));
}

static int
traces(const char *dir)
{
	(void)dir;
	return let(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

/* What the checker may read, and the secret beside it, by name and by a link. */
static int
opens(const char *dir, const char *name)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return let(open(path, O_RDONLY));
}

static int
opens_what_is_beside(const char *dir)
{
	return opens(dir, "beside/file");
}

static int
opens_the_secret(const char *dir)
{
	return opens(dir, "secret/key");
}

static int
opens_the_secret_by_a_link(const char *dir)
{
	return opens(dir, "link");
}

static int
opens_to_write(const char *dir)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/beside/file", dir);
	return let(open(path, O_RDWR));
}

static int
seals(const char *dir)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)dir;
	return let(fd < 0 ? fd : fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

static void *
do_nothing(void *arg)
{
	return arg;
}

static int
starts_a_thread(const char *dir)
{
	pthread_t thread;

	(void)dir;
	errno = pthread_create(&thread, NULL, do_nothing, NULL);
	return errno != 0 ? let(-1) : let(-pthread_join(thread, NULL));
}

/* As what a reload made is freed: by the thousand, in the arena of a thread. */
static void *
frees_much(void *arg)
{
	enum { COUNT = 600, BYTES = 64 << 10 };
	void *volatile pieces[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		pieces[i] = malloc(BYTES);
	for (size_t i = 0; i < COUNT; i++)
		free(pieces[i]);
	return arg;
}

static int
frees_much_in_a_thread(const char *dir)
{
	pthread_t thread;

	(void)dir;
	errno = pthread_create(&thread, NULL, frees_much, NULL);
	return errno != 0 ? let(-1) : let(-pthread_join(thread, NULL));
}

static int
compare_ints(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int
sorts_much(const char *dir)
{
	enum { COUNT = 10000 };
	static int numbers[COUNT];

	(void)dir;
	for (int i = 0; i < COUNT; i++)
		numbers[i] = COUNT - i;
	qsort(numbers, COUNT, sizeof(numbers[0]), compare_ints);
	return numbers[0] == 1 ? ALLOWED : OTHERWISE;
}

struct row {
	const char *what;
	enum role role;
	probe *probe;
	bool allowed;
	bool loose; /* the sanitizer's build lets itself do it */
};

static const struct row rows[] = {
    {"signer opens a file", ROLE_SIGNER, opens_a_file, false, false},
    {"worker opens a file", ROLE_WORKER, opens_a_file, false, false},
    {"recorder opens a file outside", ROLE_RECORDER, opens_a_file, false, false},
    {"signer executes", ROLE_SIGNER, executes, false, false},
    {"worker executes", ROLE_WORKER, executes, false, false},
    {"recorder executes", ROLE_RECORDER, executes, false, false},
    {"signer forks", ROLE_SIGNER, forks, false, true},
    {"worker forks", ROLE_WORKER, forks, false, true},
    {"recorder forks", ROLE_RECORDER, forks, false, true},
    {"signer reads another process", ROLE_SIGNER, reads_another, false, false},
    {"worker reads another process", ROLE_WORKER, reads_another, false, false},
    {"recorder reads another process", ROLE_RECORDER, reads_another, false, false},
    {"worker signals another process", ROLE_WORKER, signals_another, false, false},
    {"signer makes code", ROLE_SIGNER, makes_code, false, true},
    {"worker makes code", ROLE_WORKER, makes_code, false, true},
    {"worker becomes root", ROLE_WORKER, becomes_root, false, false},
    {"recorder becomes root", ROLE_RECORDER, becomes_root, false, false},
    {"signer opens TCP", ROLE_SIGNER, opens_tcp, false, false},
    {"recorder opens TCP", ROLE_RECORDER, opens_tcp, false, false},
    {"worker opens TCP", ROLE_WORKER, opens_tcp, true, false},
    {"worker opens UDP", ROLE_WORKER, opens_udp, true, false},
    {"signer opens UDP", ROLE_SIGNER, opens_udp, false, false},
    {"recorder opens UDP", ROLE_RECORDER, opens_udp, false, false},
    {"checker opens UDP", ROLE_CHECKER, opens_udp, false, false},
    {"broker opens UDP", ROLE_BROKER, opens_udp, true, false},
    {"broker answers as another", ROLE_BROKER, answers_as_another, true, false},
    {"worker answers as another", ROLE_WORKER, answers_as_another, false, false},
    {"broker opens TCP", ROLE_BROKER, opens_tcp, false, false},
    {"broker connects", ROLE_BROKER, connects, false, false},
    {"broker opens raw", ROLE_BROKER, opens_raw, false, false},
    {"broker opens netlink", ROLE_BROKER, opens_netlink, false, false},
    {"broker opens a file", ROLE_BROKER, opens_a_file, false, false},
    {"broker executes", ROLE_BROKER, executes, false, false},
    {"broker forks", ROLE_BROKER, forks, false, true},
    {"broker becomes root", ROLE_BROKER, becomes_root, false, false},
    {"broker reads another process", ROLE_BROKER, reads_another, false, false},
    {"broker signals another process", ROLE_BROKER, signals_another, false, false},
    {"worker looks at the clock", ROLE_WORKER, looks_at_the_clock, true, false},
    {"worker sets the clock", ROLE_WORKER, sets_the_clock, false, false},
    {"supervisor sets the clock", ROLE_SUPERVISOR, sets_the_clock, false, false},
    {"worker opens raw", ROLE_WORKER, opens_raw, false, false},
    {"worker opens netlink", ROLE_WORKER, opens_netlink, false, false},
    {"worker opens unix", ROLE_WORKER, opens_unix, false, false},
    {"signer connects", ROLE_SIGNER, connects, false, false},
    {"recorder connects", ROLE_RECORDER, connects, false, false},
    {"worker injects into a terminal", ROLE_WORKER, injects_into_terminal, false, true},
    {"recorder writes inside", ROLE_RECORDER, writes_inside, true, false},
    {"recorder writes outside", ROLE_RECORDER, writes_outside, false, false},
    {"worker writes inside", ROLE_WORKER, writes_inside, false, false},
    {"recorder makes a device", ROLE_RECORDER, makes_a_device, false, false},
    {"supervisor writes inside", ROLE_SUPERVISOR, writes_inside, true, false},
    {"supervisor writes outside", ROLE_SUPERVISOR, writes_outside, false, false},
    {"supervisor mounts", ROLE_SUPERVISOR, mounts, false, false},
    {"supervisor makes a namespace", ROLE_SUPERVISOR, makes_a_namespace, false, false},
    {"supervisor reads another process", ROLE_SUPERVISOR, reads_another, false, false},
    {"supervisor opens raw", ROLE_SUPERVISOR, opens_raw, false, false},
    {"supervisor starts a role", ROLE_SUPERVISOR, forks, true, false},
    {"supervisor traces", ROLE_SUPERVISOR, traces, false, true},
    {"worker traces", ROLE_WORKER, traces, false, true},
    {"worker starts a thread", ROLE_WORKER, starts_a_thread, true, false},
    {"worker frees much in a thread", ROLE_WORKER, frees_much_in_a_thread, true, false},
    {"worker sorts much", ROLE_WORKER, sorts_much, true, false},
    {"broker sorts much", ROLE_BROKER, sorts_much, true, false},
    {"signer starts a thread", ROLE_SIGNER, starts_a_thread, false, true},
    {"checker opens a file", ROLE_CHECKER, opens_a_file, true, false},
    {"checker opens what is beside the secret", ROLE_CHECKER, opens_what_is_beside, true, false},
    {"checker opens the secret", ROLE_CHECKER, opens_the_secret, false, false},
    {"checker opens the secret by a link", ROLE_CHECKER, opens_the_secret_by_a_link, false, false},
    {"checker opens to write", ROLE_CHECKER, opens_to_write, false, false},
    {"checker writes inside", ROLE_CHECKER, writes_inside, false, false},
    {"checker writes outside", ROLE_CHECKER, writes_outside, false, false},
    {"checker seals", ROLE_CHECKER, seals, true, false},
    {"checker executes", ROLE_CHECKER, executes, false, false},
    {"checker forks", ROLE_CHECKER, forks, false, true},
    {"checker reads another process", ROLE_CHECKER, reads_another, false, false},
    {"checker signals another process", ROLE_CHECKER, signals_another, false, false},
    {"checker makes code", ROLE_CHECKER, makes_code, false, true},
    {"checker opens TCP", ROLE_CHECKER, opens_tcp, false, false},
    {"checker opens unix", ROLE_CHECKER, opens_unix, false, false},
};

/* ---- running probes ---- */

enum { LARGE_BYTES = 3 << 20 };

static int
confine(enum role role, const char *dir)
{
	const char *writable[] = {dir, NULL}, *missing;
	struct sandbox_reach reach = {.writable = writable, .program = -1};
	struct err err = {0};
	int ret;

	void *volatile large = malloc(LARGE_BYTES);
	char secret[512];

	free(large); /* as a role that read its files: the allocator keeps more from then on */
	(void)snprintf(secret, sizeof(secret), "%s/secret", dir);
	if (role == ROLE_CHECKER) {
		ret = sandbox_check(secret, &missing, &err);
	} else if (role == ROLE_SUPERVISOR) {
		reach.program = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
		ret = sandbox_supervise(&reach, &missing, &err);
	} else {
		ret = sandbox_enter(role, role == ROLE_RECORDER ? writable : NULL, &missing, &err);
	}
	if (ret != 0)
		(void)fprintf(stderr, "%s\n", err.text);
	else if (missing[0] != '\0')
		(void)fprintf(stderr, "no %s\n", missing);
	if (ret != 0)
		return NO_SANDBOX;
	return missing[0] == '\0' ? 0 : NO_LAYER;
}

static void
need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can change users");
}

static void
make_secret(const char *dir)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/secret", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	scratch_file(path, "key", "key", 3);
	(void)snprintf(path, sizeof(path), "%s/beside", dir);
	cr_assert_eq(mkdir(path, 0700), 0);
	scratch_file(path, "file", "file", 4);
	(void)snprintf(path, sizeof(path), "%s/link", dir);
	cr_assert_eq(symlink("secret/key", path), 0);
}

/* A directory that the recorder's user may write to. */
static void
make_dir(char *out, size_t size)
{
	struct sandbox_user user = sandbox_user(ROLE_RECORDER);

	scratch_dir(out, size);
	cr_assert_eq(chown(out, user.uid, user.gid), 0);
	cr_assert_eq(chmod(out, 0777), 0);
	make_secret(out);
}

static int
run(enum role role, probe *what, const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int confined = confine(role, dir);

		_exit(confined == 0 ? what(dir) : confined);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_LAYER)
		cr_skip_test("this kernel has not every layer of the sandbox");
	return status;
}

/* Whether a process of its own can do it without any sandbox: a container may
 * lack the capability that a role keeps. */
static bool
can_be_done(probe *what, const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(what(dir));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == ALLOWED;
}

/* Each test is a process of its own with another layout, so a row with a
 * pointer cannot be handed over: its number is. */
ParameterizedTestParameters(sandbox, lets_a_role_do_its_work_and_no_more)
{
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
	static size_t numbers[ROWS];

	for (size_t i = 0; i < ROWS; i++)
		numbers[i] = i;
	return cr_make_param_array(size_t, numbers, ROWS);
}

ParameterizedTest(const size_t *number, sandbox, lets_a_role_do_its_work_and_no_more)
{
	const struct row *row = &rows[*number];
	char dir[256];
	bool possible;
	int status;

	need_root();
	if (row->loose && SANDBOX_SANITIZED)
		cr_skip_test("a build with sanitizers lets itself do this");
	make_dir(dir, sizeof(dir));
	possible = !row->allowed || can_be_done(row->probe, dir);
	status = run(row->role, row->probe, dir);
	scratch_remove(dir);
	if (!possible)
		cr_skip_test("nobody can do this here");
	cr_assert(!WIFEXITED(status) || WEXITSTATUS(status) != NO_SANDBOX, "%s: no sandbox",
	    row->what);
	if (row->allowed)
		cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == ALLOWED, "%s: status %x",
		    row->what, (unsigned)status);
	else
		cr_assert((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
			      (WIFEXITED(status) && WEXITSTATUS(status) == DENIED),
		    "%s: status %x", row->what, (unsigned)status);
}

/* ---- who a role is ---- */

/* What /proc says of pid behind key, without the blanks before it. */
static void
read_status(pid_t pid, const char *key, char *out, size_t size)
{
	char path[64], line[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "r");
	cr_assert_not_null(file);
	out[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0)
			(void)snprintf(out, size, "%s",
			    line + strlen(key) + strspn(line + strlen(key), " \t"));
	}
	(void)fclose(file);
	out[strcspn(out, "\n")] = '\0';
}

static void
expect_status(pid_t pid, const char *key, const char *expected)
{
	char found[128];

	read_status(pid, key, found, sizeof(found));
	cr_expect_str_eq(found, expected, "%s %s", key, found);
}

static void
look_at(enum role role)
{
	struct sandbox_user user = sandbox_user(role);
	int ready[2], end[2];
	char byte = 0, ids[64];
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(end), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(end[1]);
		if (confine(role, NULL) == NO_SANDBOX || write(ready[1], "x", 1) != 1)
			_exit(NO_SANDBOX);
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	(void)close(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	(void)snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", (unsigned)user.uid, (unsigned)user.uid,
	    (unsigned)user.uid, (unsigned)user.uid);
	expect_status(pid, "Uid:", ids);
	expect_status(pid, "Gid:", ids);
	expect_status(pid, "Groups:", "");
	expect_status(pid, "CapInh:", "0000000000000000");
	expect_status(pid, "CapPrm:", "0000000000000000");
	expect_status(pid, "CapEff:", "0000000000000000");
	expect_status(pid, "CapBnd:", "0000000000000000");
	expect_status(pid, "CapAmb:", "0000000000000000");
	expect_status(pid, "NoNewPrivs:", "1");
	expect_status(pid, "Seccomp:", "2");
	(void)close(end[1]);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

Test(sandbox, gives_every_role_a_user_of_its_own_and_no_capability)
{
	need_root();
	cr_expect_neq(sandbox_user(ROLE_SIGNER).uid, sandbox_user(ROLE_WORKER).uid);
	cr_expect_neq(sandbox_user(ROLE_WORKER).uid, sandbox_user(ROLE_RECORDER).uid);
	cr_expect_neq(sandbox_user(ROLE_RECORDER).uid, sandbox_user(ROLE_SIGNER).uid);
	look_at(ROLE_SIGNER);
	look_at(ROLE_WORKER);
	look_at(ROLE_RECORDER);
}

static int
starts_a_worker(const char *dir)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(confine(ROLE_WORKER, NULL) == 0 ? opens_tcp(dir) : NO_SANDBOX);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
								    : OTHERWISE;
}

static int
stops_a_worker(const char *dir)
{
	struct sandbox_user user = sandbox_user(ROLE_WORKER);
	int status = 0;
	pid_t pid;

	(void)dir;
	pid = fork();
	if (pid == 0) {
		if (setresuid(user.uid, user.uid, user.uid) != 0)
			_exit(NO_SANDBOX);
		for (;;)
			(void)pause();
	}
	if (kill(pid, SIGKILL) != 0)
		return let(-1);
	return waitpid(pid, &status, 0) == pid ? ALLOWED : OTHERWISE;
}

Test(sandbox, leaves_the_supervisor_able_to_start_and_stop_roles)
{
	char dir[256];

	need_root();
	make_dir(dir, sizeof(dir));
	cr_expect_eq(run(ROLE_SUPERVISOR, starts_a_worker, dir), 0);
	cr_expect_eq(run(ROLE_SUPERVISOR, stops_a_worker, dir), 0);
	scratch_remove(dir);
}

/* The pipe's last writer is the role: it reads as ended when the role has. */
Test(sandbox, ends_a_role_with_its_parent, .timeout = 10)
{
	int alive[2], ready[2];
	pid_t parent;
	char byte;

	need_root();
	cr_assert_eq(pipe(alive), 0);
	parent = fork();
	if (parent == 0) {
		if (pipe(ready) != 0)
			_exit(1);
		if (fork() == 0) {
			if (confine(ROLE_WORKER, NULL) == NO_SANDBOX ||
			    write(ready[1], "x", 1) != 1)
				_exit(NO_SANDBOX);
			for (;;)
				(void)poll(NULL, 0, -1);
		}
		_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
	}
	(void)close(alive[1]);
	cr_expect_eq(read(alive[0], &byte, 1), 0);
	cr_assert_eq(waitpid(parent, NULL, 0), parent);
}

Test(sandbox, names_every_role)
{
	for (int role = 0; role < ROLE_COUNT; role++)
		cr_expect_not_null(role_name((enum role)role));
}
