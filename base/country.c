/* SPDX-License-Identifier: MIT */
#include "base/country.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Two letters each, so that a table of pointers is not needed. */
static const char assigned[] =
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZ"
    "CACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFR"
    "GAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJP"
    "KEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMU"
    "MVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURW"
    "SASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZ"
    "UAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZWXK";

bool
country_known(const char *text)
{
	if (strlen(text) != 2)
		return false;
	for (size_t i = 0; i + 2 < sizeof(assigned); i += 2) {
		if (memcmp(assigned + i, text, 2) == 0)
			return true;
	}
	return false;
}

static char
capital(char letter)
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (letter < 'a' || letter > 'z')
		return letter;
	return capitals[letter - 'a'];
}

const char *
country_hint(const char *text)
{
	static const struct {
		const char *written, *hint;
	} hints[] = {
	    {"false", "did a tool rewrite NO (Norway)? Write \"NO\", with quotes"},
	    {"no", "did a tool rewrite NO (Norway)? Write \"NO\", with quotes"},
	    {"off", "did a tool rewrite NO (Norway)? Write \"NO\", with quotes"},
	    {"n", "did a tool rewrite NO (Norway)? Write \"NO\", with quotes"},
	    {"UK", "the United Kingdom is GB"},
	    {"EL", "Greece is GR"},
	    {"EU", "name the countries, or a set of them"},
	    {"EEA", "name the countries, or a set of them: @eea"},
	    {"AP", "name the countries: a region has no law"},
	    {"AN", "the Netherlands Antilles are BQ, CW and SX today"},
	    {"CS", "Serbia is RS, Montenegro ME"},
	    {"YU", "Serbia is RS, Montenegro ME"},
	    {"SU", "name the states of today: RU, UA, BY ..."},
	    {"USA", "the United States are US"},
	    {"GBR", "the United Kingdom is GB"},
	    {"CHN", "China is CN"},
	};

	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (strcasecmp(text, hints[i].written) == 0)
			return hints[i].hint;
	}
	if (strlen(text) == 2 && !country_known(text)) {
		const char capitals[3] = {capital(text[0]), capital(text[1]), '\0'};

		if (country_known(capitals))
			return "codes are written in capitals";
	}
	return NULL;
}
