/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_PLACES_H
#define CONFIG_PLACES_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Where the keys of all files may stand, for who has written one elsewhere:
 * "tls.camera.mirror_version", "'located' of a rule's match".  Parts in another
 * order are the same key ("min_tls").  False, and nothing added: there is none
 * of that name.
 */
bool places_tell(const char *key, struct text *out);

/* The keys that may stand in one place, by index; NULL behind the last. */
const char *option_key(size_t index); /* whole paths: "tls.upstream.ca" */
const char *device_key(size_t index);
const char *device_group_key(size_t index);
const char *ruleset_key(size_t index);
const char *rule_key(size_t index);
const char *match_key_name(size_t index);

#endif
