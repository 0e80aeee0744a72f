/* SPDX-License-Identifier: MIT */
#include "proxy/geo_fetch.h"

#include "base/err.h"
#include "base/text.h"
#include "config/config.h"
#include "proxy/commands.h"
#include "proxy/control.h"
#include "proxy/geo_swap.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INSTALLED_FETCH "/usr/share/borderlens/geo/fetch"
#define BUILT_FETCH "/../geo/fetch"

extern char **environ;

/* ---- programs ---- */

/* Run a program to its end; its exit code, or -1 with err. */
static int
run(const char *const *argv, struct err *err)
{
	posix_spawn_file_actions_t actions;
	int status = 0, got = posix_spawn_file_actions_init(&actions);
	pid_t pid = -1;

	if (got == 0)
		got = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (got == 0)
		got = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
		    environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (got != 0) {
		errno = got;
		return err_sys(err, "cannot run %s", argv[0]);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(err, "cannot wait for %s", argv[0]);
	}
	if (!WIFEXITED(status))
		return err_set(err, ERR_SYS, "%s was killed", argv[0]);
	return WEXITSTATUS(status);
}

static int
run_well(const char *const *argv, const char *what, struct err *err)
{
	int code = run(argv, err);

	if (code > 0)
		return err_set(err, ERR_SYS, "%s failed (it ended with %d)", what, code);
	return code;
}

/* ---- the default data ---- */

/* Whether geo/fetch made the database: it leaves a note beside it. */
static bool
is_fetched(const struct geo_swap *swap, const char *path)
{
	char note[2 * CONFIG_PATH_MAX + 16];

	(void)snprintf(note, sizeof(note), "%s/.%s.version", swap->next, strrchr(path, '/') + 1);
	return access(note, R_OK) == 0;
}

/* The first database that is not of the default data; NULL: all are. */
static const char *
first_foreign(const struct config *config, const struct geo_swap *swap)
{
	for (size_t i = 0; i < config->geo.country_count; i++) {
		if (!is_fetched(swap, config->geo.country[i]))
			return config->geo.country[i];
	}
	return config->geo.asn[0] != '\0' && !is_fetched(swap, config->geo.asn) ? config->geo.asn
										: NULL;
}

static int
find_fetch(char out[PATH_MAX], struct err *err)
{
	const char *named = getenv("BORDERLENS_GEO_FETCH");
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (named != NULL && named[0] != '\0') {
		text_copy(out, PATH_MAX, named);
		return 0;
	}
	text_copy(out, PATH_MAX, INSTALLED_FETCH);
	if (access(out, X_OK) == 0)
		return 0;
	if (size > 0) {
		struct text text = text_in(out, PATH_MAX);

		self[size] = '\0';
		*strrchr(self, '/') = '\0'; /* absolute, so there is one */
		text_add(&text, "%s%s", self, BUILT_FETCH);
		if (!text.cut && access(out, X_OK) == 0)
			return 0;
	}
	return err_set(err, ERR_SYS,
	    "geo/fetch is not at " INSTALLED_FETCH " nor where BORDERLENS_GEO_FETCH says");
}

/* ---- an account with MaxMind ---- */

/* The value of a key in geoipupdate's configuration; "" none.  Source:
 * GeoIP.conf(5): "Key value", '#' begins a comment. */
static void
read_key(FILE *file, const char *key, char *out, size_t size)
{
	char line[512];

	out[0] = '\0';
	rewind(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		size_t length = strcspn(line, " \t\n");

		if (length != strlen(key) || strncmp(line, key, length) != 0)
			continue;
		text_copy(out, size, line + length + strspn(line + length, " \t"));
		out[strcspn(out, " \t\r\n#")] = '\0';
	}
}

/* The file as Debian installs it has a number and a key of zeros. */
static bool
is_placeholder(const char *value)
{
	return value[strspn(value, "0")] == '\0' || strncmp(value, "YOUR_", 5) == 0;
}

static bool
has_account(const char *path)
{
	char id[64], key[128];
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return false;
	read_key(file, "AccountID", id, sizeof(id));
	read_key(file, "LicenseKey", key, sizeof(key));
	(void)fclose(file);
	return !is_placeholder(id) && !is_placeholder(key);
}

int
geo_fetch(const struct config *config, const struct geo_swap *swap, const char *account,
    struct err *err)
{
	const char *foreign = first_foreign(config, swap);

	if (foreign == NULL) {
		char fetch[PATH_MAX];
		const char *const argv[] = {fetch, "--newest", swap->next, NULL};

		return find_fetch(fetch, err) == 0 ? run_well(argv, "geo/fetch", err) : -1;
	}
	if (has_account(account)) {
		const char *const argv[] = {"geoipupdate", "-f", account, "-d", swap->next, NULL};

		return run_well(argv, "geoipupdate", err);
	}
	return err_set(err, ERR_INPUT,
	    "%.100s is not of the default data (geo/fetch), and %.60s has no account of MaxMind "
	    "(geoipupdate(1))",
	    foreign, account);
}

/* ---- the running appliance ---- */

const char *
geo_fetch_tell(const struct config *config, struct err *err)
{
	const char *const argv[] = {"/proc/self/exe", "reload", "-c", config->path, NULL};
	char path[CONFIG_PATH_MAX + 32], answer[256];
	struct text text = text_in(answer, sizeof(answer));
	int code;

	if (control_path(config->run_dir, path, sizeof(path)) == NULL ||
	    control_ask(path, "health", &text, err) != 0)
		return "not running";
	code = run(argv, err);
	if (code == EXIT_DONE)
		return "yes";
	if (code == EXIT_USAGE)
		return "at its next start";
	if (code > 0)
		(void)err_set(err, ERR_SYS,
		    "the appliance did not take the new databases (reload ended with %d)", code);
	return NULL;
}
