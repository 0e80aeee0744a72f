/* SPDX-License-Identifier: MIT */
#include "config/source.h"

#include "base/memfd.h"
#include "tests/config/memory.h"
#include "tests/support/scratch.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static void
make_dir(void)
{
	scratch_dir(dir, sizeof(dir));
}

static void
remove_dir(void)
{
	scratch_remove(dir);
}

TestSuite(source, .init = make_dir, .fini = remove_dir);

static const char *
in_dir(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool
same(struct bytes bytes, const char *text)
{
	return bytes.left == strlen(text) && memcmp(bytes.at, text, bytes.left) == 0;
}

Test(source, reads_a_file_once_whatever_becomes_of_it)
{
	struct source *source = source_from_disk();
	struct bytes first, second;
	struct err err;

	scratch_file(dir, "a", "one", 3);
	cr_assert_eq(source_read(source, in_dir("a"), &first, &err), 0);
	cr_expect(same(first, "one"));
	scratch_file(dir, "a", "three", 5);
	cr_assert_eq(source_read(source, in_dir("a"), &second, &err), 0);
	cr_expect_eq(second.at, first.at);
	cr_expect(same(second, "one"));
	source_free(source);
}

Test(source, refuses_what_is_no_plain_file_of_ours)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
	    {"missing", "No such file"},
	    {"fifo", "not a regular file"},
	    {"folder", "not a regular file"},
	    {"loop", "Too many levels"},
	    {"open-to-all", "may be written by everybody"},
	    {"huge", "larger than 16 MiB"},
	};
	struct source *source = source_from_disk();

	cr_assert_eq(mkfifo(in_dir("fifo"), 0600), 0);
	cr_assert_eq(mkdir(in_dir("folder"), 0700), 0);
	cr_assert_eq(symlink("loop", in_dir("loop")), 0);
	scratch_file(dir, "open-to-all", "x", 1);
	cr_assert_eq(chmod(in_dir("open-to-all"), 0666), 0);
	scratch_file(dir, "huge", "x", 1);
	cr_assert_eq(truncate(in_dir("huge"), SOURCE_FILE_MAX + 1), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes bytes;
		struct err err;

		cr_expect_eq(source_read(source, in_dir(rows[i].name), &bytes, &err), -1);
		cr_expect_not_null(strstr(err.text, rows[i].words), "%s: %s", rows[i].name,
		    err.text);
		if (strcmp(rows[i].name, "huge") == 0)
			continue;
		cr_expect_eq(source_check(source, in_dir(rows[i].name), &err), -1);
		cr_expect_not_null(strstr(err.text, rows[i].words), "%s: %s", rows[i].name,
		    err.text);
	}
	source_free(source);
}

Test(source, a_seal_holds_all_that_was_read_and_nothing_else)
{
	struct source *source = source_from_disk(), *again;
	struct bytes bytes;
	struct err err;
	int fd;

	scratch_file(dir, "a", "one", 3);
	scratch_file(dir, "empty", "", 0);
	scratch_file(dir, "checked", "x", 1);
	scratch_file(dir, "unread", "y", 1);
	cr_assert_eq(source_read(source, in_dir("a"), &bytes, &err), 0);
	cr_assert_eq(source_read(source, in_dir("empty"), &bytes, &err), 0);
	cr_assert_eq(source_check(source, in_dir("checked"), &err), 0);
	fd = source_seal(source, &err);
	cr_assert_geq(fd, 0);
	source_free(source);

	again = source_from_sealed(fd, &err);
	cr_assert_not_null(again);
	cr_assert_eq(source_read(again, in_dir("a"), &bytes, &err), 0);
	cr_expect(same(bytes, "one"));
	cr_assert_eq(source_read(again, in_dir("empty"), &bytes, &err), 0);
	cr_expect_eq(bytes.left, 0);
	cr_expect_eq(source_check(again, in_dir("checked"), &err), 0);
	cr_expect_eq(source_check(again, in_dir("a"), &err), 0);
	cr_expect_eq(source_read(again, in_dir("checked"), &bytes, &err), -1);
	cr_expect_eq(source_read(again, in_dir("unread"), &bytes, &err), -1);
	cr_expect_eq(source_check(again, in_dir("unread"), &err), -1);
	source_free(again);
	(void)close(fd);
}

Test(source, a_seal_that_is_cut_is_refused)
{
	struct source *source = source_from_memory(), *again;
	const uint8_t *at;
	struct err err;
	size_t size;
	int whole;

	put(source, "/a", "content of a");
	put(source, "/b", "b");
	whole = source_seal(source, &err);
	cr_assert_geq(whole, 0);
	cr_assert_eq(memfd_map(whole, &at, &size, &err), 0);
	for (size_t cut = 0; cut <= size; cut++) {
		int fd = memfd_seal("test", at, cut, &err);
		/* Between two entries, and at the end, it is a whole seal. */
		bool good = cut == 0 || cut == size || cut == size - (7 + 2 + 12);

		again = source_from_sealed(fd, &err);
		cr_expect_eq(again != NULL, good, "cut at %zu of %zu", cut, size);
		source_free(again);
		(void)close(fd);
	}
	source_free(source);
	(void)close(whole);
	cr_expect_null(source_from_sealed(-1, &err));
}
