/* SPDX-License-Identifier: MIT */
#include "inspect/multipart.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS_MAX = 16384 }; /* bytes of one part's header; what follows is its body */

enum state {
	STATE_BODY,
	STATE_TAIL,    /* behind a boundary, to the end of its line */
	STATE_HEADERS, /* lines up to an empty one */
};

struct multipart {
	enum state state;
	bool line_begins; /* of the body: the next byte is a line's first */
	bool begins;      /* a part begins before the next byte */
	bool closes;      /* the boundary was the last of its kind */
	unsigned depth;
	char boundaries[MULTIPART_DEPTH_MAX][MULTIPART_BOUNDARY_MAX]; /* without hyphens before */
	uint8_t line[MULTIPART_LINE_MAX];
	size_t used;
	size_t header_bytes;
	char last_field[32]; /* the field whose line may go on */
	struct multipart_header header;
};

/* ---- values of header fields ---- */

/* Find NAME= in a field's value, and copy what stands behind it, quoted or not. */
static bool
read_parameter(const char *value, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);
	const char *at = value;
	struct text text = text_in(out, size);
	bool quoted;

	while ((at = strcasestr(at, name)) != NULL) {
		bool alone = at == value || strchr("; \t", at[-1]) != NULL;

		at += length;
		if (alone && *at == '=')
			break;
	}
	if (at == NULL)
		return false;
	at++;
	quoted = *at == '"';
	at += quoted;
	while (*at != '\0' && (quoted ? *at != '"' : strchr("; \t", *at) == NULL))
		text_add(&text, "%c", *at++);
	return text.used > 0;
}

bool
multipart_is(const char *type)
{
	return type != NULL && (strncasecmp(type, "multipart/", 10) == 0 ||
				   strncasecmp(type, "message/rfc822", 14) == 0);
}

/* Remember a boundary; those deeper than we look stay what they are, bytes. */
static void
push(struct multipart *multipart, const char *value)
{
	char boundary[MULTIPART_BOUNDARY_MAX];

	if (multipart->depth == MULTIPART_DEPTH_MAX ||
	    !read_parameter(value, "boundary", boundary, sizeof(boundary)))
		return;
	text_copy(multipart->boundaries[multipart->depth], MULTIPART_BOUNDARY_MAX,
	    boundary + strspn(boundary, "-"));
	if (multipart->boundaries[multipart->depth][0] != '\0')
		multipart->depth++;
}

struct multipart *
multipart_open(const char *type)
{
	struct multipart *multipart = calloc(1, sizeof(*multipart));

	if (multipart == NULL)
		return NULL;
	multipart->line_begins = true;
	if (strncasecmp(type, "message/", 8) == 0)
		multipart->state = STATE_HEADERS;
	else
		push(multipart, type);
	return multipart;
}

struct bytes
multipart_rest(const struct multipart *multipart)
{
	return (
	    struct bytes){multipart->line, multipart->state == STATE_BODY ? multipart->used : 0};
}

void
multipart_free(struct multipart *multipart)
{
	free(multipart);
}

const struct multipart_header *
multipart_header(const struct multipart *multipart)
{
	return &multipart->header;
}

/* ---- headers ---- */

static void
read_value(struct multipart *multipart, const char *value)
{
	struct multipart_header *header = &multipart->header;
	const char *field = multipart->last_field;

	if (strcasecmp(field, "content-type") == 0) {
		if (header->type[0] == '\0')
			text_copy(header->type, sizeof(header->type), value);
		if (strncasecmp(header->type, "multipart/", 10) == 0)
			push(multipart, value);
	}
	if (strcasecmp(field, "content-transfer-encoding") == 0 ||
	    strcasecmp(field, "content-encoding") == 0)
		text_copy(header->encoding, sizeof(header->encoding), value);
	if (strcasecmp(field, "content-disposition") == 0 &&
	    !read_parameter(value, "filename", header->name, sizeof(header->name)))
		(void)read_parameter(value, "name", header->name, sizeof(header->name));
}

/* A line without its end: a field, or more of the one before. */
static void
read_line(struct multipart *multipart)
{
	char *line = (char *)multipart->line, *colon;

	line[multipart->used] = '\0';
	if (*line == ' ' || *line == '\t') {
		read_value(multipart, line + strspn(line, " \t"));
		return;
	}
	colon = strchr(line, ':');
	if (colon == NULL)
		return;
	*colon = '\0';
	text_copy(multipart->last_field, sizeof(multipart->last_field), line);
	read_value(multipart, colon + 1 + strspn(colon + 1, " \t"));
}

static void
begin_part(struct multipart *multipart)
{
	multipart->state = STATE_BODY;
	multipart->line_begins = true;
	multipart->begins = true;
	multipart->used = 0;
}

static void
begin_header(struct multipart *multipart)
{
	multipart->state = STATE_HEADERS;
	multipart->header = (struct multipart_header){0};
	multipart->last_field[0] = '\0';
	multipart->header_bytes = 0;
	multipart->used = 0;
}

static bool
may_begin_header(struct bytes in)
{
	uint8_t byte;

	return !bytes_u8(&in, &byte) || byte == '\r' || byte == '\n' || byte == '\t' ||
	       (byte >= ' ' && byte < 0x7f);
}

static void
next_header(struct multipart *multipart, struct bytes *in, struct multipart_piece *piece)
{
	uint8_t byte = 0;
	/* What does not begin as a header has none. */
	bool over = multipart->header_bytes == 0 && !may_begin_header(*in);

	*piece = (struct multipart_piece){.kind = MULTIPART_FRAME};
	while (!over && bytes_u8(in, &byte)) {
		piece->count++;
		if (byte != '\n') {
			if (multipart->used < MULTIPART_LINE_MAX - 1)
				multipart->line[multipart->used++] = byte;
			continue;
		}
		if (multipart->used > 0 && multipart->line[multipart->used - 1] == '\r')
			multipart->used--;
		over = multipart->used == 0;
		if (!over)
			read_line(multipart);
		multipart->used = 0;
	}
	multipart->header_bytes += piece->count;
	if (over || multipart->header_bytes > HEADERS_MAX)
		begin_part(multipart);
}

/* ---- boundaries ---- */

enum match { MATCH_NO, MATCH_SHORT, MATCH_YES };

/* Whether a line that begins so is a boundary, and the how manieth. */
static enum match
match_line(const struct multipart *multipart, unsigned *level)
{
	static const char behind[] = {'-', ' ', '\t', '\r', '\n'};
	const char *line = (const char *)multipart->line;
	size_t hyphens = 0, left;
	enum match match = MATCH_NO;

	while (hyphens < multipart->used && line[hyphens] == '-')
		hyphens++;
	if (hyphens == multipart->used)
		return hyphens < MULTIPART_BOUNDARY_MAX ? MATCH_SHORT : MATCH_NO;
	if (hyphens < 2)
		return MATCH_NO;
	left = multipart->used - hyphens;
	for (unsigned i = multipart->depth; i-- > 0;) {
		const char *boundary = multipart->boundaries[i];
		size_t length = strlen(boundary), both = left < length ? left : length;

		if (memcmp(line + hyphens, boundary, both) != 0)
			continue;
		/* It must be the whole of the line, but for "--" or spaces. */
		if (left <= length) {
			match = MATCH_SHORT;
		} else if (memchr(behind, line[hyphens + length], sizeof(behind)) != NULL) {
			*level = i;
			return MATCH_YES;
		}
	}
	return match;
}

static void
found_boundary(struct multipart *multipart, unsigned level)
{
	uint8_t last = multipart->line[multipart->used - 1];

	multipart->depth = level + 1;
	multipart->closes = last == '-';
	multipart->state = STATE_TAIL;
	multipart->used = 0;
	if (last == '\n')
		begin_header(multipart);
}

static void
next_tail(struct multipart *multipart, struct bytes *in, struct multipart_piece *piece)
{
	uint8_t byte = 0;

	*piece = (struct multipart_piece){.kind = MULTIPART_FRAME};
	while (byte != '\n' && bytes_u8(in, &byte))
		piece->count++;
	if (byte != '\n')
		return;
	if (!multipart->closes) {
		begin_header(multipart);
		return;
	}
	multipart->depth--;
	multipart->header = (struct multipart_header){0};
	begin_part(multipart);
}

/* ---- bodies ---- */

/* A line that may be a boundary: its bytes are kept until it is known. */
static void
next_candidate(struct multipart *multipart, struct bytes *in, struct multipart_piece *piece)
{
	size_t before = multipart->used;
	uint8_t byte = 0;
	unsigned level = 0;

	while (bytes_u8(in, &byte)) {
		enum match match;

		multipart->line[multipart->used++] = byte;
		match = match_line(multipart, &level);
		if (match == MATCH_SHORT)
			continue;
		if (match == MATCH_YES) {
			*piece = (struct multipart_piece){.kind = MULTIPART_FRAME,
			    .count = multipart->used - before};
			found_boundary(multipart, level);
			return;
		}
		*piece = (struct multipart_piece){.kind = MULTIPART_DATA,
		    .data = {multipart->line, multipart->used},
		    .count = before};
		multipart->used = 0;
		multipart->line_begins = byte == '\n';
		return;
	}
	*piece =
	    (struct multipart_piece){.kind = MULTIPART_FRAME, .count = multipart->used - before};
}

/* Up to the next line that begins with a hyphen. */
static void
next_data(struct multipart *multipart, struct bytes *in, struct multipart_piece *piece)
{
	struct bytes rest = *in;

	multipart->line_begins = false;
	if (multipart->depth > 0 && bytes_seek(&rest, "\n-", 2)) {
		multipart->line_begins = true;
		(void)bytes_skip(&rest, 1);
	} else {
		/* A line's end that is the last byte may have a hyphen behind it. */
		multipart->line_begins = multipart->depth > 0 && rest.at[rest.left - 1] == '\n';
		(void)bytes_skip(&rest, rest.left);
	}
	*piece = (struct multipart_piece){.kind = MULTIPART_DATA,
	    .data = {in->at, in->left - rest.left}};
	*in = rest;
}

void
multipart_next(struct multipart *multipart, struct bytes *in, struct multipart_piece *piece)
{
	if (multipart->begins) {
		multipart->begins = false;
		*piece = (struct multipart_piece){.kind = MULTIPART_BEGINS};
		return;
	}
	assert(in->left > 0);
	if (multipart->state == STATE_HEADERS)
		next_header(multipart, in, piece);
	else if (multipart->state == STATE_TAIL)
		next_tail(multipart, in, piece);
	else if (multipart->used > 0 ||
		 (multipart->line_begins && multipart->depth > 0 && in->at[0] == '-'))
		next_candidate(multipart, in, piece);
	else
		next_data(multipart, in, piece);
}
