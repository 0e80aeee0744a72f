/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/err.h"
#include "base/facts.h"
#include "base/jsonw.h"
#include "base/text.h"
#include "certs/ca.h"
#include "certs/certificate.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/answer.h"
#include "proxy/arguments.h"
#include "proxy/load.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { US_PER_S = 1000000, DIGEST_BYTES = 32, PATH_ROOM = CONFIG_PATH_MAX + 32 };

struct request {
	const char *config;
	bool json, der, rsa;
};

enum { SHOW = 0, EXPORT, INIT };

static const struct argument option_rows[] = {
    {"rsa", 0, NULL, ARGUMENT_FLAG, offsetof(struct request, rsa),
	"export: only the one for cameras that take no ECDSA", 1 << EXPORT},
    {"der", 0, NULL, ARGUMENT_FLAG, offsetof(struct request, der),
	"export: in binary, one certificate (the P-256 one without --rsa)", 1 << EXPORT},
    {"json", 0, NULL, ARGUMENT_FLAG, offsetof(struct request, json), "one JSON document",
	1 << SHOW | 1 << INIT},
    ARGUMENT_CONFIG(request, config),
};

static const struct argument_verb verbs[] = {[SHOW] = {"show", 0, 0, NULL},
    [EXPORT] = {"export", 0, 0, NULL},
    [INIT] = {"init", 0, 0, NULL}};

static const struct arguments arguments = {
    .command = "ca",
    .head = "usage: borderlens ca show [-c FILE] [--json]\n"
	    "       borderlens ca export [-c FILE] [--der] [--rsa]\n"
	    "       borderlens ca init [-c FILE] [--json]\n\n"
	    "  show    the authorities that cameras must trust: name, key, dates, fingerprint\n"
	    "  export  their certificates to stdout, as PEM; never a key\n"
	    "  init    make them now; otherwise the first start does\n",
    .rows = option_rows,
    .row_count = sizeof(option_rows) / sizeof(option_rows[0]),
    .tail = "Exit: 0, 1 failed, 2 wrong usage, 78 configuration error.\n",
    .verbs = verbs,
    .verb_count = sizeof(verbs) / sizeof(verbs[0]),
};

/* One authority, as people are told of it. */
struct authority {
	char path[PATH_ROOM];
	char key[32]; /* "P-256", "RSA-2048" */
	uint8_t sha256[DIGEST_BYTES];
	struct server_facts facts; /* subject and dates */
	X509 *cert;                /* owned */
};

static void
authority_path(const struct config *config, int kind, char out[PATH_ROOM])
{
	if (config->tls.ca_auto)
		(void)snprintf(out, PATH_ROOM, "%s/ca/%s", config->state_dir, ca_cert_names[kind]);
	else
		(void)snprintf(out, PATH_ROOM, "%s", config->tls.ca_cert);
}

static void
name_key(X509 *cert, char *out, size_t size)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);
	const char *family = key != NULL && EVP_PKEY_is_a(key, "RSA") ? "RSA" : "P";

	(void)snprintf(out, size, "%s-%d", family, bits);
}

static int
authority_open(const struct config *config, int kind, struct authority *authority, struct err *err)
{
	*authority = (struct authority){0};
	authority_path(config, kind, authority->path);
	authority->cert = ca_cert_load(authority->path, err);
	if (authority->cert == NULL)
		return -1;
	if (X509_digest(authority->cert, EVP_sha256(), authority->sha256, NULL) != 1)
		return err_tls(err, "%s", authority->path);
	certificate_describe(authority->cert, authority->sha256, &authority->facts);
	name_key(authority->cert, authority->key, sizeof(authority->key));
	return 0;
}

/* "AA:BB:...", as openssl and cameras' pages show it. */
static const char *
fingerprint(const struct authority *authority, char out[3 * DIGEST_BYTES])
{
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		(void)snprintf(out + 3 * i, 4, "%02X%s", authority->sha256[i],
		    i + 1 < DIGEST_BYTES ? ":" : "");
	return out;
}

static void
show_text(const struct authority *authority)
{
	char print[3 * DIGEST_BYTES + 1], from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX], name[600];
	struct text text = text_in(name, sizeof(name));

	text_add_untrusted(&text, authority->facts.subject, strlen(authority->facts.subject));
	(void)printf("%s\n  key      %s\n  valid    %s to %s\n  sha256   %s\n  file     %s\n", name,
	    authority->key, clock_date((uint64_t)authority->facts.not_before * US_PER_S, from),
	    clock_date((uint64_t)authority->facts.not_after * US_PER_S, to),
	    fingerprint(authority, print), authority->path);
}

static void
show_json(struct jsonw *json, const struct authority *authority)
{
	char print[3 * DIGEST_BYTES + 1], time[CLOCK_TEXT_MAX];

	jsonw_open(json, NULL);
	jsonw_string(json, "subject", authority->facts.subject);
	jsonw_string(json, "key", authority->key);
	jsonw_string(json, "not_before",
	    clock_text((uint64_t)authority->facts.not_before * US_PER_S, time));
	jsonw_string(json, "not_after",
	    clock_text((uint64_t)authority->facts.not_after * US_PER_S, time));
	jsonw_string(json, "sha256", fingerprint(authority, print));
	jsonw_string(json, "serial", authority->facts.serial);
	jsonw_string(json, "file", authority->path);
	jsonw_close(json);
}

/* With one configured CA there is one; it signs for all cameras. */
static int
authority_count(const struct config *config)
{
	return config->tls.ca_auto ? CA_COUNT : 1;
}

static int
complain(const struct config *config, const struct err *err)
{
	(void)fprintf(stderr, "borderlens ca: %s\n", err->text);
	if (config->tls.ca_auto && err->kind == ERR_SYS && err->sys == ENOENT)
		(void)fputs("There is no CA yet: the first start makes it, or `borderlens ca "
			    "init`.\n",
		    stderr);
	return EXIT_FAILED;
}

static int
run_show(const struct config *config, const struct request *request)
{
	struct jsonw json = {0};
	struct err err = {0};
	int code = EXIT_DONE;

	jsonw_open(&json, NULL);
	jsonw_open_array(&json, "authorities");
	for (int kind = 0; kind < authority_count(config) && code == EXIT_DONE; kind++) {
		struct authority authority;

		if (authority_open(config, kind, &authority, &err) != 0)
			code = complain(config, &err);
		else if (request->json)
			show_json(&json, &authority);
		else
			show_text(&authority);
		X509_free(authority.cert);
	}
	jsonw_close_array(&json);
	jsonw_close(&json);
	if (request->json && code == EXIT_DONE)
		return answer_print(&json, code);
	jsonw_free(&json);
	return code;
}

static int
run_export(const struct config *config, const struct request *request)
{
	int first = request->rsa ? CA_RSA : CA_EC, last = authority_count(config) - 1;
	struct err err = {0};
	int code = EXIT_DONE;

	if (first > last)
		first = last;
	if (request->der)
		last = first;
	for (int kind = first; kind <= last && code == EXIT_DONE; kind++) {
		struct authority authority;

		if (authority_open(config, kind, &authority, &err) != 0)
			code = complain(config, &err);
		else if ((request->der ? i2d_X509_fp(stdout, authority.cert)
				       : PEM_write_X509(stdout, authority.cert)) != 1)
			code = EXIT_FAILED;
		X509_free(authority.cert);
	}
	return code;
}

static int
run_init(const struct config *config, const struct request *request)
{
	char dir[PATH_ROOM];
	struct err err = {0};

	if (!config->tls.ca_auto) {
		(void)fputs("borderlens ca: tls.ca names a CA of your own: nothing to make\n",
		    stderr);
		return EXIT_FAILED;
	}
	(void)snprintf(dir, sizeof(dir), "%s/ca", config->state_dir);
	if ((mkdir(config->state_dir, 0755) != 0 && errno != EEXIST) ||
	    (mkdir(dir, 0700) != 0 && errno != EEXIST)) {
		(void)err_sys(&err, "%s", dir);
		return complain(config, &err);
	}
	if (ca_init(dir, config->site, &err) != 0)
		return complain(config, &err);
	return run_show(config, request);
}

static int
run_with_config(const struct request *request,
    int (*run)(const struct config *config, const struct request *request))
{
	struct source *source = source_from_disk();
	struct problems problems = {0};
	struct config *config = NULL;
	int code = EXIT_CONFIG;

	if (source != NULL)
		config = config_load(request->config, source, &problems);
	if (config == NULL)
		problems_print(&problems);
	else
		code = run(config, request);
	config_free(config);
	problems_free(&problems);
	source_free(source);
	return code;
}

int
command_ca(int argc, char **argv)
{
	static int (*const tasks[])(const struct config *config, const struct request *request) =
	    {[SHOW] = run_show, [EXPORT] = run_export, [INIT] = run_init};
	struct request request = {.config = COMMAND_CONFIG_DEFAULT};
	struct argument_words words;
	int code = arguments_read(&arguments, argc, argv, &request, &words);

	return code >= 0 ? code : run_with_config(&request, tasks[words.verb]);
}
