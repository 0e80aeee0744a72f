/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <string.h>
#include <time.h>

enum { US_PER_S = 1000000, NS_PER_US = 1000, US_PER_MS = 1000, MS_PER_S = 1000 };

static uint64_t
read_us(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now); /* cannot fail for the clocks asked */
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / NS_PER_US;
}

uint64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t
clock_mono_ms(void)
{
	return clock_mono_us() / US_PER_MS;
}

uint64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

uint64_t
clock_thread_us(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}

int32_t
clock_utc_offset_s(uint64_t wall_us)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm = {0};

	(void)localtime_r(&seconds, &tm);
	return (int32_t)tm.tm_gmtoff;
}

struct timeval
clock_span(uint32_t ms)
{
	return (struct timeval){
	    .tv_sec = ms / MS_PER_S,
	    .tv_usec = (suseconds_t)(ms % MS_PER_S) * US_PER_MS,
	};
}

/* count digits, with leading zeros; returns what follows. */
static char *
put_digits(char *to, unsigned value, int count)
{
	for (int i = count - 1; i >= 0; i--) {
		to[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return to + count;
}

const char *
clock_text(uint64_t wall_us, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_us / US_PER_S);
	struct tm tm = {0};
	char *at = out;

	(void)gmtime_r(&seconds, &tm);
	at = put_digits(at, (unsigned)tm.tm_year + 1900, 4);
	*at++ = '-';
	at = put_digits(at, (unsigned)tm.tm_mon + 1, 2);
	*at++ = '-';
	at = put_digits(at, (unsigned)tm.tm_mday, 2);
	*at++ = 'T';
	at = put_digits(at, (unsigned)tm.tm_hour, 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)tm.tm_min, 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)tm.tm_sec, 2);
	*at++ = '.';
	at = put_digits(at, (unsigned)(wall_us % US_PER_S), 6);
	memcpy(at, "+0000", sizeof("+0000"));
	return out;
}

const char *
clock_date(uint64_t wall_us, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_us / US_PER_S);
	struct tm tm = {0};

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%d", &tm);
	return out;
}

bool
clock_date_parse(const char *text, uint64_t *wall_us)
{
	struct tm tm = {0};
	char again[CLOCK_TEXT_MAX];
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	time_t seconds;

	if (end == NULL || *end != '\0')
		return false;
	/* What is no day of the calendar comes back as another one. */
	seconds = timegm(&tm);
	if (seconds < 0)
		return false;
	*wall_us = (uint64_t)seconds * 1000000;
	return strcmp(clock_date(*wall_us, again), text) == 0;
}
