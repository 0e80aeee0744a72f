/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/conversation.h"

static const struct conversation dialogs[] = {
    {.about = {.port = 25}, .answer = SAID("220 m ESMTP\r\n")},
    {.about = {.port = 21}, .answer = SAID("220 f FTP\r\n")},
    {.about = {.port = 143}, .answer = SAID("* OK IMAP4rev1\r\n")},
    {.about = {.port = 110}, .answer = SAID("+OK POP3\r\n")},
};

/* The first byte says whose. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};
	uint8_t whose = 0;

	(void)bytes_u8(&in, &whose);
	return conversation_try(&dialogs[whose % (sizeof(dialogs) / sizeof(dialogs[0]))], in);
}
