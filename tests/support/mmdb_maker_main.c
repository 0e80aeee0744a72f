/* SPDX-License-Identifier: MIT */
#include "tests/support/mmdb_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * mmdb_maker [-4] [-e EPOCH] [-t TYPE] [-d DESCRIPTION] OUT <LINES
 *
 * Writes a small database of lines "PREFIX key=value ..." (mmdb_maker.h) for
 * tests that have no network; empty lines and those that begin with # are
 * passed over.
 */
struct lines {
	char **list;
	size_t count;
};

static void
read_lines(struct lines *lines, FILE *in)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, in) > 0) {
		char **list;

		line[strcspn(line, "\r\n")] = '\0';
		if (*line == '\0' || *line == '#')
			continue;
		list = reallocarray(lines->list, lines->count + 1, sizeof(*list));
		if (list == NULL)
			abort();
		lines->list = list;
		lines->list[lines->count++] = line;
		line = NULL;
		size = 0;
	}
	free(line);
}

static int
write_file(const char *path, const struct mmdb_bytes *file)
{
	FILE *out = fopen(path, "wbe");

	if (out == NULL) {
		perror(path);
		return 1;
	}
	if (fwrite(file->at, 1, file->size, out) != file->size) {
		perror(path);
		(void)fclose(out);
		return 1;
	}
	if (fclose(out) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct mmdb_meta meta = {0};
	struct lines lines = {0};
	struct mmdb_bytes file;
	int option, ret;

	while ((option = getopt(argc, argv, "4e:t:d:")) != -1) {
		if (option == '4')
			meta.ip_version = 4;
		else if (option == 'e')
			meta.build_epoch = strtoull(optarg, NULL, 10);
		else if (option == 't')
			meta.type = optarg;
		else if (option == 'd')
			meta.description = optarg;
		else
			return 2;
	}
	if (optind + 1 != argc) {
		(void)fprintf(stderr,
		    "usage: mmdb_maker [-4] [-e EPOCH] [-t TYPE] [-d DESCRIPTION] OUT <LINES\n");
		return 2;
	}
	read_lines(&lines, stdin);
	file = mmdb_make(&meta, (const char *const *)lines.list, lines.count);
	ret = write_file(argv[optind], &file);
	free(file.at);
	for (size_t i = 0; i < lines.count; i++)
		free(lines.list[i]);
	free(lines.list);
	return ret;
}
