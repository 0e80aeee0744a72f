/* SPDX-License-Identifier: MIT */
#include "config/oui.h"

#include "tests/config/memory.h"

#include <stdlib.h>

static const char registry[] =
    "OUI/MA-L                                                    Organization\n"
    "company_id                                                  Organization\n"
    "                                                            Address\n"
    "\n"
    "44-47-CC   (hex)\t\tHangzhou Hikvision Digital Technology Co.,Ltd.\r\n"
    "4447CC     (base 16)\t\tHangzhou Hikvision Digital Technology Co.,Ltd.\r\n"
    "\t\t\t\tNo.555 Qianmo Road\r\n"
    "08-ED-ED   (hex)\t\tZhejiang Dahua Technology Co., Ltd.\n"
    "08-ED-ED   (hex)\t\tSomebody Else\n"
    "02-00-00   (hex)\t\tNobody\n"
    "00-00-00   (hex)\t\tXEROX CORPORATION\n"
    "00-00-0G   (hex)\t\tno digits\n"
    "00-00-01   (hex)\t\t\n"
    "00-00-07   (hex)\t\tIEEE Registration Authority\n"
    "00-00-02   (bin)\t\tno mark\n"
    "00-00-03   (hex)\tA\033[31m\xffZ\n"
    "00-00-04   (hex)\tSoci\xc3\xa9t\xc3\xa9 \xe2\x80\xaeX\n"
    "00-00-05   (hex)  last, without an end";

static const char *
maker(const struct oui *oui, const char *text)
{
	static char out[48];
	uint8_t mac[MAC_BYTES];

	cr_assert(mac_parse(text, mac, sizeof(mac)));
	oui_copy(oui, mac, out, sizeof(out));
	return out;
}

Test(oui, a_card_has_the_maker_of_the_registry)
{
	static const struct {
		const char *mac, *maker;
	} rows[] = {
	    {"44:47:cc:12:34:56", "Hangzhou Hikvision Digital Technology Co.,Ltd."},
	    {"08:ed:ed:00:00:01", "Zhejiang Dahua Technology Co., Ltd."},
	    {"02:00:00:00:00:01", ""}, /* made up, whatever the registry says */
	    {"00:00:00:00:00:01", ""}, {"00:00:01:00:00:01", ""}, {"00:00:02:00:00:01", ""},
	    {"00:00:03:00:00:01", "A\\x1b[31m\\xffZ"},
	    {"00:00:04:00:00:01", "Soci\xc3\xa9t\xc3\xa9 \\xe2\\x80\\xaeX"},
	    {"00:00:05:00:00:01", "last, without an end"}, {"00:00:06:00:00:01", ""},
	    {"00:00:07:00:00:01", ""}, /* of many */
	};
	struct oui *oui = oui_read(text_of(registry), NULL);

	cr_assert_not_null(oui);
	cr_expect_eq(oui_count(oui), 6);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_str_eq(maker(oui, rows[i].mac), rows[i].maker, "%s: %s", rows[i].mac,
		    maker(oui, rows[i].mac));
	oui_free(oui);
	cr_expect_str_eq(maker(NULL, "44:47:cc:12:34:56"), "");
	cr_expect_eq(oui_count(NULL), 0);
	oui_free(NULL);
}

Test(oui, a_name_is_cut_at_a_letter)
{
	char text[200] = "00-00-04 (hex) ";
	uint8_t mac[MAC_BYTES] = {0, 0, 4, 0, 0, 1};
	char out[48];
	struct oui *oui;

	for (int i = 0; i < 60; i++)
		(void)strcat(text, "\xc3\xa9");
	oui = oui_read(text_of(text), NULL);
	cr_assert_not_null(oui);
	for (size_t size = 1; size <= sizeof(out); size++) {
		oui_copy(oui, mac, out, size);
		cr_expect_lt(strlen(out), size);
		cr_expect_eq(strlen(out) % 2, 0); /* whole pairs of c3 a9 */
	}
	oui_free(oui);
}

Test(oui, what_is_no_registry_is_refused)
{
	static const char *const rows[] = {"", "\n", "44-47-CC   (hex)", "44-47-CC   (hex)\t\t\n",
	    "44:47:CC\tHikvision\n", "\0", "(hex)\n"};
	struct err err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_null(oui_read(text_of(rows[i]), &err), "%zu", i);
		cr_expect_eq(err.kind, ERR_INPUT);
	}
}

Test(oui, every_prefix_is_read_or_refused)
{
	for (size_t cut = 0; cut < sizeof(registry) - 1; cut++) {
		struct oui *oui = oui_read((struct bytes){(const uint8_t *)registry, cut}, NULL);

		cr_expect_leq(oui_count(oui), 6);
		oui_free(oui);
	}
}

/* Ten megabytes of one line, of makers up to the bound, and beyond it. */
Test(oui, large_files_are_bounded)
{
	enum { SIZE = 10 << 20, LINE = 20 };
	char *text = malloc(SIZE + 1);
	struct oui *oui;
	size_t used = 0;

	cr_assert_not_null(text);
	memset(text, 'x', SIZE);
	text[SIZE] = '\0';
	cr_expect_null(oui_read(text_of(text), NULL));
	memcpy(text, "44-47-CC (hex) ", 15);
	oui = oui_read(text_of(text), NULL);
	cr_expect_eq(oui_count(oui), 1);
	oui_free(oui);
	for (unsigned i = 1; i <= OUI_MAX; i++)
		used += (size_t)snprintf(text + used, SIZE - used, "%02x-%02x-%02x (hex) m%u\n",
		    i >> 16 & 0xff, i >> 8 & 0xff, i & 0xff, i);
	oui = oui_read((struct bytes){(const uint8_t *)text, used}, NULL);
	cr_expect_eq(oui_count(oui), OUI_MAX);
	cr_expect_str_eq(maker(oui, "00:27:10:00:00:00"), "m10000");
	oui_free(oui);
	used += (size_t)snprintf(text + used, SIZE - used, "ff-ff-ff (hex) one more\n");
	cr_expect_null(oui_read((struct bytes){(const uint8_t *)text, used}, NULL));
	free(text);
}

Test(oui, there_need_be_no_registry)
{
	struct err err;

	cr_expect_null(oui_open("/nowhere/oui.txt", &err));
	cr_expect_eq(err.kind, ERR_SYS);
}
