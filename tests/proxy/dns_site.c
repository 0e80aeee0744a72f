/* SPDX-License-Identifier: MIT */
#include "tests/proxy/dns_site.h"

#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "geo/geo.h"
#include "proxy/dns_policy.h"
#include "proxy/snapshot.h"
#include "proxy/worker_private.h"
#include "record/spool.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char rules[] =
    "ruleset: site\nversion: 1\ntitle: t\nunknown: {then: allow, why: open}\n"
    "default: {then: allow, why: open}\nrules:\n"
    "- {id: tracker, match: {sni: tracker.example}, then: block, why: a tracker}\n";

static void
write_config(const struct recorded_site *site, const char *resolver)
{
	char text[512];
	int size = snprintf(text, sizeof(text),
	    "site: north-gate\nstate_dir: state\nrun_dir: run\ngateway: {cameras: eth1}\n"
	    "rules: rules.yaml\ndevices: devices.yaml\nrecord: {eve: eve.json}\n%s%s%s",
	    resolver != NULL ? "dns: {resolver: \"" : "", resolver != NULL ? resolver : "",
	    resolver != NULL ? "\"}\n" : "");

	scratch_file(site->dir, "borderlens.yaml", text, (size_t)size);
}

static struct config *
load(const struct recorded_site *site)
{
	struct source *source = source_from_disk();
	struct problems problems = {0};
	struct config *config = config_load(site->config, source, &problems);

	problems_free(&problems);
	source_free(source);
	return config;
}

static struct snapshot *
make_snapshot(const struct recorded_site *site)
{
	static const struct geo_files no_files = {.asn = {.fd = -1}};
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	cr_assert_not_null(snapshot);
	snapshot->config = load(site);
	snapshot->geo = geo_open(&no_files, NULL, NULL, NULL);
	cr_assert(snapshot->config != NULL && snapshot->geo != NULL);
	return snapshot;
}

void
dns_site_open(struct dns_site *site, const char *resolver)
{
	struct facts *flow = &site->flow;

	*site = (struct dns_site){0};
	recorded_site_make(&site->recorded, rules);
	write_config(&site->recorded, resolver);
	recorded_open(&site->recorded);
	site->events = spool_reader(site->recorded.fd, NULL);
	site->worker = calloc(1, sizeof(*site->worker));
	cr_assert(site->worker != NULL && site->events != NULL);
	site->worker->base = event_base_new();
	site->worker->spool = site->recorded.spool;
	site->worker->snapshot = make_snapshot(&site->recorded);
	site->policy = dns_policy_new(site->worker, NULL);
	cr_assert_not_null(site->policy);
	flow->flow_id = 4711;
	flow->transport = TRANSPORT_UDP;
	cr_assert_eq(addr_parse(&flow->camera, "10.0.0.4:40000", 0, NULL), 0);
	cr_assert_eq(addr_parse(&flow->dst, "198.51.100.53:53", 0, NULL), 0);
}

void
dns_site_rules(struct dns_site *site, const char *text)
{
	struct snapshot *snapshot = site->worker->snapshot;

	scratch_file(site->recorded.dir, "rules.yaml", text, strlen(text));
	config_free(snapshot->config);
	snapshot->config = load(&site->recorded);
	cr_assert_not_null(snapshot->config);
	snapshot->generation++;
}

void
dns_site_end_policy(struct dns_site *site)
{
	dns_policy_free(site->policy);
	site->policy = NULL;
}

void
dns_site_close(struct dns_site *site)
{
	struct snapshot *snapshot = site->worker->snapshot;

	dns_site_end_policy(site);
	event_base_free(site->worker->base);
	geo_close(snapshot->geo);
	config_free(snapshot->config);
	free(snapshot);
	free(site->worker);
	spool_close(site->events);
	spool_close(site->recorded.spool);
	site->recorded.spool = NULL;
	(void)close(site->recorded.fd);
	recorded_site_remove(&site->recorded);
}

bool
dns_site_event(struct dns_site *site, struct recorded *out)
{
	return spool_read(site->events, out, NULL) == 1;
}

/* ---- messages ---- */

static size_t
put_name(uint8_t *out, const char *name)
{
	size_t used = 0;

	while (name[0] != '\0') {
		size_t size = strcspn(name, ".");

		out[used++] = (uint8_t)size;
		memcpy(out + used, name, size);
		used += size;
		name += size + (name[size] == '.');
	}
	out[used++] = 0;
	return used;
}

const char *
dns_site_name(const struct dns_site *site, const char *ip)
{
	static struct facts facts;

	facts = (struct facts){.camera = site->flow.camera};
	cr_assert_eq(addr_parse(&facts.dst, ip, 443, NULL), 0);
	dns_policy_name(site->policy, &facts);
	return facts.looked_up;
}

size_t
dns_site_query(uint16_t id, const char *name, uint8_t out[DNS_SITE_MESSAGE_MAX])
{
	const uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
	static const uint8_t asks[] = {0, 1, 0, 1}; /* A, IN */
	size_t used = sizeof(head);

	memcpy(out, head, sizeof(head));
	used += put_name(out + used, name);
	memcpy(out + used, asks, sizeof(asks));
	return used + sizeof(asks);
}

size_t
dns_site_answer(uint16_t id, const char *name, const char *ip, uint8_t out[DNS_SITE_MESSAGE_MAX])
{
	static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4};
	size_t used = dns_site_query(id, name, out);
	struct addr addr;

	cr_assert_eq(addr_parse(&addr, ip, 0, NULL), 0);
	out[2] = 0x81;
	out[3] = 0x80;
	out[7] = 1;
	memcpy(out + used, record, sizeof(record));
	used += sizeof(record);
	memcpy(out + used, addr.ip + 12, 4);
	return used + 4;
}
