/* SPDX-License-Identifier: MIT */
#include "record/device_flows.h"

#include "base/text.h"
#include "record/store.h"

#include <sqlite3.h>
#include <string.h>

/* In the order of the statement's columns. */
enum {
	MAC = 0,
	CAMERA,
	DST,
	PORT,
	PROTO,
	SNI,
	LOOKED_UP,
	FLOWS,
	BLOCKED,
	UP,
	DOWN,
	LEFT_UP,
	OK,
	REJECTED,
	PROBABLE,
	PASSED,
	REFUSED_US,
	LAST_US,
	LOCATED,
	VERDICT,
	LAST_SEEN, /* a time of fixed width, and the verdict of that time */
};

enum { TIME_DIGITS = 20 };

#define DESTINATION "mac, camera, dst, port, proto, sni, name"

/* What is not summed is of the row that has max(opened): SQLite takes bare
 * columns from there, as long as there is no other min() or max(). */
static const char sql[] =
    "WITH named AS (SELECT *, CASE WHEN sni = '' THEN looked_up ELSE '' END AS name FROM flow),"
    " last AS (SELECT " DESTINATION ", max(opened) AS at, located, verdict"
    "  FROM named GROUP BY " DESTINATION ")"
    " SELECT " DESTINATION ", count(*),"
    " sum(flow.verdict = 'block' AND shadow = 0), sum(up), sum(down), sum(left_up),"
    " sum(camera_verdict = 'ok'), sum(camera_verdict = 'rejected'),"
    " sum(camera_verdict = 'probable'),"
    " sum(camera_verdict IN ('rejected', 'probable') AND inspect = 'passthrough'),"
    " max(CASE WHEN camera_verdict IN ('rejected', 'probable') AND inspect <> 'passthrough'"
    "  THEN opened ELSE 0 END),"
    " last.at, last.located, last.verdict,"
    " max(CASE WHEN camera_verdict <> '' THEN printf('%020d', opened) || camera_verdict"
    "  ELSE '' END)"
    " FROM named AS flow JOIN last USING (" DESTINATION ")"
    " GROUP BY " DESTINATION;

static const char *
text_of(sqlite3_stmt *row, int index)
{
	const char *text = (const char *)sqlite3_column_text(row, index);

	return text != NULL ? text : "";
}

static uint64_t
number_of(sqlite3_stmt *row, int index)
{
	return (uint64_t)sqlite3_column_int64(row, index);
}

static bool
read_row(sqlite3_stmt *row, struct device_flow *out)
{
	const char *seen = text_of(row, LAST_SEEN);

	*out = (struct device_flow){.flows = number_of(row, FLOWS),
	    .blocked = number_of(row, BLOCKED),
	    .up = number_of(row, UP),
	    .down = number_of(row, DOWN),
	    .left_up = number_of(row, LEFT_UP),
	    .ok = number_of(row, OK),
	    .rejected = number_of(row, REJECTED),
	    .probable = number_of(row, PROBABLE),
	    .passed = number_of(row, PASSED),
	    .refused_us = number_of(row, REFUSED_US),
	    .last_us = number_of(row, LAST_US)};
	(void)mac_parse(text_of(row, MAC), out->mac, sizeof(out->mac));
	text_copy(out->sni, sizeof(out->sni), text_of(row, SNI));
	text_copy(out->looked_up, sizeof(out->looked_up), text_of(row, LOOKED_UP));
	out->transport = strcmp(text_of(row, PROTO), "udp") == 0 ? TRANSPORT_UDP : TRANSPORT_TCP;
	text_copy(out->located, sizeof(out->located), text_of(row, LOCATED));
	text_copy(out->verdict, sizeof(out->verdict), text_of(row, VERDICT));
	if (strlen(seen) > TIME_DIGITS)
		text_copy(out->camera_verdict, sizeof(out->camera_verdict), seen + TIME_DIGITS);
	return addr_parse(&out->camera, text_of(row, CAMERA), 0, NULL) == 0 &&
	       addr_parse(&out->dst, text_of(row, DST), (uint16_t)number_of(row, PORT), NULL) == 0;
}

int
device_flows_read(struct store *store, device_flow_each *each, void *context, struct err *err)
{
	struct device_flow flow;
	sqlite3_stmt *row = NULL;
	int code;

	if (sqlite3_prepare_v2(store_database(store), sql, -1, &row, NULL) != SQLITE_OK)
		return store_error(store, "sum up the connections", err);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		if (read_row(row, &flow) && !each(context, &flow))
			break;
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		(void)store_error(store, "sum up the connections", err);
	(void)sqlite3_finalize(row);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : -1;
}
