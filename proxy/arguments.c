/* SPDX-License-Identifier: MIT */
#include "proxy/arguments.h"

#include "base/text.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	ROW_BASE = 256, /* what getopt answers for the first row; letters are below */
	HELP_COLUMN_MAX = 24,
	WORD_MAX = 128,
	NAMES_MAX = ARGUMENT_ROWS_MAX + 1,
};

/* What getopt wants, made of the rows. */
struct forms {
	struct option longs[ARGUMENT_ROWS_MAX + 2];
	char letters[2 * ARGUMENT_ROWS_MAX + 4];
};

static const struct argument help_row = {"help", 'h', NULL, ARGUMENT_FLAG, 0, "this text", 0};

/* ---- the help ---- */

/* "  -c, --config FILE" */
static void
row_text(const struct argument *row, struct text *text)
{
	if (row->letter != '\0')
		text_add(text, "  -%c, --%s", row->letter, row->name);
	else
		text_add(text, "      --%s", row->name);
	if (row->value != NULL)
		text_add(text, " %s", row->value);
}

static size_t
row_width(const struct argument *row)
{
	char line[WORD_MAX];
	struct text text = text_in(line, sizeof(line));

	row_text(row, &text);
	return text.used;
}

static void
write_row(const struct argument *row, size_t column, FILE *to)
{
	char line[WORD_MAX];
	struct text text = text_in(line, sizeof(line));
	const char *help = row->help;
	size_t left;

	row_text(row, &text);
	/* One that is too long for the column has its help below itself. */
	if (text.used > column)
		(void)fprintf(to, "%s\n%*s", line, (int)column, "");
	else
		(void)fprintf(to, "%-*s", (int)column, line);
	for (; (left = strcspn(help, "\n")) < strlen(help); help += left + 1)
		(void)fprintf(to, "  %.*s\n%*s", (int)left, help, (int)column, "");
	(void)fprintf(to, "  %s\n", help);
}

static void
write_help(const struct arguments *arguments, FILE *to)
{
	size_t column = row_width(&help_row);

	for (size_t i = 0; i < arguments->row_count; i++) {
		size_t width = row_width(&arguments->rows[i]);

		if (width > column && width <= HELP_COLUMN_MAX)
			column = width;
	}
	(void)fprintf(to, "%s\n", arguments->head);
	for (size_t i = 0; i < arguments->row_count; i++)
		write_row(&arguments->rows[i], column, to);
	write_row(&help_row, column, to);
	if (arguments->tail != NULL)
		(void)fprintf(to, "\n%s", arguments->tail);
}

/* ---- what is wrong ---- */

int
arguments_refuse(const struct arguments *arguments, const char *fmt, ...)
{
	va_list list;

	(void)fprintf(stderr, "borderlens %s: ", arguments->command);
	va_start(list, fmt);
	(void)vfprintf(stderr, fmt, list);
	va_end(list);
	(void)fprintf(stderr, "\nborderlens %s --help says more.\n", arguments->command);
	return EXIT_USAGE;
}

/* What somebody wrote, safe to print. */
static const char *
shown(const char *word, char out[WORD_MAX])
{
	struct text text = text_in(out, WORD_MAX);

	text_add_untrusted(&text, word, strlen(word));
	return out;
}

static int
refuse_unknown(const struct arguments *arguments, const char *word)
{
	const char *names[NAMES_MAX] = {help_row.name};
	char line[WORD_MAX];
	const char *near = NULL;

	for (size_t i = 0; i < arguments->row_count; i++)
		names[i + 1] = arguments->rows[i].name;
	if (strncmp(word, "--", 2) == 0) {
		char name[WORD_MAX];

		text_copy(name, sizeof(name), word + 2);
		name[strcspn(name, "=")] = '\0';
		near = text_nearest(name, names, arguments->row_count + 1);
	}
	if (near != NULL)
		return arguments_refuse(arguments, "there is no option %s; did you mean --%s?",
		    shown(word, line), near);
	return arguments_refuse(arguments, "there is no option %s", shown(word, line));
}

/* getopt took what stands in argv before optind and did not like it. */
static int
refuse_option(const struct arguments *arguments, char **argv, int answer)
{
	char line[WORD_MAX];

	if (answer == ':')
		return arguments_refuse(arguments, "%s wants a value",
		    shown(argv[optind - 1], line));
	if (optopt > 0 && optopt < ROW_BASE && optopt != '?') {
		char letter[3] = {'-', (char)optopt, '\0'};

		return refuse_unknown(arguments, letter);
	}
	if (optopt >= ROW_BASE)
		return arguments_refuse(arguments, "%s takes no value",
		    shown(argv[optind - 1], line));
	return refuse_unknown(arguments, argv[optind - 1]);
}

/* ---- the options ---- */

static void
add_form(struct forms *forms, size_t index, const struct argument *row)
{
	size_t used = strlen(forms->letters);

	forms->longs[index] =
	    (struct option){row->name, row->type == ARGUMENT_FLAG ? no_argument : required_argument,
		NULL, ROW_BASE + (int)index};
	if (row->letter == '\0')
		return;
	forms->letters[used++] = row->letter;
	if (row->type != ARGUMENT_FLAG)
		forms->letters[used++] = ':';
	forms->letters[used] = '\0';
}

/* The row behind the last is the help's. */
static struct forms
make_forms(const struct arguments *arguments)
{
	struct forms forms = {.letters = ":"};

	assert(arguments->row_count <= ARGUMENT_ROWS_MAX);
	for (size_t i = 0; i < arguments->row_count; i++)
		add_form(&forms, i, &arguments->rows[i]);
	add_form(&forms, arguments->row_count, &help_row);
	return forms;
}

/* The row that getopt answered; row_count: the help. */
static size_t
row_of(const struct arguments *arguments, int answer)
{
	size_t i = 0;

	if (answer >= ROW_BASE)
		return (size_t)(answer - ROW_BASE);
	while (i < arguments->row_count && arguments->rows[i].letter != (char)answer)
		i++;
	return i;
}

static bool
take_item(struct argument_list *list)
{
	if (list->count == ARGUMENT_LIST_MAX)
		return false;
	list->at[list->count++] = optarg;
	return true;
}

/* False: no room. */
static bool
take_value(const struct argument *row, void *into)
{
	void *at = (char *)into + row->at;

	switch (row->type) {
	case ARGUMENT_FLAG:
		*(bool *)at = true;
		return true;
	case ARGUMENT_TEXT:
		*(const char **)at = optarg;
		return true;
	case ARGUMENT_LIST:
		return take_item(at);
	}
	return false;
}

/* Fills given, a bit for each row that was there. */
static int
read_options(const struct arguments *arguments, int argc, char **argv, void *into, uint64_t *given)
{
	struct forms forms = make_forms(arguments);
	int answer;

	opterr = 0; /* what is wrong is told here */
	optind = 0; /* glibc: from the start, whatever was read before */
	*given = 0;
	while ((answer = getopt_long(argc, argv, forms.letters, forms.longs, NULL)) != -1) {
		size_t row;

		if (answer == '?' || answer == ':')
			return refuse_option(arguments, argv, answer);
		row = row_of(arguments, answer);
		if (row == arguments->row_count) {
			write_help(arguments, stdout);
			return EXIT_DONE;
		}
		if (!take_value(&arguments->rows[row], into))
			return arguments_refuse(arguments, "more than %d times --%s",
			    ARGUMENT_LIST_MAX, arguments->rows[row].name);
		*given |= UINT64_C(1) << row;
	}
	return -1;
}

/* ---- the words ---- */

static int
refuse_verb(const struct arguments *arguments, const char *word)
{
	const char *names[ARGUMENT_ROWS_MAX];
	char list[WORD_MAX * 2], line[WORD_MAX];
	struct text text = text_in(list, sizeof(list));
	const char *near = NULL;

	assert(arguments->verb_count <= ARGUMENT_ROWS_MAX);
	for (size_t i = 0; i < arguments->verb_count; i++) {
		names[i] = arguments->verbs[i].name;
		text_add(&text, "%s%s",
		    i == 0                          ? ""
		    : i + 1 < arguments->verb_count ? ", "
						    : " or ",
		    names[i]);
	}
	if (word != NULL)
		near = text_nearest(word, names, arguments->verb_count);
	if (near != NULL)
		return arguments_refuse(arguments, "there is no \"%s\"; did you mean \"%s\"?",
		    shown(word, line), near);
	if (word != NULL)
		return arguments_refuse(arguments, "there is no \"%s\": %s", shown(word, line),
		    list);
	return arguments_refuse(arguments, "%s?", list);
}

static int
find_verb(const struct arguments *arguments, struct argument_words *words)
{
	const struct argument_verb *verb;

	if (words->count == 0)
		return refuse_verb(arguments, NULL);
	while (strcmp(arguments->verbs[words->verb].name, words->at[0]) != 0) {
		if (++words->verb == arguments->verb_count)
			return refuse_verb(arguments, words->at[0]);
	}
	verb = &arguments->verbs[words->verb];
	words->at++;
	words->count--;
	if (words->count >= verb->least && words->count <= verb->most)
		return -1;
	return arguments_refuse(arguments, "%s takes %s", verb->name,
	    verb->what != NULL ? verb->what : "no argument");
}

static int
refuse_word(const struct arguments *arguments, const char *word)
{
	char line[WORD_MAX];

	return arguments_refuse(arguments, "\"%s\" is one word too many", shown(word, line));
}

/* An option that means nothing to the verb was meant for another. */
static int
check_given(const struct arguments *arguments, uint64_t given, size_t verb)
{
	for (size_t i = 0; i < arguments->row_count; i++) {
		const struct argument *row = &arguments->rows[i];

		if ((given >> i & 1) != 0 && row->verbs != 0 && (row->verbs >> verb & 1) == 0)
			return arguments_refuse(arguments, "%s takes no --%s",
			    arguments->verbs[verb].name, row->name);
	}
	return -1;
}

int
arguments_read(const struct arguments *arguments, int argc, char **argv, void *into,
    struct argument_words *words)
{
	struct argument_words found = {0};
	uint64_t given;
	int code = read_options(arguments, argc, argv, into, &given);

	if (code >= 0)
		return code;
	found.count = argc - optind;
	found.at = argv + optind;
	if (arguments->verbs == NULL && found.count > 0)
		return refuse_word(arguments, found.at[0]);
	if (arguments->verbs != NULL) {
		code = find_verb(arguments, &found);
		if (code < 0)
			code = check_given(arguments, given, found.verb);
		if (code >= 0)
			return code;
	}
	if (words != NULL)
		*words = found;
	return -1;
}
