/* SPDX-License-Identifier: MIT */
#include "proxy/sandbox_files.h"

#include "base/err.h"
#include "proxy/sandbox_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of linux/landlock.h; the header of the build machine may be older than the
 * kernel that the program runs on. */
enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* ABI 2 */
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	NET_BIND_TCP = 1 << 0,  /* ABI 4 */
	NET_CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT_UNIX = 1 << 0, /* ABI 6 */
	SCOPE_SIGNAL = 1 << 1,
	CREATE_RULESET_VERSION = 1 << 0,
	RULE_PATH_BENEATH = 1,
};

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

enum {
	READ = FS_READ_FILE | FS_READ_DIR,
	RUN = READ | FS_EXECUTE,
	/* No devices, and nothing that is run. */
	CHANGE = READ | FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG |
		 FS_MAKE_SOCK | FS_REFER | FS_TRUNCATE,
	/* What a rule about a single file may say. */
	OF_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
};

/* What the roles need between their start and their own sandbox: the linker
 * with its libraries, OpenSSL's configuration and the trust store, and what
 * the C library asks about the machine. */
static const char *const system_run[] = {"/usr", "/lib", "/lib64", NULL};
static const char *const system_read[] = {"/etc", "/proc", "/sys", "/dev/urandom", NULL};
static const char *const system_write[] = {"/dev/null", NULL};
static const char *const sanitizer_read[] = {"/proc", "/usr", "/lib", "/lib64", NULL};

static uint64_t
known_rights(int abi)
{
	uint64_t known = (FS_MAKE_SYM << 1) - 1;

	if (abi >= 2)
		known |= FS_REFER;
	if (abi >= 3)
		known |= FS_TRUNCATE;
	if (abi >= 5)
		known |= FS_IOCTL_DEV;
	return known;
}

static struct ruleset
ruleset_of(enum role role, int abi)
{
	struct ruleset ruleset = {.fs = known_rights(abi)};

	if (abi >= 4 && role != ROLE_SUPERVISOR)
		ruleset.net = NET_BIND_TCP;
	if (abi >= 4 && role != ROLE_SUPERVISOR && role != ROLE_WORKER)
		ruleset.net |= NET_CONNECT_TCP;
	/* The supervisor speaks to a service manager, whose socket may be an
	 * abstract one. */
	if (abi >= 6)
		ruleset.scoped = SCOPE_SIGNAL;
	if (abi >= 6 && role != ROLE_SUPERVISOR)
		ruleset.scoped |= SCOPE_ABSTRACT_UNIX;
	return ruleset;
}

static int
allow_fd(int ruleset_fd, int fd, uint64_t rights, struct err *err)
{
	struct path_beneath rule = {.allowed = rights, .parent = fd};
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "fstat");
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= OF_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset_fd, RULE_PATH_BENEATH, &rule, 0) != 0)
		return err_sys(err, "landlock_add_rule");
	return 0;
}

static int
allow_paths(int ruleset_fd, const char *const *paths, uint64_t rights, struct err *err)
{
	for (size_t i = 0; paths != NULL && paths[i] != NULL; i++) {
		int fd = open(paths[i], O_PATH | O_CLOEXEC);
		int ret;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return err_sys(err, "open %s", paths[i]);
		ret = allow_fd(ruleset_fd, fd, rights, err);
		(void)close(fd);
		if (ret != 0)
			return -1;
	}
	return 0;
}

/* What stands in dir may be read, but the entry named but: into that one the
 * way goes on. */
static int
allow_entries(int ruleset_fd, const char *dir, const char *but, struct err *err)
{
	DIR *entries = opendir(dir);
	const struct dirent *entry;

	if (entries == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : err_sys(err, "open %s", dir);
	while ((entry = readdir(entries)) != NULL) {
		int fd;

		if (strcmp(entry->d_name, but) == 0 || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		/* Where a link leads is allowed by its own way, or is secret.  What
		 * cannot be allowed, or went meanwhile, cannot be read. */
		fd = openat(dirfd(entries), entry->d_name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			continue;
		(void)allow_fd(ruleset_fd, fd, READ, NULL);
		(void)close(fd);
	}
	(void)closedir(entries);
	return 0;
}

/* The whole file system but secret, which a rule cannot say: so each directory
 * on the way to it is allowed entry by entry. */
static int
allow_all_but(int ruleset_fd, const char *secret, struct err *err)
{
	char way[PATH_MAX], real[PATH_MAX];
	char *name = real;

	/* What is not there need not be kept from anybody. */
	if (secret == NULL || realpath(secret, real) == NULL) {
		static const char *const all[] = {"/", NULL};

		return allow_paths(ruleset_fd, all, READ, err);
	}
	while (*name == '/') {
		size_t size = strcspn(name + 1, "/");
		char entry[NAME_MAX + 1];

		(void)snprintf(way, sizeof(way), "%.*s/", (int)(name - real), real);
		(void)snprintf(entry, sizeof(entry), "%.*s", (int)size, name + 1);
		if (allow_entries(ruleset_fd, way, entry, err) != 0)
			return -1;
		name += 1 + size;
	}
	return 0;
}

static int
add_rules(int ruleset_fd, enum role role, const struct sandbox_reach *reach, uint64_t known,
    struct err *err)
{
	if (SANDBOX_SANITIZED && allow_paths(ruleset_fd, sanitizer_read, READ, err) != 0)
		return -1;
	if (allow_paths(ruleset_fd, reach->writable, CHANGE & known, err) != 0)
		return -1;
	if (role == ROLE_CHECKER)
		return allow_all_but(ruleset_fd, reach->secret, err);
	if (role != ROLE_SUPERVISOR)
		return 0;
	if (allow_paths(ruleset_fd, reach->readable, READ, err) != 0 ||
	    allow_paths(ruleset_fd, system_run, RUN, err) != 0 ||
	    allow_paths(ruleset_fd, system_read, READ, err) != 0 ||
	    allow_paths(ruleset_fd, system_write, FS_READ_FILE | FS_WRITE_FILE, err) != 0)
		return -1;
	return allow_fd(ruleset_fd, reach->program, RUN, err);
}

int
sandbox_files_restrict(enum role role, const struct sandbox_reach *reach, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	struct ruleset ruleset;
	int fd, ret = -1;

	if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 0;
	if (abi < 0)
		return err_sys(err, "landlock");
	ruleset = ruleset_of(role, (int)abi);
	fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof(ruleset), 0);
	if (fd < 0)
		return err_sys(err, "landlock_create_ruleset");
	if (add_rules(fd, role, reach, ruleset.fs, err) != 0)
		goto out;
	if (syscall(SYS_landlock_restrict_self, fd, 0) != 0) {
		(void)err_sys(err, "landlock_restrict_self");
		goto out;
	}
	ret = 1;
out:
	(void)close(fd);
	return ret;
}
