/* SPDX-License-Identifier: MIT */
#ifndef PROXY_DATABASE_FILE_H
#define PROXY_DATABASE_FILE_H

struct err;

/*
 * A sealed copy (base/memfd.h) of the database at path, the caller's to close, or
 * -1.  What is larger than a database can be, or does not end as one does, is
 * refused before it takes memory; whether the rest is whole tells database_open
 * (geo/database.h).
 */
int database_file_copy(const char *path, struct err *err);

#endif
