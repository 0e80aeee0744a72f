/* SPDX-License-Identifier: MIT */
#include "proxy/arguments.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct wish {
	const char *config;
	const char *since;
	bool json, write;
	struct argument_list files;
};

static const struct argument rows[] = {
    {"since", 's', "T", ARGUMENT_TEXT, offsetof(struct wish, since), "opened then\nor later", 0},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct wish, json), "one JSON document", 0},
    {"write", 'w', NULL, ARGUMENT_FLAG, offsetof(struct wish, write), "in place", 1 << 1},
    {"a-rather-long-name", 0, "FILE", ARGUMENT_LIST, offsetof(struct wish, files), "many", 0},
    ARGUMENT_CONFIG(wish, config),
};

static const struct argument_verb verbs[] = {
    {"list", 0, 0, NULL},
    {"fmt", 1, 2, "one or two files"},
};

static const struct arguments plain = {
    .command = "plain",
    .head = "usage: borderlens plain\n",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .tail = "Exit: 0.\n",
};

static const struct arguments verbal = {
    .command = "verbal",
    .head = "usage: borderlens verbal list\n",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

enum { WORDS_MAX = 80, TEXT_MAX = 4096 };

struct answer {
	int code;
	struct wish wish;
	struct argument_words words;
	char *argv[WORDS_MAX];
	char out[TEXT_MAX], err[TEXT_MAX];
};

static void
take(FILE **stream, int saved, FILE *file, char out[TEXT_MAX])
{
	(void)fflush(*stream);
	(void)dup2(saved, fileno(*stream));
	(void)close(saved);
	rewind(file);
	out[fread(out, 1, TEXT_MAX - 1, file)] = '\0';
	(void)fclose(file);
}

/* line: words with one space between two. */
static void
ask(const struct arguments *arguments, const char *line, struct answer *answer)
{
	char *words = strdup(line), *rest = words;
	FILE *out = tmpfile(), *err = tmpfile();
	int saved_out, saved_err, argc = 0;

	*answer = (struct answer){.wish = {.config = "default"}};
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		answer->argv[argc++] = word;
	cr_assert(argc < WORDS_MAX && out != NULL && err != NULL);
	(void)fflush(stdout);
	saved_out = dup(STDOUT_FILENO);
	saved_err = dup(STDERR_FILENO);
	(void)dup2(fileno(out), STDOUT_FILENO);
	(void)dup2(fileno(err), STDERR_FILENO);
	answer->code = arguments_read(arguments, argc, answer->argv, &answer->wish, &answer->words);
	take(&stdout, saved_out, out, answer->out);
	take(&stderr, saved_err, err, answer->err);
}

static void
done(struct answer *answer)
{
	/* The words lie in one piece, whose front is the command's name. */
	free(answer->argv[0]);
}

Test(arguments, fills_what_is_given_and_leaves_the_rest)
{
	struct answer answer;

	ask(&plain, "plain", &answer);
	cr_expect_eq(answer.code, -1);
	cr_expect_str_eq(answer.wish.config, "default");
	cr_expect_null(answer.wish.since);
	cr_expect(!answer.wish.json && answer.wish.files.count == 0);
	done(&answer);

	ask(&plain, "plain --since=7d -c a.yaml --json --a-rather-long-name x --a-rather y -s 2h",
	    &answer);
	cr_expect_eq(answer.code, -1, "%s", answer.err);
	cr_expect_str_eq(answer.wish.config, "a.yaml");
	cr_expect_str_eq(answer.wish.since, "2h");
	cr_expect(answer.wish.json && !answer.wish.write);
	cr_assert_eq(answer.wish.files.count, 2);
	cr_expect_str_eq(answer.wish.files.at[0], "x");
	cr_expect_str_eq(answer.wish.files.at[1], "y");
	cr_expect_str_empty(answer.out);
	cr_expect_str_empty(answer.err);
	done(&answer);
}

Test(arguments, finds_the_verb_and_its_words_wherever_options_stand)
{
	struct answer answer;

	ask(&verbal, "verbal --json fmt a -w b", &answer);
	cr_expect_eq(answer.code, -1, "%s", answer.err);
	cr_expect_eq(answer.words.verb, 1);
	cr_assert_eq(answer.words.count, 2);
	cr_expect_str_eq(answer.words.at[0], "a");
	cr_expect_str_eq(answer.words.at[1], "b");
	cr_expect(answer.wish.json && answer.wish.write);
	done(&answer);

	ask(&verbal, "verbal fmt -- -w", &answer);
	cr_expect_eq(answer.code, -1);
	cr_expect_str_eq(answer.words.at[0], "-w");
	cr_expect(!answer.wish.write);
	done(&answer);
}

Test(arguments, says_what_is_wrong)
{
	static const struct {
		const struct arguments *of;
		const char *line, *said;
	} table[] = {
	    {&plain, "plain --sinse 7d", "there is no option --sinse; did you mean --since?"},
	    {&plain, "plain --hepl", "there is no option --hepl; did you mean --help?"},
	    {&plain, "plain --quite-another=1", "there is no option --quite-another=1\n"},
	    {&plain, "plain --quite\033[31m", "there is no option --quite\\x1b[31m\n"},
	    {&plain, "plain -z", "there is no option -z\n"},
	    {&plain, "plain -?", "there is no option -?\n"},
	    {&plain, "plain -jz", "there is no option -j\n"},
	    {&plain, "plain --since", "--since wants a value\n"},
	    {&plain, "plain -s", "-s wants a value\n"},
	    {&plain, "plain --json=1", "--json=1 takes no value\n"},
	    {&plain, "plain word", "\"word\" is one word too many\n"},
	    {&verbal, "verbal", "list or fmt?\n"},
	    {&verbal, "verbal lst", "there is no \"lst\"; did you mean \"list\"?\n"},
	    {&verbal, "verbal nonsense", "there is no \"nonsense\": list or fmt\n"},
	    {&verbal, "verbal list x", "list takes no argument\n"},
	    {&verbal, "verbal fmt", "fmt takes one or two files\n"},
	    {&verbal, "verbal fmt a b c", "fmt takes one or two files\n"},
	    {&verbal, "verbal list --write", "list takes no --write\n"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct answer answer;

		ask(table[i].of, table[i].line, &answer);
		cr_expect_eq(answer.code, EXIT_USAGE, "%s", table[i].line);
		cr_expect_str_empty(answer.out);
		cr_expect_not_null(strstr(answer.err, table[i].said), "%s: %s", table[i].line,
		    answer.err);
		cr_expect_not_null(strstr(answer.err, "--help says more.\n"));
		done(&answer);
	}
}

Test(arguments, takes_no_more_of_a_list_than_there_is_room_for)
{
	char line[TEXT_MAX] = "plain";
	struct answer answer;

	for (int i = 0; i <= ARGUMENT_LIST_MAX; i++)
		strcat(line, " --a-rather-long-name=x");
	ask(&plain, line, &answer);
	cr_expect_eq(answer.code, EXIT_USAGE);
	cr_expect_not_null(strstr(answer.err, "more than 64 times --a-rather-long-name"));
	done(&answer);
}

Test(arguments, writes_its_help_from_the_table)
{
	struct answer answer;

	ask(&plain, "plain --help", &answer);
	cr_expect_eq(answer.code, EXIT_DONE);
	cr_expect_str_empty(answer.err);
	cr_expect_str_eq(answer.out,
	    "usage: borderlens plain\n\n"
	    "  -s, --since T      opened then\n"
	    "                     or later\n"
	    "      --json         one JSON document\n"
	    "  -w, --write        in place\n"
	    "      --a-rather-long-name FILE\n"
	    "                     many\n"
	    "  -c, --config FILE  the configuration (/etc/borderlens/borderlens.yaml)\n"
	    "  -h, --help         this text\n"
	    "\nExit: 0.\n",
	    "%s", answer.out);
	done(&answer);
}
