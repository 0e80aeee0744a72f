/* SPDX-License-Identifier: MIT */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

struct jsonw;

/*
 * What a command answers with --json: one document on stdout, on a line of its own.
 * Frees json and returns code; EXIT_FAILED where there was no memory for the
 * document, which stderr says: half a document is none.
 */
int answer_print(struct jsonw *json, int code);

#endif
