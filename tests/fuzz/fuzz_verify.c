/* SPDX-License-Identifier: MIT */
#include "base/ipc.h"
#include "certs/certificate.h"
#include "certs/mint.h"
#include "certs/names.h"
#include "certs/verify.h"

#include <openssl/x509.h>
#include <stdlib.h>

/*
 * A server's certificate: one whole, in DER, and after it the next.  It is
 * described, judged under an empty store (so never good), and asked for as a
 * leaf.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use_leaf(X509 *leaf)
{
	static uint8_t request[IPC_MESSAGE_MAX];
	static const uint8_t sha256[32];
	const struct mint_wanted wanted = {.kind = LEAF_EC,
	    .server = leaf,
	    .server_sha256 = sha256};
	struct server_facts facts = {0};
	struct bytes names;
	struct addr addr = {0};
	char text[200];

	certificate_describe(leaf, sha256, &facts);
	(void)certificate_errors(leaf);
	if (certificate_names(leaf, &names) && names.left > 0)
		(void)san_matches(names, "cam.example.com", &addr);
	facts.errors = certificate_errors(leaf);
	verify_text(&facts, text, sizeof(text));
	(void)mint_request(&wanted, 1, request, sizeof(request), NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static X509_STORE *store;
	STACK_OF(X509) *sent = sk_X509_new_null();
	const unsigned char *at = data;
	struct addr addr = {0};

	if (store == NULL) {
		store = X509_STORE_new();
	}
	while (sk_X509_num(sent) < 10) {
		X509 *cert = d2i_X509(NULL, &at, (long)(size - (size_t)(at - data)));

		if (cert == NULL)
			break;
		(void)sk_X509_push(sent, cert);
	}
	if (sk_X509_num(sent) > 0) {
		use_leaf(sk_X509_value(sent, 0));
		if (verify_chain(store, sent, "cam.example.com", &addr, 1800000000) == 0)
			abort();
	}
	sk_X509_pop_free(sent, X509_free);
	return 0;
}
