/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CERTS_NEW_SIGNER_H
#define TESTS_CERTS_NEW_SIGNER_H

#include "base/err.h"
#include "certs/signer.h"
#include "tests/support/pki.h"

#include <criterion/criterion.h>

/* A signer whose two authorities are the one that is given, which stays the caller's. */
static inline struct signer *
new_signer(const struct pki *authority)
{
	struct ca cas[CA_COUNT];
	struct err err = {0};
	struct signer *signer;

	for (size_t i = 0; i < CA_COUNT; i++) {
		(void)X509_up_ref(authority->cert);
		(void)EVP_PKEY_up_ref(authority->key);
		cas[i] = (struct ca){.cert = authority->cert, .key = authority->key};
	}
	signer = signer_new(cas, &err);
	cr_assert_not_null(signer, "%s", err.text);
	return signer;
}

#endif
