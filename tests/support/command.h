/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_COMMAND_H
#define TESTS_SUPPORT_COMMAND_H

/*
 * Runs a command of the program in the test's own process, as its main would,
 * and keeps what it wrote.
 */
struct ran {
	int code;
	char out[1 << 17], err[1 << 18];
};

/* args ends with NULL; its first is the command's name. */
void command_run_in(int (*command)(int argc, char **argv), const char *const *args,
    struct ran *ran);

#endif
