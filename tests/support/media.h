/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SUPPORT_MEDIA_H
#define TESTS_SUPPORT_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Footage of a few seconds, made by ffmpeg: input 0 is a moving test picture of
 * 320 x 240 points, input 1 a tone.
 *
 * media_make runs `ffmpeg` with these arguments behind the inputs; the last names
 * the format (-f ...), and the file is what it writes.  The bytes are the
 * caller's, to be freed.  Aborts the test where ffmpeg fails.
 */
bool media_can_make(void); /* whether ffmpeg is there */
uint8_t *media_make(const char *arguments, size_t *size);

#endif
