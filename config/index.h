/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_INDEX_H
#define CONFIG_INDEX_H

#include "base/facts.h"

#include <stddef.h>
#include <stdint.h>

struct rules;

/*
 * Which rules can hold at all for given facts, so that few need be asked: of
 * each key that most rules have (places, ports, addresses, names ...) a row of
 * bits for each of its values, one bit a rule.  The rows of the facts' values
 * are put together, and what no key rules out is left.
 *
 * What is left may be more than what holds, and is never less; each is to be
 * asked itself.  Read-only once made.
 */
struct rule_index;

enum { INDEX_WORDS_MAX = 1024 }; /* of 64 rules; each set begins with a new one */

/* NULL: no memory, or more rules and values than are worth it. */
struct rule_index *index_new(const struct rules *rules);
void index_free(struct rule_index *index); /* accepts NULL */

/* Fill out with the bits of all sets' rules, one set after the other.  name is
 * the server's, as in struct asked. */
void index_ask(const struct rule_index *index, const struct facts *facts, enum verdict_stage stage,
    const char *name, uint64_t out[INDEX_WORDS_MAX]);

/* How many words a set of that many rules has. */
static inline size_t
index_words(size_t rules)
{
	return (rules + 63) / 64;
}

#endif
