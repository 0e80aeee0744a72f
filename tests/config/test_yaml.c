/* SPDX-License-Identifier: MIT */
#include "config/yaml.h"

#include "tests/config/memory.h"

#include <stdlib.h>

static const char good[] = "site: north\n"
			   "list: [a, \"b c\", NO]\n"
			   "map:\n"
			   "  inner: {x: 1, y: ''}\n"
			   "  text: |\n"
			   "    two\n"
			   "    lines\n";

Test(yaml, every_node_has_its_kind_text_and_place)
{
	struct problems problems = {0};
	struct yaml_tree tree;
	const struct yaml_node *list, *inner;

	cr_assert_eq(yaml_tree_read(&tree, "f", text_of(good), &problems), 0);
	cr_expect_eq(problems.count, 0);
	list = yaml_child(tree.root, "list");
	cr_assert_not_null(list);
	cr_expect_eq(list->kind, YAML_LIST);
	cr_expect_eq(list->count, 3);
	cr_expect_eq(list->line, 2);
	cr_expect_eq(list->column, 7);
	cr_expect_str_eq(list->first->text, "a");
	cr_expect_not(list->first->quoted);
	cr_expect_str_eq(list->first->next->text, "b c");
	cr_expect(list->first->next->quoted);
	cr_expect_str_eq(list->first->next->next->text, "NO");
	cr_expect_null(list->first->next->next->next);
	inner = yaml_child(yaml_child(tree.root, "map"), "inner");
	cr_assert_not_null(inner);
	cr_expect_eq(inner->kind, YAML_MAP);
	cr_expect_eq(inner->line, 4);
	cr_expect_str_eq(yaml_child(inner, "x")->text, "1");
	cr_expect_str_eq(yaml_child(inner, "y")->text, "");
	cr_expect_eq(yaml_child(inner, "y")->key->column, 17);
	cr_expect_str_eq(yaml_child(yaml_child(tree.root, "map"), "text")->text, "two\nlines\n");
	cr_expect_null(yaml_child(tree.root, "no"));
	cr_expect_null(yaml_child(list, "no"));
	cr_expect_null(yaml_child(NULL, "no"));
	yaml_tree_free(&tree);
	yaml_tree_free(&tree);
}

Test(yaml, what_is_wrong_is_told_with_its_place)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *words;
		bool usable;
	} rows[] = {
	    {"", 1, 1, "the file is empty", false},
	    {"# a comment\n", 1, 1, "the file is empty", false},
	    {"a: 1\na: 2\n", 2, 1, "'a' is here twice (first on line 1)", true},
	    {"a: {b: 1, c: 2, b: 3}\n", 1, 17, "'b' is here twice", true},
	    {"a: &x 1\n", 1, 4, "anchors are not taken", true},
	    {"a: &x [1]\n", 1, 4, "anchors are not taken", true},
	    {"a: &x {b: 1}\n", 1, 4, "anchors are not taken", true},
	    {"a: *x\n", 1, 4, "aliases are not taken", false},
	    {"a: !!int 1\n", 1, 4, "tags are not taken", true},
	    {"a: !x [1]\n", 1, 4, "tags are not taken", true},
	    {"a:\n  <<: b\n", 2, 3, "merge keys are not taken", true},
	    {"? [a]\n: b\n", 1, 3, "cannot be a key", true},
	    {"a: 1\n---\nb: 2\n", 2, 1, "a second document", true},
	    {"a: \"x\\0y\"\n", 1, 4, "control character", true},
	    {"a: \"x\\ey\"\n", 1, 4, "control character", true},
	    {"a: [1, 2\n", 2, 1, "not YAML", false},
	    {"a: 'x\n", 2, 1, "not YAML", false},
	    {"a: b: c\n", 1, 5, "not YAML", false},
	    {"a:\n\t- b\n", 2, 1, "not YAML", false},
	    {"a: @set\n", 1, 4, "must be quoted", false},
	    {"a: 1\n b: 2\n", 2, 3, "not YAML", false},
	    {"ok: 1\nbad: \xff\n", 2, 6, "not YAML", false},
	    {"\xff\xfe"
	     "a",
		1, 1, "not YAML", false},
	    {"a: \x01\n", 1, 4, "not YAML", false},
	    {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", 1, 17, "nested too deep", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct problems problems = {0};
		struct yaml_tree tree;
		char all[2000];
		int ret = yaml_tree_read(&tree, "f", text_of(rows[i].text), &problems);

		cr_expect_eq(ret, rows[i].usable ? 0 : -1, "row %zu: %d", i, ret);
		cr_expect(has_error(&problems, rows[i].line, rows[i].column, rows[i].words),
		    "row %zu wants %u:%u %s, and was told\n%s", i, rows[i].line, rows[i].column,
		    rows[i].words, told(&problems, all, sizeof(all)));
		yaml_tree_free(&tree);
		problems_free(&problems);
	}
}

Test(yaml, every_prefix_and_every_changed_byte_is_read_or_refused)
{
	char copy[sizeof(good)];

	for (size_t cut = 0; cut < sizeof(good); cut++) {
		struct problems problems = {0};
		struct bytes text = {.at = (const uint8_t *)good, .left = cut};
		struct yaml_tree tree;

		if (yaml_tree_read(&tree, "f", text, &problems) == 0)
			cr_expect_not_null(tree.root);
		else
			cr_expect_gt(problems.errors, 0);
		yaml_tree_free(&tree);
		problems_free(&problems);
	}
	for (size_t i = 0; i + 1 < sizeof(good); i++) {
		for (int byte = 0; byte < 256; byte += 5) {
			struct problems problems = {0};
			struct yaml_tree tree;

			memcpy(copy, good, sizeof(good));
			copy[i] = (char)byte;
			if (yaml_tree_read(&tree, "f",
				(struct bytes){(const uint8_t *)copy, sizeof(good) - 1},
				&problems) != 0)
				cr_expect_gt(problems.errors, 0);
			yaml_tree_free(&tree);
			problems_free(&problems);
		}
	}
}

Test(yaml, a_flood_of_values_ends_at_the_bound)
{
	size_t size = (size_t)YAML_NODES_MAX * 2 + 200;
	char *text = malloc(size);
	struct problems problems = {0};
	struct yaml_tree tree;

	cr_assert_not_null(text);
	memset(text, ',', size);
	for (size_t i = 1; i < size; i += 2)
		text[i] = 'a';
	text[0] = '[';
	cr_expect_eq(yaml_tree_read(&tree, "f", (struct bytes){(const uint8_t *)text, size},
			 &problems),
	    -1);
	cr_assert_eq(problems.count, 1);
	cr_expect_not_null(strstr(problems.list[0].text, "more than 2,000,000 values"));
	yaml_tree_free(&tree);
	problems_free(&problems);
	free(text);
}

Test(yaml, problems_are_kept_up_to_a_bound_and_counted_beyond)
{
	struct problems problems = {0};

	for (unsigned i = 0; i < 2000; i++)
		problems_error(&problems, "f", 2000 - i, 1, "a\n%u\x1b[31m", i);
	problems_warning(&problems, "f", 1, 1, "one more");
	cr_expect_eq(problems.errors, 2000);
	cr_expect_eq(problems.count, 500);
	cr_expect_str_eq(problems.list[0].text, "a\\x0a0\\x1b[31m");
	problems_sort(&problems);
	cr_expect_eq(problems.list[0].line, 1501);
	problems_free(&problems);
	cr_expect_eq(problems.count, 0);
}

Test(yaml, a_mark_at_the_beginning_is_passed_over_and_that_of_utf16_told)
{
	struct problems problems = {0};
	struct yaml_tree tree;

	cr_assert_eq(yaml_tree_read(&tree, "f",
			 text_of("\xef\xbb\xbf"
				 "a: b\n"),
			 &problems),
	    0);
	cr_expect_eq(problems.count, 0);
	cr_expect_eq(yaml_child(tree.root, "a")->column, 4);
	yaml_tree_free(&tree);
	cr_expect_eq(yaml_tree_read(&tree, "f",
			 text_of("\xff\xfe"
				 "a"),
			 &problems),
	    -1);
	cr_expect(has_error(&problems, 1, 1, "this is UTF-16"));
	yaml_tree_free(&tree);
	problems_free(&problems);
}
