/* SPDX-License-Identifier: MIT */
#include "inspect/finding.h"

#include "base/text.h"

void
finding_set(struct payload_finding *finding, enum payload_class class, enum confidence confidence,
    const char *format)
{
	*finding = (struct payload_finding){.class = class, .confidence = confidence};
	text_copy(finding->format, sizeof(finding->format), format);
}

enum told
finding_identified(struct payload_finding *finding, enum payload_class class, const char *format)
{
	finding_set(finding, class, CONFIDENCE_IDENTIFIED, format);
	return TOLD;
}

enum told
finding_open(struct payload_finding *finding)
{
	*finding = (struct payload_finding){.class = PAYLOAD_UNKNOWN};
	return TOLD_MAYBE;
}
