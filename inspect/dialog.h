/* SPDX-License-Identifier: MIT */
#ifndef INSPECT_DIALOG_H
#define INSPECT_DIALOG_H

#include "base/bytes.h"
#include "base/facts.h"
#include "inspect/lines.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct observation;

/*
 * What SMTP, FTP, POP3 and IMAP have in common: a server that greets, commands of
 * a line each, and answers in their order.  All zero is a conversation in which
 * nothing was said.
 */
enum {
	DIALOG_PENDING_MAX = 32, /* commands that wait for their answer */
	DIALOG_LINE_MAX = 8192,  /* bytes of a line */
};

/* What a command's answer must know of it. */
enum dialog_kind {
	DIALOG_PLAIN = 0,
	DIALOG_TLS,     /* it asks for TLS */
	DIALOG_SECRET,  /* what follows a challenge is a secret */
	DIALOG_DATA,    /* SMTP: a mail follows, once it is allowed */
	DIALOG_LINES,   /* POP3: lines up to a dot follow the answer */
	DIALOG_MESSAGE, /* POP3: these are a mail */
};

/* Lines that end in one of a single dot (RFC 5321 section 4.5.2): how far it is. */
enum dialog_dot { DOT_BEGIN = 0, DOT_DOT, DOT_DOT_CR, DOT_TEXT, DOT_TEXT_CR };

struct dialog {
	struct lines lines[2];               /* by observation_side */
	uint8_t pending[DIALOG_PENDING_MAX]; /* of enum dialog_kind, a ring */
	unsigned first, count;
	bool greeted;    /* the caller's: the server's first answer was read whole */
	bool challenged; /* the camera's next line answers, and is no command */
	uint16_t more;   /* an answer of several lines goes on: its code; 0: none does */
	enum dialog_dot dot;
	bool mail_begun; /* for the meter */
};

/*
 * Take a line, which counts as control; false: it has not ended.  One that is
 * longer than DIALOG_LINE_MAX sets seen->confused.
 */
bool dialog_line(struct dialog *dialog, struct observation *seen, enum direction direction,
    struct bytes *in, struct line *line);

/* The camera asks for TLS, and the server agrees or does not.  Where it is inside of
 * TLS already, nobody opens what they agree on: it is opaque_inner, and metered raw. */
void dialog_tls_asked(struct observation *seen);
void dialog_tls_answered(struct observation *seen, bool good);

/* The camera gave a command, which waits for its answer.  One that asks for TLS
 * sets seen->tls, and nothing is taken behind it. */
void dialog_command(struct dialog *dialog, struct observation *seen, enum dialog_kind kind);

/* What the next answer answers; DIALOG_PLAIN where nothing waits. */
enum dialog_kind dialog_pending(const struct dialog *dialog);

/* It is answered.  good: TLS that was asked for is granted. */
void dialog_answered(struct dialog *dialog, struct observation *seen, bool good);

/*
 * An answer that begins with a code of three digits (RFC 5321 section 4.2, RFC
 * 959 section 4.2), of one line or several.  Returns 0 while it goes on, else the
 * code; where it is none, sets seen->confused.  Until greeted is set its first
 * text is kept as what the server says of itself.
 */
uint16_t dialog_code(struct dialog *dialog, struct observation *seen, const struct line *line);

/* A mail that ends in a line with a dot comes next.  (To the meter it begins with
 * its first byte: between DATA and its mail a camera waits for the server.) */
void dialog_mail_begin(struct dialog *dialog);

/* Take the next bytes of it, and meter them; true: it has ended. */
bool dialog_mail(struct dialog *dialog, struct observation *seen, enum direction direction,
    struct bytes *in);

void dialog_clear(struct dialog *dialog);

#endif
