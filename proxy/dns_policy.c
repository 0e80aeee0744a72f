/* SPDX-License-Identifier: MIT */
#include "proxy/dns_policy.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "config/judge.h"
#include "geo/geo.h"
#include "inspect/dns.h"
#include "proxy/dns_cameras.h"
#include "proxy/inventory.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "record/spool.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PORT_DNS = 53,
	MESSAGE_MAX = 65535,
	ANSWERS_A_TURN = 64,
	TURN_MS = 5000,
};

struct dns_policy {
	struct worker *worker; /* borrowed */
	struct dns_cameras *cameras;
	uint64_t turn_ms; /* when it is looked again for what is to be told */
	dns_policy_deliver *deliver;
	void *arg;
	/* The configured resolver, as the socket is connected to. */
	char resolver[ADDR_TEXT_MAX];
	int fd; /* -1: none */
	struct event event;
	struct facts facts; /* of an event; too large for a stack */
	uint8_t refusal[DNS_REFUSAL_MAX];
	uint8_t message[MESSAGE_MAX];
};

static const struct config *
config_of(const struct dns_policy *policy)
{
	return policy->worker->snapshot->config;
}

static struct dns_way
way_of(const struct facts *flow)
{
	return (struct dns_way){.camera = flow->camera,
	    .dst = flow->dst,
	    .transport = flow->transport,
	    .flow_id = flow->flow_id};
}

/* ---- the record ---- */

/* What a message of this flow is recorded with. */
static struct facts *
begin_event(struct dns_policy *policy, const struct facts *flow, const struct dns_message *message)
{
	struct facts *facts = &policy->facts;
	struct dns_facts *dns = &facts->dns;

	*facts = *flow;
	facts->traffic = (struct traffic){0};
	facts->app.proto = APP_DNS;
	*dns = (struct dns_facts){.answered = message->answer,
	    .id = message->asked.id,
	    .type = message->asked.type,
	    .rcode = message->answer ? message->rcode : 0,
	    .resolver = dns_policy_redirects(policy, &flow->dst, NULL)};
	memcpy(dns->name, message->asked.name, sizeof(dns->name));
	memcpy(dns->answers, message->answers, sizeof(dns->answers));
	return facts;
}

/* False: it has to be recorded, and could not be. */
static bool
record(struct dns_policy *policy)
{
	struct facts *facts = &policy->facts;

	if (!dns_cameras_record(policy->cameras, &facts->camera, clock_mono_ms(),
		&facts->dns.left_out))
		return true;
	return spool_write(policy->worker->spool, EVENT_DNS, facts, NULL) == 0;
}

static bool
tell_left_out(void *arg, const struct addr *camera, uint32_t count)
{
	struct dns_policy *policy = arg;
	struct worker *worker = policy->worker;
	struct facts *facts = &policy->facts;
	struct text text = text_in(facts->end_text, sizeof(facts->end_text));

	if (!spool_has_room(worker->spool))
		return false;
	*facts = (struct facts){.anomaly = {.kind = ANOMALY_LOOKUPS, .packets = count}};
	facts->opened_wall_us = facts->closed_wall_us = clock_wall_us();
	if (camera != NULL) {
		facts->camera = *camera;
		facts->camera.port = 0;
		inventory_name(worker->inventory, config_of(policy), facts);
	}
	text_add(&text, "%" PRIu32 " lookups have no line: more than %d came in a minute", count,
	    DNS_RECORDED_PER_MIN);
	return spool_write(worker->spool, EVENT_ANOMALY, facts, NULL) == 0;
}

void
dns_policy_turn(struct dns_policy *policy)
{
	uint64_t now_ms = clock_mono_ms();

	if (policy == NULL || now_ms < policy->turn_ms)
		return;
	policy->turn_ms = now_ms + TURN_MS;
	dns_cameras_tell_left_out(policy->cameras, now_ms, tell_left_out, policy);
}

/* ---- the configured resolver ---- */

static void
close_resolver(struct dns_policy *policy)
{
	if (policy->fd < 0)
		return;
	(void)event_del(&policy->event);
	(void)close(policy->fd);
	policy->fd = -1;
}

static void
say_redirected(struct verdict *verdict)
{
	*verdict = (struct verdict){.result = RESULT_ALLOW, .stage = VERDICT_ADDRESS};
	text_copy(verdict->ruleset, sizeof(verdict->ruleset), "appliance");
	text_copy(verdict->rule, sizeof(verdict->rule), "resolver");
	text_copy(verdict->why, sizeof(verdict->why), "Lookups go to the configured resolver");
}

bool
dns_policy_redirects(const struct dns_policy *policy, const struct addr *dst,
    struct verdict *verdict)
{
	if (policy == NULL || config_of(policy)->dns_resolver[0] == '\0' || dst->port != PORT_DNS)
		return false;
	if (verdict != NULL)
		say_redirected(verdict);
	return true;
}

bool
dns_policy_resolver(const struct dns_policy *policy, struct addr *out)
{
	return addr_parse(out, config_of(policy)->dns_resolver, PORT_DNS, NULL) == 0;
}

static void
learn(struct dns_policy *policy, const struct addr *camera, const struct dns_message *answer)
{
	uint64_t now_ms = clock_mono_ms();

	for (size_t i = 0; i < answer->address_count; i++)
		dns_cameras_learn(policy->cameras, camera, answer->addresses[i].ip,
		    answer->asked.name, answer->addresses[i].ttl_s, now_ms);
}

/* The flow that the query came by, as far as its answer's event needs it. */
static void
recall_flow(const struct dns_policy *policy, const struct dns_awaited *awaited, struct facts *flow)
{
	flow->flow_id = awaited->flow_id;
	flow->opened_wall_us = clock_wall_us();
	flow->camera = awaited->camera;
	flow->dst = flow->inner = awaited->dst;
	flow->transport = awaited->transport;
	flow->app.proto = APP_DNS;
	flow->inspect = INSPECT_PLAIN;
	say_redirected(&flow->verdict);
	inventory_name(policy->worker->inventory, config_of(policy), flow);
}

static void
take_resolved(struct dns_policy *policy, size_t size)
{
	static struct facts flow; /* a worker is one thread */
	struct dns_message answer;
	struct dns_awaited *awaited;
	struct addr camera, dst;

	if (!dns_read((struct bytes){policy->message, size}, &answer))
		return;
	awaited = dns_cameras_resolved(policy->cameras, &answer, clock_mono_ms());
	if (awaited == NULL)
		return;
	camera = awaited->camera;
	dst = awaited->dst;
	answer.asked.id = awaited->asked.id;
	policy->message[0] = (uint8_t)(awaited->asked.id >> 8);
	policy->message[1] = (uint8_t)awaited->asked.id;
	flow = (struct facts){0};
	recall_flow(policy, awaited, &flow);
	dns_cameras_drop(policy->cameras, awaited);
	(void)begin_event(policy, &flow, &answer);
	if (!record(policy))
		return;
	learn(policy, &camera, &answer);
	if (policy->deliver != NULL)
		policy->deliver(policy->arg, &camera, &dst, (struct bytes){policy->message, size});
}

static void
on_resolver(evutil_socket_t fd, short what, void *arg)
{
	struct dns_policy *policy = arg;

	(void)what;
	for (unsigned i = 0; i < ANSWERS_A_TURN; i++) {
		ssize_t got = recv(fd, policy->message, sizeof(policy->message), 0);

		if (got < 0 && errno == ECONNREFUSED)
			continue; /* nobody listens there, which an earlier query was told */
		if (got < 0)
			return;
		take_resolved(policy, (size_t)got);
	}
}

/* Connected, so that the kernel takes nobody else's answers. */
static int
open_resolver(struct dns_policy *policy, struct err *err)
{
	struct sockaddr_storage to;
	struct addr resolver;
	socklen_t size;

	if (!dns_policy_resolver(policy, &resolver))
		return err_set(err, ERR_INPUT, "dns.resolver is no address");
	size = addr_to_sockaddr(&resolver, &to);
	policy->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (policy->fd < 0)
		return err_sys(err, "no socket for the resolver");
	if (connect(policy->fd, (const struct sockaddr *)&to, size) != 0 ||
	    event_assign(&policy->event, policy->worker->base, policy->fd, EV_READ | EV_PERSIST,
		on_resolver, policy) != 0 ||
	    event_add(&policy->event, NULL) != 0) {
		(void)err_sys(err, "no way to the resolver");
		(void)close(policy->fd);
		policy->fd = -1;
		return -1;
	}
	text_copy(policy->resolver, sizeof(policy->resolver), config_of(policy)->dns_resolver);
	return 0;
}

/* A number that nobody can guess is what keeps others from answering. */
static bool
send_to_resolver(struct dns_policy *policy, struct dns_awaited *awaited, struct bytes message)
{
	struct err err;
	uint8_t id[2];

	if (strcmp(policy->resolver, config_of(policy)->dns_resolver) != 0)
		close_resolver(policy);
	if (policy->fd < 0 && open_resolver(policy, &err) != 0) {
		log_warn("%s", err.text);
		return false;
	}
	if (message.left > sizeof(policy->message) || RAND_bytes(id, sizeof(id)) != 1)
		return false;
	dns_cameras_sent(policy->cameras, awaited, (uint16_t)(id[0] << 8 | id[1]));
	memcpy(policy->message, message.at, message.left);
	memcpy(policy->message, id, sizeof(id));
	/* That nobody listened when the last one came is told with this one, and keeps
	 * it; what the kernel does not take is lost, as any datagram may be. */
	if (send(policy->fd, policy->message, message.left, 0) < 0 && errno == ECONNREFUSED)
		(void)send(policy->fd, policy->message, message.left, 0);
	return true;
}

/* ---- queries and answers ---- */

/* Whether a rule blocks it, whatever the name leads to. */
static bool
is_refused(struct dns_policy *policy, const struct facts *flow, const struct dns_message *query,
    struct verdict *verdict)
{
	const struct snapshot *snapshot = policy->worker->snapshot;
	struct facts *facts = &policy->facts;

	*facts = *flow;
	facts->opened_wall_us = clock_wall_us();
	facts->utc_offset_s = clock_utc_offset_s(facts->opened_wall_us);
	facts->place = (struct place){0};
	memcpy(facts->looked_up, query->asked.name, sizeof(facts->looked_up));
	if (query->asked.name[0] != '\0')
		geo_vendor(snapshot->geo, query->asked.name, &facts->place);
	return judge_lookup(snapshot->config->rules, facts, verdict);
}

static enum dns_fate
refuse(struct dns_policy *policy, const struct facts *flow, const struct dns_message *query,
    const struct verdict *verdict, struct bytes *answer)
{
	struct facts *facts = begin_event(policy, flow, query);

	facts->verdict = *verdict;
	facts->dns.refused = true;
	facts->dns.resolver = false;
	facts->dns.rcode = DNS_REFUSED;
	(void)record(policy); /* nothing of it leaves either way */
	*answer = (struct bytes){policy->refusal, dns_refuse(query, policy->refusal)};
	return answer->left > 0 ? DNS_ANSWERED : DNS_DROPPED;
}

static enum dns_fate
forward(struct dns_policy *policy, const struct facts *flow, const struct dns_message *query,
    struct bytes message)
{
	struct dns_way way = way_of(flow);
	struct dns_awaited *awaited;
	bool again;

	awaited = dns_cameras_await(policy->cameras, &way, &query->asked, clock_mono_ms(), &again);
	if (awaited == NULL)
		return DNS_DROPPED;
	(void)begin_event(policy, flow, query);
	if (!again && !record(policy)) {
		dns_cameras_drop(policy->cameras, awaited);
		return DNS_DROPPED;
	}
	if (flow->transport == TRANSPORT_TCP || !dns_policy_redirects(policy, &flow->dst, NULL))
		return DNS_PASS;
	return send_to_resolver(policy, awaited, message) ? DNS_TAKEN : DNS_DROPPED;
}

enum dns_fate
dns_policy_query(struct dns_policy *policy, const struct facts *flow, struct bytes message,
    struct bytes *answer)
{
	struct dns_message query;
	struct verdict verdict;

	if (!dns_read(message, &query) || query.answer || query.question.left == 0)
		return DNS_UNREAD;
	if (is_refused(policy, flow, &query, &verdict))
		return refuse(policy, flow, &query, &verdict, answer);
	return forward(policy, flow, &query, message);
}

void
dns_policy_note(struct dns_policy *policy, const struct facts *flow, struct bytes message)
{
	struct dns_message query;

	if (!dns_read(message, &query) || query.answer)
		return;
	(void)begin_event(policy, flow, &query);
	policy->facts.dns.resolver = false;
	(void)record(policy); /* the flow's own record tells of the block */
}

bool
dns_policy_answer(struct dns_policy *policy, const struct facts *flow, struct bytes message)
{
	struct dns_way way = way_of(flow);
	struct dns_awaited *awaited;
	struct dns_message answer;

	if (!dns_read(message, &answer))
		return false;
	awaited = dns_cameras_answered(policy->cameras, &way, &answer, clock_mono_ms());
	if (awaited == NULL)
		return false;
	dns_cameras_drop(policy->cameras, awaited);
	(void)begin_event(policy, flow, &answer);
	if (!record(policy))
		return false;
	learn(policy, &flow->camera, &answer);
	return true;
}

void
dns_policy_name(struct dns_policy *policy, struct facts *facts)
{
	if (policy == NULL)
		return;
	text_copy(facts->looked_up, sizeof(facts->looked_up),
	    dns_cameras_name(policy->cameras, &facts->camera, &facts->dst, clock_mono_ms()));
}

/* ---- life ---- */

struct dns_policy *
dns_policy_new(struct worker *worker, struct err *err)
{
	struct dns_policy *policy = calloc(1, sizeof(*policy));

	if (policy == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for cameras' lookups");
		return NULL;
	}
	policy->worker = worker;
	policy->fd = -1;
	policy->cameras = dns_cameras_new(err);
	if (policy->cameras == NULL) {
		free(policy);
		return NULL;
	}
	return policy;
}

void
dns_policy_deliver_to(struct dns_policy *policy, dns_policy_deliver *deliver, void *arg)
{
	policy->deliver = deliver;
	policy->arg = arg;
}

void
dns_policy_free(struct dns_policy *policy)
{
	if (policy == NULL)
		return;
	close_resolver(policy);
	dns_cameras_tell_left_out(policy->cameras, UINT64_MAX, tell_left_out, policy);
	dns_cameras_free(policy->cameras);
	free(policy);
}
