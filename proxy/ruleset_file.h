/* SPDX-License-Identifier: MIT */
#ifndef PROXY_RULESET_FILE_H
#define PROXY_RULESET_FILE_H

#include "config/config.h"

struct err;

/* Where the package puts the rule sets that are shipped. */
#define RULESET_SHIPPED_DIR "/usr/share/borderlens/rulesets"

/*
 * The rule file that a word of a command means: itself, where it is a path (it
 * holds a '/', or ends in ".yaml"); else the file of the set of that id, in the
 * configuration, or NAME.yaml in `rulesets` beside the configuration or among
 * those that are shipped.  -1 with ERR_INPUT, and the nearest id, when there is
 * none.
 */
int ruleset_file_find(const char *config_path, const char *word, char out[CONFIG_PATH_MAX],
    struct err *err);

#endif
