/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RELOAD_WIRE_H
#define PROXY_RELOAD_WIRE_H

#include "base/facts.h"

#include <stdint.h>

/*
 * What the supervisor and a worker say to each other on the worker's control
 * channel, about one reload at a time, by its number.  A generation would not
 * do: one that is called off and the one after it have the same.
 *
 *	PREPARE  ->            make a snapshot from the descriptors sent along
 *	         <-  READY     it is made; or FAILED, with why
 *	COMMIT   ->            it is the current one
 *	         <-  DONE      and connections were looked at by it
 *	ABORT    ->            forget it
 *	RECORD   ->            write the event of a reload, good or not, with its text
 *	         <-  RECORDED
 *
 * One message is one struct, of one build of the program.
 */
enum reload_word {
	RELOAD_PREPARE = 1,
	RELOAD_COMMIT,
	RELOAD_ABORT,
	RELOAD_RECORD,
	RELOAD_READY,
	RELOAD_FAILED,
	RELOAD_DONE,
	RELOAD_RECORDED,
};

struct reload_message {
	uint32_t word;
	/* Of PREPARE: what comes beside the message, in this order: the source, so
	 * many databases of countries, and of networks. */
	uint16_t countries, networks;
	uint64_t number;     /* of the reload; from 1 */
	uint64_t generation; /* PREPARE: what comes of it */
	uint64_t good;       /* RECORD: the reload was taken over */
	char text[FACTS_TEXT_MAX];
};

#endif
