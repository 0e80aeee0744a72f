/* SPDX-License-Identifier: MIT */
#include "proxy/snapshot.h"

#include "base/err.h"
#include "certs/verify.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/rules.h"
#include "config/source.h"
#include "geo/cache.h"
#include "proxy/learned.h"
#include "proxy/load.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- identities ---- */

static bool
add_string(EVP_MD_CTX *ctx, const char *text)
{
	return EVP_DigestUpdate(ctx, text, strlen(text) + 1) == 1;
}

static bool
add_policy(EVP_MD_CTX *ctx, const struct config *config)
{
	const uint16_t versions[] = {config->tls.upstream_min, config->tls.camera_min};
	const uint32_t modes[] = {(uint32_t)config->tls.upstream_bad,
	    (uint32_t)config->tls.rejected};

	for (size_t i = 0; i < rules_count(config->rules); i++) {
		struct ruleset_about about = rules_about(config->rules, i);

		if (!add_string(ctx, about.id) ||
		    EVP_DigestUpdate(ctx, about.sha256, SNAPSHOT_ID_BYTES) != 1)
			return false;
	}
	return add_string(ctx, config->tls.upstream_ca) &&
	       EVP_DigestUpdate(ctx, versions, sizeof(versions)) == 1 &&
	       EVP_DigestUpdate(ctx, modes, sizeof(modes)) == 1;
}

static int
name_policy(struct snapshot *snapshot, struct err *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		    add_policy(ctx, snapshot->config) &&
		    EVP_DigestFinal_ex(ctx, snapshot->policy_id, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	return good ? 0 : err_tls(err, "SHA-256");
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

/* Read a file that servers are believed by. */
static int
read_trust(EVP_MD_CTX *trust, struct source *source, const char *path, struct bytes *out,
    struct err *err)
{
	if (source_read(source, path, out, err) != 0)
		return -1;
	if (EVP_DigestUpdate(trust, out->at, out->left) != 1)
		return err_tls(err, "SHA-256");
	return 0;
}

static X509_STORE *
open_store(const struct config *config, EVP_MD_CTX *trust, struct source *source, struct err *err)
{
	X509_STORE *store;
	struct bytes bytes;
	int64_t next_s;

	if (read_trust(trust, source, LOADED_ROOTS, &bytes, err) != 0)
		return NULL;
	store = verify_store(bytes, "the trust store", err);
	for (size_t i = 0; i < config->tls.crl_count && store != NULL; i++) {
		if (read_trust(trust, source, config->tls.crl[i], &bytes, err) == 0 &&
		    verify_add_lists(store, bytes, config->tls.crl[i], &next_s, err) == 0)
			continue;
		X509_STORE_free(store);
		return NULL;
	}
	return store;
}

static int
open_tls(struct snapshot *snapshot, struct source *source, struct err *err)
{
	EVP_MD_CTX *trust = EVP_MD_CTX_new();
	X509_STORE *store = NULL;
	int ret = -1;

	if (trust == NULL || EVP_DigestInit_ex(trust, EVP_sha256(), NULL) != 1)
		(void)err_tls(err, "SHA-256");
	else
		store = open_store(snapshot->config, trust, source, err);
	if (store != NULL && EVP_DigestFinal_ex(trust, snapshot->trust_id, NULL) != 1)
		(void)err_tls(err, "SHA-256");
	else if (store != NULL)
		ret = tls_open(&snapshot->tls, snapshot->config, store, err);
	X509_STORE_free(store);
	EVP_MD_CTX_free(trust);
	return ret;
}

struct snapshot *
snapshot_open(const struct snapshot_files *files, uint64_t generation, struct err *err)
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
	    open_geo(snapshot, files, source, err) != 0 || open_tls(snapshot, source, err) != 0 ||
	    name_policy(snapshot, err) != 0)
		goto fail;
	source_free(source);
	return snapshot;
fail:
	source_free(source);
	snapshot_unref(snapshot);
	return NULL;
}

/* ---- references ---- */

static void
snapshot_free(struct snapshot *snapshot)
{
	tls_close(&snapshot->tls);
	geo_cache_close(snapshot->places);
	geo_close(snapshot->geo);
	config_free(snapshot->config);
	free(snapshot);
}

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
	snapshot->refs++;
	return snapshot;
}

void
snapshot_unref(struct snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	assert(snapshot->refs > 0);
	if (--snapshot->refs == 0)
		snapshot_free(snapshot);
}
