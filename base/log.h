/* SPDX-License-Identifier: MIT */
#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * The log is for who runs the box: one line an event on stderr, in journald's
 * "<N>" form where stderr is the journal.  error: somebody must act; warn:
 * odd, but going on; info: what happened; debug: each step.
 *
 * Only proxy/ and console/ log; everything below returns a struct err.  A
 * message is made safe to print as a whole (base/text.h), so what a peer sent
 * cannot forge a line.
 */
enum log_level { LOG_LEVEL_ERROR = 0, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Name the role that speaks ("worker 2"; borrowed, so a literal or static) and
 * the least important level that is written. */
void log_open(const char *role, enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
