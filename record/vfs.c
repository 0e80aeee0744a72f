/* SPDX-License-Identifier: MIT */
#include "record/vfs.h"

#include <sqlite3.h>
#include <stddef.h>
#include <string.h>

static const char vfs_name[] = "as-given";

static int
copy_path(sqlite3_vfs *vfs, const char *path, int size, char *out)
{
	size_t length = strlen(path);

	(void)vfs;
	if (path[0] != '/' || length >= (size_t)size)
		return SQLITE_CANTOPEN;
	memcpy(out, path, length + 1);
	return SQLITE_OK;
}

const char *
vfs_as_given(void)
{
	static sqlite3_vfs vfs;
	const sqlite3_vfs *standard = sqlite3_vfs_find(NULL);

	if (vfs.zName != NULL)
		return vfs_name;
	if (standard == NULL)
		return NULL;
	vfs = *standard;
	vfs.pNext = NULL;
	vfs.zName = vfs_name;
	vfs.xFullPathname = copy_path;
	if (sqlite3_vfs_register(&vfs, 0) == SQLITE_OK)
		return vfs_name;
	vfs.zName = NULL;
	return NULL;
}
