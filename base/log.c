/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 1024, LINE_MAX_BYTES = 1280 };

static const char *log_role = "borderlens";
static enum log_level log_least = LOG_LEVEL_INFO;

void
log_open(const char *role, enum log_level level)
{
	log_role = role;
	log_least = level;
}

static void __attribute__((format(printf, 2, 0)))
write_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	static const int priorities[] = {3, 4, 6, 7}; /* sd-daemon(3) */
	char message[MESSAGE_MAX], line[LINE_MAX_BYTES];
	struct text text = text_in(line, sizeof(line) - 1);
	ssize_t written;

	if (level > log_least)
		return;
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	/* systemd.exec(5): set where stderr is the journal, which reads priorities. */
	if (getenv("JOURNAL_STREAM") != NULL)
		text_add(&text, "<%d>", priorities[level]);
	text_add(&text, "%s %s: ", log_role, names[level]);
	text_add_untrusted(&text, message, strlen(message));
	line[text.used] = '\n';
	/* One write a line, so that lines of several roles do not mix.  Nobody
	 * is left to tell when the log itself cannot be written. */
	written = write(STDERR_FILENO, line, text.used + 1);
	(void)written;
}

#define LOG_AT(level)                                                                              \
	va_list ap;                                                                                \
	va_start(ap, fmt);                                                                         \
	write_line(level, fmt, ap);                                                                \
	va_end(ap)

void
log_error(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_ERROR);
}

void
log_warn(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_WARN);
}

void
log_info(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_INFO);
}

void
log_debug(const char *fmt, ...)
{
	LOG_AT(LOG_LEVEL_DEBUG);
}
