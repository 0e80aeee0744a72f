/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_XML_SCAN_H
#define INSPECT_XML_SCAN_H

#include "base/bytes.h"
#include "inspect/json_scan.h"
#include "inspect/words.h"

/* What XML was seen to be, beside the words in it. */
struct xml_seen {
	bool soap;     /* its first element is an Envelope of SOAP */
	bool onvif;    /* it names a name space of ONVIF */
	bool html;     /* its first element is html */
	bool metadata; /* its first element is a MetadataStream, and it holds objects */
	bool fault;    /* set where SOAP answers with a Fault */
};

/*
 * Walk XML (1.0, section 2): a declaration, comments and tags.  Elements are
 * noted by their names without prefix, with their text where it is all that they
 * hold; so are the pairs of ONVIF's SimpleItem (Name="..." Value="...").  End
 * tags are not matched with their beginnings: nothing here rests on it.
 *
 * Source: SOAP 1.2 part 1 section 5; ONVIF Core Specification section 5.3 and
 * Analytics Service Specification section 5 (the scene description).
 */
enum scan xml_scan(struct bytes in, struct words_seen *seen, struct xml_seen *xml);

#endif
