/* SPDX-License-Identifier: MIT */
#ifndef PROXY_REJUDGE_H
#define PROXY_REJUDGE_H

#include "base/facts.h"

#include <stdbool.h>

struct rules;

/*
 * Judges a recorded connection anew: with the facts that its record has, stage
 * by stage as the connection itself was (proxy/decide.c, proxy/server.c), by
 * rules that may be others.  Pure, as the judge is.
 *
 * A connection that was refused early left no word of what comes later: most
 * of all, its server was never asked for a certificate.  Where the rules do
 * not refuse it by what is known, and a later fact could still change what
 * they say, `open` is true: they let it come further, and how it would have
 * ended cannot be told.  So it is with one that a rule blocked for what is wrong
 * with its server, where they do not.  A connection that was not refused is judged at the
 * stage that it reached; it stays there.
 *
 * What the appliance itself refused (verdict.ruleset "appliance": its own
 * addresses, what cannot be understood, a server's bad certificate) no rule
 * opens: the verdict stays what it was.
 *
 * facts are those of the record, with group, inner and utc_offset_s filled in;
 * their verdict is the recorded one, and stays untouched.
 */
struct rejudged {
	struct verdict verdict;
	bool open;
	bool untold; /* its rule had names left out of the record (`log: meta`), and a rule
		      * may look at these: verdict is by the address alone */
};

void rejudge(const struct rules *rules, const struct facts *facts, struct rejudged *out);

#endif
