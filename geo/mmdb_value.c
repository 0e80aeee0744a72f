/* SPDX-License-Identifier: MIT */
#include "geo/mmdb_value.h"

#include "base/text.h"

#include <string.h>

enum found
mmdb_value_read(const MMDB_s *handle, uint32_t offset, const char *const *path,
    MMDB_entry_data_s *data)
{
	MMDB_entry_s entry = {.mmdb = handle, .offset = offset};
	int status = MMDB_aget_value(&entry, data, path);

	if (status == MMDB_LOOKUP_PATH_DOES_NOT_MATCH_DATA_ERROR ||
	    (status == MMDB_SUCCESS && !data->has_data))
		return FOUND_NONE;
	return status == MMDB_SUCCESS ? FOUND : FOUND_BROKEN;
}

enum found
mmdb_value_text(const MMDB_s *handle, uint32_t offset, const char *const *path, char *out,
    size_t size)
{
	MMDB_entry_data_s data;
	enum found found = mmdb_value_read(handle, offset, path, &data);
	size_t used = 0;

	if (found != FOUND)
		return found;
	if (data.type != MMDB_DATA_TYPE_UTF8_STRING)
		return FOUND_BROKEN;
	while (used < data.data_size && data.utf8_string[used] != '\0') {
		size_t step = text_utf8(data.utf8_string + used, data.data_size - used);

		if (step == 0)
			step = 1;
		if (used + step >= size)
			break;
		used += step;
	}
	memcpy(out, data.utf8_string, used);
	out[used] = '\0';
	return FOUND;
}
