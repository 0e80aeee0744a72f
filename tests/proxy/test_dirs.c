/* SPDX-License-Identifier: MIT */
#include "proxy/dirs.h"

#include "base/err.h"
#include "config/config.h"
#include "proxy/sandbox.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static char dir[256];
static struct config config;

static void
make_place(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can give directories away");
	scratch_dir(dir, sizeof(dir));
	cr_assert_eq(chmod(dir, 0755), 0);
	(void)snprintf(config.state_dir, sizeof(config.state_dir), "%s/a/b/state", dir);
	(void)snprintf(config.run_dir, sizeof(config.run_dir), "%s/run", dir);
	(void)snprintf(config.record.eve, sizeof(config.record.eve), "%s/log/eve.json", dir);
	config.tls.ca_auto = true;
}

static void
remove_place(void)
{
	if (dir[0] != '\0')
		scratch_remove(dir);
}

TestSuite(dirs, .init = make_place, .fini = remove_place);

static struct stat
look(const char *name)
{
	char path[1024];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st;
}

static void
make(void)
{
	struct err err = {0};

	cr_assert_eq(dirs_make(&config, &err), 0, "%s", err.text);
}

static void
expect(const char *name, gid_t gid, unsigned mode)
{
	struct stat st = look(name);

	cr_expect_eq(st.st_uid, 0, "%s: user %u", name, st.st_uid);
	cr_expect_eq(st.st_gid, gid, "%s: group %u", name, st.st_gid);
	cr_expect_eq(st.st_mode & 07777U, mode, "%s: mode %o", name, st.st_mode);
}

Test(dirs, are_made_for_the_recorder_and_the_keys_for_nobody)
{
	gid_t gid = sandbox_user(ROLE_RECORDER).gid;

	make();
	expect("a/b", 0, 0755);
	expect("a/b/state", gid, 01770);
	expect("a/b/state/ca", 0, 0700);
	expect("run", gid, 01770);
	expect("log", gid, 01775);
	make();
	expect("a/b/state", gid, 01770);
	expect("a/b/state/ca", 0, 0700);
}

Test(dirs, that_are_there_keep_what_they_allow)
{
	make();
	cr_assert_eq(chmod(config.run_dir, 0755), 0);
	make();
	expect("run", sandbox_user(ROLE_RECORDER).gid, 01775);
}

Test(dirs, of_others_are_refused)
{
	struct err err = {0};

	cr_assert_eq(mkdir(config.run_dir, 0755), 0);
	cr_assert_eq(chown(config.run_dir, 0, 50), 0);
	cr_expect_eq(dirs_make(&config, &err), -1);
	cr_expect_not_null(strstr(err.text, config.run_dir), "%s", err.text);
	expect("run", 50, 0755);
}

Test(dirs, may_lie_in_one_that_is_closed)
{
	cr_assert_eq(chmod(dir, 0700), 0);
	make();
	expect("a/b/state", sandbox_user(ROLE_RECORDER).gid, 01770);
}

Test(dirs, of_logs_that_hold_other_files_stay_as_they_are)
{
	char log[512];
	struct stat st;

	(void)snprintf(log, sizeof(log), "%s/log", dir);
	cr_assert_eq(mkdir(log, 0755), 0);
	scratch_file(log, "syslog", "x", 1);
	make();
	expect("log", 0, 0755);
	st = look("log/eve.json");
	cr_expect_eq(st.st_uid, 0U);
	cr_expect_eq(st.st_gid, sandbox_user(ROLE_RECORDER).gid);
	cr_expect_eq(st.st_mode & 07777U, 0664U);
}

Test(dirs, an_eve_that_is_a_pipe_is_refused_and_not_waited_for)
{
	char path[512];
	struct err err = {0};

	(void)snprintf(path, sizeof(path), "%s/log", dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	scratch_file(path, "other.log", "x", 1);
	cr_assert_eq(mkfifo(config.record.eve, 0600), 0);
	(void)alarm(5); /* the test would stand still for ever */
	cr_expect_eq(dirs_make(&config, &err), -1);
	cr_expect_neq(err.text[0], '\0');
}

Test(dirs, a_device_in_place_of_the_eve_file_is_refused_untouched)
{
	char log[512], path[600];
	struct err err = {0};
	struct stat st;

	(void)snprintf(log, sizeof(log), "%s/log", dir);
	(void)snprintf(path, sizeof(path), "%s/eve.json", log);
	cr_assert_eq(mkdir(log, 0755), 0);
	scratch_file(log, "syslog", "x", 1);
	if (mknod(path, S_IFCHR | 0600, makedev(1, 3)) != 0)
		cr_skip_test("no device can be made here");
	cr_expect_eq(dirs_make(&config, &err), -1);
	cr_expect_not_null(strstr(err.text, "regular"), "%s", err.text);
	st = look("log/eve.json");
	cr_expect_eq(st.st_gid, 0U);
	cr_expect_eq(st.st_mode & 07777U, 0600U);
}

Test(dirs, are_made_without_eve)
{
	config.record.eve[0] = '\0';
	make();
	expect("run", sandbox_user(ROLE_RECORDER).gid, 01770);
}

Test(dirs, hold_one_appliance)
{
	struct err err = {0};
	int first, second;

	make();
	first = dirs_lock(config.run_dir, &err);
	cr_assert_geq(first, 0, "%s", err.text);
	second = dirs_lock(config.run_dir, &err);
	cr_expect_eq(second, -1);
	cr_expect_eq(err.kind, ERR_LIMIT);
	(void)close(first);
	second = dirs_lock(config.run_dir, &err);
	cr_expect_geq(second, 0, "%s", err.text);
	(void)close(second);
}

Test(dirs, have_parents)
{
	static const struct {
		const char *path, *parent;
	} rows[] = {{"/a/b/c", "/a/b"}, {"/a", "/"}, {"a", "."}, {"a/b", "a"}};
	char out[64], small[3];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(dirs_parent(rows[i].path, out, sizeof(out)), rows[i].parent);
	cr_expect_null(dirs_parent("/long/path", small, sizeof(small)));
}
