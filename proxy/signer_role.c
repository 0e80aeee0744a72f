/* SPDX-License-Identifier: MIT */
#include "proxy/signer_role.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "base/log.h"
#include "certs/signer.h"
#include "proxy/board.h"
#include "proxy/sandbox.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum {
	BEAT_MS = 200,
	/* After a power cut all names of a site come within seconds; otherwise a
	 * camera's name is a leaf a day.  Faster than this is no camera's doing. */
	LEAVES_AT_ONCE = 2000,
	LEAVES_PER_S = 200,
	COST = 1000,      /* of one request; an allowance grows by LEAVES_PER_S a millisecond */
	DRY_WAIT_MS = 10, /* while a worker has no allowance left */
	TURN_MAX = 16,    /* requests of one worker before it is the next one's turn */
};

/* One worker, as the signer sees it. */
struct asker {
	int fd;             /* borrowed; -1: none, or gone */
	uint64_t allowance; /* requests it may make now, times COST */
	uint64_t filled_ms; /* when that was last brought up to date */
	/* An answer its socket had no room for; nothing more is read meanwhile.  It has
	 * a leaf's private key in it, as every answer has: what is given back is wiped. */
	uint8_t *unsent; /* owned; NULL: none */
	size_t unsent_size;
};

struct signer_role {
	struct signer *signer; /* owned */
	struct board *board;
	uint64_t minted_before; /* by those that were the signer before */
	int control;
	bool ended; /* the supervisor is gone */
	size_t count;
	struct asker askers[CONFIG_WORKERS_MAX];
	uint8_t request[IPC_MESSAGE_MAX];
	uint8_t answer[IPC_MESSAGE_MAX];
};

static void
refill(struct asker *asker, uint64_t now_ms)
{
	uint64_t most = (uint64_t)LEAVES_AT_ONCE * COST;
	uint64_t more = (now_ms - asker->filled_ms) * LEAVES_PER_S;

	asker->allowance = more > most - asker->allowance ? most : asker->allowance + more;
	asker->filled_ms = now_ms;
}

static void
forget(struct asker *asker)
{
	asker->fd = -1; /* the number is the supervisor's to close */
	OPENSSL_clear_free(asker->unsent, asker->unsent_size);
	asker->unsent = NULL;
}

/* Send an answer now, or keep it until the worker has read. */
static void
deliver(struct asker *asker, const uint8_t *answer, size_t size)
{
	struct err err;
	int sent = ipc_send(asker->fd, answer, size, &err);

	if (sent < 0) {
		log_warn("a worker cannot be answered: %s", err.text);
		forget(asker);
		return;
	}
	if (sent > 0)
		return;
	asker->unsent = OPENSSL_malloc(size);
	if (asker->unsent == NULL)
		return; /* the worker asks again what is not answered */
	memcpy(asker->unsent, answer, size);
	asker->unsent_size = size;
}

static void
resume(struct asker *asker)
{
	uint8_t *answer = asker->unsent;
	size_t size = asker->unsent_size;

	asker->unsent = NULL;
	deliver(asker, answer, size);
	OPENSSL_clear_free(answer, size);
}

static void
answer_requests(struct signer_role *role, struct asker *asker)
{
	for (int i = 0; i < TURN_MAX; i++) {
		struct err err;
		ssize_t got;
		size_t size;

		if (asker->fd < 0 || asker->unsent != NULL || asker->allowance < COST)
			return;
		got = ipc_receive(asker->fd, role->request, sizeof(role->request), &err);
		if (got == 0)
			return;
		asker->allowance -= COST;
		if (got < 0) {
			log_warn("a worker's request was dropped: %s", err.text);
			continue;
		}
		size = signer_answer(role->signer,
		    (struct bytes){.at = role->request, .left = (size_t)got}, role->answer);
		atomic_store_explicit(&role->board->minted,
		    role->minted_before + signer_minted(role->signer), memory_order_relaxed);
		deliver(asker, role->answer, size);
		OPENSSL_cleanse(role->answer, size);
	}
}

static short
wanted_of(const struct asker *asker)
{
	if (asker->unsent != NULL)
		return POLLOUT;
	return asker->allowance < COST ? 0 : POLLIN;
}

static void
on_worker(struct signer_role *role, struct asker *asker, short found)
{
	if ((found & POLLOUT) != 0 && asker->unsent != NULL)
		resume(asker);
	if ((found & POLLIN) != 0)
		answer_requests(role, asker);
	else if ((found & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		forget(asker);
}

/* The supervisor says nothing to the signer: all that can come is its end. */
static void
on_control(struct signer_role *role)
{
	char byte;

	if (recv(role->control, &byte, sizeof(byte), MSG_DONTWAIT) == 0)
		role->ended = true;
}

/* One turn of the loop: wait at most timeout_ms, answer who asked, beat. */
static void
turn(struct signer_role *role, int timeout_ms)
{
	struct pollfd fds[CONFIG_WORKERS_MAX + 1];
	uint64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < role->count; i++) {
		struct asker *asker = &role->askers[i];

		refill(asker, now_ms);
		fds[i] = (struct pollfd){.fd = asker->fd, .events = wanted_of(asker)};
		if (asker->fd >= 0 && fds[i].events == 0 && timeout_ms > DRY_WAIT_MS)
			timeout_ms = DRY_WAIT_MS;
	}
	fds[role->count] = (struct pollfd){.fd = role->control, .events = POLLIN};
	if (poll(fds, role->count + 1, timeout_ms) < 0 && errno != EINTR)
		log_error("poll: %s", strerror(errno));
	atomic_store_explicit(&role->board->signer_beat_ms, clock_mono_ms(), memory_order_relaxed);
	if (fds[role->count].revents != 0)
		on_control(role);
	for (size_t i = 0; i < role->count; i++) {
		if (fds[i].revents != 0)
			on_worker(role, &role->askers[i], fds[i].revents);
	}
}

static void
turn_meanwhile(void *arg)
{
	turn(arg, 0);
}

/* The keys stay out of swap and of core files: what was ever touched is locked, and
 * not the libraries whole, which are megabytes.  Where memory may not be locked
 * the appliance still runs; its owner hears of it. */
static void
guard_memory(void)
{
	const struct rlimit none = {0}, all = {RLIM_INFINITY, RLIM_INFINITY};
	int what = MCL_CURRENT | MCL_ONFAULT;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)setrlimit(RLIMIT_CORE, &none);
	/* What is locked later must not fail for a limit of root's that stays when
	 * root is given up. */
	if (setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		what |= MCL_FUTURE;
	if (mlockall(what) != 0)
		log_warn("the CA keys may be swapped out: mlockall: %s", strerror(errno));
}

static int
read_authorities(const struct signer_setup *setup, struct ca cas[CA_COUNT], struct err *err)
{
	for (int i = 0; i < CA_COUNT; i++) {
		if (setup->cert[i] < 0 && i != CA_EC) {
			cas[i] = cas[CA_EC];
			(void)X509_up_ref(cas[i].cert);
			(void)EVP_PKEY_up_ref(cas[i].key);
			continue;
		}
		if (setup->key[i] < 0)
			return err_set(err, ERR_INPUT, "a CA without its key");
		if (ca_read(&cas[i], setup->cert[i], setup->key[i], err) != 0)
			return -1;
	}
	return 0;
}

static struct signer *
open_signer(const struct signer_setup *setup, struct err *err)
{
	struct ca cas[CA_COUNT] = {0};
	uint8_t byte;

	if (read_authorities(setup, cas, err) != 0) {
		for (int i = 0; i < CA_COUNT; i++)
			ca_clear(&cas[i]);
		return NULL;
	}
	/* The generator opens what it needs while opening is allowed. */
	if (RAND_bytes(&byte, sizeof(byte)) != 1) {
		(void)err_tls(err, "random numbers");
		return NULL;
	}
	return signer_new(cas, err);
}

static struct signer_role *
role_new(const struct signer_setup *setup, struct err *err)
{
	struct signer_role *role = calloc(1, sizeof(*role));

	if (role == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory");
		return NULL;
	}
	role->control = setup->control;
	role->count = setup->worker_count;
	for (size_t i = 0; i < role->count; i++) {
		role->askers[i].fd = setup->worker[i];
		role->askers[i].filled_ms = clock_mono_ms();
		role->askers[i].allowance = (uint64_t)LEAVES_AT_ONCE * COST;
	}
	role->board = board_map(setup->board, err);
	if (role->board == NULL) {
		free(role);
		return NULL;
	}
	role->minted_before = atomic_load(&role->board->minted);
	role->signer = open_signer(setup, err);
	if (role->signer == NULL) {
		free(role);
		return NULL;
	}
	return role;
}

static void
role_free(struct signer_role *role)
{
	for (size_t i = 0; i < role->count; i++)
		forget(&role->askers[i]);
	signer_free(role->signer);
	free(role);
}

int
signer_run(const struct signer_setup *setup)
{
	struct signer_role *role;
	const char *missing = "";
	struct err err;

	log_open("signer", LOG_LEVEL_INFO);
	guard_memory();
	role = role_new(setup, &err);
	if (role == NULL) {
		log_error("cannot serve: %s", err.text);
		return 1;
	}
	if (sandbox_enter(ROLE_SIGNER, NULL, &missing, &err) != 0) {
		log_error("cannot be confined: %s", err.text);
		role_free(role);
		return 1;
	}
	if (missing[0] != '\0')
		log_warn("not confined by %s: the kernel has none", missing);
	/* Requests come first: the key is made while none waits. */
	turn(role, 0);
	if (signer_make_key(role->signer, turn_meanwhile, role, &err) != 0)
		log_error("cameras that take no ECDSA cannot be opened: %s", err.text);
	while (!role->ended)
		turn(role, BEAT_MS);
	role_free(role);
	return 0;
}
