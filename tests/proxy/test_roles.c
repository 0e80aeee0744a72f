/* SPDX-License-Identifier: MIT */
#include "proxy/roles.h"

#include "base/err.h"
#include "base/memfd.h"
#include "proxy/commands.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
be(const char *number)
{
	char program[] = ROLE_COMMAND, name[] = "worker", fd[32];
	char *argv[] = {program, name, fd, NULL};

	(void)snprintf(fd, sizeof(fd), "%s", number);
	return role_main(3, argv);
}

static int
be_sealed(const void *order, size_t size)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", memfd_seal("order", order, size, NULL));
	return be(number);
}

Test(roles, are_not_for_people)
{
	char program[] = ROLE_COMMAND;
	char *argv[] = {program, NULL};

	cr_expect_eq(role_main(1, argv), EXIT_USAGE);
	cr_expect_eq(be("worker"), EXIT_USAGE);
	cr_expect_eq(be("-1"), EXIT_USAGE);
	cr_expect_eq(be("0"), EXIT_USAGE);
	cr_expect_eq(be("99999999999999999999"), EXIT_USAGE);
	cr_expect_eq(be("1000"), EXIT_USAGE, "not open");
	cr_expect_eq(be_sealed("short", 5), EXIT_USAGE);
}

Test(roles, do_not_serve_a_supervisor_that_is_gone)
{
	struct role_order order;

	role_order_clear(&order, ROLE_WORKER);
	order.supervisor = getppid() + 1;
	cr_expect_eq(be_sealed(&order, sizeof(order)), EXIT_FAILED);
}

Test(roles, are_none_that_is_not_known)
{
	struct role_order order;

	role_order_clear(&order, ROLE_SUPERVISOR);
	order.supervisor = getppid();
	cr_expect_eq(be_sealed(&order, sizeof(order)), EXIT_USAGE);
}

Test(roles, start_with_no_descriptor_that_is_not_named)
{
	struct role_order order;

	role_order_clear(&order, ROLE_WORKER);
	cr_expect_eq(order.control, -1);
	cr_expect_eq(order.asn, -1);
	for (size_t i = 0; i < CONFIG_WORKERS_MAX; i++)
		cr_expect(order.spool[i] == -1 && order.worker[i] == -1);
	for (size_t i = 0; i < CA_COUNT; i++)
		cr_expect(order.cert[i] == -1 && order.key[i] == -1);
}

static int
start_and_wait(int exe)
{
	struct role_order order;
	int status;
	pid_t pid;

	role_order_clear(&order, ROLE_SIGNER);
	pid = role_start(exe, &order, NULL);
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(roles, run_the_program_that_is_open)
{
	int exe = open("/bin/true", O_RDONLY | O_CLOEXEC);

	cr_expect_eq(start_and_wait(exe), 0);
	cr_expect_eq(start_and_wait(-1), 127);
	(void)close(exe);
}
