/* SPDX-License-Identifier: MIT */
#include "record/eve_private.h"

#include "base/text.h"
#include "record/alert.h"
#include "record/eve.h"

#include <stdio.h>
#include <string.h>

struct word {
	uint16_t number;
	const char *name;
};

/* Source: IANA, Domain Name System Parameters. */
static const struct word types[] = {
    {1, "A"},
    {2, "NS"},
    {5, "CNAME"},
    {6, "SOA"},
    {12, "PTR"},
    {15, "MX"},
    {16, "TXT"},
    {28, "AAAA"},
    {33, "SRV"},
    {35, "NAPTR"},
    {43, "DS"},
    {46, "RRSIG"},
    {48, "DNSKEY"},
    {64, "SVCB"},
    {65, "HTTPS"},
    {255, "ANY"},
};

static const struct word rcodes[] = {
    {0, "NOERROR"},
    {1, "FORMERR"},
    {2, "SERVFAIL"},
    {3, "NXDOMAIN"},
    {4, "NOTIMP"},
    {5, "REFUSED"},
    {6, "YXDOMAIN"},
    {7, "YXRRSET"},
    {8, "NXRRSET"},
    {9, "NOTAUTH"},
    {10, "NOTZONE"},
};

/* As Suricata: what has no name is its number. */
static void
add_word(struct jsonw *json, const char *key, const struct word *words, size_t count,
    uint16_t number)
{
	char text[8];

	for (size_t i = 0; i < count; i++) {
		if (words[i].number == number) {
			jsonw_string(json, key, words[i].name);
			return;
		}
	}
	(void)snprintf(text, sizeof(text), "%u", number);
	jsonw_string(json, key, text);
}

/* An answer is an address, or the name that another one leads to. */
static void
add_answer(struct jsonw *json, const char *text)
{
	struct addr addr;
	const char *type = "CNAME";

	if (addr_parse(&addr, text, 0, NULL) == 0)
		type = addr_is_v4(&addr) ? "A" : "AAAA";
	jsonw_open(json, NULL);
	jsonw_string(json, "rrtype", type);
	jsonw_string(json, "rdata", text);
	jsonw_close(json);
}

static void
add_answers(struct jsonw *json, const char *answers)
{
	char text[FACTS_NAME_MAX];

	if (answers[0] == '\0')
		return;
	jsonw_open_array(json, "answers");
	while (*answers != '\0') {
		size_t count = strcspn(answers, ",");

		(void)snprintf(text, sizeof(text), "%.*s", (int)count, answers);
		add_answer(json, text);
		answers += count + (answers[count] != '\0' ? 1 : 0);
	}
	jsonw_close_array(json);
}

static void
add_dns(struct jsonw *json, const struct dns_facts *dns)
{
	jsonw_open(json, "dns");
	if (dns->answered)
		jsonw_number(json, "version", 2); /* of Suricata's shape of an answer */
	jsonw_string(json, "type", dns->answered ? "answer" : "query");
	jsonw_number(json, "id", dns->id);
	eve_add_text(json, "rrname", dns->name);
	add_word(json, "rrtype", types, sizeof(types) / sizeof(types[0]), dns->type);
	if (dns->answered) {
		add_word(json, "rcode", rcodes, sizeof(rcodes) / sizeof(rcodes[0]), dns->rcode);
		add_answers(json, dns->answers);
	}
	jsonw_close(json);
}

static void
add_ours(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	jsonw_open(json, "borderlens");
	jsonw_string(json, "device", facts->device);
	jsonw_string(json, "site", site);
	eve_add_verdict(json, facts);
	if (facts->dns.refused)
		jsonw_bool(json, "refused", true);
	if (facts->dns.resolver)
		jsonw_bool(json, "resolver", true);
	if (facts->dns.left_out > 0)
		jsonw_number(json, "left_out", facts->dns.left_out);
	eve_add_seq(json, head);
	jsonw_close(json);
}

static void
add_alert(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	const struct verdict *verdict = &facts->verdict;

	jsonw_open(json, NULL);
	eve_add_head(json, "alert", head, facts, site);
	jsonw_string(json, "app_proto", "dns");
	jsonw_open(json, "alert");
	jsonw_string(json, "action", "blocked");
	jsonw_number(json, "gid", EVE_GID);
	jsonw_number(json, "signature_id", eve_signature_id(verdict->ruleset, verdict->rule));
	jsonw_number(json, "rev", 1);
	jsonw_string(json, "signature", verdict->why);
	jsonw_string(json, "category", "Lookup refused by rule");
	jsonw_number(json, "severity", 1);
	jsonw_close(json);
	add_dns(json, &facts->dns);
	add_ours(json, head, facts, site);
	jsonw_close(json);
	jsonw_end_line(json);
}

void
eve_add_dns_lines(struct jsonw *json, const struct event_head *head, const struct facts *facts,
    const char *site)
{
	if (facts->verdict.detail == DETAIL_COUNT)
		return;
	jsonw_open(json, NULL);
	eve_add_head(json, "dns", head, facts, site);
	jsonw_string(json, "app_proto", "dns");
	add_dns(json, &facts->dns);
	add_ours(json, head, facts, site);
	jsonw_close(json);
	jsonw_end_line(json);
	if (facts->dns.refused)
		add_alert(json, head, facts, site);
}
