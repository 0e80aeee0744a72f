/* SPDX-License-Identifier: MIT */
#include "base/addr.h"
#include "base/facts.h"
#include "certs/verify.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yaml.h>

/*
 * x509-limbo (https://x509-limbo.com, the file limbo.json): chains that
 * validators stumble over, with what one should say.  The file is not part of
 * this project; $X509_LIMBO says where it is, and without it this is skipped.
 * JSON is read as the YAML that it is.
 */

enum { AGREE_MIN = 161 }; /* of 198 cases about servers, in the file of 2026-06 */

/* Where we say otherwise, and why.  A name ending in "::" is a whole group. */
static const struct {
	const char *id;
	bool accepted;
	const char *why;
} residual[] = {
    {"crl::crlnumber-", true, "the number only tells which of two lists is newer"},
    {"pathlen::max-chain-depth-0-exhausted", true, "the caller's bound; ours is 6"},
    {"pathlen::max-chain-depth-1-exhausted", true, "the caller's bound; ours is 6"},
    {"rfc5280::aki::leaf-missing-aki", true, "key identifiers only help to find an issuer"},
    {"rfc5280::aki::intermediate-missing-aki", true, "the same"},
    {"rfc5280::aki::cross-signed-root-missing-aki", true, "the same"},
    {"rfc5280::ski::", true, "the same"},
    {"webpki::aki::", true, "the same, in a root"},
    {"webpki::cn::", true, "the common name is never read, so it may say anything"},
    {"rfc5280::nc::permitted-dns-match-noncritical", true, "checked whether critical or not"},
    {"rfc5280::nc::invalid-dnsname-leading-period", true, "read as all do: without the period"},
    {"rfc5280::pc::ica-noncritical-pc", true, "policies are not used"},
    {"rfc5280::root-non-critical-basic-constraints", true, "checked whether critical or not"},
    {"webpki::eku::ee-critical-eku", true, "checked whether critical or not"},
    {"webpki::san::san-critical-with-nonempty-subject", true, "checked either way"},
    {"rfc5280::san::underscore-dns", true, "private names have them, and they match exactly"},
    {"webpki::eku::ee-anyeku", true, "serverAuth is there beside it"},
    {"webpki::eku::ee-without-eku", true, "not restricted; private CAs often leave it out"},
    {"webpki::eku::root-has-eku", true, "it allows servers"},
    {"webpki::malformed-aia", true, "never followed"},
    {"webpki::san::public-suffix-", true, "needs the public suffix list"},
    {"rfc5280::ca-as-leaf", false, "we are stricter: a CA's key may make any name's"},
    {"pathlen::validation-ignores-pathlen-in-leaf", false, "the same"},
};

/* Which of them a case was met for. */
static bool met[sizeof(residual) / sizeof(residual[0])];

static bool
is_expected(const char *id, bool accepted)
{
	for (size_t i = 0; i < sizeof(residual) / sizeof(residual[0]); i++) {
		size_t count = strlen(residual[i].id);
		char last = residual[i].id[count - 1];
		bool group = last == ':' || last == '-';

		if (residual[i].accepted == accepted &&
		    (group ? strncmp(id, residual[i].id, count) == 0
			   : strcmp(id, residual[i].id) == 0)) {
			met[i] = true;
			cr_log_info("%s: %s", id, residual[i].why);
			return true;
		}
	}
	return false;
}

/* ---- reading ---- */

static const yaml_node_t *
field(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(doc, pair->key);

		if (strcmp((const char *)name->data.scalar.value, key) == 0)
			return yaml_document_get_node(doc, pair->value);
	}
	return NULL;
}

static const char *
words(yaml_document_t *doc, const yaml_node_t *map, const char *key)
{
	const yaml_node_t *node = field(doc, map, key);

	return node != NULL && node->type == YAML_SCALAR_NODE
		   ? (const char *)node->data.scalar.value
		   : "";
}

static X509 *
read_cert(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return cert;
}

/* Add a list's certificates; one that cannot be parsed is as good as not sent. */
static void
push_certs(yaml_document_t *doc, const yaml_node_t *list, STACK_OF(X509) * certs)
{
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(doc, *item);
		X509 *cert = read_cert((const char *)node->data.scalar.value);

		if (cert != NULL)
			(void)sk_X509_push(certs, cert);
	}
}

/* Add a case's revocation lists, as those of tls.upstream.crl. */
static void
add_lists(yaml_document_t *doc, const yaml_node_t *list, X509_STORE *store)
{
	for (yaml_node_item_t *item = list->data.sequence.items.start;
	     item < list->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(doc, *item);
		struct bytes pem = {node->data.scalar.value, node->data.scalar.length};
		int64_t next_s;

		(void)verify_add_lists(store, pem, "crl", &next_s, NULL);
	}
}

static X509_STORE *
read_store(yaml_document_t *doc, const yaml_node_t *node)
{
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *certs = sk_X509_new_null();

	push_certs(doc, field(doc, node, "trusted_certs"), certs);
	for (int i = 0; i < sk_X509_num(certs); i++)
		(void)X509_STORE_add_cert(store, sk_X509_value(certs, i));
	sk_X509_pop_free(certs, X509_free);
	add_lists(doc, field(doc, node, "crls"), store);
	return store;
}

static int64_t
read_time(const char *text)
{
	struct tm tm = {0};

	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return (int64_t)time(NULL);
	return (int64_t)timegm(&tm);
}

/* ---- a case ---- */

static uint32_t
errors_of(yaml_document_t *doc, const yaml_node_t *node)
{
	const yaml_node_t *peer = field(doc, node, "expected_peer_name");
	bool named = peer != NULL && peer->type == YAML_MAPPING_NODE;
	const char *name = named ? words(doc, peer, "value") : "";
	X509 *leaf = read_cert(words(doc, node, "peer_certificate"));
	X509_STORE *store = read_store(doc, node);
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct addr addr = {0};
	uint32_t errors = CERT_MALFORMED;

	if (named && strcmp(words(doc, peer, "kind"), "IP") == 0) {
		cr_assert_eq(addr_parse(&addr, name, 0, NULL), 0);
		name = "";
	}
	if (leaf != NULL) {
		(void)sk_X509_push(sent, leaf);
		push_certs(doc, field(doc, node, "untrusted_intermediates"), sent);
		errors = verify_chain(store, sent, name, &addr,
		    read_time(words(doc, node, "validation_time")));
	}
	if (!named)
		errors &= ~(uint32_t)CERT_NAME_MISMATCH; /* the case asks for nobody */
	sk_X509_pop_free(sent, X509_free);
	X509_STORE_free(store);
	return errors;
}

/* Whether we say what the case wants; what we say otherwise must be listed. */
static bool
agrees(yaml_document_t *doc, const yaml_node_t *node)
{
	const char *id = words(doc, node, "id");
	bool wanted = strcmp(words(doc, node, "expected_result"), "SUCCESS") == 0;
	uint32_t errors = errors_of(doc, node);
	bool accepted = errors == 0;

	if (accepted == wanted)
		return true;
	cr_expect(is_expected(id, accepted), "%s: %s, errors %x", id,
	    accepted ? "accepted" : "refused", errors);
	return false;
}

Test(limbo, servers_are_judged_as_the_suite_says_or_we_know_why_not)
{
	const char *path = getenv("X509_LIMBO");
	FILE *file = path == NULL ? NULL : fopen(path, "r");
	const yaml_node_t *cases;
	yaml_document_t doc;
	yaml_parser_t parser;
	int agreed = 0, count = 0;

	if (file == NULL)
		cr_skip("$X509_LIMBO names no limbo.json");
	cr_assert_eq(yaml_parser_initialize(&parser), 1);
	yaml_parser_set_input_file(&parser, file);
	cr_assert_eq(yaml_parser_load(&parser, &doc), 1);
	cases = field(&doc, yaml_document_get_root_node(&doc), "testcases");
	for (yaml_node_item_t *item = cases->data.sequence.items.start;
	     item < cases->data.sequence.items.top; item++) {
		const yaml_node_t *node = yaml_document_get_node(&doc, *item);

		if (strcmp(words(&doc, node, "validation_kind"), "SERVER") != 0)
			continue;
		count++;
		agreed += agrees(&doc, node) ? 1 : 0;
	}
	cr_expect_geq(agreed, AGREE_MIN, "%d of %d", agreed, count);
	for (size_t i = 0; i < sizeof(met); i++)
		cr_expect(met[i], "%s: we do say what the suite says", residual[i].id);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	(void)fclose(file);
}
