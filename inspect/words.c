/* SPDX-License-Identifier: MIT */
#include "inspect/words.h"

#include "inspect/base64.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 32 };

enum word { WORD_KNOWN, WORD_GENERAL, WORD_SECRET, WORD_COMMAND, WORD_EVENT };

struct entry {
	const char *name;
	enum word word;
};

/* In order, and as `flatten` leaves a name. */
static const struct entry names[] = {
    {"accesskey", WORD_SECRET},
    {"accesstoken", WORD_SECRET},
    {"anpr", WORD_KNOWN},
    {"apikey", WORD_SECRET},
    {"authkey", WORD_SECRET},
    {"authtoken", WORD_SECRET},
    {"binarysecuritytoken", WORD_SECRET},
    {"carplate", WORD_GENERAL},
    {"clientsecret", WORD_SECRET},
    {"cmd", WORD_COMMAND},
    {"code", WORD_EVENT},
    {"command", WORD_COMMAND},
    {"devicesecret", WORD_SECRET},
    {"embedding", WORD_GENERAL},
    {"event", WORD_EVENT},
    {"eventcode", WORD_EVENT},
    {"eventtype", WORD_EVENT},
    {"face", WORD_GENERAL},
    {"facecapture", WORD_KNOWN},
    {"facedatarecord", WORD_KNOWN},
    {"facedescriptor", WORD_KNOWN},
    {"faceembedding", WORD_KNOWN},
    {"facefeature", WORD_KNOWN},
    {"facefeatures", WORD_KNOWN},
    {"faceid", WORD_GENERAL},
    {"faceinfolist", WORD_KNOWN},
    {"facelibtype", WORD_KNOWN},
    {"facematch", WORD_KNOWN},
    {"facepicrect", WORD_KNOWN},
    {"facerecognition", WORD_KNOWN},
    {"facerecognitionalarm", WORD_KNOWN},
    {"facerect", WORD_KNOWN},
    {"faces", WORD_GENERAL},
    {"facesnap", WORD_KNOWN},
    {"facesnapshot", WORD_KNOWN},
    {"facetemplate", WORD_KNOWN},
    {"faceurl", WORD_KNOWN},
    {"facialfeatures", WORD_KNOWN},
    {"fdcontraststatus", WORD_KNOWN},
    {"humanface", WORD_KNOWN},
    {"jsonrpc", WORD_COMMAND},
    {"licenseplate", WORD_KNOWN},
    {"licenseplateinfo", WORD_KNOWN},
    {"licenseplatenumber", WORD_KNOWN},
    {"loginpwd", WORD_SECRET},
    {"method", WORD_COMMAND},
    {"numberplate", WORD_GENERAL},
    {"originallicenseplate", WORD_KNOWN},
    {"passphrase", WORD_SECRET},
    {"passwd", WORD_SECRET},
    {"password", WORD_SECRET},
    {"personid", WORD_GENERAL},
    {"plate", WORD_GENERAL},
    {"plateattr", WORD_KNOWN},
    {"plateno", WORD_KNOWN},
    {"platenumber", WORD_KNOWN},
    {"platetext", WORD_KNOWN},
    {"privatekey", WORD_SECRET},
    {"psk", WORD_SECRET},
    {"pwd", WORD_SECRET},
    {"recognizedlicenseplate", WORD_KNOWN},
    {"refreshtoken", WORD_SECRET},
    {"secret", WORD_SECRET},
    {"secretaccesskey", WORD_SECRET},
    {"secretkey", WORD_SECRET},
    {"sessiontoken", WORD_SECRET},
    {"sharedkey", WORD_SECRET},
    {"token", WORD_SECRET},
    {"trafficcar", WORD_KNOWN},
    {"userpassword", WORD_SECRET},
    {"wifipassword", WORD_SECRET},
};

/* What an event is named that tells of a face or a plate; in order. */
static const struct entry events[] = {
    {"alarmresult", WORD_KNOWN},
    {"anpr", WORD_KNOWN},
    {"faceanalysis", WORD_KNOWN},
    {"facecapture", WORD_KNOWN},
    {"facecomparision", WORD_KNOWN},
    {"facecomparison", WORD_KNOWN},
    {"facedetection", WORD_KNOWN},
    {"facerecognition", WORD_KNOWN},
    {"facesnap", WORD_KNOWN},
    {"facesnapmatch", WORD_KNOWN},
    {"humantrait", WORD_KNOWN},
    {"trafficjunction", WORD_KNOWN},
};

/* Lower case, without what separates words; false where it is too long for any. */
static bool
flatten(struct bytes name, char out[WORD_MAX])
{
	size_t used = 0;
	uint8_t byte;

	while (bytes_u8(&name, &byte)) {
		if (byte == '_' || byte == '-')
			continue;
		if (used == WORD_MAX - 1)
			return false;
		out[used++] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
	}
	out[used] = '\0';
	return true;
}

static int
compare(const void *key, const void *element)
{
	const char *name = key;
	const struct entry *entry = element;

	return strcmp(name, entry->name);
}

static const struct entry *
find(const struct entry *list, size_t count, struct bytes name)
{
	char flat[WORD_MAX];

	return flatten(name, flat) ? bsearch(flat, list, count, sizeof(*list), compare) : NULL;
}

/* Whether this may be a secret: not empty, and not covered by stars. */
static bool
is_secret(struct bytes value)
{
	uint8_t byte;

	while (bytes_u8(&value, &byte)) {
		if (byte != '*' && byte != ' ')
			return true;
	}
	return false;
}

static bool
is_switch(struct bytes value)
{
	static const char *const words[] = {"true", "false", "on", "off", "enable", "disable",
	    "enabled", "disabled", "none", "null"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (value.left == strlen(words[i]) &&
		    strncasecmp((const char *)value.at, words[i], value.left) == 0)
			return true;
	}
	return value.left <= 1;
}

static void
note_encoded(struct words_seen *seen, struct bytes value)
{
	base64_skip_url(&value);
	if (value.left < WORDS_ENCODED_MIN || !base64_is(value))
		return;
	seen->encoded_bytes += value.left;
	if (seen->encoded_count < WORDS_ENCODED_MAX)
		seen->encoded[seen->encoded_count++] = value;
}

void
words_note(struct words_seen *seen, struct bytes name, enum words_value kind, struct bytes value)
{
	const struct entry *entry = find(names, sizeof(names) / sizeof(*names), name);
	bool holds = kind == WORDS_MANY || (kind == WORDS_TEXT && !is_switch(value));

	seen->names += name.left > 0;
	if (kind == WORDS_TEXT)
		note_encoded(seen, value);
	if (entry == NULL)
		return;
	seen->known += entry->word == WORD_KNOWN && holds;
	seen->general += entry->word == WORD_GENERAL && holds;
	seen->secrets += entry->word == WORD_SECRET && kind == WORDS_TEXT && is_secret(value);
	seen->commands += entry->word == WORD_COMMAND && kind == WORDS_TEXT && value.left > 0;
	if (entry->word == WORD_EVENT && kind == WORDS_TEXT)
		seen->known += find(events, sizeof(events) / sizeof(*events), value) != NULL;
}
