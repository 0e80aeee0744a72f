/* SPDX-License-Identifier: MIT */
#include "proxy/load.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "base/memfd.h"
#include "certs/ca.h"
#include "certs/identity.h"
#include "certs/verify.h"
#include "config/devices.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"
#include "geo/geo.h"
#include "proxy/database_file.h"
#include "proxy/dirs.h"
#include "proxy/learned.h"
#include "proxy/rule_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { US_PER_S = 1000000 };

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static int
copy_database(const char *path, struct problems *problems)
{
	struct err err;
	int fd = database_file_copy(path, &err);

	if (fd < 0)
		problems_error(problems, path, 0, 0, "%s", err.text);
	return fd;
}

/* ---- geo ---- */

struct teller {
	const struct config *config;
	struct problems *problems;
};

/* geo names a table by its file's name; a reader wants to open it. */
static void
tell_line(const char *file, unsigned line, const char *text, void *arg)
{
	const struct teller *teller = arg;
	const struct config *config = teller->config;
	const char *const tables[] = {config->geo.operators, config->geo.vendors,
	    config->geo.kinds};
	const char *path = file;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(file, base_name(tables[i])) == 0)
			path = tables[i];
	}
	problems_error(teller->problems, path, line, 1, "%s", text);
}

static struct bytes
read_table(const struct loaded *loaded, const char *path, struct problems *problems)
{
	struct bytes out = {0};
	struct err err;

	if (path[0] != '\0' && source_read(loaded->source, path, &out, &err) != 0)
		problems_error(problems, path, 0, 0, "%s", err.text);
	return out;
}

/* The databases that could be copied, with the paths that people know. */
struct copies {
	struct geo_files files;
	const char *country[CONFIG_DATABASES_MAX];
	bool missing; /* one could not be copied, which was told */
};

static void
list_copies(const struct loaded *loaded, struct copies *copies)
{
	const struct config *config = loaded->config;
	struct geo_files *files = &copies->files;

	for (size_t i = 0; i < config->geo.country_count; i++) {
		if (loaded->country[i] < 0) {
			copies->missing = true;
			continue;
		}
		copies->country[files->country_count] = config->geo.country[i];
		files->country[files->country_count].fd = loaded->country[i];
		files->country[files->country_count].name = base_name(config->geo.country[i]);
		files->country_count++;
	}
	files->asn.fd = loaded->asn;
	files->asn.name = base_name(config->geo.asn);
	if (loaded->asn < 0 && config->geo.asn[0] != '\0')
		copies->missing = true;
}

/* Which of the databases it is, and whether the others are good: each alone. */
static void
tell_databases(const struct loaded *loaded, const struct copies *copies, struct problems *problems)
{
	const struct geo_files *files = &copies->files;

	for (size_t i = 0; i <= files->country_count; i++) {
		bool asn = i == files->country_count;
		struct geo_files one = {.asn = {.fd = -1}};
		struct geo *geo;
		struct err err;

		if (asn && files->asn.fd < 0)
			break;
		if (asn) {
			one.asn = files->asn;
		} else {
			one.country[0] = files->country[i];
			one.country_count = 1;
		}
		geo = geo_open(&one, NULL, NULL, &err);
		if (geo == NULL)
			problems_error(problems, asn ? loaded->config->geo.asn : copies->country[i],
			    0, 0, "%s", err.text);
		geo_close(geo);
	}
}

/* A fact that nothing configured tells is unknown of every server, and a rule
 * that asks for it never holds: better said than found out. */
static void
check_facts(const struct config *config, const struct geo *geo, struct problems *problems)
{
	static const struct {
		const char *role; /* of struct geo_status */
		bool country;     /* geo.country's; where that is not set, config/ warned */
		const char *text;
	} facts[] = {
	    {"located", true,
		"no file of geo.country tells where a server is located: it stays unknown"},
	    {"registered", true,
		"no file of geo.country tells where an address is registered: it stays unknown (a flat file is taken for it when its name, type or description says 'whois' or 'registered')"},
	    {"asn", false, "geo.asn is not set: who operates a network stays unknown"},
	    {"operators", false, "geo.operators is not set: who operates a network stays unknown"},
	    {"kinds", true,
		"geo.kinds is not set: an address that is in many countries counts as in one"},
	};
	struct geo_status rows[GEO_STATUS_MAX];
	size_t count = geo_status(geo, rows, GEO_STATUS_MAX);

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		bool told = facts[i].country && config->geo.country_count == 0;

		for (size_t j = 0; j < count && !told; j++)
			told = strstr(rows[j].role, facts[i].role) != NULL;
		if (!told)
			problems_warning(problems, config->path, 0, 0, "%s", facts[i].text);
	}
}

static struct geo *
open_geo(const struct loaded *loaded, struct problems *problems)
{
	const struct config *config = loaded->config;
	struct teller teller = {.config = config, .problems = problems};
	struct copies copies = {
	    .files.operators = read_table(loaded, config->geo.operators, problems),
	    .files.vendors = read_table(loaded, config->geo.vendors, problems),
	    .files.kinds = read_table(loaded, config->geo.kinds, problems),
	    .files.operators_name = base_name(config->geo.operators),
	    .files.vendors_name = base_name(config->geo.vendors),
	    .files.kinds_name = base_name(config->geo.kinds),
	    .files.overrides = config->geo.overrides,
	};
	size_t errors = problems->errors;
	struct geo *geo;
	struct err err;

	list_copies(loaded, &copies);
	geo = geo_open(&copies.files, tell_line, &teller, &err);
	if (geo != NULL && !copies.missing)
		return geo;
	if (geo == NULL)
		tell_databases(loaded, &copies, problems);
	/* Nothing else was told: no memory, or what only all together are. */
	if (geo == NULL && problems->errors == errors)
		problems_error(problems, config->path, 0, 0, "geo: %s", err.text);
	geo_close(geo);
	return NULL;
}

struct geo *
loaded_geo(const struct loaded *loaded, struct problems *problems)
{
	struct geo *geo = open_geo(loaded, problems);

	if (geo != NULL)
		check_facts(loaded->config, geo, problems);
	if (geo != NULL)
		rule_names_check(loaded->config, geo, problems);
	return geo;
}

/* ---- what only a clock, OpenSSL and the disk can tell ---- */

static void
check_dates(const struct config *config, struct problems *problems)
{
	char today[CLOCK_TEXT_MAX];

	(void)clock_date(clock_wall_us(), today);
	for (size_t i = 0; i < rules_count(config->rules); i++) {
		struct ruleset_about about = rules_about(config->rules, i);

		if (about.reviewed[0] != '\0' && strcmp(about.reviewed, today) > 0)
			problems_warning(problems, about.file, 0, 0,
			    "rule set %s says that it was reviewed on %s, which is still to come",
			    about.id, about.reviewed);
		if (about.expires[0] != '\0' && strcmp(about.expires, today) < 0)
			problems_warning(problems, about.file, 0, 0,
			    "rule set %s expired on %s: it is enforced all the same; have it "
			    "reviewed",
			    about.id, about.expires);
	}
}

/* The appliance's own CA, where it was made already and we may look at it. */
static void
check_own_ca(const struct config *config, struct problems *problems)
{
	char dir[CONFIG_PATH_MAX], cert[CONFIG_PATH_MAX + 16], key[CONFIG_PATH_MAX + 16];
	struct err err;

	if (dirs_ca(config, dir, sizeof(dir)) == NULL) {
		problems_error(problems, config->path, 0, 0, "state_dir is too long");
		return;
	}
	for (size_t i = 0; i < CA_COUNT; i++) {
		(void)snprintf(cert, sizeof(cert), "%s/%s", dir, ca_cert_names[i]);
		(void)snprintf(key, sizeof(key), "%s/%s", dir, ca_key_names[i]);
		if (access(cert, F_OK) != 0 || (access(key, R_OK) != 0 && errno == EACCES))
			continue;
		if (ca_check(cert, key, &err) != 0)
			problems_error(problems, cert, 0, 0, "%s", err.text);
	}
}

static void
check_ca(const struct config *config, struct problems *problems)
{
	struct err err;

	if (config->tls.ca_auto)
		check_own_ca(config, problems);
	else if (ca_check(config->tls.ca_cert, config->tls.ca_key, &err) != 0)
		problems_error(problems, config->tls.ca_cert, 0, 0, "tls.ca: %s", err.text);
}

/* Whom servers must be certified by, for roles that can open no file. */
static int
keep_roots(const struct loaded *loaded, struct problems *problems, struct err *err)
{
	const char *path = loaded->config->tls.upstream_ca;
	char distrusted[VERIFY_ROOT_MAX];
	struct bytes pem;
	X509_STORE *store;

	if (path[0] == '\0')
		path = verify_system_roots();
	if (path == NULL)
		return err_set(err, ERR_INPUT,
		    "the system has no bundle of trusted roots (package ca-certificates)");
	if (source_read(loaded->source, path, &pem, err) != 0)
		return -1;
	store = verify_store(pem, path, err);
	if (store == NULL)
		return -1;
	X509_STORE_free(store);
	if (verify_distrusts(pem, distrusted))
		problems_warning(problems, path, 0, 0,
		    "'%s' is there and is not trusted: its key is public, or it is an "
		    "appliance's such as this one",
		    distrusted);
	return source_put(loaded->source, LOADED_ROOTS, pem, err);
}

static void
check_roots(const struct loaded *loaded, struct problems *problems)
{
	const struct config *config = loaded->config;
	struct err err;

	if (keep_roots(loaded, problems, &err) != 0)
		problems_error(problems,
		    config->tls.upstream_ca[0] != '\0' ? config->tls.upstream_ca : config->path, 0,
		    0, "tls.upstream.ca: %s", err.text);
}

/* Lists of revoked certificates: readable, and of today. */
static void
check_lists(const struct loaded *loaded, struct problems *problems)
{
	const struct config *config = loaded->config;
	X509_STORE *store = X509_STORE_new();
	int64_t now_s = (int64_t)(clock_wall_us() / US_PER_S);
	char date[CLOCK_TEXT_MAX];

	for (size_t i = 0; i < config->tls.crl_count && store != NULL; i++) {
		const char *path = config->tls.crl[i];
		struct bytes bytes;
		struct err err;
		int64_t next_s;

		if (source_read(loaded->source, path, &bytes, &err) != 0 ||
		    verify_add_lists(store, bytes, path, &next_s, &err) != 0)
			problems_error(problems, path, 0, 0, "tls.upstream.crl: %s", err.text);
		else if (next_s < now_s)
			problems_warning(problems, path, 0, 0,
			    "a list of revoked certificates is out of date since %s: servers "
			    "that it would tell of are taken for bad",
			    clock_date((uint64_t)next_s * US_PER_S, date));
	}
	X509_STORE_free(store);
}

/* What a device is to show to servers: a pair, of today, whose key nobody else
 * may read. */
static void
check_client_cert(const struct loaded *loaded, const struct device *device,
    struct problems *problems)
{
	const char *file = devices_file(loaded->config->devices);
	struct bytes cert, key;
	struct identity identity;
	struct stat st;
	struct err err;

	if (source_read(loaded->source, device->client_cert, &cert, &err) != 0 ||
	    source_read(loaded->source, device->client_key, &key, &err) != 0 ||
	    identity_read(&identity, cert, device->client_cert, key, device->client_key, &err) !=
		0) {
		problems_error(problems, file, device->line, 1, "device '%s': client_cert: %s",
		    device->name, err.text);
		return;
	}
	if (stat(device->client_key, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		problems_error(problems, file, device->line, 1,
		    "device '%s': %s may be used by others than its owner (mode %03o, must be 600)",
		    device->name, device->client_key, st.st_mode & 0777U);
	if (X509_cmp_current_time(X509_get0_notAfter(identity.cert)) < 0)
		problems_warning(problems, file, device->line, 1,
		    "device '%s': its client_cert has expired: servers will refuse it",
		    device->name);
	identity_clear(&identity);
}

static void
check_client_certs(const struct loaded *loaded, struct problems *problems)
{
	const struct devices *devices = loaded->config->devices;

	for (size_t i = 0; i < devices_count(devices); i++) {
		if (devices_at(devices, i)->client_cert != NULL)
			check_client_cert(loaded, devices_at(devices, i), problems);
	}
}

static void
check_directory(const struct config *config, const char *key, const char *path,
    struct problems *problems)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		problems_error(problems, config->path, 0, 0, "%s: %s is not a directory", key,
		    path);
}

void
loaded_check(const struct loaded *loaded, struct problems *problems)
{
	const struct config *config = loaded->config;

	check_dates(config, problems);
	if (!loaded->over)
		check_ca(config, problems);
	check_roots(loaded, problems);
	check_lists(loaded, problems);
	check_client_certs(loaded, problems);
	check_directory(config, "state_dir", config->state_dir, problems);
	check_directory(config, "run_dir", config->run_dir, problems);
}

/* ---- reading ---- */

static void
copy_databases(struct loaded *loaded, struct problems *problems)
{
	const struct config *config = loaded->config;

	for (size_t i = 0; i < config->geo.country_count; i++)
		loaded->country[i] = copy_database(config->geo.country[i], problems);
	if (config->geo.asn[0] != '\0')
		loaded->asn = copy_database(config->geo.asn, problems);
}

/* The configuration has an error: what it names may have one too, and who mends
 * it wants to know of both. */
static void
look_further(struct loaded *loaded, struct problems *problems)
{
	copy_databases(loaded, problems);
	geo_close(open_geo(loaded, problems));
	check_roots(loaded, problems);
	config_free(loaded->config);
	loaded->config = NULL;
}

static int
vouch(struct source *source, const struct config *running)
{
	if (running == NULL || running->tls.ca_auto)
		return 0;
	return source_vouch(source, running->tls.ca_key, NULL);
}

int
loaded_open(const char *path, struct loaded *loaded, struct problems *problems)
{
	return loaded_open_over(path, NULL, loaded, problems);
}

int
loaded_open_over(const char *path, const struct config *running, struct loaded *loaded,
    struct problems *problems)
{
	size_t errors = problems->errors;

	*loaded = (struct loaded){.asn = -1, .over = running != NULL};
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++)
		loaded->country[i] = -1;
	loaded->source = source_from_disk();
	if (loaded->source == NULL || vouch(loaded->source, running) != 0) {
		problems_error(problems, path, 0, 0, "no memory for the configuration");
		return -1;
	}
	loaded->config = config_read(path, loaded->source, running, problems);
	if (loaded->config == NULL)
		return -1;
	if (problems->errors > errors) {
		look_further(loaded, problems);
		return -1;
	}
	copy_databases(loaded, problems);
	learned_put(loaded->config, loaded->source, problems);
	return problems->errors == errors ? 0 : -1;
}

static bool
is_same(int one, int other)
{
	const uint8_t *a = NULL, *b = NULL;
	size_t a_size = 0, b_size = 0;
	bool same = memfd_map(one, &a, &a_size, NULL) == 0 &&
		    memfd_map(other, &b, &b_size, NULL) == 0 && a_size == b_size &&
		    (a_size == 0 || memcmp(a, b, a_size) == 0);

	if (a_size > 0)
		(void)munmap((void *)(uintptr_t)a, a_size);
	if (b_size > 0)
		(void)munmap((void *)(uintptr_t)b, b_size);
	return same;
}

static void
share(int *database, const int *fds, size_t count)
{
	for (size_t i = 0; *database >= 0 && i < count; i++) {
		int same;

		if (fds[i] < 0 || !is_same(*database, fds[i]))
			continue;
		same = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (same < 0)
			return;
		(void)close(*database);
		*database = same;
		return;
	}
}

void
loaded_share(struct loaded *loaded, const int *fds, size_t count)
{
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++)
		share(&loaded->country[i], fds, count);
	share(&loaded->asn, fds, count);
}

void
loaded_close(struct loaded *loaded)
{
	for (size_t i = 0; i < CONFIG_DATABASES_MAX; i++) {
		if (loaded->country[i] >= 0)
			(void)close(loaded->country[i]);
		loaded->country[i] = -1;
	}
	if (loaded->asn >= 0)
		(void)close(loaded->asn);
	loaded->asn = -1;
	config_free(loaded->config);
	loaded->config = NULL;
	source_free(loaded->source);
	loaded->source = NULL;
}

/* ---- printing ---- */

void
problems_print(const struct problems *problems)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: set and not empty */
	size_t shown = 0;
	bool color = isatty(STDERR_FILENO) == 1 && (no_color == NULL || no_color[0] == '\0');

	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];
		const char *word = problem->warning ? "warning" : "error";
		const char *paint = problem->warning ? "\033[1;33m" : "\033[1;31m";

		(void)fprintf(stderr, "%s:", problem->file);
		if (problem->line > 0)
			(void)fprintf(stderr, "%u:%u:", problem->line, problem->column);
		(void)fprintf(stderr, " %s%s:%s %s\n", color ? paint : "", word,
		    color ? "\033[0m" : "", problem->text);
		shown += !problem->warning;
	}
	if (problems->errors > shown)
		(void)fprintf(stderr, "... and %zu more errors\n", problems->errors - shown);
}

void
problems_json(const struct problems *problems, struct jsonw *json)
{
	jsonw_number(json, "errors", problems->errors);
	jsonw_open_array(json, "problems");
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		jsonw_open(json, NULL);
		jsonw_string(json, "file", problem->file);
		jsonw_number(json, "line", problem->line);
		jsonw_number(json, "column", problem->column);
		jsonw_string(json, "severity", problem->warning ? "warning" : "error");
		jsonw_string(json, "text", problem->text);
		jsonw_close(json);
	}
	jsonw_close_array(json);
}
