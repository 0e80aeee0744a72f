/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

/* Time since some fixed point that never jumps: for deadlines and durations. */
uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);

/* Time of day, microseconds since 1970-01-01 UTC: for what people read. */
uint64_t clock_wall_us(void);

/* The processor time that this thread has taken. */
uint64_t clock_thread_us(void);

/*
 * How many seconds the site's clock is before UTC at that time (east is more),
 * by the time zone that tzset(3) read: call it where files can be read.
 */
int32_t clock_utc_offset_s(uint64_t wall_us);

/* A span of time as timers want it. */
struct timeval clock_span(uint32_t ms);

enum { CLOCK_TEXT_MAX = 40 };

/* "2026-11-22T02:00:00.123456+0000", as EVE writes it; UTC.  Returns out. */
const char *clock_text(uint64_t wall_us, char out[CLOCK_TEXT_MAX]);

/* "2026-11-22".  Returns out. */
const char *clock_date(uint64_t wall_us, char out[CLOCK_TEXT_MAX]);

/* And back: midnight UTC of "2026-11-22"; false when text is no date of the
 * years 1970 to 9999 (ISO 8601, YYYY-MM-DD). */
bool clock_date_parse(const char *text, uint64_t *wall_us);

#endif
