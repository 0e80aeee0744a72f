/* SPDX-License-Identifier: MIT */
#include "certs/constraints.h"

#include "base/facts.h"
#include "certs/certificate.h"
#include "certs/names.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

static struct bytes
string_bytes(const ASN1_STRING *string)
{
	return (struct bytes){.at = ASN1_STRING_get0_data(string),
	    .left = (size_t)ASN1_STRING_length(string)};
}

static struct bytes
skip(struct bytes bytes, size_t count)
{
	struct bytes skipped;

	(void)bytes_take(&bytes, count, &skipped);
	return bytes;
}

/* Whether a wildcard covers a name that lies under base, base included. */
static bool
wildcard_covers(struct bytes wildcard, struct bytes base)
{
	struct bytes parent = skip(wildcard, 2); /* "*." */
	const uint8_t *dot;

	if (base.left > 0 && base.at[0] == '.')
		base = skip(base, 1); /* written so by many, meant as without */
	dot = base.left == 0 ? NULL : memchr(base.at, '.', base.left);
	if (dot == NULL)
		return false;
	base = skip(base, (size_t)(dot - base.at) + 1);
	return base.left == parent.left &&
	       strncasecmp((const char *)base.at, (const char *)parent.at, parent.left) == 0;
}

/* Whether one of the subtrees is about DNS names; where wildcard is not NULL,
 * one that it covers. */
static bool
has_dns(const STACK_OF(GENERAL_SUBTREE) * trees, const struct bytes *wildcard)
{
	for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
		const GENERAL_SUBTREE *tree = sk_GENERAL_SUBTREE_value(trees, i);

		if (tree->base->type != GEN_DNS)
			continue;
		if (wildcard == NULL ||
		    wildcard_covers(*wildcard, string_bytes(tree->base->d.dNSName)))
			return true;
	}
	return false;
}

static uint32_t
name_errors(const NAME_CONSTRAINTS *constraints, const struct san *san)
{
	bool about_dns = has_dns(constraints->permittedSubtrees, NULL) ||
			 has_dns(constraints->excludedSubtrees, NULL);

	if (san->kind != SAN_DNS || !about_dns)
		return 0;
	if (!name_is_dns(san->value))
		return CERT_BAD_CONSTRAINTS;
	if (san->value.at[0] == '*' && has_dns(constraints->excludedSubtrees, &san->value))
		return CERT_BAD_CONSTRAINTS;
	return 0;
}

static uint32_t
issuer_errors(const X509 *issuer, struct bytes leaf_names)
{
	NAME_CONSTRAINTS *constraints;
	struct san san;
	uint32_t errors = 0;

	if (X509_get_ext_by_NID(issuer, NID_name_constraints, -1) < 0)
		return 0;
	constraints = X509_get_ext_d2i(issuer, NID_name_constraints, NULL, NULL);
	if (constraints == NULL)
		return CERT_MALFORMED;
	if (sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees) <= 0 &&
	    sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees) <= 0)
		errors |= CERT_MALFORMED;
	while (san_next(&leaf_names, &san))
		errors |= name_errors(constraints, &san);
	NAME_CONSTRAINTS_free(constraints);
	return errors;
}

uint32_t
constraint_errors(const STACK_OF(X509) * path)
{
	struct bytes extension, names = {0};
	uint32_t errors = 0;

	/* Names that cannot be read are found malformed elsewhere. */
	if (certificate_names(sk_X509_value(path, 0), &extension) && extension.left > 0)
		(void)san_open(extension, &names);
	for (int i = 1; i < sk_X509_num(path); i++)
		errors |= issuer_errors(sk_X509_value(path, i), names);
	return errors;
}
