/* SPDX-License-Identifier: MIT */
/* A rule set, and what it says of two places at every stage. */
#include "config/judge.h"
#include "config/problems.h"
#include "config/rules.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Who is told hears of every rule, the others of those the index leaves. */
static void
ignore(const struct judge_step *step, void *arg)
{
	(void)step;
	(void)arg;
}

static void
judge_all(const struct rules *rules, const struct facts *facts)
{
	bool blocked = false;

	for (enum verdict_stage stage = VERDICT_ADDRESS; stage <= VERDICT_CERTIFICATE; stage++) {
		struct verdict verdict, each;

		judge(rules, stage, facts, &verdict);
		judge_explain(rules, stage, facts, &each, ignore, NULL);
		assert(memcmp(&verdict, &each, sizeof(each)) == 0);
		assert(!blocked || verdict.result == RESULT_BLOCK);
		blocked = verdict.result == RESULT_BLOCK;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct facts facts = {.device = "lobby-3", .dst = {.port = 443}};
	struct problems problems = {0};
	struct rules *rules = rules_new();
	int ret;

	if (rules == NULL)
		return 0;
	ret = rules_add(rules, "f", (struct bytes){data, size}, &problems);
	assert((ret == 0) == (problems.errors == 0));
	rules_prepare(rules);
	judge_all(rules, &facts);
	facts.place.kind = PLACE_ANYCAST;
	judge_all(rules, &facts);
	facts.place.kind = PLACE_ORDINARY;
	countries_add(&facts.place.located, "DE");
	countries_add(&facts.place.registered, "DE");
	countries_add(&facts.place.registered, "SG");
	countries_add(&facts.place.operator, "CN");
	facts.hello.sni[0] = 'a';
	facts.place.vendor[0] = 'V';
	judge_all(rules, &facts);
	facts.server.verified = true;
	judge_all(rules, &facts);
	problems_free(&problems);
	rules_free(rules);
	return 0;
}
