/* SPDX-License-Identifier: MIT */
#include "config/compare.h"

#include "config/yaml.h"
#include "tests/config/memory.h"

#include <stdlib.h>

#define HEAD "ruleset: r\nversion: 1\nsets: {a: [DE, FR], b: [US]}\n"
#define ONE "- {id: 1, match: {located: DE}, then: allow, why: w}\n"
#define TWO "- {id: 2, match: {port: [1, 2]}, then: block, why: w}\n"
#define THREE "- {id: 3, match: {}, then: block, why: w}\n"

Test(compare, tells_each_difference_once)
{
	static const struct {
		const char *old, *new, *lines;
	} rows[] = {
	    {HEAD "rules:\n" ONE TWO, HEAD "# a comment\nrules:\n\n" ONE TWO, ""},
	    {"version: 1\nruleset: r\n", "ruleset: \"r\"\nversion: '1'\n", ""},
	    {HEAD, "ruleset: r\nversion: 2\nsets: {a: [DE], c: [CN]}\nmode: shadow\n",
		"version: 1 -> 2\nmode: added: shadow\nsets.a: [DE, FR] -> [DE]\n"
		"sets.b: removed: [US]\nsets.c: added: [CN]\n"},
	    {HEAD "rules:\n" ONE TWO,
		HEAD "rules:\n"
		     "- {id: 1, match: {located: FR}, then: block, why: w, hold: 1KB}\n" TWO,
		"rule 1 match: {located: DE} -> {located: FR}\nrule 1 then: allow -> block\n"
		"rule 1 hold: added: 1KB\n"},
	    {HEAD "rules:\n" ONE TWO, HEAD "rules:\n" TWO THREE,
		"rule 1: removed: {id: 1, match: {located: DE}, then: allow, why: w}\n"
		"rule 3: added: {id: 3, match: {}, then: block, why: w}\n"},
	    {HEAD "rules:\n" ONE TWO THREE, HEAD "rules:\n" TWO ONE THREE,
		"rules: order changed: 2 stands where 1 stood\n"},
	    {HEAD "rules:\n" ONE THREE, HEAD "rules:\n" ONE TWO THREE,
		"rule 2: added: {id: 2, match: {port: [1, 2]}, then: block, why: w}\n"},
	    {HEAD, HEAD "rules:\n" THREE,
		"rule 3: added: {id: 3, match: {}, then: block, why: w}\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct yaml_tree old, new;
		struct problems problems = {0};
		char *lines = NULL;
		size_t size = 0, count = 0, told_count;
		FILE *out = open_memstream(&lines, &size);

		cr_assert_not_null(out);
		cr_assert_eq(yaml_tree_read(&old, "old", text_of(rows[i].old), &problems), 0);
		cr_assert_eq(yaml_tree_read(&new, "new", text_of(rows[i].new), &problems), 0);
		told_count = rules_compare(old.root, new.root, out);
		(void)fclose(out);
		cr_expect_str_eq(lines, rows[i].lines, "row %zu:\n%s", i, lines);
		for (const char *at = lines; *at != '\0'; at++)
			count += *at == '\n' ? 1 : 0;
		cr_expect_eq(told_count, count);
		free(lines);
		yaml_tree_free(&old);
		yaml_tree_free(&new);
	}
}
