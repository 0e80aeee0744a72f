/* SPDX-License-Identifier: MIT */
#include "inspect/ntp_answer.h"

#include <criterion/criterion.h>
#include <string.h>

enum { CLIENT = 0x23, SYMMETRIC = 0x19, SERVER = 0x24 };

static const struct ntp_clock clock_good = {.received_us = UINT64_C(1795312800500000),
    .sent_us = UINT64_C(1795312800500250),
    .synchronised = true,
    .error_us = 250000};

static bool
answer(uint8_t first, size_t size, const struct ntp_clock *clock, uint8_t out[NTP_ANSWER_BYTES])
{
	uint8_t request[80] = {first, 0, 6, 0xec};

	memcpy(request + 40, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	return ntp_answer((struct bytes){request, size}, clock, out);
}

static uint32_t
u32_at(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

Test(ntp_answer, is_that_of_a_server)
{
	uint8_t out[NTP_ANSWER_BYTES];

	cr_assert(answer(CLIENT, 48, &clock_good, out));
	cr_expect_eq(out[0], SERVER, "version 4, mode 4, no leap");
	cr_expect_eq(out[1], NTP_ANSWER_STRATUM);
	cr_expect_eq(out[2], 6, "the interval of who asks");
	cr_expect_eq(u32_at(out + 8), 0x4000, "a quarter of a second");
	cr_expect_arr_eq(out + 24, "\x01\x02\x03\x04\x05\x06\x07\x08", 8, "what was sent");
	cr_expect_eq(u32_at(out + 16), (uint32_t)(1795312800 + UINT64_C(2208988800)));
	cr_expect_eq(u32_at(out + 32), (uint32_t)(1795312800 + UINT64_C(2208988800)));
	cr_expect_eq(u32_at(out + 36), 0x80000000, "half a second");
	cr_expect_gt(u32_at(out + 44), u32_at(out + 36));
}

Test(ntp_answer, goes_on_in_the_next_era)
{
	const struct ntp_clock later = {.received_us = UINT64_C(2085978496000000), /* 2036-02-07 */
	    .sent_us = UINT64_C(2085978497000000),
	    .synchronised = true};
	uint8_t out[NTP_ANSWER_BYTES];

	cr_assert(answer(CLIENT, 48, &later, out));
	cr_expect_eq(u32_at(out + 32), 0);
	cr_expect_eq(u32_at(out + 40), 1);
}

Test(ntp_answer, says_that_the_clock_is_not_set)
{
	const struct ntp_clock unset = {.received_us = 1, .sent_us = 2, .error_us = UINT64_MAX};
	uint8_t out[NTP_ANSWER_BYTES];

	cr_assert(answer(CLIENT, 48, &unset, out));
	cr_expect_eq(out[0], 0xe4, "leap 3");
	cr_expect_eq(out[1], 16);
	cr_expect_eq(u32_at(out + 16), 0);
	cr_expect_eq(u32_at(out + 8), 0xffff0000);
}

Test(ntp_answer, speaks_as_it_is_spoken_to)
{
	uint8_t out[NTP_ANSWER_BYTES];

	cr_assert(answer(SYMMETRIC, 68, &clock_good, out));
	cr_expect_eq(out[0], 0x1a, "version 3, symmetric passive");
}

Test(ntp_answer, is_for_no_other_mode_or_version_or_length)
{
	uint8_t out[NTP_ANSWER_BYTES];

	for (unsigned first = 0; first < 256; first++) {
		unsigned mode = first & 7, version = first >> 3 & 7;
		bool asks = (mode == 1 || mode == 3) && version >= 1 && version <= 4;

		cr_expect_eq(answer((uint8_t)first, 48, &clock_good, out), asks, "%02x", first);
	}
	for (size_t size = 0; size < 48; size++)
		cr_expect_not(answer(CLIENT, size, &clock_good, out), "%zu bytes", size);
}
