/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/ipc.h"
#include "certs/mint.h"
#include "proxy/board.h"
#include "proxy/signer_role.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A signer in a process of its own, as the supervisor starts it, and our ends
 * of its channels. */
static char dir[256];
static int worker[2], control = -1;
static struct board *board;
static pid_t pid;

enum { DEADLINE_MS = 60000 };

static void
start(void)
{
	struct signer_setup setup = {.worker_count = 2};
	struct err err = {0};
	int ends[2];

	scratch_dir(dir, sizeof(dir));
	cr_assert_eq(ca_init(dir, "test", &err), 0, "%s", err.text);
	for (int i = 0; i < CA_COUNT; i++) {
		char path[512];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_cert_names[i]);
		setup.cert[i] = open(path, O_RDONLY | O_CLOEXEC);
		(void)snprintf(path, sizeof(path), "%s/%s", dir, ca_key_names[i]);
		setup.key[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(ipc_pair(ends, NULL), 0);
		worker[i] = ends[0];
		setup.worker[i] = ends[1];
	}
	cr_assert_eq(ipc_pair(ends, NULL), 0);
	control = ends[0];
	setup.control = ends[1];
	setup.board = board_create(&err);
	cr_assert_geq(setup.board, 0, "%s", err.text);
	board = board_map(setup.board, &err);
	cr_assert_not_null(board, "%s", err.text);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		(void)close(control);
		(void)close(worker[0]);
		(void)close(worker[1]);
		_exit(signer_run(&setup));
	}
	(void)close(setup.control);
	(void)close(setup.worker[0]);
	(void)close(setup.worker[1]);
}

/* The supervisor's end closes, and the signer with it. */
static void
stop(void)
{
	int status = -1;

	(void)close(control);
	cr_expect_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
	(void)close(worker[0]);
	(void)close(worker[1]);
	scratch_remove(dir);
}

TestSuite(signer_role, .init = start, .fini = stop, .timeout = 120);

static bool
wait_for(int fd, short what)
{
	struct pollfd pollfd = {.fd = fd, .events = what};

	return poll(&pollfd, 1, DEADLINE_MS) == 1 && (pollfd.revents & what) != 0;
}

/* The next answer of a worker's, in a buffer that lasts until the one after. */
static struct bytes
receive(int fd)
{
	static uint8_t message[IPC_MESSAGE_MAX];
	ssize_t got;

	cr_assert(wait_for(fd, POLLIN), "no answer in time");
	got = ipc_receive(fd, message, sizeof(message), NULL);
	cr_assert_gt(got, 0);
	return (struct bytes){.at = message, .left = (size_t)got};
}

static size_t
leaf_request(uint8_t *out, size_t size, uint64_t id, enum leaf_kind kind)
{
	struct pki server = pki_server("cam.example.com", NULL);
	static const uint8_t sha256[MINT_DIGEST_BYTES];
	const struct mint_wanted wanted = {.kind = kind,
	    .server = server.cert,
	    .server_sha256 = sha256};
	size_t ret = mint_request(&wanted, id, out, size, NULL);

	cr_assert_gt(ret, 0);
	pki_free(&server);
	return ret;
}

/* Ask until there is a leaf. */
static struct minted
ask_for_leaf(int fd, const uint8_t *request, size_t size)
{
	const uint64_t until_ms = clock_mono_ms() + DEADLINE_MS;
	struct mint_answer answer = {.status = MINT_LATER};
	struct mint_key key = {0};
	struct minted minted = {0};
	struct err err = {0};

	while (answer.status == MINT_LATER && clock_mono_ms() < until_ms) {
		cr_assert_eq(ipc_send(fd, request, size, NULL), 1);
		cr_assert(mint_answer_open(receive(fd), &answer));
	}
	cr_assert_eq(mint_answer_leaf(&answer, &key, &minted, &err), 0, "%s", err.text);
	cr_expect_eq(X509_check_private_key(minted.leaf, minted.key), 1);
	mint_key_clear(&key);
	return minted;
}

Test(signer_role, answers_each_worker_on_its_own_channel)
{
	uint8_t request[1024];

	for (uint64_t i = 0; i < 2; i++) {
		size_t size = leaf_request(request, sizeof(request), 40 + i, LEAF_EC);
		struct mint_answer answer;

		cr_assert_eq(ipc_send(worker[i], request, size, NULL), 1);
		cr_assert(mint_answer_open(receive(worker[i]), &answer));
		cr_expect_eq(answer.status, MINT_DONE);
		cr_expect_eq(answer.id, 40 + i);
	}
}

static void
expect_one_for_both(enum leaf_kind kind)
{
	uint8_t request[1024];
	size_t size = leaf_request(request, sizeof(request), 9, kind);
	uint64_t before = atomic_load(&board->minted);
	struct minted one = ask_for_leaf(worker[0], request, size);
	struct minted other = ask_for_leaf(worker[1], request, size);

	cr_expect_eq(X509_cmp(one.leaf, other.leaf), 0);
	cr_expect_eq(EVP_PKEY_eq(one.key, other.key), 1);
	cr_expect_eq(atomic_load(&board->minted) - before, 1, "one leaf was made");
	minted_clear(&one);
	minted_clear(&other);
}

Test(signer_role, makes_a_leaf_once_for_all_workers)
{
	expect_one_for_both(LEAF_EC);
	expect_one_for_both(LEAF_RSA);
}

Test(signer_role, refuses_nonsense_and_goes_on)
{
	uint8_t request[1024] = {0xff, 0xff, 0xff};
	struct minted minted;
	size_t size;

	for (size_t count = 1; count < 64; count++) {
		struct mint_answer answer;

		cr_assert_eq(ipc_send(worker[0], request, count, NULL), 1);
		cr_assert(mint_answer_open(receive(worker[0]), &answer));
		cr_expect_eq(answer.status, MINT_REFUSED);
	}
	size = leaf_request(request, sizeof(request), 3, LEAF_EC);
	minted = ask_for_leaf(worker[0], request, size);
	minted_clear(&minted);
}

/* Send and receive until count requests were answered. */
static void
ask(int fd, const uint8_t *request, size_t size, unsigned count)
{
	unsigned sent = 0, answered = 0;

	while (answered < count) {
		if (sent < count && sent - answered < 64 &&
		    ipc_send(fd, request, size, NULL) == 1) {
			sent++;
			continue;
		}
		(void)receive(fd);
		answered++;
	}
}

Test(signer_role, a_storm_is_served_at_once_and_a_flood_is_slowed)
{
	uint8_t request[1024];
	size_t size = leaf_request(request, sizeof(request), 1, LEAF_EC);
	uint64_t started_ms = clock_mono_ms(), storm_ms;

	ask(worker[0], request, size, 2000);
	storm_ms = clock_mono_ms() - started_ms;
	cr_expect_lt(storm_ms, 8000, "at the slow rate it takes ten seconds");
	/* The allowance grew while the storm lasted; what is beyond must wait. */
	ask(worker[0], request, size, 100 + (unsigned)(storm_ms / 5));
	cr_expect_geq(clock_mono_ms() - started_ms, storm_ms + 400);
	ask(worker[1], request, size, 10); /* which does not touch the other one */
}

Test(signer_role, its_heart_beats_while_nobody_asks)
{
	uint64_t first = 0, deadline = clock_mono_ms() + DEADLINE_MS;

	while (first == 0 && clock_mono_ms() < deadline)
		first = atomic_load(&board->signer_beat_ms);
	cr_assert_gt(first, 0);
	while (atomic_load(&board->signer_beat_ms) == first && clock_mono_ms() < deadline)
		(void)poll(NULL, 0, 10);
	cr_expect_gt(atomic_load(&board->signer_beat_ms), first);
}

Test(signer_role, a_worker_that_is_gone_costs_nothing)
{
	uint8_t request[1024];
	size_t size = leaf_request(request, sizeof(request), 9, LEAF_EC);
	struct minted minted;

	(void)shutdown(worker[1], SHUT_RDWR);
	minted = ask_for_leaf(worker[0], request, size);
	minted_clear(&minted);
}

/* A whole turn of the signer's passes: what it could do, it has done. */
static void
pass_a_turn(void)
{
	const uint64_t deadline = clock_mono_ms() + DEADLINE_MS;

	for (int i = 0; i < 2; i++) {
		uint64_t before = atomic_load(&board->signer_beat_ms);

		while (atomic_load(&board->signer_beat_ms) == before && clock_mono_ms() < deadline)
			(void)poll(NULL, 0, 1);
	}
}

/* Ask and read nothing until the signer has an answer that it cannot send; returns
 * how many were asked for. */
static unsigned
ask_until_stuck(int fd, const uint8_t *request, size_t size)
{
	unsigned asked = 0;

	for (unsigned full = 0; full < 2;) {
		if (ipc_send(fd, request, size, NULL) == 1) {
			asked++;
			full = 0;
			continue;
		}
		full++;
		pass_a_turn();
	}
	return asked;
}

static unsigned
count_in_range(int memory, size_t from, size_t to, struct bytes wanted)
{
	uint8_t *room = malloc(to - from), *at = room;
	unsigned found = 0;
	ssize_t got;

	cr_assert_not_null(room);
	got = pread(memory, room, to - from, (off_t)from);
	while (got > 0 && (at = memmem(at, (size_t)(room + got - at), wanted.at, wanted.left))) {
		found++;
		at++;
	}
	free(room);
	return found;
}

/* How often the signer's memory holds these bytes; what it has given back too,
 * unless it was used anew. */
static unsigned
count_in_signer(struct bytes wanted)
{
	enum { RANGE_MAX = 128 << 20 }; /* beyond it is what a sanitizer keeps account in */
	char path[64], line[512];
	unsigned found = 0;
	int memory;
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		cr_skip_test("only root can read the signer's memory");
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	cr_assert_not_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		char *end;
		size_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);

		if (strncmp(end, " rw", 3) == 0 && to - from <= RANGE_MAX)
			found += count_in_range(memory, from, to, wanted);
	}
	(void)fclose(maps);
	(void)close(memory);
	return found;
}

/* Each answer has a private key in it, and the leaf behind that: both together are
 * nowhere else. */
Test(signer_role, what_was_answered_is_wiped)
{
	enum { HEAD_BYTES = 12, SCALAR_AT = 36, SECRET_BYTES = 128 }; /* PKCS#8 of P-256 */
	uint8_t request[1024], secret[SECRET_BYTES];
	size_t size = leaf_request(request, sizeof(request), 5, LEAF_EC);
	unsigned asked = ask_until_stuck(worker[0], request, size), copies;
	struct bytes answer;

	(void)ask_until_stuck(worker[1], request, size);
	answer = receive(worker[0]);
	cr_assert_gt(answer.left, HEAD_BYTES + SCALAR_AT + SECRET_BYTES);
	memcpy(secret, answer.at + HEAD_BYTES + SCALAR_AT, SECRET_BYTES);
	while (--asked > 0)
		(void)receive(worker[0]);
	(void)shutdown(worker[1], SHUT_RDWR); /* which has one unsent */
	pass_a_turn();
	copies = count_in_signer((struct bytes){secret, sizeof(secret)});
	cr_expect_eq(copies, 0, "%u answers are left", copies);
}
