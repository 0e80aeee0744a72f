/* SPDX-License-Identifier: MIT */
#include "proxy/refusals.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct refusals *refusals;
static struct addr camera, dst;

static void
open_refusals(void)
{
	refusals = refusals_new();
	cr_assert_not_null(refusals);
	cr_assert_eq(addr_parse(&camera, "10.0.0.4", 0, NULL), 0);
	cr_assert_eq(addr_parse(&dst, "203.0.114.10:443", 0, NULL), 0);
}

static void
close_refusals(void)
{
	refusals_free(refusals);
}

TestSuite(refusals, .init = open_refusals, .fini = close_refusals);

Test(refusals, that_was_said_counts_at_once)
{
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "a.example", 0));
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 1000);
	cr_expect_eq(REFUSAL_CERTAIN, refusals_known(refusals, &camera, &dst, "a.example", 1000));
}

Test(refusals, that_only_looks_like_one_counts_when_seen_twice)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 1000);
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "a.example", 1000));
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 2000);
	cr_expect_eq(REFUSAL_PROBABLE, refusals_known(refusals, &camera, &dst, "a.example", 2000));
}

Test(refusals, of_none_is_none)
{
	for (int i = 0; i < 3; i++)
		refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_NONE, 1000);
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "a.example", 1000));
}

Test(refusals, is_of_one_camera_at_one_place)
{
	struct addr other_camera = camera, same_camera = camera, other_dst = dst, other_port = dst;

	other_camera.ip[15]++;
	same_camera.port = 4711;
	other_dst.ip[15]++;
	other_port.port++;
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 0);
	cr_expect_eq(REFUSAL_CERTAIN, refusals_known(refusals, &same_camera, &dst, "a.example", 0),
	    "its own port is another each time");
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &other_camera, &dst, "a.example", 0));
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &other_dst, "a.example", 0));
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &other_port, "a.example", 0));
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "b.example", 0));
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "", 0));
}

Test(refusals, is_forgotten_when_old)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 1000);
	cr_expect_eq(REFUSAL_CERTAIN,
	    refusals_known(refusals, &camera, &dst, "a.example", 999 + REFUSALS_AGE_MS));
	cr_expect_eq(REFUSAL_NONE,
	    refusals_known(refusals, &camera, &dst, "a.example", 1000 + REFUSALS_AGE_MS));
}

/* Two that were a week apart counted as two. */
Test(refusals, that_is_forgotten_does_not_count_towards_the_next)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 1000);
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE,
	    1000 + REFUSALS_AGE_MS);
	cr_expect_eq(REFUSAL_NONE,
	    refusals_known(refusals, &camera, &dst, "a.example", 1000 + REFUSALS_AGE_MS));
}

Test(refusals, that_was_only_probable_is_cleared_by_trust)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 0);
	refusals_clear(refusals, &camera, &dst, "a.example");
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, 0);
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "a.example", 0));
	refusals_clear(refusals, &camera, &dst, "never.example");
}

/* Two programs of a camera at one place, of which one pins: it was refused
 * anew whenever the other had been served. */
Test(refusals, that_was_said_is_not_cleared_by_another_programs_trust)
{
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 0);
	refusals_clear(refusals, &camera, &dst, "a.example");
	cr_expect_eq(REFUSAL_CERTAIN, refusals_known(refusals, &camera, &dst, "a.example", 0));
}

Test(refusals, a_full_table_keeps_the_newest)
{
	char name[32];

	for (unsigned i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "n%u.example", i);
		refusals_add(refusals, &camera, &dst, name, REFUSAL_CERTAIN, i);
		cr_assert_eq(REFUSAL_CERTAIN, refusals_known(refusals, &camera, &dst, name, i),
		    "%s", name);
	}
	cr_expect_eq(REFUSAL_NONE, refusals_known(refusals, &camera, &dst, "n0.example", 20000));
}

static void
add_probable(unsigned times, uint64_t now_ms)
{
	for (unsigned i = 0; i < times; i++)
		refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_PROBABLE, now_ms);
}

static enum refusal
known(uint64_t now_ms)
{
	return refusals_known(refusals, &camera, &dst, "a.example", now_ms);
}

Test(refusals, that_only_look_like_it_are_certain_when_the_passthrough_works)
{
	add_probable(2, 1000);
	refusals_confirm(refusals, &camera, &dst, "a.example", true, 2000);
	cr_expect_eq(known(2000), REFUSAL_CERTAIN);
	refusals_clear(refusals, &camera, &dst, "a.example");
	cr_expect_eq(known(2000), REFUSAL_CERTAIN);
	cr_expect_eq(known(2000 + REFUSALS_AGE_MS), REFUSAL_NONE);
}

/* A camera that asks by an empty connection whether its cloud is there. */
Test(refusals, that_the_passthrough_shows_too_were_none)
{
	add_probable(2, 1000);
	refusals_confirm(refusals, &camera, &dst, "a.example", false, 2000);
	cr_expect_eq(known(2000), REFUSAL_NONE);
	add_probable(5, 3000);
	cr_expect_eq(known(3000), REFUSAL_NONE, "it is opened, however often it does so");
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 4000);
	cr_expect_eq(known(4000), REFUSAL_CERTAIN, "but what it says counts");
}

Test(refusals, that_were_none_are_looked_at_again_when_that_is_old)
{
	add_probable(2, 1000);
	refusals_confirm(refusals, &camera, &dst, "a.example", false, 2000);
	add_probable(2, 2000 + REFUSALS_AGE_MS);
	cr_expect_eq(known(2000 + REFUSALS_AGE_MS), REFUSAL_PROBABLE);
}

Test(refusals, only_what_is_probable_can_be_confirmed)
{
	refusals_confirm(refusals, &camera, &dst, "a.example", true, 1000);
	cr_expect_eq(known(1000), REFUSAL_NONE, "nothing was seen");
	add_probable(1, 1000);
	refusals_confirm(refusals, &camera, &dst, "a.example", true, 1000);
	cr_expect_eq(known(1000), REFUSAL_NONE, "it did not pass");
	refusals_add(refusals, &camera, &dst, "a.example", REFUSAL_CERTAIN, 1000);
	refusals_confirm(refusals, &camera, &dst, "a.example", false, 1000);
	cr_expect_eq(known(1000), REFUSAL_CERTAIN, "it was said");
}

/* ---- servers ---- */

static const uint8_t tls_id[32] = {1, 2, 3}, other_id[32] = {1, 2, 4};

static bool
wants(const char *name, enum demand demand, uint64_t now_ms)
{
	const struct demand_place place = {&dst, name, tls_id};

	return refusals_has_demand(refusals, &place, demand, NULL, now_ms);
}

static void
add_demand(enum demand demand, uint32_t errors, uint64_t now_ms)
{
	const struct demand_place place = {&dst, "a.example", tls_id};

	refusals_add_demand(refusals, &place, demand, errors, now_ms);
}

Test(refusals, a_demand_is_of_one_server_and_under_one_configuration)
{
	struct addr elsewhere = dst;
	const struct demand_place places[] = {{&dst, "a.example", other_id},
	    {&elsewhere, "a.example", tls_id}, {&dst, "b.example", tls_id}, {&dst, "", tls_id}};
	const struct demand_place place = {&dst, "a.example", tls_id};
	uint32_t errors = 0;

	elsewhere.port++;
	add_demand(DEMAND_CERTIFICATE, 4711, 0);
	cr_expect(refusals_has_demand(refusals, &place, DEMAND_CERTIFICATE, &errors, 0));
	cr_expect_eq(errors, 4711);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		cr_expect_not(refusals_has_demand(refusals, &places[i], DEMAND_CERTIFICATE, &errors,
				  0),
		    "%zu", i);
	cr_expect_not(wants("a.example", DEMAND_RENEGOTIATION, 0), "it wants something else");
}

Test(refusals, a_demand_is_no_cameras_refusal_nor_the_other_way_round)
{
	const struct addr nobody = {0};

	add_demand(DEMAND_RENEGOTIATION, 0, 0);
	cr_expect_eq(refusals_known(refusals, &camera, &dst, "a.example", 0), REFUSAL_NONE);
	cr_expect_eq(refusals_known(refusals, &nobody, &dst, "a.example", 0), REFUSAL_NONE);
	refusals_add(refusals, &nobody, &dst, "b.example", REFUSAL_CERTAIN, 0);
	cr_expect_not(wants("b.example", DEMAND_RENEGOTIATION, 0));
	cr_expect_not(wants("b.example", DEMAND_CERTIFICATE, 0));
}

Test(refusals, a_demand_is_forgotten_when_old)
{
	add_demand(DEMAND_RENEGOTIATION, 0, 1000);
	add_demand(DEMAND_CERTIFICATE, 0, 1000);
	cr_expect(wants("a.example", DEMAND_CERTIFICATE, 999 + DEMANDS_CERTIFICATE_AGE_MS));
	cr_expect_not(wants("a.example", DEMAND_CERTIFICATE, 1000 + DEMANDS_CERTIFICATE_AGE_MS));
	cr_expect(wants("a.example", DEMAND_RENEGOTIATION, 999 + REFUSALS_AGE_MS));
	cr_expect_not(wants("a.example", DEMAND_RENEGOTIATION, 1000 + REFUSALS_AGE_MS));
}

/* ---- one connection ---- */

enum { LATE = REFUSAL_SILENT_MS + 1, ANSWERED_LATE = REFUSAL_ANSWERED_MS + 1 };

static const struct {
	const char *what;
	struct refusal_signs signs;
	enum refusal want;
} judged[] = {
    {"nothing happened", {0}, REFUSAL_NONE},
    {"bad_certificate", {.alert = 42}, REFUSAL_CERTAIN},
    {"unsupported_certificate", {.alert = 43}, REFUSAL_CERTAIN},
    {"certificate_revoked", {.alert = 44}, REFUSAL_CERTAIN},
    {"certificate_expired", {.alert = 45}, REFUSAL_CERTAIN},
    {"certificate_unknown", {.alert = 46}, REFUSAL_CERTAIN},
    {"unknown_ca", {.alert = 48}, REFUSAL_CERTAIN},
    {"unknown_ca behind the handshake", {.alert = 48, .handshake_done = true}, REFUSAL_CERTAIN},
    {"unknown_ca when it was answered already",
	{.alert = 48, .handshake_done = true, .answered = true, .answered_ms = ANSWERED_LATE},
	REFUSAL_CERTAIN},
    {"unknown_ca behind payload: not about the leaf, or too late to tell",
	{.alert = 48, .handshake_done = true, .payload = true}, REFUSAL_NONE},
    {"handshake_failure", {.alert = 40}, REFUSAL_NONE},
    {"illegal_parameter", {.alert = 47}, REFUSAL_NONE},
    {"access_denied", {.alert = 49}, REFUSAL_NONE},
    {"decrypt_error", {.alert = 51}, REFUSAL_NONE},
    {"protocol_version", {.alert = 70}, REFUSAL_NONE},
    {"internal_error", {.alert = 80}, REFUSAL_NONE},
    {"ech_required", {.alert = 121}, REFUSAL_NONE},
    {"an alert, and a close behind it", {.alert = 80, .closed = true, .first = true}, REFUSAL_NONE},
    {"closed in the handshake", {.closed = true, .first = true}, REFUSAL_PROBABLE},
    {"broke the protocol in the handshake", {.first = true}, REFUSAL_NONE},
    {"completed and closed at once", {.closed = true, .first = true, .handshake_done = true},
	REFUSAL_PROBABLE},
    {"completed and closed in time",
	{.closed = true, .first = true, .handshake_done = true, .silent_ms = REFUSAL_SILENT_MS},
	REFUSAL_PROBABLE},
    {"completed, was idle and closed",
	{.closed = true, .first = true, .handshake_done = true, .silent_ms = LATE}, REFUSAL_NONE},
    {"completed and closed behind the server", {.closed = true, .handshake_done = true},
	REFUSAL_NONE},
    {"completed, was greeted and closed",
	{.closed = true,
	    .first = true,
	    .handshake_done = true,
	    .answered = true,
	    .silent_ms = 3000,
	    .answered_ms = REFUSAL_ANSWERED_MS},
	REFUSAL_PROBABLE},
    {"completed, listened and closed",
	{.closed = true,
	    .first = true,
	    .handshake_done = true,
	    .answered = true,
	    .silent_ms = 3000,
	    .answered_ms = ANSWERED_LATE},
	REFUSAL_NONE},
    {"sent payload and closed",
	{.closed = true, .first = true, .handshake_done = true, .payload = true}, REFUSAL_NONE},
};

Test(refusals, are_told_from_what_only_looks_like_them)
{
	for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++)
		cr_expect_eq(refusals_judge(&judged[i].signs), judged[i].want, "%s",
		    judged[i].what);
}
