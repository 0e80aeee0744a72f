/* SPDX-License-Identifier: MIT */
#ifndef PROXY_COMMANDS_H
#define PROXY_COMMANDS_H

/*
 * The commands of the program, one file each (command_NAME.c).  argv[0] is the
 * command's own name; getopt's state is fresh.  Returns the exit code: one of
 * these, or what design the command itself names (explain: 10 to 12).
 */
enum {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_DIFFERENCES = 20,
	EXIT_CONFIG = 78, /* EX_CONFIG of sysexits.h; systemd prints it as CONFIG */
};

/* Where the configuration is when -c does not say. */
#define COMMAND_CONFIG_DEFAULT "/etc/borderlens/borderlens.yaml"

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_backtest(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_rules(int argc, char **argv);
int command_devices(int argc, char **argv);
int command_flows(int argc, char **argv);
int command_geo(int argc, char **argv);
int command_ca(int argc, char **argv);
int command_ledger(int argc, char **argv);
int command_status(int argc, char **argv);
int command_reload(int argc, char **argv);
int command_health(int argc, char **argv);
int command_gateway(int argc, char **argv);

#endif
