/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_FINDING_H
#define INSPECT_FINDING_H

#include "base/facts.h"
#include "inspect/payload.h"

/*
 * What a recogniser of one format answers.  Recognisers are pure; each looks at
 * the front of some bytes, or anywhere in them where its name says so, and
 * writes a finding for all answers but TOLD_NO.
 */
enum told {
	TOLD_NO = 0, /* it is not this */
	TOLD_MAYBE,  /* it begins like this; the finding is what these bytes prove of it, and
		      * more bytes may prove more.  Of class PAYLOAD_UNKNOWN: they prove nothing */
	TOLD,        /* more bytes would change nothing */
};

/* Fill a finding; format is a literal of at most 23 bytes. */
void finding_set(struct payload_finding *finding, enum payload_class class,
    enum confidence confidence, const char *format);

/* Identified, and nothing more to ask: fills the finding and answers TOLD. */
enum told finding_identified(struct payload_finding *finding, enum payload_class class,
    const char *format);

/* Begins like it, and nothing is proven: answers TOLD_MAYBE. */
enum told finding_open(struct payload_finding *finding);

#endif
