/* SPDX-License-Identifier: MIT */
#include "proxy/checker_role.h"

#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "config/problems.h"
#include "config/source.h"
#include "geo/geo.h"
#include "proxy/load.h"
#include "proxy/outcome.h"
#include "proxy/sandbox.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
	EXIT_FAILED = 1,
	DATABASES = GEO_COUNTRY_FILES_MAX,
	FDS = 2 + DATABASES + 1, /* problems, source, countries, networks */
	SEND_MS = 1000,
};
_Static_assert((int)FDS <= (int)IPC_FDS_MAX, "an answer has more descriptors than a message");

/* Of an answer; its descriptors come in the order problems, source, countries,
 * networks, those that are not there left out. */
struct message {
	uint8_t good, countries, networks;
};

/* ---- the checker's side ---- */

static struct config *
read_running(const struct checker_setup *setup, struct err *err)
{
	struct problems problems = {0};
	struct source *source = source_from_sealed(setup->running.source, err);
	struct config *config =
	    source != NULL ? config_load(setup->running.config_path, source, &problems) : NULL;

	if (source != NULL && config == NULL)
		(void)err_set(err, ERR_INPUT, "the configuration that runs cannot be read");
	source_free(source);
	problems_free(&problems);
	return config;
}

static void
check(const struct checker_setup *setup, const struct config *running, struct loaded *loaded,
    struct problems *problems)
{
	int known[DATABASES + 1];

	memcpy(known, setup->running.country, sizeof(setup->running.country));
	known[DATABASES] = setup->running.asn;
	(void)loaded_open_over(setup->running.config_path, running, loaded, problems);
	if (loaded->config != NULL) {
		loaded_share(loaded, known, DATABASES + 1);
		geo_close(loaded_geo(loaded, problems));
		loaded_check(loaded, problems);
	}
	problems_sort(problems);
}

static int
send_all(int control, const struct message *message, const int *fds, size_t count, struct err *err)
{
	struct pollfd room = {control, POLLOUT, 0};
	int sent;

	do
		sent = ipc_send_fds(control, message, sizeof(*message), fds, count, err);
	while (sent == 0 && poll(&room, 1, SEND_MS) > 0);
	return sent == 1 ? 0 : -1;
}

static int
answer(const struct checker_setup *setup, const struct loaded *loaded,
    const struct problems *problems, struct err *err)
{
	struct message message = {.good = problems->errors == 0 && loaded->config != NULL};
	int fds[FDS] = {outcome_seal(problems, err), -1};
	size_t count = 1;
	int ret = -1;

	if (fds[0] < 0)
		return -1;
	if (message.good != 0) {
		fds[1] = source_seal(loaded->source, err);
		if (fds[1] < 0)
			goto out;
		count = 2;
		for (size_t i = 0; i < loaded->config->geo.country_count; i++)
			fds[count++] = loaded->country[i];
		message.countries = (uint8_t)(count - 2);
		message.networks = loaded->asn >= 0;
		if (loaded->asn >= 0)
			fds[count++] = loaded->asn;
	}
	ret = send_all(setup->control, &message, fds, count, err);
out:
	(void)close(fds[0]);
	if (fds[1] >= 0)
		(void)close(fds[1]);
	return ret;
}

int
checker_run(const struct checker_setup *setup)
{
	struct problems problems = {0};
	struct loaded loaded = {.asn = -1};
	const char *missing;
	struct err err = {0};
	struct config *running;
	int ret = EXIT_FAILED;

	log_open("checker", LOG_LEVEL_INFO);
	running = read_running(setup, &err);
	if (running == NULL)
		goto out;
	if (sandbox_check(setup->secret, &missing, &err) != 0)
		goto out;
	check(setup, running, &loaded, &problems);
	if (answer(setup, &loaded, &problems, &err) == 0)
		ret = 0;
	loaded_close(&loaded);
out:
	if (ret != 0)
		log_error("the configuration cannot be checked: %s", err.text);
	config_free(running);
	problems_free(&problems);
	return ret;
}

/* ---- the supervisor's side ---- */

static void
close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
}

static bool
is_whole(const struct message *message, size_t fd_count)
{
	if (message->good == 0)
		return fd_count == 1;
	return message->countries <= DATABASES && message->networks <= 1 &&
	       fd_count == 2U + message->countries + message->networks;
}

static void
take(const struct message *message, const int *fds, struct snapshot_files *made)
{
	*made = (struct snapshot_files){.source = fds[1], .asn = -1};
	for (size_t i = 0; i < DATABASES; i++)
		made->country[i] = i < message->countries ? fds[2 + i] : -1;
	if (message->networks != 0)
		made->asn = fds[2 + message->countries];
}

int
checker_receive(int control, struct check_answer *answer, struct problems *problems,
    struct err *err)
{
	struct message message = {0};
	int fds[FDS];
	size_t count = FDS;
	ssize_t size = ipc_receive_fds(control, &message, sizeof(message), fds, &count, err);

	if (size <= 0)
		return (int)size;
	if (size != sizeof(message) || !is_whole(&message, count)) {
		close_all(fds, count);
		return err_set(err, ERR_INPUT, "the checker's answer is not whole");
	}
	if (outcome_unseal(fds[0], problems, err) != 0) {
		close_all(fds, count);
		return -1;
	}
	(void)close(fds[0]);
	answer->good = message.good != 0;
	if (answer->good)
		take(&message, fds, &answer->made);
	return 1;
}
