/* SPDX-License-Identifier: MIT */
#include "tests/support/pki.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void
need(bool good, const char *what)
{
	if (good)
		return;
	(void)fprintf(stderr, "revocation: %s\n", what);
	ERR_print_errors_fp(stderr);
	abort();
}

static ASN1_TIME *
from_now(long seconds)
{
	ASN1_TIME *ret = X509_time_adj_ex(NULL, 0, seconds, NULL);

	need(ret != NULL, "time");
	return ret;
}

/* OCSP takes no other form of a time than this. */
static ASN1_TIME *
general(ASN1_TIME *time)
{
	ASN1_TIME *ret = ASN1_TIME_to_generalizedtime(time, NULL);

	need(ret != NULL, "time");
	ASN1_TIME_free(time);
	return ret;
}

unsigned char *
pki_staple(const struct pki_staple *staple, size_t *size)
{
	const struct pki *signer = staple->responder != NULL ? staple->responder : staple->issuer;
	OCSP_CERTID *id = OCSP_cert_to_id(staple->sha256 ? EVP_sha256() : EVP_sha1(),
	    staple->leaf->cert, staple->issuer->cert);
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	ASN1_TIME *from = general(from_now(staple->from_s));
	ASN1_TIME *to = staple->to_s == 0 ? NULL : general(from_now(staple->to_s));
	ASN1_TIME *revoked = general(from_now(staple->from_s));
	OCSP_RESPONSE *whole;
	unsigned char *der = NULL;
	int count;

	need(id != NULL && basic != NULL, "new");
	need(OCSP_basic_add1_status(basic, id, staple->status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
		 revoked, from, to) != NULL,
	    "status");
	need(OCSP_basic_sign(basic, signer->cert, signer->key, EVP_sha256(), NULL, 0) == 1, "sign");
	whole = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	count = i2d_OCSP_RESPONSE(whole, &der);
	need(count > 0, "encode");
	*size = (size_t)count;
	OCSP_RESPONSE_free(whole);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_TIME_free(revoked);
	return der;
}

X509_CRL *
pki_list(const struct pki *issuer, const X509 *revoked, int from_days, int to_days)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *from = from_now(from_days * 86400L), *to = from_now(to_days * 86400L);

	need(list != NULL && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
		 X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->cert)) == 1 &&
		 X509_CRL_set1_lastUpdate(list, from) == 1 &&
		 X509_CRL_set1_nextUpdate(list, to) == 1,
	    "list");
	if (revoked != NULL) {
		X509_REVOKED *entry = X509_REVOKED_new();
		ASN1_INTEGER *serial = ASN1_INTEGER_dup(X509_get0_serialNumber(revoked));

		need(X509_REVOKED_set_serialNumber(entry, serial) == 1 &&
			 X509_REVOKED_set_revocationDate(entry, from) == 1 &&
			 X509_CRL_add0_revoked(list, entry) == 1,
		    "entry");
		ASN1_INTEGER_free(serial);
	}
	need(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0, "sign");
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	return list;
}
