/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SAMPLE_H
#define CONFIG_SAMPLE_H

#include <stdio.h>

/*
 * Write a borderlens.yaml that says all there is to say: every key of the
 * option table with its default, or an example where it has none, each under
 * what it means.  Errors of `to` are the caller's to look for (ferror).
 */
void sample_write(FILE *to);

#endif
