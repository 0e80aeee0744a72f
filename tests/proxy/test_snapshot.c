/* SPDX-License-Identifier: MIT */
#include "proxy/snapshot.h"

#include "base/err.h"
#include "config/config.h"
#include "config/problems.h"
#include "config/source.h"
#include "proxy/load.h"
#include "tests/support/mmdb_maker.h"
#include "tests/support/pki.h"
#include "tests/support/scratch.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256], path[300];
static const char rules[] = "ruleset: r\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n";
static const char config[] = "gateway: {manage: false}\nrules: rules.yaml\n"
			     "geo: {country: country.mmdb}\n"
			     "tls:\n  upstream: {ca: roots.pem}\n";

static void
write_file(const char *name, const char *text)
{
	scratch_file(dir, name, text, strlen(text));
}

static void
write_root(const char *name)
{
	struct pki root = pki_root(name);
	BIO *pem = BIO_new(BIO_s_mem());
	char *at;
	long size;

	cr_assert_eq(PEM_write_bio_X509(pem, root.cert), 1);
	size = BIO_get_mem_data(pem, &at);
	scratch_file(dir, "roots.pem", at, (size_t)size);
	BIO_free(pem);
	pki_free(&root);
}

static void
make_site(void)
{
	static const char *const countries[] = {"8.8.0.0/16 country_code=DE"};
	struct mmdb_bytes file = mmdb_make(NULL, countries, 1);

	scratch_dir(dir, sizeof(dir));
	(void)snprintf(path, sizeof(path), "%s/borderlens.yaml", dir);
	scratch_file(dir, "country.mmdb", file.at, file.size);
	free(file.at);
	write_root("Root");
	write_file("rules.yaml", rules);
	write_file("borderlens.yaml", config);
}

static void
remove_site(void)
{
	scratch_remove(dir);
}

TestSuite(snapshot, .init = make_site, .fini = remove_site);

static struct snapshot *
take(uint64_t generation, const struct snapshot *old)
{
	struct problems problems = {0};
	struct snapshot_files files;
	struct snapshot *snapshot;
	struct loaded loaded;
	struct err err = {0};

	cr_assert_eq(loaded_open(path, &loaded, &problems), 0);
	loaded_check(&loaded, &problems);
	cr_assert_eq(problems.errors, 0U, "%s", problems.list[0].text);
	files = (struct snapshot_files){.source = source_seal(loaded.source, &err),
	    .config_path = path,
	    .asn = loaded.asn};
	memcpy(files.country, loaded.country, sizeof(files.country));
	snapshot = snapshot_open(&files, generation, old, &err);
	cr_assert_not_null(snapshot, "%s", err.text);
	(void)close(files.source);
	loaded_close(&loaded);
	problems_free(&problems);
	return snapshot;
}

static bool
same(const uint8_t *one, const uint8_t *other)
{
	return memcmp(one, other, SNAPSHOT_ID_BYTES) == 0;
}

/* What changes, and what of the snapshot is another one then. */
Test(snapshot, its_ids_tell_what_changed)
{
	static const struct {
		const char *why, *config, *rules;
		bool root, trust, policy, tls;
	} rows[] = {
	    {"nothing", config, rules, false, false, false, false},
	    {"a timeout", "timeout: {idle: 5m}\n", rules, false, false, false, false},
	    {"a rule set", config,
		"ruleset: r\nversion: 2\ntitle: t\nunknown: block\ndefault: allow\n", false, false,
		true, false},
	    {"a comment in it", config,
		"# c\nruleset: r\nversion: 1\ntitle: t\nunknown: block\ndefault: block\n", false,
		false, true, false},
	    {"a key of tls", "tls: {rejected: block}\n", rules, false, false, true, true},
	    {"the trust store", config, rules, true, true, false, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *old, *new;
		char text[500];
		bool more = rows[i].config != config;

		(void)snprintf(text, sizeof(text), "%s%s%s", config,
		    more && strncmp(rows[i].config, "tls", 3) == 0 ? "  rejected: block\n" : "",
		    more && strncmp(rows[i].config, "tls", 3) != 0 ? rows[i].config : "");
		write_file("borderlens.yaml", config);
		write_file("rules.yaml", rules);
		old = take(1, NULL);
		write_file("borderlens.yaml", text);
		write_file("rules.yaml", rows[i].rules);
		if (rows[i].root)
			write_root("Another");
		new = take(2, old);
		cr_expect_eq(same(old->trust_id, new->trust_id), !rows[i].trust, "%s", rows[i].why);
		cr_expect_eq(same(old->policy_id, new->policy_id), !rows[i].policy, "%s",
		    rows[i].why);
		cr_expect_eq(old->tls.server == new->tls.server, !rows[i].tls, "%s", rows[i].why);
		cr_expect_eq(new->generation, 2U);
		snapshot_unref(old, NULL);
		snapshot_unref(new, NULL);
	}
}

Test(snapshot, lives_as_long_as_somebody_holds_it)
{
	struct snapshot *snapshot = take(1, NULL);

	cr_expect_eq(snapshot_ref(snapshot), snapshot);
	snapshot_retire(snapshot, NULL);
	cr_expect_null(snapshot->geo, "its databases went");
	cr_expect_not_null(snapshot->config, "what runs under it has the rest");
	snapshot_unref(snapshot, NULL);
	snapshot_unref(NULL, NULL);
}

/* The contexts are shared with the one before, which goes: whom a server without
 * a name must be is looked up in what is there still. */
Test(snapshot, contexts_that_are_shared_outlive_the_one_before)
{
	static const char named[] =
	    "  upstream: {ca: roots.pem, names: [\"192.0.2.1 a.example\"]}\n";
	struct hello_facts nameless = {0};
	struct server_facts facts = {0};
	struct err err = {0};
	struct snapshot *old, *new;
	struct addr server;
	char text[500];
	SSL *ssl;

	(void)snprintf(text, sizeof(text), "%.*s%s", (int)(strstr(config, "  upstream") - config),
	    config, named);
	write_file("borderlens.yaml", text);
	old = take(1, NULL);
	new = take(2, old);
	cr_assert_eq(old->tls.server, new->tls.server, "they are shared");
	snapshot_unref(old, NULL);
	cr_assert_eq(addr_parse(&server, "192.0.2.1", 443, NULL), 0);
	cr_expect_eq(new->tls.config, new->config);
	ssl = tls_to_server(&new->tls, &nameless, &server, TLS1_2_VERSION, &facts, &err);
	cr_expect_not_null(ssl, "%s", err.text);
	SSL_free(ssl);
	snapshot_unref(new, NULL);
}

/* Read over what runs: the same databases are the same memory. */
Test(snapshot, databases_that_are_the_same_are_shared)
{
	struct problems problems = {0};
	struct loaded first, second;
	struct stat one, other;
	int known[2];

	cr_assert_eq(loaded_open(path, &first, &problems), 0);
	cr_assert_eq(loaded_open_over(path, first.config, &second, &problems), 0);
	cr_assert_eq(fstat(first.country[0], &one) | fstat(second.country[0], &other), 0);
	cr_expect_neq(one.st_ino, other.st_ino);
	known[0] = -1;
	known[1] = first.country[0];
	loaded_share(&second, known, 2);
	cr_assert_eq(fstat(second.country[0], &other), 0);
	cr_expect_eq(one.st_ino, other.st_ino);
	loaded_close(&first);
	loaded_close(&second);
	problems_free(&problems);
}
