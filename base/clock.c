/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { US_PER_S = 1000000, NS_PER_US = 1000, US_PER_MS = 1000, MS_PER_S = 1000 };

static uint64_t
read_us(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now); /* cannot fail for the two clocks asked */
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

struct timeval
clock_span(uint32_t ms)
{
	return (struct timeval){
	    .tv_sec = ms / MS_PER_S,
	    .tv_usec = (suseconds_t)(ms % MS_PER_S) * US_PER_MS,
	};
}

const char *
clock_text(uint64_t wall_us, char out[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_us / US_PER_S);
	struct tm tm = {0};
	char date[24];

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(out, CLOCK_TEXT_MAX, "%s.%06u+0000", date, (unsigned)(wall_us % US_PER_S));
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
