/* SPDX-License-Identifier: MIT */
#include "proxy/snapshot.h"

#include "base/err.h"
#include "certs/verify.h"
#include "config/config.h"
#include "config/options.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"
#include "geo/cache.h"
#include "proxy/client_certs.h"
#include "proxy/learned.h"
#include "proxy/load.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- identities ---- */

static bool
add_string(EVP_MD_CTX *ctx, const char *text)
{
	return EVP_DigestUpdate(ctx, text, strlen(text) + 1) == 1;
}

static bool
add_rules(EVP_MD_CTX *ctx, const struct config *config)
{
	for (size_t i = 0; i < rules_count(config->rules); i++) {
		struct ruleset_about about = rules_about(config->rules, i);

		if (!add_string(ctx, about.id) ||
		    EVP_DigestUpdate(ctx, about.sha256, SNAPSHOT_ID_BYTES) != 1)
			return false;
	}
	return true;
}

/* All keys of tls, whatever they are. */
static bool
add_settings(EVP_MD_CTX *ctx, const struct config *config)
{
	static const char section[] = "tls.";
	size_t count, size;
	const struct option *table = options_table(&count);

	for (size_t i = 0; i < count; i++) {
		const void *value;

		if (strncmp(table[i].path, section, sizeof(section) - 1) != 0)
			continue;
		value = option_bytes(&table[i], config, &size);
		if (!add_string(ctx, table[i].path) ||
		    EVP_DigestUpdate(ctx, &size, sizeof(size)) != 1 ||
		    EVP_DigestUpdate(ctx, value, size) != 1)
			return false;
	}
	return true;
}

static int
name_policy(struct snapshot *snapshot, struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    add_rules(ctx, snapshot->config) && add_settings(ctx, snapshot->config) &&
		    EVP_DigestFinal_ex(ctx, snapshot->policy_id, NULL) == 1;

	if (good)
		good = EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		       EVP_DigestUpdate(ctx, snapshot->trust_id, SNAPSHOT_ID_BYTES) == 1 &&
		       add_settings(ctx, snapshot->config) &&
		       EVP_DigestFinal_ex(ctx, snapshot->tls_id, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? 0 : err_tls(err, "SHA-256");
}

/* ---- files ---- */

void
snapshot_files_clear(struct snapshot_files *files)
{
	files->source = files->asn = -1;
	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX; i++)
		files->country[i] = -1;
}

void
snapshot_files_close(struct snapshot_files *files)
{
	if (files->source >= 0)
		(void)close(files->source);
	if (files->asn >= 0)
		(void)close(files->asn);
	for (size_t i = 0; i < GEO_COUNTRY_FILES_MAX; i++) {
		if (files->country[i] >= 0)
			(void)close(files->country[i]);
	}
	snapshot_files_clear(files);
}

/* ---- making ---- */

static int
read_config(struct snapshot *snapshot, const char *path, struct source *source, struct err *err)
{
	struct problems problems = {0};
	bool good;

	snapshot->config = config_load(path, source, &problems);
	good = snapshot->config != NULL && learned_take(snapshot->config, source, &problems) == 0;
	if (!good)
		(void)err_set(err, ERR_INPUT, "%.200s",
		    problems.count > 0 ? problems.list[0].text : "no configuration");
	problems_free(&problems);
	return good ? 0 : -1;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
open_geo(struct snapshot *snapshot, const struct snapshot_files *from, struct source *source,
    struct err *err)
{
	const struct config *config = snapshot->config;
	struct geo_files files = {.asn = {.fd = from->asn, .name = base_name(config->geo.asn)},
	    .operators_name = base_name(config->geo.operators),
	    .vendors_name = base_name(config->geo.vendors),
	    .kinds_name = base_name(config->geo.kinds),
	    .overrides = config->geo.overrides};
	const struct {
		const char *path;
		struct bytes *to;
	} tables[] = {{config->geo.operators, &files.operators},
	    {config->geo.vendors, &files.vendors}, {config->geo.kinds, &files.kinds}};

	files.country_count = config->geo.country_count;
	for (size_t i = 0; i < files.country_count; i++) {
		files.country[i].fd = from->country[i];
		files.country[i].name = base_name(config->geo.country[i]);
	}
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (tables[i].path[0] != '\0' &&
		    source_read(source, tables[i].path, tables[i].to, err) != 0)
			return -1;
	}
	snapshot->geo = geo_open(&files, NULL, NULL, err);
	snapshot->places = geo_cache_open(err);
	return snapshot->geo != NULL && snapshot->places != NULL ? 0 : -1;
}

/* SHA-256 over the files that servers are believed by: roots and lists of what
 * was revoked. */
static bool
add_trust(EVP_MD_CTX *ctx, const struct config *config, struct source *source, struct err *err)
{
	struct bytes bytes;

	if (source_read(source, LOADED_ROOTS, &bytes, err) != 0 ||
	    EVP_DigestUpdate(ctx, bytes.at, bytes.left) != 1)
		return false;
	for (size_t i = 0; i < config->tls.crl_count; i++) {
		if (source_read(source, config->tls.crl[i], &bytes, err) != 0 ||
		    EVP_DigestUpdate(ctx, bytes.at, bytes.left) != 1)
			return false;
	}
	return true;
}

static int
name_trust(struct snapshot *snapshot, struct source *source, struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	if (!good)
		(void)err_tls(err, "SHA-256");
	good = good && add_trust(ctx, snapshot->config, source, err) &&
	       EVP_DigestFinal_ex(ctx, snapshot->trust_id, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? 0 : -1;
}

static X509_STORE *
open_store(const struct config *config, struct source *source, struct err *err)
{
	X509_STORE *store;
	struct bytes bytes;
	int64_t next_s;

	if (source_read(source, LOADED_ROOTS, &bytes, err) != 0)
		return NULL;
	store = verify_store(bytes, "the trust store", err);
	for (size_t i = 0; i < config->tls.crl_count && store != NULL; i++) {
		if (source_read(source, config->tls.crl[i], &bytes, err) == 0 &&
		    verify_add_lists(store, bytes, config->tls.crl[i], &next_s, err) == 0)
			continue;
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

static int
open_tls(struct snapshot *snapshot, struct source *source, const struct snapshot *old,
    struct err *err)
{
	X509_STORE *store;
	int ret;

	if (name_trust(snapshot, source, err) != 0 || name_policy(snapshot, err) != 0)
		return -1;
	if (old != NULL && memcmp(old->tls_id, snapshot->tls_id, SNAPSHOT_ID_BYTES) == 0) {
		tls_share(&snapshot->tls, &old->tls, snapshot->config);
		return 0;
	}
	store = open_store(snapshot->config, source, err);
	if (store == NULL)
		return -1;
	ret = tls_open(&snapshot->tls, snapshot->config, store, err);
	X509_STORE_free(store);
	return ret;
}

struct snapshot *
snapshot_open(const struct snapshot_files *files, uint64_t generation, const struct snapshot *old,
    struct err *err)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct source *source = source_from_sealed(files->source, err);

	if (snapshot == NULL) {
		(void)err_set(err, ERR_NOMEM, "no memory for the configuration");
		goto fail;
	}
	snapshot->refs = 1;
	snapshot->generation = generation;
	if (source == NULL || read_config(snapshot, files->config_path, source, err) != 0 ||
	    open_geo(snapshot, files, source, err) != 0 ||
	    open_tls(snapshot, source, old, err) != 0)
		goto fail;
	snapshot->client_certs = client_certs_open(snapshot->config->devices, source, err);
	if (snapshot->client_certs == NULL)
		goto fail;
	source_free(source);
	return snapshot;
fail:
	source_free(source);
	snapshot_unref(snapshot, NULL);
	return NULL;
}

/* ---- references ---- */

static void
shed(struct snapshot *snapshot)
{
	geo_cache_close(snapshot->places);
	geo_close(snapshot->geo);
	snapshot->places = NULL;
	snapshot->geo = NULL;
}

static void
forget(struct snapshot *snapshot)
{
	tls_close(&snapshot->tls);
	client_certs_close(snapshot->client_certs);
	snapshot->client_certs = NULL;
	shed(snapshot);
	config_free(snapshot->config);
	snapshot->config = NULL;
}

static struct snapshot *
freed_by(struct aside_job *job)
{
	return (struct snapshot *)(void *)((char *)job - offsetof(struct snapshot, freeing));
}

static void
forget_aside(struct aside_job *job)
{
	forget(freed_by(job));
}

static void
free_forgotten(struct aside_job *job)
{
	free(freed_by(job));
}

static void
shed_aside(struct aside_job *job)
{
	shed((struct snapshot *)(void *)((char *)job - offsetof(struct snapshot, shedding)));
}

static void
do_nothing(struct aside_job *job)
{
	(void)job;
}

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
	snapshot->refs++;
	return snapshot;
}

void
snapshot_unref(struct snapshot *snapshot, struct aside *aside)
{
	if (snapshot == NULL)
		return;
	assert(snapshot->refs > 0);
	if (--snapshot->refs > 0)
		return;
	if (aside == NULL) {
		forget(snapshot);
		free(snapshot);
		return;
	}
	snapshot->freeing.work = forget_aside;
	snapshot->freeing.done = free_forgotten;
	aside_do(aside, &snapshot->freeing);
}

void
snapshot_retire(struct snapshot *snapshot, struct aside *aside)
{
	snapshot->shedding.work = shed_aside;
	snapshot->shedding.done = do_nothing;
	if (aside != NULL)
		aside_do(aside, &snapshot->shedding);
	else
		shed(snapshot);
	snapshot_unref(snapshot, aside);
}
