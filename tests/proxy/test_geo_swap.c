/* SPDX-License-Identifier: MIT */
#include "proxy/geo_swap.h"

#include "base/err.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char top[256], dir[300];

/* A directory of databases, "old" each. */
static void
make_site(void)
{
	scratch_dir(top, sizeof(top));
	(void)snprintf(dir, sizeof(dir), "%s/geo", top);
	cr_assert_eq(mkdir(dir, 0750), 0);
	scratch_file(dir, "country.mmdb", "old", 3);
	scratch_file(dir, "asn.mmdb", "old", 3);
	scratch_file(dir, ".asn.mmdb.version", "1", 1);
	scratch_file(dir, ".lock", "", 0);
}

static void
remove_site(void)
{
	scratch_remove(top);
}

TestSuite(geo_swap, .init = make_site, .fini = remove_site);

/* What the file in a directory holds; "" when there is none. */
static const char *
holds(const char *in, const char *name)
{
	static char text[16];
	char path[1024];
	FILE *file;
	size_t count;

	(void)snprintf(path, sizeof(path), "%s/%s", in, name);
	file = fopen(path, "re");
	if (file == NULL)
		return "";
	count = fread(text, 1, sizeof(text) - 1, file);
	text[count] = '\0';
	(void)fclose(file);
	return text;
}

/* As fetch does it: another file under the same name. */
static void
replace(const struct geo_swap *swap, const char *name)
{
	char from[1024], to[1024];

	scratch_file(swap->next, "made", "new", 3);
	(void)snprintf(from, sizeof(from), "%s/made", swap->next);
	(void)snprintf(to, sizeof(to), "%s/%s", swap->next, name);
	cr_assert_eq(rename(from, to), 0);
}

Test(geo_swap, takes_its_place_and_keeps_what_was_there)
{
	struct geo_swap swap;
	struct stat about;
	struct err err = {0};

	cr_assert_eq(geo_swap_open(&swap, dir, &err), 0, "%s", err.text);
	cr_expect_str_eq(holds(swap.next, "country.mmdb"), "old");
	cr_expect_str_eq(holds(swap.next, ".asn.mmdb.version"), "1");
	replace(&swap, "country.mmdb");
	cr_expect_str_eq(holds(dir, "country.mmdb"), "old", "nothing is written through a link");
	cr_assert_eq(geo_swap_commit(&swap, &err), 0, "%s", err.text);
	cr_expect_str_eq(holds(dir, "country.mmdb"), "new");
	cr_expect_str_eq(holds(dir, "asn.mmdb"), "old");
	cr_expect_str_eq(holds(swap.last, "country.mmdb"), "old");
	cr_expect_eq(stat(dir, &about), 0);
	cr_expect_eq(about.st_mode & 0777, 0750, "who could read it can read it");
	geo_swap_close(&swap);
	cr_expect_str_eq(holds(swap.last, "country.mmdb"), "old");
}

Test(geo_swap, the_last_good_ones_come_back)
{
	struct geo_swap swap;

	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	replace(&swap, "country.mmdb");
	cr_assert_eq(geo_swap_commit(&swap, NULL), 0);
	cr_assert_eq(geo_swap_undo(&swap, NULL), 0);
	cr_expect_str_eq(holds(dir, "country.mmdb"), "old");
	cr_expect_neq(access(swap.last, F_OK), 0, "what was refused is gone");
	geo_swap_close(&swap);
}

Test(geo_swap, where_the_old_ones_cannot_be_kept_they_stay)
{
	struct geo_swap swap;
	struct err err = {0};

	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	replace(&swap, "country.mmdb");
	(void)snprintf(swap.last, sizeof(swap.last), "%s/nowhere/last", top);
	cr_expect_eq(geo_swap_commit(&swap, &err), -1);
	cr_expect_neq(strstr(err.text, "cannot keep"), NULL, "%s", err.text);
	cr_expect_str_eq(holds(dir, "country.mmdb"), "old");
	geo_swap_close(&swap);
	cr_expect_str_eq(holds(dir, "country.mmdb"), "old");
	cr_expect_neq(access(swap.next, F_OK), 0, "what was not taken is gone");
}

Test(geo_swap, what_is_not_committed_leaves_nothing)
{
	struct geo_swap swap;
	char next[600];

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
		replace(&swap, "asn.mmdb");
		(void)snprintf(next, sizeof(next), "%s", swap.next);
		geo_swap_close(&swap);
		geo_swap_close(&swap);
		cr_expect_neq(access(next, F_OK), 0);
		cr_expect_str_eq(holds(dir, "asn.mmdb"), "old");
	}
}

Test(geo_swap, what_a_killed_update_left_is_in_nobodys_way)
{
	struct geo_swap swap;
	char next[600], inner[700];

	(void)snprintf(next, sizeof(next), "%s.next", dir);
	(void)snprintf(inner, sizeof(inner), "%s/.fetch.abc", next);
	cr_assert_eq(mkdir(next, 0700), 0);
	cr_assert_eq(mkdir(inner, 0700), 0);
	scratch_file(inner, "rest", "x", 1);
	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	cr_expect_neq(access(inner, F_OK), 0);
	cr_assert_eq(geo_swap_commit(&swap, NULL), 0);
	geo_swap_close(&swap);
}

/* An update is killed: nothing is closed, and its lock goes with it. */
static void
die(struct geo_swap *swap)
{
	(void)close(swap->lock);
	swap->lock = -1;
}

Test(geo_swap, what_took_its_place_is_untold_until_it_is_told)
{
	struct geo_swap swap;

	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	cr_expect_not(geo_swap_is_untold(&swap));
	replace(&swap, "country.mmdb");
	cr_assert_eq(geo_swap_commit(&swap, NULL), 0);
	die(&swap);
	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	cr_expect(geo_swap_is_untold(&swap));
	cr_expect_str_eq(holds(swap.last, "country.mmdb"), "old");
	geo_swap_told(&swap);
	cr_expect_not(geo_swap_is_untold(&swap));
	geo_swap_close(&swap);
	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	cr_expect_not(geo_swap_is_untold(&swap));
	cr_assert_eq(geo_swap_commit(&swap, NULL), 0);
	cr_expect(geo_swap_is_untold(&swap));
	cr_assert_eq(geo_swap_undo(&swap, NULL), 0);
	cr_expect_not(geo_swap_is_untold(&swap), "what is there again was told");
	geo_swap_close(&swap);
}

Test(geo_swap, who_is_killed_in_the_middle_of_it_loses_nothing)
{
	struct geo_swap swap;

	cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
	replace(&swap, "country.mmdb");
	cr_assert_eq(renameat2(AT_FDCWD, swap.next, AT_FDCWD, dir, RENAME_EXCHANGE), 0);
	die(&swap);
	/* The next one keeps what was there, and may be killed too. */
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(geo_swap_open(&swap, dir, NULL), 0);
		cr_expect(geo_swap_is_untold(&swap));
		cr_expect_str_eq(holds(dir, "country.mmdb"), "new");
		cr_expect_str_eq(holds(swap.next, "country.mmdb"), "new");
		cr_expect_str_eq(holds(swap.last, "country.mmdb"), "old");
		die(&swap);
	}
}

Test(geo_swap, one_update_at_a_time)
{
	struct geo_swap first, second;
	struct err err = {0};

	cr_assert_eq(geo_swap_open(&first, dir, NULL), 0);
	cr_expect_eq(geo_swap_open(&second, dir, &err), -1);
	cr_expect_not_null(strstr(err.text, "under way"), "%s", err.text);
	geo_swap_close(&second);
	cr_expect_str_eq(holds(first.next, "asn.mmdb"), "old", "the second takes nothing away");
	geo_swap_close(&first);
}

Test(geo_swap, a_link_stays_a_link)
{
	struct geo_swap swap;
	char link[300];

	(void)snprintf(link, sizeof(link), "%s/current", top);
	cr_assert_eq(symlink("geo", link), 0);
	cr_assert_eq(geo_swap_open(&swap, link, NULL), 0);
	replace(&swap, "asn.mmdb");
	cr_assert_eq(geo_swap_commit(&swap, NULL), 0);
	geo_swap_close(&swap);
	cr_expect_str_eq(holds(link, "asn.mmdb"), "new");
}

Test(geo_swap, other_things_are_not_moved_along)
{
	static const char *const others[] = {"borderlens.yaml", "operators.csv", "x.mmdb.old"};
	struct geo_swap swap;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct err err = {0};
		char path[400];

		scratch_file(dir, others[i], "x", 1);
		cr_expect_eq(geo_swap_open(&swap, dir, &err), -1);
		cr_expect_not_null(strstr(err.text, others[i]), "%s", err.text);
		geo_swap_close(&swap);
		cr_expect_str_eq(holds(dir, "asn.mmdb"), "old");
		(void)snprintf(path, sizeof(path), "%s/%s", dir, others[i]);
		cr_assert_eq(unlink(path), 0);
	}
	cr_expect_eq(geo_swap_open(&swap, "/nonexistent/geo", NULL), -1);
	geo_swap_close(&swap);
	cr_expect_eq(geo_swap_open(&swap, "/", NULL), -1);
	geo_swap_close(&swap);
}
