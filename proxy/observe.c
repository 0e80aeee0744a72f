/* SPDX-License-Identifier: MIT */
#include "proxy/observe.h"

#include "base/clock.h"
#include "base/text.h"
#include "config/rules.h"
#include "inspect/inspection.h"
#include "proxy/budget.h"
#include "proxy/census.h"
#include "proxy/conn_private.h"
#include "proxy/ftp_links.h"
#include "proxy/hold.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
	/* A limit's rate is let out in so many pieces a second. */
	PIECES_A_SECOND = 4,
	PIECE_MIN = 64,
	/* It is asked again at least so often, for the clock and the rules. */
	SLOWED_MAX_MS = 60 * 1000,
};

/* What rules ask of what is sent: when this is another, they are asked again. */
struct signs {
	uint8_t seen_up[PAYLOAD_COUNT], seen_down[PAYLOAD_COUNT];
	uint8_t class, confidence, direction, proto;
	bool pending, opaque_inner, host, host_mismatch;
};

struct observer {
	struct inspection *inspection; /* owned; NULL: nobody can look */
	struct spending *spending;     /* owned; NULL: no budget counts it */
	struct hold hold;              /* of the camera's, what waits */
	struct event timer;            /* when what waits may go on */
	struct signs signs;            /* when it was judged last */
	uint64_t generation;           /* of the rules that held then */
	bool asks;                     /* a rule asks for what is sent */
	bool holds;                    /* what waits does so for a rule */
	bool in_vain;                  /* ... which took too long, until more is told */
	bool slowed;                   /* ... for a limit */
	bool is_file;                  /* that a server of FTP said is to come */
	bool up_ended, down_ended;
	uint64_t until_ms; /* of holds: clock_mono_ms */
};

static const struct rules *
own_rules(const struct conn *conn)
{
	return conn->snapshot->config->rules;
}

static struct signs
read_signs(const struct facts *facts)
{
	const struct payload_facts *payload = &facts->payload;
	struct signs signs;

	memset(&signs, 0, sizeof(signs));
	memcpy(signs.seen_up, payload->seen_up, sizeof(signs.seen_up));
	memcpy(signs.seen_down, payload->seen_down, sizeof(signs.seen_down));
	signs.class = (uint8_t)payload->class;
	signs.confidence = (uint8_t)payload->confidence;
	signs.direction = (uint8_t)payload->direction;
	signs.proto = (uint8_t)facts->app.proto;
	signs.pending = payload->pending > 0;
	signs.opaque_inner = facts->app.opaque_inner;
	signs.host = facts->app.host[0] != '\0';
	signs.host_mismatch = facts->app.host_mismatch;
	return signs;
}

/* ---- judging ---- */

static void
set_timer(struct observer *observer, uint64_t ms)
{
	const struct timeval delay =
	    clock_span(ms < SLOWED_MAX_MS ? (uint32_t)ms : (uint32_t)SLOWED_MAX_MS);

	(void)evtimer_add(&observer->timer, &delay);
}

/* False: closed. */
static bool
ask(struct conn *conn)
{
	struct facts *facts = conn->facts;

	decide_judge(conn, VERDICT_PAYLOAD);
	if (facts->verdict.result != RESULT_BLOCK)
		return true;
	(void)conn_close(conn, END_REFUSED, "%s", facts->verdict.why);
	return false;
}

/* What it draws on, as far as its kind is known now. */
static bool
renew_spending(struct conn *conn)
{
	struct observer *observer = conn->observer;

	spending_free(observer->spending);
	if (spending_open(conn->worker->budgets, own_rules(conn), conn->facts,
		&observer->spending) == 0)
		return true;
	(void)conn_close(conn, END_OVERLOAD, "no memory for its budgets");
	return false;
}

/* The time of what begins to wait for a rule. */
static void
begin_hold(struct conn *conn)
{
	const struct verdict *verdict = &conn->facts->verdict;

	conn->observer->until_ms = clock_mono_ms() + verdict->hold_ms;
	set_timer(conn->observer, verdict->hold_ms);
}

/* Ask with what is known now, and wait for the rest as the rules want it. */
static bool
ask_anew(struct conn *conn)
{
	struct observer *observer = conn->observer;
	struct facts *facts = conn->facts;

	observer->signs = read_signs(facts);
	observer->generation = conn->worker->snapshot->generation;
	if (!observer->signs.pending && hold_size(&observer->hold) == 0)
		observer->in_vain = false;
	facts->waits = !observer->in_vain && !observer->up_ended && observer->inspection != NULL;
	if (!renew_spending(conn) || !ask(conn))
		return false;
	if (facts->waits && facts->verdict.hold_bytes == 0 && facts->verdict.open &&
	    facts->payload.class == PAYLOAD_UNKNOWN) {
		/* Nothing is held for what is waited for: what is not known is unknown. */
		facts->waits = false;
		if (!ask(conn))
			return false;
	}
	if (!observer->holds && facts->waits && facts->verdict.hold_bytes > 0 &&
	    hold_size(&observer->hold) > 0)
		begin_hold(conn); /* what a limit kept waits for a rule from now on */
	observer->holds = facts->waits && facts->verdict.hold_bytes > 0;
	return true;
}

/* It is waited for no longer. */
static bool
give_up(struct conn *conn)
{
	struct observer *observer = conn->observer;

	observer->in_vain = true;
	observer->holds = false;
	conn->facts->waits = false;
	return ask(conn);
}

static bool
may_ask(const struct conn *conn)
{
	const struct snapshot *now = conn->worker->snapshot;

	return conn->observer->asks ||
	       (conn->snapshot != now && rules_ask_for_payload(now->config->rules));
}

static bool
look_again(struct conn *conn)
{
	const struct observer *observer = conn->observer;
	struct signs signs = read_signs(conn->facts);

	if (!may_ask(conn) || (memcmp(&signs, &observer->signs, sizeof(signs)) == 0 &&
				  observer->generation == conn->worker->snapshot->generation))
		return true;
	return ask_anew(conn);
}

/* ---- the host ---- */

/* The host that is asked for, without its port, against the name of the hello. */
static bool
is_other_host(const char *name, const char *host)
{
	size_t size = host[0] == '[' ? strlen(host) : strcspn(host, ":");
	size_t name_size = strlen(name);

	if (size > 0 && host[size - 1] == '.')
		size--;
	if (name_size > 0 && name[name_size - 1] == '.')
		name_size--;
	return size != name_size || strncasecmp(name, host, size) != 0;
}

static void
compare_host(struct facts *facts)
{
	if (facts->app.host[0] != '\0' && facts->hello.sni[0] != '\0' &&
	    is_other_host(facts->hello.sni, facts->app.host))
		facts->app.host_mismatch = true;
}

/* ---- files of FTP ---- */

/* Where the server said that a file is to go.  Cameras take the address that it named,
 * or the one that they talk with, as what is named is often one behind a translation. */
static void
expect_file(struct conn *conn)
{
	static const uint8_t none[sizeof(conn->facts->dst.ip)];
	struct facts *facts = conn->facts;
	char control[COMMUNITY_ID_MAX];
	struct addr named = facts->app.data, dst = facts->dst;
	uint64_t now_ms;

	if (named.port == 0 || conn->worker->ftp == NULL)
		return;
	now_ms = clock_mono_ms();
	dst.port = named.port;
	facts->app.data = (struct addr){0};
	community_id(TRANSPORT_TCP, &facts->camera, &facts->dst, control);
	ftp_links_expect(conn->worker->ftp, &facts->camera, &dst, control, now_ms);
	if (memcmp(named.ip, none, sizeof(none)) != 0 && !addr_same_host(&named, &dst))
		ftp_links_expect(conn->worker->ftp, &facts->camera, &named, control, now_ms);
}

/* What nothing else is known of is that file, where one is to come. */
static void
note_file(const struct observer *observer, struct facts *facts)
{
	if (observer->is_file && facts->app.proto <= APP_UNKNOWN)
		facts->app.proto = APP_FTP_DATA;
}

static void
find_file(struct conn *conn)
{
	struct facts *facts = conn->facts;
	char control[COMMUNITY_ID_MAX];

	if (conn->worker->ftp == NULL || !ftp_links_take(conn->worker->ftp, &facts->camera,
					     &facts->dst, clock_mono_ms(), control))
		return;
	conn->observer->is_file = true;
	text_copy(facts->app.client, sizeof(facts->app.client), control);
	note_file(conn->observer, facts);
}

/* ---- budgets and limits ---- */

/* How much may go at once. */
static size_t
piece_size(const struct conn *conn)
{
	const struct verdict *verdict = &conn->facts->verdict;
	size_t size = verdict->rate / PIECES_A_SECOND;

	if (verdict->result != RESULT_LIMIT || verdict->rate == 0 || size > WORKER_SCRATCH_BYTES)
		return WORKER_SCRATCH_BYTES;
	return size > PIECE_MIN ? size : PIECE_MIN;
}

/* Nobody reads of a camera that stands still, so nobody would see it reset.  What it
 * had said before goes on as the limit wants it, but is not waited for longer than
 * the end of one that closes. */
static bool
goes_on(struct conn *conn, uint64_t wait_us)
{
	struct leg *camera = &conn->camera;
	int error = 0;
	socklen_t size = sizeof(error);

	if (getsockopt(camera->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0)
		leg_fail(camera, error);
	if (!camera->failed || wait_us / 1000 < conn->snapshot->config->timeout.half_close_ms)
		return true;
	(void)conn_close(conn, END_RESET, "the camera reset the connection: %s",
	    strerror(camera->error));
	return false;
}

/* LEG_WAIT: a limit wants it to stand still, and the timer is set. */
static enum leg_io
slow(struct conn *conn)
{
	struct observer *observer = conn->observer;
	uint64_t wait_us;

	observer->slowed = false;
	if (conn->facts->verdict.result != RESULT_LIMIT)
		return LEG_DONE;
	wait_us = spending_wait_us(observer->spending, &conn->facts->verdict, clock_wall_us(),
	    clock_mono_us());
	if (wait_us == 0)
		return LEG_DONE;
	observer->slowed = true;
	set_timer(observer, wait_us / 1000 + 1);
	return goes_on(conn, wait_us) ? LEG_WAIT : LEG_ENDED;
}

/* Whether count more bytes may leave now. */
static enum leg_io
let_out(struct conn *conn, size_t count)
{
	struct observer *observer = conn->observer;
	uint64_t over;

	if (observer->spending == NULL)
		return LEG_DONE;
	over = spending_over(observer->spending, count, clock_wall_us());
	if (over != conn->facts->budgets_over) {
		conn->facts->budgets_over = over;
		if (!ask(conn))
			return LEG_ENDED;
	}
	return slow(conn);
}

/* ---- the camera's bytes ---- */

/* Put what is in the scratch behind what waits. */
static enum leg_io
keep(struct conn *conn, size_t *count)
{
	struct observer *observer = conn->observer;
	size_t size = *count;

	*count = 0;
	if (!hold_put(&observer->hold, (struct bytes){conn->worker->scratch, size})) {
		(void)conn_close(conn, END_OVERLOAD, "no memory for what has to wait");
		return LEG_ENDED;
	}
	return LEG_DONE;
}

/* Behind what waits already, for a rule. */
static enum leg_io
hold_piece(struct conn *conn, size_t *count)
{
	struct observer *observer = conn->observer;
	const struct verdict *verdict = &conn->facts->verdict;
	size_t held = hold_size(&observer->hold);

	if (held == 0)
		begin_hold(conn);
	if ((*count + held > verdict->hold_bytes || hold_is_scarce(&observer->hold)) &&
	    !give_up(conn))
		return LEG_ENDED;
	if (conn->facts->payload.held < held + *count)
		conn->facts->payload.held = held + *count;
	return keep(conn, count);
}

static bool
is_hold_over(const struct observer *observer)
{
	return hold_size(&observer->hold) > 0 && clock_mono_ms() >= observer->until_ms;
}

enum leg_io
observe_before(struct conn *conn, size_t *count, size_t *size)
{
	struct observer *observer = conn->observer;
	enum leg_io io;

	*count = 0;
	if (observer->holds && is_hold_over(observer) && !give_up(conn))
		return LEG_ENDED;
	*size = WORKER_SCRATCH_BYTES;
	if (observer->holds)
		return LEG_DONE;
	*size = piece_size(conn);
	if (hold_size(&observer->hold) == 0)
		return slow(conn);
	if (*size > hold_size(&observer->hold))
		*size = hold_size(&observer->hold);
	io = let_out(conn, *size);
	if (io != LEG_DONE)
		return io;
	hold_take(&observer->hold, conn->worker->scratch, *size);
	*count = *size;
	return LEG_DONE;
}

static enum leg_io
pass_up(struct conn *conn, size_t *count)
{
	struct observer *observer = conn->observer;
	enum leg_io io;

	if (observer->holds)
		return hold_piece(conn, count);
	/* What waited comes first: observe_before takes from there. */
	if (hold_size(&observer->hold) > 0)
		return keep(conn, count);
	io = let_out(conn, *count);
	if (io == LEG_WAIT) {
		io = keep(conn, count);
		return io == LEG_DONE ? LEG_WAIT : io;
	}
	return io;
}

enum leg_io
observe_piece(struct conn *conn, enum direction direction, size_t *count)
{
	struct observer *observer = conn->observer;
	struct facts *facts = conn->facts;

	if (observer->inspection != NULL) {
		inspection_careful(observer->inspection, may_ask(conn));
		*count = inspection_feed(observer->inspection, direction,
		    (struct bytes){conn->worker->scratch, *count}, &facts->app, &facts->payload);
		compare_host(facts);
		expect_file(conn);
		note_file(observer, facts);
	}
	if (!look_again(conn))
		return LEG_ENDED;
	return direction == DIRECTION_UP ? pass_up(conn, count) : LEG_DONE;
}

void
observe_left(struct conn *conn, size_t count)
{
	struct observer *observer = conn->observer;

	if (observer->spending == NULL)
		return;
	spending_add(observer->spending, count, clock_wall_us());
	if (conn->facts->verdict.result == RESULT_LIMIT)
		spending_pace(observer->spending, &conn->facts->verdict, count, clock_mono_us());
}

bool
observe_end(struct conn *conn, enum direction direction)
{
	struct observer *observer = conn->observer;
	bool *ended = direction == DIRECTION_UP ? &observer->up_ended : &observer->down_ended;

	if (*ended)
		return observe_keeps(conn);
	*ended = true;
	if (observer->inspection != NULL)
		inspection_end(observer->inspection, direction, &conn->facts->app,
		    &conn->facts->payload);
	if (!look_again(conn))
		return false;
	if (direction == DIRECTION_UP && observer->holds && !give_up(conn))
		return false;
	return observe_keeps(conn);
}

bool
observe_keeps(const struct conn *conn)
{
	return conn->observer != NULL && hold_size(&conn->observer->hold) > 0;
}

bool
observe_is_slowed(const struct conn *conn)
{
	return conn->observer != NULL && conn->observer->slowed;
}

/* ---- life ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	const struct observer *observer = conn->observer;
	uint64_t now_ms = clock_mono_ms();

	(void)fd;
	(void)what;
	/* It counts from when the loop woke up, so it may be early. */
	if (observer->holds && now_ms < observer->until_ms)
		set_timer(conn->observer, observer->until_ms - now_ms);
	conn_run(conn);
}

static struct inspection *
open_inspection(const struct conn *conn)
{
	struct inspection_about about = {.port = conn->facts->dst.port,
	    .opened = conn->facts->inspect == INSPECT_OPENED,
	    .alpn = conn->facts->server.alpn};

	return inspection_open(&about);
}

/* A new one, or that of the conversation in which TLS has begun. */
static bool
open_observer(struct conn *conn, bool looks)
{
	struct observer *observer = conn->observer;

	if (observer != NULL) {
		inspection_tls_started(observer->inspection,
		    conn->facts->inspect == INSPECT_OPENED);
		if (looks)
			return true;
		inspection_close(observer->inspection);
		observer->inspection = NULL;
		return true;
	}
	conn->observer = observer = calloc(1, sizeof(*observer));
	if (observer == NULL ||
	    evtimer_assign(&observer->timer, conn->worker->base, on_timer, conn) != 0)
		return false;
	observer->hold.total = &conn->worker->held;
	if (conn->counted)
		observer->hold.own = census_held(conn->worker->census, &conn->facts->camera);
	find_file(conn);
	if (looks)
		observer->inspection = open_inspection(conn);
	return !looks || observer->inspection != NULL;
}

bool
observe_open(struct conn *conn)
{
	bool looks =
	    conn->facts->inspect == INSPECT_OPENED || conn->facts->inspect == INSPECT_PLAIN;

	if (!looks && conn->observer == NULL && rules_budgets(own_rules(conn)) == 0)
		return !conn->facts->verdict.open || ask(conn);
	if (!open_observer(conn, looks)) {
		(void)conn_close(conn, END_OVERLOAD, "no memory to look at what is sent");
		return false;
	}
	conn->observer->asks = rules_ask_for_payload(own_rules(conn));
	if (conn->observer->asks && !ask_anew(conn))
		return false;
	/* No budget counts it, and nothing more will be known of it. */
	if (!looks && conn->observer->spending == NULL)
		observe_close(conn);
	return true;
}

bool
observe_starts_tls(const struct conn *conn)
{
	return conn->observer != NULL && conn->observer->inspection != NULL &&
	       inspection_starts_tls(conn->observer->inspection);
}

void
observe_rest(struct conn *conn)
{
	struct observer *observer = conn->observer;

	if (observer == NULL)
		return;
	if (event_initialized(&observer->timer))
		(void)event_del(&observer->timer);
	spending_tell(observer->spending, own_rules(conn), &conn->facts->verdict, clock_wall_us(),
	    &conn->facts->budget);
	spending_free(observer->spending);
	observer->spending = NULL;
	hold_clear(&observer->hold);
	observer->asks = observer->holds = observer->in_vain = observer->slowed = false;
	conn->facts->waits = false;
}

void
observe_close(struct conn *conn)
{
	struct observer *observer = conn->observer;

	if (observer == NULL)
		return;
	observe_rest(conn);
	conn->observer = NULL;
	inspection_close(observer->inspection);
	free(observer);
}
