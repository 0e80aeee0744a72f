/* SPDX-License-Identifier: MIT */
#include "config/countries.h"

#include <stdio.h>
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

static const struct {
	char name[3];
	const char *countries; /* two letters each */
} continents[] = {
    {"AF",
	"AOBFBIBJBWCDCFCGCICMCVDJDZEGEHERETGAGHGMGNGQGWKEKMLRLSLYMAMGMLMRMUMWMZNANENGRERWSCSDSHSLSN"
	"SOSSSTSZTDTGTNTZUGYTZAZMZW"},
    {"AN", "AQBVGSHMTF"},
    {"AS",
	"AEAFAMAZBDBHBNBTCCCNCXGEHKIDILINIOIQIRJOJPKGKHKPKRKWKZLALBLKMMMNMOMVMYNPOMPHPKPSQASASGSYTH"
	"TJTMTRTWUZVNYE"},
    {"EU",
	"ADALATAXBABEBGBYCHCYCZDEDKEEESFIFOFRGBGGGIGRHRHUIEIMISITJELILTLULVMCMDMEMKMTNLNOPLPTRORSRU"
	"SESISJSKSMUAVAXK"},
    {"NA", "AGAIAWBBBLBMBQBSBZCACRCUCWDMDOGDGLGPGTHNHTJMKNKYLCMFMQMSMXNIPAPMPRSVSXTCTTUSVCVGVI"},
    {"OC", "ASAUCKFJFMGUKIMHMPNCNFNRNUNZPFPGPNPWSBTKTLTOTVUMVUWFWS"},
    {"SA", "ARBOBRCLCOECFKGFGYPEPYSRUYVE"},
};

/* The bit of two capital letters, or -1. */
static int
bit_of(const char iso[2])
{
	if (iso[0] < 'A' || iso[0] > 'Z' || iso[1] < 'A' || iso[1] > 'Z')
		return -1;
	return (iso[0] - 'A') * 26 + (iso[1] - 'A');
}

void
country_set_add(struct country_set *set, const char iso[2])
{
	int bit = bit_of(iso);

	if (bit >= 0)
		set->bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

bool
country_set_add_continent(struct country_set *set, const char *continent)
{
	for (size_t i = 0; i < sizeof(continents) / sizeof(continents[0]); i++) {
		if (strcmp(continents[i].name, continent) != 0)
			continue;
		for (const char *iso = continents[i].countries; *iso != '\0'; iso += 2)
			country_set_add(set, iso);
		return true;
	}
	return false;
}

void
country_set_join(struct country_set *set, const struct country_set *more)
{
	for (size_t i = 0; i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		set->bits[i] |= more->bits[i];
}

void
country_set_drop(struct country_set *set, const struct country_set *less)
{
	for (size_t i = 0; i < sizeof(set->bits) / sizeof(set->bits[0]); i++)
		set->bits[i] &= ~less->bits[i];
}

bool
country_set_has(const struct country_set *set, const char iso[2])
{
	int bit = bit_of(iso);

	return bit >= 0 && (set->bits[bit / 64] >> bit % 64 & 1) != 0;
}

bool
country_set_has_all(const struct country_set *set, const struct countries *countries)
{
	for (size_t i = 0; i < countries->count; i++) {
		if (!country_set_has(set, countries->iso[i]))
			return false;
	}
	return countries->count > 0;
}

bool
country_set_has_any(const struct country_set *set, const struct countries *countries)
{
	for (size_t i = 0; i < countries->count; i++) {
		if (country_set_has(set, countries->iso[i]))
			return true;
	}
	return false;
}

bool
country_known(const char *text)
{
	if (strlen(text) != 2 || bit_of(text) < 0)
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
