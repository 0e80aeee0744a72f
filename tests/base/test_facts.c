/* SPDX-License-Identifier: MIT */
#include "base/facts.h"

#include "base/jsonw.h"

#include <criterion/criterion.h>
#include <string.h>

/* The words of the contract: what others search for in the records. */
Test(facts, values_have_the_words_of_the_contract)
{
	cr_expect_str_eq(inspect_name(INSPECT_OPENED), "opened");
	cr_expect_str_eq(inspect_name(INSPECT_PASSTHROUGH), "passthrough");
	cr_expect_str_eq(inspect_name(INSPECT_REFUSED), "refused");
	cr_expect_str_eq(inspect_name(INSPECT_REJECTED), "rejected");
	cr_expect_str_eq(inspect_name(INSPECT_PLAIN), "plain");
	cr_expect_str_eq(inspect_name(INSPECT_UNDECODABLE), "undecodable");
	cr_expect_str_eq(result_name(RESULT_ALLOW), "allow");
	cr_expect_str_eq(result_name(RESULT_BLOCK), "block");
	cr_expect_str_eq(result_name(RESULT_LIMIT), "limit");
	cr_expect_str_eq(result_name(RESULT_OBSERVE), "observe");
	cr_expect_str_eq(camera_verdict_name(CAMERA_TLS_NONE), "");
	cr_expect_str_eq(camera_verdict_name(CAMERA_TLS_OK), "ok");
	cr_expect_str_eq(camera_verdict_name(CAMERA_TLS_REJECTED), "rejected");
	cr_expect_str_eq(camera_verdict_name(CAMERA_TLS_PROBABLE), "probable");
	cr_expect_str_eq(hello_kind_name(HELLO_TLS), "tls");
	cr_expect_str_eq(hello_kind_name(HELLO_BROKEN), "broken");
	cr_expect_str_eq(verdict_stage_name(VERDICT_CERTIFICATE), "certificate");
	cr_expect_str_eq(verdict_stage_name(VERDICT_PAYLOAD), "payload");
	cr_expect_str_eq(how_name(HOW_RESET), "reset");
	cr_expect_str_eq(how_name(HOW_REFUSE), "refuse");
	cr_expect_str_eq(how_name(HOW_DROP), "drop");
	cr_expect_str_eq(detail_name(DETAIL_FULL), "full");
	cr_expect_str_eq(detail_name(DETAIL_META), "meta");
	cr_expect_str_eq(detail_name(DETAIL_COUNT), "count");
	cr_expect_str_eq(severity_name(SEVERITY_NONE), "");
	cr_expect_str_eq(severity_name(SEVERITY_HIGH), "high");
	cr_expect_str_eq(payload_class_name(PAYLOAD_UNKNOWN), "unknown");
	cr_expect_str_eq(payload_class_name(PAYLOAD_VIDEO), "video");
	cr_expect_str_eq(payload_class_name(PAYLOAD_OPAQUE), "opaque");
	cr_expect_str_eq(payload_class_name((enum payload_class)99), "?");
	cr_expect_str_eq(end_name(END_DONE), "done");
	cr_expect_str_eq(end_name(END_REFUSED), "refused");
	cr_expect_str_eq(end_name(END_IDLE), "idle");
	cr_expect_str_eq(end_name(END_RESET), "reset");
	cr_expect_str_eq(staple_name(STAPLE_NONE), "");
	cr_expect_str_eq(staple_name(STAPLE_REVOKED), "revoked");
	cr_expect_str_eq(staple_name(STAPLE_INVALID), "invalid");
	cr_expect_str_eq(treatment_name(TREATED_NONE), "");
	cr_expect_str_eq(treatment_name(TREATED_ACCEPTED), "accepted");
	cr_expect_str_eq(tls_version_name(0x0303), "TLS 1.2");
	cr_expect_str_eq(tls_version_name(0x0304), "TLS 1.3");
	cr_expect_str_eq(tls_version_name(0), "");
	cr_expect_str_eq(tls_version_name(0x7f1c), "unknown");
}

Test(facts, every_end_has_a_word_of_its_own)
{
	for (int i = 0; i < END_COUNT; i++) {
		cr_assert_not_null(end_name((enum end)i), "end %d", i);
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(end_name((enum end)i), end_name((enum end)j));
	}
}

Test(facts, a_value_that_is_none_has_a_word_too)
{
	cr_expect_str_eq(end_name(END_COUNT), "?");
	cr_expect_str_eq(inspect_name((enum inspect)99), "?");
	cr_expect_str_eq(result_name((enum result)99), "?");
	cr_expect_str_eq(hello_kind_name((enum hello_kind)99), "?");
	cr_expect_str_eq(camera_verdict_name((enum camera_verdict)99), "?");
	cr_expect_str_eq(verdict_stage_name((enum verdict_stage)99), "?");
}

Test(facts, results_are_in_rising_order_of_restriction)
{
	cr_expect(RESULT_OBSERVE < RESULT_ALLOW && RESULT_ALLOW < RESULT_LIMIT &&
		  RESULT_LIMIT < RESULT_BLOCK);
}

Test(cert_error, each_bit_has_a_name_and_a_set_has_all_of_its)
{
	const char *names[CERT_ERRORS_MAX];

	cr_expect_eq(CERT_BAD_CRL, 1 << (CERT_ERRORS_MAX - 1), "the last one is the last");
	cr_expect_eq(cert_error_names(0, names), 0);
	cr_expect_eq(cert_error_names(UINT32_MAX, names), CERT_ERRORS_MAX);
	for (size_t i = 0; i < CERT_ERRORS_MAX; i++)
		cr_expect_str_eq(cert_error_name((enum cert_error)(1 << i)), names[i]);
	cr_assert_eq(cert_error_names(CERT_EXPIRED | CERT_NAME_MISMATCH | CERT_OTHER, names), 3);
	cr_expect_str_eq(names[0], "expired");
	cr_expect_str_eq(names[1], "name-mismatch");
	cr_expect_str_eq(names[2], "other");
}

Test(cert_error, none_or_several_are_no_single_one)
{
	cr_expect_str_eq(cert_error_name((enum cert_error)0), "?");
	cr_expect_str_eq(cert_error_name((enum cert_error)(CERT_EXPIRED | CERT_WEAK)), "?");
	cr_expect_str_eq(cert_error_name((enum cert_error)(1 << 20)), "?");
}

Test(countries, are_a_set_of_four_at_most)
{
	struct countries set = {0};
	char out[COUNTRIES_TEXT_MAX];

	cr_expect_str_eq(countries_text(&set, out), "unknown");
	cr_expect_not(countries_has(&set, "DE"));
	countries_add(&set, "DE");
	cr_expect_str_eq(countries_text(&set, out), "DE");
	countries_add(&set, "DE");
	cr_expect_eq(set.count, 1, "one is there once");
	countries_add(&set, "SG");
	cr_expect_str_eq(countries_text(&set, out), "DE/SG");
	countries_add(&set, "CN");
	countries_add(&set, "FR");
	countries_add(&set, "US");
	cr_expect_str_eq(countries_text(&set, out), "DE/SG/CN/FR");
	cr_expect(countries_has(&set, "FR"));
	cr_expect_not(countries_has(&set, "US"));
	cr_expect_not(countries_has(&set, "GS"));
}

Test(facts, a_country_is_written_as_a_string_and_two_as_an_array)
{
	struct countries countries = {0};
	struct jsonw json = {0};

	jsonw_open(&json, NULL);
	countries_json(&countries, &json, "none");
	countries_add(&countries, "DE");
	countries_json(&countries, &json, "one");
	countries_add(&countries, "SG");
	countries_json(&countries, &json, "two");
	jsonw_close(&json);
	cr_expect_str_eq(json.at, "{\"none\":\"unknown\",\"one\":\"DE\",\"two\":[\"DE\",\"SG\"]}");
	jsonw_free(&json);
}

Test(facts, a_place_that_is_in_no_country_says_what_it_is)
{
	static const char *const words[] = {"DE", "anycast", "private", "satellite"};
	struct place place = {0};
	char out[COUNTRIES_TEXT_MAX];

	cr_expect_str_eq(located_text(&place, out), "unknown");
	countries_add(&place.located, "DE");
	for (int kind = 0; kind < PLACE_KIND_COUNT; kind++) {
		struct jsonw json = {0};
		enum place_kind parsed = PLACE_KIND_COUNT;

		place.kind = (enum place_kind)kind;
		cr_expect_str_eq(located_text(&place, out), words[kind]);
		jsonw_open(&json, NULL);
		located_json(&place, &json, "at");
		cr_expect_not_null(strstr(json.at, words[kind]));
		jsonw_free(&json);
		cr_expect(place_kind_parse(place_kind_name(place.kind), &parsed));
		cr_expect_eq(parsed, place.kind);
	}
	cr_expect_not(place_kind_parse("moon", &place.kind));
	cr_expect_not(place_kind_parse("", &place.kind));
}
