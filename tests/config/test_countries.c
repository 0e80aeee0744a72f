/* SPDX-License-Identifier: MIT */
#include "config/countries.h"

#include <criterion/criterion.h>
#include <string.h>

Test(countries, the_table_has_249_codes_and_kosovo)
{
	size_t count = 0;

	for (char a = 'A'; a <= 'Z'; a++) {
		for (char b = 'A'; b <= 'Z'; b++) {
			const char iso[3] = {a, b, '\0'};

			count += country_known(iso);
		}
	}
	cr_expect_eq(count, 250);
	cr_expect(country_known("NO"));
	cr_expect(country_known("XK"));
	cr_expect(country_known("AX"));
	cr_expect(country_known("ZW"));
	/* Between two entries of the table, across their border. */
	cr_expect_not(country_known("DA"));
	cr_expect_not(country_known("EU"));
	cr_expect_not(country_known("UK"));
	cr_expect_not(country_known("EL"));
	cr_expect_not(country_known("AN"));
	cr_expect_not(country_known("de"));
	cr_expect_not(country_known("D"));
	cr_expect_not(country_known("DEU"));
	cr_expect_not(country_known(""));
	cr_expect_not(country_known("\xc3\x84"));
}

Test(countries, what_is_no_code_gets_a_hint)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
	    {"false", "Norway"},
	    {"False", "Norway"},
	    {"no", "Norway"},
	    {"off", "Norway"},
	    {"UK", "GB"},
	    {"EL", "GR"},
	    {"EU", "name the countries"},
	    {"YU", "RS"},
	    {"USA", "US"},
	    {"de", "capitals"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *hint = country_hint(rows[i].text);

		cr_assert_not_null(hint, "%s", rows[i].text);
		cr_expect_not_null(strstr(hint, rows[i].words), "%s: %s", rows[i].text, hint);
	}
	cr_expect_null(country_hint("QQ"));
	cr_expect_null(country_hint("qq"));
	cr_expect_null(country_hint(""));
}

Test(countries, a_set_is_what_was_added_less_what_was_dropped)
{
	struct country_set set = {0}, less = {0}, more = {0};
	struct countries unknown = {0}, one = {0}, two = {0};

	country_set_add(&set, "AA");
	country_set_add(&set, "DE");
	country_set_add(&set, "ZZ");
	country_set_add(&set, "d!");
	cr_expect(country_set_has(&set, "AA"));
	cr_expect(country_set_has(&set, "DE"));
	cr_expect(country_set_has(&set, "ZZ"));
	cr_expect_not(country_set_has(&set, "DF"));
	cr_expect_not(country_set_has(&set, "d!"));
	country_set_add(&more, "FR");
	country_set_join(&set, &more);
	country_set_add(&less, "AA");
	country_set_add(&less, "BB");
	country_set_drop(&set, &less);
	cr_expect_not(country_set_has(&set, "AA"));
	cr_expect(country_set_has(&set, "FR"));

	countries_add(&one, "DE");
	countries_add(&two, "DE");
	countries_add(&two, "CN");
	cr_expect_not(country_set_has_all(&set, &unknown));
	cr_expect_not(country_set_has_any(&set, &unknown));
	cr_expect(country_set_has_all(&set, &one));
	cr_expect_not(country_set_has_all(&set, &two));
	cr_expect(country_set_has_any(&set, &two));
}

Test(countries, every_one_is_on_one_continent)
{
	static const char *const continents[] = {"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
	struct country_set none = {0};

	for (char a = 'A'; a <= 'Z'; a++) {
		for (char b = 'A'; b <= 'Z'; b++) {
			const char iso[3] = {a, b, '\0'};
			unsigned on = 0;

			for (size_t i = 0; i < 7; i++) {
				struct country_set set = {0};

				cr_assert(country_set_add_continent(&set, continents[i]));
				on += country_set_has(&set, iso) ? 1 : 0;
			}
			cr_expect_eq(on, country_known(iso) ? 1 : 0, "%s is on %u", iso, on);
		}
	}
	cr_expect_not(country_set_add_continent(&none, "Europe"));
	cr_expect_not(country_set_add_continent(&none, ""));
}
