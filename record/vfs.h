/* SPDX-License-Identifier: MIT */
#ifndef RECORD_VFS_H
#define RECORD_VFS_H

/*
 * SQLite's own way to files, but for one thing: an absolute path is taken as it
 * is given.  SQLite would follow every link on it first, and so lose the way
 * that leads through /proc/self/fd to a directory whose parents are closed to
 * us (proxy/recorder_role.h).
 *
 * Returns its name for sqlite3_open_v2, or NULL where SQLite takes no VFS.
 */
const char *vfs_as_given(void);

#endif
