/* SPDX-License-Identifier: MIT */
#include "config/countries.h"

#include <string.h>

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
